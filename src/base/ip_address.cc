#include "base/ip_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

namespace tocsin {
namespace {

struct SpecialNetwork {
  Prefix prefix;
  AddressScope scope;
};

Prefix literal(std::string_view text) { return *Prefix::parse(text); }

// Ordered so that the first that contains an address decides.
const std::array<SpecialNetwork, 30>& special_networks() {
  using enum AddressScope;
  static const std::array<SpecialNetwork, 30> networks{{
      {literal("0.0.0.0/32"), kUnspecified},
      {literal("0.0.0.0/8"), kReserved},
      {literal("10.0.0.0/8"), kPrivate},
      {literal("100.64.0.0/10"), kSharedCgnat},
      {literal("127.0.0.0/8"), kLoopback},
      {literal("169.254.0.0/16"), kLinkLocal},
      {literal("172.16.0.0/12"), kPrivate},
      {literal("192.0.0.0/24"), kReserved},
      {literal("192.0.2.0/24"), kDocumentation},
      {literal("192.168.0.0/16"), kPrivate},
      {literal("198.18.0.0/15"), kBenchmarking},
      {literal("198.51.100.0/24"), kDocumentation},
      {literal("203.0.113.0/24"), kDocumentation},
      {literal("224.0.0.0/4"), kMulticast},
      {literal("255.255.255.255/32"), kBroadcast},
      {literal("240.0.0.0/4"), kReserved},
      {literal("::ffff:0:0/96"), kGlobal},
      {literal("::/128"), kUnspecified},
      {literal("::1/128"), kLoopback},
      {literal("64:ff9b:1::/48"), kPrivate},
      {literal("100::/64"), kReserved},
      {literal("2001:2::/48"), kBenchmarking},
      {literal("2001:db8::/32"), kDocumentation},
      {literal("3fff::/20"), kDocumentation},
      {literal("fc00::/7"), kPrivate},
      {literal("fe80::/10"), kLinkLocal},
      {literal("ff00::/8"), kMulticast},
      {literal("2000::/3"), kGlobal},
      {literal("64:ff9b::/96"), kGlobal},
      {literal("::/0"), kReserved},
  }};
  return networks;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  char buffer[INET6_ADDRSTRLEN] = {};
  text.copy(buffer, text.size());
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  in_addr four{};
  if (inet_pton(AF_INET, buffer, &four) == 1) return v4(ntohl(four.s_addr));
  std::array<std::uint8_t, 16> six{};
  if (inet_pton(AF_INET6, buffer, six.data()) == 1) return IpAddress(six);
  return std::nullopt;
}

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN];
  if (is_v4()) {
    char* end = buffer;
    for (std::size_t i = 12; i < 16; ++i) {
      end = std::to_chars(end, buffer + sizeof buffer, bytes_[i]).ptr;
      if (i < 15) *end++ = '.';
    }
    return {buffer, end};
  }
  inet_ntop(AF_INET6, bytes_.data(), buffer, sizeof buffer);
  return buffer;
}

AddressScope scope_of(const IpAddress& address) {
  // Nearly every address is told by its first bits.
  if (address.is_v4()) {
    switch (address.as_v4() >> 24) {
      case 0:
      case 10:
      case 100:
      case 127:
      case 169:
      case 172:
      case 192:
      case 198:
      case 203:
        break;
      default:
        if (address.as_v4() < 0xe0000000U) return AddressScope::kGlobal;
    }
  } else if (const std::uint64_t first = address.high() >> 48; first >> 13 == 1 && first != 0x2001 && first < 0x3ff0) {
    return AddressScope::kGlobal;
  }
  for (const SpecialNetwork& network : special_networks()) {
    if (network.prefix.contains(address)) {
      if (network.prefix.length() == 96 && address.is_v4()) return AddressScope::kGlobal;
      return network.scope;
    }
  }
  return AddressScope::kReserved;
}

std::string_view name_of(AddressScope scope) {
  static constexpr std::array<std::string_view, 11> names{
      "global",    "unspecified",   "loopback",     "private", "shared (carrier-grade NAT)", "link-local", "multicast",
      "broadcast", "documentation", "benchmarking", "reserved"};
  return names[static_cast<std::size_t>(scope)];
}

Prefix::Prefix(const IpAddress& address, int length) : length_(length) {
  std::array<std::uint8_t, 16> bytes = address.bytes();
  const std::size_t whole = static_cast<std::size_t>(length) / 8;
  if (whole < 16) {
    bytes[whole] = static_cast<std::uint8_t>(bytes[whole] & (0xff00U >> (length % 8)));
    for (std::size_t i = whole + 1; i < 16; ++i) bytes[i] = 0;
  }
  address_ = IpAddress(bytes);
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const bool four = text.substr(0, slash).find(':') == std::string_view::npos;
  const int most = four ? 32 : 128;
  int length = most;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (error != std::errc() || end != digits.data() + digits.size() || length < 0 || length > most)
      return std::nullopt;
  }
  return Prefix(*address, four ? length + 96 : length);
}

IpAddress Prefix::last() const {
  std::array<std::uint8_t, 16> bytes = address_.bytes();
  for (int bit = length_; bit < 128; ++bit) {
    const auto at = static_cast<std::size_t>(bit / 8);
    bytes[at] = static_cast<std::uint8_t>(bytes[at] | (0x80U >> (bit % 8)));
  }
  return IpAddress(bytes);
}

std::string Prefix::text() const {
  return fmt::format("{}/{}", address_.text(), address_.is_v4() && length_ >= 96 ? length_ - 96 : length_);
}

std::uint64_t hash_of(const IpAddress& address) {
  // Two rounds of the 64-bit finaliser of MurmurHash3, one for each half.
  auto mix = [](std::uint64_t x) {
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdULL;
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ULL;
    return x ^ (x >> 33);
  };
  return mix(address.low() + mix(address.high() + 0x9e3779b97f4a7c15ULL));
}

}  // namespace tocsin
