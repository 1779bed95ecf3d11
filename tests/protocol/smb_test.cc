#include <gmock/gmock.h>

#include "talk.h"

namespace tocsin::protocol {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;
using testing::Said;
using testing::Talk;

std::string le(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(i < 8 ? value >> (8 * i) : 0);
  return text;
}
std::string wide(std::string_view text) {
  std::string result;
  for (const char c : text) result += {c, '\0'};
  return result;
}
std::string framed(const std::string& message) {
  return std::string{0, static_cast<char>(message.size() >> 16), static_cast<char>(message.size() >> 8),
                     static_cast<char>(message.size())} +
         message;
}
std::string smb2(int command, std::uint64_t message, bool is_answer, const std::string& body,
                 std::uint32_t status = 0) {
  return framed("\xfeSMB"s + le(64, 2) + le(0, 2) + le(status, 4) + le(command, 2) + le(1, 2) + le(is_answer, 4) +
                le(0, 4) + le(message, 8) + le(0, 4) + le(5, 4) + le(77, 8) + std::string(16, '\0') + body);
}

const std::string kFile = "0123456789abcdef";
std::string negotiate() {
  return smb2(0, 0, false, le(36, 2) + le(1, 2) + le(0, 8) + std::string(16, 'g') + le(0, 8) + le(0x0311, 2));
}
std::string negotiated() {
  return smb2(0, 0, true,
              le(65, 2) + le(0, 2) + le(0x0311, 2) + le(0, 2) + std::string(16, 's') + le(0, 4) + le(0, 4) +
                  le(1'000, 4) + le(2'000, 4) + std::string(24, '\0'));
}
std::string sign_in() {
  const std::string user = wide("kim"), domain = wide("CERT");
  const std::string blob = "NTLMSSP\0"s + le(3, 4) + le(0, 8) + le(0, 8) + le(domain.size(), 2) + le(0, 2) + le(64, 4) +
                           le(user.size(), 2) + le(0, 2) + le(64 + domain.size(), 4) + le(0, 8) + le(0, 8) + le(0, 4) +
                           domain + user;
  return smb2(1, 1, false, le(25, 2) + le(0, 10) + le(64 + 24, 2) + le(blob.size(), 2) + le(0, 8) + blob);
}
std::string connect(std::string_view share) {
  const std::string path = wide(share);
  return smb2(3, 2, false, le(9, 2) + le(0, 2) + le(64 + 8, 2) + le(path.size(), 2) + path);
}
std::string connected(int type) { return smb2(3, 2, true, le(16, 2) + le(type, 1) + le(0, 13)); }
std::string create(std::string_view file) {
  const std::string name = wide(file);
  return smb2(
      5, 3, false,
      le(57, 2) + std::string(34, '\0') + le(2, 4) + le(0, 4) + le(64 + 56, 2) + le(name.size(), 2) + le(0, 8) + name);
}
std::string created() { return smb2(5, 3, true, le(89, 2) + std::string(62, '\0') + kFile + le(0, 8)); }
std::string write(std::uint64_t message, std::uint64_t offset, const std::string& data) {
  return smb2(9, message, false,
              le(49, 2) + le(64 + 48, 2) + le(data.size(), 4) + le(offset, 8) + kFile + std::string(16, '\0') + data);
}
std::string close() { return smb2(6, 9, false, le(24, 2) + le(0, 6) + kFile); }

const std::vector<Said> kTalk = {{Side::kToServer, negotiate()},
                                 {Side::kToClient, negotiated()},
                                 {Side::kToServer, sign_in()},
                                 {Side::kToClient, smb2(1, 1, true, le(9, 2) + le(0, 6))},
                                 {Side::kToServer, connect("\\\\server\\share")},
                                 {Side::kToClient, connected(1)},
                                 {Side::kToServer, create("dir\\file.txt")},
                                 {Side::kToClient, created()},
                                 {Side::kToServer, write(4, 0, "hello ") + write(5, 6, "world")},
                                 {Side::kToServer, close()},
                                 {Side::kToClient, smb2(6, 9, true, le(60, 2) + le(0, 58))}};

TEST(Smb, FollowsAFileFromItsShare) {
  Talk talk(false, 445);
  talk.say(kTalk);
  ASSERT_EQ(talk.protocol(), "smb");
  ASSERT_EQ(talk.count(), 6U);
  EXPECT_THAT(talk.transaction(0).eve(), HasSubstr(R"("dialect":"3.11","command":"SMB2_COMMAND_NEGOTIATE_PROTOCOL",)"
                                                   R"("status":"STATUS_SUCCESS","status_code":"0x0")"));
  EXPECT_EQ(talk.at("smb.ntlmssp_user", Side::kToServer, 0, 1), "kim");
  EXPECT_EQ(talk.at("smb.ntlmssp_domain", Side::kToServer, 0, 1), "CERT");
  EXPECT_EQ(talk.at("smb.share", Side::kToServer, 0, 2), "\\\\server\\share");
  EXPECT_THAT(talk.transaction(3).eve(), HasSubstr(R"("filename":"dir\\file.txt","disposition":"FILE_CREATE")"));
  ASSERT_EQ(talk.transaction(4).files.size(), 1U);
  EXPECT_EQ(talk.transaction(4).files[0]->name, "dir\\file.txt");
  EXPECT_EQ(talk.transaction(4).files[0]->bytes, "hello world");
  EXPECT_EQ(talk.transaction(4).files[0]->state, File::State::kClosed);
  EXPECT_TRUE(talk.transaction(4).is_complete());
}

TEST(Smb, ReadsCallsOverPipes) {
  const std::string request =
      "\x05\x00\x00\x03\x10\x00\x00\x00"s + le(28, 2) + le(0, 2) + le(1, 4) + le(4, 4) + le(0, 2) + le(15, 2) + "stub";
  Talk talk(false, 445);
  talk.client(negotiate()).server(negotiated()).client(connect("\\\\server\\IPC$")).server(connected(2));
  talk.client(create("srvsvc")).server(created()).client(write(4, 0, request));
  ASSERT_EQ(talk.count(), 4U);
  EXPECT_EQ(talk.at("smb.named_pipe", Side::kToServer, 0, 1), "\\\\server\\IPC$");
  EXPECT_EQ(talk.at("dcerpc.stub_data", Side::kToServer, 0, 3), "stub");
  EXPECT_EQ(talk.value("dcerpc.opnum", Side::kToServer, 0, 3).number, 15U);
  EXPECT_THAT(talk.transaction(3).eve(),
              HasSubstr(R"("dcerpc":{"request":"REQUEST","response":"UNREPLIED","opnum":15)"));
}

TEST(Smb, BoundsItsTransactions) {
  Talk talk(false, 445);
  for (int i = 0; i < 5'000; ++i) talk.client(smb2(13, static_cast<std::uint64_t>(i), false, le(4, 4)));
  EXPECT_LE(talk.count(), 2'100U);
  EXPECT_TRUE(talk.has_event("smb.too_many_transactions"));
}

std::string smb1(int command, bool is_answer, const std::string& words, const std::string& data) {
  return framed("\xffSMB"s + le(command, 1) + le(0, 4) + le(is_answer ? 0x80 : 0, 1) + le(0, 2) + le(0, 12) + le(5, 2) +
                le(0, 2) + le(7, 2) + le(1, 2) + le(words.size() / 2, 1) + words + le(data.size(), 2) + data);
}

TEST(Smb, ReadsTheFirstVersion) {
  Talk talk(false, 139);
  talk.client(smb1(0x72, false, "", "\2PC 1.0\0\2NT LM 0.12\0"s)).server(smb1(0x72, true, le(1, 2), ""));
  talk.client(smb1(0x75, false, le(0, 6) + le(1, 2), "\0\\\\s\\IPC$\0?????\0"s));
  talk.server(smb1(0x75, true, le(0, 6), "IPC\0"s));
  ASSERT_EQ(talk.protocol(), "smb");
  EXPECT_THAT(talk.transaction(1).eve(),
              HasSubstr(R"("dialect":"NT LM 0.12","command":"SMB1_COMMAND_TREE_CONNECT_ANDX")"));
  EXPECT_EQ(talk.at("smb.named_pipe", Side::kToServer, 0, 1), "\\\\s\\IPC$");
}

TEST(Smb, StandsAnything) {
  testing::torment(kTalk, false, 445);
  testing::torment({{Side::kToServer, smb1(0x72, false, "", "\2NT LM 0.12\0"s)},
                    {Side::kToClient, smb1(0x72, true, le(0, 2), "")},
                    {Side::kToServer, smb1(0xa2, false, std::string(48, 'a'), "file\0"s)},
                    {Side::kToServer, smb1(0x2f, false, std::string(28, '\1'), "data")},
                    {Side::kToServer, smb1(0x25, false, std::string(32, '\x26'), "data")},
                    {Side::kToClient, smb1(0x25, true, std::string(20, '\1'), "data")}},
                   false, 139);
}

}  // namespace
}  // namespace tocsin::protocol
