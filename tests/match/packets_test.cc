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

// A packet of SCTP with a chunk of data, one of two bytes of heartbeat, and one of data.
const std::string kSctp =
    std::string("\x30\x39\x00\x50\x00\x00\x01\x02\x00\x00\x00\x00", 12) +
    std::string("\x00\x03\x00\x14\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00test", 20) +
    std::string("\x04\x00\x00\x06hb\x00\x00", 8) +
    std::string("\x00\x03\x00\x15\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00later\x00\x00\x00", 24);

TEST(Headers, ChunksOfSctp) {
  const auto speaks_of = [](const std::string& options) {
    Bench bench = one("sctp any any -> any any", options);
    bench.packet.protocol = packet::kSctp;
    bench.packet.network_payload = {reinterpret_cast<const std::uint8_t*>(kSctp.data()), kSctp.size()};
    stream::Followed followed;
    bench.judge("test", followed);
    // The bench gives a header of eight bytes to all but TCP.
    return !bench.inspection.alerts.empty();
  };
  EXPECT_TRUE(speaks_of("sctp.chunk_cnt:3;"));
  EXPECT_FALSE(speaks_of("sctp.chunk_cnt:>3;"));
  EXPECT_TRUE(speaks_of("sctp.chunk_type:heartbeat;"));
  EXPECT_TRUE(speaks_of("sctp.chunk_type:4;"));
  EXPECT_TRUE(speaks_of("sctp.chunk_type:!data;"));
  EXPECT_FALSE(speaks_of("sctp.chunk_type:init;"));
  EXPECT_TRUE(speaks_of("sctp.hdr; content:\"|04 00 00 06|\"; offset:12;"));
  EXPECT_TRUE(speaks_of("sctp.chunk_data; content:\"later\"; startswith;"));
  EXPECT_TRUE(speaks_of("sctp.chunk_data; to_uppercase; content:\"TEST\"; bsize:4;"));
  EXPECT_FALSE(speaks_of("sctp.chunk_data; content:\"hb\";"));
}

TEST(Tags, OfHostsAndSeveralOfOneRule) {
  Bench bench(
      "alert udp any any -> any any (content:\"evil\"; tag:host,2,packets,src; tag:session,1,packets; sid:1;)\n");
  stream::Flow flow, other;
  bench.in_flow(flow, "evil");
  EXPECT_FALSE(bench.inspection.is_tagged);
  bench.in_flow(other, "of the same host");
  EXPECT_TRUE(bench.inspection.is_tagged);
  bench.packet.source = *IpAddress::parse("192.0.2.9");
  bench.in_flow(flow, "of the same flow");
  EXPECT_TRUE(bench.inspection.is_tagged);
  bench.in_flow(flow, "too late");
  EXPECT_FALSE(bench.inspection.is_tagged);
  bench.packet.source = *IpAddress::parse("192.0.2.1");
  bench.in_flow(other, "the second of the host");
  EXPECT_TRUE(bench.inspection.is_tagged);
  bench.in_flow(other, "the third");
  EXPECT_FALSE(bench.inspection.is_tagged);
}

TEST(Captures, GoToTheAlertOrToPairs) {
  Bench bench(
      "alert udp any any -> any any (pcre:\"/who=(\\w+)/, alert:w/ho\"; sid:1;)\n"
      "alert udp any any -> any any (pcre:\"/(\\w+)=(\\w+)/, pkt:key, pkt:value\"; sid:2;)\n");
  EXPECT_EQ(bench.datagram("who=me"), (Sids{1, 2}));
  EXPECT_EQ(bench.inspection.alerts[0].context, R"("w/ho":"me")");
  ASSERT_EQ(bench.inspection.packet_variables.size(), 1u);
  EXPECT_EQ(bench.inspection.packet_variables[0].first, "who");
  EXPECT_EQ(bench.inspection.packet_variables[0].second, "me");
}

TEST(Rpc, CallsByTheirNumbers) {
  const std::string call("\0\0\0\1\0\0\0\0\0\0\0\2\0\1\x86\xb9\0\0\0\1\0\0\0\5", 24);
  EXPECT_TRUE(speaks("rpc:100025,*,*;", call));
  EXPECT_TRUE(speaks("rpc:100025,1,5;", call));
  EXPECT_FALSE(speaks("rpc:100025,2,*;", call));
  EXPECT_FALSE(speaks("rpc:100009,*,*;", call));
  EXPECT_FALSE(speaks("rpc:100025,*,*;", "short"));
}

TEST(Numbers, OfAsManyDigitsAsThereAre) {
  EXPECT_TRUE(speaks("byte_test:0,>=,100,0,string,dec;", "1234"));
  EXPECT_FALSE(speaks("byte_test:0,>=,100,0,string,dec;", "99 1"));
}

TEST(Config, TakesPacketsOutOfFlows) {
  Bench bench("config udp:pre_flow any any <> any 666 (config: tracking disable, type flow, scope packet; sid:1;)\n");
  bench.packet.protocol = packet::kUdp;
  EXPECT_FALSE(bench.inspector->is_untracked(bench.packet));
  bench.packet.source_port = 666;
  EXPECT_TRUE(bench.inspector->is_untracked(bench.packet));
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
