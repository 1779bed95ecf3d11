// Whom this CERT protects.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/country_code.h"
#include "base/ip_address.h"

namespace tocsin {

struct Organisation {
  std::string name;
  std::string sector;  // "government", "finance/banking"
  std::string contact;
  std::vector<Prefix> prefixes;
  std::vector<std::string> domains;
};

struct ConstituencySpec {
  std::string name;
  std::vector<CountryCode> countries;
  std::vector<Prefix> prefixes;
  std::vector<std::uint32_t> as_numbers;
  std::vector<std::string> domain_suffixes;
  std::vector<Organisation> organisations;
};

class Constituency {
 public:
  explicit Constituency(ConstituencySpec spec);
  const ConstituencySpec& spec() const { return spec_; }
  bool has_prefix_of(const IpAddress& ip) const;  // declared prefixes and those of organisations
  bool contains(const IpAddress& ip, CountryCode country, std::uint32_t asn) const;
  bool contains_name(std::string_view name) const;
  // By longest prefix, else by longest domain suffix; nullptr if none.
  const Organisation* organisation_of(const IpAddress& ip, std::string_view name) const;

 private:
  static constexpr std::size_t kNoOrganisation = ~std::size_t{0};
  struct Network {
    Prefix prefix;
    std::size_t organisation;  // its place in spec_.organisations
  };
  // The longest declared network that holds the address.
  const Network* network_of(const IpAddress& ip, bool with_organisation) const;

  ConstituencySpec spec_;
  std::vector<Network> networks_;  // sorted
  std::set<int> lengths_;
};

}  // namespace tocsin
