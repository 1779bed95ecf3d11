// Where an address was at a time: country, AS and marks, from dated databases side by side.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/country_code.h"
#include "base/expected.h"
#include "base/ip_address.h"
#include "base/time.h"
#include "detect/sighting.h"
#include "locate/constituency.h"

namespace tocsin {

struct Location {
  CountryCode country;
  std::uint32_t asn = 0;
  bool anycast = false, anonymous_proxy = false, hostile = false;
};

struct LocationDatabaseInfo {
  std::string version;  // "2026-06-17" or "2022-10-29": what a row's location_version says
  Timestamp date = 0;
  std::string description;  // names and licences of the files
  std::vector<std::string> files;
};

class Locator {
 public:
  // directory: share/tocsin/location (asn-ipv4.csv, asn-ipv6.csv, geo-whois-asn-country.mmdb, iptoasn-country.mmdb,
  // location.db). The first four are one database, dated by the build epoch of the MMDBs; the last is libloc's, dated
  // by its own word; a file without such a date by the time of the file. cache: where the compact tables are kept,
  // some 30 MB; empty for none, made if missing; if it can't be written the tables are in memory, which costs some
  // seconds at each opening. Missing or damaged files are left out and named in warnings(); an error only when nothing
  // is there. Only codes of ISO 3166-1 (and XK) are countries: EU, AP, A1 and the like are none.
  static Expected<std::unique_ptr<Locator>> open(const std::string& directory, const std::string& cache);
  virtual ~Locator() = default;

  // By the database nearest before `time`, or the oldest there is. Thread-safe. Special addresses have no location.
  virtual Location locate(const IpAddress& ip, Timestamp time) const = 0;
  virtual Location locate_with(std::size_t database, const IpAddress& ip) const = 0;
  virtual std::size_t database_for(Timestamp time) const = 0;
  virtual const std::vector<LocationDatabaseInfo>& databases() const = 0;  // oldest first
  virtual std::string holder(std::uint32_t asn) const = 0;                 // of the AS, empty if unknown
  virtual const std::vector<std::string>& warnings() const = 0;
};

// Fills the fields of a sighting that the locating stage owns; what was in them is replaced. database: an index, or -1
// for the one of first_seen. A target is inside by its address, country, AS or name, an actor by the first three, for
// its name is its own claim; of either, one of unspecified address by its name alone.
void locate_sighting(Sighting& sighting, const Locator& locator, const Constituency& constituency, int database = -1);

}  // namespace tocsin
