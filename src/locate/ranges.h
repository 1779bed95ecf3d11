// Locations of all addresses as a compact sorted table. Private to this folder.
//
// The sources of one date (country tree, AS ranges) are merged once into intervals that have one country, one AS and
// one set of marks each: 10 bytes an IPv4 interval, 22 an IPv6 one. A look-up is one read of an index by the first 16
// bits and a binary search in what it leaves, a few cache lines. The table is kept as a file and read whole the next time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/expected.h"
#include "base/ip_address.h"
#include "locate/locator.h"

namespace tocsin {

// Addresses as 128-bit numbers; IPv4 are those that are mapped.
struct Number {
  std::uint64_t high = 0, low = 0;
  friend constexpr auto operator<=>(const Number&, const Number&) = default;
};

// What one source says of [first, last]. Later ones override earlier ones; a field that a source is silent of stays.
struct RangeEntry {
  Number first, last;
  std::uint16_t country = 0;  // two letters; 0: silent
  std::uint32_t asn = 0;
  std::uint8_t marks = 0;     // 1 anycast, 2 anonymous proxy, 4 hostile
};

// Layers of entries, each sorted by first with nothing that overlaps, merged: for each field the first layer that says
// something of an address counts.
class RangeTable {
 public:
  static RangeTable merge(const std::vector<std::vector<RangeEntry>>& layers);
  // From a file that save() made with this key; nothing if it is not there, of another key, or damaged.
  static std::optional<RangeTable> load(const std::string& path, std::uint64_t key);
  Expected<void> save(const std::string& path, std::uint64_t key) const;

  Location find(const IpAddress& ip) const;

 private:
  struct Value {
    std::uint16_t country;
    std::uint16_t marks;
    std::uint32_t asn;
  };
  struct Header;
  void index();
  Location location(std::uint32_t value) const;

  // IPv4: starts of intervals as numbers, values beside; IPv6: the same with 128 bits.
  std::vector<std::uint32_t> four_starts_, four_values_;
  std::vector<Number> six_starts_;
  std::vector<std::uint32_t> six_values_;
  std::vector<Value> values_;
  std::vector<std::uint32_t> four_index_, six_index_;  // first interval that may hold addresses of a 16-bit prefix
};

}  // namespace tocsin
