#include "base/options.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace tocsin {

bool Options::flag(std::string_view name, bool otherwise) const {
  constexpr std::array<std::string_view, 5> yes = {"yes", "true", "on", "enabled", "1"};
  constexpr std::array<std::string_view, 5> no = {"no", "false", "off", "disabled", "0"};
  const std::string* value = find(name);
  if (!value) return otherwise;
  const std::string word = lower(*value);
  if (std::ranges::find(yes, word) != yes.end()) return true;
  if (std::ranges::find(no, word) != no.end()) return false;
  return otherwise;
}

std::uint64_t Options::number(std::string_view name, std::uint64_t otherwise) const {
  const std::string* value = find(name);
  if (!value) return otherwise;
  std::uint64_t number = 0;
  const char* end = value->data() + value->size();
  const auto [after, error] = std::from_chars(value->data(), end, number);
  if (error != std::errc{}) return otherwise;
  std::string unit = lower(std::string_view(after, static_cast<std::size_t>(end - after)));
  std::erase(unit, ' ');
  int shift = 0;
  if (unit == "kb" || unit == "kib" || unit == "k") {
    shift = 10;
  } else if (unit == "mb" || unit == "mib" || unit == "m") {
    shift = 20;
  } else if (unit == "gb" || unit == "gib" || unit == "g") {
    shift = 30;
  } else if (!unit.empty()) {
    return otherwise;
  }
  return number > (UINT64_MAX >> shift) ? UINT64_MAX : number << shift;
}

}  // namespace tocsin
