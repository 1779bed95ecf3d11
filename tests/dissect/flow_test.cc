#include <gtest/gtest.h>

#include <deque>
#include <limits>

#include "dissect/dissector.h"
#include "pcap_for_test.h"

namespace tocsin {
namespace {

using namespace test;

constexpr std::uint32_t kA = 0x0a000001, kB = 0xc6336401;

// A conversation between A and B that is then dissected whole.
class Talk {
 public:
  Talk& raw(const std::string& packet, Timestamp time) {
    frames_.push_back(packet);
    packets_.push_back(packet_of(frames_.back(), time, 101, packets_.size() + 1));
    return *this;
  }
  Talk& a(unsigned flags, std::uint32_t sequence = 100, Timestamp time = 0, unsigned port = 40000,
          const std::string& payload = {}) {
    return raw(ipv4(kA, kB, 6, tcp(port, 8080, sequence, flags, payload)), time);
  }
  Talk& b(unsigned flags, std::uint32_t sequence = 900, Timestamp time = 0, unsigned port = 40000) {
    return raw(ipv4(kB, kA, 6, tcp(8080, port, sequence, flags)), time);
  }
  std::vector<Flow> flows(DissectorLimits limits = {}) {
    PacketDissector dissector(limits);
    dissector.dissect(packets_, batch_);
    dissector.finish(batch_);
    counters = dissector.counters();
    return batch_.flows;
  }
  DissectorCounters counters;

