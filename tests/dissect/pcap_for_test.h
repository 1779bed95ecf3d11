// Reads classic little-endian pcap files whole, and builds packets by hand, for the tests of the dissectors alone.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "collect/reader.h"

namespace tocsin::test {

inline std::string data_path(const std::string& name) {
  const char* given = std::getenv("TOCSIN_DATA");
  return (given != nullptr ? std::string(given) : std::string(TOCSIN_SOURCE_DIR "/../shared/data")) + "/" + name;
}

struct Capture {
  std::string bytes;
  std::vector<Packet> packets;
};

inline bool read_pcap(const std::string& path, Capture& capture) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  capture.bytes.assign(std::istreambuf_iterator<char>(file), {});
  const auto word = [&](std::size_t at) {
    std::uint32_t value = 0;
    std::memcpy(&value, capture.bytes.data() + at, 4);
    return value;
  };
  if (capture.bytes.size() < 24 || word(0) != 0xa1b2c3d4) return false;
  for (std::size_t at = 24; at + 16 <= capture.bytes.size();) {
    const std::size_t size = word(at + 8);
    if (at + 16 + size > capture.bytes.size()) break;
    Packet& packet = capture.packets.emplace_back();
    packet.time = static_cast<Timestamp>(word(at)) * kSecond + word(at + 4);
    packet.original_length = word(at + 12);
    packet.link_type = word(20);
    packet.place = {0, at, capture.packets.size()};
    packet.data = std::as_bytes(std::span(capture.bytes)).subspan(at + 16, size);
    at += 16 + size;
  }
  return true;
}

// Skips (or, in CI, fails) the test when the data is not there.
#define TOCSIN_READ_OR_SKIP(name, capture)                                    \
  if (!::tocsin::test::read_pcap(::tocsin::test::data_path(name), capture)) { \
    if (std::getenv("CI") != nullptr) FAIL() << "missing data: " << name;     \
    GTEST_SKIP() << "missing data: " << name;                                 \
  }

inline std::string n16(unsigned value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }
inline std::string n32(std::uint32_t value) { return n16(value >> 16) + n16(value & 0xffff); }

inline std::string udp(unsigned from, unsigned to, const std::string& payload) {
  return n16(from) + n16(to) + n16(static_cast<unsigned>(payload.size() + 8)) + n16(0) + payload;
}
inline std::string tcp(unsigned from, unsigned to, std::uint32_t sequence, unsigned flags,
                       const std::string& payload = {}) {
  return n16(from) + n16(to) + n32(sequence) + n32(0) + n16(0x5000 | flags) + n16(1024) + n32(0) + payload;
}
inline std::string icmp(unsigned type, unsigned code, unsigned id) {
  return n16(type << 8 | code) + n16(0) + n16(id) + n16(1) + "payload!";
}
// fragment: flags and offset as in the header.
inline std::string ipv4(std::uint32_t from, std::uint32_t to, unsigned protocol, const std::string& payload,
                        unsigned fragment = 0, const std::string& options = {}) {
  const auto words = static_cast<unsigned>(5 + options.size() / 4);
  return n16((0x40 | words) << 8) + n16(static_cast<unsigned>(words * 4 + payload.size())) + n16(77) + n16(fragment) +
         n16(64 << 8 | protocol) + n16(0) + n32(from) + n32(to) + options + payload;
}
inline std::string ipv6(unsigned from, unsigned to, unsigned next, const std::string& payload) {
  const auto address = [](unsigned last) { return n32(0x20010db8) + n32(0) + n32(0) + n32(last); };
  return n32(0x60000000) + n16(static_cast<unsigned>(payload.size())) + n16(next << 8 | 64) + address(from) +
         address(to) + payload;
}
inline std::string ethernet(unsigned type, const std::string& payload) {
  return std::string("\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 12) + n16(type) + payload;
}

inline Packet packet_of(std::string_view frame, Timestamp time = 0, std::uint32_t link_type = 1,
                        std::uint64_t record = 1) {
  return {time,
          static_cast<std::uint32_t>(frame.size()),
          link_type,
          {0, 0, record},
          std::as_bytes(std::span(frame.data(), frame.size()))};
}

}  // namespace tocsin::test
