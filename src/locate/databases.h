// The files of location databases as entries of ranges. Private to this folder.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/expected.h"
#include "base/time.h"
#include "locate/ranges.h"

namespace tocsin {

// Two letters as a number; 0 for what is no country: EU, AP, A1 and the like of some databases.
std::uint16_t country_number(std::string_view code);

struct RangeSource {
  std::vector<RangeEntry> entries;  // sorted, nothing overlaps
  Timestamp date = 0;
};

// A MaxMind DB (maxmind.github.io/MaxMind-DB) whose records have a country_code.
Expected<RangeSource> read_mmdb(const std::string& path);
Expected<Timestamp> date_of_mmdb(const std::string& path);
// CSV lines first,last,asn,holder; holders go into names.
Expected<RangeSource> read_asn_csv(const std::string& path, std::map<std::uint32_t, std::string>& names);
// IPFire's libloc database: country, AS and marks.
Expected<RangeSource> read_libloc(const std::string& path, std::map<std::uint32_t, std::string>& names);
Expected<Timestamp> date_of_libloc(const std::string& path);

}  // namespace tocsin
