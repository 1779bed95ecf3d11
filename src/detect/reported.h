// What a report of another party says, as a sighting.
#pragma once

#include "collect/observation.h"
#include "detect/sighting.h"

namespace tocsin {

// All but detector, rule and the names of both ends. A report of days counts in the hour in which it begins.
Sighting sighting_of(const Report& report);

}  // namespace tocsin
