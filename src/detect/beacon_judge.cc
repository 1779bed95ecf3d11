#include "detect/beacon_judge.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace tocsin::beacon {
namespace {

constexpr Timestamp kLeastSpan = 30 * kSecond;

double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return std::lerp(sorted[low], sorted[high], at - static_cast<double>(low));
}

struct Spread {
  double median = 0;
  double deviation = 0;
  double skew = 0;
};

Spread spread_of(std::vector<double> values) {
  std::ranges::sort(values);
  Spread spread;
  spread.median = quantile(values, 0.5);
  const double low = quantile(values, 0.25), high = quantile(values, 0.75);
  // Where the quartiles all but meet, which side the median lies on says nothing.
  if (high - low > 0.02 * spread.median) spread.skew = (low + high - 2 * spread.median) / (high - low);
  for (double& value : values) value = std::abs(value - spread.median);
  std::ranges::sort(values);
  spread.deviation = quantile(values, 0.5);
  return spread;
}

double likeness(const Spread& spread) {
  const double dispersion = spread.median > 0 ? std::max(0.0, 1 - spread.deviation / spread.median) : 1;
  return (dispersion + 1 - std::abs(spread.skew)) / 2;
}

double evenness(const std::vector<double>& times) {
  const std::size_t buckets = std::clamp<std::size_t>(times.size() / 3, 3, 24);
  std::vector<double> counts(buckets, 0);
  const double span = times.back() - times.front();
  for (const double time : times) {
    const auto at = static_cast<std::size_t>((time - times.front()) / span * static_cast<double>(buckets));
    counts[std::min(at, buckets - 1)] += 1;
  }
  const double mean = static_cast<double>(times.size()) / static_cast<double>(buckets);
  double variance = 0;
  for (const double count : counts) variance += (count - mean) * (count - mean);
  return std::max(0.0, 1 - std::sqrt(variance / static_cast<double>(buckets)) / mean);
}

}  // namespace

void settle(std::vector<Event>& events, std::uint8_t protocol) {
  std::ranges::stable_sort(events, {}, &Event::time);
  if (protocol != kTcp) return;
  std::unordered_map<std::uint16_t, Timestamp> last_of_port;
  std::erase_if(events, [&](const Event& event) {
    if (event.failed || event.port == 0) return false;
    const auto [at, fresh] = last_of_port.try_emplace(event.port, event.time);
    const bool continued = !fresh && event.time - at->second < kHour;
    at->second = event.time;
    return continued;
  });
}

Verdict judge(const std::vector<Event>& events, bool sizes_known) {
  Verdict verdict;
  std::vector<double> times, sizes;
  std::size_t failed = 0;
  Timestamp begun = 0;
  for (const Event& event : events) {
    failed += event.failed ? 1 : 0;
    if (!times.empty() && event.time - begun < kSecond) {
      sizes.back() += event.size;
      continue;
    }
    begun = event.time;
    times.push_back(static_cast<double>(event.time - events.front().time) / 1e6);
    sizes.push_back(event.size);
  }
  verdict.events = times.size();
  if (times.size() < kLeastEvents || events.back().time - events.front().time < kLeastSpan) return verdict;
  verdict.failing = failed * 5 >= events.size() * 4;

  std::vector<double> intervals;
  for (std::size_t i = 1; i < times.size(); ++i) intervals.push_back(times[i] - times[i - 1]);
  const Spread time = spread_of(intervals);
  std::size_t fitting = 0;
  for (const double interval : intervals) {
    const double beats = std::round(interval / time.median);
    if (beats >= 1 && beats <= 3 && std::abs(interval / time.median - beats) <= 0.35) ++fitting;
  }
  const double fit = static_cast<double>(fitting) / static_cast<double>(intervals.size());
  verdict.median = time.median;
  verdict.deviation = time.deviation;
  const double time_score = (2 * likeness(time) + fit) / 3;
  double size_score = 0.5;
  if (sizes_known) {
    const Spread size = spread_of(sizes);
    size_score = likeness(size);
    verdict.uniform = size.deviation <= 0.15 * size.median;
  }
  const double coverage =
      std::min(1.0, static_cast<double>(intervals.size()) * time.median / (times.back() - times.front()));
  verdict.score = 0.4 * time_score + 0.2 * size_score + 0.2 * evenness(times) + 0.2 * coverage;
  verdict.beacon = time.deviation < 0.4 * time.median && fit >= 0.75;
  return verdict;
}

double threshold(std::size_t events) {
  const double few = events < 20 ? static_cast<double>(20 - events) / 10 : 0;
  return 0.75 + 0.1 * few;
}

}  // namespace tocsin::beacon
