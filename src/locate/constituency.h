// Whom this CERT protects.
#pragma once

#include <bitset>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/country_code.h"
#include "base/ip_address.h"
#include "locate/intervals.h"

namespace tocsin {

// An entry of the register. One without a name says only what it has of others: the province of a network.
struct Organisation {
  std::string name;
  std::string sector;    // "government", "finance/banking": see constituencies/sectors.toml
  std::string province;  // ISO 3166-2 code ("CN-44") or a name
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

struct SuffixHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

// Networks, names and numbers of a constituency, indexed: has_prefix_of costs tens of nanoseconds however many prefixes
// there are. Names are compared without regard to case and a final dot, and on the boundaries of labels: the suffix
// "gov.example" holds for "gov.example" and "a.gov.example", not for "notgov.example". Suffixes may be written
// "gov.example", ".gov.example" or "*.gov.example", and in Unicode.
class Constituency {
 public:
  explicit Constituency(ConstituencySpec spec);
  const ConstituencySpec& spec() const { return spec_; }
  bool has_prefix_of(const IpAddress& ip) const;  // declared prefixes and those of organisations
  bool contains(const IpAddress& ip, CountryCode country, std::uint32_t asn) const;
  // Declared suffixes and those of organisations.
  bool contains_name(std::string_view name) const;
  // By longest prefix, else by longest domain suffix, of those that organisations with a name declare; nullptr if none.
  // The unspecified address has none. What it points to lives as long as this constituency.
  const Organisation* organisation_of(const IpAddress& ip, std::string_view name) const;
  // What organisation_of says or, where it says none, the innermost network entry (without a name) around the address.
  std::string_view province_of(const IpAddress& ip, std::string_view name) const;

 private:
  // What the innermost declared network around an address says. Organisations are named by their place in spec_, so
  // that copies and moves keep no pointers into each other.
  struct Network {
    static constexpr std::uint32_t kNoOrganisation = 0xffffffff;
    bool declared = false;
    std::uint32_t organisation = kNoOrganisation;  // the innermost with a name
    std::uint32_t place = kNoOrganisation;         // the innermost without a name that tells its province
    friend constexpr bool operator==(const Network&, const Network&) = default;
  };
  using Suffixes = std::unordered_map<std::string, std::uint32_t, SuffixHash, std::equal_to<>>;

  void index_networks();
  void index_suffixes();
  const Network& network_of(const IpAddress& ip) const;
  const Suffixes::value_type* suffix_of(std::string_view name, bool with_organisation) const;

  ConstituencySpec spec_;
  SplitIntervals<Network> networks_;
  std::vector<std::uint32_t> v4_index_, v6_index_;  // empty if there are few networks
  std::bitset<std::size_t{26} * 26> countries_;
  std::vector<std::uint32_t> as_numbers_;  // sorted
  Suffixes suffixes_;                      // to the organisation, or kNoOrganisation
};

}  // namespace tocsin
