// Counts of connections: whether addresses are shared, and how many machines are behind them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "estimate/presence_log.h"
#include "estimate/return_curve.h"

namespace tocsin {

inline constexpr std::size_t kDayLags = 16;  // of kLags: those up to a day
static_assert(kLags[kDayLags - 1] == 24);

// Sums over addresses; those of disjoint sets of addresses add up.
struct SharingSums {
  double counts = 0;                            // connections
  double second = 0, third = 0;                 // x(x-1) and x(x-1)(x-2) of the connections x of an hour
  std::array<double, kLags.size()> products{};  // x(t) x(t + lag)
  std::array<double, kLags.size()> pairs{};     // how many of those are not zero
  std::array<double, 24> by_hour{};             // connections by hour of the window's day
  // The same over hours of busy addresses which a day of the same address follows, so that no lease ends between.
  double busy_counts = 0, busy_hours = 0;
  std::array<double, kDayLags> busy_products{};

  SharingSums& operator+=(const SharingSums& other);
  SharingSums& operator-=(const SharingSums& other);
};

class SharingCounter {
 public:
  explicit SharingCounter(std::uint32_t hours) : counts_(hours + 64) {}
  // rate: connections an hour of a machine that is on; 0: unknown.
  void add(std::span<const HourCount> presences, double rate, SharingSums& sums);

 private:
  void add_busy(std::uint32_t from, std::uint32_t span, double all, double rate, SharingSums& sums) const;
  std::vector<float> counts_;  // of the hours of an address; all zero between calls
};

// How much more than one machine's the counts of an hour are: about 0 without sharing, the mean number of other
// machines on beside one that is on otherwise.
double crowd(const SharingSums& sums, double rate);
// Without a rate: 1 if every present address makes connections at one and the same rate, more if rates are several.
// Empty: counts are too small to tell.
std::optional<double> rate_dispersion(const SharingSums& sums);

// How much machines keep to hours of the day: the coefficient of variation of connections over them.
double daily_swing(const SharingSums& sums);

struct SharingEstimate {
  double equal = 0;          // machines, were all on equally much: a lower bound
  double duty = 0;           // of a machine then
  double level = 0;          // machines on behind an address, seen from a connection
  double misfit = 0;         // root mean square of the curve's relative rest
  double session_hours = 0;  // correlation time of being on; 0: hardly ever off
  double lease_hours = 0;    // mean; infinite: none was seen to end
  bool busy = false;         // from busy addresses alone
};
std::optional<SharingEstimate> estimate_sharing(const SharingSums& sums, std::uint32_t hours, double rate);

}  // namespace tocsin
