// Flows matched against two million indicators beside the same flows unmatched.
//
// The flow work that matching is measured against comes twice: the least that can be called so, bytes and flows summed
// by responder in a hash table (flows_...), and that with the distinct peers of each responder as well, what "top
// talkers by distinct peer" takes (peers_...). TOCSIN_INDICATORS names a file or directory to load instead of the
// generated set, in the proportions of public lists: three quarters names, the rest addresses with ports.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <unordered_map>

#include "detect/detector.h"
#include "detect/indicator_set.h"

namespace tocsin {
namespace {

constexpr std::size_t kIndicators = 2'000'000;
constexpr std::size_t kBatches = 64;
constexpr std::uint32_t kHosts = 400'000;

const std::vector<std::pair<std::string, IndicatorDefaults>>& given_paths() {
  static const char* const path = std::getenv("TOCSIN_INDICATORS");
  static const std::vector<std::pair<std::string, IndicatorDefaults>> paths =
      path != nullptr ? std::vector<std::pair<std::string, IndicatorDefaults>>{{path, {}}}
                      : std::vector<std::pair<std::string, IndicatorDefaults>>{};
  return paths;
}

std::shared_ptr<const IndicatorSet> indicators() {
  static const std::shared_ptr<const IndicatorSet> set = [] {
    if (!given_paths().empty()) {
      std::vector<IndicatorFileReport> reports;
      return load_indicators(given_paths(), reports).value_or(nullptr);
    }
    std::mt19937 random(1);
    IndicatorSetBuilder builder;
    for (std::size_t i = 0; i < kIndicators; ++i) {
      Indicator indicator;
      std::string value =
          i % 4 != 0 ? "c" + std::to_string(random()) + ".example"
                     : IpAddress::v4(static_cast<std::uint32_t>(0x20000000U | (random() >> 4))).text() + ":443";
      indicator.type = i % 4 != 0 ? IndicatorType::kDomain : IndicatorType::kAddressPort;
      indicator.value = value;
      indicator.family = "family";
      builder.add(indicator, "generated");
    }
    return builder.build();
  }();
  return set;
}

// Batches of flows from the hosts of a nation to servers whose popularity falls off as 1/rank.
const std::vector<Batch>& batches() {
  static const std::vector<Batch> all = [] {
    std::mt19937 random(2);
    std::uniform_real_distribution<double> uniform(0.0, 1.0);
    std::vector<Batch> made(kBatches);
    for (Batch& batch : made) {
      for (std::size_t i = 0; i < kBatchSize; ++i) {
        Flow flow;
        const auto rank = static_cast<std::uint32_t>(std::pow(static_cast<double>(kHosts), uniform(random)));
        flow.initiator = {IpAddress::v4(static_cast<std::uint32_t>(0x60000000U + random() % kHosts)),
                          static_cast<std::uint16_t>(random() | 1024)};
        flow.responder = {IpAddress::v4(0x8000'0000U + rank * 2654435761U % 0x3000'0000U), 443};
        flow.first = 1'357'041'600LL * kSecond;
        flow.last = flow.first;
        flow.protocol = kTcp;
        flow.initiator_bytes = random() % 100'000;
        flow.responder_bytes = random() % 1'000'000;
        batch.flows.push_back(flow);
      }
    }
    return made;
  }();
  return all;
}

struct Total {
  std::uint64_t bytes = 0;
  std::uint64_t flows = 0;
};
using Totals = std::unordered_map<IpAddress, Total>;

void sum(const Batch& batch, Totals& totals) {
  for (const Flow& flow : batch.flows) {
    Total& total = totals[flow.responder.ip];
    total.bytes += flow.initiator_bytes + flow.responder_bytes;
    ++total.flows;
  }
}

using Peers = std::unordered_map<std::uint64_t, std::uint32_t>;

void count_peers(const Batch& batch, Peers& peers) {
  for (const Flow& flow : batch.flows) {
    ++peers[IndicatorSet::key_of(flow.responder.ip) * 31 + IndicatorSet::key_of(flow.initiator.ip)];
  }
}

class Counting final : public SightingSink {
 public:
  void sight(Sighting&& sighting) override { count += sighting.count; }
  std::uint64_t count = 0;
};

void flows_unmatched(benchmark::State& state) {
  const auto& all = batches();
  Totals totals;
  for (const Batch& batch : all) sum(batch, totals);
  for (auto _ : state) {
    for (const Batch& batch : all) sum(batch, totals);
  }
  benchmark::DoNotOptimize(totals);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatches * kBatchSize));
}
BENCHMARK(flows_unmatched)->Unit(benchmark::kMillisecond);

