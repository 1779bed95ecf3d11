// A stream of HTTP/2 (RFC 9113), or a frame that is of the whole connection.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/body_brotli.h"
#include "protocol/body_inflate.h"
#include "protocol/http2_headers.h"
#include "protocol/http_settings.h"
#include "protocol/transaction.h"

namespace tocsin::protocol {

enum class Http2Step : std::uint8_t { kStarted, kHeaders, kData, kClosed };

struct Http2Frame {
  std::uint8_t type = 0;
  std::optional<std::uint32_t> error, window;
  std::optional<std::uint8_t> priority;
  std::vector<std::pair<std::uint16_t, std::uint32_t>> settings;
};
// Whether one of a frame's settings is as "SETTINGS_MAX_FRAME_SIZE>16384" says.
bool http2_holds_setting(const Http2Frame& frame, std::string_view condition);

// The number of a keyword, or -1.
int http2_field(std::string_view keyword);
std::optional<std::uint64_t> http2_number_of(int field, std::string_view word);

class Http2Transaction final : public Transaction {
 public:
  using Streams = std::map<std::uint32_t, Http2Transaction*>;

  Http2Transaction(std::shared_ptr<const HttpSettings> settings, std::uint64_t number, Timestamp when,
                   std::uint32_t stream, std::shared_ptr<Streams> streams);
  ~Http2Transaction() override;

  std::uint32_t stream() const { return stream_; }
  void add_event(std::string_view event);
  void add_frame(Side side, Http2Frame frame);
  void add_headers(Side side, HeaderUnpacker::Block block);
  void add_data(Side side, Bytes bytes, bool is_last);
  void advance(Side side, Http2Step step);
  void complete();
  void changed(Side side) { ++version[static_cast<int>(side)]; }

  // Whether it carries messages of DNS (RFC 8484).
  bool has_dns() const { return half(Side::kToServer).dns || half(Side::kToClient).dns; }
  // Fields of DNS are asked by their numbers from here on.
  static constexpr int kFirstDnsField = 1000;

  std::optional<bool> holds(int field, Side side, std::span<const std::string> words) const override;
  Value value(int field, Side side, std::size_t index) const override;
  std::string eve() const override;

 private:
  struct Half {
    std::vector<Http2Header> headers;
    std::vector<std::uint64_t> sizes;
    std::vector<Http2Frame> frames;
    std::size_t header_bytes = 0;
    GrowingFile* file = nullptr;
    bool had_file = false;
    std::unique_ptr<BrotliBody> brotli;
    std::unique_ptr<InflateBody> inflate;
    std::unique_ptr<Transaction> dns;
    std::optional<std::string> dns_bytes;  // as far as they have come, of a body that says that it is DNS
    // Made when asked for.
    mutable std::map<int, std::string, std::less<>> made;
    mutable std::vector<std::string> single;
  };
  Half& half(Side side) { return halves_[static_cast<int>(side)]; }
  const Half& half(Side side) const { return halves_[static_cast<int>(side)]; }
  void add_decoded(Side side, Bytes bytes);
  void check_headers(Side side, const std::vector<Http2Header>& headers);
  void forget(Side side);
  void look_for_dns(Side side);
  void read_dns(Side side, std::string_view bytes);

  Value absent(Side side, Http2Step step) const;
  Value first(Side side, std::string_view name) const;
  Value joined(int field, Side side, std::string_view name) const;
  Value text(int field, Side side, std::string made) const;
  Value number(Side side, int field, std::size_t index) const;
  Value file(int field, Side side, std::size_t index) const;
  std::string headers_text(Side side, bool is_raw) const;

  std::shared_ptr<const HttpSettings> settings_;
  std::uint32_t stream_;
  std::shared_ptr<Streams> streams_;
  Half halves_[2];
};

}  // namespace tocsin::protocol
