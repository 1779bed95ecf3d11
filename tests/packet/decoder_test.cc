#include "frames.h"

namespace tocsin::packet {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Decoder, TakesTcpApart) {
  Frames frames;
  const std::string options = hex("020405b4 0402 080a 00000001 00000002 01 030307");
  frames.decode(1, ethernet(0x0800, ipv4(tcp("hello", options, kSyn), {.protocol = kTcp, .ttl = 7})));
  ASSERT_THAT(frames.packets, SizeIs(1));
  const Packet& packet = frames.packets[0];
  EXPECT_TRUE(packet.is_tcp());
  EXPECT_EQ(packet.source.text(), "10.0.0.1");
  EXPECT_EQ(packet.ttl, 7);
  EXPECT_EQ(packet.source_port, 1000);
  EXPECT_EQ(packet.tcp.sequence, 1u);
  EXPECT_EQ(packet.tcp.acknowledgement, 2u);
  EXPECT_EQ(packet.tcp.mss, 1460);
  EXPECT_EQ(packet.tcp.window_scale, 7);
  EXPECT_TRUE(packet.tcp.sack_permitted);
  EXPECT_EQ((*packet.tcp.timestamps)[1], 2u);
  EXPECT_EQ(Frames::text(packet.payload), "hello");
  EXPECT_THAT(frames.events(), IsEmpty());
  EXPECT_EQ(frames.count("decoder.ethernet"), 1u);
  EXPECT_EQ(frames.count("tcp.syn"), 1u);
}

TEST(Decoder, ChecksSums) {
  Frames frames;
  // A datagram of the wild, with right sums.
  const std::string right =
      hex("4500003c 1c4640004006b1e6 ac100a63 ac100a0c 0050 0051 00000000 00000000 5002 2000 0000 0000"
          "0000000000000000 0000000000000000 00000000");
  frames.ip(right.substr(0, 60));
  ASSERT_THAT(frames.packets, SizeIs(1));
  EXPECT_TRUE(frames.packets[0].network_checksum_right);
  EXPECT_FALSE(frames.packets[0].transport_checksum_right);
  std::string wrong = right.substr(0, 60);
  wrong[8] = 1;
  frames.ip(wrong);
  EXPECT_FALSE(frames.packets[0].network_checksum_right);
}

TEST(Decoder, FollowsTags) {
  Frames frames;
  const std::string inner = big(5, 2) + big(0x0800, 2) + ipv4(udp("x"));
  frames.decode(1, ethernet(0x88a8, big(3, 2) + big(0x8100, 2) + inner));
  ASSERT_THAT(frames.packets, SizeIs(1));
  EXPECT_EQ(frames.packets[0].vlans, 2);
  EXPECT_EQ(frames.packets[0].vlan[0], 3);
  EXPECT_EQ(frames.packets[0].vlan[1], 5);
  EXPECT_EQ(frames.count("decoder.vlan_qinq"), 1u);
  EXPECT_TRUE(frames.packets[0].is_udp());
}

TEST(Decoder, KnowsLinkLayers) {
  Frames frames;
  const std::string datagram = ipv4(udp("payload"));
  const std::pair<std::uint32_t, std::string> links[] = {
      {1, ethernet(0x0800, datagram)},
      {101, datagram},
      {0, hex("02000000") + datagram},
      {108, hex("00000002") + datagram},
      {113, std::string(14, '\0') + big(0x0800, 2) + datagram},
      {276, big(0x0800, 2) + std::string(18, '\0') + datagram},
      {104, hex("0f00 0800") + datagram},
      {9, hex("ff03 0021") + datagram},
      {219, big(16 << 12 | 0x100, 4) + datagram},
      {1, ethernet(0x8864, hex("1100 0001 0001 0021") + datagram)},
      {1, ethernet(0x8847, big(0x100, 4) + datagram)},
      {1, ethernet(0x8926, hex("00000000 0800") + datagram)},
      {1, ethernet(0x894f, hex("0002 02 01 00000100") + datagram)},
      {1, ethernet(0x88e7, big(0, 4) + ethernet(0x0800, datagram))},
  };
  for (const auto& [type, frame] : links) {
    frames.decode(type, frame);
    ASSERT_THAT(frames.packets, SizeIs(1)) << type;
    EXPECT_EQ(Frames::text(frames.packets[0].payload), "payload") << type;
    EXPECT_THAT(frames.events(), IsEmpty()) << type;
  }
}

