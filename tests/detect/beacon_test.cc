#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "behaviour.h"

namespace tocsin {
namespace {

constexpr Timestamp kStart = 1'700'000'000 * kSecond;

// The truth of test-cc-capture-2.pcap, by
// tshark -Y tcp -T fields -e tcp.stream -e frame.time_epoch -e ip.src -e ip.len -e tcp.srcport
// summed per stream: time of the first packet (ms), port, bytes of IP sent, received.
struct Row {
  std::int64_t time;
  std::uint16_t port;
  std::uint64_t sent, received;
};
constexpr Row kControl[] = {
    {1707834880856, 53110, 1577, 6583}, {1707834883976, 53116, 1525, 6581}, {1707834887756, 36024, 1629, 6635},
    {1707834891247, 36038, 1785, 6709}, {1707834893697, 36054, 1577, 6606}, {1707834896821, 40270, 1629, 6712},
    {1707834899759, 40276, 1525, 6657}, {1707834903259, 40288, 1733, 6712}, {1707834905568, 46998, 1577, 6686},
    {1707834909312, 47014, 1577, 6759}, {1707834912309, 47020, 1577, 6636}, {1707834914984, 49158, 1681, 6657},
    {1707834918014, 49170, 1577, 6708}, {1707834920290, 49186, 1577, 6585}, {1707834922985, 49200, 1577, 6706},
    {1707834926563, 44524, 1577, 6529}, {1707834929083, 44532, 1525, 6603}, {1707834932879, 44546, 1577, 6583},
    {1707834936488, 51906, 1525, 6687}, {1707834939142, 51920, 1577, 6686}, {1707834941977, 51926, 1797, 6907},
    {1707834945105, 59536, 1525, 6708}};

Batch control_capture(bool with_dns) {
  Batch batch;
  const IpAddress client = ip("147.32.80.37"), server = ip("141.193.213.20"), resolver = ip("147.32.80.9");
  std::uint16_t port = 20000;
  for (const Row& row : kControl) {
    Flow one = flow(row.time * 1000, {client, row.port}, {server, 443});
    one.initiator_bytes = row.sent;
    one.responder_bytes = row.received;
    batch.flows.push_back(one);
    TlsHandshake tls;
    tls.client = one.initiator;
    tls.server = one.responder;
    tls.time = one.first;
    tls.server_name = "testing.com";
    batch.tls.push_back(tls);
    if (!with_dns) continue;
    // The capture has 23 questions for its AAAA, none of which has an address.
    DnsTransaction dns;
    dns.client = {client, ++port};
    dns.server = {resolver, 53};
    dns.time = one.first;
    dns.query = "testing.com";
    dns.query_type = 28;
    dns.response_code = 0;
    batch.dns.push_back(dns);
  }
  for (int i = 0; i < 240; ++i) {
    batch.flows.push_back(flow(kControl[0].time * 1000 + i * 270'000, {client, static_cast<std::uint16_t>(21000 + i)},
                               {resolver, 53}, ConnState::kSF, kUdp));
  }
  return batch;
}

TEST(Beacon, FindsTheJitteredControlServerOfACaptureOfAMinuteAndNothingElse) {
  const auto detector = make_beacon_detector(within("147.32.0.0/16"));
  const auto seen = sightings(*detector, control_capture(true));
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].kind, Kind::kBotnetControl);
  EXPECT_EQ(seen[0].actor.ip, ip("141.193.213.20"));
  EXPECT_EQ(seen[0].actor.port, 443);
  EXPECT_EQ(seen[0].actor_name, "testing.com");
  EXPECT_EQ(seen[0].target.ip, ip("147.32.80.37"));
  EXPECT_EQ(seen[0].count, 22U);
  EXPECT_EQ(seen[0].confidence, Confidence::kProbable);
  EXPECT_EQ(seen[0].rule, "tcp/443 regular-connections");
  EXPECT_EQ(seen[0].matched.substr(0, 28), "22 connections every 3.03 s ") << seen[0].matched;
}

TEST(Beacon, IsOnlySuspectedWhenNothingButTheRhythmSpeaks) {
  const auto detector = make_beacon_detector(within("147.32.0.0/16"));
  const auto seen = sightings(*detector, control_capture(false));
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].confidence, Confidence::kSuspected);
}

TEST(Beacon, DoesNotDependOnTheOrderOfFlows) {
  Batch batch = control_capture(true);
  std::mt19937 random(7);
  std::shuffle(batch.flows.begin(), batch.flows.end(), random);
  const auto detector = make_beacon_detector(within("147.32.0.0/16"));
  const auto seen = sightings(*detector, batch);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].count, 22U);
}

