// Groups of addresses and ports as a rule's header has them, variables filled in.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/expected.h"
#include "base/ip_address.h"
#include "base/options.h"

namespace tocsin::rules {

// Sorted, apart from each other, both ends included. Every address of both families is ::-ffff:…:ffff; IPv4 addresses
// are mapped.
struct AddressSet {
  std::vector<std::pair<IpAddress, IpAddress>> ranges;
  bool is_plain = true;  // written without leaving anything out, and without spans: addresses and networks alone
  bool contains(const IpAddress& address) const;
  bool is_any() const;
};

struct PortSet {
  std::vector<std::pair<std::uint16_t, std::uint16_t>> ranges;
  bool contains(std::uint16_t port) const;
  bool is_any() const;
};

// Name without $ to its text, which may name others.
using Variables = std::map<std::string, std::string, std::less<>>;
// What suricata.yaml has of old, with HOME_NET any.
Variables default_variables();
// Those of a configuration (vars.address-groups, vars.port-groups), over the ones that there are anyhow.
Variables variables_of(const Options& options);

Expected<AddressSet> parse_addresses(std::string_view text, const Variables& variables);
Expected<PortSet> parse_ports(std::string_view text, const Variables& variables);

}  // namespace tocsin::rules
