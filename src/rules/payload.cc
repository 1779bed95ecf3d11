// content and what modifies it.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "rules/builder.h"

namespace tocsin::rules {
namespace {

constexpr std::int64_t kFarthest = 1'048'576;
constexpr std::size_t kLongestContent = 65'535;

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Bytes in |hexadecimal|; backslash, semicolon, colon and quote after a backslash.
Expected<std::string> bytes_of(std::string_view text) {
  std::string bytes;
  bool in_hex = false;
  int high = -1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '|') {
      if (high >= 0) return failure("a byte between bars has one digit");
      in_hex = !in_hex;
    } else if (in_hex) {
      if (c == ' ' || c == ',') continue;
      const int digit = digit_of(c);
      if (digit < 0) return failure(fmt::format("'{}' between bars is no hexadecimal digit", printable({&c, 1})));
      if (high >= 0) bytes += static_cast<char>(high * 16 + digit);
      high = high >= 0 ? -1 : digit;
    } else if (c == '\\') {
      if (++i == text.size()) return failure("a backslash at the end of a content must be written twice");
      if (std::string_view(":;\\\"|").find(text[i]) == std::string_view::npos) {
        return failure("a backslash in a content must be written twice");
      }
      bytes += text[i];
    } else if (c == '"') {
      return failure("a quote in a content needs a backslash before it; is a semicolon missing?");
    } else {
      bytes += c;
    }
  }
  if (in_hex) return failure("the bar that begins hexadecimal bytes is not closed");
  if (bytes.empty()) return failure("the content is empty");
  if (bytes.size() > kLongestContent) return failure("the content is too long");
  return bytes;
}

Expected<void> check_host(const Content& content, std::string_view buffer) {
  if (buffer != "http.host") return {};
  if (content.ignore_case) return failure("http.host is lowercase already: nocase has no place there");
  if (lower(content.bytes) != content.bytes) return failure("http.host is lowercase: a capital letter never matches");
  return {};
}

Expected<void> content(Builder& builder, const Option& option, const Keyword&) {
  auto bytes = bytes_of(option.value);
  if (!bytes) return std::unexpected(bytes.error());
  Content one;
  one.bytes = std::move(*bytes);
  one.negated = option.negated;
  if (const BufferMatches* open = builder.open_buffer()) {
    if (const auto sound = check_host(one, open->buffer); !sound && open->transforms.empty()) return sound;
  }
  return builder.add(std::move(one));
}

Expected<void> uricontent(Builder& builder, const Option& option, const Keyword& keyword) {
  if (builder.is_open()) return failure("uricontent cannot follow a sticky buffer");
  if (const auto added = content(builder, option, keyword); !added) return added;
  return builder.move_last(keyword);
}

Expected<void> modifier(Builder& builder, const Option&, const Keyword& keyword) {
  const auto before = builder.last_content(keyword.name);
  if (before && keyword.modifies == "http.host") {
    if (const auto sound = check_host(**before, keyword.modifies); !sound) return sound;
  }
  return builder.move_last(keyword);
}

Expected<Content*> for_place(Builder& builder, const Keyword& keyword, bool relative) {
  auto last = builder.last_content(keyword.name);
  if (!last) return last;
  Content& content = **last;
  if (relative ? content.offset || content.depth || content.at_start : content.is_relative()) {
    return failure("distance and within exclude offset, depth and startswith at one content");
  }
  if (content.fast_pattern && content.fast_pattern->only) return failure("fast_pattern:only excludes places");
  if (content.fast_pattern && content.negated) return failure("a negated content with a place is no fast_pattern");
  return last;
}

Expected<void> place(Builder& builder, const Option& option, const Keyword& keyword,
                     std::optional<Amount> Content::*member, std::int64_t least, std::int64_t most) {
  const bool relative = least < 0;
  auto last = for_place(builder, keyword, relative);
  if (!last) return std::unexpected(last.error());
  Content& content = **last;
  if (content.*member) return failure(fmt::format("{} stands twice at one content", keyword.name));
  auto amount = builder.amount(option.value, least, most);
  if (!amount) return std::unexpected(amount.error());
  const bool limits = member == &Content::depth || member == &Content::within;
  if (limits && !amount->is_variable() && amount->number < static_cast<std::int64_t>(content.bytes.size())) {
    return failure(fmt::format("{} {} is less than the content's {} bytes: it can never match", keyword.name,
                               amount->number, content.bytes.size()));
  }
  if (content.at_start && !relative) return failure(fmt::format("{} and startswith exclude each other", keyword.name));
  content.*member = *amount;
  return {};
}

