// One database of locations made compact: a flat list of intervals with country, AS and marks, and the names of the
// AS holders, in one block of memory that is a file's content as well.
//
// The block is a header, then the arrays one behind the other, those of 8-byte alignment first. It is written by and
// for the machine it is on (the header has a number that reads differently on one of other byte order). The header
// carries a key of the sources it was made from and a checksum of all that follows; if either is not as expected, the
// block is not used and made anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/country_code.h"
#include "base/expected.h"
#include "base/hash.h"
#include "base/time.h"
#include "locate/intervals.h"

namespace tocsin {

struct LocationRecord {
  enum Mark : std::uint8_t { kAnycast = 1, kAnonymousProxy = 2, kHostile = 4 };

  std::uint32_t asn = 0;
  std::array<char, 2> country{};  // both zero: none
  std::uint8_t marks = 0;
  std::uint8_t reserved = 0;

  static LocationRecord of(CountryCode country, std::uint32_t asn, std::uint8_t marks);
  CountryCode country_code() const {
    return CountryCode::parse({country.data(), country.size()}).value_or(CountryCode());
  }
  friend constexpr bool operator==(const LocationRecord&, const LocationRecord&) = default;
};
static_assert(sizeof(LocationRecord) == 8);

struct AsHolder {
  std::uint32_t asn = 0;
  std::string name;
};

// What a table is made of.
struct LocationTableContent {
  std::vector<AddressRange<LocationRecord>> ranges;  // flat: sorted and disjoint
  std::vector<AsHolder> holders;                     // any order, the first of an AS counts
  Timestamp date = 0;
  std::string description;
};

class LocationTable {
 public:
  static std::shared_ptr<const LocationTable> make(const LocationTableContent& content, const Hash128& key);
  // Maps a file. Nothing if there is none; an error if it is damaged; nothing if it is of other sources.
  static Expected<std::shared_ptr<const LocationTable>> map(const std::string& path, const Hash128& key);
  ~LocationTable();
  LocationTable(const LocationTable&) = delete;
  LocationTable& operator=(const LocationTable&) = delete;

  // Writes under a temporary name and renames, so that a reader sees a whole file or none.
  Expected<void> save(const std::string& path) const;

  const LocationRecord& find(const IpAddress& ip) const {
    return ip.is_v4() ? v4_records_[search_.find_v4(ip.as_v4())] : v6_records_[search_.find_v6(ip.high(), ip.low())];
  }
  std::string_view holder(std::uint32_t asn) const;
  std::string_view description() const;
  Timestamp date() const;
  std::size_t intervals() const { return v4_records_.size() + v6_records_.size(); }

 private:
  struct Header;
  LocationTable() = default;
  // Sets the views up over bytes_; false if they can't be what was written.
  bool attach();

  std::vector<std::uint64_t> owned_;  // of a table in memory; uint64_t for the alignment
  std::span<const std::byte> bytes_;
  void* mapping_ = nullptr;
  IntervalSearch search_;
  std::span<const LocationRecord> v4_records_;
  std::span<const LocationRecord> v6_records_;
  std::span<const std::uint32_t> as_numbers_;
  std::span<const std::uint32_t> as_offsets_;
  std::string_view text_;
};

}  // namespace tocsin
