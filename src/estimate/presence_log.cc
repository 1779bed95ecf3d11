#include "estimate/presence_log.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tocsin {
namespace {

constexpr std::size_t kMostSeen = std::size_t{1} << 24;  // slots of the set of all addresses: 128 MiB
constexpr std::size_t kLeastCapacity = 4096;
constexpr std::size_t kMostCapacity = std::size_t{1} << 28;

}  // namespace

PresenceLog::PresenceLog(std::int64_t first_hour, std::uint32_t hours, std::size_t capacity)
    : first_hour_(first_hour),
      hours_(std::min<std::uint32_t>(hours, kHourMask)),
      capacity_(std::clamp(capacity, kLeastCapacity, kMostCapacity)),
      slots_(1024),
      seen_(1024) {}

void PresenceLog::add(const Presence& presence) {
  if (presence.hour < first_hour_ || presence.hour - first_hour_ >= hours_ || presence.count == 0 ||
      presence.ip.is_unspecified()) {
    ++ignored_;
    return;
  }
  const std::uint64_t hash = std::max<std::uint64_t>(hash_of(presence.ip), 1);
  if (!seen_full_) note_seen(hash);
  // The sample is by the upper bits, slots by the lower ones.
  if (halvings_ > 0 && (hash >> (64 - halvings_)) != 0) return;
  if (entries_.size() >= capacity_ || hashes_.size() >= capacity_ / 4) {
    settle();
    if (halvings_ > 0 && (hash >> (64 - halvings_)) != 0) return;
  }
  const std::uint32_t index = index_of(hash);
  networks_[index] = std::max(networks_[index], presence.network);
  const auto hour = static_cast<std::uint64_t>(presence.hour - first_hour_);
  entries_.push_back((std::uint64_t{index} << (kHourBits + kCountBits)) | (hour << kCountBits) |
                     std::min<std::uint64_t>(presence.count, kMaxCount));
}

void PresenceLog::prefetch(const Presence& presence) const {
  const std::uint64_t hash = hash_of(presence.ip);
  if (!seen_full_) __builtin_prefetch(&seen_[hash & (seen_.size() - 1)]);
  __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
}

void PresenceLog::note_seen(std::uint64_t hash) {
  const std::size_t mask = seen_.size() - 1;
  std::size_t at = hash & mask;
  for (; seen_[at] != 0; at = (at + 1) & mask) {
    if (seen_[at] == hash) return;
  }
  if (seen_count_ >= kMostSeen / 3 * 2) {
    seen_full_ = true;
    seen_ = {};
    return;
  }
  seen_[at] = hash;
  if (++seen_count_ * 3 < seen_.size() * 2 || seen_.size() == kMostSeen) return;
  std::vector<std::uint64_t> larger(seen_.size() * 2);
  const std::size_t larger_mask = larger.size() - 1;
  for (const std::uint64_t old : seen_) {
    if (old == 0) continue;
    std::size_t to = old & larger_mask;
    while (larger[to] != 0) to = (to + 1) & larger_mask;
    larger[to] = old;
  }
  seen_ = std::move(larger);
}

std::uint32_t PresenceLog::index_of(std::uint64_t hash) {
  std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    if (hashes_[slots_[at] - 1] == hash) return slots_[at] - 1;
  }
  hashes_.push_back(hash);
  networks_.push_back(0);
  slots_[at] = static_cast<std::uint32_t>(hashes_.size());
  if (hashes_.size() * 3 > slots_.size() * 2) rebuild_slots(slots_.size() * 2);
  return static_cast<std::uint32_t>(hashes_.size() - 1);
}

void PresenceLog::rebuild_slots(std::size_t size) {
  slots_.assign(size, 0);
  const std::size_t mask = size - 1;
  for (std::size_t i = 0; i < hashes_.size(); ++i) {
    std::size_t at = hashes_[i] & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = static_cast<std::uint32_t>(i + 1);
  }
}

