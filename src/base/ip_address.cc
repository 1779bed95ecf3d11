#include "base/ip_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

namespace tocsin {
namespace {

// An address belongs to it whose bits under the masks are these.
struct SpecialNetwork {
  std::uint64_t high, low, high_mask, low_mask;
  AddressScope scope;
  bool holds(std::uint64_t address_high, std::uint64_t address_low) const {
    return (((address_high ^ high) & high_mask) | ((address_low ^ low) & low_mask)) == 0;
  }
};

SpecialNetwork network(std::string_view text, AddressScope scope) {
  const Prefix prefix = *Prefix::parse(text);
  const int length = prefix.length();  // of an IPv4 network too, 96 bits more than its own
  const std::uint64_t high_mask = length == 0 ? 0 : ~0ULL << (length < 64 ? 64 - length : 0);
  const std::uint64_t low_mask = length <= 64 ? 0 : ~0ULL << (128 - length);
  return {prefix.address().high(), prefix.address().low(), high_mask, low_mask, scope};
}

// Ordered so that the first that contains an address decides.
const std::array<SpecialNetwork, 30>& special_networks() {
  using enum AddressScope;
  static const std::array<SpecialNetwork, 30> networks{{
      network("0.0.0.0/32", kUnspecified),
      network("0.0.0.0/8", kReserved),
      network("10.0.0.0/8", kPrivate),
      network("100.64.0.0/10", kSharedCgnat),
      network("127.0.0.0/8", kLoopback),
      network("169.254.0.0/16", kLinkLocal),
      network("172.16.0.0/12", kPrivate),
      network("192.0.0.0/24", kReserved),
      network("192.0.2.0/24", kDocumentation),
      network("192.168.0.0/16", kPrivate),
      network("198.18.0.0/15", kBenchmarking),
      network("198.51.100.0/24", kDocumentation),
      network("203.0.113.0/24", kDocumentation),
      network("224.0.0.0/4", kMulticast),
      network("255.255.255.255/32", kBroadcast),
      network("240.0.0.0/4", kReserved),
      network("::ffff:0:0/96", kGlobal),
      network("::/128", kUnspecified),
      network("::1/128", kLoopback),
      network("64:ff9b:1::/48", kPrivate),
      network("100::/64", kReserved),
      network("2001:2::/48", kBenchmarking),
      network("2001:db8::/32", kDocumentation),
      network("3fff::/20", kDocumentation),
      network("fc00::/7", kPrivate),
      network("fe80::/10", kLinkLocal),
      network("ff00::/8", kMulticast),
      network("2000::/3", kGlobal),
      network("64:ff9b::/96", kGlobal),
      network("::/0", kReserved),
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
  const std::uint64_t high = address.high(), low = address.low();
  for (const SpecialNetwork& network : special_networks()) {
    if (network.holds(high, low)) return network.scope;
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
