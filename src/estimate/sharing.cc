// Sharing. A machine that is on makes connections at a known rate r, so the connections of an hour divided by r are the
// machines that were on, whatever addresses they had: on average N d, with d the share of time that a machine is on.
// What is missing is d, and it is in how the count of an address wavers. Behind an address are k machines; from hour
// to hour each goes on and off by itself. For hours t apart the count x has
//
//   E x(0) x(t) = r² (k² d² + k d (1-d) exp(-t/c))
//
// Summed over addresses and divided by r Σ E x = r² Σ k d this is P + B exp(-t/c), with B = 1 - d however the machines
// are spread over the addresses. Lag 0 is left out: within one hour there is Poisson noise, and there are machines that
// were on for a part of it.
//
// Leases end, so that all is multiplied by S(t). With few machines behind an address P is about 1, and the curve is
// followed back as in recapture.cc. With many, P is large beside B and S would have to be known better than it can be.
// But then an address is seldom silent, so that one sees when its lease ends: hours are taken only if the same address
// has another day after them, the same hours for every lag, and S is 1.
//
// Unequal machines: 1 - B is E(d²)/E(d), so that the number is too small by the factor 1 + v, v the squared coefficient
// of variation of d. Third moments would tell v but for their noise, which is k times that of recapture.cc. v is not
// measured; the interval has room for it.
//
// What fools it: machines behind one address that are on and off together, as a household's at night, which look like
// one machine with their rate together: where connections keep to hours of the day there is no estimate. A rate that is
// wrong, in proportion.
#include "estimate/sharing.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tocsin {
namespace {

constexpr double kBusy = 2;             // machines on at a time
constexpr std::uint32_t kSilence = 10;  // hours without a sighting that end a busy address
constexpr std::uint32_t kAhead = 24;    // hours of an address that must follow an hour taken
constexpr std::uint32_t kLeastTaken = 6;
constexpr double kLeastHours = 2000;
constexpr double kLeastDuty = 0.15, kLeastBurst = 0.03;
constexpr double kBusyShare = 0.6;  // of all connections
constexpr std::array kMemories{0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0};

}  // namespace

SharingSums& SharingSums::operator+=(const SharingSums& other) {
  counts += other.counts;
  second += other.second;
  third += other.third;
  for (std::size_t i = 0; i < products.size(); ++i) products[i] += other.products[i];
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] += other.pairs[i];
  for (std::size_t i = 0; i < by_hour.size(); ++i) by_hour[i] += other.by_hour[i];
  busy_counts += other.busy_counts;
  busy_hours += other.busy_hours;
  for (std::size_t i = 0; i < busy_products.size(); ++i) busy_products[i] += other.busy_products[i];
  return *this;
}

SharingSums& SharingSums::operator-=(const SharingSums& other) {
  counts -= other.counts;
  second -= other.second;
  third -= other.third;
  for (std::size_t i = 0; i < products.size(); ++i) products[i] -= other.products[i];
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] -= other.pairs[i];
  for (std::size_t i = 0; i < by_hour.size(); ++i) by_hour[i] -= other.by_hour[i];
  busy_counts -= other.busy_counts;
  busy_hours -= other.busy_hours;
  for (std::size_t i = 0; i < busy_products.size(); ++i) busy_products[i] -= other.busy_products[i];
  return *this;
}

void SharingCounter::add(std::span<const HourCount> presences, double rate, SharingSums& sums) {
  if (presences.empty()) return;
  double all = 0;
  for (const auto& [hour, count] : presences) {
    const double x = count;
    all += x;
    sums.by_hour[hour % 24] += x;
    sums.second += x * (x - 1);
    sums.third += x * (x - 1) * (x - 2);
  }
  sums.counts += all;
  if (rate <= 0) return;
  const std::uint32_t first = presences.front().hour;
  const std::uint32_t span = presences.back().hour - first + 1;
  for (const auto& [hour, count] : presences) counts_[hour - first] = static_cast<float>(count);
  for (std::size_t i = 0; i < kLags.size() && kLags[i] < span; ++i) {
    double product = 0, pairs = 0;
    for (const auto& [hour, count] : presences) {
      const std::uint32_t later = hour - first + kLags[i];
      if (later >= span) break;
      product += static_cast<double>(count) * counts_[later];
      pairs += counts_[later] > 0;
    }
    sums.products[i] += product;
    sums.pairs[i] += pairs;
  }
  std::size_t from = 0;
  double busy = 0;
  for (std::size_t i = 0; i < presences.size(); ++i) {
    busy += presences[i].count;
    if (i + 1 < presences.size() && presences[i + 1].hour - presences[i].hour <= kSilence) continue;
    add_busy(presences[from].hour - first, presences[i].hour - presences[from].hour + 1, busy, rate, sums);
    from = i + 1;
    busy = 0;
  }
  std::fill_n(counts_.begin(), span, 0.0F);
}

