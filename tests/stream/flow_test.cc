#include "talk.h"

namespace tocsin::stream {
namespace {

using packet::kAck;
using packet::kSyn;
using testing::ElementsAre;
using testing::IsEmpty;

std::string big(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}
std::string datagram(std::uint8_t protocol, std::uint32_t from, std::uint32_t to, const std::string& payload) {
  return big(0x4500, 2) + big(20 + payload.size(), 2) + big(0, 4) + big(64, 1) + big(protocol, 1) + big(0, 2) +
         big(from, 4) + big(to, 4) + payload;
}
std::string udp(std::uint16_t from, std::uint16_t to, const std::string& payload) {
  return big(from, 2) + big(to, 2) + big(8 + payload.size(), 2) + big(0, 2) + payload;
}

TEST(Flow, OfUdpIsEstablishedByTheAnswer) {
  Talk talk;
  EXPECT_FALSE(talk.take(datagram(17, 1, 2, udp(5000, 6000, "q"))).is_established);
  const std::uint64_t id = talk.last.flow->id;
  EXPECT_TRUE(talk.take(datagram(17, 2, 1, udp(6000, 5000, "a"))).is_established);
  EXPECT_EQ(talk.last.flow->id, id);
  EXPECT_EQ(talk.last.side, Side::kToClient);
  EXPECT_EQ(talk.last.flow->packets[0], 1u);
  EXPECT_EQ(talk.last.flow->bytes[1], 29u);
}

TEST(Flow, OfAnEchoHasItsReply) {
  Talk talk;
  talk.take(datagram(1, 1, 2, big(0x0800, 2) + big(0, 6)));
  const std::uint64_t id = talk.last.flow->id;
  talk.take(datagram(1, 2, 1, big(0x0000, 2) + big(0, 6)));
  EXPECT_EQ(talk.last.flow->id, id);
  EXPECT_EQ(talk.last.side, Side::kToClient);
  EXPECT_EQ(talk.last.flow->icmp_type[0], 8);
}

TEST(Flow, HasTheErrorsAboutIt) {
  Talk talk;
  const std::string question = datagram(17, 1, 2, udp(5000, 6000, "q"));
  talk.take(question);
  const std::uint64_t id = talk.last.flow->id;
  talk.take(datagram(1, 2, 1, big(0x0303, 2) + big(0, 6) + question));
  ASSERT_NE(talk.last.flow, nullptr);
  EXPECT_EQ(talk.last.flow->id, id);
  EXPECT_EQ(talk.last.side, Side::kToClient);
}

TEST(Flow, IsNotMadeByErrors) {
  Talk talk;
  talk.take(datagram(1, 2, 1, big(0x0303, 2) + big(0, 6) + datagram(17, 1, 2, udp(5000, 6000, "q"))));
  EXPECT_EQ(talk.last.flow, nullptr);
}

TEST(Flow, EndsWhenItIsSilent) {
  Talk talk;
  talk.take(datagram(17, 1, 2, udp(5000, 6000, "q")));
  talk.time += 31 * kSecond;
  talk.take(datagram(17, 3, 4, udp(5000, 6000, "q")));
  EXPECT_THAT(talk.ended, ElementsAre("timeout"));
  talk.take(datagram(17, 1, 2, udp(5000, 6000, "q")));
  EXPECT_EQ(talk.last.flow->id, 3u);
}

TEST(Flow, OfACaptureThatGoesBackInTimeIsNotSilent) {
  Talk talk;
  talk.time += 1000 * kSecond;
  talk.take(datagram(17, 1, 2, udp(5000, 6000, "q")));
  talk.time -= 1000 * kSecond;
  talk.take(datagram(17, 3, 4, udp(5000, 6000, "q")));
  talk.take(datagram(17, 5, 6, udp(5000, 6000, "q")));
  talk.take(datagram(17, 3, 4, udp(5000, 6000, "r")));
  EXPECT_THAT(talk.ended, IsEmpty());
  EXPECT_EQ(talk.last.flow->packets[0], 2u);
}

TEST(Flow, IsDroppedInlineWhereItsParserGivesUp) {
  const std::string get(
      "\x30\x18\x02\x01\x00\x04\x01x\xa0\x10\x02\x01\x01\x02\x01\x00\x02\x01\x00\x30\x05\x30\x03\x06\x01\x2b", 26);
  std::string bad = get;
  bad[8] = '\x3f';
  for (const char* policy : {"auto", "ignore"}) {
    Options options;
    options.set("stream.inline", "yes");
    options.set("app-layer.error-policy", policy);
    Talk talk(options);
    talk.take(datagram(17, 1, 2, udp(5000, 161, get)));
    ASSERT_NE(talk.last.flow->application->protocol(), nullptr);
    EXPECT_FALSE(talk.last.should_drop);
    talk.take(datagram(17, 1, 2, udp(5000, 161, bad)));
    EXPECT_EQ(talk.last.should_drop, policy == std::string("auto"));
    EXPECT_EQ(talk.last.drop_reason, policy == std::string("auto") ? "applayer error" : "");
  }
}

TEST(Flow, TakesTimeoutsFromTheOptions) {
  Options options;
  options.set("flow-timeouts.udp.new", "100");
  Talk talk(options);
  talk.take(datagram(17, 1, 2, udp(5000, 6000, "q")));
  talk.time += 31 * kSecond;
  talk.take(datagram(17, 3, 4, udp(5000, 6000, "q")));
  EXPECT_THAT(talk.ended, IsEmpty());
}

TEST(Flow, StaysWithinItsMemoryWhenFlooded) {
  Options options;
  options.set("flow.memcap", "10mb");
  Talk talk(options);
  std::size_t most = 0;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    talk.client = 0x0a000000 + i;
    talk.frames.clear();
    talk.time -= 1000;
    talk.send({.flags = kSyn, .sequence = i});
    if (i % 5000 == 0) most = std::max<std::size_t>(most, talk.streams.counters().at("flow.active"));
  }
  EXPECT_EQ(talk.streams.counters().at("flow.total"), 100'000u);
  EXPECT_LE(most, 10'240u);
  EXPECT_EQ(talk.streams.counters().at("flow.get_used"), 100'000u - 10'240u);
}

TEST(Flow, SurvivesSegmentsThatMakeNoSense) {
  for (const bool is_inline : {false, true}) {
    Options options;
    if (is_inline) options.set("stream.inline", "yes");
    options.set("stream.midstream", "yes");
    options.set("stream.reassembly.memcap", "1mb");
    Talk talk(options);
    std::uint64_t state = 4711;
    const auto random = [&](std::uint32_t below) {
      return static_cast<std::uint32_t>((state = state * 6364136223846793005ULL + 1) >> 33) % below;
    };
    for (int i = 0; i < 60'000; ++i) {
      talk.client_port = static_cast<std::uint16_t>(40000 + random(20));
      talk.frames.clear();
      static constexpr std::uint8_t kFlags[] = {2, 18, 16, 16, 16, 24, 17, 20, 4, 48, 1, 0, 63};
      const bool is_wild = random(20) == 0;
      talk.send({.side = random(2) ? Side::kToClient : Side::kToServer,
                 .flags = kFlags[random(std::size(kFlags))],
                 .sequence = is_wild ? random(0xffffffff) : 1000 + random(300),
                 .acknowledgement = is_wild ? random(0xffffffff) : 1000 + random(300),
                 .payload = std::string(random(40), static_cast<char>('a' + random(26))),
                 .window = static_cast<std::uint16_t>(random(65536)),
                 .urgent = static_cast<std::uint16_t>(random(30))});
      if (i % 1000 == 0) {
        ASSERT_LE(talk.streams.counters().at("tcp.reassembly_memuse"), 2u << 20);
      }
      if (i % 64 == 0) talk.events.clear();
    }
    talk.streams.finish();
    EXPECT_EQ(talk.streams.counters().at("tcp.reassembly_memuse"), 0u);
    EXPECT_EQ(talk.streams.counters().at("flow.active"), 0u);
  }
}

}  // namespace
}  // namespace tocsin::stream
