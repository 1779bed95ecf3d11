#include "packet/checksum.h"

#include <array>
#include <bit>
#include <cstring>

namespace tocsin::packet {
namespace {

// In the machine's byte order: the sum of swapped words is the swapped sum.
std::uint64_t sum_of(Bytes bytes, std::uint64_t sum) {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  // What is carried out comes in again at the other end. Two sums, so that one need not wait for the other.
  std::uint64_t other = 0;
  const auto add = [](std::uint64_t& to, std::uint64_t word) {
    to += word;
    to += to < word ? 1 : 0;
  };
  for (; left >= 16; at += 16, left -= 16) {
    std::uint64_t words[2];
    std::memcpy(words, at, 16);
    add(sum, words[0]);
    add(other, words[1]);
  }
  add(sum, other);
  if (left >= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    add(sum, word);
    at += 8;
    left -= 8;
  }
  for (; left >= 2; at += 2, left -= 2) {
    std::uint16_t word;
    std::memcpy(&word, at, 2);
    add(sum, word);
  }
  if (left) {
    const std::uint8_t last[2] = {*at, 0};
    std::uint16_t word;
    std::memcpy(&word, last, 2);
    add(sum, word);
  }
  return sum;
}

std::uint16_t folded(std::uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

// Of a segment and its pseudo header.
std::uint64_t sum_of(Bytes segment, const IpAddress& source, const IpAddress& destination, std::uint8_t protocol) {
  const std::size_t skipped = source.is_v4() && destination.is_v4() ? 12 : 0;
  std::uint64_t sum = sum_of(Bytes(source.bytes()).subspan(skipped), 0);
  sum = sum_of(Bytes(destination.bytes()).subspan(skipped), sum);
  const auto length = static_cast<std::uint32_t>(segment.size());
  const std::uint8_t rest[8] = {static_cast<std::uint8_t>(length >> 24),
                                static_cast<std::uint8_t>(length >> 16),
                                static_cast<std::uint8_t>(length >> 8),
                                static_cast<std::uint8_t>(length),
                                0,
                                0,
                                0,
                                protocol};
  return sum_of(segment, sum_of(rest, sum));
}

}  // namespace

bool is_checksum_right(Bytes bytes) { return folded(sum_of(bytes, 0)) == 0xffff; }

bool is_checksum_right(Bytes segment, const IpAddress& source, const IpAddress& destination, std::uint8_t protocol) {
  return folded(sum_of(segment, source, destination, protocol)) == 0xffff;
}

std::uint16_t checksum_of(Bytes segment, const IpAddress& source, const IpAddress& destination, std::uint8_t protocol) {
  const auto sum = static_cast<std::uint16_t>(~folded(sum_of(segment, source, destination, protocol)));
  // The sum is in the machine's byte order.
  const std::array<std::uint8_t, 2> bytes = std::bit_cast<std::array<std::uint8_t, 2>>(sum);
  return be16(bytes, 0);
}

}  // namespace tocsin::packet
