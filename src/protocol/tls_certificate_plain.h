#pragma once

#include "protocol/tls_certificate.h"

namespace tocsin::protocol::tls {

// "[192, 0, 2, 1]": a list of numbers, as it is logged.
std::string address_text(std::span<const std::uint8_t> address);
// Of a certificate as nearly all are: strict DER, and names in ASCII. Nothing: it is not so plain, which does not say
// that it is wrong. All but the fingerprint is set.
std::optional<Certificate> read_plain_certificate(std::span<const std::uint8_t> der);

}  // namespace tocsin::protocol::tls
