// Recapture. In an hour n addresses are seen, and of these m(t) again t hours later. If N machines are each seen in an
// hour with chance p, and an address stays its machine's for another t hours with chance S(t), then once the machines
// have forgotten whether they were on,
//
//   n = N p,  m(t) = N p² S(t),  so  N = n² S(t) / m(t)
//
// which is Lincoln and Petersen's estimator for a population whose members change names. Two things are in the way.
//
// S is unknown, but S(0) is 1: m is followed back to lag 0. For any lease S falls with slope 1/(mean lease) at first,
// and is convex (renewal theory: what is left of a lease under way exceeds t with chance ∫ₜ^∞ (1-F) / mean). Leases of
// one length have S = 1 - t/L, exponential ones exp(-t/L). Both, those between, and mixtures of short and long are
//
//   S = (1 - q t/L)^(1/q),  q from 1 (one length) over 0 (exponential) to below 0 (mixed),
//
// Machines do not forget at once: who is on stays on for a session. With sessions and pauses exponential the chance
// to be on again after t is p + (1-p) exp(-t/c), so that
//
//   m(t)/n = S(t) (p + b exp(-t/c)),  0 <= b <= 1-p.
//
// For each q the best L, c, p, b are found by weighted least squares; the results are averaged over q with weights by
// how well they fit, since short leases do not tell their shape.
//
// Unequal machines. Those that are on more are recaptured more, so that the p found is E(p²)/E(p), and n/p is too few
// machines. The same one order up: of the addresses present at both ends of two equal steps, the share present in the
// middle tells E(p³)/E(p²), S cancels, and what is left of the sessions is known from c. Were p distributed as
// Beta(a, b), these ratios would be (a+1)/(a+b+1) and (a+2)/(a+b+2), which give E(p) = a/(a+b).
//
// What fools it: an address shared by machines (p is then a household's: see sharing.cc); machines that are on at the
// same hours every day, which pairs a whole number of days apart see as always on; addresses handed to the next
// infected machine.
//
// Otis, Burnham, White, Anderson: Statistical Inference from Capture Data on Closed Animal Populations (1978), for
// what unequal capture does; Pollock, Nichols, Brownie, Hines: Statistical Inference for Capture-Recapture Experiments
// (1990), for open populations; Böck, Levin, Padmanabhan, Doerr, Mühlhäuser: How to Count Bots in Longitudinal
// Datasets of IP Addresses (NDSS 2023), for the problem.
#include "estimate/recapture.h"

#include <algorithm>
#include <cmath>

namespace tocsin {
namespace {

constexpr double kLeastOuter = 200;
constexpr double kLeastBurst = 0.03;
constexpr double kLeastCapture = 0.06;  // below, what is taken for forgetting is leases that end

// E(p³)/E(p²), of the steps that are long beside a session and short beside a lease; 0: none is.
double second_ratio(const RecaptureSums& sums, const ReturnFit& fit) {
  for (std::size_t i = kSteps.size(); i-- > 0;) {
    const double step = kLags[kSteps[i]];
    if (sums.outer[i] < kLeastOuter || 2 * step * fit.slope > 0.6) continue;
    const double r = fit.burst > 0 ? std::exp(-step / fit.memory) * std::min(1.0, fit.burst / (1 - fit.level)) : 0;
    if (r > 0.3) continue;
    // A machine of duty d is on after a step with chance r + d (1-r), after two with r² + d (1-r²).
    const double middle = sums.triples[i] / sums.outer[i];
    const double first = fit.level;
    const double pair = r * r + first * (1 - r * r);                       // of E(p)
    const double third = middle * pair - r * r - 2 * first * r * (1 - r);  // E(p³)/E(p) (1-r)²
    return third / ((1 - r) * (1 - r)) / first;
  }
  return 0;
}

// std::popcount() is a call where the compiler may not use the instruction.
int ones(std::uint64_t bits) {
  bits -= bits >> 1 & 0x5555'5555'5555'5555;
  bits = (bits & 0x3333'3333'3333'3333) + (bits >> 2 & 0x3333'3333'3333'3333);
  bits = (bits + (bits >> 4)) & 0x0f0f'0f0f'0f0f'0f0f;
  return static_cast<int>(bits * 0x0101'0101'0101'0101 >> 56);
}

}  // namespace

RecaptureSums& RecaptureSums::operator+=(const RecaptureSums& other) {
  presences += other.presences;
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] += other.pairs[i];
  for (std::size_t i = 0; i < triples.size(); ++i) triples[i] += other.triples[i], outer[i] += other.outer[i];
  return *this;
}

RecaptureSums& RecaptureSums::operator-=(const RecaptureSums& other) {
  presences -= other.presences;
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] -= other.pairs[i];
  for (std::size_t i = 0; i < triples.size(); ++i) triples[i] -= other.triples[i], outer[i] -= other.outer[i];
  return *this;
}

