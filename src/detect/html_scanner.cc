#include "detect/html_scanner.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace tocsin {
namespace {

constexpr std::size_t kLongestValue = 8192;  // a quote that is not closed within it is none
constexpr std::string_view kSpace = " \t\r\n\f";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower_byte(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; }

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_start) {
  return text.size() >= lower_start.size() &&
         std::ranges::equal(text.substr(0, lower_start.size()), lower_start, {}, lower_byte);
}

void append_point(std::uint32_t point, std::string& into) {
  if (point == 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return;
  if (point < 0x80) {
    into += static_cast<char>(point);
  } else if (point < 0x800) {
    into += {static_cast<char>(0xc0 | point >> 6), static_cast<char>(0x80 | (point & 63))};
  } else if (point < 0x10000) {
    into += {static_cast<char>(0xe0 | point >> 12), static_cast<char>(0x80 | (point >> 6 & 63)),
             static_cast<char>(0x80 | (point & 63))};
  } else {
    into += {static_cast<char>(0xf0 | point >> 18), static_cast<char>(0x80 | (point >> 12 & 63)),
             static_cast<char>(0x80 | (point >> 6 & 63)), static_cast<char>(0x80 | (point & 63))};
  }
}

// The code point of the entity at the front of `text`, which begins with '&', and its size; 0 if it is none.
std::uint32_t entity_of(std::string_view text, std::size_t& size) {
  const std::size_t end = text.substr(0, 12).find(';');
  if (end == std::string_view::npos) return 0;
  size = end + 1;
  std::string_view name = text.substr(1, end - 1);
  if (name.starts_with('#')) {
    name.remove_prefix(1);
    const bool hexadecimal = name.starts_with('x') || name.starts_with('X');
    if (hexadecimal) name.remove_prefix(1);
    std::uint32_t point = 0;
    const auto [last, error] = std::from_chars(name.data(), name.data() + name.size(), point, hexadecimal ? 16 : 10);
    return error == std::errc{} && last == name.data() + name.size() ? point : 0;
  }
  if (name == "amp") return '&';
  if (name == "lt") return '<';
  if (name == "gt") return '>';
  if (name == "quot") return '"';
  if (name == "apos") return '\'';
  return name == "nbsp" ? ' ' : 0;
}

}  // namespace

HtmlScanner::Token HtmlScanner::next() {
  while (!rest_.empty()) {
    if (rest_.front() == '<') {
      const Token token = markup();
      if (token != Token::kEnd) return token;
      continue;
    }
    const std::size_t end = std::min(rest_.find('<', 1), rest_.size());
    text_ = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return Token::kText;
  }
  return Token::kEnd;
}

// What '<' begins; kEnd if that says nothing.
HtmlScanner::Token HtmlScanner::markup() {
  const auto skip_past = [this](std::string_view what) {
    const std::size_t end = rest_.find(what);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + what.size());
  };
  if (rest_.starts_with("<!--")) {
    skip_past("-->");
    return Token::kEnd;
  }
  if (rest_.starts_with("<!") || rest_.starts_with("<?")) {
    skip_past(">");
    return Token::kEnd;
  }
  const bool closes = rest_.starts_with("</");
  const std::size_t name = closes ? 2 : 1;
  if (name >= rest_.size() || !is_letter(rest_[name])) {
    text_ = rest_.substr(0, 1);
    rest_.remove_prefix(1);
    return Token::kText;
  }
  rest_.remove_prefix(name);
  take_tag_name();
  take_attributes();
  if (closes) return Token::kClose;
  skip_raw_text();
  return Token::kOpen;
}

void HtmlScanner::take_tag_name() {
  tag_size_ = 0;
  std::size_t at = 0;
  for (; at < rest_.size() && kSpace.find(rest_[at]) == std::string_view::npos && rest_[at] != '>' && rest_[at] != '/';
       ++at) {
    if (tag_size_ < tag_.size()) tag_[tag_size_++] = lower_byte(rest_[at]);
  }
  rest_.remove_prefix(at);
}

void HtmlScanner::take_attributes() {
  attribute_count_ = 0;
  while (true) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n\f/"), rest_.size()));
    if (rest_.empty()) return;
    if (rest_.front() == '>') {
      rest_.remove_prefix(1);
      return;
    }
    Attribute one;
    std::size_t end = std::min(rest_.find_first_of(" \t\r\n\f/>=", 1), rest_.size());
    one.name = rest_.substr(0, end);
    rest_.remove_prefix(end);
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size()));
    if (rest_.starts_with('=')) {
      rest_.remove_prefix(1);
      rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size()));
      const char quote = rest_.empty() ? '\0' : rest_.front();
      end = quote == '"' || quote == '\'' ? rest_.substr(0, kLongestValue).find(quote, 1) : std::string_view::npos;
      if (end != std::string_view::npos) {
        one.value = rest_.substr(1, end - 1);
        rest_.remove_prefix(end + 1);
      } else {
        end = std::min(rest_.find_first_of(" \t\r\n\f>"), rest_.size());
        one.value = rest_.substr(0, end);
        rest_.remove_prefix(end);
      }
    }
    if (attribute_count_ < kMostAttributes) attributes_[attribute_count_++] = one;
  }
}

// The content of these is no text and no markup; it is left out up to the closing tag.
void HtmlScanner::skip_raw_text() {
  static constexpr std::array<std::string_view, 5> kRaw{"script", "style", "textarea", "template", "xmp"};
  if (std::ranges::find(kRaw, tag()) == kRaw.end()) return;
  for (std::size_t at = rest_.find("</"); at != std::string_view::npos; at = rest_.find("</", at + 2)) {
    if (!starts_with_ignoring_case(rest_.substr(at + 2), tag())) continue;
    rest_.remove_prefix(at);
    return;
  }
  rest_ = {};
}

std::string_view HtmlScanner::attribute(std::string_view name) const {
  for (std::size_t i = 0; i < attribute_count_; ++i) {
    if (attributes_[i].name.size() == name.size() && starts_with_ignoring_case(attributes_[i].name, name))
      return attributes_[i].value;
  }
  return {};
}

bool HtmlScanner::has_attribute(std::string_view name) const {
  for (std::size_t i = 0; i < attribute_count_; ++i) {
    if (attributes_[i].name.size() == name.size() && starts_with_ignoring_case(attributes_[i].name, name)) return true;
  }
  return false;
}

void append_text(std::string_view text, std::size_t most, std::string& into) {
  for (std::size_t at = 0; at < text.size() && into.size() < most;) {
    std::uint32_t point = static_cast<unsigned char>(text[at]);
    std::size_t size = 1;
    if (point == '&') {
      const std::uint32_t entity = entity_of(text.substr(at), size);
      if (entity == 0) {
        size = 1;
      } else {
        point = entity;
      }
    }
    at += size;
    if (point == 0xc2 && text.substr(at).starts_with('\xa0')) {  // a blank that does not break, in UTF-8
      ++at;
      point = ' ';
    }
    if (point <= ' ') {
      if (!into.empty() && into.back() != ' ') into += ' ';
    } else if (size == 1) {
      into += static_cast<char>(point);
    } else {
      append_point(point, into);
    }
  }
}

}  // namespace tocsin
