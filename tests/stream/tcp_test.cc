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

}  // namespace
}  // namespace tocsin::stream