std::vector<Sighting> judge_times(const std::vector<double>& seconds, Endpoint server = {ip("203.0.114.9"), 443},
                                  ConnState state = ConnState::kSF, bool one_size = true) {
  Batch batch;
  std::mt19937 random(3);
  std::uint16_t port = 30000;
  for (const double second : seconds) {
    Flow one = flow(kStart + static_cast<Timestamp>(second * 1e6), {ip("10.1.1.5"), ++port}, server, state);
    one.initiator_bytes = one_size ? 600 : std::uniform_int_distribution<std::uint64_t>(100, 40000)(random);
    batch.flows.push_back(one);
  }
  const auto detector = make_beacon_detector(within("10.0.0.0/8"));
  return sightings(*detector, batch);
}

TEST(Beacon, ToleratesJitterOfHalfTheInterval) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> jitter(30, 60);
  std::vector<double> times{0};
  while (times.size() < 60) times.push_back(times.back() + jitter(random));
  EXPECT_EQ(judge_times(times).size(), static_cast<std::size_t>(1 + times.back() / 3600));
}

TEST(Beacon, ToleratesGapsAndMissedBeats) {
  std::vector<double> times;
  for (int i = 0; i < 200; ++i) {
    if (i % 7 == 3 || (i > 90 && i < 120)) continue;
    times.push_back(i * 15.0);
  }
  EXPECT_FALSE(judge_times(times).empty());
}

TEST(Beacon, TakesABurstForOneEvent) {
  std::vector<double> times;
  for (int i = 0; i < 40; ++i) {
    for (int burst = 0; burst < 4; ++burst) times.push_back(i * 60.0 + burst * 0.2);
  }
  const auto seen = judge_times(times);
  ASSERT_FALSE(seen.empty());
  EXPECT_NE(seen[0].matched.find("every 60.00 s"), std::string::npos) << seen[0].matched;
}

TEST(Beacon, DoesNotAccuseRandomTimes) {
  std::mt19937 random(5);
  std::exponential_distribution<double> wait(0.05);
  for (int run = 0; run < 200; ++run) {
    std::vector<double> times{0};
    while (times.size() < 12U + static_cast<unsigned>(run)) times.push_back(times.back() + wait(random));
    EXPECT_TRUE(judge_times(times).empty()) << run;
  }
}

TEST(Beacon, DoesNotJudgeClocksResolversOrGroups) {
  std::vector<double> times;
  for (int i = 0; i < 100; ++i) times.push_back(i * 64.0);
  for (const std::uint16_t port : {std::uint16_t{123}, std::uint16_t{53}, std::uint16_t{853}, std::uint16_t{1900}}) {
    EXPECT_TRUE(judge_times(times, {ip("203.0.114.9"), port}).empty());
  }
  EXPECT_TRUE(judge_times(times, {ip("239.255.255.250"), 8009}).empty());
  EXPECT_TRUE(judge_times(times, {ip("192.168.1.255"), 8009}).empty());
}

TEST(Beacon, NeedsTenEvents) {
  EXPECT_TRUE(judge_times({0, 10, 20, 30, 40, 50, 60, 70, 80}).empty());
  EXPECT_EQ(judge_times({0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110}).size(), 1U);
}

TEST(Beacon, CallsLongRegularFailuresOnAnUnusualPortProbable) {
  std::vector<double> times;
  for (int i = 0; i < 100; ++i) times.push_back(i * 10.0);
  const auto seen = judge_times(times, {ip("203.0.114.9"), 5888}, ConnState::kREJ);
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen[0].rule, "tcp/5888 repeated-failures");
  EXPECT_EQ(seen[0].confidence, Confidence::kProbable);
}

TEST(Beacon, AServerInsideIsAtMostSuspected) {
  std::vector<double> times;
  for (int i = 0; i < 100; ++i) times.push_back(i * 10.0);
  for (const Sighting& one : judge_times(times, {ip("10.2.2.2"), 5888}, ConnState::kREJ)) {
    EXPECT_EQ(one.confidence, Confidence::kSuspected);
  }
}

