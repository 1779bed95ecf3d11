#include "http/http.h"

#include "base/text.h"
#include "http/json_text.h"
#include "http/status_text.h"

namespace tocsin::serve {

const std::string* Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::optional<std::string_view> Request::cookie(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key != "cookie") continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t end = rest.find(';');
      const std::string_view pair = trim(rest.substr(0, end));
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      const std::size_t equals = pair.find('=');
      if (equals != std::string_view::npos && trim(pair.substr(0, equals)) == name) {
        return trim(pair.substr(equals + 1));
      }
    }
  }
  return std::nullopt;
}

Response problem(unsigned status, std::string_view detail, std::string_view type) {
  Json document;
  document["type"] = type.empty() ? std::string_view("about:blank") : type;
  document["title"] = status_text(status);
  document["status"] = status;
  if (!detail.empty()) document["detail"] = detail;
  Response response;
  response.status = status;
  response.headers = {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}};
  // What a detail repeats of a request may be any bytes.
  response.body = dumped(document);
  return response;
}

Response json(std::string body, unsigned status) {
  Response response;
  response.status = status;
  response.headers = {{"Content-Type", "application/json"}};
  response.body = std::move(body);
  return response;
}

}  // namespace tocsin::serve
