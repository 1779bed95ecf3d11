// The members of EVE's "http" object for HTTP/2.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/http2_transaction.h"

namespace tocsin::protocol {
namespace {

constexpr std::string_view kErrors[] = {"NO_ERROR",
                                        "PROTOCOL_ERROR",
                                        "INTERNAL_ERROR",
                                        "FLOW_CONTROL_ERROR",
                                        "SETTINGS_TIMEOUT",
                                        "STREAM_CLOSED",
                                        "FRAME_SIZE_ERROR",
                                        "REFUSED_STREAM",
                                        "CANCEL",
                                        "COMPRESSION_ERROR",
                                        "CONNECT_ERROR",
                                        "ENHANCE_YOUR_CALM",
                                        "INADEQUATE_SECURITY",
                                        "HTTP11_REQUIRED"};

std::string setting_name(std::uint16_t id) {
  constexpr std::string_view kNames[] = {"",
                                         "HEADERTABLESIZE",
                                         "ENABLEPUSH",
                                         "MAXCONCURRENTSTREAMS",
                                         "INITIALWINDOWSIZE",
                                         "MAXFRAMESIZE",
                                         "MAXHEADERLISTSIZE",
                                         "",
                                         "ENABLECONNECTPROTOCOL",
                                         "NORFC7540PRIORITIES"};
  if (id < std::size(kNames) && !kNames[id].empty()) return "SETTINGS" + std::string(kNames[id]);
  return fmt::format("SETTINGSUNKNOWN({})", id);
}

// false: nothing is worth telling.
bool write_frames(EveObject& object, const std::vector<Http2Frame>& frames) {
  bool has_settings = false, has_error = false, has_priority = false, has_multiple = false;
  for (const Http2Frame& frame : frames) {
    for (const auto& [id, value] : frame.settings) {
      if (!has_settings) object.open_list("settings");
      has_settings = true;
      object.open_item();
      object.text("settings_id", setting_name(id));
      object.number("settings_value", value);
      object.close();
    }
  }
  if (has_settings) object.close_list();
  const auto repeated = [&](std::string_view what) {
    if (!has_multiple) object.text("has_multiple", what);
    has_multiple = true;
  };
  for (const Http2Frame& frame : frames) {
    if (frame.error && has_error) {
      repeated("error_code");
    } else if (frame.error) {
      has_error = true;
      object.text("error_code", *frame.error < std::size(kErrors) ? std::string(kErrors[*frame.error])
                                                                  : fmt::format("unknown-{}", *frame.error));
    }
    if (frame.priority && has_priority) {
      repeated("priority");
    } else if (frame.priority) {
      has_priority = true;
      object.number("priority", *frame.priority);
    }
  }
  return has_settings || has_error || has_priority;
}

}  // namespace

std::string Http2Transaction::eve() const {
  EveObject object;
  object.open("http");
  object.text("version", "2");
  bool has_any = false;
  const auto number = [&](std::string_view name, std::string_view digits) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc() && end == digits.data() + digits.size()) object.number(name, value);
  };
  for (const Side side : {Side::kToServer, Side::kToClient}) {
    const Half& of = half(side);
    if (of.headers.empty() && of.sizes.empty()) continue;
    has_any = true;
    object.open_list(side == Side::kToServer ? "request_headers" : "response_headers");
    for (const std::uint64_t size : of.sizes) {
      object.open_item();
      object.number("table_size_update", size);
      object.close();
    }
    for (const Http2Header& header : of.headers) {
      object.open_item();
      object.text("name", header.name);
      object.text("value", header.value);
      object.close();
    }
    object.close_list();
  }
  // Of several the last counts, whoever said it.
  const auto last = [&](std::string_view name) -> const std::string* {
    for (const Side side : {Side::kToClient, Side::kToServer}) {
      const auto& headers = half(side).headers;
      for (auto header = headers.rbegin(); header != headers.rend(); ++header) {
        if (equals_ignoring_case(header->name, name)) return &header->value;
      }
    }
    return nullptr;
  };
  if (const auto* value = last(":method")) object.text("http_method", *value);
  if (const auto* value = last(":path")) object.text("url", *value);
  if (const auto* value = last("host")) object.text("hostname", *value);
  if (const auto* value = last("user-agent")) object.text("http_user_agent", *value);
  if (const auto* value = last("content-length")) number("length", *value);
  if (const auto* value = last(":status")) number("status", *value);
  object.open("http2");
  object.number("stream_id", stream_);
  for (const Side side : {Side::kToServer, Side::kToClient}) {
    EveObject inner;
    if (!write_frames(inner, half(side).frames)) continue;
    has_any = true;
    object.raw(side == Side::kToServer ? "request" : "response", "{" + inner.take() + "}");
  }
  object.close();
  object.close();
  // The answer has the question, too.
  const auto& dns = half(half(Side::kToClient).dns ? Side::kToClient : Side::kToServer).dns;
  if (dns) object.members(dns->eve());
  return has_any ? object.take() : std::string();
}

}  // namespace tocsin::protocol
