#include "packet/defragmenter.h"

#include "frames.h"

namespace tocsin::packet {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// A fragment of eights of bytes.
std::string piece(const std::string& data, int at, bool more, std::uint16_t id = 7) {
  return ipv4(data, {.protocol = 253, .id = id, .fragment = static_cast<std::uint16_t>(at | (more ? 0x2000 : 0))});
}
std::string eights(std::string_view letters) {
  std::string text;
  for (const char letter : letters) text += std::string(8, letter);
  return text;
}
std::string payload_of(Frames& frames) {
  for (const Packet& packet : frames.packets) {
    if (packet.origin == Origin::kDefragmented) return Frames::text(packet.network_payload);
  }
  return "none";
}

TEST(Defragmenter, PutsFragmentsTogetherInAnyOrder) {
  Frames frames;
  frames.ip(piece(eights("CD"), 2, false));
  EXPECT_EQ(payload_of(frames), "none");
  frames.ip(piece(eights("AB"), 0, true));
  EXPECT_EQ(payload_of(frames), eights("ABCD"));
  const Packet& whole = frames.packets.back();
  EXPECT_FALSE(whole.is_fragment());
  EXPECT_TRUE(whole.network_checksum_right);
  EXPECT_EQ(frames.count("defrag.ipv4.fragments"), 2u);
  EXPECT_EQ(frames.count("defrag.ipv4.reassembled"), 1u);
}

TEST(Defragmenter, PutsIpv6Together) {
  Frames frames;
  const std::string data = udp(std::string(24, 'x'));
  frames.ip(ipv6(hex("1100 0001 00000009") + data.substr(0, 16), 44));
  frames.ip(ipv6(hex("1100 0010 00000009") + data.substr(16), 44));
  ASSERT_THAT(frames.packets, SizeIs(2));
  EXPECT_TRUE(frames.packets[1].is_udp());
  EXPECT_EQ(Frames::text(frames.packets[1].payload), std::string(24, 'x'));
  EXPECT_EQ(frames.count("defrag.ipv6.reassembled"), 1u);
}

// The model of Novak and Sturges: which of two fragments of the same bytes each system takes.
std::string chosen(const std::string& system) {
  Options options;
  options.set("host-os-policy." + system, "0.0.0.0/0");
  Frames frames(options);
  const std::tuple<const char*, int> sent[] = {{"AAA", 0},  {"BB", 4},   {"CCC", 6}, {"D", 1},
                                               {"EE", 1},   {"FFF", 3},  {"GGG", 6}, {"HHHH", 9},
                                               {"III", 12}, {"JJJ", 15}, {"KKK", 18}};
  for (const auto& [letters, at] : sent) frames.ip(piece(eights(letters), at, true));
  frames.ip(piece(eights("LL"), 21, false));
  std::string letters;
  const std::string data = payload_of(frames);
  for (std::size_t i = 0; i < data.size(); i += 8) letters += data[i];
  return letters;
}

TEST(Defragmenter, ChoosesAsTheTargetWould) {
  EXPECT_EQ(chosen("first"), "AAAFBBCCCHHHHIIJJJKKKLL");
  EXPECT_EQ(chosen("last"), "AEEFFFGGGHHHIIIJJJKKKLL");
  EXPECT_EQ(chosen("bsd"), "AAAFFFCCCHHHHIIJJJKKKLL");
  EXPECT_EQ(chosen("linux"), "AAAFFFGGGHHHHIIJJJKKKLL");
  EXPECT_EQ(chosen("windows"), "AAAFBBCCCHHHHIIJJJKKKLL");
  EXPECT_EQ(chosen("solaris"), "AAAFFFCCCHHHHIIJJJKKKLL");
}

TEST(Defragmenter, TellsOverlapsAndDatagramsTooLarge) {
  Frames frames;
  frames.ip(piece(eights("AB"), 0, true));
  frames.ip(piece(eights("BC"), 1, true));
  EXPECT_THAT(frames.events(), ElementsAre("ipv4.frag_overlap"));
  frames.ip(piece(eights("ABCDEFGHIJ"), 8189, false));
  EXPECT_THAT(frames.events(), ElementsAre("ipv4.frag_pkt_too_large"));
}

TEST(Defragmenter, ForgetsWhatWaitedTooLong) {
  Frames frames;
  frames.ip(piece(eights("AB"), 0, true));
  frames.time += 61 * kSecond;
  frames.ip(piece(eights("CD"), 2, false));
  EXPECT_EQ(payload_of(frames), "none");
  EXPECT_EQ(frames.count("defrag.wrk.tracker_timeout"), 1u);
}

TEST(Defragmenter, KeepsFragmentsOfOthersApart) {
  Frames frames;
  frames.ip(piece(eights("AB"), 0, true, 1));
  frames.ip(piece(eights("CD"), 2, false, 2));
  EXPECT_EQ(payload_of(frames), "none");
}

TEST(Defragmenter, StaysWithinItsMemory) {
  Options options;
  options.set("defrag.memcap", "1mb");
  Frames frames(options);
  for (std::uint32_t i = 0; i < 20000; ++i) {
    frames.ip(
        ipv4(std::string(1000, 'x'),
             {.protocol = 253, .id = static_cast<std::uint16_t>(i), .fragment = 0x2001, .source = 0x0a000000 + i}));
    if (i % 1000 == 0) {
      EXPECT_LE(frames.count("defrag.memuse"), 1u << 20);
    }
  }
  EXPECT_GT(frames.count("defrag.tracker_hard_reuse"), 10000u);
}

TEST(Defragmenter, FollowsThePolicyWhenMemoryRunsOut) {
  Options options;
  options.set("simulate-packet-defrag-memcap", "2");
  options.set("stream.inline", "yes");
  options.set("defrag.memcap-policy", "drop-packet");
  Frames frames(options);
  frames.ip(piece(eights("AB"), 0, true));
  EXPECT_EQ(frames.packets[0].exception_policy, ExceptionPolicy::kNone);
  frames.ip(piece(eights("CD"), 2, false));
  EXPECT_EQ(frames.packets[0].exception_policy, ExceptionPolicy::kDropPacket);
  EXPECT_THAT(frames.packets, SizeIs(1));
}

TEST(Defragmenter, SurvivesFragmentsThatMakeNoSense) {
  Frames frames;
  std::uint64_t state = 99;
  const auto random = [&] { return static_cast<std::uint32_t>((state = state * 6364136223846793005ULL + 1) >> 40); };
  for (int i = 0; i < 50000; ++i) {
    frames.ip(piece(std::string(random() % 70, 'x'), static_cast<int>(random() % 40), random() % 4 != 0,
                    static_cast<std::uint16_t>(random() % 5)));
  }
  EXPECT_GT(frames.count("defrag.ipv4.reassembled"), 0u);
}

}  // namespace
}  // namespace tocsin::packet
