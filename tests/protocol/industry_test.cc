// Protocols of machines that talk to machines: MQTT and Modbus.
#include "talk.h"

namespace tocsin::protocol {
namespace {

using testing::of;
using testing::Said;
using testing::Talk;
using testing::torment;
constexpr Side kClient = Side::kToServer, kServer = Side::kToClient;

std::string counted(std::string_view text) {
  return of({static_cast<int>(text.size() >> 8), static_cast<int>(text.size() & 0xff)}) + std::string(text);
}
std::string mqtt(int first, const std::string& body) { return of({first, static_cast<int>(body.size())}) + body; }

const std::string kConnect = mqtt(0x10, counted("MQTT") + of({4, 0xc6, 0, 60}) + counted("me") + counted("will/t") +
                                            counted("gone") + counted("user") + counted("secret"));
const std::string kConnack = mqtt(0x20, of({1, 5}));
const std::string kSubscribe = mqtt(0x82, of({0, 7}) + counted("a/#") + of({1}) + counted("b") + of({0}));
const std::string kSuback = mqtt(0x90, of({0, 7, 1, 0x80}));
const std::string kPublish = mqtt(0x32, counted("a/b") + of({0, 9}) + "hello");
const std::string kPuback = mqtt(0x40, of({0, 9}));
const std::vector<Said> kMqtt = {{kClient, kConnect}, {kServer, kConnack}, {kClient, kSubscribe},
                                 {kServer, kSuback},  {kClient, kPublish}, {kServer, kPuback}};

TEST(Mqtt, TellsWhoConnectedAndHowItWasAnswered) {
  Talk talk;
  talk.say(kMqtt);
  ASSERT_EQ(talk.protocol(), "mqtt");
  ASSERT_EQ(talk.count(), 3u);
  EXPECT_EQ(talk.at("mqtt.connect.clientid"), "me");
  EXPECT_EQ(talk.at("mqtt.connect.username"), "user");
  EXPECT_EQ(talk.at("mqtt.connect.password"), "secret");
  EXPECT_EQ(talk.at("mqtt.connect.willtopic"), "will/t");
  EXPECT_EQ(talk.at("mqtt.connect.willmessage"), "gone");
  EXPECT_EQ(talk.at("mqtt.connect.protocol_string"), "MQTT");
  EXPECT_EQ(talk.value("mqtt.connect.flags").number, 0xc6u);
  EXPECT_EQ(talk.value("mqtt.protocol_version").number, 4u);
  EXPECT_EQ(talk.value("mqtt.type", kClient, 1).number, 2u);
  EXPECT_EQ(talk.value("mqtt.reason_code").number, 5u);
  EXPECT_EQ(talk.value("mqtt.connack.session_present").number, 1u);
  EXPECT_TRUE(talk.transaction().is_complete());
  EXPECT_EQ(talk.transaction().eve(),
            R"("mqtt":{"connect":{"qos":0,"retain":false,"dup":false,"protocol_string":"MQTT","protocol_version":4,)"
            R"("flags":{"username":true,"password":true,"will_retain":false,"will":true,"clean_session":true},)"
            R"("client_id":"me","will":{"topic":"will/t","message":"gone"},"username":"user"},)"
            R"("connack":{"qos":0,"retain":false,"dup":false,"session_present":true,"return_code":5}})");
}

TEST(Mqtt, PutsTogetherWhatIsAcknowledged) {
  Talk talk;
  talk.say(kMqtt);
  EXPECT_EQ(talk.at("mqtt.subscribe.topic", kClient, 0, 1), "a/#");
  EXPECT_EQ(talk.at("mqtt.subscribe.topic", kClient, 1, 1), "b");
  EXPECT_EQ(talk.value("mqtt.subscribe.topic", kClient, 2, 1).presence, Presence::kAbsent);
  EXPECT_EQ(talk.at("mqtt.publish.topic", kClient, 0, 2), "a/b");
  EXPECT_EQ(talk.at("mqtt.publish.message", kClient, 0, 2), "hello");
  EXPECT_EQ(talk.transaction(2).eve(),
            R"("mqtt":{"publish":{"qos":1,"retain":false,"dup":false,"topic":"a/b","message_id":9,"message":"hello"},)"
            R"("puback":{"qos":0,"retain":false,"dup":false,"message_id":9}})");
}

TEST(Mqtt, ReadsPropertiesOfVersion5) {
  const std::string properties = of({6, 0x21, 0, 10, 0x24, 1, 0x25});  // the last has no value
  Talk broken;
  broken.client(mqtt(0x10, counted("MQTT") + of({5, 2, 0, 60}) + properties + counted("me")));
  EXPECT_TRUE(broken.has_event("mqtt.malformed_traffic"));
  Talk talk;
  talk.client(mqtt(0x10, counted("MQTT") + of({5, 2, 0, 60, 3, 0x21, 0, 10}) + counted("me")));
  talk.server(mqtt(0x20, of({0, 0, 0})));
  EXPECT_NE(talk.transaction().eve().find(R"("properties":{"receive_maximum":10})"), std::string::npos);
}

TEST(Mqtt, TellsWhatIsOutOfPlace) {
  Talk talk;
  talk.client(kConnect).client(kConnect);
  EXPECT_TRUE(talk.has_event("mqtt.double_connect"));
  talk.server(kPuback).server(kSuback);
  EXPECT_TRUE(talk.has_event("mqtt.missing_publish"));
  EXPECT_TRUE(talk.has_event("mqtt.missing_subscribe"));
  talk.client(mqtt(0x36, counted("t") + of({0, 1})));
  EXPECT_TRUE(talk.has_event("mqtt.invalid_qos_level"));
}

TEST(Mqtt, SurvivesWhatIsHostile) {
  torment(kMqtt, false, 1883);
  // Lengths that promise a quarter of a gigabyte hold no memory, and what comes after them is read.
  Talk talk;
  talk.client(kConnect).client(of({0x30, 0xff, 0xff, 0xff, 0x7f}));
  for (int i = 0; i < 100; ++i) talk.client(std::string(10'000, 'x'));
  EXPECT_NE(talk.transaction(talk.count() - 1).eve().find("skipped_length"), std::string::npos);
  talk.client(of({0x30, 0xff, 0xff, 0xff, 0xff}));
}

std::string modbus(int id, const std::string& body) {
  return of({id >> 8, id & 0xff, 0, 0, static_cast<int>(body.size() >> 8), static_cast<int>(body.size() & 0xff)}) +
         body;
}
const std::string kReadCoils = modbus(3, of({17, 1, 0, 19, 0, 37}));
const std::string kCoils = modbus(3, of({17, 1, 5, 0xcd, 0x6b, 0xb2, 0x0e, 0x1b}));
const std::string kWriteRegisters = modbus(4, of({17, 16, 0, 1, 0, 2, 4, 0, 10, 1, 2}));
const std::vector<Said> kModbus = {{kClient, kReadCoils},
                                   {kServer, kCoils},
                                   {kClient, kWriteRegisters},
                                   {kServer, modbus(4, of({17, 16, 0, 1, 0, 2}))},
                                   {kClient, modbus(5, of({1, 8, 0, 4, 0, 0}))},
                                   {kServer, modbus(5, of({1, 0x88, 1}))}};

bool says(Talk& talk, std::size_t index, const std::vector<std::string>& words) {
  return talk.transaction(index).holds(0, kClient, words).value_or(false);
}

TEST(Modbus, PairsRequestsWithAnswers) {
  Talk talk(false, 502);
  talk.say(kModbus);
  ASSERT_EQ(talk.protocol(), "modbus");
  ASSERT_EQ(talk.count(), 3u);
  EXPECT_EQ(talk.transaction().eve(),
            R"("modbus":{"id":1,"request":{"transaction_id":3,"protocol_id":0,"unit_id":17,"function_raw":1,)"
            R"("function_code":"RdCoils","access_type":"READ | COILS","category":"PUBLIC_ASSIGNED",)"
            R"("error_flags":"NONE","read":{"address":19,"quantity":37}},)"
            R"("response":{"transaction_id":3,"protocol_id":0,"unit_id":17,"function_raw":1,)"
            R"("function_code":"RdCoils","access_type":"READ | COILS","category":"PUBLIC_ASSIGNED",)"
            R"("error_flags":"NONE","read":{"data":"\\xcdk\\xb2\\x0e\\x1b"}}})");
  EXPECT_NE(talk.transaction(2).eve().find(R"("exception":{"raw":1,"code":"IllegalFunction"})"), std::string::npos);
}

TEST(Modbus, IsAskedAboutByTheKeyword) {
  Talk talk(false, 502);
  talk.say(kModbus);
  EXPECT_TRUE(says(talk, 0, {"function 1"}));
  EXPECT_TRUE(says(talk, 0, {"unit 17", "function assigned"}));
  EXPECT_FALSE(says(talk, 0, {"unit 10<>17"}));
  EXPECT_TRUE(says(talk, 0, {"function !reserved"}));
  EXPECT_TRUE(says(talk, 0, {"access read coils", "address 20"}));
  EXPECT_FALSE(says(talk, 0, {"access read coils", "address <20"}));
  EXPECT_FALSE(says(talk, 0, {"access write"}));
  EXPECT_TRUE(says(talk, 1, {"access write holding", "address 3", "value >200"}));
  EXPECT_FALSE(says(talk, 1, {"access write holding", "address 2", "value >200"}));
  EXPECT_TRUE(says(talk, 2, {"function 8", "subfunction 4"}));
}

TEST(Modbus, SurvivesWhatIsHostile) {
  Talk talk(false, 502);
  talk.say(kModbus).server(modbus(9, of({17, 1, 1, 0})));
  EXPECT_TRUE(talk.has_event("modbus.unsolicited_response"));
  torment(kModbus, false, 502);
}

}  // namespace
}  // namespace tocsin::protocol
