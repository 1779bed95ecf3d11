#include "simulate/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hash.h"

namespace tocsin::simulate {
namespace {

constexpr std::size_t kMostNetworks = 640;  // /16: 41 million addresses
constexpr std::size_t kMostHome6 = 256;
constexpr int kHome6 = 36;               // bits of a network of the constituency
constexpr std::size_t kAliasEvery = 12;  // sites: one of so many is another under a second name
constexpr std::size_t kFewest24 = 64;    // of a country that strangers come from

constexpr std::array<std::string_view, 24> kSyllables{"an",   "bei", "chun", "dong", "fang", "guo",  "hai", "jing",
                                                      "kai",  "lin", "ming", "nan",  "ping", "qing", "rui", "shan",
                                                      "tian", "wei", "xin",  "yang", "zhou", "yu",   "hua", "long"};

// The second level that names of a sector have.
std::string_view zone_of(std::string_view sector) {
  if (sector.starts_with("government")) return "gov.example";
  if (sector.starts_with("military")) return "mil.example";
  if (sector.starts_with("education") || sector.starts_with("research")) return "edu.example";
  return "com.example";
}

// The first `count` of a list that are spread over it.
template <typename T>
std::vector<T> some_of(const std::vector<T>& all, std::size_t count) {
  if (all.size() <= count) return all;
  std::vector<T> some;
  for (std::size_t i = 0; i < count; ++i) some.push_back(all[i * all.size() / count]);
  return some;
}

// Where the registries give out IPv6 networks, the first 12 or 16 bits: of each region, and 2001::/16.
struct Region {
  std::uint32_t first, count;  // /32 networks
};
constexpr std::array<Region, 6> kRegions{{{0x2001'0000, 1 << 16},
                                          {0x2400'0000, 1 << 20},
                                          {0x2600'0000, 1 << 20},
                                          {0x2800'0000, 1 << 20},
                                          {0x2a00'0000, 1 << 20},
                                          {0x2c00'0000, 1 << 20}}};

// A host in the subnet that these 64 bits name; hosts choose the rest at random (RFC 8981).
IpAddress host_in(std::uint64_t subnet) { return IpAddress::of_halves(subnet, Random(subnet).next() | 1); }

}  // namespace

World::World(const Scenario& scenario, const Locator& locator, Timestamp when, IsRelay is_relay)
    : scenario_(scenario),
      locator_(locator),
      database_(locator.database_for(when)),
      other_(database_ + 1 < locator.databases().size() ? database_ + 1 : database_ - (database_ > 0 ? 1 : 0)),
      is_relay_(std::move(is_relay)) {
  std::vector<std::uint32_t> home;
  survey_v4(home);
  survey_v6();
  choose_home(home);
  for (const auto& [country, pools] : foreign_) {
    if (pools[0][0].networks.size() >= kFewest24) strangers_.push_back(country);
  }
}

void World::survey_v4(std::vector<std::uint32_t>& home) {
  for (std::uint32_t net = 1U << 16; net < 224U << 16; ++net) {  // /24 networks of 1.0.0.0 to 223.255.255.255
    const std::uint32_t first = net << 8;
    if (scope_of(IpAddress::v4(first)) != AddressScope::kGlobal) continue;
    const CountryCode country = country_of(IpAddress::v4(first));
    if (!country.known() || country != country_of(IpAddress::v4(first + 255))) continue;
    if (is_home_country(country)) {
      home.push_back(first);
    } else {
      foreign_[country][0][has_moved(IpAddress::v4(first + 1), country) ? 1 : 0].networks.push_back(first);
    }
  }
}

void World::survey_v6() {
  std::vector<std::uint64_t> home;
  for (const Region& region : kRegions) {
    for (std::uint32_t i = 0; i < region.count; ++i) {
      const std::uint32_t net = region.first + i;
      const std::uint64_t first = std::uint64_t{net} << 32;
      const IpAddress address = IpAddress::of_halves(first, 1);
      const CountryCode country = country_of(address);
      if (!country.known() || country != country_of(IpAddress::of_halves(first | 0xffff'ffff, ~0ULL))) continue;
      if (is_home_country(country)) {
        home.push_back(first);
      } else {
        foreign_[country][1][has_moved(address, country) ? 1 : 0].networks.push_back(net);
      }
    }
  }
  if (scenario_.prefixes.empty()) home6_ = some_of(home, kMostHome6);
}

void World::choose_home(const std::vector<std::uint32_t>& home) {
  for (const Prefix& prefix : scenario_.prefixes) {
    if (prefix.address().is_v4()) {
      for (std::uint64_t net = prefix.address().as_v4() >> 16; net <= prefix.last().as_v4() >> 16; ++net) {
        home_.push_back(static_cast<std::uint32_t>(net) << 16);
      }
    } else {
      const int shift = 64 - kHome6;
      for (std::uint64_t net = prefix.address().high() >> shift;
           net <= prefix.last().high() >> shift && home6_.size() < kMostHome6; ++net) {
        home6_.push_back(net << shift);
      }
    }
  }
  // Of a country those /16 networks that are wholly its own.
  for (std::size_t i = 0; i + 255 < home.size(); ++i) {
    if ((home[i] & 0xffff) == 0 && home[i + 255] == home[i] + 0xff00) home_.push_back(home[i]);
  }
  home_ = some_of(home_, kMostNetworks);
  std::ranges::sort(home_);
  std::ranges::sort(home6_);
}

CountryCode World::country_of(const IpAddress& address) const {
  return locator_.locate_with(database_, address).country;
}

bool World::has_moved(const IpAddress& address, CountryCode country) const {
  const CountryCode there = locator_.locate_with(other_, address).country;
  return there.known() && there != country;
}

bool World::is_home_country(CountryCode country) const {
  return std::ranges::find(scenario_.countries, country) != scenario_.countries.end();
}

// Whether the settings or the register name a network around the address.
bool World::is_declared(const IpAddress& address) const {
  const auto around = [&](const Prefix& prefix) { return prefix.contains(address); };
  if (std::ranges::any_of(scenario_.prefixes, around)) return true;
  if (scenario_.provinces.empty()) return false;
  if (address.is_v4()) return std::ranges::binary_search(home_, address.as_v4() & 0xffff'0000);
  return std::ranges::binary_search(home6_, address.high() >> (64 - kHome6) << (64 - kHome6));
}

Standing World::standing(const IpAddress& address) const {
  const Location here = locator_.locate_with(database_, address);
  Standing standing{.country = here.country, .there = locator_.locate_with(other_, address).country};
  standing.inside_there = is_home_country(standing.there) || is_declared(address);
  standing.relay = exits_.contains(address) || is_relay_(address, here);
  return standing;
}

const std::vector<IpAddress>& World::hosts(const std::string& name, std::size_t count, Family family) {
  const bool v6 = family == Family::kV6;
  std::vector<IpAddress>& list = lists_[(v6 ? "home6 " : "home ") + name];
  const std::uint64_t size = static_cast<std::uint64_t>(v6 ? home6_.size() : home_.size()) << 16;
  if (size == 0) return list;
  const Shuffle shuffle(size);
  std::uint64_t& given = home_given_[v6 ? 1 : 0];
  while (list.size() < count && given < size) {
    const std::uint64_t at = shuffle(given++);
    IpAddress address;
    if (v6) {
      address = host_in(home6_[at >> 16] | (at & 0xffff) << (64 - kHome6 - 16));
    } else {
      if ((at & 0xff) == 0 || (at & 0xff) == 255) continue;
      address = IpAddress::v4(home_[at >> 16] + static_cast<std::uint32_t>(at & 0xffff));
    }
    if (!scenario_.prefixes.empty() || is_home_country(country_of(address))) list.push_back(address);
  }
  return list;
}

// The next address of the pool; false if there are no more.
bool World::give(Pool& pool, Family family, CountryCode country, IpAddress& address) const {
  const int bits = family == Family::kV6 ? 16 : 8;
  const std::uint64_t size = static_cast<std::uint64_t>(pool.networks.size()) << bits;
  if (size == 0) return false;
  const Shuffle shuffle(size);
  while (pool.given < size) {
    const std::uint64_t at = shuffle(pool.given++), network = pool.networks[at >> bits];
    if (family == Family::kV6) {
      address = host_in(network << 32 | (at & 0xffff) << 16);
    } else {
      if ((at & 0xff) == 0 || (at & 0xff) == 255) continue;
      address = IpAddress::v4(static_cast<std::uint32_t>(network + (at & 0xff)));
    }
    if (country_of(address) == country) return true;
  }
  return false;
}

const std::vector<IpAddress>& World::abroad(const std::string& name, CountryCode country, std::size_t count,
                                            const Mix& mix) {
  const std::string key = fmt::format("{}{} {}", country.text(), mix.v6 == 1 ? 6 : 4, name);
  std::vector<IpAddress>& list = lists_[key];
  const auto found = foreign_.find(country);
  if (found == foreign_.end()) return list;
  while (list.size() < count) {
    Random random(scenario_.seed ^ hash64(key, list.size()));
    const bool v6 = random.chance(mix.v6), moved = random.chance(mix.moved), exit = random.chance(mix.exits);
    IpAddress address;
    // What a country has none of is made up for by what is ordinary.
    bool given = false;
    for (const bool family : {v6, mix.v6 == 1}) {
      for (const bool other : {moved, false}) {
        given = given || give(found->second[family ? 1 : 0][other ? 1 : 0], family ? Family::kV6 : Family::kV4, country,
                              address);
      }
    }
    if (!given) break;
    list.push_back(address);
    if (exit) exits_.insert(address);
  }
  return list;
}

const std::vector<Site>& World::sites(const std::string& sector, std::size_t count) {
  std::vector<Site>& sites = sites_[sector];
  if (sites.size() >= count) return sites;
  const std::size_t before = sites.size();
  Random random(scenario_.seed ^ hash64(sector));
  const auto& servers = hosts("sites " + sector, count);
  const auto& servers6 = hosts("sites " + sector, count, Family::kV6);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string word = fmt::format("{}{}", kSyllables[random.below(24)], kSyllables[random.below(24)]);
    if (i < before) continue;
    Site site;
    // The sector is in the number's letter, so that no two sectors have one name.
    site.domain = fmt::format("{}{}{}.{}", word, static_cast<char>('a' + hash64(sector) % 26), i, zone_of(sector));
    site.name = "www." + site.domain;
    site.organisation = fmt::format("{} {} ({})", word, i, sector);
    site.sector = sector;
    site.server = i < servers.size() ? servers[i] : IpAddress();
    site.server6 = i < servers6.size() ? servers6[i] : site.server;
    site.province = scenario_.provinces.empty() ? "" : scenario_.provinces[i % scenario_.provinces.size()];
    if (i % kAliasEvery == kAliasEvery - 1) {
      site = sites.back();
      site.name = site.domain;
      site.alias = true;
    }
    sites.push_back(std::move(site));
  }
  return sites;
}

std::size_t World::home_at(const IpAddress& host) const {
  const auto at = [&](const auto& networks, auto first) {
    return static_cast<std::size_t>(std::ranges::lower_bound(networks, first) - networks.begin());
  };
  return host.is_v4() ? at(home_, host.as_v4() & 0xffff'0000)
                      : at(home6_, host.high() >> (64 - kHome6) << (64 - kHome6));
}

const std::string& World::province_at(std::size_t network) const {
  return scenario_.provinces[network % scenario_.provinces.size()];
}

std::string World::province_of(const IpAddress& host) const {
  return scenario_.provinces.empty() ? std::string() : province_at(home_at(host));
}

std::vector<std::pair<Prefix, std::string>> World::networks() const {
  std::vector<std::pair<Prefix, std::string>> list;
  if (scenario_.provinces.empty()) return list;
  for (std::size_t i = 0; i < home_.size(); ++i) {
    list.emplace_back(Prefix(IpAddress::v4(home_[i]), 96 + 16), province_at(i));
  }
  for (std::size_t i = 0; i < home6_.size(); ++i) {
    list.emplace_back(Prefix(IpAddress::of_halves(home6_[i], 0), kHome6), province_at(i));
  }
  return list;
}

}  // namespace tocsin::simulate
