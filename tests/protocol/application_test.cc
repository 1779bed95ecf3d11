#include "protocol/protocols.h"
#include "talk.h"

namespace tocsin::protocol {
namespace {

using namespace std::string_literals;
using testing::Talk;

const std::string kTls = "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"s;
const std::string kNoise(100, '#');

TEST(Application, KnowsAProtocolByWhatItSays) {
  EXPECT_EQ(Talk().client("SSH-2.0-a\r\n").protocol(), "ssh");
  EXPECT_EQ(Talk().client("EHLO a\r\n").protocol(), "smtp");
  EXPECT_EQ(Talk().client("USER a\r\n").protocol(), "ftp");
  EXPECT_EQ(Talk().client(kTls).protocol(), "tls");
}

TEST(Application, WaitsForTheRestOfAPattern) {
  Talk talk;
  talk.client("S");
  EXPECT_EQ(talk.protocol(), "");
  talk.client("SH").client("-2.0-a\r\n");
  EXPECT_EQ(talk.protocol(), "ssh");
  EXPECT_EQ(talk.at("ssh.software"), "a");
}

TEST(Application, FailsWhereNothingIsRecognised) {
  Talk talk;
  talk.client(kNoise);
  EXPECT_FALSE(talk.application.has_failed());
  talk.server(kNoise);
  EXPECT_TRUE(talk.application.has_failed());
  EXPECT_EQ(talk.application.protocol(), nullptr);
}

// What waits is bounded in all flows together: 64 MiB, of which these would be 72.
TEST(Application, GivesUpWhereTooMuchWaitsInAll) {
  const std::string much(90'000, '#');
  {
    std::vector<std::unique_ptr<Talk>> talks;
    for (int i = 0; i < 800; ++i) talks.push_back(std::make_unique<Talk>());
    for (const auto& talk : talks) talk->client(much);
    EXPECT_FALSE(talks.front()->application.has_failed());
    EXPECT_TRUE(talks.back()->application.has_failed());
    EXPECT_TRUE(talks.back()->has_event("applayer_proto_detection_skipped"));
  }
  // They are gone, and there is room again.
  Talk talk;
  talk.client(much);
  EXPECT_FALSE(talk.application.has_failed());
}

TEST(Application, TellsThatBothSidesDiffer) {
  Talk talk;
  talk.client("SSH-2.0-a\r\n").server(kTls);
  EXPECT_TRUE(talk.has_event("applayer_mismatch_protocol_both_directions"));
  EXPECT_EQ(talk.protocol(), "ssh");
  EXPECT_EQ(talk.application.protocol_of(Side::kToClient)->name(), "tls");
}

TEST(Application, TellsThatOnlyOneSideWasRecognised) {
  Talk talk;
  talk.client("SSH-2.0-a\r\n").server(kNoise);
  EXPECT_TRUE(talk.has_event("applayer_detect_protocol_only_one_direction"));
  EXPECT_EQ(talk.protocol(), "ssh");
  EXPECT_EQ(talk.application.protocol_of(Side::kToClient), nullptr);
}

TEST(Application, TellsThatTheWrongSideBegan) {
  Talk talk;
  talk.server(kTls).client(kTls);
  EXPECT_TRUE(talk.has_event("applayer_wrong_direction_first_data"));
  EXPECT_TRUE(talk.application.has_failed());
}

TEST(Application, FeedsInTheOrderInWhichItCame) {
  Talk talk(false, 25);
  talk.server("220 mail.example.org ready\r\n");
  EXPECT_EQ(talk.protocol(), "");
  talk.client("EHLO a\r\n");
  EXPECT_EQ(talk.protocol(), "smtp");
  EXPECT_FALSE(talk.has_event("smtp.no_server_welcome_message"));
  EXPECT_EQ(talk.at("smtp.helo"), "a");
}

TEST(Application, GivesUpWaitingForASilentSide) {
  Talk talk;
  for (int i = 0; i < 1'100; ++i) talk.client(kNoise);
  EXPECT_TRUE(talk.has_event("applayer_proto_detection_skipped"));
  EXPECT_TRUE(talk.application.has_failed());
}

TEST(Application, LooksOnlyForWhatIsEnabled) {
  Options options;
  options.set("app-layer.protocols.ssh.enabled", "no");
  EXPECT_EQ(Talk(false, 0, options).client("SSH-2.0-a\r\n").protocol(), "");
  options.set("app-layer.protocols.ssh.enabled", "detection-only");
  Talk talk(false, 0, options);
  talk.client("SSH-2.0-a\r\n");
  EXPECT_EQ(talk.protocol(), "ssh");
  EXPECT_EQ(talk.application.parser(), nullptr);
}

TEST(Application, TurnsAFlowAroundThatWasMetInTheMiddle) {
  Talk talk;
  talk.application.set_midstream();
  talk.client("220 (vsFTPd)\r\n");
  EXPECT_EQ(talk.protocol(), "ftp");
  EXPECT_TRUE(talk.application.is_reversed);
}

TEST(Application, HasNoFieldsOfOthers) {
  for (const Protocol* protocol : protocols()) {
    EXPECT_LT(protocol->field("no.such"), 0) << protocol->name();
    EXPECT_EQ(find_protocol(protocol->name()), protocol);
  }
}

}  // namespace
}  // namespace tocsin::protocol
