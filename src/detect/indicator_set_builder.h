// Keys of the table and spellings of values: what the builder of an IndicatorSet and its look-ups must agree on.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/ip_address.h"
#include "detect/domain_name.h"
#include "detect/indicator_set.h"

namespace tocsin {

inline std::uint64_t mixed(std::uint64_t key, std::uint64_t more) {
  const auto product = static_cast<Wide>(key ^ 0x9e3779b97f4a7c15ULL) * (more * 2 + 0xd6e8feb86659fd93ULL);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}
inline std::uint64_t domain_key(std::string_view name) { return hash64(name, 1); }
inline std::uint64_t url_key(std::string_view value) { return hash64(value, 2); }
inline std::uint64_t url_host_key(std::string_view authority) { return hash64(authority, 3); }
inline std::uint64_t hash_key(std::string_view hex) { return hash64(hex, 4); }
// address: IndicatorSet::key_of.
inline std::uint64_t endpoint_key(std::uint64_t address, std::uint16_t port) { return mixed(address, port); }
inline std::uint64_t prefix_key(const Prefix& prefix) {
  return mixed(hash_of(prefix.address()), 0x10000ULL + static_cast<std::uint64_t>(prefix.length()));
}

// "1.2.3.4" of "1.2.3.4:80", "::1" of "[::1]:80".
inline std::string_view host_of_endpoint(std::string_view text) {
  text = text.substr(0, text.rfind(':'));
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  return text;
}
// 0 if there is none.
inline std::uint16_t port_of_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::uint16_t port = 0;
  if (colon == std::string_view::npos) return 0;
  const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() ? port : std::uint16_t{0};
}
inline std::string_view without_port(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.ends_with(']')) return authority;
  return authority.substr(0, colon);
}

// Host and port as in a URL: lower case, without user and port 80. False if it names no host.
inline bool normalise_authority(std::string_view text, std::string& into) {
  if (const std::size_t user = text.rfind('@'); user != std::string_view::npos) text.remove_prefix(user + 1);
  const std::string_view host = without_port(text);
  const std::string_view port = host.size() < text.size() ? text.substr(host.size() + 1) : std::string_view();
  if (host.starts_with('[') && host.ends_with(']')) {
    const auto address = IpAddress::parse(host.substr(1, host.size() - 2));
    if (!address) return false;
    into = "[" + address->text() + "]";
  } else if (!normalise_domain(host, into)) {
    return false;
  }
  if (!port.empty() && port != "80") {
    if (port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos) return false;
    into += ':';
    into += port;
  }
  return true;
}

}  // namespace tocsin
