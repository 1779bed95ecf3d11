// Address ranges made flat: from ranges that nest or overlap to a sorted list in which each address has one value,
// and the look-up of an address in such a list.
//
// A key is an address as a 128-bit number; IPv4 is in ::ffff:0:0/96, so that one list holds both families. To look up,
// the list is split by family: IPv4 starts are 32-bit numbers below a table of the 2^16 upper halves, IPv6 starts are
// 128-bit below a table of the 2^17 networks of length 20 in 2000::/3, where all global unicast addresses are
// (RFC 4291 section 2.4). A look-up is then one table access and a binary search over what is left, in the mean two to
// four steps.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/ip_address.h"

namespace tocsin {

__extension__ using AddressKey = unsigned __int128;

inline constexpr AddressKey kFirstV4Key = static_cast<AddressKey>(0xffff) << 32;
inline constexpr AddressKey kLastV4Key = kFirstV4Key + 0xffffffffU;
inline constexpr AddressKey kLastKey = ~static_cast<AddressKey>(0);

inline AddressKey key_of(const IpAddress& ip) { return static_cast<AddressKey>(ip.high()) << 64 | ip.low(); }
IpAddress address_of(AddressKey key);

// Both ends belong to it.
template <typename Value>
struct AddressRange {
  AddressKey first = 0;
  AddressKey last = 0;
  Value value{};
};

// The most specific range decides; of equal ranges the later, of ranges that overlap without nesting the one that
// starts later. The result is sorted and disjoint, neighbours of equal value are joined.
template <typename Value>
std::vector<AddressRange<Value>> flatten(std::vector<AddressRange<Value>> ranges) {
  std::stable_sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : a.last > b.last;
  });
  std::vector<AddressRange<Value>> flat;
  flat.reserve(ranges.size());
  auto emit = [&flat](AddressKey first, AddressKey last, const Value& value) {
    if (!flat.empty() && flat.back().last + 1 == first && flat.back().value == value) {
      flat.back().last = last;
    } else {
      flat.push_back({first, last, value});
    }
  };
  std::vector<AddressRange<Value>> open;
  AddressKey cursor = 0;
  // Ends all open ranges that end before `limit`, or all of them.
  auto close = [&](AddressKey limit, bool all) {
    while (!open.empty() && (all || open.back().last < limit)) {
      const AddressRange<Value>& top = open.back();
      if (cursor <= top.last) {
        emit(cursor, top.last, top.value);
        cursor = top.last + 1;
        if (cursor == 0) {
          open.clear();  // that was the last address there is
          return;
        }
      }
      open.pop_back();
    }
  };
  for (const AddressRange<Value>& range : ranges) {
    if (range.last < range.first) continue;
    close(range.first, false);
    if (!open.empty() && cursor < range.first) emit(cursor, range.first - 1, open.back().value);
    cursor = range.first;
    open.push_back(range);
  }
  close(0, true);
  return flat;
}

struct V6Start {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend constexpr auto operator<=>(const V6Start&, const V6Start&) = default;
};

// Finds the interval that holds an address. The arrays are someone else's: vectors, or a mapped file. The first
// interval of each family starts at its lowest address, so that every address is in one.
struct IntervalSearch {
  static constexpr std::size_t kV4IndexSize = (1U << 16) + 1;
  static constexpr std::size_t kV6IndexSize = (1U << 17) + 1;

  std::span<const std::uint32_t> v4_starts;
  std::span<const V6Start> v6_starts;
  // For each upper part of an address, the interval that its lowest address is in; one more for the end. May be empty.
  std::span<const std::uint32_t> v4_index;
  std::span<const std::uint32_t> v6_index;

  std::size_t find_v4(std::uint32_t address) const {
    std::size_t from = 0;
    std::size_t to = v4_starts.size();
    if (!v4_index.empty()) {
      from = v4_index[address >> 16];
      to = v4_index[(address >> 16) + 1] + std::size_t{1};
    }
    return last_not_above(v4_starts, from, to, address);
  }
  std::size_t find_v6(std::uint64_t high, std::uint64_t low) const {
    std::size_t from = 0;
    std::size_t to = v6_starts.size();
    if (high >> 61 == 1 && !v6_index.empty()) {
      from = v6_index[(high >> 44) & 0x1ffff];
      to = v6_index[((high >> 44) & 0x1ffff) + 1] + std::size_t{1};
    }
    return last_not_above(v6_starts, from, to, V6Start{high, low});
  }
  // The sizes fit each other, the starts ascend from 0, and the indexes point to where they must.
  bool sound() const;

 private:
  // Without branches that depend on the data: a mispredicted one costs more than a step.
  template <typename T>
  static std::size_t last_not_above(std::span<const T> starts, std::size_t from, std::size_t to, const T& value) {
    std::size_t count = to - from;
    while (count > 1) {
      const std::size_t half = count / 2;
      from += starts[from + half] <= value ? half : 0;
      count -= half;
    }
    return from;
  }
};

std::vector<std::uint32_t> v4_index_of(std::span<const std::uint32_t> starts);
std::vector<std::uint32_t> v6_index_of(std::span<const V6Start> starts);

// A flat list split by family, gaps filled with `none`.
template <typename Value>
struct SplitIntervals {
  std::vector<std::uint32_t> v4_starts;
  std::vector<V6Start> v6_starts;
  std::vector<Value> v4_values;
  std::vector<Value> v6_values;
};

template <typename Value>
SplitIntervals<Value> split(const std::vector<AddressRange<Value>>& flat, const Value& none) {
  SplitIntervals<Value> result;
  auto add_v4 = [&result](AddressKey first, const Value& value) {
    if (!result.v4_values.empty() && result.v4_values.back() == value) return;
    result.v4_starts.push_back(static_cast<std::uint32_t>(first));
    result.v4_values.push_back(value);
  };
  auto add_v6 = [&result](AddressKey first, const Value& value) {
    if (!result.v6_values.empty() && result.v6_values.back() == value) return;
    result.v6_starts.push_back({static_cast<std::uint64_t>(first >> 64), static_cast<std::uint64_t>(first)});
    result.v6_values.push_back(value);
  };
  AddressKey v4_next = kFirstV4Key;
  AddressKey v6_next = 0;
  for (const AddressRange<Value>& range : flat) {
    const AddressKey v4_first = std::max(range.first, kFirstV4Key);
    const AddressKey v4_last = std::min(range.last, kLastV4Key);
    if (v4_first <= v4_last) {
      if (v4_next < v4_first) add_v4(v4_next, none);
      add_v4(v4_first, range.value);
      v4_next = v4_last + 1;
    }
    if (range.first < kFirstV4Key || range.last > kLastV4Key) {
      if (v6_next < range.first || (v6_next == 0 && range.first != 0)) add_v6(v6_next, none);
      add_v6(range.first, range.value);
      v6_next = range.last + 1;
      if (v6_next == 0) break;
    }
  }
  if (v4_next <= kLastV4Key) add_v4(v4_next, none);
  if (flat.empty() || flat.back().last != kLastKey) add_v6(v6_next, none);
  return result;
}

}  // namespace tocsin
