// Names of countries as people read them, from CLDR.
#pragma once

#include <string>

#include "base/country_code.h"

namespace tocsin {

// language: "en", "zh", ... The code itself where CLDR has no name; empty if unknown.
std::string country_name(CountryCode country, const char* language = "en");

}  // namespace tocsin