void flows_matched(benchmark::State& state) {
  const auto& all = batches();
  const auto set = indicators();
  if (set == nullptr) return state.SkipWithError("the indicators can't be read");
  const auto detector = make_indicator_detector(set, nullptr);
  Totals totals;
  for (const Batch& batch : all) sum(batch, totals);
  Counting sink;
  for (auto _ : state) {
    for (const Batch& batch : all) {
      sum(batch, totals);
      detector->observe(batch, sink);
    }
  }
  detector->finish(sink);
  benchmark::DoNotOptimize(totals);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatches * kBatchSize));
  state.counters["indicators"] = static_cast<double>(set->size());
  state.counters["MiB"] = static_cast<double>(set->bytes()) / 1048576.0;
  state.counters["sighted"] = static_cast<double>(sink.count) / static_cast<double>(state.iterations());
}
BENCHMARK(flows_matched)->Unit(benchmark::kMillisecond);

void peers_of(benchmark::State& state, bool matched) {
  const auto& all = batches();
  const auto set = indicators();
  if (set == nullptr) return state.SkipWithError("the indicators can't be read");
  const auto detector = make_indicator_detector(set, nullptr);
  Totals totals;
  Peers peers;
  Counting sink;
  for (const Batch& batch : all) {
    sum(batch, totals);
    count_peers(batch, peers);
  }
  for (auto _ : state) {
    for (const Batch& batch : all) {
      sum(batch, totals);
      count_peers(batch, peers);
      if (matched) detector->observe(batch, sink);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatches * kBatchSize));
}
BENCHMARK_CAPTURE(peers_of, unmatched, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(peers_of, matched, true)->Unit(benchmark::kMillisecond);

void flows_matched_alone(benchmark::State& state) {
  const auto& all = batches();
  const auto set = indicators();
  if (set == nullptr) return state.SkipWithError("the indicators can't be read");
  const auto detector = make_indicator_detector(set, nullptr);
  Counting sink;
  for (auto _ : state) {
    for (const Batch& batch : all) detector->observe(batch, sink);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatches * kBatchSize));
}
BENCHMARK(flows_matched_alone)->Unit(benchmark::kMillisecond);

void names_looked_up(benchmark::State& state) {
  const auto set = indicators();
  if (set == nullptr) return state.SkipWithError("the indicators can't be read");
  std::vector<std::string> names;
  std::mt19937 random(3);
  for (int i = 0; i < 4096; ++i) names.push_back("www.site" + std::to_string(random()) + ".co.uk");
  IndicatorSet::Matches matches;
  for (auto _ : state) {
    for (const std::string& name : names) set->match_domain(name, 0, matches);
  }
  benchmark::DoNotOptimize(matches);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(names.size()));
}
BENCHMARK(names_looked_up)->Unit(benchmark::kMicrosecond);

void indicators_loaded(benchmark::State& state) {
  if (given_paths().empty()) return state.SkipWithError("TOCSIN_INDICATORS names no file or directory");
  std::size_t size = 0;
  for (auto _ : state) {
    std::vector<IndicatorFileReport> reports;
    const auto set = load_indicators(given_paths(), reports);
    if (!set) return state.SkipWithError("the indicators can't be read");
    size = (*set)->size();
  }
  state.counters["indicators"] = static_cast<double>(size);
}
BENCHMARK(indicators_loaded)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace tocsin

BENCHMARK_MAIN();