TEST(Decoder, EntersTunnels) {
  Frames frames;
  const std::string datagram = ipv4(udp("payload"));
  const std::string datagram6 = ipv6(udp("payload"), kUdp);
  const std::pair<std::string, std::string> tunnels[] = {
      {"gre", ipv4(hex("0000 0800") + datagram, {.protocol = kGre})},
      {"gre", ipv4(hex("1000 88be 00000001 1001 0000 00000000") + ethernet(0x0800, datagram), {.protocol = kGre})},
      {"ipv4", ipv4(datagram, {.protocol = kIpInIp})},
      {"ipv4", ipv4(datagram6, {.protocol = kIpv6})},
      {"ipv6", ipv6(datagram, kIpInIp)},
      {"ipv6", ipv6(datagram6, kIpv6)},
      {"vxlan", ipv4(udp(hex("08000000 00000100") + ethernet(0x0800, datagram), 1000, 4789))},
      {"geneve", ipv4(udp(hex("0000 0800 00000100") + datagram, 1000, 6081))},
      {"teredo", ipv4(udp(datagram6, 1000, 3544))},
  };
  for (const auto& [carrier, frame] : tunnels) {
    frames.ip(frame);
    ASSERT_THAT(frames.packets, SizeIs(2)) << carrier;
    EXPECT_TRUE(frames.packets[0].carries_packet) << carrier;
    const Packet& inner = frames.packets[1];
    EXPECT_EQ(inner.origin, Origin::kTunnel);
    EXPECT_EQ(inner.carrier, carrier);
    EXPECT_EQ(inner.depth, 1);
    EXPECT_EQ(Frames::text(inner.payload), "payload");
  }
}

TEST(Decoder, EntersGtpIfAsked) {
  const std::string frame = ipv4(udp(hex("30ff 0024 00000001") + ipv4(udp("deep")), 1000, 2152));
  EXPECT_THAT(Frames().ip(frame), SizeIs(1));
  Options options;
  options.set("decoder.gtp.enabled", "yes");
  std::string cut = frame;
  Frames frames(options);
  cut[31] = static_cast<char>(ipv4(udp("deep")).size());
  frames.ip(cut);
  ASSERT_THAT(frames.packets, SizeIs(2));
  EXPECT_EQ(Frames::text(frames.packets[1].payload), "deep");
}

TEST(Decoder, PassesOverTheFrameThatIsToBeLost) {
  Options options;
  options.set("simulate-packet-loss", "2");
  Frames frames(options);
  EXPECT_THAT(frames.ip(ipv4(udp("x"))), SizeIs(1));
  EXPECT_THAT(frames.ip(ipv4(udp("x"))), IsEmpty());
  EXPECT_THAT(frames.ip(ipv4(udp("x"))), SizeIs(1));
}

TEST(Decoder, StopsAtTooManyLayers) {
  Frames frames;
  std::string datagram = ipv4(udp("x"));
  for (int i = 0; i < 40; ++i) datagram = ipv4(datagram, {.protocol = kIpInIp});
  frames.ip(datagram);
  EXPECT_THAT(frames.packets.size(), testing::Lt(17u));
  EXPECT_THAT(frames.events(), Contains("too_many_layers"));
}