 private:
  std::deque<std::string> frames_;
  std::vector<Packet> packets_;
  Batch batch_;
};

ConnState state_of(Talk& talk) {
  const std::vector<Flow> flows = talk.flows();
  EXPECT_EQ(flows.size(), 1U);
  return flows.empty() ? ConnState::kUnknown : flows[0].state;
}

TEST(Flow, NamesStatesAsZeekDoes) {
  EXPECT_EQ(state_of(Talk().a(kSyn)), ConnState::kS0);
  EXPECT_EQ(state_of(Talk().a(kSyn).b(kSyn | kAck).a(kAck, 101)), ConnState::kS1);
  EXPECT_EQ(state_of(Talk().a(kSyn).b(kSyn | kAck).a(kAck).a(kFin | kAck).b(kFin | kAck).a(kAck)), ConnState::kSF);
  EXPECT_EQ(state_of(Talk().a(kSyn).b(kSyn | kAck).a(kFin | kAck).b(kFin | kAck).a(kRst)), ConnState::kSF);
  EXPECT_EQ(state_of(Talk().a(kSyn).b(kRst | kAck)), ConnState::kREJ);
  EXPECT_EQ(state_of(Talk().a(kSyn).b(kSyn | kAck).a(kAck).a(kFin | kAck).b(kAck)), ConnState::kS2);
  EXPECT_EQ(state_of(Talk().a(kSyn).b(kSyn | kAck).a(kAck).b(kFin | kAck).a(kAck)), ConnState::kS3);
  EXPECT_EQ(state_of(Talk().a(kSyn).b(kSyn | kAck).a(kRst)), ConnState::kRSTO);
  EXPECT_EQ(state_of(Talk().a(kSyn).b(kSyn | kAck).a(kAck).b(kRst)), ConnState::kRSTR);
  EXPECT_EQ(state_of(Talk().a(kSyn).a(kRst)), ConnState::kRSTOS0);
  EXPECT_EQ(state_of(Talk().b(kSyn | kAck).b(kRst)), ConnState::kRSTRH);
  EXPECT_EQ(state_of(Talk().a(kSyn).a(kFin)), ConnState::kSH);
  EXPECT_EQ(state_of(Talk().b(kSyn | kAck).b(kFin)), ConnState::kSHR);
  EXPECT_EQ(state_of(Talk().a(kAck).b(kAck)), ConnState::kOTH);
}

TEST(Flow, CountsBothSidesAndKeepsThePlaceOfTheFirstPacket) {
  const auto flows = Talk().a(kSyn, 100, 5).b(kSyn | kAck, 900, 6).a(kPsh | kAck, 101, 9, 40000, "abc").flows();
  ASSERT_EQ(flows.size(), 1U);
  const Flow& flow = flows[0];
  EXPECT_EQ(flow.initiator, (Endpoint{IpAddress::v4(kA), 40000}));
  EXPECT_EQ(flow.responder, (Endpoint{IpAddress::v4(kB), 8080}));
  EXPECT_EQ(flow.initiator_packets, 2U);
  EXPECT_EQ(flow.initiator_bytes, 83U);
  EXPECT_EQ(flow.responder_packets, 1U);
  EXPECT_EQ(flow.responder_bytes, 40U);
  EXPECT_EQ(flow.first, 5);
  EXPECT_EQ(flow.last, 9);
  EXPECT_EQ(flow.place.record, 1U);
  EXPECT_EQ(flow.initiator_flags, kSyn | kPsh | kAck);
  EXPECT_EQ(flow.responder_flags, kSyn | kAck);
  EXPECT_EQ(flow.first_flags, kSyn);
  EXPECT_TRUE(flow.flags_known);
}

TEST(Flow, SynAckFirstMakesItsReceiverTheInitiator) {
  const auto flows = Talk().b(kSyn | kAck).flows();
  ASSERT_EQ(flows.size(), 1U);
  EXPECT_EQ(flows[0].initiator.ip, IpAddress::v4(kA));
  EXPECT_EQ(flows[0].responder_packets, 1U);
  EXPECT_EQ(flows[0].first_flags, kSyn | kAck);
}

TEST(Flow, MidstreamFromAWellKnownPortIsTurnedRound) {
  const auto flows = Talk().raw(ipv4(kB, kA, 6, tcp(443, 50000, 1, kAck, "x")), 0).flows();
  ASSERT_EQ(flows.size(), 1U);
  EXPECT_EQ(flows[0].responder.port, 443);
  const auto udp_flows = Talk().raw(ipv4(kB, kA, 17, udp(123, 50000, "x")), 0).flows();
  ASSERT_EQ(udp_flows.size(), 1U);
  EXPECT_EQ(udp_flows[0].initiator.port, 123);
}

TEST(Flow, RepeatedSynIsARetransmissionAndAnotherNumberANewFlow) {
  EXPECT_EQ(Talk().a(kSyn, 100).a(kSyn, 100, kSecond).a(kSyn, 100, 3 * kSecond).flows().size(), 1U);
  EXPECT_EQ(Talk().a(kSyn, 100).a(kSyn, 200, kSecond).flows().size(), 2U);
  Talk reused;
  reused.a(kSyn).b(kSyn | kAck).a(kFin | kAck).b(kFin | kAck).a(kSyn, 7777, kSecond).b(kSyn | kAck, 1, kSecond);
  const auto flows = reused.flows();
  ASSERT_EQ(flows.size(), 2U);
  EXPECT_EQ(flows[0].state, ConnState::kSF);
  EXPECT_EQ(flows[1].state, ConnState::kS1);
}

TEST(Flow, EndsByPacketTime) {
  const auto query = ipv4(kA, kB, 17, udp(4000, 9999, "x"));
  EXPECT_EQ(Talk().raw(query, 0).raw(query, 59 * kSecond).raw(query, 118 * kSecond).flows().size(), 1U);
  EXPECT_EQ(Talk().raw(query, 0).raw(query, 61 * kSecond).flows().size(), 2U);
  EXPECT_EQ(Talk().a(kSyn).b(kSyn | kAck).a(kAck, 101, 59 * kMinute).flows().size(), 1U);
  EXPECT_EQ(Talk().a(kSyn).b(kSyn | kAck).a(kAck, 101, 61 * kMinute).flows().size(), 2U);
  EXPECT_EQ(Talk().a(kSyn).b(kRst).a(kAck, 101, 4 * kSecond).flows().size(), 1U);
  EXPECT_EQ(Talk().a(kSyn).b(kRst).a(kAck, 101, 6 * kSecond).flows().size(), 2U);
}

TEST(Flow, TheSweepGivesOutSilentFlowsWhileOthersGoOn) {
  PacketDissector dissector;
  Batch batch;
  const std::string silent = ipv4(kA, kB, 17, udp(1, 2, "x"));
  const std::string other = ipv4(kA, kB, 17, udp(3, 4, "x"));
  const Packet first = packet_of(silent, 0, 101);
  dissector.dissect({&first, 1}, batch);
  for (int i = 0; i < 80; ++i) {
    const Packet packet = packet_of(other, i * kSecond, 101);
    dissector.dissect({&packet, 1}, batch);
  }
  ASSERT_EQ(batch.flows.size(), 1U);
  EXPECT_EQ(batch.flows[0].initiator.port, 1);
  EXPECT_EQ(dissector.live_flows(), 1U);
}

TEST(Flow, FullTablePushesOutTheOldest) {
  PacketDissector dissector({.flows = 3});
  Batch batch;
  for (unsigned port = 1; port <= 10; ++port) {
    const std::string frame = ipv4(kA, kB, 17, udp(port, 9, "x"));
    const Packet packet = packet_of(frame, port * 1000, 101);
    dissector.dissect({&packet, 1}, batch);
    EXPECT_LE(dissector.live_flows(), 3U);
  }
  ASSERT_EQ(batch.flows.size(), 7U);
  for (unsigned i = 0; i < 7; ++i) EXPECT_EQ(batch.flows[i].initiator.port, i + 1);
  EXPECT_EQ(dissector.counters().flows_evicted, 7U);
}

TEST(Flow, EchoAndReplyAreOneFlowByIdentifier) {
  Talk talk;
  talk.raw(ipv4(kA, kB, 1, icmp(8, 0, 55)), 0).raw(ipv4(kB, kA, 1, icmp(0, 0, 55)), 1);
  talk.raw(ipv4(kA, kB, 1, icmp(8, 0, 56)), 2);
  const auto flows = talk.flows();
  ASSERT_EQ(flows.size(), 2U);
  EXPECT_EQ(flows[0].state, ConnState::kSF);
  EXPECT_EQ(flows[0].initiator.port, 8);
  EXPECT_EQ(flows[0].responder.port, 0);
  EXPECT_EQ(flows[1].state, ConnState::kS0);
}

TEST(Flow, AnIcmpErrorIsAFlowOfItsOwn) {
  Talk talk;
  talk.raw(ipv4(kA, kB, 17, udp(5, 6, "x")), 0).raw(ipv4(kB, kA, 1, icmp(3, 3, 0)), 1);
  talk.raw(ipv4(kA, kB, 1, icmp(3, 3, 0)), 2);
  const auto flows = talk.flows();
  ASSERT_EQ(flows.size(), 3U);
  EXPECT_EQ(flows[0].responder_packets, 0U);
}

TEST(Flow, LaterFragmentsGoToTheFlowOfTheirFirst) {
  Talk talk;
  const std::string whole = udp(7000, 7001, std::string(48, 'x'));
  talk.raw(ipv4(kA, kB, 17, whole.substr(0, 24), 0x2000), 0).raw(ipv4(kA, kB, 17, whole.substr(24), 3), 1);
  const auto flows = talk.flows();
  ASSERT_EQ(flows.size(), 1U);
  EXPECT_EQ(flows[0].initiator_packets, 2U);
  EXPECT_EQ(talk.counters.fragments, 1U);
  EXPECT_EQ(talk.counters.fragments_unclaimed, 0U);
  Talk orphan;
  orphan.raw(ipv4(kA, kB, 17, "abcdefgh", 3), 0);
  EXPECT_TRUE(orphan.flows().empty());
  EXPECT_EQ(orphan.counters.fragments_unclaimed, 1U);
}

TEST(Flow, ImpossibleTimesAreCountedNotCrashedOn) {
  Talk talk;
  talk.a(kSyn, 1, std::numeric_limits<Timestamp>::max()).a(kSyn, 1, std::numeric_limits<Timestamp>::min());
  talk.a(kSyn, 1, -5).a(kSyn, 1, Timestamp{1} << 59).a(kSyn, 1, 0);
  talk.flows();
  EXPECT_EQ(talk.counters.bad, 2U);
}

TEST(Flow, AMillionFlowsFitInto256MiB) {
  PacketDissector dissector;
  Batch batch;
  std::string frame = ipv4(kA, kB, 17, udp(1, 2, "x"));
  for (std::uint32_t i = 0; i < 1'000'000; ++i) {
    const std::string source = n32(0x0b000000 + i);
    frame.replace(12, 4, source);
    const Packet packet = packet_of(frame, i, 101);
    dissector.dissect({&packet, 1}, batch);
  }
  EXPECT_EQ(dissector.live_flows(), 1'000'000U);
  EXPECT_LT(dissector.flow_bytes(), 256U << 20);
}

}  // namespace
}  // namespace tocsin
