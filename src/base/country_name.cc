#include "base/country_name.h"

#include <unicode/uloc.h>
#include <unicode/ustring.h>

#include <array>
#include <string_view>

namespace tocsin {

std::string country_name(CountryCode country, const char* language) {
  if (!country.known()) return {};
  const std::string locale = "und_" + std::string(country.text());
  std::array<UChar, 128> name{};
  UErrorCode status = U_ZERO_ERROR;
  const auto size = uloc_getDisplayCountry(locale.c_str(), language, name.data(), name.size(), &status);
  std::array<char, 512> text{};
  std::int32_t length = 0;
  u_strToUTF8(text.data(), text.size(), &length, name.data(), size, &status);
  if (U_FAILURE(status) || length == 0) return std::string(country.text());
  std::string display(text.data(), static_cast<std::size_t>(length));
  // "Hong Kong SAR China", "Myanmar (Burma)": the first name is enough to tell the place.
  for (const std::string_view tail : {" SAR China", " (Burma)", "特别行政区"}) {
    if (display.ends_with(tail)) display.resize(display.size() - tail.size());
  }
  return display;
}

}  // namespace tocsin
