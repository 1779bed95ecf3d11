// The next generation capture format (draft-ietf-opsawg-pcapng): sections in either byte order, several interfaces
// with their own resolution and offset, enhanced, simple and obsolete packet blocks; unknown blocks are passed over.

#include <fmt/format.h>

#include <cstring>

#include "collect/readers.h"

namespace tocsin {
namespace {

constexpr std::uint32_t kSection = 0x0a0d0d0a, kInterface = 1, kObsoletePacket = 2, kSimplePacket = 3, kEnhancedPacket = 6;
constexpr std::size_t kMostBlock = 8 << 20;
constexpr std::size_t kMostInterfaces = 65536;

struct Interface {
  std::uint32_t link_type = 0;
  std::uint32_t snap = 0;
  std::uint8_t resolution = 6;  // if_tsresol
  std::int64_t offset = 0;      // if_tsoffset, seconds
};

class PcapngReader : public PacketReader {
 public:
  PcapngReader(InputStream& input, std::uint32_t source) : input_(input), source_(source) {}

  bool read(std::vector<Packet>& packets) override {
    packets.clear();
    buffer_.clear();
    bool more = true;
    while (more && !buffer_.full()) more = read_block(packets);
    buffer_.settle(packets);
    return more;
  }

 private:
  std::uint32_t u32(std::span<const std::byte> bytes, std::size_t at) const {
    std::uint32_t value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return swapped_ ? __builtin_bswap32(value) : value;
  }
  std::uint16_t u16(std::span<const std::byte> bytes, std::size_t at) const {
    std::uint16_t value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return swapped_ ? __builtin_bswap16(value) : value;
  }

  bool read_block(std::vector<Packet>& packets) {
    auto head = input_.peek(12);
    if (head.empty()) return false;
    const std::string where = fmt::format("block {}", ++block_);
    if (head.size() < 12) {
      skips_.add(where, "block cut short by the end of the file");
      return false;
    }
    std::uint32_t raw_type;
    std::memcpy(&raw_type, head.data(), sizeof raw_type);
    if (raw_type == kSection) {  // a palindrome: its byte order is told by what follows
      std::uint32_t order;
      std::memcpy(&order, head.data() + 8, sizeof order);
      if (order != 0x1a2b3c4d && order != 0x4d3c2b1a) {
        skips_.add(where, "section of unknown byte order; the rest of the capture is not read");
        return false;
      }
      swapped_ = order == 0x4d3c2b1a;
      interfaces_.clear();
    }
    const std::uint32_t type = u32(head, 0);
    const std::uint32_t length = u32(head, 4);
    if (length < 12 || length > kMostBlock || length % 4 != 0) {
      skips_.add(where, "absurd block length; the rest of the capture is not read");
      return false;
    }
    const auto block = input_.peek(length);
    if (block.size() < length) {
      skips_.add(where, "block cut short by the end of the file");
      return false;
    }
    take(type, block.subspan(8, length - 12), where, packets);
    input_.consume(length);
    return true;
  }

  void take(std::uint32_t type, std::span<const std::byte> body, const std::string& where, std::vector<Packet>& packets) {
    if (type == kInterface) {
      add_interface(body, where);
    } else if (type == kEnhancedPacket || type == kObsoletePacket) {
      ++records_;
      if (body.size() < 20) return skips_.add(where, "packet block too short");
      const std::uint32_t interface = type == kEnhancedPacket ? u32(body, 0) : u16(body, 0);
      if (interface >= interfaces_.size()) return skips_.add(where, "packet of an interface that is not described");
      const std::uint64_t ticks = static_cast<std::uint64_t>(u32(body, 4)) << 32 | u32(body, 8);
      add_packet(interfaces_[interface], time_of(interfaces_[interface], ticks), u32(body, 12), u32(body, 16),
                 body.subspan(20), where, packets);
    } else if (type == kSimplePacket) {
      ++records_;
      if (body.size() < 4 || interfaces_.empty()) return skips_.add(where, "simple packet block without interface");
      const std::uint32_t original = u32(body, 0);
      const auto available = static_cast<std::uint32_t>(body.size() - 4);
      std::uint32_t captured = std::min(original, available);
      if (interfaces_[0].snap != 0) captured = std::min(captured, interfaces_[0].snap);
      add_packet(interfaces_[0], last_time_, captured, original, body.subspan(4), where, packets);
    }
  }

  void add_interface(std::span<const std::byte> body, const std::string& where) {
    if (body.size() < 8 || interfaces_.size() >= kMostInterfaces) return skips_.add(where, "interface block too short");
    Interface interface;
    interface.link_type = u16(body, 0);
    interface.snap = u32(body, 4);
    for (std::size_t at = 8; at + 4 <= body.size();) {
      const std::uint16_t code = u16(body, at), size = u16(body, at + 2);
      if (code == 0 || at + 4 + size > body.size()) break;
      if (code == 9 && size >= 1) interface.resolution = static_cast<std::uint8_t>(body[at + 4]);
      if (code == 14 && size >= 8) {
        const std::uint64_t first = u32(body, at + 4), second = u32(body, at + 8);
        interface.offset = static_cast<std::int64_t>(swapped_ ? first << 32 | second : second << 32 | first);
      }
      at += 4 + (size + 3U) / 4 * 4;
    }
    interfaces_.push_back(interface);
  }

  static Timestamp time_of(const Interface& interface, std::uint64_t ticks) {
    __extension__ using Wide = unsigned __int128;
    Wide micros = ticks;
    const unsigned exponent = interface.resolution & 0x7f;
    if ((interface.resolution & 0x80) != 0) {
      micros = exponent < 64 ? (micros * 1'000'000) >> exponent : 0;
    } else {
      for (unsigned i = 6; i < exponent && micros != 0; ++i) micros /= 10;
      for (unsigned i = exponent; i < 6; ++i) micros *= 10;
    }
    // Bounded so that a hostile offset can't overflow: some 146,000 years either way.
    constexpr std::int64_t most = 4'600'000'000'000;
    const std::int64_t offset = std::clamp<std::int64_t>(interface.offset, -most, most) * kSecond;
    return static_cast<Timestamp>(std::min<Wide>(micros, most * kSecond)) + offset;
  }

  void add_packet(const Interface& interface, Timestamp time, std::uint32_t captured, std::uint32_t original,
                  std::span<const std::byte> data, const std::string& where, std::vector<Packet>& packets) {
    if (captured > data.size() || captured > kMostFrame) return skips_.add(where, "packet longer than its block");
    Packet packet;
    packet.time = last_time_ = time;
    packet.original_length = original;
    packet.link_type = interface.link_type;
    packet.place = {source_, input_.offset(), records_};
    buffer_.add(data.subspan(0, captured));
    packets.push_back(packet);
  }

  InputStream& input_;
  std::uint32_t source_;
  PacketBuffer buffer_;
  std::vector<Interface> interfaces_;
  std::uint64_t block_ = 0;
  Timestamp last_time_ = 0;
  bool swapped_ = false;
};

}  // namespace

std::unique_ptr<PacketReader> make_pcapng_reader(InputStream& input, std::uint32_t source) {
  return std::make_unique<PcapngReader>(input, source);
}

}  // namespace tocsin
