#include "talk.h"

namespace tocsin::stream {
namespace {

using packet::kAck;
using packet::kFin;
using packet::kPush;
using packet::kRst;
using packet::kSyn;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

TEST(Tcp, IsEstablishedAfterTheHandshake) {
  Talk talk;
  talk.shake_hands();
  EXPECT_FALSE(talk.last.is_established);
  EXPECT_TRUE(talk.last.is_stream_established);
  EXPECT_TRUE(talk.client_says(1000, "hello").is_established);
  EXPECT_EQ(talk.last.side, Side::kToServer);
  EXPECT_TRUE(talk.server_acks(1005).is_established);
  EXPECT_EQ(talk.last.side, Side::kToClient);
  EXPECT_THAT(talk.events, IsEmpty());
}

TEST(Tcp, ReadsWhatWasAcknowledged) {
  Talk talk;
  talk.shake_hands();
  EXPECT_EQ(Talk::seen(talk.client_says(1000, "hello ")), "");
  talk.server_acks(1006);
  EXPECT_EQ(Talk::seen(talk.client_says(1006, "world")), "hello ");
  talk.server_acks(1011);
  EXPECT_EQ(Talk::seen(talk.client_acks(1011, 5000)), "hello world");
}

TEST(Tcp, ReadsAtOnceInline) {
  Options options;
  options.set("stream.inline", "yes");
  Talk talk(options);
  talk.shake_hands();
  EXPECT_EQ(Talk::seen(talk.client_says(1000, "hello ")), "hello ");
  EXPECT_EQ(Talk::seen(talk.client_says(1006, "world")), "hello world");
}

TEST(Tcp, PutsSegmentsInOrder) {
  Talk talk;
  talk.shake_hands();
  talk.client_says(1006, "world");
  talk.client_says(1000, "hello ");
  talk.server_acks(1011);
  EXPECT_EQ(Talk::seen(talk.client_acks(1011, 5000)), "hello world");
  EXPECT_THAT(talk.events, IsEmpty());
}

TEST(Tcp, TellsHoles) {
  Talk talk;
  talk.shake_hands();
  talk.client_says(1000, "one");
  talk.server_acks(1003);
  talk.client_says(1010, "two");
  talk.server_acks(1013);
  EXPECT_EQ(Talk::seen(talk.client_acks(1013, 5000)), "two");
  EXPECT_THAT(talk.events, Contains("reassembly_seq_gap"));
  EXPECT_EQ(talk.streams.counters().at("tcp.reassembly_gap"), 1u);
}

TEST(Tcp, FlushesBothSidesAtTheEnd) {
  Talk talk;
  talk.shake_hands();
  talk.client_says(1000, "never acknowledged");
  talk.streams.finish();
  EXPECT_THAT(talk.flushed, ElementsAre("never acknowledged", ""));
  EXPECT_THAT(talk.ended, ElementsAre("shutdown"));
  EXPECT_EQ(talk.last_state, "established");
}

TEST(Tcp, DoesNotFollowWhatBeganUnseen) {
  Talk talk;
  const Followed& followed = talk.client_says(1000, "hello");
  ASSERT_NE(followed.flow, nullptr);
  EXPECT_EQ(followed.flow->tcp, nullptr);
  EXPECT_FALSE(followed.is_established);
  talk.streams.finish();
  EXPECT_THAT(talk.flushed, IsEmpty());
}

TEST(Tcp, PicksUpInTheMiddleIfAsked) {
  Options options;
  options.set("stream.midstream", "true");
  Talk talk(options);
  talk.client_says(1000, "hello ");
  EXPECT_TRUE(talk.last.is_stream_established);
  talk.server_acks(1006);
  talk.client_says(1006, "world");
  talk.server_acks(1011);
  EXPECT_EQ(talk.client_stream(), "hello ");
  EXPECT_EQ(Talk::seen(talk.client_acks(1011, 5000)), "hello world");
}

TEST(Tcp, GoesThroughTheStatesOfClosing) {
  Talk talk;
  talk.shake_hands();
  talk.send({.flags = kFin | kAck, .sequence = 1000, .acknowledgement = 5000});
  talk.send({.side = Side::kToClient, .flags = kFin | kAck, .sequence = 5000, .acknowledgement = 1001});
  talk.client_acks(1001, 5001);
  EXPECT_EQ(talk.last.flow->tcp_summary().state, "closed");
  EXPECT_EQ(talk.last.flow->state, FlowState::kClosed);
  EXPECT_THAT(talk.events, IsEmpty());
}

TEST(Tcp, BeginsAnewOnPortsThatAreFree) {
  Talk talk;
  talk.shake_hands();
  talk.send({.side = Side::kToClient, .flags = kRst | kAck, .sequence = 5000, .acknowledgement = 1000});
  talk.send({.flags = kSyn, .sequence = 77777});
  EXPECT_THAT(talk.ended, ElementsAre("tcp_reuse"));
  EXPECT_EQ(talk.streams.counters().at("flow.total"), 2u);
}

TEST(Tcp, DoesNotTakeWrongChecksums) {
  Options options;
  options.set("stream.checksum-validation", "yes");
  Talk talk(options);
  talk.shake_hands();
  EXPECT_TRUE(talk.last.is_wrong_checksum);
  EXPECT_EQ(talk.last.flow->tcp, nullptr);
}

TEST(Tcp, LooksAtEachPieceOfWhatIsLeftAtTheEnd) {
  Talk talk;
  talk.shake_hands();
  talk.client_says(1000, "VERY");
  talk.client_says(1008, "DATA");
  const auto pieces = talk.last.flow->pieces(Side::kToServer);
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[1].offset, 8u);
  talk.streams.finish();
  EXPECT_THAT(talk.flushed, ElementsAre("VERY", "DATA", ""));
  EXPECT_EQ(talk.streams.counters().at("tcp.reassembly_gap"), 0u);
}

TEST(Tcp, LeavesOutUrgentBytes) {
  const auto read = [](const char* policy, bool is_inline) {
    Options options;
    options.set("stream.reassembly.urgent.policy", policy);
    if (is_inline) options.set("stream.inline", "yes");
    Talk talk(options);
    talk.shake_hands();
    talk.send(
        {.flags = kAck | packet::kUrgent, .sequence = 1000, .acknowledgement = 5000, .payload = "evX", .urgent = 3});
    talk.client_says(1003, "il");
    talk.streams.finish();
    std::string all;
    for (const std::string& piece : talk.flushed) all += piece;
    return all;
  };
  EXPECT_EQ(read("oob", false), "evil");
  EXPECT_EQ(read("inline", false), "evXil");
  EXPECT_EQ(read("gap", false), "evil");
}

TEST(Tcp, StopsAtTheDepth) {
  Options options;
  options.set("stream.reassembly.depth", "10");
  Talk talk(options);
  talk.shake_hands();
  talk.client_says(1000, "12345");
  talk.client_says(1005, "67890");
  talk.client_says(1010, "x");
  EXPECT_THAT(talk.events, ElementsAre("reassembly_depth_reached"));
  talk.server_acks(1011);
  EXPECT_EQ(Talk::seen(talk.client_acks(1011, 5000)), "1234567890");
}

TEST(Tcp, DoesNotEndASideForWhatLiesBeyondTheDepthBehindAHole) {
  Options options;
  options.set("stream.reassembly.depth", "10");
  options.set("stream.midstream", "yes");
  for (const bool is_midstream : {false, true}) {
    Talk talk(options);
    if (!is_midstream) talk.shake_hands();
    talk.client_says(1000, "123");
    talk.client_says(1500, "far away");
    EXPECT_THAT(talk.events, Not(Contains("reassembly_depth_reached"))) << is_midstream;
    talk.client_says(1003, "4567890");
    talk.server_acks(1010);
    EXPECT_EQ(Talk::seen(talk.client_acks(1010, 5000)), "1234567890") << is_midstream;
    talk.client_says(1010, "x");
    EXPECT_THAT(talk.events, Contains("reassembly_depth_reached")) << is_midstream;
  }
}

// What each system takes of segments that overlap (Novak and Sturges).
std::string chosen(const char* system) {
  Options options;
  options.set(std::string("host-os-policy.") + system, "0.0.0.0/0");
  Talk talk(options);
  talk.shake_hands();
  const std::tuple<const char*, int> sent[] = {{"AAA", 1}, {"BB", 5},  {"CCC", 7}, {"D", 2},
                                               {"EE", 2},  {"FFF", 4}, {"GGG", 7}, {"HH", 9}};
  for (const auto& [letters, at] : sent) talk.client_says(1000 + static_cast<std::uint32_t>(at), letters);
  talk.client_says(1000, "_");
  talk.streams.finish();
  return talk.flushed[0];
}

TEST(Tcp, ChoosesAsTheTargetWould) {
  EXPECT_EQ(chosen("first"), "_AAAFBBCCCH");
  EXPECT_EQ(chosen("last"), "_AEEFFFGGHH");
  EXPECT_EQ(chosen("bsd"), "_AAAFFFCCCH");
  EXPECT_EQ(chosen("windows"), "_AAAFFFCCCH");
  EXPECT_EQ(chosen("linux"), "_AAAFFFCCCH");
  EXPECT_EQ(chosen("old-linux"), "_AAAFFFGGGH");
  EXPECT_EQ(chosen("solaris"), "_AAAFFFGGHH");
}

TEST(Tcp, TellsOfBytesThatDiffer) {
  Talk talk;
  talk.shake_hands();
  talk.client_says(1000, "GOODGOOD");
  talk.client_says(1002, "EVIL");
  EXPECT_THAT(talk.events, Contains("reassembly_overlap_different_data"));
  EXPECT_EQ(talk.streams.counters().at("tcp.overlap_diff_data"), 1u);
}

TEST(Tcp, WrapsAround) {
  Talk talk;
  talk.send({.flags = kSyn, .sequence = 0xfffffffa});
  talk.send({.side = Side::kToClient, .flags = kSyn | kAck, .sequence = 4999, .acknowledgement = 0xfffffffb});
  talk.client_acks(0xfffffffb, 5000);
  talk.client_says(0xfffffffb, "12345678");
  talk.server_acks(3);
  EXPECT_EQ(Talk::seen(talk.client_says(3, "9")), "12345678");
  EXPECT_THAT(talk.events, IsEmpty());
}

TEST(Tcp, ForgetsWhatWasLookedAt) {
  Talk talk;
  talk.shake_hands();
  std::uint32_t at = 1000;
  for (int i = 0; i < 500; ++i) {
    talk.client_says(at, std::string(1000, 'x'));
    at += 1000;
    talk.server_acks(at);
  }
  EXPECT_LT(talk.streams.counters().at("tcp.reassembly_memuse"), 40'000u);
  EXPECT_EQ(talk.last.flow->stream(Side::kToServer).end(), 499'000u);
}

TEST(Tcp, NamesWhatIsWrong) {
  const auto events = [](auto say) {
    Talk talk;
    say(talk);
    return talk.events;
  };
  const auto established = [&](auto say) {
    return events([&](Talk& talk) {
      talk.shake_hands();
      say(talk);
    });
  };
  EXPECT_THAT(events([](Talk& talk) { talk.send({.flags = kRst, .sequence = 1}); }), ElementsAre("rst_but_no_session"));
  EXPECT_THAT(events([](Talk& talk) { talk.send({.flags = kFin | kAck, .sequence = 1}); }),
              ElementsAre("fin_but_no_session"));
  EXPECT_THAT(events([](Talk& talk) {
                talk.send({.flags = kSyn, .sequence = 999});
                talk.send({.side = Side::kToClient, .flags = kSyn | kAck, .sequence = 4999, .acknowledgement = 1001});
              }),
              ElementsAre("3whs_synack_with_wrong_ack"));
  EXPECT_THAT(events([](Talk& talk) {
                talk.send({.flags = kSyn, .sequence = 999});
                talk.send({.flags = kSyn | kAck, .sequence = 999, .acknowledgement = 5000});
              }),
              ElementsAre("3whs_synack_in_wrong_direction"));
  EXPECT_THAT(events([](Talk& talk) {
                talk.send({.flags = kSyn, .sequence = 999});
                talk.send({.side = Side::kToClient, .flags = kSyn | kAck, .sequence = 4999, .acknowledgement = 1000});
                talk.client_acks(1000, 6000);
              }),
              ElementsAre("3whs_right_seq_wrong_ack_evasion"));
  EXPECT_THAT(established([](Talk& talk) { talk.client_says(1000, "x", 900000); }),
              ElementsAre("pkt_invalid_ack", "est_invalid_ack"));
  EXPECT_THAT(established([](Talk& talk) { talk.client_says(1000 + 70000, "x"); }),
              ElementsAre("est_packet_out_of_window"));
  EXPECT_THAT(established([](Talk& talk) { talk.send({.flags = kSyn, .sequence = 999}); }),
              ElementsAre("est_syn_resend_diff_seq"));
  EXPECT_THAT(established([](Talk& talk) { talk.send({.flags = kSyn | kAck, .sequence = 999}); }),
              ElementsAre("est_synack_toserver"));
  EXPECT_THAT(established([](Talk& talk) { talk.send({.flags = kPush, .sequence = 1000, .acknowledgement = 7}); }),
              ElementsAre("pkt_broken_ack"));
  EXPECT_THAT(
      established([](Talk& talk) {
        talk.send(
            {.side = Side::kToClient, .flags = kRst | kAck, .sequence = 5000, .acknowledgement = 1000, .payload = "x"});
      }),
      ElementsAre("rst_with_data"));
  EXPECT_THAT(established([](Talk& talk) {
                talk.send({.flags = kFin | kAck, .sequence = 1000, .acknowledgement = 5000});
                talk.send({.flags = kSyn, .sequence = 999});
              }),
              ElementsAre("shutdown_syn_resend"));
}

TEST(Tcp, DropsInlineWhatIsNoneOfTheConnection) {
  Options options;
  options.set("stream.inline", "yes");
  Talk talk(options);
  talk.shake_hands();
  EXPECT_FALSE(talk.client_says(1000, "x").should_drop);
  EXPECT_TRUE(talk.send({.flags = kFin | kAck, .sequence = 200000, .acknowledgement = 5000}).should_drop);
  EXPECT_EQ(talk.last.drop_reason, "stream error");
}

TEST(Tcp, AppliesThePolicyForWhatBeganUnseen) {
  Options options;
  options.set("stream.inline", "yes");
  options.set("stream.midstream-policy", "drop-flow");
  Talk talk(options);
  EXPECT_TRUE(talk.client_says(1000, "x").should_drop);
  EXPECT_EQ(talk.last.drop_reason, "stream midstream");
  EXPECT_EQ(talk.last.flow->verdict, Verdict::kDrop);
}

}  // namespace
}  // namespace tocsin::stream
