#include "estimate/machines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "churn.h"

namespace tocsin {
namespace {

using testing::HasSubstr;

churn::Cell small_cell() {
  churn::Cell cell;
  cell.machines = 400;
  cell.networks = 1;
  cell.days = 30;
  return cell;
}

MachinesOptions told(const churn::Run& run) {
  MachinesOptions options;
  options.rate = run.told_rate;
  return options;
}

MachinesEstimate estimate_of(const churn::Run& run, const MachinesOptions& options) {
  return estimate_machines(run.presences, run.window, options);
}

void expect_same(const MachinesEstimate& a, const MachinesEstimate& b) {
  EXPECT_EQ(a.addresses, b.addresses);
  EXPECT_EQ(a.machines, b.machines);
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.high, b.high);
  EXPECT_EQ(a.abstained, b.abstained);
  EXPECT_EQ(a.ignored, b.ignored);
}

struct Expectation {
  double lease_days;
  int most_sharing;
  double duty;
  bool told_rate;
  double most_bias;
};

class Coverage : public testing::TestWithParam<Expectation> {};

TEST_P(Coverage, HoldsTheTruthInNineOfTenRuns) {
  const auto& [lease, sharing, duty, told_rate, most_bias] = GetParam();
  constexpr int kRuns = 40;
  int answered = 0, covered = 0;
  double ratio = 0;
  for (std::uint64_t seed = 1; seed <= kRuns; ++seed) {
    churn::Cell cell = small_cell();
    cell.lease_days = lease;
    cell.most_sharing = sharing;
    cell.duty = duty;
    const auto run = churn::simulate(cell, seed * 977);
    const auto estimate = estimate_of(run, told_rate ? told(run) : MachinesOptions{});
    ASSERT_EQ(estimate.machines.has_value(), estimate.abstained.empty());
    if (!estimate.machines) continue;
    ++answered;
    ratio += *estimate.machines / run.machines;
    covered += *estimate.low <= run.machines && run.machines <= *estimate.high;
  }
  EXPECT_GE(answered, kRuns * 8 / 10);
  EXPECT_GE(covered * 10, answered * 9);
  EXPECT_NEAR(ratio / answered, 1, most_bias);
}

INSTANTIATE_TEST_SUITE_P(Churn, Coverage,
                         testing::Values(Expectation{2, 1, 0.5, true, 0.05}, Expectation{2, 1, 1, false, 0.05},
                                         Expectation{4, 1, 0.25, true, 0.10}, Expectation{7, 1, 0.25, false, 0.10},
                                         Expectation{7, 1, 0.5, true, 0.05}, Expectation{7, 1, 0, true, 0.10},
                                         Expectation{30, 1, 0.5, true, 0.05}, Expectation{30, 1, 1, false, 0.05},
                                         Expectation{7, 3, 0.5, true, 0.20}, Expectation{7, 3, 1, true, 0.05},
                                         Expectation{30, 10, 0.5, true, 0.20}, Expectation{30, 10, 1, true, 0.05}));

TEST(Machines, CountsAddressesExactlyBesideTheEstimate) {
  churn::Cell cell = small_cell();
  const auto run = churn::simulate(cell, 1);
  std::vector<IpAddress> addresses;
  for (const auto& presence : run.presences) addresses.push_back(presence.ip);
  std::sort(addresses.begin(), addresses.end());
  const auto distinct = std::unique(addresses.begin(), addresses.end()) - addresses.begin();
  const auto estimate = estimate_of(run, told(run));
  EXPECT_EQ(estimate.addresses, static_cast<double>(distinct));
  EXPECT_TRUE(estimate.addresses_exact);
  EXPECT_EQ(estimate.method, "recapture of addresses");
  EXPECT_FALSE(estimate.assumptions.empty());
  EXPECT_GT(estimate.addresses, 3 * *estimate.machines);
}

TEST(Machines, AnswersAlikeInAnyOrderAndInAnyBatches) {
  const auto run = churn::simulate(small_cell(), 2);
  auto shuffled = run.presences;
  churn::Random random(3);
  for (std::size_t i = shuffled.size(); i > 1; --i) {
    std::swap(shuffled[i - 1], shuffled[random.below(static_cast<std::uint32_t>(i))]);
  }
  MachinesEstimator estimator(run.window, told(run));
  for (std::size_t from = 0; from < shuffled.size(); from += 1000) {
    estimator.add(std::span(shuffled).subspan(from, std::min<std::size_t>(1000, shuffled.size() - from)));
  }
  expect_same(estimator.estimate(), estimate_of(run, told(run)));
}

TEST(Machines, AddsCountsOfOneHourUp) {
  const auto run = churn::simulate(small_cell(), 4);
  auto split = run;
  split.presences.clear();
  for (const auto& presence : run.presences) {
    for (std::uint32_t i = 0; i < presence.count; ++i) {
      split.presences.push_back(presence);
      split.presences.back().count = 1;
    }
  }
  expect_same(estimate_of(split, told(run)), estimate_of(run, told(run)));
}

TEST(Machines, CanEstimateAgainAfterMoreWasAdded) {
  const auto run = churn::simulate(small_cell(), 5);
  MachinesEstimator estimator(run.window, told(run));
  const std::size_t half = run.presences.size() / 2;
  estimator.add(std::span(run.presences).first(half));
  estimator.estimate();
  estimator.add(std::span(run.presences).subspan(half));
  expect_same(estimator.estimate(), estimate_of(run, told(run)));
}

TEST(Machines, SamplesAddressesToStayWithinItsMemory) {
  churn::Cell cell = small_cell();
  cell.machines = 6000;
  const auto run = churn::simulate(cell, 6);
  auto options = told(run);
  const auto whole = estimate_of(run, options);
  options.capacity = 500'000;
  const auto sampled = estimate_of(run, options);
  EXPECT_LT(sampled.sampled, 1);
  EXPECT_EQ(sampled.addresses, whole.addresses);
  ASSERT_TRUE(sampled.machines);
  EXPECT_NEAR(*sampled.machines / *whole.machines, 1, 0.1);
  auto backwards = run;
  std::reverse(backwards.presences.begin(), backwards.presences.end());
  expect_same(estimate_of(backwards, options), sampled);
}

TEST(Machines, AbstainsWhenSharedAndTheRateIsUnknown) {
  churn::Cell cell = small_cell();
  cell.most_sharing = 5;
  const auto estimate = estimate_of(churn::simulate(cell, 7), {});
  EXPECT_FALSE(estimate.machines);
  EXPECT_FALSE(estimate.low);
  EXPECT_THAT(estimate.abstained, HasSubstr("shared"));
}

TEST(Machines, AbstainsWhenCountsTellNothingUnlessOneMachineAnAddressIsGiven) {
  auto run = churn::simulate(small_cell(), 8);
  for (auto& presence : run.presences) presence.count = 1;
  EXPECT_THAT(estimate_of(run, {}).abstained, HasSubstr("too few"));
  MachinesOptions options;
  options.unshared = true;
  const auto estimate = estimate_of(run, options);
  ASSERT_TRUE(estimate.machines);
  EXPECT_LE(*estimate.low, run.machines);
  EXPECT_GE(*estimate.high, run.machines);
}

TEST(Machines, AbstainsWhenTheRateGivenIsFarTooHigh) {
  const auto run = churn::simulate(small_cell(), 9);
  MachinesOptions options;
  options.rate = run.told_rate * 2;
  EXPECT_THAT(estimate_of(run, options).abstained, HasSubstr("less often"));
}

TEST(Machines, AbstainsOnMachinesThatAreOnAtTheSameHoursEveryDay) {
  churn::Random random(10);
  std::vector<Presence> presences;
  for (std::uint32_t machine = 0; machine < 500; ++machine) {
    const std::int64_t starts = random.below(24);
    for (std::int64_t hour = 0; hour < 60 * 24; ++hour) {
      if ((hour + starts) % 24 >= 8) continue;
      presences.push_back({IpAddress::v4(0x0a000000 + machine), 1, hour, 10});
    }
  }
  MachinesOptions options;
  options.unshared = true;
  EXPECT_FALSE(estimate_machines(presences, {0, 60 * kDay}, options).machines);
}

TEST(Machines, AbstainsOnSharedAddressesThatRestAtNight) {
  churn::Cell cell = small_cell();
  cell.most_sharing = 3;
  auto run = churn::simulate(cell, 15);
  std::erase_if(run.presences, [](const Presence& presence) {
    const bool night = presence.hour % 24 < 8;
    return night && hash_of(presence.ip) % 10 < 3;
  });
  EXPECT_THAT(estimate_of(run, told(run)).abstained, HasSubstr("hours of the day"));
}

TEST(Machines, AbstainsOnNothingAndOnWindowsTooShortOrTooLong) {
  EXPECT_THAT(estimate_machines({}, {0, 60 * kDay}).abstained, HasSubstr("nothing"));
  EXPECT_THAT(estimate_machines({}, {0, 2 * kDay}).abstained, HasSubstr("shorter"));
  EXPECT_THAT(estimate_machines({}, {0, 500 * kDay}).abstained, HasSubstr("longer"));
  EXPECT_THAT(estimate_machines({}, {kDay, 0}).abstained, HasSubstr("shorter"));
  EXPECT_FALSE(estimate_machines({}, Period{}).abstained.empty());
}

TEST(Machines, AbstainsOnAFewAddresses) {
  std::vector<Presence> presences;
  for (std::int64_t hour = 0; hour < 1000; ++hour) presences.push_back({IpAddress::v4(0x01020304), 1, hour, 10});
  EXPECT_FALSE(estimate_machines(std::span(presences).first(1), {0, 60 * kDay}).abstained.empty());
  const auto estimate = estimate_machines(presences, {0, 60 * kDay});
  EXPECT_NEAR(estimate.machines.value_or(1), 1, 0.5);
}

TEST(Machines, IgnoresWhatIsOutsideTheWindowOrHasNoAddress) {
  const auto run = churn::simulate(small_cell(), 11);
  auto more = run;
  const IpAddress somewhere = IpAddress::v4(0x01020304);
  constexpr auto kFirst = std::numeric_limits<std::int64_t>::min(), kLast = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t hour : {kFirst, kLast, std::int64_t{-1}, std::int64_t{30 * 24}}) {
    more.presences.push_back({somewhere, 1, hour, 1});
  }
  more.presences.push_back({IpAddress(), 1, 5, 1});
  more.presences.push_back({somewhere, 1, 5, 0});
  auto expected = estimate_of(run, told(run));
  expected.ignored = 6;
  expect_same(estimate_of(more, told(run)), expected);
}

