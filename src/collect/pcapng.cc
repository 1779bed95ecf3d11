// The capture format of Wireshark (draft-ietf-opsawg-pcapng): a run of blocks, each with its type and its length, which
// is written again at its end. A section may be of either byte order; an interface has its own link type and clock.
//
// That a block's length stands at both of its ends is what makes a damaged file readable: where it does not, the reader
// looks for the next place with a known type where it does. Packets are views of the stream's buffer, as in pcap.cc.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "collect/readers.h"

namespace tocsin::collect {
namespace {

constexpr std::size_t kWindow = 1 << 20;
constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a, kInterface = 1, kOldPacket = 2, kSimplePacket = 3,
                        kEnhancedPacket = 6;
constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;
// Larger blocks of other types are passed over all the same; a packet's block is never so large.
constexpr std::uint32_t kMostBlock = kWindow / 2;
constexpr std::size_t kMostInterfaces = 65'536;
// Seconds; the year 11,000 or so. What is beyond would overflow microseconds.
constexpr std::int64_t kMostSeconds = 300'000'000'000;

struct Interface {
  std::uint32_t link_type = 0;
  std::uint32_t snap_length = 0;
  std::uint64_t units_per_second = 1'000'000;
  std::int64_t offset_seconds = 0;
};

class PcapngReader : public PacketReader {
 public:
  PcapngReader(InputStream& input, std::uint32_t source) : input_(input), source_(source) {}

  bool read(std::vector<Packet>& packets) override {
    packets.clear();
    while (packets.empty() && !ended_) {
      input_.consume(used_);
      used_ = 0;
      // Only here, where no packet is a view of the window: these may move the window on.
      if (to_pass_ > 0 && !pass()) break;
      window_ = input_.peek(kWindow);
      whole_ = window_.size() < kWindow;
      if (lost_) resynchronise();
      if (!ended_) take_blocks(packets);
    }
    return !packets.empty();
  }

 private:
  std::uint32_t word(std::size_t at) const {
    std::uint32_t value;
    std::memcpy(&value, window_.data() + at, sizeof value);
    return swapped_ ? __builtin_bswap32(value) : value;
  }
  std::uint16_t half(std::size_t at) const {
    std::uint16_t value;
    std::memcpy(&value, window_.data() + at, sizeof value);
    return swapped_ ? __builtin_bswap16(value) : value;
  }

  void bad(std::string_view reason) {
    skips_.add(fmt::format("packet {}, byte {}", records_, input_.offset() + used_), reason);
  }

  void bad_packet(std::string_view reason) {
    ++records_;
    bad(reason);
  }

  void lose(std::string_view reason) {
    bad_packet(reason);
    ++used_;
    lost_ = true;
  }

  bool pass() {
    while (to_pass_ > 0) {
      const auto view = input_.peek(1);
      if (view.empty()) {
        bad("truncated block");
        ended_ = true;
        return false;
      }
      const std::size_t step = std::min<std::uint64_t>(to_pass_, view.size());
      input_.consume(step);
      to_pass_ -= step;
    }
    return true;
  }

  void end(std::size_t left, std::string_view reason) {
    if (left > 0) bad_packet(reason);
    used_ = window_.size();
    ended_ = true;
  }

  void take_blocks(std::vector<Packet>& packets) {
    while (packets.size() < kBatchSize) {
      const std::size_t left = window_.size() - used_;
      if (left < 12) {
        if (whole_) end(left, "truncated block");
        return;
      }
      const std::uint32_t type = word(used_);
      if (type == kSectionHeader && !take_byte_order()) return lose("unknown byte order");
      if (!in_section_ && type != kSectionHeader) return lose("not a section header");
      const std::uint32_t length = word(used_ + 4);
      if (length < 12 || length % 4 != 0) return lose("impossible block length");
      if (length > kMostBlock) {
        if (is_taken(type)) return lose("impossible block length");
        to_pass_ = length;
        return;
      }
      if (length > left) {
        if (whole_) end(left, "truncated block");
        return;
      }
      if (word(used_ + length - 4) != length) return lose("block lengths that differ");
      take_block(type, length, packets);
      used_ += length;
    }
  }

  static bool is_taken(std::uint32_t type) {
    return type == kSectionHeader || type == kInterface || type == kOldPacket || type == kSimplePacket ||
           type == kEnhancedPacket;
  }

  bool take_byte_order() {
    std::uint32_t magic;
    std::memcpy(&magic, window_.data() + used_ + 8, sizeof magic);
    if (magic != kByteOrder && magic != __builtin_bswap32(kByteOrder)) return false;
    swapped_ = magic != kByteOrder;
    return true;
  }

  void take_block(std::uint32_t type, std::uint32_t length, std::vector<Packet>& packets) {
    const std::size_t body = length - 12;
    switch (type) {
      case kSectionHeader:
        interfaces_.clear();
        in_section_ = true;
        return;
      case kInterface:
        return take_interface(body);
      case kEnhancedPacket:
        if (body < 20) return bad_packet("truncated packet block");
        return take_packet(word(used_ + 8), word(used_ + 12), word(used_ + 16), word(used_ + 20), word(used_ + 24),
                           used_ + 28, body - 20, packets);
      case kOldPacket:
        if (body < 20) return bad_packet("truncated packet block");
        return take_packet(half(used_ + 8), word(used_ + 12), word(used_ + 16), word(used_ + 20), word(used_ + 24),
                           used_ + 28, body - 20, packets);
      case kSimplePacket:
        if (body < 4) return bad_packet("truncated packet block");
        return take_simple_packet(body - 4, packets);
      default:
        return;
    }
  }

