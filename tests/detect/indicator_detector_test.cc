#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detect/detector.h"
#include "detect/indicator_set.h"

namespace tocsin {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Kept final : public SightingSink {
 public:
  void sight(Sighting&& sighting) override { all.push_back(std::move(sighting)); }
  std::vector<Sighting> all;
};

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }
constexpr Timestamp kNoon = 1'357'041'600LL * kSecond;  // 2013-01-01 12:00

class IndicatorDetectorTest : public testing::Test {
 protected:
  void list(IndicatorType type, std::string_view value, std::string_view family = "zeus",
            Confidence confidence = Confidence::kConfirmed, std::string_view tlp = "") {
    Indicator indicator;
    indicator.type = type;
    indicator.value = value;
    indicator.family = family;
    indicator.group = "APT1";
    indicator.confidence = confidence;
    indicator.tlp = tlp;
    indicator.line = ++line_;
    ASSERT_TRUE(builder_.add(indicator, "list.txt"));
  }
  void start() {
    detector_ =
        make_indicator_detector(builder_.build(), [](const IpAddress& a) { return a.text().starts_with("10."); });
  }
  std::vector<Sighting> run(const Batch& batch) {
    if (!detector_) start();
    Kept kept;
    detector_->observe(batch, kept);
    detector_->finish(kept);
    return kept.all;
  }
  static Flow flow(std::string_view from, std::string_view to, std::uint16_t port, Timestamp time = kNoon) {
    Flow f;
    f.initiator = {ip(from), 50000};
    f.responder = {ip(to), port};
    f.first = time;
    f.last = time + kSecond;
    f.protocol = kTcp;
    return f;
  }
  IndicatorSetBuilder builder_;
  std::unique_ptr<Detector> detector_;
  std::uint64_t line_ = 0;
};

TEST_F(IndicatorDetectorTest, SightsFlowsToAListedServerOnceAnHour) {
  list(IndicatorType::kAddressPort, "192.0.2.1:443");
  Batch batch;
  for (int i = 0; i < 5; ++i) batch.flows.push_back(flow("10.0.0.1", "192.0.2.1", 443, kNoon + i * kMinute));
  batch.flows.push_back(flow("10.0.0.1", "192.0.2.1", 443, kNoon + kHour));
  batch.flows.push_back(flow("10.0.0.2", "192.0.2.9", 443));
  const auto all = run(batch);
  ASSERT_THAT(all, SizeIs(2));
  const Sighting& s = all[0];
  EXPECT_EQ(s.detector, "indicator");
  EXPECT_EQ(s.rule, "192.0.2.1:443");
  EXPECT_EQ(s.kind, Kind::kBotnetControl);
  EXPECT_EQ(s.confidence, Confidence::kConfirmed);
  EXPECT_EQ(s.actor, (Endpoint{ip("192.0.2.1"), 443}));
  EXPECT_EQ(s.target.ip, ip("10.0.0.1"));
  EXPECT_EQ(s.count, 5U);
  EXPECT_EQ(s.first_seen, kNoon);
  EXPECT_EQ(s.last_seen, kNoon + 4 * kMinute + kSecond);
  EXPECT_EQ(s.family, "zeus");
  EXPECT_EQ(s.group, "APT1");
  EXPECT_EQ(s.matched, "zeus: 192.0.2.1:443 in list.txt:1");
  EXPECT_EQ(all[1].count, 1U);
}

TEST_F(IndicatorDetectorTest, OnlySuspectsAnotherPort) {
  list(IndicatorType::kAddressPort, "192.0.2.1:443");
  Batch batch;
  batch.flows.push_back(flow("10.0.0.1", "192.0.2.1", 22));
  const auto all = run(batch);
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].confidence, Confidence::kSuspected);
}

TEST_F(IndicatorDetectorTest, KeepsTheConfidenceOfAttemptsWithoutAnswer) {
  list(IndicatorType::kAddress, "192.0.2.1");
  Batch batch;
  batch.flows.push_back(flow("10.0.0.1", "192.0.2.1", 443));
  batch.flows.back().state = ConnState::kS0;
  EXPECT_EQ(run(batch).at(0).confidence, Confidence::kConfirmed);
}

TEST_F(IndicatorDetectorTest, SightsListedInitiators) {
  list(IndicatorType::kAddress, "192.0.2.1");
  Batch batch;
  batch.flows.push_back(flow("192.0.2.1", "10.0.0.1", 80));
  const auto all = run(batch);
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].actor.ip, ip("192.0.2.1"));
  EXPECT_EQ(all[0].target, (Endpoint{ip("10.0.0.1"), 80}));
}

