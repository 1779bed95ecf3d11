// What a request line asks for (RFC 9112 section 3.2): one reading only of each target, so that no two parties differ.
#pragma once

#include <string>
#include <string_view>

#include "base/expected.h"
#include "http/http.h"

namespace tocsin::serve {

struct Target {
  std::string path;
  Fields query;
};

// Origin form, or absolute form whose authority is the host (the Host header, which may be empty in HTTP/1.0).
// Refused: dot segments, '/' and '\' that are encoded, control characters, what is not UTF-8, fragments.
Expected<Target> parse_target(std::string_view target, std::string_view host);

// "name", "name:port", "[2001:db8::1]:port"
bool is_host(std::string_view host);

// "a=1&b=%20+", decoded as forms are: '+' is a space. Refuses as above.
Expected<Fields> parse_query(std::string_view query);

}  // namespace tocsin::serve