TEST(Beacon, CountsEveryConnectionOnceInItsHour) {
  std::vector<double> times;
  for (int i = 0; i < 10'000; ++i) times.push_back(i * 5.0);
  Timestamp last_hour = 0;
  std::uint64_t count = 0;
  for (const Sighting& one : judge_times(times)) {
    EXPECT_GT(floor_to(one.first_seen, kHour), last_hour);
    last_hour = floor_to(one.first_seen, kHour);
    EXPECT_EQ(floor_to(one.last_seen, kHour), last_hour);
    count += one.count;
  }
  EXPECT_EQ(count, 10'000U);
}

TEST(Beacon, DoesNotTakeTheRecordsOfOneConnectionForManyConnections) {
  Batch batch;
  for (int i = 0; i < 100; ++i) {
    batch.flows.push_back(flow(kStart + i * kMinute, {ip("10.1.1.5"), 40000}, {ip("203.0.114.9"), 443}));
  }
  const auto detector = make_beacon_detector(within("10.0.0.0/8"));
  EXPECT_TRUE(sightings(*detector, batch).empty());
}

TEST(Beacon, FindsANameServedFromSeveralAddresses) {
  Batch batch;
  for (int i = 0; i < 60; ++i) {
    TlsHandshake tls;
    tls.client = {ip("10.1.1.5"), static_cast<std::uint16_t>(30000 + i)};
    tls.server = {IpAddress::v4(0xcb007200U + static_cast<std::uint32_t>(i % 20)), 443};
    tls.time = kStart + i * 30 * kSecond;
    tls.server_name = "front.example.org";
    batch.tls.push_back(tls);
  }
  const auto detector = make_beacon_detector(within("10.0.0.0/8"));
  const auto seen = sightings(*detector, batch);
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen[0].actor_name, "front.example.org");
  EXPECT_EQ(seen[0].confidence, Confidence::kSuspected);
}

TEST(Beacon, SurvivesHostileTimesAndSizes) {
  Batch batch;
  std::mt19937_64 random(9);
  for (int i = 0; i < 20'000; ++i) {
    Flow one = flow(static_cast<Timestamp>(random() >> 2), {IpAddress::v4(static_cast<std::uint32_t>(random())), 1},
                    {ip("203.0.114.9"), static_cast<std::uint16_t>(random() % 3)});
    if (i % 2 == 0) one.initiator.ip = ip("10.0.0.1");
    one.initiator_bytes = random();
    batch.flows.push_back(one);
  }
  const auto detector = make_beacon_detector(within("10.0.0.0/8"));
  sightings(*detector, batch);
}

TEST(Beacon, FindsTheRefusedControlServerOfTheLabelledLogAndNoBenignPair) {
  const std::string name = "stratosphere/test18-malicious-ctu-sme-11-win/zeek-labeled/conn.log.labeled";
  NEEDS_DATA(name);
  Batch batch;
  batch.flows = zeek_flows(data_file(name));
  ASSERT_GT(batch.flows.size(), 700U);
  const auto detector = make_beacon_detector(within("192.168.1.0/24"));
  const auto seen = sightings(*detector, batch);
  ASSERT_FALSE(seen.empty());
  std::uint64_t count = 0;
  for (const Sighting& one : seen) {
    EXPECT_EQ(one.actor.ip, ip("66.63.168.35"));
    EXPECT_EQ(one.actor.port, 5888);
    EXPECT_EQ(one.target.ip, ip("192.168.1.107"));
    EXPECT_EQ(one.confidence, Confidence::kProbable) << one.matched;
    count += one.count;
  }
  EXPECT_EQ(count, 719U);  // 718 REJ and one S0: awk '$5=="66.63.168.35"' | cut -f12 | sort | uniq -c
}

std::vector<std::string> accused(std::vector<Flow> flows, std::string_view network) {
  Batch batch;
  batch.flows = std::move(flows);
  std::vector<std::string> lines;
  const auto detector = make_beacon_detector(within(network));
  for (const Sighting& one : sightings(*detector, batch)) {
    lines.push_back(std::string(name_of(one.confidence)) + " " + one.actor.ip.text() + " " + one.rule + ": " +
                    one.matched);
  }
  return lines;
}

TEST(Beacon, AccusesInOtherRealLogsOnlyWhatIsToldHere) {
  NEEDS_DATA("stratosphere/test2-malicious.binetflow");
  using testing::IsEmpty;
  EXPECT_THAT(accused(zeek_flows(data_file("stratosphere/test9-mixed-zeek-dir/conn.log")), "10.0.0.0/8"), IsEmpty());
  EXPECT_THAT(accused(argus_flows(data_file("stratosphere/test4-malicious.binetflow")), "192.168.0.0/16"), IsEmpty());
  EXPECT_THAT(accused(argus_flows(data_file("stratosphere/test2-malicious.binetflow")), "10.0.0.0/8"), IsEmpty());
  EXPECT_THAT(accused(argus_flows(data_file("stratosphere/test3-mixed.binetflow")), "147.32.0.0/16"), IsEmpty());
}

}  // namespace
}  // namespace tocsin
