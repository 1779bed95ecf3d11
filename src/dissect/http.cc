#include <algorithm>
#include <array>

#include "base/text.h"
#include "dissect/payload.h"

namespace tocsin {
namespace {

constexpr std::array<std::string_view, 23> kMethods{
    "GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "OPTIONS ", "CONNECT ", "TRACE ", "PATCH ", "PROPFIND ", "PROPPATCH ",
    "MKCOL ", "COPY ", "MOVE ", "LOCK ", "UNLOCK ", "SEARCH ", "REPORT ", "DEBUG ", "TRACK ", "BREW ", "SUBSCRIBE ",
    "NOTIFY "};

std::string_view line_of(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

std::optional<HttpRequest> parse_http_request(std::string_view payload) {
  const auto method = std::ranges::find_if(kMethods, [&](std::string_view m) { return payload.starts_with(m); });
  if (method == kMethods.end()) return std::nullopt;
  HttpRequest request;
  std::string_view rest = payload;
  std::string_view line = line_of(rest);
  const bool whole = line.size() < payload.size();
  request.method = method->substr(0, method->size() - 1);
  line.remove_prefix(method->size());
  const std::size_t version = line.rfind(" HTTP/");
  // A target may have blanks in it, as attackers write them; a line without a version is taken only if it was cut.
  if (version == std::string_view::npos && whole) return std::nullopt;
  request.uri = trim(line.substr(0, version));
  for (int headers = 0; headers < 256 && !rest.empty(); ++headers) {
    const std::string_view header = line_of(rest);
    if (header.empty()) break;
    const std::size_t colon = header.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = trim(header.substr(0, colon)), value = trim(header.substr(colon + 1));
    if (request.host.empty() && equals_ignoring_case(name, "host")) request.host = value;
    if (request.user_agent.empty() && equals_ignoring_case(name, "user-agent")) request.user_agent = value;
    if (request.referrer.empty() && equals_ignoring_case(name, "referer")) request.referrer = value;
  }
  return request;
}

std::optional<std::uint16_t> parse_http_status(std::string_view payload) {
  if (!payload.starts_with("HTTP/1.") || payload.size() < 12 || payload[8] != ' ') return std::nullopt;
  unsigned status = 0;
  for (std::size_t i = 9; i < 12; ++i) {
    if (payload[i] < '0' || payload[i] > '9') return std::nullopt;
    status = status * 10 + static_cast<unsigned>(payload[i] - '0');
  }
  return static_cast<std::uint16_t>(status);
}

}  // namespace tocsin
