// What rules and logs say of a certificate (RFC 5280).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::protocol::tls {

struct Certificate {
  std::string subject, issuer;  // "C=US, O=Example, CN=example.org"
  std::string serial;           // "0A:1B", all bytes of the number
  std::string fingerprint;      // SHA-1, "aa:bb"
  std::vector<std::string> names;
  std::int64_t not_before = 0, not_after = 0;  // seconds since 1970
};

// Nothing: it is no certificate.
std::optional<Certificate> read_certificate(std::span<const std::uint8_t> der);
// The event that says what is wrong with it: "tls.certificate_invalid_length" ...
std::string_view certificate_fault(std::span<const std::uint8_t> der);
// "0A:1B", or in lower case
std::string hex_pairs(std::span<const std::uint8_t> bytes, bool upper);
// "2017-05-05T09:30:00"
std::string time_text(std::int64_t seconds);

}  // namespace tocsin::protocol::tls
