#include "protocol/http_transaction.h"

#include <algorithm>

#include "base/text.h"

namespace tocsin::protocol {
namespace {

Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

constexpr std::size_t kEventsMost = 255;

Value only(Presence presence) {
  Value value;
  value.presence = presence;
  return value;
}

}  // namespace

HttpTransaction::HttpTransaction(std::shared_ptr<const HttpSettings> settings, std::uint64_t number, Timestamp when)
    : settings_(std::move(settings)) {
  id = number;
  time = when;
}

HttpTransaction::~HttpTransaction() {
  if (live) std::erase_if(*live, [this](const auto& one) { return one.second == this; });
}

const HttpTransaction::Header* HttpTransaction::Message::find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(headers, [&](const Header& header) { return equals_ignoring_case(header.name, name); });
  return found == headers.end() ? nullptr : &*found;
}

void HttpTransaction::add_event(std::string_view event) {
  if (event.empty() || events.size() >= kEventsMost || std::ranges::find(events, event) != events.end()) return;
  Transaction::event(event);
}

void HttpTransaction::set_progress(Side side, std::uint8_t step) {
  std::uint8_t& now = progress[static_cast<int>(side)];
  if (step == now) return;
  now = step;
  changed(side);
}

Value HttpTransaction::absent(Side side, HttpStep step) const {
  return only(is_past(side, step) ? Presence::kAbsent : Presence::kNotYet);
}

Value HttpTransaction::text(const std::string& text, bool is_there, Side side, HttpStep step) const {
  if (!is_there) return absent(side, step);
  Value value = only(Presence::kWhole);
  value.bytes = as_bytes(text);
  value.number = text.size();
  return value;
}

Value HttpTransaction::made(const std::string& text, Side side) const {
  if (!is_past(side, HttpStep::kHeaders)) return {};
  return this->text(text, !text.empty(), side, HttpStep::kHeaders);
}

Value HttpTransaction::header_value(Side side, std::string_view name) const {
  const Header* header = of(side).find(name);
  return header ? text(header->value, true, side, HttpStep::kHeaders) : absent(side, HttpStep::kHeaders);
}

void HttpTransaction::make(Side side) const {
  const Message& message = of(side);
  if (message.is_made) return;
  message.is_made = true;
  message.all_headers.clear();
  message.names.clear();
  message.start.clear();
  message.single.clear();
  const std::string_view cookie = side == Side::kToServer ? "cookie" : "set-cookie";
  if (message.has_line) message.start = message.line + "\r\n";
  for (const Header& header : message.headers) {
    std::string line = header.name + ": " + header.value;
    if (!equals_ignoring_case(header.name, cookie)) message.all_headers.append(line).append("\r\n");
    if (message.has_line) message.start.append(line).append("\r\n");
    message.names.append(message.names.empty() ? "\r\n" : "").append(header.name).append("\r\n");
    message.single.push_back(std::move(line));
  }
  if (!message.headers.empty()) {
    message.names += "\r\n";
    if (message.has_line) message.start += "\r\n";
  }
}

Value HttpTransaction::file(HttpField field, Side side, std::size_t index) const {
  const bool is_done = has_whole_body(side);
  for (const auto& one : files) {
    if (one->side != side || index-- != 0) continue;
    switch (field) {
      case HttpField::kFileName:
        return text(one->name, true, side, HttpStep::kBody);
      case HttpField::kFileMagic:
        identify(*one);
        return one->magic.empty() ? absent(side, HttpStep::kBody) : text(one->magic, true, side, HttpStep::kBody);
      default: {
        Value value = value_of_growing(limits(side), one->bytes, one->offset,
                                       is_done || one->state != File::State::kOpen, settings_->is_inline);
        if (settings_->swf.is_enabled && side == Side::kToClient && value.offset == 0 && !value.bytes.empty()) {
          if (swf_size_ != one->size) {
            swf_size_ = one->size;
            auto unpacked = unpack_swf(one->bytes, settings_->swf);
            is_swf_ = unpacked.has_value();
            swf_ = is_swf_ ? std::move(*unpacked) : std::string();
          }
          if (is_swf_) value.bytes = as_bytes(swf_);
        }
        return value;
      }
    }
  }
  return absent(side, HttpStep::kBody);
}

namespace {

// Of whom a field is; 2: of whoever is asked for.
int side_of(HttpField field) {
  switch (field) {
    case HttpField::kResponseBody:
    case HttpField::kResponseLine:
    case HttpField::kStatCode:
    case HttpField::kStatMessage:
    case HttpField::kResponseHeader:
    case HttpField::kLocation:
    case HttpField::kServer:
      return static_cast<int>(Side::kToClient);
    case HttpField::kCookie:
    case HttpField::kHeader:
    case HttpField::kHeaderRaw:
    case HttpField::kHeaderNames:
    case HttpField::kProtocol:
    case HttpField::kStart:
    case HttpField::kConnection:
    case HttpField::kContentLength:
    case HttpField::kContentType:
    case HttpField::kFileData:
    case HttpField::kFileName:
    case HttpField::kFileMagic:
      return 2;
    default:
      return static_cast<int>(Side::kToServer);
  }
}

}  // namespace