TEST(Decoder, TellsWhatIsWrong) {
  Frames frames;
  const auto events = [&](std::uint32_t type, const std::string& frame) {
    frames.decode(type, frame);
    return frames.events();
  };
  EXPECT_THAT(events(1, "short"), ElementsAre("ethernet.pkt_too_small"));
  EXPECT_THAT(events(1, ethernet(0x1234, "")), ElementsAre("ethernet.unknown_ethertype"));
  EXPECT_THAT(events(1, ethernet(0x0800, "x")), ElementsAre("ipv4.pkt_too_small"));
  EXPECT_THAT(events(1, ethernet(0x0800, ipv6("", 59))), ElementsAre("ipv4.wrong_ip_version"));
  EXPECT_THAT(events(101, hex("44") + ipv4("").substr(1)), ElementsAre("ipv4.hlen_too_small"));
  EXPECT_THAT(events(101, hex("4500 0010") + ipv4("").substr(4)), ElementsAre("ipv4.iplen_smaller_than_hlen"));
  EXPECT_THAT(events(101, hex("4500 0100") + ipv4("").substr(4)), ElementsAre("ipv4.trunc_pkt"));
  EXPECT_THAT(events(101, ipv4("", {.protocol = 200})), ElementsAre("ipv4.unknown_protocol"));
  EXPECT_THAT(events(101, ipv4(udp("x"), {.options = hex("07030501 00000000")})), ElementsAre("ipv4.opt_malformed"));
  EXPECT_THAT(events(101, ipv4(udp("x"), {.options = hex("94040000")})), ElementsAre("ipv4.opt_pad_required"));
  EXPECT_THAT(events(101, ipv4(udp("x"), {.options = hex("940a000000000000")})), ElementsAre("ipv4.opt_invalid_len"));
  EXPECT_THAT(events(101, ipv4(udp("x"), {.options = hex("9404000094040000")})), ElementsAre("ipv4.opt_duplicate"));
  EXPECT_THAT(events(101, ipv4(udp("x"), {.options = hex("5504000000000000")})), ElementsAre("ipv4.opt_invalid"));
  EXPECT_THAT(events(101, ipv4("x", {.protocol = kTcp})), ElementsAre("tcp.pkt_too_small"));
  EXPECT_THAT(events(101, ipv4(tcp("", hex("0204ffff 0204ffff")), {.protocol = kTcp})),
              ElementsAre("tcp.opt_duplicate"));
  EXPECT_THAT(events(101, ipv4(tcp("", hex("03010101")), {.protocol = kTcp})), ElementsAre("tcp.opt_invalid_len"));
  EXPECT_THAT(events(101, ipv4(hex("00010002 0040 0000"))), ElementsAre("udp.pkt_too_small"));
  EXPECT_THAT(events(101, ipv4(hex("00010002 0007 0000"))), ElementsAre("udp.len_invalid"));
  EXPECT_THAT(events(101, ipv4(hex("0803 0000 0000 0000"), {.protocol = kIcmp})), ElementsAre("icmpv4.unknown_code"));
  EXPECT_THAT(events(101, ipv4(hex("6400 0000 0000 0000"), {.protocol = kIcmp})), ElementsAre("icmpv4.unknown_type"));
  EXPECT_THAT(events(101, ipv4(hex("0301 0000 0000 0000 45"), {.protocol = kIcmp})),
              ElementsAre("icmpv4.ipv4_trunc_pkt"));
  EXPECT_THAT(events(101, ipv6(hex("8200 0000 0000 0000"), kIcmpV6)),
              ElementsAre("icmpv6.mld_message_with_invalid_hl"));
  EXPECT_THAT(events(101, ipv6(hex("0500 0000 0000 0000"), kIcmpV6)), ElementsAre("icmpv6.unassigned_type"));
  EXPECT_THAT(events(101, ipv6("x", 59)), ElementsAre("ipv6.data_after_none_header"));
  EXPECT_THAT(events(101, ipv6("", 200)), ElementsAre("ipv6.unknown_next_header"));
  EXPECT_THAT(events(101, ipv6(hex("3b00 0104 00000000"), 0)), ElementsAre("ipv6.hopopts_only_padding"));
  EXPECT_THAT(events(101, ipv6(hex("3b00 0100 0102 0000"), 60)),
              ElementsAre("ipv6.zero_len_padn", "ipv6.dstopts_only_padding"));
  EXPECT_THAT(events(101, ipv6(hex("3b00 2004 00000000"), 60)), ElementsAre("ipv6.dstopts_unknown_opt"));
  EXPECT_THAT(events(101, ipv6(hex("3b00 0000 00000000"), 43)), ElementsAre("ipv6.rh_type_0"));
  EXPECT_THAT(events(101, ipv6(hex("2b00 0200 00000000 3b00 0200 00000000"), 43)), ElementsAre("ipv6.exthdr_dupl_rh"));
  EXPECT_THAT(events(101, ipv6(hex("3b00 0000 00000001"), 44)), ElementsAre("ipv6.exthdr_useless_fh"));
  EXPECT_THAT(events(101, ipv6(hex("11ff 0000"), 60)), ElementsAre("ipv6.trunc_exthdr"));
  EXPECT_THAT(events(101, ipv4(hex("0001 0800"), {.protocol = kGre})), ElementsAre("gre.version1_wrong_protocol"));
  EXPECT_THAT(events(101, ipv4(hex("0003 0800"), {.protocol = kGre})), ElementsAre("gre.wrong_version"));
  EXPECT_THAT(events(219, big(0x1100, 4) + "xxxx"), ElementsAre("mpls.bad_label_router_alert"));
  EXPECT_EQ(frames.count("decoder.event.gre.wrong_version"), 1u);
  EXPECT_EQ(frames.count("decoder.event.ipv4.pkt_too_small"), 1u);
}

