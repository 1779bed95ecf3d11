// Domain names in one spelling, and where registration begins.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

// The name in lower-case ASCII without final dot; international names in their A-label form (IDNA 2008 with the
// UTS #46 mapping). False, with `into` unspecified, if it is no name: empty, over 253 bytes, an empty label or one over
// 63 bytes, bytes that are neither UTF-8 nor letters, digits, '-' and '_'.
bool normalise_domain(std::string_view name, std::string& into);

// By the Public Suffix List (publicsuffix.org), both its sections: "co.uk", "github.io", and any single label. The name
// is normalised.
bool is_public_suffix(std::string_view name);
// "evil.co.uk" of "www.evil.co.uk"; empty for a public suffix or an address. A view of `name`, which is normalised.
std::string_view registrable_domain(std::string_view name);

}  // namespace tocsin
