// An HTTP response as it was stored: its status, the headers that matter and its body, decoded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::collect {

struct StoredResponse {
  std::uint16_t status = 0;
  std::string_view content_type;      // "text/html; charset=utf-8", as written
  std::string_view content_encoding;  // as written
  bool chunked = false;
  std::string_view body;  // as stored
};

// RFC 9112; views of `message`. nullopt if it does not begin with a status line.
std::optional<StoredResponse> stored_response(std::string_view message);

// The body without its transfer and content encoding, at most `most` bytes of it; views of the body or of `buffer`.
// Crawlers often decode a body and leave the headers as they were: a body that is not so encoded is taken as it is.
// nullopt for an encoding that is not known (br) or damaged from its start.
std::optional<std::string_view> decoded_body(const StoredResponse& response, std::size_t most, std::string& buffer);

// Whether the content type (or, without one, the beginning of the body) is that of HTML.
bool is_html(std::string_view content_type, std::string_view body);

}  // namespace tocsin::collect