TEST(Machines, TakesHoursBeforeTheEpoch) {
  auto run = churn::simulate(small_cell(), 12);
  const auto expected = estimate_of(run, told(run));
  for (auto& presence : run.presences) presence.hour -= 24 * 365 * 100;
  run.window = {run.window.from - 24 * 365 * 100 * kHour, run.window.to - 24 * 365 * 100 * kHour};
  expect_same(estimate_of(run, told(run)), expected);
}

TEST(Machines, SurvivesEveryCutOfASmallSample) {
  churn::Cell cell = small_cell();
  cell.machines = 12;
  cell.days = 4;
  const auto run = churn::simulate(cell, 13);
  for (std::size_t size = 0; size <= run.presences.size(); ++size) {
    const auto estimate = estimate_machines(std::span(run.presences).first(size), run.window, told(run));
    EXPECT_EQ(estimate.machines.has_value(), estimate.abstained.empty());
  }
}

TEST(Machines, SurvivesHostilePresences) {
  churn::Random random(14);
  for (const std::uint32_t addresses : {1U, 10U, 1000U, 4'000'000'000U}) {
    for (const std::uint32_t most : {1U, 100U, 4'000'000'000U}) {
      std::vector<Presence> presences;
      for (int i = 0; i < 100'000; ++i) {
        presences.push_back({IpAddress::v4(1 + random.below(addresses)), random.below(3) ? random.below(100'000) : 1,
                             static_cast<std::int64_t>(random.below(2000)), 1 + random.below(most)});
      }
      for (const double rate : {0.0, 10.0, 1e-300, 1e300, -1.0, std::numeric_limits<double>::quiet_NaN(),
                                std::numeric_limits<double>::infinity()}) {
        MachinesOptions options;
        options.rate = rate;
        options.capacity = 50'000;
        const auto estimate = estimate_machines(presences, {0, 60 * kDay}, options);
        ASSERT_EQ(estimate.machines.has_value(), estimate.abstained.empty());
        if (!estimate.machines) continue;
        EXPECT_TRUE(std::isfinite(*estimate.machines) && std::isfinite(*estimate.high));
        EXPECT_LE(*estimate.low, *estimate.machines);
        EXPECT_LE(*estimate.machines, *estimate.high);
      }
    }
  }
}

}  // namespace
}  // namespace tocsin