  void take_interface(std::size_t body) {
    if (body < 8 || interfaces_.size() >= kMostInterfaces) return bad("bad interface block");
    Interface interface;
    interface.link_type = half(used_ + 8);
    interface.snap_length = word(used_ + 12);
    std::size_t at = used_ + 16;
    const std::size_t options_end = used_ + 8 + body;
    while (options_end - at >= 4) {
      const std::uint16_t code = half(at);
      const std::size_t size = half(at + 2);
      at += 4;
      if (code == 0 || size > options_end - at) break;
      if (code == 9 && size >= 1) take_resolution(std::to_integer<std::uint8_t>(window_[at]), interface);
      if (code == 14 && size >= 8) {
        const std::uint64_t low = word(swapped_ ? at + 4 : at);
        const std::uint64_t high = word(swapped_ ? at : at + 4);
        interface.offset_seconds = static_cast<std::int64_t>(high << 32 | low);
      }
      at += std::min((size + 3) / 4 * 4, options_end - at);
    }
    interfaces_.push_back(interface);
  }

  // if_tsresol: a negative power of ten or, with the highest bit, of two.
  void take_resolution(std::uint8_t value, Interface& interface) {
    const unsigned power = value & 0x7fU;
    const bool binary = (value & 0x80U) != 0;
    if (power > (binary ? 63U : 19U)) return bad("impossible time resolution");
    std::uint64_t units = 1;
    for (unsigned i = 0; i < power; ++i) units *= binary ? 2 : 10;
    interface.units_per_second = units;
  }

  static std::optional<Timestamp> time_of(std::uint64_t units, const Interface& interface) {
    const std::uint64_t per_second = interface.units_per_second;
    const std::uint64_t seconds = units / per_second;
    const std::uint64_t rest = units % per_second;
    if (seconds > static_cast<std::uint64_t>(kMostSeconds) || interface.offset_seconds > kMostSeconds ||
        interface.offset_seconds < -kMostSeconds)
      return std::nullopt;
    // Beyond 2^44 units a second, rest * 10^6 may overflow: then a microsecond is more than 2^20 units.
    const std::uint64_t micros =
        per_second <= 1ULL << 44 ? rest * 1'000'000 / per_second : rest / (per_second / 1'000'000);
    return (static_cast<Timestamp>(seconds) + interface.offset_seconds) * kSecond +
           static_cast<Timestamp>(std::min<std::uint64_t>(micros, 999'999));
  }

  void take_packet(std::uint32_t interface, std::uint32_t high, std::uint32_t low, std::uint32_t captured,
                   std::uint32_t original, std::size_t data, std::size_t room, std::vector<Packet>& packets) {
    if (interface >= interfaces_.size()) return bad_packet("packet of an interface that is not described");
    if (captured > room || captured > kMostPacket) return bad_packet("impossible packet length");
    const auto time = time_of(std::uint64_t{high} << 32 | low, interfaces_[interface]);
    if (!time) return bad_packet("impossible time");
    last_time_ = *time;
    put(*time, interfaces_[interface].link_type, captured, original, data, packets);
  }

  // Simple packets have no time and belong to the first interface: the last known time is the best there is.
  void take_simple_packet(std::size_t room, std::vector<Packet>& packets) {
    if (interfaces_.empty()) return bad_packet("packet of an interface that is not described");
    const std::uint32_t original = word(used_ + 8);
    const std::uint32_t snap = interfaces_[0].snap_length;
    const std::uint32_t captured = snap == 0 ? original : std::min(original, snap);
    if (captured > room || captured > kMostPacket) return bad_packet("impossible packet length");
    put(last_time_, interfaces_[0].link_type, captured, original, used_ + 12, packets);
  }

  void put(Timestamp time, std::uint32_t link_type, std::uint32_t captured, std::uint32_t original, std::size_t data,
           std::vector<Packet>& packets) {
    ++records_;
    Packet& packet = packets.emplace_back();
    packet.time = time;
    packet.original_length = std::max(original, captured);
    packet.link_type = link_type;
    packet.place = {source_, input_.offset() + used_, records_};
    packet.data = window_.subspan(data, captured);
  }

  bool possible(std::size_t at) {
    if (word(at) == kSectionHeader) {
      std::uint32_t magic;
      std::memcpy(&magic, window_.data() + at + 8, sizeof magic);
      return magic == kByteOrder || magic == __builtin_bswap32(kByteOrder);
    }
    const std::uint32_t length = word(at + 4);
    return in_section_ && is_taken(word(at)) && length >= 16 && length % 4 == 0 && length <= kMostBlock &&
           length <= window_.size() - at && word(at + length - 4) == length;
  }

  // Moves used_ to the next place that can be a block, refilling the window before it gets too short to judge.
  void resynchronise() {
    lost_ = false;
    while (window_.size() - used_ >= 12) {
      if (possible(used_)) return;
      ++used_;
      if (!whole_ && window_.size() - used_ < kMostBlock) {
        input_.consume(used_);
        used_ = 0;
        window_ = input_.peek(kWindow);
        whole_ = window_.size() < kWindow;
      }
    }
    used_ = window_.size();
    ended_ = true;
  }

  InputStream& input_;
  std::uint32_t source_;
  std::span<const std::byte> window_;
  std::size_t used_ = 0;
  std::uint64_t to_pass_ = 0;  // of a large block that is not taken
  std::vector<Interface> interfaces_;
  Timestamp last_time_ = 0;
  bool in_section_ = false;
  bool swapped_ = false;
  bool whole_ = false;  // the window reaches the end of the input
  bool lost_ = false;   // the next block's place is not known
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<PacketReader> make_pcapng_reader(InputStream& input, std::uint32_t source) {
  return std::make_unique<PcapngReader>(input, source);
}

}  // namespace tocsin::collect
