#include <random>
#include <set>

#include "behaviour.h"

namespace tocsin {
namespace {

constexpr Timestamp kStart = 1'700'000'100 * kSecond;
const IpAddress kScanner = ip("203.0.113.9");
const IpAddress kHost = ip("198.51.100.7");

std::vector<Sighting> judge(const std::vector<Flow>& flows) {
  Batch batch;
  batch.flows = flows;
  const auto detector = make_scan_detector(within("198.51.0.0/16"));
  return sightings(*detector, batch);
}

// As sensor-corpus has them: twenty ports of a host, one a second.
std::vector<Flow> twenty_ports(int first_port, std::uint8_t flags, ConnState state, std::uint8_t protocol = kTcp,
                               std::uint8_t answer = 0) {
  std::vector<Flow> flows;
  for (int i = 0; i < 20; ++i) {
    Flow one = flow(kStart + i * kSecond, {kScanner, static_cast<std::uint16_t>(40000 + i)},
                    {kHost, static_cast<std::uint16_t>(first_port + i)}, state, protocol);
    one.flags_known = protocol == kTcp;
    one.first_flags = one.initiator_flags = flags;
    one.responder_flags = answer;
    one.responder_packets = answer != 0 ? 1 : 0;
    flows.push_back(one);
  }
  return flows;
}

void expect_one(const std::vector<Sighting>& seen, std::string_view rule, std::uint64_t count,
                Confidence confidence = Confidence::kProbable) {
  ASSERT_EQ(seen.size(), 1U) << rule;
  EXPECT_EQ(seen[0].rule, rule);
  EXPECT_EQ(seen[0].count, count);
  EXPECT_EQ(seen[0].kind, Kind::kScan);
  EXPECT_EQ(seen[0].confidence, confidence);
}

TEST(Scan, NamesEveryVerticalScanByItsPackets) {
  expect_one(judge(twenty_ports(1000, kSyn, ConnState::kS0)), "tcp-syn-vertical", 20);
  expect_one(judge(twenty_ports(1000, kSyn, ConnState::kREJ, kTcp, kRst | kAck)), "tcp-syn-vertical", 20);
  expect_one(judge(twenty_ports(2000, kFin, ConnState::kOTH)), "tcp-fin-vertical", 20);
  expect_one(judge(twenty_ports(2000, 0, ConnState::kOTH)), "tcp-null-vertical", 20);
  expect_one(judge(twenty_ports(2000, kFin | kPsh | kUrg, ConnState::kOTH, kTcp, kRst | kAck)), "tcp-xmas-vertical",
             20);
  expect_one(judge(twenty_ports(2000, kFin | kAck, ConnState::kOTH, kTcp, kRst)), "tcp-maimon-vertical", 20);
  expect_one(judge(twenty_ports(3000, kAck, ConnState::kOTH, kTcp, kRst)), "tcp-ack-vertical", 20);
  expect_one(judge(twenty_ports(1000, 0, ConnState::kS0, kUdp)), "udp-vertical", 20);
  const auto seen = judge(twenty_ports(1000, kSyn, ConnState::kS0));
  EXPECT_EQ(seen[0].actor.ip, kScanner);
  EXPECT_EQ(seen[0].target.ip, kHost);
  EXPECT_EQ(seen[0].matched, "20 probes, 20 different ports of one host");
}

TEST(Scan, TakesBareAcksWithoutAnswerForConnectionsMetInTheirMiddle) {
  EXPECT_TRUE(judge(twenty_ports(3000, kAck, ConnState::kOTH)).empty());
  EXPECT_TRUE(judge(twenty_ports(3000, kAck, ConnState::kOTH, kTcp, kAck | kPsh)).empty());
}

TEST(Scan, FindsAWormsSearchOnOnePort) {
  std::vector<Flow> flows;
  for (std::uint32_t i = 0; i < 40; ++i) {
    flows.push_back(flow(kStart, {ip("10.0.0.5"), static_cast<std::uint16_t>(40000 + i)},
                         {IpAddress::v4(0x0a090900 + i), 445}, ConnState::kS0));
  }
  const auto seen = judge(flows);
  expect_one(seen, "tcp-syn-horizontal", 40);
  EXPECT_EQ(seen[0].target, (Endpoint{ip("10.9.9.0"), 445}));
  EXPECT_EQ(seen[0].matched, "40 probes, 40 different hosts on port 445");
}

std::vector<Flow> pings(std::uint32_t hosts, std::uint32_t silent_of_ten, std::uint16_t type = 8) {
  std::vector<Flow> flows;
  for (std::uint32_t i = 0; i < hosts; ++i) {
    Flow one = flow(kStart + i * kSecond / 10, {ip("192.168.1.109"), type}, {IpAddress::v4(0xc0a80101 + i), 0},
                    ConnState::kOTH, kIcmp);
    one.responder_packets = i % 10 >= silent_of_ten ? 1 : 0;
    flows.push_back(one);
  }
  return flows;
}

TEST(Scan, FindsPingSweepsAndOnlySuspectsAMonitor) {
  expect_one(judge(pings(17, 4)), "icmp-sweep", 17);
  expect_one(judge(pings(30, 0)), "icmp-sweep", 30, Confidence::kSuspected);
  expect_one(judge(pings(30, 9, 13)), "icmp-timestamp-sweep", 30);
  expect_one(judge(pings(30, 9, 17)), "icmp-netmask-sweep", 30);
  EXPECT_TRUE(judge(pings(9, 9)).empty());
  EXPECT_TRUE(judge(pings(30, 9, 0)).empty());
}

// test12-icmp-portscan.pcap by tshark: microseconds, last byte of the address that 192.168.1.109 pinged first then, and
// whether it answered. 255 is the broadcast address and counts for no host.
TEST(Scan, FindsTheSweepOfARealCapture) {
  struct Ping {
    Timestamp time;
    std::uint32_t host;
    bool answered;
  };
  constexpr Ping kPings[] = {{0, 1, true},          {873018, 80, false},   {1094822, 102, true},  {1095849, 104, false},
                             {1114115, 113, false}, {1114420, 114, false}, {1114701, 115, false}, {1115332, 117, true},
                             {1116407, 120, true},  {1120220, 130, true},  {1120500, 131, true},  {1142872, 171, true},
                             {1333019, 255, false}, {1333332, 0, false},   {1502681, 100, true},  {1502973, 101, true},
                             {1531932, 192, true},  {1541487, 110, true}};
  std::vector<Flow> flows;
  for (const Ping& ping : kPings) {
    Flow one = flow(kStart + ping.time, {ip("192.168.1.109"), 8}, {IpAddress::v4(0xc0a80100 + ping.host), 0},
                    ConnState::kOTH, kIcmp);
    one.responder_packets = ping.answered ? 1 : 0;
    flows.push_back(one);
  }
  expect_one(judge(flows), "icmp-sweep", 17);
}

TEST(Scan, FindsASlowScanAndOnlySuspectsIt) {
  std::vector<Flow> flows;
  for (int i = 0; i < 60; ++i) {
    flows.push_back(flow(floor_to(kStart, kHour) + i * 59 * kSecond, {kScanner, 40000},
                         {kHost, static_cast<std::uint16_t>(100 + i)}, ConnState::kS0));
  }
  expect_one(judge(flows), "tcp-syn-vertical", 60, Confidence::kSuspected);
}

TEST(Scan, CountsEachProbeOnceWhenManyPortsOfManyHostsAreScanned) {
  std::vector<Flow> flows;
  for (std::uint32_t host = 0; host < 30; ++host) {
    for (std::uint16_t port = 0; port < 30; ++port) {
      flows.push_back(flow(kStart + host * kSecond, {kScanner, 40000},
                           {IpAddress::v4(0xc6336401 + host), static_cast<std::uint16_t>(20 + port)}, ConnState::kS0));
    }
  }
  std::uint64_t probes = 0;
  for (const Sighting& one : judge(flows)) probes += one.count;
  EXPECT_LE(probes, 901U);
  EXPECT_GE(probes, 850U);
}

TEST(Scan, CountsRetriesBeforeAScanOnce) {
  for (const bool ports_first : {true, false}) {
    std::vector<Flow> flows;
    Timestamp time = kStart;
    const auto probe = [&](std::uint32_t host, int port) {
      flows.push_back(flow(time += kSecond / 10, {kScanner, 40000},
                           {IpAddress::v4(kHost.as_v4() + host), static_cast<std::uint16_t>(port)}, ConnState::kS0));
    };
    const auto twenty_ports = [&] {
      for (int port = 0; port < 20; ++port) probe(0, 100 + port);
    };
    for (int i = 0; i < 1000; ++i) probe(0, 22);
    if (ports_first) twenty_ports();
    for (std::uint32_t host = 1; host <= 60; ++host) probe(host, 22);
    if (!ports_first) twenty_ports();
    const auto seen = judge(flows);
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[0].count + seen[1].count, 1080U);
    for (const Sighting& one : seen) {
      const bool vertical = one.rule == "tcp-syn-vertical";
      EXPECT_EQ(one.count, vertical ? (ports_first ? 1020U : 20U) : (ports_first ? 60U : 1060U)) << one.rule;
    }
  }
}

TEST(Scan, GivesOneSightingForEachHourWithThatHoursProbes) {
  std::vector<Flow> flows;
  for (int i = 0; i < 3 * 3600; ++i) {
    flows.push_back(flow(floor_to(kStart, kHour) + i * kSecond, {kScanner, 40000},
                         {kHost, static_cast<std::uint16_t>(1 + i)}, ConnState::kS0));
  }
  const auto seen = judge(flows);
  ASSERT_EQ(seen.size(), 3U);
  for (const Sighting& one : seen) {
    EXPECT_EQ(one.count, 3600U);
    EXPECT_EQ(floor_to(one.first_seen, kHour), floor_to(one.last_seen, kHour));
  }
}

// Of each of `peers` one flow; `failing` of a hundred fail.
std::vector<Flow> busy_client(std::uint32_t peers, std::uint32_t failing, std::uint16_t port, std::uint8_t protocol) {
  std::vector<Flow> flows;
  std::mt19937 random(11);
  for (std::uint32_t i = 0; i < peers; ++i) {
    const bool fails = random() % 100 < failing;
    Flow one = flow(kStart + i * kSecond / 20, {ip("198.51.100.2"), static_cast<std::uint16_t>(20000 + i % 40000)},
                    {IpAddress::v4(0x08000000 + i * 7919), port}, fails ? ConnState::kS0 : ConnState::kSF, protocol);
    one.responder_packets = fails ? 0 : 8;
    flows.push_back(one);
  }
  return flows;
}

TEST(Scan, DoesNotAccuseResolversMailServersAndGateways) {
  EXPECT_TRUE(judge(busy_client(20'000, 10, 53, kUdp)).empty());
  EXPECT_TRUE(judge(busy_client(20'000, 25, 25, kTcp)).empty());
  EXPECT_TRUE(judge(busy_client(20'000, 5, 443, kTcp)).empty());
}

TEST(Scan, DoesNotAccuseAServerByItsAnswersOrBackscatter) {
  std::vector<Flow> flows;
  for (int i = 0; i < 200; ++i) {
    const Endpoint to{kHost, static_cast<std::uint16_t>(49152 + i)};
    flows.push_back(flow(kStart + i * kSecond, {kScanner, 443}, to, ConnState::kS0));  // flags not known
    Flow answer = flow(kStart + i * kSecond, {kScanner, 8443}, to, ConnState::kSHR);
    answer.flags_known = true;
    answer.first_flags = answer.initiator_flags = kSyn | kAck;
    flows.push_back(answer);
    answer.first_flags = answer.initiator_flags = kRst | kAck;
    flows.push_back(answer);
    flows.push_back(flow(kStart + i * kSecond, {kScanner, 53}, to, ConnState::kS0, kUdp));
    flows.push_back(flow(kStart + i * kSecond, {kScanner, 3478}, to, ConnState::kS0, kUdp));
  }
  EXPECT_TRUE(judge(flows).empty());
}

TEST(Scan, DoesNotTakeAFloodForAScan) {
  std::vector<Flow> flows;
  for (int i = 0; i < 5000; ++i) {
    flows.push_back(
        flow(kStart + i * 1000, {kScanner, static_cast<std::uint16_t>(1024 + i)}, {kHost, 80}, ConnState::kS0));
  }
  EXPECT_TRUE(judge(flows).empty());
}

TEST(Scan, DoesNotTakeRetriesOfAFewDeadServersForAScan) {
  std::vector<Flow> flows;
  for (int i = 0; i < 5000; ++i) {
    flows.push_back(flow(kStart + i * kSecond, {kScanner, static_cast<std::uint16_t>(1024 + i)},
                         {IpAddress::v4(0xc6336401 + static_cast<std::uint32_t>(i % 8)), 9000}, ConnState::kREJ));
  }
  EXPECT_TRUE(judge(flows).empty());
}

TEST(Scan, OnlySuspectsABrowserWhoseWayOutIsCut) {
  for (const Sighting& one : judge(busy_client(35, 100, 443, kTcp))) {
    EXPECT_EQ(one.confidence, Confidence::kSuspected);
  }
}

TEST(Scan, KeepsBoundedStateUnderSpoofedSources) {
  std::vector<Flow> flows;
  std::mt19937_64 random(13);
  for (int i = 0; i < 300'000; ++i) {
    Flow one = flow(static_cast<Timestamp>(random() >> 2), {IpAddress::v4(static_cast<std::uint32_t>(random())), 1},
                    {IpAddress::v4(static_cast<std::uint32_t>(random())), static_cast<std::uint16_t>(random())},
                    static_cast<ConnState>(random() % 14), static_cast<std::uint8_t>(random() % 60));
    one.flags_known = random() % 2 == 0;
    one.first_flags = static_cast<std::uint8_t>(random());
    one.initiator_flags = static_cast<std::uint8_t>(random());
    flows.push_back(one);
  }
  EXPECT_TRUE(judge(flows).empty());
}

// Truth: awk and jq over the logs themselves, as told at each test.

std::set<std::string> summary(const std::vector<Sighting>& seen) {
  std::set<std::string> lines;
  for (const Sighting& one : seen) {
    lines.insert(std::string(name_of(one.confidence)) + " " + one.rule + " " + one.actor.ip.text() +
                 (one.rule.ends_with("vertical") ? " " + one.target.ip.text() : " " + std::to_string(one.target.port)));
  }
  return lines;
}

using Lines = std::set<std::string>;

TEST(Scan, FindsTheScansOfTheRealLogs) {
  NEEDS_DATA("stratosphere/port-scans/vertical/conn.log");
  // jq: 43 REJ from 192.168.1.9 to 45.33.32.156
  EXPECT_EQ(summary(judge(zeek_flows(data_file("stratosphere/port-scans/vertical/conn.log")))),
            Lines{"probable tcp-syn-vertical 192.168.1.9 45.33.32.156"});
  // awk: 10 S0 from 10.0.2.112 to 10 hosts on port 80 within 5 s
  EXPECT_EQ(summary(judge(zeek_flows(data_file("stratosphere/port-scans/horizontal/conn.log")))),
            Lines{"suspected tcp-syn-horizontal 10.0.2.112 80"});
  // awk: S0 from 10.8.0.69 to ports 980 to 999 of 14.1.11.113
  EXPECT_EQ(summary(judge(argus_flows(data_file("stratosphere/test11-portscan.binetflow")))),
            Lines{"probable tcp-syn-vertical 10.8.0.69 14.1.11.113"});
  // awk: REQ from 192.168.2.12, 128 on port 81 and 90 on port 23, each to another host
  EXPECT_EQ(summary(judge(argus_flows(data_file("stratosphere/test4-malicious.binetflow")))),
            (Lines{"probable tcp-syn-horizontal 192.168.2.12 23", "probable tcp-syn-horizontal 192.168.2.12 81"}));
  // awk: S_ and S_RA from 216.73.23.146 to 11 hosts on port 445
  EXPECT_EQ(summary(judge(argus_flows(data_file("stratosphere/test3-mixed.binetflow")))),
            Lines{"suspected tcp-syn-horizontal 216.73.23.146 445"});
  for (const char* quiet : {"stratosphere/test9-mixed-zeek-dir/conn.log",
                            "stratosphere/test18-malicious-ctu-sme-11-win/zeek-labeled/conn.log.labeled"}) {
    EXPECT_EQ(summary(judge(zeek_flows(data_file(quiet)))), Lines{}) << quiet;
  }
  EXPECT_EQ(summary(judge(argus_flows(data_file("stratosphere/test2-malicious.binetflow")))), Lines{});
}

}  // namespace
}  // namespace tocsin
