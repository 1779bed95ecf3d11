// The readers of each format, and what line-based ones have in common. Private to this folder.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"
#include "collect/reader.h"

namespace tocsin {

std::unique_ptr<PacketReader> make_pcap_reader(InputStream& input, std::uint32_t source);
std::unique_ptr<PacketReader> make_pcapng_reader(InputStream& input, std::uint32_t source);
std::unique_ptr<ObservationReader> make_binetflow_reader(InputStream& input, std::uint32_t source);
std::unique_ptr<ObservationReader> make_zeek_reader(InputStream& input, std::uint32_t source, bool json);
std::unique_ptr<ObservationReader> make_eve_reader(InputStream& input, std::uint32_t source);

// Packets of a batch in one buffer that is used again.
class PacketBuffer {
 public:
  void clear() {
    bytes_.clear();
    starts_.clear();
  }
  bool full() const { return starts_.size() >= kBatchSize || bytes_.size() >= kMost; }
  void add(std::span<const std::byte> data) {
    starts_.push_back(bytes_.size());
    bytes_.insert(bytes_.end(), data.begin(), data.end());
  }
  // Once the batch is whole and the buffer moves no more.
  void settle(std::vector<Packet>& packets) const {
    for (std::size_t i = 0; i < packets.size(); ++i) {
      const std::size_t end = i + 1 < starts_.size() ? starts_[i + 1] : bytes_.size();
      packets[i].data = std::span(bytes_.data() + starts_[i], end - starts_[i]);
    }
  }

 private:
  static constexpr std::size_t kMost = 16 << 20;
  std::vector<std::byte> bytes_;
  std::vector<std::size_t> starts_;
};

// Larger frames are no frames (libpcap's MAXIMUM_SNAPLEN).
inline constexpr std::uint32_t kMostFrame = 262144;

// A log of lines: a derived class takes one at a time.
class LineReader : public ObservationReader {
 public:
  LineReader(InputStream& input, std::uint32_t source) : input_(input), source_(source) {}
  bool read(Batch& batch) final;

 protected:
  // Takes a line into the batch; the place is place(). Gives what is wrong with it, nothing if it is good.
  virtual std::optional<std::string_view> take(std::string_view line, Batch& batch) = 0;
  const Place& place() const { return place_; }

 private:
  InputStream& input_;
  std::uint32_t source_;
  Place place_;
  std::uint64_t line_ = 0;
};

// Whole text as an unsigned number; nothing if it is none.
std::optional<std::uint64_t> number_of(std::string_view text);
// As above, "0x1bb" too.
std::optional<std::uint64_t> number_or_hex_of(std::string_view text);
std::optional<std::uint8_t> protocol_of(std::string_view name);
// First CVE identifier in a text, also as cve_2014_0160, in the canonical form; empty if none.
std::string cve_in(std::string_view text);

}  // namespace tocsin
