// Frames for tests, and what the decoder makes of them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "packet/decoder.h"

namespace tocsin::packet {

inline std::string big(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

// From hexadecimal, with spaces anywhere.
inline std::string hex(std::string_view digits) {
  std::string bytes;
  int half = -1;
  for (const char c : digits) {
    if (c == ' ') continue;
    const int value = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
    if (half < 0) {
      half = value;
    } else {
      bytes += static_cast<char>(half * 16 + value);
      half = -1;
    }
  }
  return bytes;
}

struct Ipv4 {
  std::uint8_t protocol = kUdp;
  std::string options = {};
  std::uint16_t id = 0, fragment = 0;  // with the flags
  std::uint8_t ttl = 64;
  std::uint32_t source = 0x0a000001, destination = 0x0a000002;
};
inline std::string ipv4(const std::string& payload, const Ipv4& header = {}) {
  const std::size_t length = 20 + header.options.size();
  return big(0x40 + length / 4, 1) + big(0, 1) + big(length + payload.size(), 2) + big(header.id, 2) +
         big(header.fragment, 2) + big(header.ttl, 1) + big(header.protocol, 1) + big(0, 2) + big(header.source, 4) +
         big(header.destination, 4) + header.options + payload;
}
inline std::string ipv6(const std::string& payload, std::uint8_t next, std::uint8_t hops = 64) {
  return big(0x60000000, 4) + big(payload.size(), 2) + big(next, 1) + big(hops, 1) + big(0x20010db8, 4) + big(0, 8) +
         big(1, 4) + big(0x20010db8, 4) + big(0, 8) + big(2, 4) + payload;
}
inline std::string udp(const std::string& payload, std::uint16_t from = 1000, std::uint16_t to = 2000) {
  return big(from, 2) + big(to, 2) + big(8 + payload.size(), 2) + big(0, 2) + payload;
}
inline std::string tcp(const std::string& payload, const std::string& options = {}, std::uint8_t flags = kAck) {
  return big(1000, 2) + big(80, 2) + big(1, 4) + big(2, 4) + big((20 + options.size()) / 4 * 16, 1) + big(flags, 1) +
         big(500, 2) + big(0, 4) + options + payload;
}
inline std::string ethernet(std::uint16_t type, const std::string& payload) {
  return big(0x020000000002, 6) + big(0x020000000001, 6) + big(type, 2) + payload;
}

class Frames {
 public:
  explicit Frames(const Options& options = {}) : decoder(options) {}

  // The packets live until the next frame.
  const std::vector<Packet>& decode(std::uint32_t link_type, const std::string& frame) {
    packets.clear();
    kept = frame;
    time += kSecond / 1000;
    decoder.decode(link_type, {reinterpret_cast<const std::uint8_t*>(kept.data()), kept.size()}, time, ++number,
                   [this](const Packet& packet) { packets.push_back(packet); });
    return packets;
  }
  const std::vector<Packet>& ip(const std::string& datagram) { return decode(101, datagram); }

  std::vector<std::string> events() const {
    std::vector<std::string> names;
    for (const Packet& packet : packets) names.insert(names.end(), packet.events.begin(), packet.events.end());
    return names;
  }
  std::uint64_t count(std::string_view name) const { return decoder.counters().find(name)->second; }
  static std::string text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

  Decoder decoder;
  std::vector<Packet> packets;
  std::string kept;
  Timestamp time = 1'700'000'000 * kSecond;
  std::uint64_t number = 0;
};

}  // namespace tocsin::packet
