#include "base/text.h"

#include <fmt/format.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <array>

namespace tocsin {

std::string printable(std::string_view text, std::size_t most) {
  // Nearly all text is plain.
  if (text.size() <= most && std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; })) {
    return std::string(text);
  }
  std::string out;
  const bool cut = text.size() > most;
  if (cut) text = text.substr(0, most);
  const auto size = static_cast<std::int32_t>(text.size());
  for (std::int32_t at = 0; at < size;) {
    const std::int32_t start = at;
    UChar32 point;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // inside ICU's macro
    U8_NEXT(text.data(), at, size, point);
#pragma GCC diagnostic pop
    if (point < 0) {
      for (std::int32_t i = start; i < at; ++i) {
        out += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(text[static_cast<std::size_t>(i)]));
      }
    } else if (point < 0x20 || point == 0x7f) {
      out += fmt::format("\\x{:02x}", point);
    } else if ((point >= 0x80 && point < 0xa0) || (point >= 0x200b && point <= 0x200f) ||
               (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) || point == 0xfeff) {
      out += fmt::format("\\u{{{:04x}}}", point);
    } else {
      out.append(text.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(at - start)));
    }
  }
  if (cut) out += "…";
  return out;
}

std::string with_thousands(std::int64_t number) {
  std::string digits = fmt::format("{}", number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string with_bytes(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 5> units{"B", "KB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1000 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

std::string_view trim(std::string_view text) {
  static constexpr std::string_view space = " \t\r\n\f\v";
  const std::size_t first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && lower(a) == lower(b);
}

}  // namespace tocsin
