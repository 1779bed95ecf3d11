#include "detect/request_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace tocsin {
namespace {

constexpr std::size_t kMostComment = 64;

int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

// The value of `count` digits from `at`, negative if they are not there.
int hex_at(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

void add_code_point(std::string& out, int code) {
  if (code >= 0xff01 && code <= 0xff5e) code -= 0xfee0;
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

// UTF-8 that says in more bytes what fewer could, and letters of full width, become the plain letter. In place.
void shorten(std::string& text) {
  const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; };
  const auto continues = [&](std::size_t at) { return (byte(at) & 0xc0) == 0x80; };
  std::size_t out = 0;
  for (std::size_t i = 0; i < text.size();) {
    const unsigned first = byte(i);
    if ((first == 0xc0 || first == 0xc1) && continues(i + 1)) {
      text[out++] = static_cast<char>((first & 1) << 6 | (byte(i + 1) & 0x3f));
      i += 2;
    } else if (first == 0xe0 && (byte(i + 1) == 0x80 || byte(i + 1) == 0x81) && continues(i + 2)) {
      text[out++] = static_cast<char>((byte(i + 1) & 1) << 6 | (byte(i + 2) & 0x3f));
      i += 3;
    } else if (first == 0xef && (byte(i + 1) == 0xbc || byte(i + 1) == 0xbd) && continues(i + 2) &&
               (byte(i + 1) == 0xbc ? byte(i + 2) > 0x80 : byte(i + 2) < 0x9f)) {
      text[out++] = static_cast<char>((byte(i + 1) == 0xbc ? 0x20 : 0x60) + (byte(i + 2) & 0x3f));
      i += 3;
    } else {
      text[out++] = text[i++];
    }
  }
  text.resize(out);
}

void decode_once(std::string_view text, std::string& out, bool blanks) {
  out.clear();
  bool query = false, high = false;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '%') {
      if (const int value = hex_at(text, i + 1, 2); value >= 0) {
        out += static_cast<char>(value);
        high |= value >= 0x80;
        i += 3;
        continue;
      }
      if (i + 1 < text.size() && (text[i + 1] == 'u' || text[i + 1] == 'U')) {
        if (const int value = hex_at(text, i + 2, 4); value >= 0) {
          add_code_point(out, value);
          i += 6;
          continue;
        }
      }
    }
    query |= text[i] == '?';
    high |= static_cast<unsigned char>(text[i]) >= 0x80;
    out += blanks && query && text[i] == '+' ? ' ' : text[i];
    ++i;
  }
  if (high) shorten(out);
}

// "union/**/select" and "/*!50000union*/" are what they are without the marks.
void blank_comments(std::string& text) {
  std::size_t at = text.find("/*");
  if (at == std::string::npos) return;
  std::size_t out = at;
  bool conditional = false;
  while (at < text.size()) {
    if (text[at] == '/' && at + 1 < text.size() && text[at + 1] == '*') {
      if (at + 2 < text.size() && text[at + 2] == '!') {
        at += 3;
        for (int i = 0; i < 6 && at < text.size() && text[at] >= '0' && text[at] <= '9'; ++i) ++at;
        text[out++] = ' ';
        conditional = true;
        continue;
      }
      const std::size_t length = std::string_view(text).substr(at + 2, kMostComment).find("*/");
      if (length != std::string_view::npos) {
        text[out++] = ' ';
        at += length + 4;
        continue;
      }
    }
    if (conditional && text[at] == '*' && at + 1 < text.size() && text[at + 1] == '/') {
      text[out++] = ' ';
      at += 2;
      conditional = false;
      continue;
    }
    text[out++] = text[at++];
  }
  text.resize(out);
}

}  // namespace

bool is_encoded(std::string_view uri) {
  static constexpr auto kPlain = [] {
    std::array<bool, 256> plain{};
    for (unsigned i = 0x20; i < 0x80; ++i) plain[i] = i != '%' && i != '+' && i != '*';
    return plain;
  }();
  return !std::ranges::all_of(uri, [](char c) { return kPlain[static_cast<unsigned char>(c)]; });
}

void decode_uri(std::string_view uri, std::string& plain, std::string& scratch) {
  decode_once(uri, scratch, true);
  decode_once(scratch, plain, false);
  blank_comments(plain);
}

void site_of(std::string_view host, std::string& site) {
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(':') == colon) host = host.substr(0, colon);
  if (colon != std::string_view::npos && host.starts_with('[')) host = host.substr(0, host.find(']') + 1);
  if (host.ends_with('.')) host.remove_suffix(1);
  site.assign(host.substr(0, 253));
  for (char& c : site) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
}

std::string_view path_of(std::string_view uri) {
  if (uri.starts_with("http://") || uri.starts_with("https://")) {
    const std::size_t slash = uri.find('/', 8);
    uri = slash == std::string_view::npos ? std::string_view("/") : uri.substr(slash);
  }
  return uri.substr(0, uri.find_first_of("?#"));
}

}  // namespace tocsin
