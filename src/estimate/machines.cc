// How many machines are behind the addresses.
//
// What is estimated: how many infected machines there were at a time, on average over the window, whether on or off.
// That is fewer than ever were infected in it if machines come and go: one that is cleaned and one infected after it
// look like one machine with a new address.
//
// How. Two estimators, each with its own essay: recapture.cc where one machine is behind an address (how often an
// address is seen again tells how much machines are on and how long leases last), sharing.cc where several are (the
// connections of an hour tell how many are on, their ups and downs how much a machine is on). Networks differ in
// leases, so each network with enough presences is estimated by itself, the small ones together, and sums are shown;
// where that is too little, all are taken as one.
//
// Which of the two. With one machine an address, the factorial moments of an hour's connections x, given that the
// address is present, are those of a Poisson variable: E x(x-1)(x-2) E x / (E x(x-1))² is 1, plus a little for hours
// that a machine was on in part and for machines unlike each other. Sharing makes it larger unless all addresses have
// equally many machines that are always on; and then, if the rate of a machine is known, E x(x-1) / (r E x) exceeds 1
// by the other machines. Either mark makes a network shared. A shared network is estimated only if the rate is known.
//
// The interval. Addresses are dealt into 32 groups by their hash and the estimate is made anew without each (jackknife
// by groups), which tells the sampling error; no random numbers are drawn. To that comes what the model itself is
// worth, as the study in docs/machines.md shows: a few percent; a part of the correction for unequal machines; where
// unequal machines could not be measured, room for a squared coefficient of variation of duty of 1/4, which is that of
// duties from 10 to 100 %, all equally likely; and the error of the rate.
//
// Abstains: when the window is shorter than three days; when too few addresses are seen again; when the curve of
// returns is not the model's (leases of a day and less, machines on at the same hours each day); when the interval
// would be wider than a factor of 1.8 either way; when counts cannot tell whether addresses are shared, or tell
// that they are and the rate is unknown; when machines connect far less often than the rate given; when networks
// with more than a quarter of the presences cannot be estimated.
#include "estimate/machines.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "estimate/presence_log.h"
#include "estimate/recapture.h"
#include "estimate/sharing.h"

