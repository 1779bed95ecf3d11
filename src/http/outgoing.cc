#include "http/outgoing.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/text.h"
#include "http/status_text.h"

namespace tocsin::serve {
namespace {

constexpr std::size_t kLeastCompressed = 1024;

std::string* find(Fields& fields, std::string_view name) {
  for (auto& [key, value] : fields) {
    if (equals_ignoring_case(key, name)) return &value;
  }
  return nullptr;
}

// Fields that are the server's are not the handler's to set.
bool is_servers(std::string_view name) {
  return equals_ignoring_case(name, "content-length") || equals_ignoring_case(name, "transfer-encoding") ||
         equals_ignoring_case(name, "connection") || equals_ignoring_case(name, "date");
}

bool is_well_formed(const Fields& fields) {
  return std::ranges::all_of(fields, [](const auto& field) {
    const auto& [name, value] = field;
    return !name.empty() && std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f && c != ':'; }) &&
           std::ranges::all_of(
               value, [](char c) { return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t'; });
  });
}

bool is_text(std::string_view media) {
  media = media.substr(0, media.find(';'));
  return media.starts_with("text/") || media.ends_with("json") || media.ends_with("javascript") ||
         media.ends_with("xml");
}

void compress(Response& response, const Asked& asked, GzipCache& cache) {
  if (response.stream || response.events || find(response.headers, "content-encoding") != nullptr) return;
  const std::string* const media = find(response.headers, "content-type");
  const bool worth = media != nullptr && is_text(*media) &&
                     (response.shared ? response.shared->size() : response.body.size()) >= kLeastCompressed;
  if (!worth && response.status != 304) return;
  const std::string* const caching = find(response.headers, "cache-control");
  if (caching != nullptr && caching->find("no-store") != std::string::npos) return;
  // Also where it is not compressed this time, or only confirmed: another client might be told otherwise.
  std::string* const vary = find(response.headers, "vary");
  if (vary == nullptr) {
    response.headers.emplace_back("Vary", "Accept-Encoding");
  } else if (lower(*vary).find("accept-encoding") == std::string::npos) {
    *vary += ", Accept-Encoding";
  }
  if (!worth || !accepts(asked.accept_encoding, "gzip")) return;
  if (response.shared) {
    response.shared = cache.compressed(response.shared);
  } else {
    response.body = gzip(response.body, 4);
  }
  response.headers.emplace_back("Content-Encoding", "gzip");
  // A strong tag is of these very bytes, and those of the plain form are others.
  std::string* const tag = find(response.headers, "etag");
  if (tag != nullptr && !tag->starts_with("W/")) tag->insert(0, "W/");
}

std::string_view date() {
  thread_local std::time_t of = 0;
  thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now != of) {
    of = now;
    text = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(now));
  }
  return text;
}

void add_safety(std::string& head, Fields& given, bool secure) {
  static constexpr std::pair<std::string_view, std::string_view> kSafe[] = {
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"X-Frame-Options", "DENY"},
      {"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
      {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
  };
  for (const auto& [name, value] : kSafe) {
    if (find(given, name) == nullptr) fmt::format_to(std::back_inserter(head), "{}: {}\r\n", name, value);
  }
  if (secure && find(given, "strict-transport-security") == nullptr) {
    head += "Strict-Transport-Security: max-age=31536000\r\n";
  }
}

}  // namespace

Outgoing make_outgoing(Response response, const Asked& asked, GzipCache& cache) {
  if (!is_well_formed(response.headers) || response.status < 200 || response.status > 599) {
    response = problem(500, "the answer was not well formed");
  }
  compress(response, asked, cache);
  Outgoing out;
  const bool bodiless = response.status == 204 || response.status == 304;
  const bool open_ended = (response.stream || response.events) && !bodiless;
  out.chunked = open_ended && !asked.http_1_0;
  out.keep_alive = asked.keep_alive && (!open_ended || out.chunked);
  if (response.events && find(response.headers, "content-type") == nullptr) {
    response.headers.emplace_back("Content-Type", "text/event-stream");
  }
  if (response.events && find(response.headers, "cache-control") == nullptr) {
    response.headers.emplace_back("Cache-Control", "no-store");
  }
  std::string& head = out.head;
  head.reserve(1024);
  auto into = std::back_inserter(head);
  fmt::format_to(into, "HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status, status_text(response.status), date());
  for (const auto& [name, value] : response.headers) {
    if (!is_servers(name)) fmt::format_to(into, "{}: {}\r\n", name, value);
  }
  add_safety(head, response.headers, asked.secure);
  if (out.chunked) {
    head += "Transfer-Encoding: chunked\r\n";
  } else if (!open_ended && !bodiless) {
    fmt::format_to(into, "Content-Length: {}\r\n", response.shared ? response.shared->size() : response.body.size());
  }
  if (!out.keep_alive) {
    head += "Connection: close\r\n";
  } else if (asked.http_1_0) {
    head += "Connection: keep-alive\r\n";
  }
  head += "\r\n";
  if (!bodiless && !asked.is_head) {
    out.body = std::move(response.body);
    out.shared = std::move(response.shared);
    out.stream = std::move(response.stream);
    out.events = response.events;
  }
  return out;
}

}  // namespace tocsin::serve
