// Protocols by which one logs in somewhere and takes orders: RDP, Telnet, IRC.
#include <gmock/gmock.h>

#include "talk.h"

namespace tocsin::protocol {
namespace {

using namespace std::string_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Said;
using testing::Talk;
using testing::torment;

std::string n16(unsigned value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }
std::string le16(unsigned value) { return {static_cast<char>(value), static_cast<char>(value >> 8)}; }
std::string le32(unsigned value) { return le16(value & 0xffff) + le16(value >> 16); }
std::string wide(std::string_view text, std::size_t size) {
  std::string out;
  for (const char c : text) out += std::string{c, '\0'};
  out.resize(size);
  return out;
}
std::string tpkt(const std::string& payload) {
  return "\3\0"s + n16(static_cast<unsigned>(payload.size() + 4)) + payload;
}
std::string x224(char code, const std::string& rest) {
  return tpkt(std::string{static_cast<char>(6 + rest.size()), code} + std::string(5, '\0') + rest);
}
// An element of BER with a length of two bytes.
std::string ber(const std::string& tag, const std::string& content) {
  return tag + '\x82' + n16(static_cast<unsigned>(content.size())) + content;
}

const std::string kRequest = x224('\xe0', "Cookie: mstshash=admin\r\n"s + "\1\1"s + le16(8) + le32(3));
const std::string kConfirm = x224('\xd0', "\2\x0b"s + le16(8) + le32(0));
const std::string kRefused = x224('\xd0', "\3\0"s + le16(8) + le32(5));

std::string connect_initial() {
  const std::string core = le32(0x00080004) + le16(1920) + le16(1080) + le16(0xca01) + le16(0xaa03) + le32(0x0405) +
                           le32(7601) + wide("WORKSTATION-7", 32) + le32(4) + le32(0) + le32(12) + wide("", 64) +
                           le16(0xca01) + le16(1) + le32(0) + le16(24) + le16(7) + le16(0x0021) +
                           wide("55274-OEM", 64) + "\6\0"s + le32(0);
  const std::string channels = le32(2) + "rdpdr\0\0\0"s + le32(0) + "cliprdr\0"s + le32(0);
  const std::string blocks = le16(0xc001) + le16(static_cast<unsigned>(core.size() + 4)) + core + le16(0xc003) +
                             le16(static_cast<unsigned>(channels.size() + 4)) + channels;
  const std::string user_data = "\0\5\0\x14\x7c\0\1\x81\x2a\0\x08\0\x10\0\1\xc0\0"s + "Duca" +
                                n16(0x8000 | static_cast<unsigned>(blocks.size())) + blocks;
  const std::string parameters = ber("\x30", "");
  return tpkt("\2\xf0\x80"s +
              ber("\x7f\x65", "\4\1\1\4\1\1\1\1\xff"s + parameters + parameters + parameters + ber("\4", user_data)));
}
const std::string kConnected = tpkt("\2\xf0\x80"s + ber("\x7f\x66", "\x0a\1\0"s));

TEST(Rdp, SaysWhoAsksFromWhichMachine) {
  Talk talk(false, 3389);
  talk.client(kRequest).server(kConfirm).client(connect_initial()).server(kConnected).client("\3\0\0\x08\2\xf0\x80x"s);
  ASSERT_EQ(talk.protocol(), "rdp");
  ASSERT_EQ(talk.count(), 4U);
  EXPECT_EQ(talk.transaction(0).eve(), R"("rdp":{"tx_id":0,"event_type":"initial_request","cookie":"admin",)"
                                       R"("flags":["restricted_admin_mode_required"]})");
  EXPECT_EQ(talk.transaction(1).eve(),
            R"("rdp":{"tx_id":1,"event_type":"initial_response","server_supports":["extended_client_data",)"
            R"("dynvc_gfx","restricted_admin"],"protocol":"rdp"})");
  EXPECT_EQ(talk.transaction(2).eve(),
            R"("rdp":{"tx_id":2,"event_type":"connect_request","client":{"version":"v5","desktop_width":1920,)"
            R"("desktop_height":1080,"color_depth":24,"keyboard_layout":"cs-CZ","build":"Windows 7 SP1",)"
            R"("client_name":"WORKSTATION-7","keyboard_type":"enhanced","function_keys":12,"product_id":1,)"
            R"("capabilities":["support_errinfo_pdf","valid_connection_type"],"id":"55274-OEM",)"
            R"("connection_hint":"lan"},"channels":["rdpdr","cliprdr"]})");
  EXPECT_EQ(talk.transaction(3).eve(), R"("rdp":{"tx_id":3,"event_type":"connect_response"})");
}

TEST(Rdp, SaysWhyAServerRefuses) {
  Talk talk(false, 3389);
  talk.client(kRequest).server(kRefused);
  EXPECT_EQ(talk.transaction(1).eve(), R"("rdp":{"tx_id":1,"event_type":"initial_response","error_code":5,)"
                                       R"("reason":"hybrid required by server"})");
}

TEST(Rdp, IsFoundOnAnyPort) {
  Talk talk(false, 50'000);
  for (const char c : kRequest) talk.client(std::string(1, c));
  EXPECT_EQ(talk.protocol(), "rdp");
}

TEST(Rdp, OtherProtocolsOverTpktAreNot) {
  Talk talk(false, 102);  // S7: parameters of X.224 in the request
  talk.client("\3\0\0\x16\x11\xe0\0\0\0\1\0\xc0\1\x0a\xc1\2\1\0\xc2\2\1\2"s);
  EXPECT_NE(talk.protocol(), "rdp");
}

TEST(Rdp, SurvivesDamage) {
  torment({{Side::kToServer, kRequest},
           {Side::kToClient, kConfirm},
           {Side::kToServer, connect_initial()},
           {Side::kToClient, kConnected}},
          false, 3389);
  torment({{Side::kToServer, kRequest},
           {Side::kToClient, kConfirm},
           {Side::kToClient, "\x16\3\1\0\x0a\x0b\0\0\6\0\0\3\0\0\0"s}},
          false, 3389);
}

TEST(Telnet, SaysWhoTriedAndWhetherHeWasLetIn) {
  Talk talk(false, 23);
  talk.server("\xff\xfd\x18\xff\xfb\x01\r\nhost login: "s).client("\xff\xfc\x18root\r\0"s);
  talk.server("root\r\nPassword: ").client("12345\r\n");
  EXPECT_FALSE(talk.transaction().is_complete());
  talk.server("\r\nLogin incorrect\r\nhost login: ")
      .client("admox\bin\r\n")
      .server("Password: ")
      .client("\xff\xffpw\r\n");
  talk.server("\r\nWelcome\r\nadmin@host:~$ ");
  ASSERT_EQ(talk.protocol(), "telnet");
  ASSERT_EQ(talk.count(), 2U);
  EXPECT_TRUE(talk.transaction(0).is_complete());
  EXPECT_EQ(talk.transaction(0).eve(), R"("telnet":{"user":"root","login":"failed"})");
  EXPECT_EQ(talk.transaction(1).eve(), R"("telnet":{"user":"admoin","login":"succeeded"})");
}

TEST(Telnet, AskedAgainWithoutAWordItWasRefused) {
  Talk talk(false, 23);
  talk.server("\xff\xfb\x01Username: ").client("cisco\r\n").server("Password: ").client("cisco\r\n");
  talk.server("Password: ").client("x\r\n").end();
  EXPECT_EQ(talk.transaction().eve(), R"("telnet":{"user":"cisco","login":"failed"})");
}

TEST(Telnet, SurvivesDamage) {
  torment({{Side::kToClient, "\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0login: "s},
           {Side::kToServer, "\xff\xfa\x18\0xterm\xff\xf0root\r\n"s},
           {Side::kToClient, "Password: "},
           {Side::kToServer, "secret\r\n"},
           {Side::kToClient, "# "}},
          false, 23);
}

TEST(Irc, SaysWhoSteersWhom) {
  Talk talk(false, 6667);
  talk.client("PASS hunter2\r\nNICK bot-17\r\nUSER u 0 * :Bot 17\r\n");
  talk.server(":srv.example 001 bot-17 :Welcome\r\n:srv.example 372 bot-17 :motd\r\nPING :x\r\n");
  talk.client("PONG :x\r\nJOIN #cmd\r\n");
  talk.server(":srv 332 bot-17 #cmd :.ddos 192.0.2.1\r\n:boss!b@evil.example PRIVMSG #cmd :.update http://x/\r\n");
  ASSERT_EQ(talk.protocol(), "irc");
  ASSERT_EQ(talk.count(), 7U);
  EXPECT_EQ(talk.transaction(0).eve(), R"("irc":{"command":"PASS"})");
  EXPECT_EQ(talk.transaction(1).eve(), R"("irc":{"command":"NICK","target":"bot-17"})");
  EXPECT_EQ(talk.transaction(3).eve(),
            R"("irc":{"command":"001","source":"srv.example","target":"bot-17","text":"Welcome"})");
  EXPECT_EQ(talk.transaction(6).eve(), R"("irc":{"command":"PRIVMSG","source":"boss!b@evil.example","target":"#cmd",)"
                                       R"("text":".update http://x/"})");
}

TEST(Irc, FtpAndMailAreNot) {
  for (const char* said : {"USER anonymous\r\nPASS x@\r\n", "PASS\r\n", "PASS a\r\nPASS b\r\n"}) {
    Talk talk(false, 6667);
    talk.client(said).client("SYST\r\n");
    EXPECT_NE(talk.protocol(), "irc") << said;
  }
}

TEST(Irc, LinesWithoutEndAreCut) {
  Talk talk(false, 6667);
  talk.client("NICK a\r\n").server(":s PRIVMSG #c :" + std::string(100'000, 'x') + "\r\n");
  ASSERT_EQ(talk.count(), 2U);
  EXPECT_LT(talk.transaction(1).eve().size(), 9000U);
}

TEST(Irc, SurvivesDamage) {
  torment({{Side::kToServer, "NICK a\r\nUSER u 0 * :B\r\n"},
           {Side::kToClient, "@t=1 :s 001 a :W\r\n:b PRIVMSG #c :go\r\n"},
           {Side::kToServer, "JOIN #c\r\n"}},
          false, 6667);
}

}  // namespace
}  // namespace tocsin::protocol
