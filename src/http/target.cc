#include "http/target.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "base/utf8.h"

namespace tocsin::serve {
namespace {

bool is_letter_or_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// None for a bad escape, a control character, or what is not UTF-8.
std::optional<std::string> decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '%') {
      if (at + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[at + 1]);
      const int low = hex_digit(text[at + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      at += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    out += c;
  }
  if (!is_utf8(out)) return std::nullopt;
  return out;
}

Expected<std::string> parse_path(std::string_view text) {
  std::string path;
  while (!text.empty()) {  // text begins with '/'
    const std::size_t end = text.find('/', 1);
    const std::optional<std::string> segment = decoded(text.substr(1, end - 1), false);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end);
    if (!segment) return failure("the path has a character that is not allowed or is not well encoded");
    if (*segment == "." || *segment == "..") return failure("the path has a dot segment");
    if (segment->find_first_of("/\\") != std::string::npos) {
      return failure("the path has an encoded '/' or a '\\'");
    }
    path += '/';
    path += *segment;
  }
  return path;
}

}  // namespace

bool is_host(std::string_view host) {
  std::size_t end = 0;
  if (host.starts_with('[')) {
    end = host.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    const bool address =
        std::ranges::all_of(host.substr(1, end - 1), [](char c) { return hex_digit(c) >= 0 || c == ':' || c == '.'; });
    if (!address) return false;
    ++end;
  } else {
    while (end < host.size() &&
           (is_letter_or_digit(host[end]) || host[end] == '-' || host[end] == '.' || host[end] == '_')) {
      ++end;
    }
    if (end == 0) return false;
  }
  if (end == host.size()) return true;
  if (host[end] != ':') return false;
  const std::string_view port = host.substr(end + 1);
  return port.size() <= 5 && std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
}

Expected<Fields> parse_query(std::string_view query) {
  Fields fields;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    std::optional<std::string> name = decoded(pair.substr(0, equals), true);
    std::optional<std::string> value =
        equals == std::string_view::npos ? std::string() : decoded(pair.substr(equals + 1), true);
    if (!name || !value) return failure("the query has a character that is not allowed or is not well encoded");
    fields.emplace_back(std::move(*name), std::move(*value));
  }
  return fields;
}

Expected<Target> parse_target(std::string_view target, std::string_view host) {
  if (!std::ranges::all_of(target, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; })) {
    return failure("the target has a character that is not allowed");
  }
  if (!target.starts_with('/')) {
    const std::size_t scheme = target.find("://");
    const std::string_view name = target.substr(0, std::min(scheme, target.size()));
    if (scheme == std::string_view::npos ||
        !(equals_ignoring_case(name, "http") || equals_ignoring_case(name, "https"))) {
      return failure("the target is neither a path nor an address of HTTP");
    }
    target.remove_prefix(scheme + 3);
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    if (!is_host(target.substr(0, end)) || !equals_ignoring_case(target.substr(0, end), host)) {
      return failure("the target names another host than the header Host");
    }
    target.remove_prefix(end);
  }
  const std::size_t question = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, question);
  const std::string_view query = question < target.size() ? target.substr(question + 1) : std::string_view();
  Target parsed;
  if (path.empty()) {
    parsed.path = "/";
  } else {
    Expected<std::string> segments = parse_path(path);
    if (!segments) return std::unexpected(segments.error());
    parsed.path = std::move(*segments);
  }
  Expected<Fields> fields = parse_query(query);
  if (!fields) return std::unexpected(fields.error());
  parsed.query = std::move(*fields);
  return parsed;
}

}  // namespace tocsin::serve