Expected<void> offset(Builder& builder, const Option& option, const Keyword& keyword) {
  return place(builder, option, keyword, &Content::offset, 0, 65'535);
}
Expected<void> depth(Builder& builder, const Option& option, const Keyword& keyword) {
  return place(builder, option, keyword, &Content::depth, 0, 65'535);
}
Expected<void> distance(Builder& builder, const Option& option, const Keyword& keyword) {
  return place(builder, option, keyword, &Content::distance, -kFarthest, kFarthest);
}
Expected<void> within(Builder& builder, const Option& option, const Keyword& keyword) {
  return place(builder, option, keyword, &Content::within, -kFarthest, kFarthest);
}

Expected<void> flag(Builder& builder, const Keyword& keyword, bool Content::*member) {
  auto last = builder.last_content(keyword.name);
  if (!last) return std::unexpected(last.error());
  if ((*last)->*member) return failure(fmt::format("{} stands twice at one content", keyword.name));
  (*last)->*member = true;
  return {};
}

Expected<void> nocase(Builder& builder, const Option&, const Keyword& keyword) {
  if (const auto set = flag(builder, keyword, &Content::ignore_case); !set) return set;
  const Content* content = *builder.last_content(keyword.name);
  for (const BufferMatches& buffer : builder.rule.buffers) {
    const bool here = std::ranges::any_of(buffer.matches,
                                          [&](const Match& match) { return std::get_if<Content>(&match) == content; });
    if (here && buffer.transforms.empty()) return check_host(*content, buffer.buffer);
  }
  return {};
}

Expected<void> rawbytes(Builder& builder, const Option&, const Keyword& keyword) {
  if (builder.is_open()) return failure("rawbytes has no place in a sticky buffer");
  return flag(builder, keyword, &Content::raw);
}

Expected<void> startswith(Builder& builder, const Option&, const Keyword& keyword) {
  auto last = for_place(builder, keyword, false);
  if (!last) return std::unexpected(last.error());
  if ((*last)->offset || (*last)->depth) return failure("startswith excludes offset and depth");
  return flag(builder, keyword, &Content::at_start);
}

Expected<void> endswith(Builder& builder, const Option&, const Keyword& keyword) {
  auto last = builder.last_content(keyword.name);
  if (last && (*last)->fast_pattern && (*last)->fast_pattern->only) return failure("fast_pattern:only excludes places");
  return flag(builder, keyword, &Content::at_end);
}

Expected<void> fast_pattern(Builder& builder, const Option& option, const Keyword& keyword) {
  auto last = builder.last_content(keyword.name);
  if (!last) return std::unexpected(last.error());
  Content& content = **last;
  if (content.fast_pattern) return failure("fast_pattern stands twice at one content");
  if (builder.open_buffer() != nullptr && builder.open_buffer()->buffer == "base64_data") {
    return failure("base64_data has no fast_pattern");
  }
  const bool placed = content.is_relative() || content.offset || content.depth || content.at_start;
  if (content.negated && placed) return failure("a negated content with a place is no fast_pattern");
  FastPattern fast;
  if (option.value == "only") {
    if (content.negated || placed || content.at_end) {
      return failure("fast_pattern:only excludes negation and places");
    }
    fast.only = true;
  } else if (!option.value.empty()) {
    const auto parts = split(option.value, ',');
    const auto from = parse_number(parts[0], 65'535);
    const auto length = parts.size() == 2 ? parse_number(parts[1], 65'535) : std::nullopt;
    if (!from || !length) return failure("fast_pattern is followed by nothing, only, or offset and length");
    if (*from + *length > content.bytes.size()) return failure("fast_pattern reaches past the content's end");
    fast.offset = static_cast<std::uint16_t>(*from);
    fast.length = static_cast<std::uint16_t>(*length);
  }
  content.fast_pattern = fast;
  return {};
}

Expected<void> replace(Builder& builder, const Option& option, const Keyword& keyword) {
  if (builder.is_open()) return failure("replace is of the payload alone");
  auto last = builder.last_content(keyword.name);
  if (!last) return std::unexpected(last.error());
  auto bytes = bytes_of(option.value);
  if (!bytes) return std::unexpected(bytes.error());
  if ((*last)->negated) return failure("a negated content cannot be replaced");
  if (bytes->size() != (*last)->bytes.size()) return failure("replace must be as long as its content");
  (*last)->replacement = std::move(*bytes);
  builder.warnings.emplace_back("replace changes nothing: packets are only read");
  builder.need(Needs::kPacket, keyword.name);
  return {};
}

constexpr Keyword text(Keyword keyword) {
  keyword.quotes = Quotes::kNeeded;
  keyword.may_be_negated = true;
  return keyword;
}

constexpr Keyword old(std::string_view name, std::string_view buffer, Side side, Read read = modifier) {
  Keyword keyword = of_bytes(name, read, Value::kNone);
  keyword.modifies = buffer;
  keyword.protocols = "http";
  keyword.side = side;
  keyword.needs = Needs::kTransaction;
  return keyword;
}

constexpr Keyword uri() {
  Keyword keyword = text(old("uricontent", "http.uri", Side::kToServer, uricontent));
  keyword.value = Value::kNeeded;
  return keyword;
}

constexpr Keyword kTable[] = {
    text(of_bytes("content", content)),
    of_bytes("nocase", nocase, Value::kNone),
    of_bytes("offset", offset),
    of_bytes("depth", depth),
    of_bytes("distance", distance),
    of_bytes("within", within),
    of_bytes("startswith", startswith, Value::kNone),
    of_bytes("endswith", endswith, Value::kNone),
    of_bytes("rawbytes", rawbytes, Value::kNone),
    of_bytes("fast_pattern", fast_pattern, Value::kOptional),
    text(of_bytes("replace", replace)),
    uri(),
    old("http_uri", "http.uri", Side::kToServer),
    old("http_raw_uri", "http.uri.raw", Side::kToServer),
    old("http_method", "http.method", Side::kToServer),
    old("http_host", "http.host", Side::kToServer),
    old("http_raw_host", "http.host.raw", Side::kToServer),
    old("http_user_agent", "http.user_agent", Side::kToServer),
    old("http_client_body", "http.request_body", Side::kToServer),
    old("http_server_body", "http.response_body", Side::kToClient),
    old("http_stat_code", "http.stat_code", Side::kToClient),
    old("http_stat_msg", "http.stat_msg", Side::kToClient),
    old("http_cookie", "http.cookie", Side::kEither),
    old("http_header", "http.header", Side::kEither),
    old("http_raw_header", "http.header.raw", Side::kEither),
};

}  // namespace

std::span<const Keyword> payload_keywords() { return kTable; }

}  // namespace tocsin::rules
