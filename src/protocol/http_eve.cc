// The members of EVE's "http" object.
#include <algorithm>

#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/http_range.h"
#include "protocol/http_transaction.h"

namespace tocsin::protocol {

// All headers, or those that are asked for.
void HttpTransaction::write_headers(EveObject& object, Side side) const {
  constexpr std::size_t kNameMost = 255, kValueMost = 2047;
  const bool is_all = side == Side::kToServer ? settings_->has_request_headers : settings_->has_response_headers;
  if (!is_all && settings_->logged_headers.empty()) return;
  bool is_open = false;
  for (const Header& header : of(side).headers) {
    if (!is_all && std::ranges::find(settings_->logged_headers, lower(header.name)) == settings_->logged_headers.end())
      continue;
    if (!is_open) object.open_list(side == Side::kToServer ? "request_headers" : "response_headers");
    is_open = true;
    object.open_item();
    object.text("name", std::string_view(header.name).substr(0, kNameMost));
    object.text("value", std::string_view(header.value).substr(0, kValueMost));
    object.close();
  }
  if (is_open) object.close_list();
}

std::string HttpTransaction::eve() const {
  const Message &request = of(Side::kToServer), &response = of(Side::kToClient);
  EveObject object;
  const auto copy = [&](std::string_view name, const Header* header) {
    if (header) object.text(name, header->value);
  };
  object.open("http");
  if (has_host) object.text("hostname", host);
  if (port > 0) object.number("http_port", static_cast<std::uint64_t>(port));
  if (has_uri) object.text("url", raw_uri);
  copy("http_user_agent", request.find("user-agent"));
  copy("xff", request.find("x-forwarded-for"));
  if (const Header* type = response.find("content-type"))
    object.text("http_content_type", std::string_view(type->value).substr(0, type->value.find(';')));
  if (const Header* header = response.find("content-range")) {
    object.open("content_range");
    object.text("raw", header->value);
    if (const auto range = parse_content_range(header->value)) {
      if (range->start >= 0) object.number("start", static_cast<std::uint64_t>(range->start));
      if (range->end >= 0) object.number("end", static_cast<std::uint64_t>(range->end));
      if (range->size >= 0) object.number("size", static_cast<std::uint64_t>(range->size));
    }
    object.close();
  }
  copy("http_refer", request.find("referer"));
  if (!method.empty()) object.text("http_method", method);
  if (request.has_protocol) object.text("protocol", request.protocol);
  if (status_number > 0) {
    object.number("status", static_cast<std::uint64_t>(status_number));
  } else if (has_status) {
    object.text("status_string", status);
  }
  copy("redirect", response.find("location"));
  object.number("length", message_size);
  for (const Side side : {Side::kToServer, Side::kToClient}) write_headers(object, side);
  object.close();
  return object.take();
}

}  // namespace tocsin::protocol
