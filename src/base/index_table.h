// An open-addressed table from a hash to an index into a pool that someone else keeps: linear probing, deletion by
// shifting back (no tombstones), 8 bytes a slot. The pool compares keys; the table only narrows the search. Whoever
// fears that an attacker chooses collisions gives a hash that is keyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tocsin {

inline constexpr std::uint32_t kNoIndex = 0xffffffff;

class IndexTable {
 public:
  IndexTable() : slots_(1024) {}

  // The first index under this hash for which equal(index) holds, or kNoIndex.
  template <typename Equal>
  std::uint32_t find(std::uint32_t hash, Equal&& equal) const {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.index == kNoIndex) return kNoIndex;
      if (slot.hash == hash && equal(slot.index)) return slot.index;
    }
  }
  void insert(std::uint32_t hash, std::uint32_t index) {
    if ((size_ + 1) * 8 > slots_.size() * 5) grow();
    place(hash, index);
    ++size_;
  }
  void erase(std::uint32_t hash, std::uint32_t index) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t hole = hash & mask;
    while (slots_[hole].index != index) {
      if (slots_[hole].index == kNoIndex) return;
      hole = (hole + 1) & mask;
    }
    for (std::size_t at = (hole + 1) & mask; slots_[at].index != kNoIndex; at = (at + 1) & mask) {
      // Movable if its home is not between the hole (exclusive) and where it stands.
      if (((at - slots_[at].hash) & mask) >= ((at - hole) & mask)) {
        slots_[hole] = slots_[at];
        hole = at;
      }
    }
    slots_[hole] = Slot{};
    --size_;
  }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return slots_.size() * sizeof(Slot); }
  void prefetch(std::uint32_t hash) const { __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]); }
  // What stands where the search for hash begins: probably what it finds.
  std::uint32_t guess(std::uint32_t hash) const {
    const Slot& slot = slots_[hash & (slots_.size() - 1)];
    return slot.hash == hash ? slot.index : kNoIndex;
  }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t index = kNoIndex;
  };
  void place(std::uint32_t hash, std::uint32_t index) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    while (slots_[at].index != kNoIndex) at = (at + 1) & mask;
    slots_[at] = Slot{hash, index};
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    std::swap(old, slots_);
    for (const Slot& slot : old) {
      if (slot.index != kNoIndex) place(slot.hash, slot.index);
    }
  }
  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace tocsin
