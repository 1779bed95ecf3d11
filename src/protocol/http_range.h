// The Content-Range of a response (RFC 9110, section 14.4).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tocsin::protocol {

struct HttpRange {
  std::int64_t start = -1, end = -1, size = -1;  // -1: not said
};
std::optional<HttpRange> parse_content_range(std::string_view value);

}  // namespace tocsin::protocol
