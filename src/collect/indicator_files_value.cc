#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/ip_address.h"
#include "base/text.h"
#include "collect/indicator_files.h"

namespace tocsin {
namespace {

using Why = std::unexpected<std::string_view>;
Why none(std::string_view why) { return Why(why); }

constexpr std::size_t kLongest = 4096;
constexpr std::size_t kShortestPath = 3;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

constexpr std::array<std::pair<std::string_view, char>, 9> kDefanged{{{"[.]", '.'},
                                                                      {"(.)", '.'},
                                                                      {"{.}", '.'},
                                                                      {"[dot]", '.'},
                                                                      {"(dot)", '.'},
                                                                      {"[:]", ':'},
                                                                      {"[/]", '/'},
                                                                      {"[@]", '@'},
                                                                      {"[at]", '@'}}};

// The text with the marks that keep people from clicking it taken out; nothing if there are none.
std::optional<std::string> refanged(std::string_view text) {
  const bool hidden_scheme = text.size() > 4 && (text[0] | 32) == 'h' && (text[1] | 32) == 'x' && (text[2] | 32) == 'x';
  if (!hidden_scheme && text.find_first_of("[({") == std::string_view::npos) return std::nullopt;
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("[://]")) {
      plain += "://";
      at += 5;
      continue;
    }
    const auto* mark = std::find_if(kDefanged.begin(), kDefanged.end(),
                                    [&](const auto& candidate) { return rest.starts_with(candidate.first); });
    if (mark != kDefanged.end()) {
      plain += mark->second;
      at += mark->first.size();
    } else {
      plain += text[at++];
    }
  }
  if (hidden_scheme && plain.find(':') != std::string::npos) plain.replace(0, 3, "htt");
  return plain;
}

std::uint16_t default_port(std::string_view scheme) {
  if (equals_ignoring_case(scheme, "http")) return 80;
  if (equals_ignoring_case(scheme, "https")) return 443;
  if (equals_ignoring_case(scheme, "ftp")) return 21;
  return 0;
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

// Letters, digits, hyphens and underscores in labels of at most 63 (RFC 1035 section 2.3.4), or any UTF-8 beyond ASCII.
bool is_domain(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  std::size_t label = 0;
  bool digits_only = true;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      digits_only = true;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (byte | 32) >= 'a' && (byte | 32) <= 'z';
    if (!letter && !is_digit(c) && c != '-' && c != '_' && byte < 0x80) return false;
    if (!is_digit(c)) digits_only = false;
    if (++label > 63) return false;
  }
  return label != 0 && !digits_only;
}

bool matchable(const IpAddress& address) {
  switch (scope_of(address)) {
    case AddressScope::kUnspecified:
    case AddressScope::kLoopback:
    case AddressScope::kLinkLocal:
    case AddressScope::kMulticast:
    case AddressScope::kBroadcast:
      return false;
    default:
      return true;
  }
}

struct Authority {
  std::string_view host;
  std::optional<IpAddress> address;
  std::optional<std::uint16_t> port;
  bool bad_port = false;
};

Authority split(std::string_view text) {
  Authority parts;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return parts;
    parts.host = text.substr(1, end - 1);
    parts.address = IpAddress::parse(parts.host);
    if (!parts.address) parts.host = {};
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty()) {
      parts.port = rest.starts_with(':') ? port_of(rest.substr(1)) : std::nullopt;
      parts.bad_port = !parts.port;
    }
    return parts;
  }
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos) {
    parts.host = text;
    parts.address = IpAddress::parse(text);
    return parts;
  }
  parts.host = text.substr(0, colon);
  if (colon != std::string_view::npos) {
    parts.port = port_of(text.substr(colon + 1));
    parts.bad_port = !parts.port;
  }
  if (!parts.host.empty() && is_digit(parts.host[0])) parts.address = IpAddress::parse(parts.host);
  return parts;
}

std::string endpoint_text(const IpAddress& address, std::uint16_t port) {
  return address.is_v4() ? address.text() + ":" + std::to_string(port)
                         : "[" + address.text() + "]:" + std::to_string(port);
}

}  // namespace

