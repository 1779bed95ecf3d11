// Presences in bounded memory: by address and hour, merged; when there are too many, a sample of addresses by hash.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "estimate/machines.h"

namespace tocsin {

// One hour of one address.
struct HourCount {
  std::uint32_t hour;  // from the window's first
  std::uint32_t count;
};

class PresenceLog {
 public:
  PresenceLog(std::int64_t first_hour, std::uint32_t hours, std::size_t capacity);

  void add(const Presence& presence);
  // Who knows which addresses come next has their places in the processor's cache when they are added.
  void prefetch(const Presence& presence) const;
  // Sorts what is held: afterwards the addresses can be read, and more can be added.
  void settle();

  std::size_t kept_addresses() const { return hashes_.size(); }
  std::uint64_t hash(std::size_t address) const { return hashes_[address]; }
  std::uint32_t network(std::size_t address) const { return networks_[address]; }
  std::size_t presences_of(std::size_t address) const { return starts_[address + 1] - starts_[address]; }
  // Sorted by hour, each hour once. out is overwritten.
  void hours_of(std::size_t address, std::vector<HourCount>& out) const;

  double addresses() const;
  bool addresses_exact() const { return !seen_full_; }
  double sampled() const;
  std::uint64_t ignored() const { return ignored_; }
  std::uint32_t hours() const { return hours_; }

 private:
  // An entry is address, hour and count in one word, so that sorting words sorts by address, then hour.
  static constexpr int kCountBits = 22, kHourBits = 14;
  static constexpr std::uint64_t kMaxCount = (1U << kCountBits) - 1, kHourMask = (1U << kHourBits) - 1;

  std::uint32_t index_of(std::uint64_t hash);
  void note_seen(std::uint64_t hash);
  void halve();
  void rebuild_slots(std::size_t size);

  std::int64_t first_hour_;
  std::uint32_t hours_;
  std::size_t capacity_;
  std::uint64_t ignored_ = 0;
  int halvings_ = 0;

  std::vector<std::uint64_t> entries_;
  std::vector<std::uint32_t> starts_;  // of each address in entries_, when settled
  std::vector<std::uint64_t> hashes_;
  std::vector<std::uint32_t> networks_;
  std::vector<std::uint32_t> slots_;  // open addressing: index into hashes_ plus one
  std::vector<std::uint64_t> seen_;   // hashes of every address, open addressing; 0: free
  std::size_t seen_count_ = 0;
  bool seen_full_ = false;
};

}  // namespace tocsin
