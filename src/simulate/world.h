// The addresses and sites of a made-up nation and of the world around it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
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
  IpAddress server, server6;
  bool alias = false;  // another name of the site before it
  const IpAddress& server_for(const IpAddress& client) const { return client.is_v4() ? server : server6; }
};

enum class Family : std::uint8_t { kV4, kV6 };

// The parts of a list of addresses that are out of the ordinary.
struct Mix {
  double v6 = 0;     // 1: none but IPv6
  double moved = 0;  // in another country by the other location database
  double exits = 0;  // exits of Tor
};

// What the databases say of an address, and what is known of it besides.
struct Standing {
  CountryCode country;        // at the time
  CountryCode there;          // by the other database
  bool inside_there = false;  // of the constituency, by the other database
  bool relay = false;
  friend bool operator==(const Standing&, const Standing&) = default;
};

// Every address is one that the location database for the time really puts where it is meant to be. Lists are by name:
// the same name gives the same addresses, each list others than every other.
class World {
 public:
  using IsRelay = std::function<bool(const IpAddress&, const Location&)>;
  // is_relay: of the relays that the installation knows.
  World(const Scenario& scenario, const Locator& locator, Timestamp when, IsRelay is_relay);

  // The first `count` hosts of the constituency of a list.
  const std::vector<IpAddress>& hosts(const std::string& list, std::size_t count, Family family = Family::kV4);
  // The first `count` addresses of a country. The same list is always asked for with the same mix.
  const std::vector<IpAddress>& abroad(const std::string& list, CountryCode country, std::size_t count,
                                       const Mix& mix = {});
  const std::vector<Site>& sites(const std::string& sector, std::size_t count);
  const std::map<std::string, std::vector<Site>>& all_sites() const { return sites_; }

  // Which province the network of a host of the constituency belongs to; empty: no provinces.
  std::string province_of(const IpAddress& host) const;
  // Networks of the constituency with their provinces: the register.
  std::vector<std::pair<Prefix, std::string>> networks() const;
  CountryCode country_of(const IpAddress& address) const;
  Standing standing(const IpAddress& address) const;
  const std::set<IpAddress>& exits() const { return exits_; }
  // Countries that have addresses enough for strangers.
  const std::vector<CountryCode>& strangers() const { return strangers_; }

 private:
  // Networks that addresses are given out of, in an order of their own: /24 of IPv4, /32 of IPv6.
  struct Pool {
    std::vector<std::uint32_t> networks;  // their first 32 bits
    std::uint64_t given = 0;
  };
  // Those of a country, by family and by whether the other database has them in another one.
  using Pools = std::array<std::array<Pool, 2>, 2>;

  void survey_v4(std::vector<std::uint32_t>& home);
  void survey_v6();
  void choose_home(const std::vector<std::uint32_t>& home);
  bool has_moved(const IpAddress& address, CountryCode country) const;
  bool is_home_country(CountryCode country) const;
  bool is_declared(const IpAddress& address) const;
  bool give(Pool& pool, Family family, CountryCode country, IpAddress& address) const;
  std::size_t home_at(const IpAddress& host) const;
  const std::string& province_at(std::size_t network) const;

  const Scenario& scenario_;
  const Locator& locator_;
  std::size_t database_, other_;
  IsRelay is_relay_;
  std::vector<std::uint32_t> home_;   // first addresses of its /16 networks
  std::vector<std::uint64_t> home6_;  // first 64 bits of its /36 networks
  std::array<std::uint64_t, 2> home_given_{};
  std::map<CountryCode, Pools> foreign_;
  std::vector<CountryCode> strangers_;
  std::map<std::string, std::vector<IpAddress>> lists_;
  std::map<std::string, std::vector<Site>> sites_;
  std::set<IpAddress> exits_;
};

}  // namespace tocsin::simulate
