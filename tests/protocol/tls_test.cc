#include <gmock/gmock.h>

#include "protocol/tls_certificate.h"
#include "protocol/tls_certificate_plain.h"
#include "protocol/tls_hello.h"
#include "talk.h"

namespace tocsin::protocol {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Said;
using testing::Talk;

std::string number(std::size_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}
std::string counted(int bytes, const std::string& text) { return number(text.size(), bytes) + text; }
std::string extension(int type, const std::string& text) { return number(type, 2) + counted(2, text); }
std::string message(int type, const std::string& text) { return number(type, 1) + counted(3, text); }
std::string record(int type, const std::string& text) { return number(type, 1) + "\x03\x03"s + counted(2, text); }

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

// Of /C=TW/O=Example Org/CN=mail.example.org, for mail.example.org, www.example.org and 192.0.2.1.
const std::string kCertificate = from_hex(
    "308201f83082019ea0030201020205008a0b0c0d300a06082a8648ce3d040302303e310b3009060355040613025457311430"
    "12060355040a0c0b4578616d706c65204f72673119301706035504030c106d61696c2e6578616d706c652e6f7267301e170d"
    "3236313132373233303932315a170d3336313132343233303932315a303e310b300906035504061302545731143012060355"
    "040a0c0b4578616d706c65204f72673119301706035504030c106d61696c2e6578616d706c652e6f72673059301306072a86"
    "48ce3d020106082a8648ce3d03010703420004a068542ec663f7500bb8019313df5b625814aa7a2c39cb11d9e4ffc853455b"
    "24999297c3bb0a159c707ec5b39a907e2d0437903b92d6326a4985b99525ee7e8fa38188308185301d0603551d0e04160414"
    "e9da7427e5f89b558df0f202a937085bcc90fed9301f0603551d23041830168014e9da7427e5f89b558df0f202a937085bcc"
    "90fed9300f0603551d130101ff040530030101ff30320603551d11042b302982106d61696c2e6578616d706c652e6f726782"
    "0f7777772e6578616d706c652e6f72678704c0000201300a06082a8648ce3d0403020348003045022062a0e68fc511bc9db3"
    "6970f1aceb41705286c7c59e6531ad92cacefabb4e7f90022100f43102f5bff32e1b50c2a898dd0f8beccc6ebd48bd2b0be3"
    "a5858674aca21a3c");

const std::string kRandom = "0123456789abcdefghijklmnopqrstuv";

std::string client_hello(const std::string& extensions) {
  return message(1, "\x03\x03"s + kRandom + counted(1, "session") + counted(2, "\x1a\x1a\x13\x01\xc0\x2b"s) +
                        counted(1, "\0"s) + counted(2, extensions));
}
const std::string kSni = extension(0, counted(2, "\0"s + counted(2, "www.example.org")));
const std::string kExtensions = extension(0x2a2a, "") + kSni + extension(10, counted(2, "\x00\x1d\x00\x17"s)) +
                                extension(11, counted(1, "\0"s)) + extension(13, counted(2, "\x04\x03\x08\x04"s)) +
                                extension(16, counted(2, counted(1, "h2") + counted(1, "http/1.1")));
const std::string kClientHello = client_hello(kExtensions);
const std::string kServerHello =
    message(2, "\x03\x03"s + kRandom + counted(1, "other") + "\xc0\x2b\x00"s + counted(2, extension(0xff01, "\0"s)));
const std::string kCertificates = message(11, counted(3, counted(3, kCertificate) + counted(3, "second")));

TEST(Tls, ReadsHellosAndCertificates) {
  Talk talk;
  talk.client(record(22, kClientHello)).server(record(22, kServerHello + kCertificates + message(14, "")));
  ASSERT_EQ(talk.protocol(), "tls");
  EXPECT_EQ(talk.at("tls.sni"), "www.example.org");
  EXPECT_EQ(talk.at("tls.alpn", Side::kToServer, 1), "http/1.1");
  EXPECT_EQ(talk.at("tls.random"), kRandom);
  EXPECT_EQ(talk.at("tls.random_time"), "0123");
  EXPECT_EQ(talk.at("tls.version"), "1.2");
  EXPECT_EQ(talk.at("ssl_version", Side::kToClient), "tls1.2");
  EXPECT_EQ(talk.at("tls.cert_subject", Side::kToClient), "C=TW, O=Example Org, CN=mail.example.org");
  EXPECT_EQ(talk.at("tls.cert_serial", Side::kToClient), "00:8A:0B:0C:0D");
  EXPECT_EQ(talk.at("tls.subjectaltname", Side::kToClient, 1), "www.example.org");
  EXPECT_EQ(talk.at("tls.certs", Side::kToClient, 1), "second");
  EXPECT_EQ(talk.value("tls.cert_chain_len", Side::kToClient).number, 2U);
  EXPECT_EQ(talk.value("tls.cert_subject").presence, Presence::kAbsent);
  EXPECT_TRUE(talk.transaction().may_log(false));
  EXPECT_THAT(talk.transaction().eve(), HasSubstr(R"("subjectaltname":["mail.example.org","www.example.org",)"));
  EXPECT_THAT(talk.transaction().eve(), HasSubstr(R"("sni":"www.example.org","version":"TLS 1.2")"));
  EXPECT_THAT(talk.transaction().eve(), HasSubstr(R"("client_alpns":["h2","http/1.1"])"));
}

TEST(Tls, FingerprintsHellos) {
  const tls::Hello hello = tls::read_hello(testing::bytes(std::string_view(kClientHello).substr(4)), true);
  EXPECT_EQ(tls::ja3(hello, true), "771,4865-49195,0-10-11-13-16,29-23,0");
  EXPECT_EQ(tls::ja4(hello, false).substr(0, 11), "t12d0205h2_");
  EXPECT_EQ(tls::md5_text("abc"), "900150983cd24fb0d6963f7d28e17f72");
  // From the specification: no ciphers, no extensions.
  EXPECT_EQ(tls::ja4(tls::Hello{}, false), "t00i000000_e3b0c44298fc_d2e2adf7177b");
}

TEST(Tls, ComputesJa3OnlyIfAsked) {
  Options no, yes;
  no.set("app-layer.protocols.tls.ja3-fingerprints", "no");
  yes.set("app-layer.protocols.tls.ja3-fingerprints", "yes");
  EXPECT_THAT(Talk(false, 0, no).client(record(22, kClientHello)).transaction().eve(), Not(HasSubstr("ja3")));
  EXPECT_THAT(Talk(false, 0, yes).client(record(22, kClientHello)).transaction().eve(),
              HasSubstr(R"("ja3":{"hash":")" + tls::md5_text("771,4865-49195,0-10-11-13-16,29-23,0")));
}

TEST(Tls, PutsMessagesOfSeveralRecordsTogether) {
  Talk talk;
  std::string records;
  for (std::size_t i = 0; i < kClientHello.size(); i += 10) records += record(22, kClientHello.substr(i, 10));
  for (std::size_t i = 0; i < records.size(); i += 7) talk.client(records.substr(i, 7));
  ASSERT_EQ(talk.protocol(), "tls");
  EXPECT_EQ(talk.at("tls.sni"), "www.example.org");
}

TEST(Tls, PassesWhatIsEncrypted) {
  Talk talk;
  talk.client(record(22, kClientHello)).server(record(22, kServerHello) + record(20, "\1"s));
  talk.server(record(23, std::string(10'000, 'x')).substr(0, 4'000)).server(std::string(6'005, 'x'));
  talk.server(record(23, "short"));
  EXPECT_FALSE(talk.has_event("tls.invalid_record_type"));
  EXPECT_FALSE(talk.has_event("tls.invalid_handshake_message"));
  EXPECT_FALSE(talk.transaction().may_log(true)) << "no certificate was seen";
}

TEST(Tls, TellsWhatIsOdd) {
  const auto tells = [](const std::string& said, std::string_view event) {
    return Talk().client(said).has_event(event);
  };
  EXPECT_TRUE(tells(record(22, client_hello(kSni + kSni)), "tls.multiple_sni_extensions"));
  EXPECT_TRUE(
      tells(record(22, client_hello(extension(0, counted(2, "\1"s + counted(2, "a"))))), "tls.invalid_sni_type"));
  EXPECT_TRUE(
      tells(record(22, client_hello(extension(0, counted(2, "\0"s + counted(2, ""))))), "tls.invalid_sni_length"));
  EXPECT_TRUE(tells(record(22, message(99, "abc")), "tls.invalid_handshake_message"));
  EXPECT_TRUE(tells(record(22, kClientHello) + record(30, "abc"), "tls.invalid_record_type"));
  EXPECT_TRUE(tells(record(22, kClientHello) + record(24, "\x01\x40\x00"s), "tls.overflow_heartbeat_message"));
  EXPECT_TRUE(tells(record(22, kClientHello) + record(21, "a"), "tls.invalid_alert_message"));
  Talk talk;
  talk.client(record(22, kClientHello)).server(record(22, kServerHello + message(11, counted(3, counted(3, "bad")))));
  EXPECT_TRUE(talk.has_event("tls.certificate_invalid_length"));
}

TEST(Tls, ReadsACertificateTheSameByEitherReader) {
  const auto plain = tls::read_plain_certificate(testing::bytes(kCertificate));
  ASSERT_TRUE(plain);
  // A longer length says the same, but is not plain.
  ASSERT_EQ(kCertificate.substr(0, 2), "\x30\x82");
  const std::string longer = "\x30\x83\0"s + kCertificate.substr(2);
  ASSERT_FALSE(tls::read_plain_certificate(testing::bytes(longer)));
  const auto read = tls::read_certificate(testing::bytes(longer));
  ASSERT_TRUE(read);
  EXPECT_EQ(plain->subject, read->subject);
  EXPECT_EQ(plain->issuer, read->issuer);
  EXPECT_EQ(plain->serial, read->serial);
  EXPECT_EQ(plain->names, read->names);
  EXPECT_EQ(plain->not_before, read->not_before);
  EXPECT_EQ(plain->not_after, read->not_after);
}

TEST(Tls, TellsWhatIsWrongWithACertificate) {
  const auto fault = [](std::string der) { return tls::certificate_fault(testing::bytes(der)); };
  EXPECT_EQ(fault("\x30\x05\x30\x84\xff\xff\xff"s), "tls.certificate_invalid_length");
  EXPECT_EQ(fault("\x30\x06\x30\x84\xff\xff\xff\xfa"s), "tls.invalid_certificate");
  EXPECT_EQ(fault("\x31\x00"s), "tls.certificate_invalid_der");
  EXPECT_EQ(fault("\x30\x05\x30\x03\xa0\x01\x05"s), "tls.certificate_invalid_version");
  EXPECT_EQ(fault("\x30\x05\x30\x03\x03\x01\x05"s), "tls.certificate_invalid_serial");
  EXPECT_EQ(fault(""), "tls.certificate_invalid_length");
}

TEST(Tls, KnowsTls13ByItsExtension) {
  Talk talk;
  talk.client(record(22, client_hello(kExtensions + extension(43, counted(1, "\x0a\x0a\x03\x04\x03\x03"s)))));
  talk.server(record(22, message(2, "\x03\x03"s + kRandom + counted(1, "session") + "\x13\x01\x00"s +
                                        counted(2, extension(43, "\x03\x04"s)))));
  EXPECT_EQ(talk.at("tls.version"), "1.3");
  EXPECT_EQ(talk.at("tls.version", Side::kToClient), "1.3");
  EXPECT_TRUE(talk.transaction().may_log(true));
}

TEST(Tls, StandsAnything) {
  testing::torment({{Side::kToServer, record(22, kClientHello)},
                    {Side::kToClient, record(22, kServerHello + kCertificates + message(14, ""))},
                    {Side::kToServer, record(22, message(16, "key")) + record(20, "\1"s) + record(24, "abcd")},
                    {Side::kToClient, record(20, "\1"s) + record(23, "secret") + record(21, "\2\0"s)}},
                   false, 443);
}

}  // namespace
}  // namespace tocsin::protocol
