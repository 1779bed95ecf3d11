// Numbers in network byte order; the caller has checked that they are there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tocsin::packet {

using Bytes = std::span<const std::uint8_t>;

inline std::uint16_t be16(Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}
inline std::uint32_t be32(Bytes bytes, std::size_t at) {
  return static_cast<std::uint32_t>(be16(bytes, at)) << 16 | be16(bytes, at + 2);
}

}  // namespace tocsin::packet
