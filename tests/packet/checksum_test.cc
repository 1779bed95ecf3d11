#include "packet/checksum.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace tocsin::packet {
namespace {

// As RFC 1071 has it, word by word.
std::uint16_t plain_sum(const std::vector<std::uint8_t>& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    sum += static_cast<std::uint32_t>(bytes[i] << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0));
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(sum);
}

TEST(Checksum, IsRightOfEachLengthAndWrongByABit) {
  std::mt19937 random(7);
  for (std::size_t size = 2; size < 100; ++size) {
    std::vector<std::uint8_t> bytes(size);
    // Many ones, so that much is carried.
    for (auto& byte : bytes) byte = random() % 3 == 0 ? static_cast<std::uint8_t>(random()) : std::uint8_t{0xff};
    bytes[0] = bytes[1] = 0;
    const auto sum = static_cast<std::uint16_t>(~plain_sum(bytes));
    bytes[0] = static_cast<std::uint8_t>(sum >> 8);
    bytes[1] = static_cast<std::uint8_t>(sum);
    EXPECT_TRUE(is_checksum_right(bytes)) << size;
    bytes[random() % size] ^= static_cast<std::uint8_t>(1U << random() % 8);
    EXPECT_FALSE(is_checksum_right(bytes)) << size;
  }
}

TEST(Checksum, OfASegmentMakesItRight) {
  for (const auto& [source, destination] :
       {std::pair("192.0.2.1", "198.51.100.7"), std::pair("2001:db8::1", "2001:db8::2")}) {
    for (const std::size_t size : {8U, 9U, 1460U}) {
      std::vector<std::uint8_t> segment(size);
      for (std::size_t i = 0; i < size; ++i) segment[i] = static_cast<std::uint8_t>(i * 37 + 5);
      segment[6] = segment[7] = 0;
      const IpAddress from = *IpAddress::parse(source), to = *IpAddress::parse(destination);
      const std::uint16_t checksum = checksum_of(segment, from, to, 17);
      segment[6] = static_cast<std::uint8_t>(checksum >> 8);
      segment[7] = static_cast<std::uint8_t>(checksum);
      EXPECT_TRUE(is_checksum_right(segment, from, to, 17)) << source << " " << size;
      EXPECT_FALSE(is_checksum_right(segment, from, to, 6)) << source << " " << size;
    }
  }
}

}  // namespace
}  // namespace tocsin::packet