void RecaptureCounter::add(std::span<const HourCount> presences, RecaptureSums& sums) {
  if (presences.empty()) return;
  const std::uint32_t first = presences.front().hour / 64 * 64;
  const std::uint32_t span = presences.back().hour - first;
  for (const auto& [hour, count] : presences) present_[(hour - first) / 64] |= 1ULL << ((hour - first) % 64);
  const std::size_t words = span / 64 + 1;
  sums.presences += static_cast<double>(presences.size());
  const auto later = [&](std::size_t word, std::uint32_t lag) {
    const std::size_t at = word + lag / 64;
    if (at >= words) return std::uint64_t{0};
    const std::uint32_t shift = lag % 64;
    if (shift == 0) return present_[at];
    return (present_[at] >> shift) | (at + 1 < words ? present_[at + 1] << (64 - shift) : 0);
  };
  for (std::size_t i = 0; i < kLags.size() && kLags[i] <= span; ++i) {
    int pairs = 0;
    for (std::size_t word = 0; word + kLags[i] / 64 < words; ++word) {
      pairs += ones(present_[word] & later(word, kLags[i]));
    }
    sums.pairs[i] += pairs;
  }
  for (std::size_t i = 0; i < kSteps.size() && 2 * kLags[kSteps[i]] <= span; ++i) {
    const std::uint32_t step = kLags[kSteps[i]];
    int outer = 0, triples = 0;
    for (std::size_t word = 0; word < words; ++word) {
      const std::uint64_t ends = present_[word] & later(word, 2 * step);
      outer += ones(ends);
      triples += ones(ends & later(word, step));
    }
    sums.outer[i] += outer;
    sums.triples[i] += triples;
  }
  std::fill_n(present_.begin(), words, 0);
}

std::optional<RecaptureEstimate> estimate_recapture(const RecaptureSums& sums, std::uint32_t hours) {
  const double n = sums.presences / hours;
  const auto fit = fit_returns(sums.pairs, sums.pairs, sums.presences, hours, 1);
  if (!fit || fit->level < kLeastCapture) return std::nullopt;
  RecaptureEstimate estimate;
  estimate.equal = n / fit->level;
  estimate.lease_hours = 1 / fit->slope;
  // Where machines are hardly ever off, the memory is of noise.
  estimate.session_hours = fit->burst > kLeastBurst ? fit->memory : 0;
  estimate.misfit = fit->misfit;
  const double first = fit->level, second = second_ratio(sums, *fit);
  estimate.spread_known = second > 0;
  double capture = first;
  if (second > first && second < 1) {
    const double total = (1 - 2 * second + first) / (second - first);
    const double a = first * (total + 1) - 1;
    // A spread so wide that no Beta has it counts as twice the measured step.
    capture = total > 0 && a > 0 ? a / total : 0;
    capture = std::max(capture, std::max(first - 2 * (second - first), 0.5 * first));
  }
  estimate.capture = capture;
  estimate.machines = n / capture;
  return estimate;
}

}  // namespace tocsin
