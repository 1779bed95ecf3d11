// The framing of IPFIX (RFC 7011 section 3) and NetFlow version 9 (RFC 3954 section 5): a source's bytes to sets, each
// with what its message's header says.
#pragma once

#include <cstdint>
#include <span>

#include "base/time.h"
#include "collect/input.h"

namespace tocsin::collect {

inline std::uint16_t u16_at(std::span<const std::byte> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[at]) << 8 |
                                    std::to_integer<unsigned>(bytes[at + 1]));
}
inline std::uint32_t u32_at(std::span<const std::byte> bytes, std::size_t at) {
  return static_cast<std::uint32_t>(u16_at(bytes, at)) << 16 | u16_at(bytes, at + 2);
}

struct MessageHeader {
  std::uint16_t version = 0;  // 10: IPFIX; 9: NetFlow
  std::uint32_t domain = 0;   // observation domain, or source id
  Timestamp sent = 0;         // export time
  std::uint32_t uptime = 0;   // of the exporter when it sent this, milliseconds; NetFlow only
};

struct IpfixSet {
  std::uint16_t id = 0;
  std::span<const std::byte> body;  // without the set's header; valid until the next set is asked for
  std::uint64_t offset = 0;         // of the body, in the decompressed source
  MessageHeader message;

  bool is_netflow() const { return message.version == 9; }
  bool is_templates() const { return id == (is_netflow() ? 0 : 2); }
  bool is_options_templates() const { return id == (is_netflow() ? 1 : 3); }
};

class IpfixSets {
 public:
  // Damage is counted in `skips`.
  IpfixSets(InputStream& input, Skips& skips) : input_(input), skips_(skips) {}
  // False at the end.
  bool next(IpfixSet& set);

 private:
  bool ensure(std::size_t bytes);
  bool begin_message();
  void finish(const char* what);
  void find_message(const char* what);
  std::span<const std::byte> rest() const { return view_.subspan(at_); }
  void skip(const char* what);

  InputStream& input_;
  Skips& skips_;
  std::span<const std::byte> view_;
  std::size_t at_ = 0;
  MessageHeader message_;
  std::size_t left_ = 0;  // of an IPFIX message; NetFlow does not say how long it is
  bool in_message_ = false;
  bool ended_ = false;
};

// Whether these bytes can be the beginning of a message, and what follows it that of another. `ends`: there are no
// bytes after these.
bool begins_ipfix_message(std::span<const std::byte> bytes, bool ends);

}  // namespace tocsin::collect
