#pragma once

#include <array>
#include <cstdint>
#include <random>

#include "base/ip_address.h"

namespace tocsin {

// A hash that nobody outside can foresee: addresses are chosen by attackers, who must not choose collisions. Nothing
// that comes out may depend on it.
class KeyedHash {
 public:
  KeyedHash() {
    std::random_device random;
    for (std::uint64_t& key : keys_) key = (std::uint64_t{random()} << 32 | random()) | 1;
  }
  std::uint64_t operator()(const IpAddress& ip) const { return fold(ip.high() ^ keys_[0], ip.low() ^ keys_[1]); }
  std::uint64_t operator()(std::uint64_t a, std::uint64_t b) const { return fold(a ^ keys_[1], b ^ keys_[2]); }

 private:
  __extension__ using Wide = unsigned __int128;
  static std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  std::array<std::uint64_t, 3> keys_;
};

}  // namespace tocsin
