#include "locate/constituency.h"

#include <algorithm>

#include "base/text.h"

namespace tocsin {
namespace {

// Whether name is suffix or ends in ".suffix".
bool below(std::string_view name, std::string_view suffix) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.size() < suffix.size() || !name.ends_with(suffix)) return false;
  return name.size() == suffix.size() || name[name.size() - suffix.size() - 1] == '.';
}

}  // namespace

Constituency::Constituency(ConstituencySpec spec) : spec_(std::move(spec)) {
  for (const Prefix& prefix : spec_.prefixes) networks_.push_back({prefix, kNoOrganisation});
  for (std::size_t i = 0; i < spec_.organisations.size(); ++i) {
    for (const Prefix& prefix : spec_.organisations[i].prefixes) networks_.push_back({prefix, i});
  }
  for (const Network& network : networks_) lengths_.insert(network.prefix.length());
  std::ranges::sort(networks_, [](const Network& a, const Network& b) {
    return std::pair(a.prefix, a.organisation) < std::pair(b.prefix, b.organisation);
  });
}

const Constituency::Network* Constituency::network_of(const IpAddress& ip, bool with_organisation) const {
  for (auto length = lengths_.rbegin(); length != lengths_.rend(); ++length) {
    const Prefix prefix(ip, *length);
    auto found = std::ranges::lower_bound(networks_, prefix, {}, &Network::prefix);
    for (; found != networks_.end() && found->prefix == prefix; ++found) {
      if (!with_organisation || found->organisation != kNoOrganisation) return &*found;
    }
  }
  return nullptr;
}

bool Constituency::has_prefix_of(const IpAddress& ip) const { return network_of(ip, false) != nullptr; }

bool Constituency::contains(const IpAddress& ip, CountryCode country, std::uint32_t asn) const {
  if (country.known() && std::ranges::find(spec_.countries, country) != spec_.countries.end()) return true;
  if (asn != 0 && std::ranges::find(spec_.as_numbers, asn) != spec_.as_numbers.end()) return true;
  return has_prefix_of(ip);
}

bool Constituency::contains_name(std::string_view name) const {
  const std::string small = lower(name);
  const auto matches = [&small](const std::string& suffix) { return below(small, suffix); };
  return std::ranges::any_of(spec_.domain_suffixes, matches) ||
         std::ranges::any_of(spec_.organisations, [&](const Organisation& o) { return std::ranges::any_of(o.domains, matches); });
}

const Organisation* Constituency::organisation_of(const IpAddress& ip, std::string_view name) const {
  if (const Network* network = network_of(ip, true)) return &spec_.organisations[network->organisation];
  const std::string small = lower(name);
  const Organisation* best = nullptr;
  std::size_t longest = 0;
  for (const Organisation& organisation : spec_.organisations) {
    for (const std::string& domain : organisation.domains) {
      if (domain.size() <= longest || !below(small, domain)) continue;
      best = &organisation;
      longest = domain.size();
    }
  }
  return best;
}

}  // namespace tocsin
