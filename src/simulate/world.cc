#include "simulate/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hash.h"

namespace tocsin::simulate {
namespace {

constexpr std::size_t kMostNetworks = 640;  // /16: 41 million addresses
constexpr std::size_t kFewest24 = 64;       // of a country that strangers come from

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

}  // namespace

World::World(const Scenario& scenario, const Locator& locator, Timestamp when)
    : scenario_(scenario), locator_(locator), database_(locator.database_for(when)) {
  std::vector<std::uint32_t> home;
  for (std::uint32_t net = 1U << 16; net < 224U << 16; ++net) {  // /24 networks of 1.0.0.0 to 223.255.255.255
    const std::uint32_t first = net << 8;
    if (scope_of(IpAddress::v4(first)) != AddressScope::kGlobal) continue;
    const CountryCode country = country_of(first);
    if (!country.text().empty() && country == country_of(first + 255)) {
      if (std::ranges::find(scenario.countries, country) == scenario.countries.end()) {
        foreign_[country].push_back(first);
      } else {
        home.push_back(first);
      }
    }
  }
  for (const Prefix& prefix : scenario.prefixes) {
    for (std::uint64_t net = prefix.address().as_v4() >> 16; net <= prefix.last().as_v4() >> 16; ++net) {
      home_.push_back(static_cast<std::uint32_t>(net) << 16);
    }
  }
  // Of a country those /16 networks that are wholly its own.
  for (std::size_t i = 0; i + 255 < home.size(); ++i) {
    if ((home[i] & 0xffff) == 0 && home[i + 255] == home[i] + 0xff00) home_.push_back(home[i]);
  }
  if (home_.size() > kMostNetworks) {
    std::vector<std::uint32_t> some;
    for (std::size_t i = 0; i < kMostNetworks; ++i) some.push_back(home_[i * home_.size() / kMostNetworks]);
    home_ = std::move(some);
  }
  for (const auto& [country, networks] : foreign_) {
    if (networks.size() >= kFewest24) strangers_.push_back(country);
  }
}

CountryCode World::country_of(std::uint32_t address) const {
  return locator_.locate_with(database_, IpAddress::v4(address)).country;
}

bool World::is_home(std::uint32_t address) const {
  return !scenario_.prefixes.empty() ||
         std::ranges::find(scenario_.countries, country_of(address)) != scenario_.countries.end();
}

const std::vector<std::uint32_t>& World::hosts(const std::string& name, std::size_t count) {
  List& list = lists_["home " + name];
  const std::uint64_t size = static_cast<std::uint64_t>(home_.size()) << 16;
  const Shuffle shuffle(size);
  std::uint64_t& given = given_[CountryCode()];
  while (list.addresses.size() < count && given < size) {
    const std::uint64_t at = shuffle(given++);
    const std::uint32_t address = home_[at >> 16] + (at & 0xffff);
    if ((address & 0xff) == 0 || (address & 0xff) == 255 || !is_home(address)) continue;
    list.addresses.push_back(address);
  }
  return list.addresses;
}

const std::vector<std::uint32_t>& World::abroad(const std::string& name, CountryCode country, std::size_t count) {
  List& list = lists_[fmt::format("{} {}", country.text(), name)];
  const auto networks = foreign_.find(country);
  if (networks == foreign_.end()) return list.addresses;
  const std::uint64_t size = static_cast<std::uint64_t>(networks->second.size()) << 8;
  const Shuffle shuffle(size);
  std::uint64_t& given = given_[country];
  while (list.addresses.size() < count && given < size) {
    const std::uint64_t at = shuffle(given++);
    const std::uint32_t address = networks->second[at >> 8] + (at & 0xff);
    if ((address & 0xff) == 0 || (address & 0xff) == 255 || country_of(address) != country) continue;
    list.addresses.push_back(address);
  }
  return list.addresses;
}

const std::vector<Site>& World::sites(const std::string& sector, std::size_t count) {
  std::vector<Site>& sites = sites_[sector];
  if (sites.size() >= count) return sites;
  const std::size_t before = sites.size();
  Random random(scenario_.seed ^ hash64(sector));
  const std::vector<std::uint32_t>& servers = hosts("sites " + sector, count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string word = fmt::format("{}{}", kSyllables[random.below(24)], kSyllables[random.below(24)]);
    if (i < before) continue;
    Site site;
    // The sector is in the number's letter, so that no two sectors have one name.
    site.domain = fmt::format("{}{}{}.{}", word, static_cast<char>('a' + hash64(sector) % 26), i, zone_of(sector));
    site.name = "www." + site.domain;
    site.organisation = fmt::format("{} {} ({})", word, i, sector);
    site.sector = sector;
    site.server = i < servers.size() ? IpAddress::v4(servers[i]) : IpAddress();
    site.province = scenario_.provinces.empty() ? "" : scenario_.provinces[i % scenario_.provinces.size()];
    sites.push_back(std::move(site));
  }
  return sites;
}

std::string World::province_of(std::uint32_t host) const {
  if (scenario_.provinces.empty()) return {};
  const auto at = std::ranges::lower_bound(home_, host & 0xffff'0000);
  return scenario_.provinces[static_cast<std::size_t>(at - home_.begin()) % scenario_.provinces.size()];
}

std::vector<std::pair<Prefix, std::string>> World::networks() const {
  std::vector<std::pair<Prefix, std::string>> list;
  if (scenario_.provinces.empty()) return list;
  for (const std::uint32_t first : home_) {
    list.emplace_back(Prefix(IpAddress::v4(first), 96 + 16), province_of(first));
  }
  return list;
}

}  // namespace tocsin::simulate
