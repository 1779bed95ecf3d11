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

}  // namespace
}  // namespace tocsin::packet