Value HttpTransaction::value(int field, Side side, std::size_t index) const {
  constexpr Side kRequest = Side::kToServer, kResponse = Side::kToClient;
  const auto name = static_cast<HttpField>(field);
  if (const int whose = side_of(name); whose != 2 && whose != static_cast<int>(side)) return only(Presence::kAbsent);
  const Message& message = of(side);
  const bool is_multiple = name == HttpField::kRequestHeader || name == HttpField::kResponseHeader ||
                           name == HttpField::kFileData || name == HttpField::kFileName ||
                           name == HttpField::kFileMagic || name == HttpField::kResponseBody;
  if (index != 0 && !is_multiple) return only(Presence::kAbsent);
  switch (name) {
    case HttpField::kUri:
    case HttpField::kUriLength:
      return text(uri, has_uri && !uri.empty(), kRequest, HttpStep::kLine);
    case HttpField::kUriRaw:
    case HttpField::kUriRawLength:
      return text(raw_uri, has_uri, kRequest, HttpStep::kLine);
    case HttpField::kMethod:
      return text(method, !method.empty(), kRequest, HttpStep::kLine);
    case HttpField::kHost:
      return text(host, has_host, kRequest, HttpStep::kHeaders);
    case HttpField::kHostRaw:
      if (!uri_host.empty()) return text(uri_host, true, kRequest, HttpStep::kHeaders);
      return header_value(kRequest, "host");
    case HttpField::kUserAgent:
      return header_value(kRequest, "user-agent");
    case HttpField::kRequestBody:
      return of(kRequest).body.value(limits(kRequest), has_whole_body(kRequest), settings_->is_inline);
    case HttpField::kRequestLine:
      return text(of(kRequest).line, of(kRequest).has_line, kRequest, HttpStep::kLine);
    case HttpField::kResponseLine:
      return text(of(kResponse).line, of(kResponse).has_line, kResponse, HttpStep::kLine);
    case HttpField::kStatCode:
      return text(status, has_status, kResponse, HttpStep::kLine);
    case HttpField::kStatMessage:
      return text(status_text, has_status_text, kResponse, HttpStep::kLine);
    case HttpField::kCookie:
      return header_value(side, side == kRequest ? "cookie" : "set-cookie");
    case HttpField::kHeader:
      make(side);
      return made(message.all_headers, side);
    case HttpField::kHeaderRaw:
      return made(message.raw_headers, side);
    case HttpField::kHeaderNames:
      make(side);
      return made(message.names, side);
    case HttpField::kStart:
      make(side);
      return made(message.start, side);
    case HttpField::kRequestHeader:
    case HttpField::kResponseHeader: {
      const Side whose = name == HttpField::kRequestHeader ? kRequest : kResponse;
      if (!is_past(whose, HttpStep::kHeaders)) return {};
      make(whose);
      if (index >= of(whose).single.size()) return only(Presence::kAbsent);
      return text(of(whose).single[index], true, whose, HttpStep::kHeaders);
    }
    case HttpField::kProtocol:
      return text(message.protocol, message.has_protocol, side, HttpStep::kLine);
    case HttpField::kAccept:
      return header_value(kRequest, "accept");
    case HttpField::kAcceptEncoding:
      return header_value(kRequest, "accept-encoding");
    case HttpField::kAcceptLanguage:
      return header_value(kRequest, "accept-language");
    case HttpField::kConnection:
      return header_value(side, "connection");
    case HttpField::kContentLength:
      return header_value(side, "content-length");
    case HttpField::kContentType:
      return header_value(side, "content-type");
    case HttpField::kLocation:
      return header_value(kResponse, "location");
    case HttpField::kReferer:
      return header_value(kRequest, "referer");
    case HttpField::kServer:
      return header_value(kResponse, "server");
    case HttpField::kResponseBody:
      return file(HttpField::kFileData, kResponse, index);
    case HttpField::kFileData:
    case HttpField::kFileName:
    case HttpField::kFileMagic:
      return file(name, side, index);
  }
  return only(Presence::kAbsent);
}

int http_field(std::string_view keyword) {
  constexpr std::string_view kNames[] = {"http.uri",
                                         "http.uri.raw",
                                         "http.method",
                                         "http.host",
                                         "http.host.raw",
                                         "http.user_agent",
                                         "http.request_body",
                                         "http.response_body",
                                         "http.request_line",
                                         "http.response_line",
                                         "http.stat_code",
                                         "http.stat_msg",
                                         "http.cookie",
                                         "http.header",
                                         "http.header.raw",
                                         "http.request_header",
                                         "http.response_header",
                                         "http.header_names",
                                         "http.protocol",
                                         "http.start",
                                         "http.accept",
                                         "http.accept_enc",
                                         "http.accept_lang",
                                         "http.connection",
                                         "http.content_len",
                                         "http.content_type",
                                         "http.location",
                                         "http.referer",
                                         "http.server",
                                         "file.data",
                                         "file.name",
                                         "file.magic",
                                         "urilen",
                                         "urilen.raw"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(HttpField::kUriRawLength) + 1);
  const auto found = std::ranges::find(kNames, keyword);
  return found == std::end(kNames) ? -1 : static_cast<int>(found - std::begin(kNames));
}

}  // namespace tocsin::protocol
