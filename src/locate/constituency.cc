#include "locate/constituency.h"

#include <idn2.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace tocsin {
namespace {

// Longer than any domain name (RFC 1035 section 2.3.4), even written in Unicode.
constexpr std::size_t kLongestName = 1024;

// Few enough for a plain binary search; beyond, the index tables are worth their 770 KB.
constexpr std::size_t kFewIntervals = 64;

bool is_ascii(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return (static_cast<unsigned char>(c) & 0x80) != 0; });
}

// In lower case, without final dot, in ASCII (RFC 5891); a name that has no such form is left as it is.
std::string normal_name(std::string_view name) {
  if (name.size() > kLongestName) return {};
  if (name.ends_with('.')) name.remove_suffix(1);
  if (!is_ascii(name)) {
    const std::string terminated(name);
    char* ascii = nullptr;
    if (idn2_to_ascii_8z(terminated.c_str(), &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK) {
      std::string result = lower(ascii);
      idn2_free(ascii);
      return result;
    }
  }
  return lower(name);
}

std::string normal_suffix(std::string_view suffix) {
  if (suffix.starts_with("*.")) suffix.remove_prefix(2);
  if (suffix.starts_with('.')) suffix.remove_prefix(1);
  return normal_name(trim(suffix));
}

std::size_t slot_of(CountryCode country) {
  return static_cast<std::size_t>(country.text()[0] - 'A') * 26 + static_cast<std::size_t>(country.text()[1] - 'A');
}

}  // namespace

Constituency::Constituency(ConstituencySpec spec) : spec_(std::move(spec)) {
  index_networks();
  index_suffixes();
  for (const CountryCode country : spec_.countries) {
    if (country.known()) countries_.set(slot_of(country));
  }
  for (const std::uint32_t number : spec_.as_numbers) {
    if (number != 0) as_numbers_.push_back(number);  // 0 stands for an unknown AS
  }
  std::ranges::sort(as_numbers_);
}

void Constituency::index_networks() {
  std::vector<AddressRange<Network>> ranges;
  for (const Prefix& prefix : spec_.prefixes) {
    ranges.push_back({key_of(prefix.address()), key_of(prefix.last()), {.declared = true}});
  }
  for (std::size_t i = 0; i < spec_.organisations.size(); ++i) {
    const Organisation& entry = spec_.organisations[i];
    Network network{.declared = true};
    if (!entry.name.empty()) {
      network.organisation = static_cast<std::uint32_t>(i);
    } else if (!entry.province.empty()) {
      network.place = static_cast<std::uint32_t>(i);
    }
    for (const Prefix& prefix : entry.prefixes) {
      ranges.push_back({key_of(prefix.address()), key_of(prefix.last()), network});
    }
  }
  // A network declared without organisation inside one of an organisation is still that organisation's, and likewise
  // its place: outer ones come before inner ones here, and of equal ones, of which the last decides, the first
  // organisation's comes last.
  std::ranges::stable_sort(ranges, [](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    if (a.last != b.last) return a.last > b.last;
    return std::pair(a.value.organisation, a.value.place) > std::pair(b.value.organisation, b.value.place);
  });
  std::vector<AddressRange<Network>> around;
  for (AddressRange<Network>& range : ranges) {
    while (!around.empty() && around.back().last < range.first) around.pop_back();
    if (!around.empty()) {
      const Network& outer = around.back().value;
      if (range.value.organisation == Network::kNoOrganisation) range.value.organisation = outer.organisation;
      if (range.value.place == Network::kNoOrganisation) range.value.place = outer.place;
    }
    around.push_back(range);
  }
  networks_ = split(flatten(std::move(ranges)), Network{});
  if (networks_.v4_starts.size() > kFewIntervals) v4_index_ = v4_index_of(networks_.v4_starts);
  if (networks_.v6_starts.size() > kFewIntervals) v6_index_ = v6_index_of(networks_.v6_starts);
}

void Constituency::index_suffixes() {
  for (std::size_t i = 0; i < spec_.organisations.size(); ++i) {
    if (spec_.organisations[i].name.empty()) continue;
    for (const std::string& domain : spec_.organisations[i].domains) {
      suffixes_.try_emplace(normal_suffix(domain), static_cast<std::uint32_t>(i));
    }
  }
  for (const Organisation& entry : spec_.organisations) {
    for (const std::string& domain : entry.domains) {
      suffixes_.try_emplace(normal_suffix(domain), Network::kNoOrganisation);
    }
  }
  for (const std::string& suffix : spec_.domain_suffixes) {
    suffixes_.try_emplace(normal_suffix(suffix), Network::kNoOrganisation);
  }
  suffixes_.erase("");
}

const Constituency::Network& Constituency::network_of(const IpAddress& ip) const {
  const IntervalSearch search{networks_.v4_starts, networks_.v6_starts, v4_index_, v6_index_};
  return ip.is_v4() ? networks_.v4_values[search.find_v4(ip.as_v4())]
                    : networks_.v6_values[search.find_v6(ip.high(), ip.low())];
}

bool Constituency::has_prefix_of(const IpAddress& ip) const { return network_of(ip).declared; }

bool Constituency::contains(const IpAddress& ip, CountryCode country, std::uint32_t asn) const {
  return (country.known() && countries_[slot_of(country)]) ||
         (asn != 0 && std::ranges::binary_search(as_numbers_, asn)) || has_prefix_of(ip);
}

const Constituency::Suffixes::value_type* Constituency::suffix_of(std::string_view name, bool with_organisation) const {
  if (suffixes_.empty() || name.empty()) return nullptr;
  const std::string normal = normal_name(name);
  std::string_view rest = normal;
  while (!rest.empty()) {
    const auto found = suffixes_.find(rest);
    if (found != suffixes_.end() && (!with_organisation || found->second != Network::kNoOrganisation)) return &*found;
    const std::size_t dot = rest.find('.');
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  return nullptr;
}

bool Constituency::contains_name(std::string_view name) const { return suffix_of(name, false) != nullptr; }

const Organisation* Constituency::organisation_of(const IpAddress& ip, std::string_view name) const {
  if (!ip.is_unspecified()) {
    const std::uint32_t index = network_of(ip).organisation;
    if (index != Network::kNoOrganisation) return &spec_.organisations[index];
  }
  const auto* const suffix = suffix_of(name, true);
  return suffix == nullptr ? nullptr : &spec_.organisations[suffix->second];
}

std::string_view Constituency::province_of(const IpAddress& ip, std::string_view name) const {
  const Organisation* const organisation = organisation_of(ip, name);
  if (organisation != nullptr && !organisation->province.empty()) return organisation->province;
  if (ip.is_unspecified()) return {};
  const std::uint32_t place = network_of(ip).place;
  return place == Network::kNoOrganisation ? std::string_view() : spec_.organisations[place].province;
}

}  // namespace tocsin
