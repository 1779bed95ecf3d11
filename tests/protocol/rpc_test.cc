#include <gmock/gmock.h>

#include "protocol/dcerpc.h"
#include "talk.h"

namespace tocsin::protocol {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;
using testing::Talk;

std::string le(std::size_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string pdu(int type, int flags, std::uint32_t call, const std::string& body) {
  return "\x05\x00"s + static_cast<char>(type) + static_cast<char>(flags) + "\x10\x00\x00\x00"s +
         le(16 + body.size(), 2) + le(0, 2) + le(call, 4) + body;
}

const std::string kUuid = "\x80\xbd\xa8\xaf\x8a\x7d\xc9\x11\xbe\xf4\x08\x00\x2b\x10\x29\x89"s;
const std::string kBind =
    pdu(11, 3, 1,
        std::string(8, '\0') + le(1, 4) + le(7, 2) + le(1, 2) + kUuid + le(1, 2) + le(0, 2) + std::string(20, 's'));
const std::string kBindAck =
    pdu(12, 3, 1, std::string(8, '\0') + le(4, 2) + "135\0"s + le(0, 2) + le(1, 4) + le(0, 4) + std::string(20, 's'));
const std::string kRequest = pdu(0, 1, 2, le(4, 4) + le(7, 2) + le(3, 2) + "stub");
const std::string kRequestRest = pdu(0, 2, 2, le(4, 4) + le(7, 2) + le(3, 2) + "more");
const std::string kResponse = pdu(2, 3, 2, std::string(8, '\0') + "answer");

TEST(Dcerpc, PutsCallsTogether) {
  Talk talk;
  talk.client(kBind).server(kBindAck).client(kRequest);
  ASSERT_EQ(talk.protocol(), "dcerpc");
  EXPECT_EQ(talk.value("dcerpc.stub_data", Side::kToServer, 0, 1).presence, Presence::kGrowing);
  talk.client(kRequestRest).server(kResponse);
  ASSERT_EQ(talk.count(), 2U);
  EXPECT_EQ(talk.at("dcerpc.stub_data", Side::kToServer, 0, 1), "stubmore");
  EXPECT_EQ(talk.value("dcerpc.opnum", Side::kToServer, 0, 1).number, 3U);
  EXPECT_TRUE(talk.transaction(1).is_complete());
  EXPECT_EQ(talk.transaction(1).eve(),
            R"("dcerpc":{"request":"REQUEST","req":{"opnum":3,"frag_cnt":2,"stub_data_size":8},)"
            R"("interfaces":[{"uuid":"afa8bd80-7d8a-11c9-bef4-08002b102989","version":"1.0","ack_result":0}],)"
            R"("response":"RESPONSE","res":{"frag_cnt":1,"stub_data_size":14},"call_id":2,"rpc_version":"5.0"})");
}

TEST(Dcerpc, ComparesTheInterfaceThatWasAccepted) {
  Talk talk;
  talk.client(kBind).server(kBindAck).client(kRequest);
  const int field = talk.application.protocol()->field("dcerpc.iface");
  const auto holds = [&](std::vector<std::string> words) {
    return talk.transaction(1).holds(field, Side::kToServer, words);
  };
  const std::string uuid = "afa8bd80-7d8a-11c9-bef4-08002b102989";
  EXPECT_EQ(holds({uuid}), true);
  EXPECT_EQ(holds({uuid, "=1"}), true);
  EXPECT_EQ(holds({uuid, ">1", "any_frag"}), false);
  EXPECT_EQ(holds({uuid, "<2"}), true);
  EXPECT_EQ(holds({"00000000-7d8a-11c9-bef4-08002b102989"}), false);
}

TEST(Dcerpc, NamesWhatItKnows) {
  EXPECT_EQ(dcerpc::service_name("338cd001-2244-31f1-aaaa-900038001003"), "winreg");
  EXPECT_EQ(dcerpc::procedure_name("winreg", 15), "BaseRegOpenKey");
  EXPECT_EQ(dcerpc::procedure_name("winreg", 999), "");
  dcerpc::Interface one;
  one.uuid = "338cd001-2244-31f1-aaaa-900038001003";
  EXPECT_THAT(dcerpc::interface_object(one, 22), HasSubstr(R"("service":"winreg","procedure":"BaseRegSetValue")"));
}

TEST(Dcerpc, BoundsItsCalls) {
  Talk talk;
  talk.client(kBind).server(kBindAck);
  for (int i = 0; i < 5'000; ++i) talk.client(pdu(0, 3, 10 + i, le(4, 4) + le(7, 2) + le(3, 2) + "stub"));
  EXPECT_LE(talk.count(), 2'100U);
}

TEST(Dcerpc, StandsAnything) {
  testing::torment({{Side::kToServer, kBind},
                    {Side::kToClient, kBindAck},
                    {Side::kToServer, kRequest + kRequestRest},
                    {Side::kToClient, kResponse}},
                   false, 135);
}

std::string ber(int tag, const std::string& text) {
  return std::string{static_cast<char>(tag), static_cast<char>(text.size())} + text;
}
const std::string kOid = ber(6, "\x2b\x06\x01\x02\x01\x01\x01\x00"s);
const std::string kVariables = ber(0x30, ber(0x30, kOid + ber(5, "")));
const std::string kGet =
    ber(0x30, ber(2, "\1"s) + ber(4, "public") + ber(0xa0, ber(2, "\7"s) + ber(2, "\0"s) + ber(2, "\0"s) + kVariables));
const std::string kTrap = ber(0x30, ber(2, "\0"s) + ber(4, "public") +
                                        ber(0xa4, kOid + ber(0x40, "\xc0\x00\x02\x01"s) + ber(2, "\2"s) +
                                                      ber(2, "\0"s) + ber(0x43, "\1"s) + kVariables));

TEST(Snmp, ReadsRequestsAndTraps) {
  Talk talk(true, 161);
  talk.client(kGet);
  ASSERT_EQ(talk.protocol(), "snmp");
  EXPECT_EQ(talk.value("snmp.version").number, 2U);
  EXPECT_EQ(talk.at("snmp.community"), "public");
  EXPECT_EQ(talk.value("snmp.pdu_type").presence, Presence::kWhole);
  EXPECT_EQ(talk.transaction().eve(),
            R"("snmp":{"version":2,"pdu_type":"get_request","vars":["1.3.6.1.2.1.1.1.0"],"community":"public"})");
  Talk trap(true, 162);
  trap.client(kTrap);
  EXPECT_EQ(trap.value("snmp.trap_type").number, 2U);
  EXPECT_EQ(trap.application.protocol()->number_of(trap.application.protocol()->field("snmp.trap_type"), "linkdown"),
            2U);
  EXPECT_EQ(trap.at("snmp.trap_address"), "192.0.2.1");
}

TEST(Snmp, TellsWhatIsOddAndGoesOn) {
  Talk talk(true, 161);
  talk.client(kGet).client(kGet.substr(0, 20)).client(kGet).client(kTrap);
  EXPECT_TRUE(talk.has_event("snmp.malformed_data"));
  EXPECT_TRUE(talk.has_event("snmp.version_mismatch"));
  EXPECT_EQ(talk.count(), 3U);
}

TEST(Snmp, StandsAnything) {
  testing::torment({{Side::kToServer, kGet}, {Side::kToClient, kGet}, {Side::kToServer, kTrap}}, true, 161);
}

}  // namespace
}  // namespace tocsin::protocol