TEST_F(IndicatorDetectorTest, DoesNotTakeBeingCalledOnForBeingControlled) {
  list(IndicatorType::kAddress, "192.0.2.1");
  start();
  const auto confidence = [&](std::string_view from, std::string_view to, ConnState state, std::uint64_t answer) {
    Batch batch;
    batch.flows.push_back(flow(from, to, 80));
    batch.flows.back().state = state;
    batch.flows.back().responder_packets = answer;
    return run(batch).at(0).confidence;
  };
  EXPECT_EQ(confidence("192.0.2.1", "10.0.0.1", ConnState::kS0, 0), Confidence::kSuspected);
  EXPECT_EQ(confidence("192.0.2.1", "10.0.0.1", ConnState::kREJ, 1), Confidence::kSuspected);
  EXPECT_EQ(confidence("192.0.2.1", "10.0.0.1", ConnState::kUnknown, 0), Confidence::kSuspected);
  EXPECT_EQ(confidence("192.0.2.1", "10.0.0.1", ConnState::kSF, 4), Confidence::kProbable);
  EXPECT_EQ(confidence("10.0.0.1", "192.0.2.1", ConnState::kREJ, 1), Confidence::kConfirmed);
}

TEST_F(IndicatorDetectorTest, IsSureOfControlIfOneFlowOfManyIs) {
  list(IndicatorType::kAddress, "192.0.2.1");
  for (const bool first : {true, false}) {
    Batch batch;
    batch.flows.push_back(flow("192.0.2.1", "10.0.0.1", 80));
    batch.flows.insert(first ? batch.flows.begin() : batch.flows.end(), flow("10.0.0.1", "192.0.2.1", 443));
    const auto all = run(batch);
    ASSERT_THAT(all, SizeIs(1));
    EXPECT_EQ(all[0].confidence, Confidence::kConfirmed);
    EXPECT_EQ(all[0].count, 2U);
  }
}

TEST_F(IndicatorDetectorTest, IsNoSurerOfClientsListedForControl) {
  list(IndicatorType::kAddress, "192.0.2.1");
  Batch batch;
  HttpTransaction http;
  http.client = {ip("192.0.2.1"), 40000};
  http.server = {ip("10.0.0.1"), 80};
  http.time = kNoon;
  http.host = "ours.example";
  batch.http.push_back(http);
  TlsHandshake tls;
  static_cast<Transaction&>(tls) = http;
  tls.server_name = "tls.example";
  batch.tls.push_back(tls);
  const auto all = run(batch);
  ASSERT_THAT(all, SizeIs(2));
  for (const Sighting& one : all) EXPECT_EQ(one.confidence, Confidence::kProbable);
}

TEST_F(IndicatorDetectorTest, KeepsTheConfidenceOfScannersListedAsSuch) {
  Indicator indicator;
  indicator.type = IndicatorType::kAddress;
  indicator.value = "192.0.2.1";
  indicator.kind = Kind::kScan;
  ASSERT_TRUE(builder_.add(indicator, "scanners.txt"));
  Batch batch;
  batch.flows.push_back(flow("192.0.2.1", "10.0.0.1", 80));
  EXPECT_EQ(run(batch).at(0).confidence, indicator.confidence);
}

TEST_F(IndicatorDetectorTest, TakesAListedHostOfOursForTheTarget) {
  list(IndicatorType::kAddress, "192.0.2.1");
  list(IndicatorType::kAddress, "10.0.0.1");
  Batch batch;
  batch.flows.push_back(flow("10.0.0.1", "192.0.2.1", 80));
  const auto all = run(batch);
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].actor.ip, ip("192.0.2.1"));
}

TEST_F(IndicatorDetectorTest, OnlySuspectsAListedHostOfOursOfControllingWhomItCalls) {
  list(IndicatorType::kAddress, "10.0.0.1");
  start();
  const auto confidence = [&](std::string_view from, std::string_view to) {
    Batch batch;
    batch.flows.push_back(flow(from, to, 443));
    batch.flows.back().state = ConnState::kSF;
    batch.flows.back().responder_packets = 4;
    return run(batch).at(0).confidence;
  };
  EXPECT_EQ(confidence("10.0.0.1", "192.0.2.1"), Confidence::kSuspected);
  EXPECT_EQ(confidence("10.0.0.1", "10.0.0.2"), Confidence::kProbable);
  EXPECT_EQ(confidence("192.0.2.1", "10.0.0.1"), Confidence::kConfirmed);
}

