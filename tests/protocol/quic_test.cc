#include "protocol/quic_packet.h"
#include "talk.h"

namespace tocsin::protocol {
namespace {

using namespace std::string_literals;

std::string hex(std::string_view text) {
  std::string result;
  for (const char c : text) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    result += kDigits[static_cast<std::uint8_t>(c) >> 4];
    result += kDigits[static_cast<std::uint8_t>(c) & 15];
  }
  return result;
}

// RFC 9001, A.1.
TEST(Quic, DerivesTheKeysOfInitialPackets) {
  const auto keys = quic::initial_keys(1, "\x83\x94\xc8\xf0\x3e\x51\x57\x08"s, Side::kToServer);
  ASSERT_TRUE(keys);
  EXPECT_EQ(hex(keys->key), "1f369613dd76d5467730efcbe3b1a22d");
  EXPECT_EQ(hex(keys->iv), "fa044b2f42a3fd3b46fb255c");
  EXPECT_EQ(hex(keys->header), "9f50449e04a0e810283a1e9933adedd2");
  EXPECT_FALSE(quic::initial_keys(0x12345678, "a", Side::kToServer));
}

// RFC 9369, A.1.
TEST(Quic, DerivesTheKeysOfTheSecondVersion) {
  const auto keys = quic::initial_keys(0x6b3343cf, "\x83\x94\xc8\xf0\x3e\x51\x57\x08"s, Side::kToServer);
  ASSERT_TRUE(keys);
  EXPECT_EQ(hex(keys->key), "8b1a0bc121284290a29e0971b5cd045d");
}

TEST(Quic, SplitsDatagrams) {
  const std::string one = "\xc0\x00\x00\x00\x01\x02"s + "ab" + "\x00\x00\x05"s + "12345";
  const std::string two = one + one;
  Bytes bytes = testing::bytes(two);
  const auto packet = quic::read_packet(bytes);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->type, quic::Type::kInitial);
  EXPECT_EQ(packet->destination, "ab");
  EXPECT_EQ(bytes.size(), one.size());
}

TEST(Quic, TellsWhatCannotBeDecryptedAndStandsAnything) {
  const std::string packet = "\xc0\x00\x00\x00\x01\x08"s + "abcdefgh" + "\x00\x00\x40\x40"s + std::string(64, 'x');
  testing::Talk talk(true, 443);
  talk.client(packet);
  ASSERT_EQ(talk.protocol(), "quic");
  EXPECT_EQ(talk.at("quic.version"), "1");
  EXPECT_TRUE(talk.has_event("quic.failed_decrypt"));
  testing::torment({{Side::kToServer, packet}, {Side::kToClient, packet}}, true, 443);
}

}  // namespace
}  // namespace tocsin::protocol