void SharingCounter::add_busy(std::uint32_t from, std::uint32_t span, double all, double rate,
                              SharingSums& sums) const {
  if (span < kAhead + kLeastTaken || all < kBusy * rate * span) return;
  const std::uint32_t taken = span - kAhead;
  const float* x = counts_.data() + from;
  for (std::uint32_t t = 0; t < taken; ++t) sums.busy_counts += x[t];
  sums.busy_hours += taken;
  for (std::size_t i = 0; i < kDayLags; ++i) {
    double product = 0;
    for (std::uint32_t t = 0; t < taken; ++t) product += static_cast<double>(x[t]) * x[t + kLags[i]];
    sums.busy_products[i] += product;
  }
}

double crowd(const SharingSums& sums, double rate) {
  return sums.counts > 0 ? sums.second / (rate * sums.counts) - 1 : 0;
}

std::optional<double> rate_dispersion(const SharingSums& sums) {
  if (sums.second < 0.5 * sums.counts || sums.third < 100) return std::nullopt;
  return sums.third * sums.counts / (sums.second * sums.second);
}

double daily_swing(const SharingSums& sums) {
  double square = 0;
  for (const double count : sums.by_hour) square += count * count;
  return sums.counts > 0 ? std::sqrt(std::max(0.0, 24 * square / (sums.counts * sums.counts) - 1)) : 0;
}

std::optional<SharingEstimate> estimate_sharing(const SharingSums& sums, std::uint32_t hours, double rate) {
  if (rate <= 0 || sums.counts <= 0) return std::nullopt;
  SharingEstimate estimate;
  double burst = 0;
  if (sums.busy_counts > kBusyShare * sums.counts && sums.busy_hours >= kLeastHours) {
    const double unit = rate * sums.busy_counts;
    double best = std::numeric_limits<double>::infinity();
    for (const double memory : kMemories) {  // least squares in P and B for each
      double n = 0, e = 0, ee = 0, y = 0, ey = 0, yy = 0;
      for (std::size_t i = 0; i < kDayLags; ++i) {
        const double decay = std::exp(-static_cast<double>(kLags[i]) / memory), value = sums.busy_products[i] / unit;
        n += 1;
        e += decay;
        ee += decay * decay;
        y += value;
        ey += decay * value;
        yy += value * value;
      }
      const double b = std::clamp((n * ey - e * y) / (n * ee - e * e), 0.0, 1.0), p = (y - b * e) / n;
      const double misfit = yy - 2 * p * y - 2 * b * ey + n * p * p + 2 * p * b * e + b * b * ee;
      if (misfit >= best) continue;
      best = misfit;
      burst = b;
      estimate.level = p;
      estimate.misfit = std::sqrt(std::max(0.0, misfit) / n) / std::max(p, 1e-9);
    }
    estimate.busy = true;
    estimate.lease_hours = std::numeric_limits<double>::infinity();
  } else {
    const auto fit = fit_returns(sums.products, sums.pairs, rate * sums.counts, hours, 1e6);
    if (!fit) return std::nullopt;
    burst = fit->burst;
    estimate.session_hours = burst > kLeastBurst ? fit->memory : 0;
    estimate.lease_hours = 1 / fit->slope;
    estimate.level = fit->level;
    estimate.misfit = fit->misfit;
  }
  if (burst > 1 - kLeastDuty) return std::nullopt;
  estimate.duty = 1 - burst;
  estimate.equal = sums.counts / (rate * hours) / estimate.duty;
  return estimate;
}

}  // namespace tocsin
