#pragma once

#include "protocol/tls_certificate.h"

namespace tocsin::protocol::tls {

// Of a certificate as nearly all are: strict DER, and names in ASCII. Nothing: it is not so plain, which does not say
// that it is wrong. All but the fingerprint is set.
std::optional<Certificate> read_plain_certificate(std::span<const std::uint8_t> der);

}  // namespace tocsin::protocol::tls
