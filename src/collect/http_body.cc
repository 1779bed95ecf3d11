#include "collect/http_body.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/text.h"
#include "collect/fields.h"

namespace tocsin::collect {
namespace {

// Chunks put together (RFC 9112 section 7.1); false if the body does not begin with a chunk. A damaged later chunk ends
// it.
bool dechunk(std::string_view body, std::size_t most, std::string& into) {
  bool any = false;
  while (into.size() < most) {
    const std::string_view line = next_line(body);
    std::size_t size = 0;
    const std::string_view digits = trim(line.substr(0, line.find(';')));
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
    if (error != std::errc{} || end != digits.data() + digits.size()) break;
    any = true;
    if (size == 0) break;
    into += body.substr(0, std::min(size, most - into.size()));
    body.remove_prefix(std::min(size, body.size()));
    if (body.starts_with('\r')) body.remove_prefix(1);
    if (body.starts_with('\n')) body.remove_prefix(1);
  }
  return any;
}

// At most `most` bytes of it; false if nothing came out. window: as inflateInit2 has it.
bool inflate_into(std::string_view body, int window, std::size_t most, std::string& into) {
  z_stream stream{};
  if (inflateInit2(&stream, window) != Z_OK) return false;
  into.resize(most);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(std::min<std::size_t>(body.size(), 1U << 30));
  stream.next_out = reinterpret_cast<Bytef*>(into.data());
  stream.avail_out = static_cast<uInt>(most);
  const int status = inflate(&stream, Z_FINISH);
  into.resize(most - stream.avail_out);
  inflateEnd(&stream);
  return !into.empty() || status == Z_STREAM_END;
}

bool looks_like_html(std::string_view body) {
  body = trim(body.substr(0, 1024));
  if (body.starts_with("\xef\xbb\xbf")) body = trim(body.substr(3));
  return body.starts_with('<');
}

}  // namespace

std::optional<StoredResponse> stored_response(std::string_view message) {
  StoredResponse response;
  const std::string_view status = next_line(message);
  if (!status.starts_with("HTTP/")) return std::nullopt;
  const std::size_t space = status.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::string_view code = status.substr(space + 1, 3);
  const auto [end, error] = std::from_chars(code.data(), code.data() + code.size(), response.status);
  if (error != std::errc{} || end != code.data() + 3) return std::nullopt;
  while (!message.empty()) {
    const std::string_view line = next_line(message);
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon), value = trim(line.substr(colon + 1));
    if (equals_ignoring_case(name, "content-type")) response.content_type = value;
    if (equals_ignoring_case(name, "content-encoding")) response.content_encoding = value;
    if (equals_ignoring_case(name, "transfer-encoding"))
      response.chunked = lower(value.substr(0, 64)).find("chunked") != std::string::npos;
  }
  response.body = message;
  return response;
}

std::optional<std::string_view> decoded_body(const StoredResponse& response, std::size_t most, std::string& buffer) {
  std::string_view body = response.body;
  buffer.clear();
  std::string whole;
  if (response.chunked && dechunk(body, 4 * most, whole)) body = whole;
  const std::string coding = lower(trim(response.content_encoding.substr(0, 64)));
  const bool plain = coding.empty() || coding == "identity" || looks_like_html(body);
  if (!plain) {
    const bool gzip = coding == "gzip" || coding == "x-gzip";
    if (!gzip && coding != "deflate") return std::nullopt;
    if (inflate_into(body, 15 + 32, most, buffer) || (!gzip && inflate_into(body, -15, most, buffer))) return buffer;
    return std::nullopt;
  }
  if (body.data() == whole.data() && !whole.empty()) {
    buffer = std::move(whole);
    body = buffer;
  }
  return body.substr(0, most);
}

bool is_html(std::string_view content_type, std::string_view body) {
  if (content_type.empty()) return looks_like_html(body);
  const std::string type = lower(trim(content_type.substr(0, std::min<std::size_t>(content_type.find(';'), 64))));
  return type == "text/html" || type == "application/xhtml+xml";
}

}  // namespace tocsin::collect
