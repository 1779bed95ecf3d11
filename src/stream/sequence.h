// Sequence numbers of TCP, which wrap around (RFC 9293 section 3.4).
#pragma once

#include <cstdint>

namespace tocsin::stream {

constexpr std::int32_t distance(std::uint32_t from, std::uint32_t to) { return static_cast<std::int32_t>(to - from); }
constexpr bool before(std::uint32_t a, std::uint32_t b) { return distance(a, b) > 0; }
constexpr bool not_after(std::uint32_t a, std::uint32_t b) { return distance(a, b) >= 0; }
constexpr bool after(std::uint32_t a, std::uint32_t b) { return distance(a, b) < 0; }
constexpr bool not_before(std::uint32_t a, std::uint32_t b) { return distance(a, b) <= 0; }

}  // namespace tocsin::stream
