// A request's text as an application reads it, for patterns to be matched on.
#pragma once

#include <string>
#include <string_view>

#include "collect/observation.h"

namespace tocsin {

// Whether decode_uri would change anything.
bool is_encoded(std::string_view uri);

// Decodes a URI twice, as attackers encode twice what the first of two programs would stop: %41, %u0041, overlong
// UTF-8 (RFC 3629 section 10), letters of full width (U+FF01 to U+FF5E), "+" in the query the first time; then each
// comment of SQL becomes a blank. plain is cleared first, scratch's content is lost.
void decode_uri(std::string_view uri, std::string& plain, std::string& scratch);

// The name of the site that was asked: the host in lower case, without port and final dot, at most 253 bytes.
void site_of(std::string_view host, std::string& site);

// The path of a URI, without query and fragment; "http://host" before it is left out.
std::string_view path_of(std::string_view uri);

}  // namespace tocsin
