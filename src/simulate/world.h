// The addresses and sites of a made-up nation and of the world around it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "locate/locator.h"
#include "simulate/random.h"
#include "simulate/scenario.h"

namespace tocsin::simulate {

struct Site {
  std::string name;    // "www.liangbei12.gov.example": under a name kept for examples (RFC 2606)
  std::string domain;  // "liangbei12.gov.example"
  std::string organisation, sector, province;
  IpAddress server;
};

// Every address is one that the location database for the time really puts where it is meant to be. Lists are by name:
// the same name gives the same addresses, each list others than every other.
class World {
 public:
  World(const Scenario& scenario, const Locator& locator, Timestamp when);

  // The first `count` hosts of the constituency of a list.
  const std::vector<std::uint32_t>& hosts(const std::string& list, std::size_t count);
  // The first `count` addresses of a country.
  const std::vector<std::uint32_t>& abroad(const std::string& list, CountryCode country, std::size_t count);
  const std::vector<Site>& sites(const std::string& sector, std::size_t count);
  const std::map<std::string, std::vector<Site>>& all_sites() const { return sites_; }

  // Which province the network of a host of the constituency belongs to; empty: no provinces.
  std::string province_of(std::uint32_t host) const;
  // Networks of the constituency with their provinces: the register.
  std::vector<std::pair<Prefix, std::string>> networks() const;
  CountryCode country_of(std::uint32_t address) const;
  // Countries that have addresses enough for strangers.
  const std::vector<CountryCode>& strangers() const { return strangers_; }

 private:
  struct List {
    std::uint64_t next = 0;
    std::vector<std::uint32_t> addresses;
  };
  bool is_home(std::uint32_t address) const;

  const Scenario& scenario_;
  const Locator& locator_;
  std::size_t database_;
  std::vector<std::uint32_t> home_;                            // first addresses of its /16 networks
  std::map<CountryCode, std::vector<std::uint32_t>> foreign_;  // first addresses of /24 networks
  std::vector<CountryCode> strangers_;
  std::map<std::string, List> lists_;
  // How far the addresses of home (under no country) and of each country are given out.
  std::map<CountryCode, std::uint64_t> given_;
  std::map<std::string, std::vector<Site>> sites_;
};

}  // namespace tocsin::simulate
