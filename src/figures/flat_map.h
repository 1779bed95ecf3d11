// Tables for counting: hashed (flat, open addressing, linear probing), or by number.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace tocsin::figures {

// Keys to numbers below kNone. A slot is a key and a number (8 bytes for keys of 32 bits, 16 for 64, 24 for 128); at
// most three in five are taken, and the table doubles, so that an entry costs 13 to 27 bytes for keys of 32 bits, 27 to
// 53 for 64 and 40 to 80 for 128. The hash has a seed of its own, so that nobody can choose addresses which collide.
template <typename Key>
class FlatMap {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  // The number of a key: `value` if the key is new. Second: whether it is new.
  std::pair<std::uint32_t, bool> insert(const Key& key, std::uint32_t value) {
    if ((size_ + 1) * 5 > slots_.size() * 3) grow();
    Slot& slot = slots_[place_of(key)];
    if (slot.value != kNone) return {slot.value, false};
    slot = {key, value};
    ++size_;
    return {value, true};
  }
  // Who knows which keys come next has their places in the processor's cache when they are asked for.
  void prefetch(const Key& key) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash(key) & (slots_.size() - 1)]);
  }
  // Gives a key another number; it must be there.
  void set(const Key& key, std::uint32_t value) { slots_[place_of(key)].value = value; }
  std::size_t size() const { return size_; }
  // Also gives back the memory, if it was much more than was needed.
  void clear() {
    if (slots_.size() > kFirst && size_ * 8 < slots_.size()) {
      slots_ = {};
    } else {
      slots_.assign(slots_.size(), Slot{});
    }
    size_ = 0;
  }

 private:
  struct Slot {
    Key key{};
    std::uint32_t value = kNone;
  };
  static constexpr std::size_t kFirst = 64;

  static std::uint64_t seed() {
    static const std::uint64_t drawn = [] {
      std::random_device device;
      return (static_cast<std::uint64_t>(device()) << 32 | device()) | 1;
    }();
    return drawn;
  }
  static std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  std::uint64_t hash(std::uint64_t key) const {
    return mixed(mixed(key ^ seed_, 0x9e3779b97f4a7c15ULL) ^ seed_, 0xd6e8feb86659fd93ULL);
  }
  std::uint64_t hash(const Hash128& key) const { return hash(hash(key.high) + key.low); }

  std::size_t place_of(const Key& key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t place = hash(key) & mask;
    while (slots_[place].value != kNone && !(slots_[place].key == key)) place = (place + 1) & mask;
    return place;
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? kFirst : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.value != kNone) slots_[place_of(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
  std::uint64_t seed_ = seed();
};

// The same for keys that are numbers counted from 0, most of which may be absent: 4 bytes for each of the 256 that lie
// together with one that is there, and 8 bytes for 256 below the largest.
class NumberMap {
 public:
  static constexpr std::uint32_t kNone = FlatMap<std::uint32_t>::kNone;

  std::pair<std::uint32_t, bool> insert(std::uint32_t key, std::uint32_t value) {
    const std::size_t number = key / kPage;
    if (number >= pages_.size()) pages_.resize(std::max(number + 1, pages_.size() * 2));
    auto& page = pages_[number];
    if (!page) {
      page = std::make_unique<Page>();
      page->fill(kNone);
    }
    std::uint32_t& at = (*page)[key % kPage];
    if (at != kNone) return {at, false};
    at = value;
    return {value, true};
  }
  void prefetch(std::uint32_t key) const {
    const std::size_t number = key / kPage;
    if (number < pages_.size() && pages_[number]) __builtin_prefetch(&(*pages_[number])[key % kPage]);
  }
  void clear() {
    for (auto& page : pages_) {
      if (page) page->fill(kNone);
    }
  }

 private:
  static constexpr std::size_t kPage = 256;
  using Page = std::array<std::uint32_t, kPage>;
  std::vector<std::unique_ptr<Page>> pages_;
};

}  // namespace tocsin::figures
