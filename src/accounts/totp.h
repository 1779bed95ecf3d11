// Time-based one-time passwords (RFC 6238) by HMAC-SHA-1: 6 digits, steps of 30 s.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace tocsin::serve {

// The code of a step (RFC 4226 section 5.3).
std::string totp_code(std::string_view secret, std::int64_t step, unsigned digits = 6);
// The step of which it is the code: this one, the one before or the one after, but later than `used`; none: wrong.
std::optional<std::int64_t> totp_step_of(std::string_view secret, std::string_view code, Timestamp now,
                                         std::int64_t used);
// RFC 4648 section 6, without padding.
std::string to_base32(std::string_view bytes);
std::optional<std::string> from_base32(std::string_view text);
// otpauth://totp/... as authenticators read it.
std::string totp_uri(std::string_view secret_base32, std::string_view account);

}  // namespace tocsin::serve
