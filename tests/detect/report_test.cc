#include "behaviour.h"

namespace tocsin {
namespace {

constexpr Timestamp kStart = 1'700'000'000 * kSecond;  // 22:13:20

Report brute_force(Timestamp time) {
  Report report;
  report.kind = Kind::kBruteForce;
  report.actor = {ip("198.51.100.1"), 0};
  report.target = {ip("203.0.113.1"), 22};
  report.reporter = "cert-x";
  report.rule = "ssh-bruteforce";
  report.first = report.last = time;
  report.confidence = Confidence::kProbable;
  report.count = 5;
  return report;
}

std::vector<Sighting> judge(const std::vector<Report>& reports) {
  Batch batch;
  batch.reports = reports;
  return sightings(*make_report_detector(), batch);
}

TEST(ReportDetector, TakesAReportAsItIs) {
  Report site;
  site.kind = Kind::kDefacement;
  site.target_name = "www.site.example";
  site.url = "http://www.site.example/x";
  site.group = "crew";
  site.first = kStart;
  site.last = kStart + 3 * kDay;
  const auto seen = judge({brute_force(kStart), site});
  ASSERT_EQ(seen.size(), 2U);
  const Sighting& brute = seen[0].kind == Kind::kBruteForce ? seen[0] : seen[1];
  const Sighting& defaced = seen[0].kind == Kind::kBruteForce ? seen[1] : seen[0];
  EXPECT_EQ(brute.confidence, Confidence::kProbable);
  EXPECT_EQ(brute.detector, "report");
  EXPECT_EQ(brute.rule, "ssh-bruteforce");
  EXPECT_EQ(brute.actor.ip, ip("198.51.100.1"));
  EXPECT_EQ(brute.count, 5U);
  EXPECT_EQ(brute.matched, "reported by cert-x");
  EXPECT_EQ(defaced.target_name, "www.site.example");
  EXPECT_EQ(defaced.group, "crew");
  EXPECT_EQ(defaced.rule, "defacement");
  EXPECT_EQ(floor_to(defaced.last_seen, kHour), floor_to(defaced.first_seen, kHour)) << "within one hour";
}

TEST(ReportDetector, AddsUpByTheHour) {
  const auto seen = judge({brute_force(kStart), brute_force(kStart + kMinute), brute_force(kStart + kHour)});
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].count, 10U);
  EXPECT_EQ(seen[0].last_seen, kStart + kMinute);
  EXPECT_EQ(seen[1].count, 5U);
}

TEST(ReportDetector, CountsTheSameReportOnceWhereverItStands) {
  Report again = brute_force(kStart);
  again.place = {4, 100, 7};
  Report other = brute_force(kStart);
  other.description = "another words";
  EXPECT_EQ(judge({brute_force(kStart), again}).at(0).count, 5U);
  EXPECT_EQ(judge({brute_force(kStart), other}).at(0).count, 10U);
}

TEST(ReportDetector, LeavesPhishingToItsDetector) {
  Report phish = brute_force(kStart);
  phish.kind = Kind::kPhishing;
  EXPECT_TRUE(judge({phish}).empty());
}

}  // namespace
}  // namespace tocsin
