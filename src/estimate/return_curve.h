// How often what was seen in an hour is seen again t hours later, followed back to t = 0.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace tocsin {

// Hours between two sightings of an address.
inline constexpr std::array<std::uint32_t, 32> kLags{1,  2,  3,   4,   5,   6,   7,   8,   10,  12, 14,
                                                     16, 18, 20,  22,  24,  28,  32,  36,  42,  48, 60,
                                                     72, 96, 120, 144, 192, 240, 288, 336, 408, 480};

struct ReturnFit {
  double level = 0;   // of those whose state is forgotten, before any lease ended
  double burst = 0;   // above it at t = 0
  double memory = 0;  // hours in which the burst falls to 1/e
  double slope = 0;   // leases that end in an hour, for each address
  double misfit = 0;  // root mean square of the relative rest
};

// sums: at each of kLags, over all hours of the period that have a later hour in it; n: what they are divided by, over
// all hours. counted: pairs behind each sum. bound: at most what level and burst are together.
// Empty: too little was seen again.
std::optional<ReturnFit> fit_returns(const std::array<double, kLags.size()>& sums,
                                     const std::array<double, kLags.size()>& counted, double n, std::uint32_t hours,
                                     double bound);

}  // namespace tocsin
