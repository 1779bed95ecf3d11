// Which two-letter codes name a country or territory.
#pragma once

#include <string_view>

#include "base/country_code.h"

namespace tocsin {

// The code if it is one of the 249 officially assigned in ISO 3166-1 (or XK, which all databases use for Kosovo);
// otherwise no country. Databases also hold EU, AP, A1, A2, O1, T1, ZZ and the like, which are places on no map.
CountryCode iso_country(std::string_view text);

}  // namespace tocsin
