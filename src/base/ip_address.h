// IP addresses of both families as 16 bytes, IPv4 mapped into IPv6 (RFC 4291 section 2.5.5.2).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

class IpAddress {
 public:
  // The unspecified address, ::.
  constexpr IpAddress() = default;
  explicit constexpr IpAddress(const std::array<std::uint8_t, 16>& bytes) : bytes_(bytes) {}
  // From an IPv4 address in host byte order.
  static constexpr IpAddress v4(std::uint32_t host_order) {
    return IpAddress({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, static_cast<std::uint8_t>(host_order >> 24),
                      static_cast<std::uint8_t>(host_order >> 16), static_cast<std::uint8_t>(host_order >> 8),
                      static_cast<std::uint8_t>(host_order)});
  }
  // From the 64 bits on either side, in host byte order.
  static IpAddress of_halves(std::uint64_t high, std::uint64_t low) {
    IpAddress address;
    high = __builtin_bswap64(high);
    low = __builtin_bswap64(low);
    std::memcpy(address.bytes_.data(), &high, sizeof high);
    std::memcpy(address.bytes_.data() + 8, &low, sizeof low);
    return address;
  }
  // Dotted quad (no leading zeros beyond one digit) or any RFC 4291 text form; no brackets, no zone.
  static std::optional<IpAddress> parse(std::string_view text);

  constexpr const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  bool is_v4() const { return high() == 0 && (low() >> 32) == 0xffff; }
  // The IPv4 address in host byte order; meaningful only if is_v4().
  std::uint32_t as_v4() const { return static_cast<std::uint32_t>(low()); }
  bool is_unspecified() const { return high() == 0 && (low() == 0 || low() == 0xffff00000000ULL); }
  // The 64 bits on either side, in host byte order.
  std::uint64_t high() const { return load(0); }
  std::uint64_t low() const { return load(8); }
  // RFC 5952 text; IPv4-mapped addresses as a dotted quad.
  std::string text() const;

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::uint64_t load(std::size_t at) const {
    std::uint64_t value;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return __builtin_bswap64(value);
  }
  std::array<std::uint8_t, 16> bytes_{};
};

// What an address is for, by the IANA special-purpose registries (RFC 6890). Only kGlobal is ever given a country.
enum class AddressScope : std::uint8_t {
  kGlobal,
  kUnspecified,
  kLoopback,
  kPrivate,      // RFC 1918, RFC 4193
  kSharedCgnat,  // RFC 6598
  kLinkLocal,
  kMulticast,
  kBroadcast,
  kDocumentation,  // RFC 5737, RFC 3849
  kBenchmarking,   // RFC 2544, RFC 5180
  kReserved,
};
AddressScope scope_of(const IpAddress& address);
std::string_view name_of(AddressScope scope);

// A network: an address and how many of its leading bits count. IPv4 prefixes are kept as 96 + n bits.
class Prefix {
 public:
  constexpr Prefix() = default;
  // length: of 128 bits. Host bits are cleared.
  Prefix(const IpAddress& address, int length);
  // "192.168.1.0/24", "2001:db8::/32", or a single address.
  static std::optional<Prefix> parse(std::string_view text);

  const IpAddress& address() const { return address_; }
  int length() const { return length_; }
  bool contains(const IpAddress& address) const { return Prefix(address, length_).address_ == address_; }
  IpAddress last() const;
  std::string text() const;

  friend constexpr auto operator<=>(const Prefix&, const Prefix&) = default;

 private:
  IpAddress address_;
  int length_ = 0;
};

struct Endpoint {
  IpAddress ip;
  std::uint16_t port = 0;
  friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

std::uint64_t hash_of(const IpAddress& address);

}  // namespace tocsin

template <>
struct std::hash<tocsin::IpAddress> {
  std::size_t operator()(const tocsin::IpAddress& address) const { return tocsin::hash_of(address); }
};
