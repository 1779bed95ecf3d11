// A nation with known truth, as files: sources as sensors write them, settings, and the truth apart.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/expected.h"
#include "locate/locator.h"
#include "simulate/scenario.h"
#include "simulate/world.h"

namespace tocsin::simulate {

struct Written {
  std::uint64_t records = 0;
  std::uint64_t deeds = 0;
};

// is_relay: of the relays that the installation knows. progress(part of the populations written, records so far).
Expected<Written> simulate(const Scenario& scenario, const Locator& locator, const std::string& directory,
                           bool with_capture, World::IsRelay is_relay,
                           const std::function<bool(double, std::uint64_t)>& stop);

}  // namespace tocsin::simulate
