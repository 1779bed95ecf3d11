// A pool of entries that are found by a hash and are kept in the order of their last use, so that the one used longest
// ago can make room. Entries stay where they are until they are erased; an index is four bytes.
//
// Nearly every flow asks such a table, and nearly every entry is far from any cache: what a flow costs is how often it
// waits for memory. So each step of the way to an entry can be fetched ahead, for many flows at once: prefetch(), then
// prefetch_entry(). The links and hashes, which are also of an entry's neighbours, lie apart and close together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/hash.h"
#include "base/index_table.h"
#include "base/keyed_hash.h"

namespace tocsin {

template <typename Entry>
class RecentTable {
 public:
  // The index of the entry for which equal(entry, index) holds, or kNoIndex.
  template <typename Equal>
  std::uint32_t find(std::uint32_t hash, Equal&& equal) const {
    return table_.find(hash, [&](std::uint32_t index) { return equal(at(index), index); });
  }
  // A new one, as the one used last.
  std::uint32_t add(std::uint32_t hash) {
    if (free_.empty()) {
      const auto begin = static_cast<std::uint32_t>(links_.size());
      slabs_.push_back(std::make_unique<Entry[]>(kSlab));
      links_.resize(begin + kSlab);
      for (std::uint32_t i = kSlab; i > 0; --i) free_.push_back(begin + i - 1);
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    links_[index].hash = hash;
    table_.insert(hash, index);
    append(index);
    return index;
  }
  void erase(std::uint32_t index) {
    at(index) = Entry{};
    table_.erase(links_[index].hash, index);
    remove(index);
    free_.push_back(index);
  }

  Entry& at(std::uint32_t index) { return slabs_[index / kSlab][index % kSlab]; }
  const Entry& at(std::uint32_t index) const { return slabs_[index / kSlab][index % kSlab]; }

  // Makes it the one used last.
  void use(std::uint32_t index) {
    if (index == newest_) return;
    remove(index);
    append(index);
  }
  // The one used longest ago, kNoIndex if there is none.
  std::uint32_t oldest() const { return oldest_; }
  std::size_t size() const { return table_.size(); }

  void prefetch(std::uint32_t hash) const { table_.prefetch(hash); }
  // What the hash probably leads to, kNoIndex for nothing.
  std::uint32_t guess(std::uint32_t hash) const { return table_.guess(hash); }
  std::uint32_t prefetch_entry(std::uint32_t hash) const {
    const std::uint32_t index = table_.guess(hash);
    if (index == kNoIndex) return kNoIndex;
    __builtin_prefetch(&at(index), 1);
    __builtin_prefetch(&links_[index], 1);
    return index;
  }
  // Entries that will be among the oldest soon, and what erasing them looks at. The one that was fetched a few calls
  // ago, if it still waits for its turn; kNoIndex if there is none.
  std::uint32_t prefetch_oldest() const {
    std::uint32_t index = oldest_, fetched = kNoIndex;
    for (int step = 0; step < 6 && index != kNoIndex; ++step) {
      index = links_[index].after;
      if (step == 2) fetched = index;
    }
    if (index == kNoIndex) return kNoIndex;
    __builtin_prefetch(&at(index), 1);
    table_.prefetch(links_[index].hash);
    return fetched;
  }

 private:
  static constexpr std::size_t kSlab = 1024;
  struct Link {
    std::uint32_t before = kNoIndex, after = kNoIndex;
    std::uint32_t hash = 0;
  };
  void append(std::uint32_t index) {
    links_[index].before = newest_;
    links_[index].after = kNoIndex;
    (newest_ == kNoIndex ? oldest_ : links_[newest_].after) = index;
    newest_ = index;
  }
  void remove(std::uint32_t index) {
    const Link link = links_[index];
    (link.before == kNoIndex ? oldest_ : links_[link.before].after) = link.after;
    (link.after == kNoIndex ? newest_ : links_[link.after].before) = link.before;
  }

  IndexTable table_;
  std::vector<std::unique_ptr<Entry[]>> slabs_;
  std::vector<Link> links_;
  std::vector<std::uint32_t> free_;
  std::uint32_t oldest_ = kNoIndex, newest_ = kNoIndex;
};

}  // namespace tocsin
