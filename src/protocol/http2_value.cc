// What rules see of HTTP/2.
#include <algorithm>

#include "base/text.h"
#include "protocol/http2_transaction.h"
#include "protocol/http_body.h"

namespace tocsin::protocol {
namespace {

enum Field : int {
  kUri,
  kUriRaw,
  kMethod,
  kHost,
  kHostRaw,
  kRequestBody,
  kResponseBody,
  kRequestLine,
  kResponseLine,
  kStatCode,
  kStatMessage,
  kCookie,
  kHeader,
  kHeaderRaw,
  kRequestHeader,
  kResponseHeader,
  kHeaderNames,
  kProtocol,
  kFileData,
  kFileName,
  kFileMagic,
  kUriLength,
  kUriRawLength,
  kHeaderName,
  kFrameType,
  kErrorCode,
  kPriority,
  kWindow,
  kSizeUpdate,
  kSettings,
  // The rest are headers, of kHeaders.
  kFirstHeader
};

constexpr std::string_view kNames[] = {"http.uri",
                                       "http.uri.raw",
                                       "http.method",
                                       "http.host",
                                       "http.host.raw",
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
                                       "file.data",
                                       "file.name",
                                       "file.magic",
                                       "urilen",
                                       "urilen.raw",
                                       "http2.header_name",
                                       "http2.frametype",
                                       "http2.errorcode",
                                       "http2.priority",
                                       "http2.window",
                                       "http2.size_update",
                                       "http2.settings"};
static_assert(std::size(kNames) == kFirstHeader);

struct HeaderField {
  std::string_view keyword, header;
  int side;  // 2: either
};
constexpr HeaderField kHeaders[] = {{"http.user_agent", "user-agent", 0},
                                    {"http.accept", "accept", 0},
                                    {"http.accept_enc", "accept-encoding", 0},
                                    {"http.accept_lang", "accept-language", 0},
                                    {"http.referer", "referer", 0},
                                    {"http.connection", "connection", 2},
                                    {"http.content_len", "content-length", 2},
                                    {"http.content_type", "content-type", 2},
                                    {"http.location", "location", 1},
                                    {"http.server", "server", 1}};

constexpr std::string_view kFrameTypes[] = {"data",         "headers", "priority", "rst_stream",    "settings",
                                            "push_promise", "ping",    "goaway",   "window_update", "continuation"};
constexpr std::string_view kErrors[] = {"no_error",
                                        "protocol_error",
                                        "internal_error",
                                        "flow_control_error",
                                        "settings_timeout",
                                        "stream_closed",
                                        "frame_size_error",
                                        "refused_stream",
                                        "cancel",
                                        "compression_error",
                                        "connect_error",
                                        "enhance_your_calm",
                                        "inadequate_security",
                                        "http11_required"};

// As for every protocol but HTTP/1.
constexpr BodyLimits kFileLimits = {100'000, 32'768, 4'096};

Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

Value only(Presence presence) {
  Value value;
  value.presence = presence;
  return value;
}

Value whole(std::string_view text) {
  Value value = only(Presence::kWhole);
  value.bytes = as_bytes(text);
  value.number = text.size();
  return value;
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Without a user before it and a port behind it, in lower case.
std::string host_of(std::string_view authority) {
  if (const std::size_t at = authority.find('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  return lower(authority.substr(0, authority.find(':')));
}

// Of whom a field is; 2: of whoever is asked for.
int side_of(int field) {
  if (field >= kFirstHeader && field < kFirstHeader + static_cast<int>(std::size(kHeaders)))
    return kHeaders[field - kFirstHeader].side;
  switch (field) {
    case kUri:
    case kUriRaw:
    case kUriLength:
    case kUriRawLength:
    case kMethod:
    case kHost:
    case kHostRaw:
    case kRequestBody:
    case kRequestLine:
    case kRequestHeader:
      return 0;
    case kResponseBody:
    case kResponseLine:
    case kStatCode:
    case kStatMessage:
    case kResponseHeader:
      return 1;
    default:
      return 2;
  }
}

}  // namespace

int http2_field(std::string_view keyword) {
  if (const auto found = std::ranges::find(kNames, keyword); found != std::end(kNames))
    return static_cast<int>(found - std::begin(kNames));
  const auto found = std::ranges::find(kHeaders, keyword, &HeaderField::keyword);
  return found == std::end(kHeaders) ? -1 : kFirstHeader + static_cast<int>(found - std::begin(kHeaders));
}

std::optional<std::uint64_t> http2_number_of(int field, std::string_view word) {
  const auto find = [&](const auto& words) -> std::optional<std::uint64_t> {
    // With and without the line between words.
    const auto bare = [](std::string_view text) {
      std::string result(text);
      std::erase(result, '_');
      return result;
    };
    for (std::size_t i = 0; i < std::size(words); ++i) {
      if (bare(words[i]) == bare(word)) return i;
    }
    return std::nullopt;
  };
  if (field == kFrameType) return find(kFrameTypes);
  if (field == kErrorCode) return word == "http_1_1_required" ? 13 : find(kErrors);
  return std::nullopt;
}

bool http2_holds_setting(const Http2Frame& frame, std::string_view condition) {
  constexpr std::string_view kSettingNames[] = {"",
                                                "settings_header_table_size",
                                                "settings_enable_push",
                                                "settings_max_concurrent_streams",
                                                "settings_initial_window_size",
                                                "settings_max_frame_size",
                                                "settings_max_header_list_size"};
  const std::size_t end = std::min(condition.find_first_of("=<> "), condition.size());
  const std::string name = lower(condition.substr(0, end));
  std::string_view rest = trim_blanks(condition.substr(end));
  char op = '=';
  if (!rest.empty() && std::string_view("=<>").find(rest[0]) != std::string_view::npos) {
    op = rest[0];
    rest = trim_blanks(rest.substr(1));
  }
  const auto number = [](std::string_view digits) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    for (const char c : trim_blanks(digits)) {
      if (c < '0' || c > '9' || value > UINT32_MAX) return std::nullopt;
      value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return value;
  };
  const std::size_t dash = rest.find('-');
  const auto low = number(rest.substr(0, dash));
  const auto high = dash == std::string_view::npos ? std::nullopt : number(rest.substr(dash + 1));
  if (!low || rest.empty() || (dash != std::string_view::npos && !high)) return false;
  return std::ranges::any_of(frame.settings, [&](const auto& setting) {
    const auto& [id, value] = setting;
    if (id == 0 || id >= std::size(kSettingNames) || kSettingNames[id] != name) return false;
    if (high) return value > *low && value < *high;
    return op == '>' ? value > *low : op == '<' ? value < *low : value == *low;
  });
}

std::optional<bool> Http2Transaction::holds(int field, Side side, std::span<const std::string> words) const {
  if (field >= kFirstDnsField) {
    const Transaction* dns = half(side).dns.get();
    return dns ? dns->holds(field - kFirstDnsField, side, words) : std::nullopt;
  }
  if (field != kSettings) return std::nullopt;
  return std::ranges::any_of(half(side).frames, [&](const Http2Frame& frame) {
    return std::ranges::all_of(words, [&](const std::string& word) { return http2_holds_setting(frame, word); });
  });
}

Value Http2Transaction::absent(Side side, Http2Step step) const {
  const bool is_past = progress[static_cast<int>(side)] > static_cast<std::uint8_t>(step);
  return only(is_past ? Presence::kAbsent : Presence::kNotYet);
}

Value Http2Transaction::first(Side side, std::string_view name) const {
  const auto found = std::ranges::find(half(side).headers, name, &Http2Header::name);
  return found == half(side).headers.end() ? absent(side, Http2Step::kHeaders) : whole(found->value);
}

Value Http2Transaction::text(int field, Side side, std::string made) const {
  return whole(half(side).made.try_emplace(field, std::move(made)).first->second);
}

Value Http2Transaction::joined(int field, Side side, std::string_view name) const {
  if (const auto made = half(side).made.find(field); made != half(side).made.end()) return whole(made->second);
  const auto& headers = half(side).headers;
  const auto count = std::ranges::count(headers, name, &Http2Header::name);
  if (count < 2) return first(side, name);
  std::string all;
  for (const Http2Header& header : headers) {
    if (header.name == name) all.append(all.empty() ? "" : ", ").append(header.value);
  }
  return text(field, side, std::move(all));
}

std::string Http2Transaction::headers_text(Side side, bool is_raw) const {
  std::string all;
  const std::string_view cookie = side == Side::kToServer ? "cookie" : "set-cookie";
  for (const Http2Header& header : half(side).headers) {
    if (!is_raw && equals_ignoring_case(header.name, cookie)) continue;
    all.append(header.name).append(": ").append(is_raw ? std::string_view(header.value) : trim_blanks(header.value));
    all.append("\r\n");
  }
  return all;
}

Value Http2Transaction::number(Side side, int field, std::size_t index) const {
  Value value = only(Presence::kWhole);
  if (field == kSizeUpdate) {
    if (index >= half(side).sizes.size()) return absent(side, Http2Step::kClosed);
    value.number = half(side).sizes[index];
    return value;
  }
  for (const Http2Frame& frame : half(side).frames) {
    std::optional<std::uint64_t> found;
    if (field == kFrameType) found = frame.type;
    if (field == kErrorCode) found = frame.error;
    if (field == kPriority) found = frame.priority;
    if (field == kWindow) found = frame.window;
    if (!found || index-- != 0) continue;
    value.number = *found;
    return value;
  }
  return absent(side, Http2Step::kClosed);
}

Value Http2Transaction::file(int field, Side side, std::size_t index) const {
  for (const auto& one : files) {
    if (one->side != side || index-- != 0) continue;
    if (field == kFileName) return whole(one->name);
    if (field == kFileMagic) {
      identify(*one);
      return one->magic.empty() ? absent(side, Http2Step::kData) : whole(one->magic);
    }
    return value_of_growing(kFileLimits, one->bytes, one->offset, one->state != File::State::kOpen,
                            settings_->is_inline);
  }
  return absent(side, Http2Step::kData);
}

Value Http2Transaction::value(int field, Side side, std::size_t index) const {
  constexpr Side kRequest = Side::kToServer, kResponse = Side::kToClient;
  if (field >= kFirstDnsField) {
    const Transaction* dns = half(side).dns.get();
    return dns ? dns->value(field - kFirstDnsField, side, index) : absent(side, Http2Step::kData);
  }
  if (const int whose = side_of(field); whose != 2 && whose != static_cast<int>(side)) return only(Presence::kAbsent);
  const Half& of = half(side);
  if (field >= kFirstHeader && field < kFirstHeader + static_cast<int>(std::size(kHeaders))) {
    const HeaderField& header = kHeaders[field - kFirstHeader];
    if (index != 0) return only(Presence::kAbsent);
    return joined(field, header.side == 2 ? side : static_cast<Side>(header.side), header.header);
  }
  switch (field) {
    case kFrameType:
    case kErrorCode:
    case kPriority:
    case kWindow:
    case kSizeUpdate:
      return number(side, field, index);
    case kRequestBody:
      return file(kFileData, kRequest, index);
    case kResponseBody:
      return file(kFileData, kResponse, index);
    case kFileData:
    case kFileName:
    case kFileMagic:
      return file(field, side, index);
    case kHeaderName:
      return index < of.headers.size() ? whole(of.headers[index].name) : absent(side, Http2Step::kHeaders);
    case kRequestHeader:
    case kResponseHeader: {
      const Side whose = field == kRequestHeader ? kRequest : kResponse;
      const Half& other = half(whose);
      if (index >= other.headers.size()) return absent(whose, Http2Step::kHeaders);
      if (other.single.empty()) {
        for (const Http2Header& header : other.headers) other.single.push_back(header.name + ": " + header.value);
      }
      return whole(other.single[index]);
    }
    default:
      break;
  }
  if (index != 0) return only(Presence::kAbsent);
  switch (field) {
    case kUri:
    case kUriRaw:
    case kUriLength:
    case kUriRawLength:
      return first(kRequest, ":path");
    case kMethod:
      return first(kRequest, ":method");
    case kHostRaw:
      return joined(field, kRequest, ":authority");
    case kHost: {
      const Value raw = joined(kHostRaw, kRequest, ":authority");
      if (raw.presence != Presence::kWhole) return raw;
      return text(field, kRequest, host_of({reinterpret_cast<const char*>(raw.bytes.data()), raw.bytes.size()}));
    }
    case kStatCode:
      return first(kResponse, ":status");
    case kStatMessage:
      return stream_ == 0 ? absent(kResponse, Http2Step::kHeaders) : whole({});
    case kCookie:
      return joined(field, side, side == kRequest ? "cookie" : "set-cookie");
    case kProtocol:
      return whole("HTTP/2");
    default:
      break;
  }
  const Side whose = field == kRequestLine ? kRequest : field == kResponseLine ? kResponse : side;
  if (half(whose).headers.empty()) return absent(whose, Http2Step::kHeaders);
  if (const auto made = half(whose).made.find(field); made != half(whose).made.end()) return whole(made->second);
  const auto part = [&](std::string_view name) {
    const Value value = first(whose, name);
    return std::string(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
  };
  switch (field) {
    case kRequestLine:
      return text(field, whose, part(":method") + " " + part(":path") + " HTTP/2\r\n");
    case kResponseLine:
      return text(field, whose, "HTTP/2 " + part(":status") + "\r\n");
    case kHeader:
    case kHeaderRaw:
      return text(field, whose, headers_text(whose, field == kHeaderRaw));
    case kHeaderNames: {
      std::string names = "\r\n";
      for (const Http2Header& header : of.headers) names.append(header.name).append("\r\n");
      return text(field, whose, names + "\r\n");
    }
    default:
      return only(Presence::kAbsent);
  }
}

}  // namespace tocsin::protocol
