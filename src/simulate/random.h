// Random numbers that are the same on every machine: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace tocsin::simulate {

__extension__ using Wide = unsigned __int128;

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // Below `end`, which is not nought (Lemire's multiplication; the bias is below 2^-32 for what is asked here).
  std::uint64_t below(std::uint64_t end) { return static_cast<std::uint64_t>((static_cast<Wide>(next()) * end) >> 64); }
  bool chance(double part) { return static_cast<double>(next() >> 11) * 0x1.0p-53 < part; }
  template <typename T>
  const T& of(const std::vector<T>& list) {
    return list[below(list.size())];
  }

 private:
  std::uint64_t state_;
};

// The numbers below `size` in another order: multiplied by a number that shares no factor with it.
class Shuffle {
 public:
  explicit Shuffle(std::uint64_t size) : size_(size), factor_((size / 1000 * 618 + size % 1000 * 618 / 1000) | 1) {
    while (std::gcd(factor_, size) != 1) factor_ += 2;
  }
  std::uint64_t operator()(std::uint64_t index) const {
    return static_cast<std::uint64_t>(static_cast<Wide>(index) * factor_ % size_);
  }

 private:
  std::uint64_t size_;
  std::uint64_t factor_;
};

}  // namespace tocsin::simulate
