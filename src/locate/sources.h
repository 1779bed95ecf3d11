// Readers of the databases that the location tables are made from, and how their ranges become one list.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/country_code.h"
#include "base/expected.h"
#include "base/time.h"
#include "locate/intervals.h"
#include "locate/location_table.h"

namespace tocsin {

struct CountryRanges {
  std::vector<AddressRange<CountryCode>> ranges;  // flat, without those of no country
  Timestamp date = 0;
};

struct AsRanges {
  std::vector<AddressRange<std::uint32_t>> ranges;  // flat
  std::vector<AsHolder> holders;
  std::uint64_t skipped = 0;  // lines that are not start,end,asn,holder
  std::uint64_t first_skipped_line = 0;
};

// A MaxMind DB (format 2.0) whose records have a string "country_code".
Expected<CountryRanges> read_mmdb_countries(const std::string& path);
// Lines first,last,AS number,holder (RFC 4180 quoting). Adds to `into`, whose ranges are flat afterwards.
Expected<void> read_as_csv(const std::string& path, AsRanges& into);
// A database of libloc: all of a table's content.
Expected<LocationTableContent> read_libloc(const std::string& path);

// Country by the first that has one, AS by the last list.
std::vector<AddressRange<LocationRecord>> merge_sources(const std::vector<AddressRange<CountryCode>>& first,
                                                        const std::vector<AddressRange<CountryCode>>& second,
                                                        const std::vector<AddressRange<std::uint32_t>>& as_numbers);

// Takes special addresses (scope_of is not kGlobal) out of a flat list, so that a look-up need not ask for the scope.
std::vector<AddressRange<LocationRecord>> without_special(const std::vector<AddressRange<LocationRecord>>& flat);

}  // namespace tocsin
