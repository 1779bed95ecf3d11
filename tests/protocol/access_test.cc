// Protocols by which someone gets in: Kerberos, IKE, LDAP, RFB, POP3; and WebSocket.
#include <zlib.h>

#include "talk.h"

namespace tocsin::protocol {
namespace {

using testing::of;
using testing::Said;
using testing::Talk;
using testing::torment;
constexpr Side kClient = Side::kToServer, kServer = Side::kToClient;

// An element of ASN.1.
std::string ber(int tag, const std::string& inside) {
  const auto size = static_cast<int>(inside.size());
  if (size < 128) return of({tag, size}) + inside;
  return of({tag, 0x82, size >> 8, size & 0xff}) + inside;
}
std::string integer(int value) { return ber(2, of({value})); }
std::string general(const std::string& text) { return ber(0x1b, text); }
std::string big(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string principal(const std::vector<std::string>& parts) {
  std::string names;
  for (const std::string& part : parts) names += general(part);
  return ber(0x30, ber(0xa0, integer(1)) + ber(0xa1, ber(0x30, names)));
}
const std::string kAsReq = ber(
    0x6a, ber(0x30, ber(0xa1, integer(5)) + ber(0xa2, integer(10)) +
                        ber(0xa4, ber(0x30, ber(0xa0, ber(3, std::string(5, '\0'))) + ber(0xa1, principal({"robin"})) +
                                                ber(0xa2, general("EXAMPLE.ORG")) +
                                                ber(0xa3, principal({"krbtgt", "EXAMPLE.ORG"}))))));
std::string rep(int kind) {
  const std::string encrypted = ber(0x30, ber(0xa0, integer(kind)) + ber(0xa2, ber(4, "xxxx")));
  const std::string ticket =
      ber(0x61, ber(0x30, ber(0xa0, integer(5)) + ber(0xa1, general("EXAMPLE.ORG")) +
                              ber(0xa2, principal({"krbtgt", "EXAMPLE.ORG"})) + ber(0xa3, encrypted)));
  return ber(0x6b, ber(0x30, ber(0xa0, integer(5)) + ber(0xa1, integer(11)) + ber(0xa3, general("EXAMPLE.ORG")) +
                                 ber(0xa4, principal({"robin"})) + ber(0xa5, ticket) + ber(0xa6, encrypted)));
}
const std::string kError =
    ber(0x7e, ber(0x30, ber(0xa0, integer(5)) + ber(0xa1, integer(30)) + ber(0xa6, integer(25)) +
                            ber(0xa9, general("EXAMPLE.ORG")) + ber(0xaa, principal({"krbtgt", "EXAMPLE.ORG"}))));

TEST(Kerberos, TellsWhoGotATicketAndHowItIsEncrypted) {
  Talk talk(true, 88);
  talk.client(kAsReq).server(rep(23));
  ASSERT_EQ(talk.protocol(), "krb5");
  ASSERT_EQ(talk.count(), 2u);
  EXPECT_EQ(talk.transaction(0).eve(), "");
  EXPECT_EQ(talk.value("krb5_msg_type", kClient).number, 10u);
  EXPECT_EQ(talk.at("krb5.cname", kServer, 0, 1), "robin");
  EXPECT_EQ(talk.at("krb5.sname", kServer, 1, 1), "EXAMPLE.ORG");
  EXPECT_TRUE(talk.has_event("krb5.weak_encryption"));
  const int field = talk.application.protocol()->field("krb5.ticket_encryption");
  const auto holds = [&](std::vector<std::string> words) {
    return talk.transaction(1).holds(field, kServer, words).value_or(false);
  };
  EXPECT_TRUE(holds({"weak"}));
  EXPECT_TRUE(holds({"18", "23"}));
  EXPECT_TRUE(holds({"aes128-cts-hmac-sha1-96 rc4-hmac"}));
  EXPECT_FALSE(holds({"rc4-hmac-exp"}));
  EXPECT_EQ(talk.transaction(1).eve(),
            R"("krb5":{"msg_type":"KRB_AS_REP","cname":"robin","realm":"EXAMPLE.ORG","sname":"krbtgt/EXAMPLE.ORG",)"
            R"("encryption":"rc4-hmac","weak_encryption":true,)"
            R"("ticket_encryption":"rc4-hmac","ticket_weak_encryption":true})");
}

TEST(Kerberos, TellsWhatWasRefused) {
  Talk talk(false, 88);
  const auto record = [](const std::string& message) {
    return big(static_cast<std::uint32_t>(message.size()), 4) + message;
  };
  talk.client(record(kAsReq)).server(record(kError).substr(0, 9)).server(record(kError).substr(9));
  ASSERT_EQ(talk.count(), 2u);
  EXPECT_EQ(talk.value("krb5_err_code", kServer, 0, 1).number, 25u);
  EXPECT_EQ(talk.transaction(1).eve(),
            R"("krb5":{"msg_type":"KRB_ERROR","failed_request":"KRB_AS_REQ","error_code":"KDC_ERR_PREAUTH_REQUIRED",)"
            R"("cname":"<empty>","realm":"<empty>","sname":"krbtgt/EXAMPLE.ORG",)"
            R"("encryption":"<none>","weak_encryption":false})");
  torment({{kClient, record(kAsReq)}, {kServer, record(rep(18))}}, false, 88);
  torment({{kClient, kAsReq}, {kServer, kError}, {kServer, rep(18)}}, true, 88);
}

std::string ike(int version, int next, int exchange, int flags, const std::string& body) {
  return "initspi1" + std::string("respspi2") + of({next, version, exchange, flags}) + big(0, 4) +
         big(static_cast<std::uint32_t>(28 + body.size()), 4) + body;
}
std::string payload(int next, const std::string& body) {
  return of({next, 0}) + big(static_cast<std::uint32_t>(4 + body.size()), 2) + body;
}
const std::string kTransform =
    of({0, 0}) + big(8 + 12, 2) + of({1, 1, 0, 0}) + of({0x80, 1, 0, 7, 0x80, 2, 0, 2, 0x80, 14, 0, 128});
const std::string kProposal =
    of({0, 0}) + big(static_cast<std::uint32_t>(8 + kTransform.size()), 2) + of({1, 1, 0, 1}) + kTransform;
const std::string kAssociation = payload(13, big(1, 4) + big(1, 4) + kProposal) + payload(0, of({0xde, 0xad}));

TEST(Ike, TellsWhatWasChosen) {
  Talk talk(true, 500);
  talk.client(ike(0x10, 1, 2, 0, kAssociation)).server(ike(0x10, 1, 2, 0, kAssociation));
  ASSERT_EQ(talk.protocol(), "ike");
  ASSERT_EQ(talk.count(), 2u);
  EXPECT_EQ(talk.at("ike.init_spi"), "696e697473706931");
  EXPECT_EQ(talk.at("ike.vendor"), "dead");
  EXPECT_EQ(talk.value("ike.exchtype").number, 2u);
  const int field = talk.application.protocol()->field("ike.chosen_sa_attribute");
  const auto holds = [&](const std::string& word) {
    return talk.transaction(1).holds(field, kServer, std::vector<std::string>{word}).value_or(false);
  };
  EXPECT_TRUE(holds("alg_hash=2"));
  EXPECT_TRUE(holds("sa_key_length>=128"));
  EXPECT_FALSE(holds("alg_enc=5"));
  EXPECT_NE(talk.transaction(1).eve().find(R"({"key":"alg_enc","value":"EncAesCbc","raw":7})"), std::string::npos);
  torment({{kClient, ike(0x10, 1, 2, 0, kAssociation)}, {kServer, ike(0x10, 1, 2, 0, kAssociation)}}, true, 500);
}

TEST(Ike, ReadsVersion2) {
  const std::string transform = of({0, 0}) + big(8, 2) + of({1, 0}) + big(3, 2);
  const std::string proposal = of({0, 0}) + big(16, 2) + of({1, 1, 0, 1}) + transform;
  const std::string message = ike(0x20, 33, 34, 8,
                                  payload(34, proposal) + payload(40, big(14, 2) + of({0, 0, 1, 2})) +
                                      payload(41, "nonce") + payload(0, of({0, 0}) + big(16388, 2)));
  Talk talk(true, 4500);
  talk.client(std::string(4, '\0') + message).server(std::string(4, '\0') + message);
  ASSERT_EQ(talk.count(), 2u);
  EXPECT_EQ(talk.at("ike.key_exchange_payload"), "0102");
  EXPECT_EQ(talk.value("ike.nonce_payload_length").number, 5u);
  EXPECT_TRUE(talk.has_event("ike.weak_crypto_enc"));
  EXPECT_NE(talk.transaction(1).eve().find(R"("notify":["NAT_DETECTION_SOURCE_IP"])"), std::string::npos);
  torment({{kClient, message}, {kServer, message}}, true, 500);
}

std::string ldap(int id, int tag, const std::string& body) { return ber(0x30, integer(id) + ber(tag, body)); }
const std::string kSearch = ldap(7, 0x63,
                                 ber(4, "dc=example") + ber(10, of({2})) + ber(10, of({0})) + integer(0) + integer(10) +
                                     ber(1, of({0})) + ber(0x87, "objectClass") + ber(0x30, ber(4, "cn")));
const std::string kEntry = ldap(7, 0x64, ber(4, "cn=a") + ber(0x30, ber(0x30, ber(4, "cn") + ber(0x31, ber(4, "a")))));
const std::string kDone = ldap(7, 0x65, ber(10, of({32})) + ber(4, "") + ber(4, "no"));

TEST(Ldap, GathersWhatAnswersASearch) {
  Talk talk(false, 389);
  talk.client(kSearch.substr(0, 5)).client(kSearch.substr(5)).server(kEntry + kDone);
  ASSERT_EQ(talk.protocol(), "ldap");
  ASSERT_EQ(talk.count(), 1u);
  EXPECT_EQ(talk.value("ldap.request.operation").number, 3u);
  EXPECT_EQ(talk.at("ldap.request.dn"), "dc=example");
  EXPECT_EQ(talk.at("ldap.request.attribute_type"), "cn");
  EXPECT_EQ(talk.value("ldap.responses.operation", kServer, 1).number, 5u);
  EXPECT_EQ(talk.value("ldap.responses.count", kServer).number, 2u);
  EXPECT_EQ(talk.value("ldap.responses.result_code", kServer).number, 32u);
  EXPECT_EQ(talk.at("ldap.responses.attribute_type", kServer), "cn");
  EXPECT_EQ(talk.at("ldap.responses.message", kServer), "no");
  EXPECT_EQ(talk.transaction().eve(),
            R"("ldap":{"request":{"operation":"search_request","message_id":7,"search_request":{)"
            R"("base_object":"dc=example","scope":2,"deref_alias":0,"size_limit":0,"time_limit":10,"types_only":false,)"
            R"("attributes":["cn"]}},"responses":[{"operation":"search_result_entry","message_id":7,)"
            R"("search_result_entry":{"base_object":"cn=a","attributes":[{"type":"cn","values":["a"]}]}},)"
            R"({"operation":"search_result_done","message_id":7,"search_result_done":{"result_code":"no_such_object",)"
            R"("matched_dn":"","message":"no"}}]})");
}

TEST(Ldap, SurvivesWhatIsHostile) {
  const std::string bind = ldap(1, 0x60, integer(3) + ber(4, "cn=root") + ber(0x80, "secret"));
  const std::string modify = ldap(
      2, 0x66,
      ber(4, "cn=a") + ber(0x30, ber(0x30, ber(10, of({2})) + ber(0x30, ber(4, "mail") + ber(0x31, ber(4, "x"))))));
  const std::string rename = ldap(3, 0x6c, ber(4, "cn=a") + ber(4, "cn=b") + ber(1, of({255})) + ber(0x80, "dc=x"));
  const std::string extended = ldap(4, 0x77, ber(0x80, "1.2.3") + ber(0x81, "v"));
  torment({{kClient, bind},
           {kClient, kSearch},
           {kServer, kEntry},
           {kServer, kDone},
           {kClient, modify},
           {kClient, rename},
           {kClient, extended}},
          false, 389);
  torment({{kClient, kSearch}, {kServer, kDone}}, true, 389);
}

const std::string kPixels = of({32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0});
const std::vector<Said> kVnc = {{kServer, "RFB 003.008\n"},
                                {kClient, "RFB 003.008\n"},
                                {kServer, of({1, 2})},
                                {kClient, of({2})},
                                {kServer, "0123456789abcdef"},
                                {kClient, "fedcba9876543210"},
                                {kServer, of({0, 0, 0, 0})},
                                {kClient, of({1})},
                                {kServer, of({2, 0, 1, 0}) + kPixels + big(5, 4) + "Alice"}};

TEST(Rfb, TellsTheDesktopAndHowTheClientGotIn) {
  Talk talk;
  talk.say(kVnc);
  ASSERT_EQ(talk.protocol(), "rfb");
  EXPECT_EQ(talk.at("rfb.name", kServer), "Alice");
  EXPECT_EQ(talk.value("rfb.sectype").number, 2u);
  EXPECT_EQ(talk.value("rfb.secresult").number, 0u);
  EXPECT_TRUE(talk.transaction().is_complete());
  const std::string eve = talk.transaction().eve();
  EXPECT_NE(eve.find(R"("server_protocol_version":{"major":"003","minor":"008"})"), std::string::npos) << eve;
  EXPECT_NE(eve.find(R"("security_result":"OK")"), std::string::npos) << eve;
  EXPECT_NE(eve.find(R"("framebuffer":{"width":512,"height":256,"name":"Alice")"), std::string::npos) << eve;
  talk.server("pixels without end").client("keys");
  torment(kVnc, false, 5900);
}

TEST(Rfb, TellsWhyItWasRefused) {
  Talk talk;
  talk.server("RFB 003.008\n").client("RFB 003.008\n").server(of({0}) + big(3, 4) + "no!");
  EXPECT_NE(talk.transaction().eve().find(R"("server_security_failure_reason":"no!")"), std::string::npos);
}

TEST(Pop3, PairsCommandsWithAnswers) {
  const std::vector<Said> all = {{kServer, "+OK ready\r\n"},
                                 {kClient, "user bob\r\n"},
                                 {kServer, "+OK\r\n"},
                                 {kClient, "LIST\r\n"},
                                 {kServer, "+OK 2 messages\r\n1 120\r\n..2\r\n.\r\n"},
                                 {kClient, "DELE 9\r\n"},
                                 {kServer, "-ERR no such message\r\n"}};
  Talk talk;
  talk.say(all);
  ASSERT_EQ(talk.protocol(), "pop3");
  ASSERT_EQ(talk.count(), 4u);
  EXPECT_EQ(talk.transaction(1).eve(), R"("pop3":{"request":{"command":"USER","args":["bob"]},)"
                                       R"("response":{"success":true,"status":"OK","header":"","data":[]}})");
  EXPECT_EQ(talk.transaction(2).eve(),
            R"("pop3":{"request":{"command":"LIST","args":[]},)"
            R"("response":{"success":true,"status":"OK","header":"2 messages","data":["1 120",".2"]}})");
  EXPECT_NE(talk.transaction(3).eve().find(R"("success":false,"status":"ERR")"), std::string::npos);
  torment(all, false, 110);
}

std::string frame(int first, const std::string& text, bool is_masked) {
  std::string made = of({first, static_cast<int>(text.size()) | (is_masked ? 0x80 : 0)});
  if (!is_masked) return made + text;
  const std::string key = "\x01\x02\x03\x04";
  made += key;
  for (std::size_t i = 0; i < text.size(); ++i) made += static_cast<char>(text[i] ^ key[i % 4]);
  return made;
}

TEST(WebSocket, IsReadAfterHttp) {
  const std::vector<Said> all = {
      {kClient,
       "GET /chat HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
       "Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n"},
      {kServer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"},
      {kClient, frame(0x81, "swordfish", true)},
      {kServer, frame(0x01, "one ", false) + frame(0x80, "two", false)},
      {kClient, frame(0x89, "", true)}};
  Talk talk(false, 80);
  talk.say(all);
  ASSERT_EQ(talk.protocol(), "websocket");
  ASSERT_EQ(talk.count(), 4u);
  EXPECT_EQ(talk.at("websocket.payload", kClient), "swordfish");
  EXPECT_EQ(talk.value("websocket.mask").number, 0x01020304u);
  EXPECT_EQ(talk.value("websocket.flags").number, 0x80u);
  EXPECT_EQ(talk.value("websocket.opcode").number, 1u);
  EXPECT_EQ(talk.at("websocket.payload", kServer, 0, 2), "one two");
  EXPECT_EQ(talk.transaction().eve(), R"("websocket":{"fin":true,"mask":16909060,"opcode":"text"})");
  torment(all, false, 80);
}

std::string message(char type, const std::string& body) {
  return std::string(1, type) + big(static_cast<std::uint32_t>(4 + body.size()), 4) + body;
}
std::string nul(const std::string& text) { return text + '\0'; }

TEST(Pgsql, GathersWhatAnswersAQuery) {
  const std::string parameters = nul("user") + nul("rules") + nul("database") + nul("db") + '\0';
  const std::string startup = big(static_cast<std::uint32_t>(8 + parameters.size()), 4) + big(3 << 16, 4) + parameters;
  const std::string row = message('D', big(1, 2) + big(3, 4) + "abc");
  const std::vector<Said> all = {
      {kClient, big(8, 4) + big(80'877'103, 4)},
      {kServer, "N"},
      {kClient, startup},
      {kServer, message('R', big(5, 4) + "salt")},
      {kClient, message('p', nul("md5secret"))},
      {kServer, message('R', big(0, 4)) + message('S', nul("DateStyle") + nul("ISO")) +
                    message('K', big(7, 4) + big(9, 4)) + message('Z', "I")},
      {kClient, message('Q', nul("SELECT * FROM t"))},
      {kServer, message('T', big(1, 2)) + row + row + message('C', nul("SELECT 2")) + message('Z', "I")}};
  Talk talk(false, 5432);
  talk.say(all);
  ASSERT_EQ(talk.protocol(), "pgsql");
  ASSERT_EQ(talk.count(), 4u);
  EXPECT_EQ(talk.transaction(0).eve(),
            R"("pgsql":{"tx_id":1,"request":{"message":"SSL Request"},"response":{"ssl_accepted":false}})");
  EXPECT_EQ(talk.transaction(1).eve(),
            R"("pgsql":{"tx_id":2,"request":{"protocol_version":"3.0","startup_parameters":{"user":"rules",)"
            R"("optional_parameters":[{"database":"db"}]}},"response":{"authentication_md5_password":"salt"}})");
  EXPECT_EQ(talk.transaction(2).eve(),
            R"("pgsql":{"tx_id":3,"request":{"password_redacted":true},"response":{"message":"authentication_ok",)"
            R"("parameter_status":[{"date_style":"ISO"}],"process_id":7,"secret_key":9}})");
  EXPECT_EQ(talk.at("pgsql.query", kClient, 0, 3), "SELECT * FROM t");
  EXPECT_EQ(talk.transaction(3).eve(),
            R"("pgsql":{"tx_id":4,"request":{"simple_query":"SELECT * FROM t"},"response":{"field_count":1,)"
            R"("data_rows":2,"data_size":6,"command_completed":"SELECT 2"}})");
  torment(all, false, 5432);
}

TEST(Snmp, ReadsTagsOfSeveralBytes) {
  const std::string trap = ber(6, of({0x2b, 6})) + ber(0x40, of({10, 0, 0, 1})) + integer(3) + integer(0) +
                           ber(0x43, of({1})) + ber(0x30, "");
  Talk talk(true, 162);
  talk.client(ber(0x30, integer(0) + ber(4, "public") + of({0xbf, 4, static_cast<int>(trap.size())}) + trap));
  ASSERT_EQ(talk.count(), 1u);
  EXPECT_EQ(talk.value("snmp.pdu_type").number, 4u);
  EXPECT_EQ(talk.value("snmp.trap_type").number, 3u);
}

TEST(Ntp, TellsWhoTellsTheTime) {
  const std::string server = of({0x24, 2, 6, 0xec}) + std::string(8, '\0') + "RATE" + std::string(32, '\0');
  const std::string client = of({0x23}) + std::string(47, '\0');
  Talk talk(true, 123);
  talk.client(client).server(server);
  ASSERT_EQ(talk.protocol(), "ntp");
  EXPECT_EQ(talk.value("ntp.mode").number, 3u);
  EXPECT_EQ(talk.value("ntp.stratum", kServer, 0, 1).number, 2u);
  EXPECT_EQ(talk.at("ntp.reference_id", kServer, 0, 1), "RATE");
  EXPECT_EQ(talk.transaction(1).eve(), R"("ntp":{"version":4,"mode":4,"stratum":2,"reference_id":"52415445"})");
  torment({{kClient, client}, {kServer, server}}, true, 123);
}

TEST(LocalNames, AreReadAsThoseOfDns) {
  const std::string query = std::string("\0\0\0\0\0\1\0\0\0\0\0\0", 12) + std::string("\4host\5local\0\0\1\0\1", 16);
  for (const auto& [name, port] : {std::pair("mdns", 5353), std::pair("llmnr", 5355)}) {
    Talk talk(true, static_cast<std::uint16_t>(port));
    talk.client(query);
    ASSERT_EQ(talk.protocol(), name);
    EXPECT_EQ(talk.at(std::string(name) + ".queries.rrname"), "host.local");
    EXPECT_NE(talk.transaction().eve().find(R"("queries":[{"rrname":"host.local","rrtype":"A"}])"), std::string::npos);
    torment({{kClient, query}}, true, static_cast<std::uint16_t>(port));
  }
}

TEST(Sip, OverTcpMayComeInAnyPieces) {
  const std::string invite = "INVITE sip:bob@example.org SIP/2.0\r\nFrom: alice\r\nContent-Length: 5\r\n\r\nv=0\r\n";
  Talk talk(false, 5060);
  for (int i = 0; i < 2; ++i) {
    for (const char c : invite) talk.client(std::string(1, c));
  }
  ASSERT_EQ(talk.protocol(), "sip");
  ASSERT_EQ(talk.count(), 2u);
  EXPECT_EQ(talk.at("sip.from", kClient, 0, 1), "alice");
}

TEST(Http2, HasSettings) {
  Talk talk(false, 80);
  talk.client("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + of({0, 0, 12, 4, 0, 0, 0, 0, 0}) + of({0, 2, 0, 0, 0, 0}) +
              of({0, 5, 0, 0, 0x40, 1}));
  ASSERT_EQ(talk.protocol(), "http2");
  const int field = talk.application.protocol()->field("http2.settings");
  const auto holds = [&](const std::string& word) {
    return talk.transaction().holds(field, kClient, std::vector<std::string>{word}).value_or(false);
  };
  EXPECT_TRUE(holds("SETTINGS_ENABLE_PUSH=0"));
  EXPECT_TRUE(holds("SETTINGS_MAX_FRAME_SIZE>16384"));
  EXPECT_FALSE(holds("SETTINGS_MAX_FRAME_SIZE<16384"));
  EXPECT_TRUE(holds("SETTINGS_MAX_FRAME_SIZE=16000-17000"));
  EXPECT_FALSE(holds("SETTINGS_HEADER_TABLE_SIZE>1"));
}

}  // namespace
}  // namespace tocsin::protocol