TEST(Decoder, CountsEventsByTheirNames) {
  Frames frames;
  frames.ip(ipv6("x", 59));
  const auto& counters = frames.decoder.counters();
  EXPECT_EQ(counters.at("decoder.event.ipv6.data_after_none_header"), 1u);
  EXPECT_EQ(counters.at("decoder.event.icmpv4.unknown_code"), 0u);
}

TEST(Decoder, SurvivesFramesCutAnywhereAndNoise) {
  Frames frames;
  const std::string whole[] = {
      ethernet(0x8100, big(1, 2) + big(0x0800, 2) + ipv4(tcp("data", hex("020405b4")), {.protocol = kTcp})),
      ethernet(0x86dd, ipv6(hex("2c00 0502 00000000 3c00 0001 00000001 1100 0104 00000000") + udp("x"), 0)),
      ethernet(0x0800, ipv4(hex("1000 88be 00000001 1001 0000 00000000") + ethernet(0x0800, ipv4(udp("x"))),
                            {.protocol = kGre})),
      ethernet(0x0800, ipv4(udp(hex("08000000 00000100") + ethernet(0x0800, ipv4(udp("x"))), 1, 4789))),
      ethernet(0x8864, hex("1100 0001 0001 0021") + ipv4(udp("x"), {.options = hex("94040000 44080501 00000000")})),
      ethernet(0x0800, ipv4(hex("0301 0000 0000 0000") + ipv4(tcp("x"), {.protocol = kTcp}), {.protocol = kIcmp})),
  };
  for (const std::string& frame : whole) {
    for (std::size_t length = 0; length <= frame.size(); ++length) frames.decode(1, frame.substr(0, length));
  }
  std::uint64_t state = 12345;
  const auto random = [&] { return static_cast<std::uint8_t>((state = state * 6364136223846793005ULL + 1) >> 56); };
  for (int round = 0; round < 60000; ++round) {
    std::string frame = whole[round % std::size(whole)];
    for (int changes = 0; changes < 1 + round % 5; ++changes) {
      frame[random() % frame.size()] = static_cast<char>(random());
    }
    static constexpr std::uint32_t kLinks[] = {1, 1, 1, 101, 9, 113, 276, 0, 104, 219, 50, 77};
    frames.decode(kLinks[random() % std::size(kLinks)], frame);
  }
  EXPECT_GT(frames.count("decoder.pkts"), 60000u);
}

}  // namespace
}  // namespace tocsin::packet
