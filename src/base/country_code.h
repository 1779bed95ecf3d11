// ISO 3166-1 alpha-2 country codes.
#pragma once

#include <array>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

class CountryCode {
 public:
  // No country known.
  constexpr CountryCode() = default;
  // Two ASCII letters in either case; ZZ, XX and the like of databases mean unknown and give nullopt.
  static constexpr std::optional<CountryCode> parse(std::string_view text) {
    if (text.size() != 2) return std::nullopt;
    CountryCode code;
    for (std::size_t i = 0; i < 2; ++i) {
      const char letter = text[i] >= 'a' && text[i] <= 'z' ? static_cast<char>(text[i] - 32) : text[i];
      if (letter < 'A' || letter > 'Z') return std::nullopt;
      code.letters_[i] = letter;
    }
    if (code.letters_[0] == 'Z' && code.letters_[1] == 'Z') return std::nullopt;
    if (code.letters_[0] == 'X' && code.letters_[1] != 'K') return std::nullopt;
    return code;
  }
  constexpr bool known() const { return letters_[0] != 0; }
  constexpr std::string_view text() const { return {letters_.data(), known() ? 2UL : 0UL}; }
  friend constexpr auto operator<=>(const CountryCode&, const CountryCode&) = default;

 private:
  std::array<char, 2> letters_{};
};

}  // namespace tocsin
