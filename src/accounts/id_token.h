// ID tokens: JSON Web Tokens (RFC 7519) that a provider signed, checked as OpenID Connect Core 1.0 section 3.1.3.7
// asks.
#pragma once

#include <string>
#include <string_view>

#include "accounts/json_web_keys.h"
#include "base/expected.h"
#include "base/time.h"

namespace tocsin::serve {

struct IdTokenDemand {
  std::string issuer, audience, nonce;
  Timestamp now = 0;
};

struct IdTokenError {
  std::string message;
  bool unknown_key = false;  // the keys may have changed meanwhile: read them again
};

// The claims, a JSON object with "sub" a string. RS256, ES256 and EdDSA; no other algorithm, "none" least of all.
std::expected<std::string, IdTokenError> check_id_token(std::string_view token, const JsonWebKeys& keys,
                                                        const IdTokenDemand& demand);

}  // namespace tocsin::serve
