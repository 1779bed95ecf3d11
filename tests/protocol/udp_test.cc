#include <gmock/gmock.h>

#include "talk.h"

namespace tocsin::protocol {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;
using testing::Said;
using testing::Talk;

const std::string kInvite =
    "INVITE sip:bob@example.org SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nVia: SIP/2.0/UDP b\r\nf: Alice <sip:a@example.org>\r\n"
    "Content-Length: 48\r\n\r\nv=0\r\ns=call\r\nm=audio 1 RTP/AVP 0\r\na=sendrecv\r\n\r\n";
const std::string kTrying = "SIP/2.0 100 Trying\r\nVia: SIP/2.0/UDP a\r\nContent-Length: 0\r\n\r\n";

TEST(Sip, ReadsMessagesAndWhatTheyDescribe) {
  Talk talk(true, 5060);
  talk.client(kInvite).server(kTrying);
  ASSERT_EQ(talk.protocol(), "sip");
  EXPECT_EQ(talk.at("sip.method"), "INVITE");
  EXPECT_EQ(talk.at("sip.via", Side::kToServer, 1), "SIP/2.0/UDP b");
  EXPECT_EQ(talk.at("sip.from"), "Alice <sip:a@example.org>");
  EXPECT_EQ(talk.at("sdp.session_name"), "call");
  EXPECT_EQ(talk.at("sdp.media.media"), "audio 1 RTP/AVP 0");
  EXPECT_EQ(talk.at("sip.stat_code", Side::kToClient, 0, 1), "100");
  EXPECT_EQ(talk.transaction(1).eve(),
            R"("sip":{"version":"SIP/2.0","code":"100","reason":"Trying","response_line":"SIP/2.0 100 Trying"})");
  EXPECT_THAT(talk.transaction(0).eve(),
              HasSubstr(R"("sdp":{"version":0,"session_name":"call","media_descriptions":[{"attributes":["sendrecv"],)"
                        R"("media":"audio 1 RTP/AVP 0"}]})"));
}

TEST(Sip, ReadsStreamsHoweverCut) {
  Talk talk(false, 5060);
  for (const char c : kInvite + kInvite) talk.client(std::string(1, c));
  talk.server(kTrying + kTrying);
  EXPECT_EQ(talk.count(), 4U);
}

TEST(Sip, TellsWhatIsOddAndStandsAnything) {
  Talk talk(true, 5060);
  talk.client(kInvite).client("INVITE nothing");
  EXPECT_TRUE(talk.has_event("sip.invalid_data"));
  testing::torment({{Side::kToServer, kInvite}, {Side::kToClient, kTrying}}, true, 5060);
  testing::torment({{Side::kToServer, kInvite}, {Side::kToClient, kTrying}}, false, 5060);
}

const std::string kDhcp = "\x02\x01\x06\x00\x00\x00\x00\x2a"s + std::string(4, '\0') + std::string(4, '\0') +
                          "\xc0\x00\x02\x05"s + std::string(8, '\0') + "\x02\x00\x00\x00\x00\x01"s +
                          std::string(10 + 192, '\0') + "\x63\x82\x53\x63\x35\x01\x05\x33\x04\x00\x00\x0e\x10\xff"s;

TEST(Dhcp, ReadsLeases) {
  Talk talk(true, 67);
  talk.server(kDhcp);
  ASSERT_EQ(talk.protocol(), "dhcp");
  EXPECT_EQ(talk.value("dhcp.leasetime", Side::kToClient).number, 3'600U);
  EXPECT_THAT(talk.transaction().eve(), HasSubstr(R"("type":"reply","id":42,"client_mac":"02:00:00:00:00:01",)"
                                                  R"("assigned_ip":"192.0.2.5")"));
  EXPECT_THAT(talk.transaction().eve(), HasSubstr(R"("dhcp_type":"ack","lease_time":3600)"));
  EXPECT_TRUE(talk.transaction().may_log(false));
  testing::torment({{Side::kToClient, kDhcp}}, true, 67);
}

TEST(Tftp, ReadsRequests) {
  Talk talk(true, 69);
  talk.client("\0\1a.bin\0OCTET\0"s);
  ASSERT_EQ(talk.protocol(), "tftp");
  EXPECT_EQ(talk.transaction().eve(), R"("tftp":{"packet":"read","file":"a.bin","mode":"octet"})");
  testing::torment({{Side::kToServer, "\0\1a.bin\0OCTET\0"s}}, true, 69);
}

TEST(Recognised, ProtocolsHaveNoParser) {
  Talk talk;
  talk.server("* OK IMAP4\r\n");
  EXPECT_EQ(talk.protocol(), "imap");
  EXPECT_EQ(talk.application.parser(), nullptr);
}

}  // namespace
}  // namespace tocsin::protocol
