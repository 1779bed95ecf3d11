// The estimate of machines against simulated infections with a known truth: bias and coverage over a grid of leases,
// sharing, duty and population. Prints the tables of docs/machines.md. usage: bench_machines_study [RUNS] [MACHINES...]
// "speed" as the only argument measures two million addresses over 60 days instead.
#include <fmt/format.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

#include "../tests/estimate/churn.h"
#include "estimate/machines.h"

namespace tocsin {
namespace {

struct Result {
  int runs = 0, answered = 0, covered = 0;
  double ratio = 0, width = 0, addresses = 0;
};

Result study(const churn::Cell& cell, int runs, std::uint64_t seed, bool told) {
  Result result;
  for (int i = 0; i < runs; ++i) {
    const churn::Run run = churn::simulate(cell, seed + static_cast<std::uint64_t>(i) * 7919);
    MachinesOptions options;
    if (told) options.rate = run.told_rate;
    const MachinesEstimate estimate = estimate_machines(run.presences, run.window, options);
    ++result.runs;
    result.addresses += estimate.addresses / run.machines;
    if (!estimate.machines) continue;
    ++result.answered;
    result.covered += *estimate.low <= run.machines && run.machines <= *estimate.high;
    result.ratio += *estimate.machines / run.machines;
    result.width += std::log(*estimate.high / *estimate.low) / 2;
  }
  return result;
}

struct Row {
  churn::Cell cell;
  bool told = true;
  Result result;
};

std::string text_of(const Row& row) {
  const auto& [cell, told, r] = row;
  const std::string duty = cell.duty > 0 ? fmt::format("{:.0f} %", cell.duty * 100) : "10-100 %";
  const std::string sharing = cell.most_sharing > 1 ? fmt::format("1-{}", cell.most_sharing) : "1";
  std::string line = fmt::format("| {} | {:g} | {} | {} | {} | {:.2f} | ", cell.machines, cell.lease_days, sharing,
                                 duty, told ? "yes" : "no", r.addresses / r.runs);
  if (r.answered == 0) return line + "0 | | | |";
  return line + fmt::format("{:.0f} % | {:+.1f} % | ±{:.0f} % | {:.0f} % |", 100.0 * r.answered / r.runs,
                            100 * (r.ratio / r.answered - 1), 100 * (std::exp(r.width / r.answered) - 1),
                            100.0 * r.covered / r.answered);
}

void print_grid(const std::vector<int>& machines, int runs) {
  std::vector<Row> rows;
  for (const int n : machines) {
    for (const int sharing : {1, 3, 10, 50}) {
      for (const double lease : {1.0, 2.0, 7.0, 30.0}) {
        for (const double duty : {0.1, 0.25, 0.5, 1.0, 0.0}) {
          churn::Cell cell;
          cell.machines = n;
          cell.lease_days = lease;
          cell.most_sharing = sharing;
          cell.duty = duty;
          rows.push_back({cell, true, {}});
          if (sharing == 1) rows.push_back({cell, false, {}});
        }
      }
    }
  }
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (std::size_t i = next++; i < rows.size(); i = next++) {
        rows[i].result = study(rows[i].cell, rows[i].cell.machines > 5000 ? std::max(1, runs / 4) : runs, 2'000'003 + i,
                               rows[i].told);
      }
    });
  }
  threads.clear();
  fmt::print(
      "| machines | lease, days | machines an address | duty | rate told | addresses / machines | answered | bias | "
      "half width | covered |\n"
      "| --: | --: | --: | --: | --- | --: | --: | --: | --: | --: |\n");
  int answered_cells = 0, held = 0, total_runs = 0, answered = 0, covered = 0;
  for (const Row& row : rows) {
    fmt::print("{}\n", text_of(row));
    total_runs += row.result.runs;
    answered += row.result.answered;
    covered += row.result.covered;
    if (row.result.answered * 2 < row.result.runs) continue;
    ++answered_cells;
    held += row.result.covered * 10 >= row.result.answered * 9;
  }
  fmt::print(
      "\n{} cells; answered in at least half of the runs: {}, of these covered in at least 90 %: {}. "
      "Runs {}, answered {}, covered {:.1f} %.\n",
      rows.size(), answered_cells, held, total_runs, answered, 100.0 * covered / std::max(answered, 1));
}

void print_speed() {
  using Clock = std::chrono::steady_clock;
  constexpr int kDays = 60;
  constexpr std::uint32_t kAddresses = 2'000'000;
  MachinesOptions options;
  options.rate = 10;
  MachinesEstimator estimator({0, kDays * kDay}, options);
  churn::Random random(1);
  std::vector<Presence> batch;
  std::uint64_t presences = 0;
  double adding = 0;
  // Leases of 8 days, seen in half of the hours.
  for (std::uint32_t address = 0; address < kAddresses; ++address) {
    const std::int64_t from = random.below(kDays * 24 - 192);
    for (std::int64_t hour = from; hour < from + 192; ++hour) {
      if (random.below(2) == 0) continue;
      batch.push_back({IpAddress::v4(0x0a000000 + address * 7), 100 + address % 50, hour, 5 + random.below(10)});
    }
    if (batch.size() < 100'000 && address + 1 < kAddresses) continue;
    presences += batch.size();
    const auto start = Clock::now();
    estimator.add(batch);
    adding += std::chrono::duration<double>(Clock::now() - start).count();
    batch.clear();
  }
  const auto start = Clock::now();
  const MachinesEstimate estimate = estimator.estimate();
  const double estimating = std::chrono::duration<double>(Clock::now() - start).count();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print(
      "{} addresses, {} presences: added in {:.1f} s, estimated in {:.1f} s from {:.0f} % of the addresses, "
      "{} MiB in all{}\n",
      estimate.addresses, presences, adding, estimating, estimate.sampled * 100, usage.ru_maxrss / 1024,
      estimate.abstained.empty() ? "" : "; abstained: " + estimate.abstained);
}

}  // namespace
}  // namespace tocsin

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "speed") {
    tocsin::print_speed();
    return 0;
  }
  const int runs = argc > 1 ? std::max(1, std::atoi(argv[1])) : 40;
  std::vector<int> machines;
  for (int i = 2; i < argc; ++i) machines.push_back(std::max(1, std::atoi(argv[i])));
  if (machines.empty()) machines = {200, 2000, 20000};
  tocsin::print_grid(machines, runs);
  return 0;
}
