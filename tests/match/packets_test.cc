#include "bench.h"

namespace tocsin::match {
namespace {

Bench one(const std::string& header, const std::string& options) {
  return Bench("alert " + header + " (" + options + " sid:1;)\n");
}

TEST(Headers, AddressesAndPortsMustFit) {
  Bench bench(
      "alert udp 192.0.2.0/24 any -> any 80 (sid:1; content:\"x\";)\n"
      "alert udp !192.0.2.0/24 any -> any 80 (sid:2; content:\"x\";)\n"
      "alert udp any any -> any !80 (sid:3; content:\"x\";)\n"
      "alert udp any 80 <> any any (sid:4; content:\"x\";)\n"
      "alert tcp any any -> any any (sid:5; content:\"x\";)\n");
  EXPECT_EQ(bench.datagram("x"), (Sids{1, 4}));
}

TEST(Headers, FieldsAreCompared) {
  const auto speaks_of = [](const std::string& options, const auto& set) {
    Bench bench = one("ip any any -> any any", options);
    set(bench.packet);
    return !bench.judge("", {}).empty();
  };
  const auto nothing = [](packet::Packet&) {};
  EXPECT_TRUE(speaks_of("ttl:64;", nothing));
  EXPECT_FALSE(speaks_of("ttl:<64;", nothing));
  EXPECT_TRUE(speaks_of("ip_proto:17; dsize:0;", [](packet::Packet& packet) { packet.protocol = 17; }));
  EXPECT_TRUE(speaks_of("ip_proto:!17; ttl:64;", [](packet::Packet& packet) { packet.protocol = 47; }));
  EXPECT_TRUE(speaks_of("fragbits:M; ", [](packet::Packet& packet) { packet.more_fragments = true; }));
  EXPECT_FALSE(speaks_of("fragbits:M; ", [](packet::Packet& packet) { packet.dont_fragment = true; }));
  EXPECT_TRUE(speaks_of("ipopts:rr; ", [](packet::Packet& packet) { packet.ip_options = {7}; }));
  EXPECT_FALSE(speaks_of("ipopts:ts; ", [](packet::Packet& packet) { packet.ip_options = {7}; }));
  EXPECT_TRUE(speaks_of("sameip; ttl:64;", [](packet::Packet& packet) { packet.source = packet.destination; }));
  EXPECT_FALSE(speaks_of("sameip; ttl:64;", nothing));
  EXPECT_TRUE(speaks_of("itype:8; icode:0; icmp_id:7;", [](packet::Packet& packet) {
    packet.protocol = packet::kIcmp;
    packet.icmp.type = 8;
    packet.icmp.id = 7;
  }));
  EXPECT_TRUE(speaks_of("vlan.id:7; ", [](packet::Packet& packet) {
    packet.vlans = 2;
    packet.vlan = {5, 7, 0};
  }));
  EXPECT_FALSE(speaks_of("vlan.id:7,0; ", [](packet::Packet& packet) {
    packet.vlans = 2;
    packet.vlan = {5, 7, 0};
  }));
  EXPECT_TRUE(speaks_of("vlan.layers:2; ", [](packet::Packet& packet) { packet.vlans = 2; }));
}

TEST(Headers, FlagsOfTcp) {
  const auto speaks_of = [](const std::string& flags, std::uint8_t set) {
    Bench bench = one("tcp any any -> any any", "flags:" + flags + ";");
    bench.packet.protocol = packet::kTcp;
    bench.packet.tcp.flags = set;
    return !bench.judge("", {}).empty();
  };
  EXPECT_TRUE(speaks_of("S", packet::kSyn));
  EXPECT_FALSE(speaks_of("S", packet::kSyn | packet::kAck));
  EXPECT_TRUE(speaks_of("S+", packet::kSyn | packet::kAck));
  EXPECT_TRUE(speaks_of("*SF", packet::kFin));
  EXPECT_FALSE(speaks_of("!S", packet::kSyn));
  EXPECT_TRUE(speaks_of("S,CE", packet::kSyn | packet::kEce | packet::kCwr));
}

TEST(Headers, EventsOfTheDecoder) {
  Bench bench("alert pkthdr any any -> any any (decode-event:ipv4.pkt_too_small; sid:1;)\n");
  EXPECT_TRUE(bench.judge("", {}).empty());
  bench.packet.ip_version = 0;
  bench.packet.events = {"ipv4.pkt_too_small"};
  EXPECT_EQ(bench.judge("", {}), Sids{1});
}

TEST(Flows, AreEstablishedOnceBothSidesSpoke) {
  Bench bench(
      "alert udp any any -> any any (flow:established,to_server; content:\"x\"; sid:1;)\n"
      "alert udp any any -> any any (flow:not_established; content:\"x\"; sid:2;)\n"
      "alert udp any any -> any any (flow:to_client; content:\"x\"; sid:3;)\n");
  stream::Flow flow;
  EXPECT_EQ(bench.in_flow(flow, "x"), Sids{2});
  EXPECT_EQ(bench.in_flow(flow, "x", protocol::Side::kToClient), (Sids{2, 3}));
  EXPECT_EQ(bench.in_flow(flow, "x"), Sids{1});
  EXPECT_TRUE(bench.datagram("x").empty());
}

TEST(Flows, AddressRulesSpeakOncePerDirection) {
  Bench bench("alert ip any any -> 198.51.100.0/24 any (sid:1;)\n");
  stream::Flow flow;
  EXPECT_EQ(bench.in_flow(flow, "a"), Sids{1});
  EXPECT_TRUE(bench.in_flow(flow, "b").empty());
  stream::Flow other;
  EXPECT_EQ(bench.in_flow(other, "a"), Sids{1});
}

TEST(States, BitsOfFlows) {
  Bench bench(
      "alert udp any any -> any any (content:\"a\"; flowbits:set,one; flowbits:noalert; sid:1;)\n"
      "alert udp any any -> any any (content:\"b\"; flowbits:isset,one; sid:2;)\n"
      "alert udp any any -> any any (content:\"b\"; flowbits:isnotset,one; sid:3;)\n"
      "alert udp any any -> any any (content:\"b\"; flowbits:isset,two|one; sid:4;)\n"
      "alert udp any any -> any any (content:\"c\"; flowbits:unset,one; sid:5;)\n");
  stream::Flow flow;
  EXPECT_EQ(bench.in_flow(flow, "b"), Sids{3});
  EXPECT_TRUE(bench.in_flow(flow, "a").empty());
  EXPECT_EQ(bench.in_flow(flow, "b"), (Sids{2, 4}));
  EXPECT_EQ(bench.inspector->variables_of(flow).bits, std::vector<std::string>{"one"});
  EXPECT_EQ(bench.in_flow(flow, "c"), Sids{5});
  EXPECT_EQ(bench.in_flow(flow, "b"), Sids{3});
  stream::Flow other;
  EXPECT_EQ(bench.in_flow(other, "b"), Sids{3});
}

TEST(States, IntegersOfFlows) {
  Bench bench(
      "alert udp any any -> any any (content:\"a\"; flowint:n,+,1; noalert; sid:1;)\n"
      "alert udp any any -> any any (content:\"a\"; flowint:n,>=,2; sid:2;)\n"
      "alert udp any any -> any any (content:\"a\"; flowint:n,notset; sid:3;)\n");
  stream::Flow flow;
  EXPECT_TRUE(bench.in_flow(flow, "a").empty());
  EXPECT_EQ(bench.in_flow(flow, "a"), Sids{2});
}

TEST(States, BitsOfAddressesExpire) {
  Bench bench(
      "alert udp any any -> any any (content:\"a\"; xbits:set,bad,track ip_src,expire 10; sid:1;)\n"
      "alert udp any any -> any any (content:\"b\"; xbits:isset,bad,track ip_src; sid:2;)\n");
  EXPECT_TRUE(bench.datagram("b").empty());
  EXPECT_EQ(bench.datagram("a"), Sids{1});
  EXPECT_EQ(bench.datagram("b"), Sids{2});
  bench.packet.time += 11 * kSecond;
  EXPECT_TRUE(bench.datagram("b").empty());
}

TEST(Thresholds, LimitCountAndBoth) {
  const auto told = [](const std::string& threshold, int packets) {
    Bench bench("alert udp any any -> any any (content:\"a\"; " + threshold + "; sid:1;)\n");
    int count = 0;
    for (int i = 0; i < packets; ++i) count += static_cast<int>(bench.datagram("a").size());
    return count;
  };
  EXPECT_EQ(told("threshold:type limit,track by_src,count 2,seconds 60", 7), 2);
  EXPECT_EQ(told("threshold:type threshold,track by_src,count 3,seconds 60", 7), 2);
  EXPECT_EQ(told("threshold:type both,track by_dst,count 3,seconds 60", 7), 1);
  EXPECT_EQ(told("detection_filter:track by_src,count 3,seconds 60", 7), 4);
}

// Each source has a map of its ports, eight kilobytes, as long as there is room for maps.
TEST(Thresholds, MapsOfPortsAreBounded) {
  Bench bench(
      "alert udp any any -> any any (detection_filter:track by_src,count 1,seconds 60,unique_on dst_port; sid:1;)\n");
  Sids last;
  for (std::uint32_t source = 0; source < 30'000; ++source) {
    bench.packet.source = IpAddress::v4(0x0b000000 + source);
    for (int i = 0; i < 2; ++i) last = bench.datagram("x");
  }
  EXPECT_EQ(last, Sids{1});  // without a map all packets count
  EXPECT_LE(bench.inspector->counters().at("detect.thresholds.bitmap_memuse"), 128U << 20);
}

TEST(Actions, PassSilencesWhatComesAfter) {
  Bench bench(
      "alert udp any any -> any any (content:\"a\"; sid:1;)\n"
      "pass udp any any -> any any (content:\"b\"; sid:2;)\n");
  EXPECT_EQ(bench.datagram("a"), Sids{1});
  EXPECT_TRUE(bench.datagram("ab").empty());
  EXPECT_EQ(bench.inspection.verdict, Inspection::Verdict::kPass);
}

TEST(Actions, OrderOfAlertsAndTheirNumber) {
  Options options;
  options.set("packet-alert-max", "2");
  Bench bench(
      "alert udp any any -> any any (content:\"a\"; sid:3; priority:2;)\n"
      "alert udp any any -> any any (content:\"a\"; sid:2; priority:1;)\n"
      "drop udp any any -> any any (content:\"a\"; sid:9;)\n",
      options);
  EXPECT_EQ(bench.datagram("a"), (Sids{9, 2}));
  EXPECT_EQ(bench.inspection.verdict, Inspection::Verdict::kDrop);
  EXPECT_EQ(bench.inspector->counters().at("detect.alert_queue_overflow"), 1U);
}

}  // namespace
}  // namespace tocsin::match