TEST_F(IndicatorDetectorTest, SightsDnsByNameAndByAnswer) {
  list(IndicatorType::kDomain, "evil.example");
  list(IndicatorType::kAddress, "192.0.2.1");
  Batch batch;
  DnsTransaction dns;
  dns.client = {ip("10.0.0.1"), 5353};
  dns.server = {ip("10.0.0.53"), 53};
  dns.time = kNoon;
  dns.query = "WWW.evil.example";
  batch.dns.push_back(dns);
  dns.query = "fine.example";
  batch.dns.push_back(dns);
  dns.addresses = {ip("203.0.113.5"), ip("192.0.2.1")};
  batch.dns.push_back(dns);
  const auto all = run(batch);
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].actor_name, "www.evil.example");
  EXPECT_TRUE(all[0].actor.ip.is_unspecified());
  EXPECT_EQ(all[0].target.ip, ip("10.0.0.1"));
  EXPECT_EQ(all[0].rule, "evil.example");
  EXPECT_EQ(all[1].actor_name, "fine.example");
  EXPECT_EQ(all[1].actor.ip, ip("192.0.2.1"));
}

TEST_F(IndicatorDetectorTest, GivesOneSightingForAnHttpRequestThatMatchesTwice) {
  list(IndicatorType::kDomain, "evil.example", "zeus", Confidence::kProbable, "red");
  list(IndicatorType::kUrl, "evil.example/gate.php", "citadel");
  list(IndicatorType::kUrl, "/gate.php", "many", Confidence::kSuspected);
  Batch batch;
  HttpTransaction http;
  http.client = {ip("10.0.0.1"), 40000};
  http.server = {ip("192.0.2.1"), 80};
  http.time = kNoon;
  http.host = "Evil.example";
  http.uri = "/gate.php?id=1";
  batch.http.push_back(http);
  http.host = "other.example";
  batch.http.push_back(http);
  const auto all = run(batch);
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].rule, "evil.example/gate.php");
  EXPECT_EQ(all[0].family, "citadel");
  EXPECT_EQ(all[0].actor_name, "evil.example");
  EXPECT_EQ(all[0].actor.ip, ip("192.0.2.1"));
  EXPECT_EQ(all[0].tlp, "red");
  EXPECT_EQ(all[0].matched,
            "citadel: evil.example/gate.php in list.txt:2; also zeus: evil.example in list.txt:1, many: /gate.php in "
            "list.txt:3");
  EXPECT_EQ(all[1].rule, "/gate.php");
  EXPECT_EQ(all[1].confidence, Confidence::kSuspected);
}

TEST_F(IndicatorDetectorTest, SightsServerNamesOfTls) {
  list(IndicatorType::kDomain, "evil.example");
  Batch batch;
  TlsHandshake tls;
  tls.client = {ip("10.0.0.1"), 40000};
  tls.server = {ip("192.0.2.1"), 443};
  tls.time = kNoon;
  tls.server_name = "c2.evil.example";
  batch.tls.push_back(tls);
  const auto all = run(batch);
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].actor_name, "c2.evil.example");
}

TEST_F(IndicatorDetectorTest, GivesAnHourOutWhenLaterOnesBegin) {
  list(IndicatorType::kAddress, "192.0.2.1");
  start();
  Kept kept;
  for (int hour = 0; hour < 5; ++hour) {
    Batch batch;
    batch.flows.push_back(flow("10.0.0.1", "192.0.2.1", 80, kNoon + hour * kHour));
    detector_->observe(batch, kept);
  }
  EXPECT_GE(kept.all.size(), 2U);
  detector_->finish(kept);
  ASSERT_THAT(kept.all, SizeIs(5));
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(kept.all[i].first_seen, kNoon + static_cast<Timestamp>(i) * kHour);
}

TEST_F(IndicatorDetectorTest, KeepsSightingsWithinTheirHour) {
  list(IndicatorType::kAddress, "192.0.2.1");
  Batch batch;
  batch.flows.push_back(flow("10.0.0.1", "192.0.2.1", 80));
  batch.flows.back().last = kNoon + 10 * kHour;
  EXPECT_EQ(run(batch).at(0).last_seen, kNoon + kHour - 1);
}

TEST_F(IndicatorDetectorTest, SurvivesTimesThatAreNone) {
  list(IndicatorType::kAddress, "192.0.2.1");
  Batch batch;
  batch.flows.push_back(flow("10.0.0.1", "192.0.2.1", 80, std::numeric_limits<Timestamp>::min()));
  batch.flows.push_back(flow("10.0.0.1", "192.0.2.1", 80));
  batch.flows.back().first = std::numeric_limits<Timestamp>::max();
  EXPECT_THAT(run(batch), IsEmpty());
}

TEST_F(IndicatorDetectorTest, ShowsHostileTextSafely) {
  list(IndicatorType::kAddress, "192.0.2.1", "zeus\x1b[31m");
  Batch batch;
  batch.flows.push_back(flow("10.0.0.1", "192.0.2.1", 80));
  EXPECT_THAT(run(batch).at(0).matched, HasSubstr("\\x1b"));
}

}  // namespace
}  // namespace tocsin