namespace tocsin {
namespace {

constexpr std::size_t kGroups = 32;
constexpr std::size_t kMostNetworks = 24;        // estimated by themselves
constexpr std::uint64_t kLeastPresences = 5000;  // of a network estimated by itself
constexpr std::uint64_t kLeastAddresses = 60;
constexpr std::int64_t kLeastHours = 72, kMostHours = 400 * 24;
constexpr double kLeastRate = 1e-3, kMostRate = 1e6;            // outside, the rate counts as unknown
constexpr double kQuantile = 2.04;                              // of Student's t with 31 degrees of freedom
constexpr double kMostDispersion = 1.06;                        // without sharing
constexpr double kMostCrowd = 0.10;                             // the same
constexpr double kLeastCrowd = -0.25;                           // below it the rate is too high
constexpr double kMostMisfit = 0.012;                           // root mean square, relative, beside noise
constexpr double kMisfitNoise = 0.1;                            // by the root of the addresses seen in an hour
constexpr double kMostSession = 0.4, kMostSharedSession = 0.2;  // of a lease
constexpr double kMostHalfWidth = 0.6;                          // of the logarithm
constexpr double kMostUnestimated = 0.25;                       // share of presences
constexpr double kMostSwing = 0.06;  // of connections over the hours of the day, where addresses are shared
constexpr double kModelError = 0.03;
constexpr double kPoolingError = 0.03;  // of networks with unlike leases
constexpr double kSharingError = 0.04;  // beside it, where addresses are shared
constexpr double kLeaseError = 0.01;
constexpr double kSilenceError = 0.006;   // by the odds of being off
constexpr double kLeastSharedLease = 30;  // hours, where machines behind an address go off
constexpr double kWidestSpread = 0.25;    // squared coefficient of variation of duty

struct Sums {
  RecaptureSums recapture;
  SharingSums sharing;
  Sums& operator+=(const Sums& other) {
    recapture += other.recapture;
    sharing += other.sharing;
    return *this;
  }
  Sums& operator-=(const Sums& other) {
    recapture -= other.recapture;
    sharing -= other.sharing;
    return *this;
  }
};

struct Stratum {
  std::array<Sums, kGroups> groups{};
  Sums all;
};

struct Part {
  double machines = 0;
  double sampling = 0;  // standard error of the logarithm
  double model = 0;     // half the width that the model adds to the logarithm
  bool shared = false;
  std::string abstained;
};

// Room for unequal machines where they were not measured: none if machines are always on.
double spread_room(double duty) { return std::min(kWidestSpread, 0.8 * (1 - duty)); }

// Standard error of log f by leaving out each group; f gives a number that does not grow with the sums. Negative: f
// fails without some group.
template <typename F>
double jackknife(const Stratum& stratum, F f) {
  std::array<double, kGroups> logs;
  double mean = 0;
  for (std::size_t i = 0; i < kGroups; ++i) {
    Sums rest = stratum.all;
    rest -= stratum.groups[i];
    const auto value = f(rest);
    if (!value || *value <= 0) return -1;
    logs[i] = std::log(*value);
    mean += logs[i] / kGroups;
  }
  double square = 0;
  for (const double log : logs) square += (log - mean) * (log - mean);
  return std::sqrt(square * (kGroups - 1) / kGroups);
}

// Whether a curve is as near the model as the noise of so many addresses lets it.
bool explained(double misfit, const Stratum& stratum, std::uint32_t hours) {
  return misfit <= kMostMisfit + kMisfitNoise / std::sqrt(1 + stratum.all.recapture.presences / hours);
}

Part recapture_part(const Stratum& stratum, std::uint32_t hours) {
  const auto whole = estimate_recapture(stratum.all.recapture, hours);
  if (!whole) return {.abstained = "too few addresses are seen again"};
  if (!explained(whole->misfit, stratum, hours) || whole->session_hours > kMostSession * whole->lease_hours) {
    return {.abstained = "addresses return in a way that no lease explains"};
  }
  Part part;
  part.machines = whole->machines;
  part.model = kModelError + 0.35 * std::log(whole->machines / whole->equal) +
               kSilenceError * (1 - whole->capture) / whole->capture;
  if (!whole->spread_known) {
    const double room = std::log1p(spread_room(whole->capture)) / 2;
    part.machines *= std::exp(room);
    part.model += room;
  }
  part.sampling = jackknife(stratum, [&](const Sums& sums) -> std::optional<double> {
    const auto estimate = estimate_recapture(sums.recapture, hours);
    if (!estimate) return std::nullopt;
    return estimate->capture;
  });
  if (part.sampling < 0) return {.abstained = "too few addresses are seen again"};
  // How much the machines happened to be on in this window.
  const double duty = std::min(1.0, whole->capture);
  part.sampling =
      std::hypot(part.sampling, std::sqrt((1 - duty) / duty / part.machines * 2 * whole->session_hours / hours));
  return part;
}

Part sharing_part(const Stratum& stratum, std::uint32_t hours, const MachinesOptions& options) {
  if (daily_swing(stratum.all.sharing) > kMostSwing) {
    return {.abstained = "shared addresses' connections keep to hours of the day"};
  }
  const auto whole = estimate_sharing(stratum.all.sharing, hours, options.rate);
  if (!whole) return {.abstained = "too few shared addresses are seen again"};
  if (!explained(whole->misfit, stratum, hours) || whole->session_hours > kMostSharedSession * whole->lease_hours ||
      (whole->session_hours > 0 && whole->lease_hours < kLeastSharedLease)) {
    return {.abstained = "connections come and go in a way that no lease explains"};
  }
  Part part;
  part.shared = true;
  const double room = std::log1p(spread_room(whole->duty)) / 2;
  part.machines = whole->equal * std::exp(room);
  part.model = kModelError + kSharingError + room;
  // What followed-back curves do not know of the lease's shape is a share of the level, and falls on the burst.
  if (!whole->busy) part.model += kLeaseError * whole->level / whole->duty;
  part.sampling = jackknife(stratum, [&](const Sums& sums) -> std::optional<double> {
    const auto estimate = estimate_sharing(sums.sharing, hours, options.rate);
    if (!estimate) return std::nullopt;
    return estimate->duty;
  });
  if (part.sampling < 0) return {.abstained = "too few shared addresses are seen again"};
  part.sampling = std::hypot(part.sampling, std::sqrt((1 - whole->duty) / whole->duty / part.machines * 12 / hours));
  return part;
}

Part estimate_part(const Stratum& stratum, std::uint32_t hours, const MachinesOptions& options) {
  bool shared = false;
  if (!options.unshared) {
    const auto dispersion = rate_dispersion(stratum.all.sharing);
    const double more = options.rate > 0 ? crowd(stratum.all.sharing, options.rate) : 0;
    if (options.rate <= 0 && !dispersion)
      return {.abstained = "connections are too few to tell whether addresses are shared"};
    if (more < kLeastCrowd) return {.abstained = "machines connect less often than the rate given"};
    shared = more > kMostCrowd || dispersion.value_or(1) > kMostDispersion;
    if (shared && options.rate <= 0) {
      return {.abstained = "addresses are shared, and the rate of a machine's connections is unknown"};
    }
  }
  Part part = shared ? sharing_part(stratum, hours, options) : recapture_part(stratum, hours);
  if (part.abstained.empty() && !(kQuantile * part.sampling + part.model <= kMostHalfWidth)) {
    part.abstained = "the interval would be too wide to be of use";
  }
  return part;
}

// The largest networks by presences, each with its stratum; all others share stratum 0.
std::unordered_map<std::uint32_t, std::size_t> strata_of(const PresenceLog& log) {
  struct Size {
    std::uint64_t presences = 0, addresses = 0;
  };
  std::unordered_map<std::uint32_t, Size> sizes;
  for (std::size_t i = 0; i < log.kept_addresses(); ++i) {
    Size& size = sizes[log.network(i)];
    size.presences += log.presences_of(i);
    ++size.addresses;
  }
  std::vector<std::pair<std::uint64_t, std::uint32_t>> large;
  for (const auto& [network, size] : sizes) {
    if (size.presences >= kLeastPresences && size.addresses >= kLeastAddresses)
      large.emplace_back(size.presences, network);
  }
  std::sort(large.begin(), large.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  std::unordered_map<std::uint32_t, std::size_t> strata;
  for (std::size_t i = 0; i < large.size() && i < kMostNetworks; ++i) strata[large[i].second] = i + 1;
  return strata;
}

std::vector<Stratum> sum_up(const PresenceLog& log, double rate) {
  const auto strata = strata_of(log);
  std::vector<Stratum> result(strata.size() + 1);
  RecaptureCounter recapture(log.hours());
  SharingCounter sharing(log.hours());
  std::vector<HourCount> presences;
  for (std::size_t i = 0; i < log.kept_addresses(); ++i) {
    const auto found = strata.find(log.network(i));
    Sums& sums = result[found == strata.end() ? 0 : found->second].groups[(log.hash(i) >> 24) % kGroups];
    log.hours_of(i, presences);
    recapture.add(presences, sums.recapture);
    sharing.add(presences, rate, sums.sharing);
  }
  for (Stratum& stratum : result) {
    for (const Sums& group : stratum.groups) stratum.all += group;
  }
  return result;
}

std::int64_t floor_hours(Timestamp time) { return floor_to(time, kHour) / kHour; }

void add_up(const std::vector<Stratum>& strata, std::uint32_t hours, const MachinesOptions& options, double pooling,
            MachinesEstimate& estimate) {
  double machines = 0, variance = 0, model = 0, presences = 0, missing = 0, worst = 0;
  bool shared = false, alone = false;
  std::string reason;
  for (const Stratum& stratum : strata) {
    const double size = stratum.all.recapture.presences;
    if (size <= 0) continue;
    presences += size;
    const Part part = estimate_part(stratum, hours, options);
    if (!part.abstained.empty()) {
      missing += size;
      if (size > worst) {
        worst = size;
        reason = part.abstained;
      }
      continue;
    }
    machines += part.machines;
    variance += std::pow(part.machines * part.sampling, 2);
    model += part.machines * (part.model + (part.shared ? options.rate_error : 0));
    (part.shared ? shared : alone) = true;
  }
  if (presences <= 0) {
    estimate.abstained = "nothing was sighted in the window";
    return;
  }
  const double share = missing / presences;
  if (machines <= 0 || share > kMostUnestimated) {
    estimate.abstained = reason;
    return;
  }
  // Networks that could not be estimated are taken to have as many machines for their presences.
  const double factor = 1 / (1 - share) / estimate.sampled;
  const double half = kQuantile * std::sqrt(variance) / machines + model / machines + share + pooling;
  estimate.machines = machines * factor;
  estimate.low = *estimate.machines * std::exp(-half);
  estimate.high = *estimate.machines * std::exp(half);
  estimate.method = shared && alone ? "recapture of addresses and connections an hour"
                    : shared        ? "connections an hour"
                                    : "recapture of addresses";
  auto& assumptions = estimate.assumptions;
  assumptions.emplace_back("the number is the average at a time, of machines on or off");
  assumptions.emplace_back("machines go on and off independently of each other and of the hour of the day");
  assumptions.emplace_back("an address changes its machine when a lease ends, not when the machine goes off");
  if (alone) {
    assumptions.emplace_back(options.unshared
                                 ? "one machine is behind an address, as given"
                                 : "one machine is behind an address, as the counts of connections suggest");
  }
  if (alone && options.rate <= 0 && !options.unshared) {
    assumptions.emplace_back("not all addresses have the same number of machines that are always on");
  }
  if (shared) {
    assumptions.push_back(fmt::format("a machine that is on makes {:g} connections an hour, within {:g} %",
                                      options.rate, options.rate_error * 100));
  }
  if (share > 0) {
    assumptions.push_back(
        fmt::format("networks with {:.0f} % of the presences could not be estimated and are taken to be as the others",
                    share * 100));
  }
}

}  // namespace

namespace {

// Networks by themselves; if they are too small for that, all as one.
void estimate_strata(const std::vector<Stratum>& strata, std::uint32_t hours, const MachinesOptions& options,
                     MachinesEstimate& estimate) {
  add_up(strata, hours, options, 0, estimate);
  if (estimate.abstained.empty() || strata.size() < 2) return;
  std::vector<Stratum> pooled(1);
  for (const Stratum& stratum : strata) {
    for (std::size_t i = 0; i < kGroups; ++i) pooled[0].groups[i] += stratum.groups[i];
    pooled[0].all += stratum.all;
  }
  MachinesEstimate together = estimate;
  together.abstained.clear();
  add_up(pooled, hours, options, kPoolingError, together);
  if (!together.abstained.empty()) return;
  estimate = std::move(together);
  estimate.assumptions.emplace_back("networks are too small to be estimated by themselves and are taken together");
}

}  // namespace

struct MachinesEstimator::State {
  MachinesOptions options;
  std::int64_t hours;
  PresenceLog log;
};

namespace {

// Of whole hours within the window; 0 if there are none or far too many.
std::pair<std::int64_t, std::int64_t> hours_of(Period window) {
  if (window.from > window.to - kHour || window.from < -(Timestamp{1} << 60) || window.to > (Timestamp{1} << 60)) {
    return {0, 0};
  }
  const std::int64_t first = floor_hours(window.from + kHour - 1), end = floor_hours(window.to);
  return {first, std::max<std::int64_t>(0, end - first)};
}

}  // namespace

MachinesEstimator::MachinesEstimator(Period window, const MachinesOptions& options) {
  const auto [first, hours] = hours_of(window);
  state_ = std::make_unique<State>(State{
      options, hours, PresenceLog(first, static_cast<std::uint32_t>(std::min(hours, kMostHours)), options.capacity)});
  auto& set = state_->options;
  if (!(set.rate >= kLeastRate && set.rate <= kMostRate)) set.rate = 0;
  set.rate_error = std::isfinite(set.rate_error) ? std::clamp(set.rate_error, 0.0, 1.0) : 0.05;
}
MachinesEstimator::~MachinesEstimator() = default;
MachinesEstimator::MachinesEstimator(MachinesEstimator&&) noexcept = default;
MachinesEstimator& MachinesEstimator::operator=(MachinesEstimator&&) noexcept = default;

void MachinesEstimator::add(std::span<const Presence> presences) {
  constexpr std::size_t kAhead = 16;
  for (std::size_t i = 0; i < presences.size(); ++i) {
    if (i + kAhead < presences.size()) state_->log.prefetch(presences[i + kAhead]);
    state_->log.add(presences[i]);
  }
}

MachinesEstimate MachinesEstimator::estimate() {
  PresenceLog& log = state_->log;
  log.settle();
  MachinesEstimate estimate;
  estimate.addresses = log.addresses();
  estimate.addresses_exact = log.addresses_exact();
  estimate.ignored = log.ignored();
  estimate.sampled = log.sampled();
  if (state_->hours < kLeastHours) {
    estimate.abstained = "the window is shorter than three days";
  } else if (state_->hours > kMostHours) {
    estimate.abstained = "the window is longer than 400 days";
  } else {
    estimate_strata(sum_up(log, state_->options.rate), log.hours(), state_->options, estimate);
  }
  return estimate;
}

MachinesEstimate estimate_machines(std::span<const Presence> presences, Period window, const MachinesOptions& options) {
  MachinesEstimator estimator(window, options);
  estimator.add(presences);
  return estimator.estimate();
}

}  // namespace tocsin
