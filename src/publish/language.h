// The languages that a brief is written in.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tocsin {

enum class Language : std::uint8_t { kEnglish, kChinese };  // Chinese is simplified

inline constexpr std::array kLanguages{Language::kEnglish, Language::kChinese};

// "en", "zh", as BCP 47 and the catalogue have them.
constexpr std::string_view code_of(Language language) { return language == Language::kChinese ? "zh" : "en"; }

constexpr std::optional<Language> language_of(std::string_view code) {
  for (const Language language : kLanguages) {
    if (code_of(language) == code) return language;
  }
  return std::nullopt;
}

}  // namespace tocsin
