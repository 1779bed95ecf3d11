// Capture and recapture of addresses between hours: machines, if one is behind an address.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "estimate/presence_log.h"
#include "estimate/return_curve.h"

namespace tocsin {

// Steps between three hours, as indices into kLags; of each, twice the step is a lag too.
inline constexpr std::array<std::uint32_t, 4> kSteps{9, 13, 15, 18};
static_assert(kLags[9] == 12 && kLags[15] == 24 && kLags[18] == 36);

// Sums over addresses; those of disjoint sets of addresses add up.
struct RecaptureSums {
  double presences = 0;                         // hours in which an address was present
  std::array<double, kLags.size()> pairs{};     // present in an hour and in that a lag later
  std::array<double, kSteps.size()> triples{};  // present in three hours, a step apart each
  std::array<double, kSteps.size()> outer{};    // in the first and the last of them

  RecaptureSums& operator+=(const RecaptureSums& other);
  RecaptureSums& operator-=(const RecaptureSums& other);
};

class RecaptureCounter {
 public:
  explicit RecaptureCounter(std::uint32_t hours) : present_(hours / 64 + 2) {}
  // Adds an address's sums. presences: sorted by hour.
  void add(std::span<const HourCount> presences, RecaptureSums& sums);

 private:
  std::vector<std::uint64_t> present_;  // bits; all clear between calls
};

struct RecaptureEstimate {
  double machines = 0;
  double equal = 0;           // machines, were all machines on equally much: a lower bound
  double capture = 0;         // chance that a machine is seen in an hour
  double lease_hours = 0;     // mean; infinite: no lease was seen to end
  double session_hours = 0;   // correlation time of being on
  double misfit = 0;          // root mean square of the curve's relative rest
  bool spread_known = false;  // unequal duty was measured
};

// Sums of one population over a period of so many hours. Empty: too little was recaptured.
std::optional<RecaptureEstimate> estimate_recapture(const RecaptureSums& sums, std::uint32_t hours);

}  // namespace tocsin
