// Networks and addresses that say little of who uses them: hosting, relays, exits of Tor.
#pragma once

#include <bitset>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/expected.h"
#include "base/ip_address.h"
#include "locate/locator.h"

namespace tocsin {

class Relays {
 public:
  void add(std::uint32_t as_number) { as_numbers_.insert(as_number); }
  void add(const Prefix& prefix);
  // By AS, network, or the location database's own mark of anonymous proxies.
  bool has(const IpAddress& ip, const Location& location) const;

 private:
  std::set<std::uint32_t> as_numbers_;
  std::set<Prefix> prefixes_;
  std::bitset<129> lengths_;  // that prefixes have
};

// path: a file like constituencies/relays.toml. lists: of addresses and networks, in any of the formats of lists of
// indicators, or directories of such. Errors name file, place and what was expected: of a list that is no list of
// addresses nothing is taken.
Expected<Relays> load_relays(const std::string& path, const std::vector<std::string>& lists);

}  // namespace tocsin