// Sorted by address by counting, then each address by itself, and what is of one hour is merged. The sample is halved
// until both bounds hold with some room; as counts only grow, when that happens does not depend on the order of input.
void PresenceLog::settle() {
  starts_.assign(hashes_.size() + 1, 0);
  for (const std::uint64_t entry : entries_) ++starts_[(entry >> (kHourBits + kCountBits)) + 1];
  for (std::size_t i = 1; i < starts_.size(); ++i) starts_[i] += starts_[i - 1];
  {
    std::vector<std::uint64_t> sorted(entries_.size());
    for (const std::uint64_t entry : entries_) sorted[starts_[entry >> (kHourBits + kCountBits)]++] = entry;
    entries_ = std::move(sorted);
  }
  for (std::size_t i = starts_.size() - 1; i > 0; --i) starts_[i] = starts_[i - 1];
  starts_[0] = 0;
  std::size_t to = 0;
  for (std::size_t address = 0; address < hashes_.size(); ++address) {
    const std::size_t from = starts_[address], end = starts_[address + 1];
    const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(from);
    const auto finish = entries_.begin() + static_cast<std::ptrdiff_t>(end);
    if (!std::is_sorted(begin, finish)) std::sort(begin, finish);
    starts_[address] = static_cast<std::uint32_t>(to);
    for (std::size_t at = from; at < end; ++at) {
      const std::uint64_t entry = entries_[at];
      if (to > starts_[address] && (entries_[to - 1] >> kCountBits) == (entry >> kCountBits)) {
        const std::uint64_t sum = (entries_[to - 1] & kMaxCount) + (entry & kMaxCount);
        entries_[to - 1] = (entry & ~kMaxCount) | std::min(sum, kMaxCount);
      } else {
        entries_[to++] = entry;
      }
    }
  }
  starts_[hashes_.size()] = static_cast<std::uint32_t>(to);
  entries_.resize(to);
  while (halvings_ < 60 && (entries_.size() > capacity_ / 4 * 3 || hashes_.size() > capacity_ / 16 * 3)) halve();
}

void PresenceLog::halve() {
  ++halvings_;
  std::size_t to = 0;
  std::uint32_t kept = 0;
  for (std::size_t address = 0; address < hashes_.size(); ++address) {
    if ((hashes_[address] >> (64 - halvings_)) != 0) continue;
    const std::size_t from = starts_[address], end = starts_[address + 1];
    starts_[kept] = static_cast<std::uint32_t>(to);
    hashes_[kept] = hashes_[address];
    networks_[kept] = networks_[address];
    for (std::size_t at = from; at < end; ++at) {
      const std::uint64_t rest = entries_[at] & ((std::uint64_t{1} << (kHourBits + kCountBits)) - 1);
      entries_[to++] = (std::uint64_t{kept} << (kHourBits + kCountBits)) | rest;
    }
    ++kept;
  }
  hashes_.resize(kept);
  networks_.resize(kept);
  starts_.resize(kept + 1);
  starts_[kept] = static_cast<std::uint32_t>(to);
  entries_.resize(to);
  rebuild_slots(std::max<std::size_t>(1024, std::bit_ceil(kept * std::size_t{2})));
}

void PresenceLog::hours_of(std::size_t address, std::vector<HourCount>& out) const {
  out.clear();
  for (std::size_t at = starts_[address]; at < starts_[address + 1]; ++at) {
    out.push_back({static_cast<std::uint32_t>((entries_[at] >> kCountBits) & kHourMask),
                   static_cast<std::uint32_t>(entries_[at] & kMaxCount)});
  }
}

double PresenceLog::sampled() const { return std::ldexp(1.0, -halvings_); }

double PresenceLog::addresses() const {
  return seen_full_ ? static_cast<double>(hashes_.size()) / sampled() : static_cast<double>(seen_count_);
}

}  // namespace tocsin
