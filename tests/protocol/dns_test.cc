#include <gmock/gmock.h>

#include "talk.h"

namespace tocsin::protocol {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;
using testing::Said;
using testing::Talk;

const std::string kQuery =
    "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07"
    "example\x03org\x00\x00\x01\x00\x01"s;
const std::string kAnswer =
    "\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00\x03www\x07"
    "example\x03org\x00\x00\x01\x00\x01"
    "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x07\x04host\xc0\x10"
    "\xc0\x2d\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x5d\xb8\xd8\x22"s;

std::string framed(const std::string& message) {
  return std::string{static_cast<char>(message.size() >> 8), static_cast<char>(message.size())} + message;
}

TEST(Dns, ReadsAQueryAndItsAnswer) {
  Talk talk(true, 53);
  talk.client(kQuery).server(kAnswer);
  ASSERT_EQ(talk.protocol(), "dns");
  ASSERT_EQ(talk.count(), 2U);
  EXPECT_EQ(talk.at("dns.query"), "www.example.org");
  EXPECT_EQ(talk.value("dns.query", Side::kToServer, 1).presence, Presence::kAbsent);
  EXPECT_EQ(talk.value("dns.rrtype").number, 1U);
  EXPECT_EQ(talk.at("dns.answer.name", Side::kToClient, 1, 1), "host.example.org");
  EXPECT_EQ(talk.at("dns.response.rrname", Side::kToClient, 2, 1), "host.example.org");
  EXPECT_EQ(talk.value("dns.rcode", Side::kToClient, 0, 1).presence, Presence::kWhole);
  EXPECT_TRUE(talk.transaction(0).is_skipped[1]);
  EXPECT_TRUE(talk.transaction(1).is_skipped[0]);
}

TEST(Dns, WritesEveAsVersion3) {
  Talk talk(true, 53);
  talk.client(kQuery).server(kAnswer);
  EXPECT_EQ(talk.transaction(0).eve(),
            R"("dns":{"version":3,"type":"request","tx_id":0,"id":4660,"flags":"100","rd":true,"opcode":0,)"
            R"("rcode":"NOERROR","queries":[{"rrname":"www.example.org","rrtype":"A"}]})");
  EXPECT_THAT(
      talk.transaction(1).eve(),
      HasSubstr(R"("answers":[{"rrname":"www.example.org","rrtype":"CNAME","ttl":60,"rdata":"host.example.org"},)"
                R"({"rrname":"host.example.org","rrtype":"A","ttl":60,"rdata":"93.184.216.34"}],)"
                R"("grouped":{"CNAME":["host.example.org"],"A":["93.184.216.34"]})"));
}

TEST(Dns, WritesEveAsVersion2IfSo) {
  Options options;
  options.set("outputs.eve-log.types.dns.version", "2");
  Talk talk(true, 53, options);
  talk.client(kQuery).server(kAnswer);
  EXPECT_EQ(
      talk.transaction(0).eve(),
      R"("dns":{"version":2,"type":"query","id":4660,"rrname":"www.example.org","rrtype":"A","tx_id":0,"opcode":0})");
  EXPECT_THAT(talk.transaction(1).eve(), HasSubstr(R"("opcode":0,"rrname":"www.example.org","rrtype":"A",)"
                                                   R"("rcode":"NOERROR","answers":[)"));
}

TEST(Dns, ReadsMessagesOfAStreamHoweverCut) {
  Talk talk(false, 53);
  for (const char c : framed(kQuery) + framed(kQuery)) talk.client(std::string(1, c));
  talk.server(framed(kAnswer));
  EXPECT_EQ(talk.protocol(), "dns");
  EXPECT_EQ(talk.count(), 3U);
}

TEST(Dns, IsLookedForOnItsPortsOnly) {
  EXPECT_EQ(Talk(true, 5300).client(kQuery).protocol(), "");
  Options options;
  options.set("app-layer.protocols.dns.udp.detection-ports.dp", "[53, 5300]");
  EXPECT_EQ(Talk(true, 5300, options).client(kQuery).protocol(), "dns");
  options.set("app-layer.protocols.dns.udp.enabled", "no");
  EXPECT_EQ(Talk(true, 5300, options).client(kQuery).protocol(), "");
}

TEST(Dns, TurnsAFlowAroundThatBeginsWithAnAnswer) {
  Talk talk(true, 53);
  talk.client(kAnswer);
  EXPECT_EQ(talk.protocol(), "dns");
  EXPECT_TRUE(talk.application.is_reversed);
  EXPECT_EQ(talk.at("dns.answer.name", Side::kToClient, 1), "host.example.org");
}

TEST(Dns, TellsWhatIsOdd) {
  std::string z = kQuery;
  z[3] = 0x40;
  EXPECT_TRUE(Talk(true, 53).client(z).has_event("dns.z_flag_set"));
  std::string opcode = kQuery;
  opcode[2] = 0x38;
  EXPECT_TRUE(Talk(true, 53).client(opcode).has_event("dns.invalid_opcode"));
  Talk talk(true, 53);
  talk.client(kQuery).client(kAnswer);
  EXPECT_TRUE(talk.has_event("dns.not_request"));
  EXPECT_TRUE(Talk(true, 53).client(kQuery).server(kQuery).has_event("dns.not_response"));
  std::string cut = kQuery.substr(0, kQuery.size() - 3);
  EXPECT_TRUE(Talk(true, 53).client(kQuery).client(cut).has_event("dns.malformed_data"));
  std::string loop = kQuery.substr(0, 12) + "\x03www\xc0\x0c\x00\x01\x00\x01"s;
  EXPECT_TRUE(Talk(true, 53).client(loop).has_event("dns.too_many_labels"));
}

TEST(Dns, KeepsTheMessageWithoutBadAdditionals) {
  std::string query = kQuery;
  query[11] = 1;
  Talk talk(true, 53);
  talk.client(query + "\x00\x00\x29"s);
  EXPECT_TRUE(talk.has_event("dns.invalid_additionals"));
  EXPECT_EQ(talk.at("dns.query"), "www.example.org");
}

TEST(Dns, LeavesOutTheOldestOfAFlood) {
  Talk talk(true, 53);
  for (int i = 0; i < 10'100; ++i) talk.client(kQuery);
  EXPECT_EQ(talk.count(), 10'000U);
  EXPECT_EQ(talk.transaction(0).id, 100U);
}

TEST(Dns, StandsAnything) {
  const std::vector<Said> all = {{Side::kToServer, kQuery}, {Side::kToClient, kAnswer}};
  testing::torment(all, true, 53);
  testing::torment({{Side::kToServer, framed(kQuery)}, {Side::kToClient, framed(kAnswer)}}, false, 53);
}

}  // namespace
}  // namespace tocsin::protocol
