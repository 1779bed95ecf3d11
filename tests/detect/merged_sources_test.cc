// Several sources merged: each has rows of its own, so that one that has grown can be read anew without the others.
#include <array>
#include <map>
#include <numeric>
#include <set>

#include "behaviour.h"
#include "detect/indicator_set.h"

namespace tocsin {
namespace {

constexpr Timestamp kStart = 1'699'999'200 * kSecond;  // on the hour
const std::string kRules = TOCSIN_SOURCE_DIR "/rules/";

std::map<std::uint32_t, std::uint64_t> counts(const std::vector<Sighting>& seen) {
  std::map<std::uint32_t, std::uint64_t> of_source;
  for (const Sighting& one : seen) of_source[one.place.source] += one.count;
  return of_source;
}

// Two sources, the first with two thirds of all, told of as one sighting.
void expect_a_row_for_each(const std::vector<Sighting>& seen, std::uint64_t all) {
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(id_of(seen[0]), id_of(seen[1]));
  EXPECT_EQ(counts(seen), (std::map<std::uint32_t, std::uint64_t>{{0, all - all / 3}, {1, all / 3}}));
}

std::uint32_t source_of(int i) { return i % 3 == 2 ? 1 : 0; }

TEST(MergedSources, HaveRowsOfIndicators) {
  IndicatorSetBuilder builder;
  Indicator indicator;
  indicator.type = IndicatorType::kAddress;
  indicator.value = "192.0.2.1";
  ASSERT_TRUE(builder.add(indicator, "list.txt"));
  Batch batch;
  for (int i = 0; i < 30; ++i) {
    batch.flows.push_back(flow(kStart + i * kSecond, {ip("10.0.0.1"), 50000}, {ip("192.0.2.1"), 443}));
    batch.flows.back().place.source = source_of(i);
  }
  const auto detector = make_indicator_detector(builder.build(), within("10.0.0.0/8"));
  expect_a_row_for_each(sightings(*detector, batch), 30);
}

TEST(MergedSources, HaveRowsOfABeaconThatAllTogetherShow) {
  Batch batch;
  for (int i = 0; i < 30; ++i) {
    batch.flows.push_back(flow(kStart + i * 60 * kSecond, {ip("10.0.0.1"), static_cast<std::uint16_t>(40000 + i)},
                               {ip("203.0.114.7"), 4444}));
    batch.flows.back().place = {source_of(i), static_cast<std::uint64_t>(i), 1};
  }
  const auto detector = make_beacon_detector(within("10.0.0.0/8"));
  const auto seen = sightings(*detector, batch);
  ASSERT_NO_FATAL_FAILURE(expect_a_row_for_each(seen, 30));
  EXPECT_EQ(seen[1].first_seen, kStart + 2 * 60 * kSecond);
  EXPECT_EQ(seen[1].place.offset, 2U);
}

TEST(MergedSources, HaveRowsOfAScanThatAllTogetherShow) {
  Batch batch;
  for (int i = 0; i < 12; ++i) {
    batch.flows.push_back(flow(kStart + i * kSecond, {ip("203.0.113.9"), 40000},
                               {ip("198.51.100.7"), static_cast<std::uint16_t>(100 + i)}, ConnState::kS0));
    batch.flows.back().place = {source_of(i), static_cast<std::uint64_t>(i), 1};
  }
  const auto detector = make_scan_detector(within("198.51.0.0/16"));
  const auto seen = sightings(*detector, batch);
  ASSERT_NO_FATAL_FAILURE(expect_a_row_for_each(seen, 12));
  EXPECT_EQ(seen[1].first_seen, kStart + 2 * kSecond);
  EXPECT_EQ(seen[1].last_seen, kStart + 11 * kSecond);
  EXPECT_EQ(seen[1].place.offset, 2U);
  EXPECT_EQ(seen[1].matched, "4 probes, 12 different ports of one host");
}

TEST(MergedSources, HaveRowsOfAHorizontalScanWithOneId) {
  Batch batch;
  for (std::uint32_t i = 0; i < 60; ++i) {
    batch.flows.push_back(
        flow(kStart + i * kSecond, {ip("203.0.113.9"), 40000}, {IpAddress::v4(0xc6336401 + i), 445}, ConnState::kS0));
    batch.flows.back().place.source = source_of(static_cast<int>(i));
  }
  const auto detector = make_scan_detector(within("198.51.0.0/16"));
  expect_a_row_for_each(sightings(*detector, batch), 60);
}

TEST(MergedSources, AreBoundedInAScansHours) {
  const auto detector = make_scan_detector(within("198.51.0.0/16"));
  Collected sink;
  std::uint32_t source = 0;
  for (int round = 0; round < 150; ++round) {
    Batch batch;
    for (int i = 0; i < 8000; ++i) {
      batch.flows.push_back(flow(kStart + round * kSecond,
                                 {IpAddress::v4(0x0b000000 + static_cast<std::uint32_t>(i)), 1},
                                 {ip("198.51.100.7"), static_cast<std::uint16_t>(100 + round)}, ConnState::kS0));
      batch.flows.back().place.source = source;
    }
    ++source;
    detector->observe(batch, sink);
  }
  detector->finish(sink);
  std::uint64_t probes = 0;
  for (const Sighting& one : sink.all) {
    EXPECT_EQ(one.count, 1U);
    probes += one.count;
  }
  EXPECT_GT(probes, 1'000'000U);
}

TEST(MergedSources, HaveRowsOfAlerts) {
  Batch batch;
  for (int i = 0; i < 30; ++i) {
    Alert one;
    one.client = {ip("203.0.114.7"), 40000};
    one.server = {ip("192.168.1.5"), 80};
    one.time = kStart + i * kSecond;
    one.sensor = "suricata";
    one.signature = "ET SCAN A";
    one.place.source = source_of(i);
    batch.alerts.push_back(one);
  }
  const auto detector = make_alert_detector(kRules + "alerts.toml", within("192.168.0.0/16"));
  ASSERT_TRUE(detector);
  expect_a_row_for_each(sightings(**detector, batch), 30);
}

TEST(MergedSources, TogetherReachWhatAWebAttackNeeds) {
  const std::string path = testing::TempDir() + "/merged-web-attacks.toml";
  std::ofstream(path) << "[[rule]]\nid = \"probe\"\nkind = \"web-attack\"\nconfidence = \"probable\"\nleast = 10\n"
                         "pattern = \"wp-login\"\n";
  const auto detector = make_web_attack_detector(path);
  ASSERT_TRUE(detector) << detector.error().message;
  Batch batch;
  for (int i = 0; i < 12; ++i) {
    HttpTransaction http;
    http.client = {ip("203.0.114.7"), 40000};
    http.host = "site.example";
    http.method = "POST";
    http.uri = "/wp-login.php";
    http.time = kStart + i * kSecond;
    http.place.source = source_of(i);
    batch.http.push_back(http);
  }
  expect_a_row_for_each(sightings(**detector, batch), 12);
}

TEST(MergedSources, HaveRowsOfAWebShell) {
  const auto detector = make_web_shell_detector(kRules + "web-shells.toml");
  ASSERT_TRUE(detector);
  Batch batch;
  for (int i = 0; i < 12; ++i) {
    HttpTransaction http;
    http.client = {ip("203.0.114.7"), 40000};
    http.host = "site.example";
    http.method = "POST";
    http.uri = "/uploads/2023/c99.php";
    http.status = 200;
    http.response_bytes = 100U + 300U * static_cast<unsigned>(i);
    http.time = kStart + i * kSecond;
    http.place.source = source_of(i);
    batch.http.push_back(http);
  }
  expect_a_row_for_each(sightings(**detector, batch), 12);
}

TEST(MergedSources, HaveRowsOfPhishing) {
  const auto detector = make_phishing_detector({TOCSIN_SOURCE_DIR "/constituencies/brands.toml"});
  ASSERT_TRUE(detector) << detector.error().message;
  Batch batch;
  for (int i = 0; i < 12; ++i) {
    Report report;
    report.kind = Kind::kPhishing;
    report.actor = {ip("203.0.114.7"), 0};
    report.actor_name = "login.example";
    report.target_name = "A bank";
    report.first = report.last = kStart + i * kSecond;
    report.place.source = source_of(i);
    batch.reports.push_back(report);
  }
  expect_a_row_for_each(sightings(**detector, batch), 12);
}

}  // namespace
}  // namespace tocsin