std::expected<IndicatorValue, std::string_view> classify_indicator(std::string_view text, std::string& scratch) {
  text = trim(text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = trim(text.substr(1, text.size() - 2));
  if (text.empty()) return none("empty value");
  if (text.size() > kLongest) return none("value of more than 4096 bytes");
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return none("a value with blanks or control characters");
  }
  if (text.front() != '/') {
    if (auto plain = refanged(text)) {
      scratch = std::move(*plain);
      text = scratch;
      if (text.empty()) return none("empty value");
    }
  }
  if (text.front() == '/') {
    if (text.starts_with("//") || text.size() < kShortestPath) return none("a path too short to tell anything");
    return IndicatorValue{IndicatorType::kUrl, text};
  }
  if (text.size() >= 32 && (text.size() == 32 || text.size() == 40 || text.size() == 64 || text.size() == 128) &&
      std::all_of(text.begin(), text.end(), is_hex)) {
    return IndicatorValue{IndicatorType::kHash, text};
  }

  std::uint16_t scheme_port = 0;
  bool has_scheme = false;
  if (const std::size_t mark = text.find("://"); mark != std::string_view::npos && mark <= 16) {
    const std::string_view scheme = text.substr(0, mark);
    if (std::all_of(scheme.begin(), scheme.end(), [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; })) {
      has_scheme = true;
      scheme_port = default_port(scheme);
      text.remove_prefix(mark + 3);
    }
  }
  const std::size_t slash = text.find_first_of("/?#");
  std::string_view authority = text.substr(0, slash);
  std::string_view path = slash == std::string_view::npos ? std::string_view() : text.substr(slash);
  path = path.substr(0, path.find('#'));
  if (const std::size_t user = authority.rfind('@'); user != std::string_view::npos) {
    if (!has_scheme) return none("a mail address");
    authority.remove_prefix(user + 1);
  }
  const Authority parts = split(authority);

  if (parts.address) {
    if (!has_scheme && path.size() >= 2 && path.size() <= 4 && !parts.port &&
        std::all_of(path.begin() + 1, path.end(), is_digit)) {
      const auto prefix = Prefix::parse(text);
      if (!prefix) return none("a prefix whose length is out of range");
      if (prefix->length() < (prefix->address().is_v4() ? 96 + 8 : 16))
        return none("a prefix too wide to mean anything");
      return IndicatorValue{IndicatorType::kPrefix, text};
    }
    if (parts.bad_port) return none("not a port");
    if (!matchable(*parts.address)) return none("an address that is no single host's");
    if (path.empty() || path == "/") {
      const std::uint16_t port = parts.port.value_or(scheme_port);
      if (port == 0) return IndicatorValue{IndicatorType::kAddress, parts.host};
      if (parts.port && authority.data() == text.data()) {
        return IndicatorValue{IndicatorType::kAddressPort, authority};
      }
      scratch = endpoint_text(*parts.address, port);
      return IndicatorValue{IndicatorType::kAddressPort, scratch};
    }
  } else {
    if (parts.bad_port) return none("not a port");
    std::string_view host = parts.host;
    if (host.ends_with('.')) host.remove_suffix(1);
    if (host.starts_with("*.")) host.remove_prefix(2);
    if (host.starts_with('.')) host.remove_prefix(1);
    if (host.find_first_of("*[](){}|^$\\+?,") != std::string_view::npos) return none("a pattern, not a value");
    if (!is_domain(host)) {
      return none(host.find(':') != std::string_view::npos ? "neither an address nor a name" : "not a domain name");
    }
    if (path.empty() || path == "/") return IndicatorValue{IndicatorType::kDomain, host};
  }
  if (parts.port && *parts.port == (has_scheme ? scheme_port : 80)) {
    scratch = std::string(authority.substr(0, authority.rfind(':'))) + std::string(path);
    return IndicatorValue{IndicatorType::kUrl, scratch};
  }
  const std::size_t size = static_cast<std::size_t>(path.data() - authority.data()) + path.size();
  return IndicatorValue{IndicatorType::kUrl, std::string_view(authority.data(), size)};
}

std::string_view tlp_of(std::string_view text) {
  text = trim(text);
  if (text.size() > 4 && equals_ignoring_case(text.substr(0, 4), "tlp:")) text = trim(text.substr(4));
  if (equals_ignoring_case(text, "white")) return "clear";
  for (const std::string_view name : {"clear", "green", "amber", "amber+strict", "red"}) {
    if (equals_ignoring_case(text, name)) return name;
  }
  return {};
}

}  // namespace tocsin
