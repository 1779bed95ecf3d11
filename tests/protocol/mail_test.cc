#include <gmock/gmock.h>

#include "protocol/file.h"
#include "protocol/mime.h"
#include "talk.h"

namespace tocsin::protocol {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Said;
using testing::Talk;

const std::string kMail =
    "From: A <a@example.org>\r\nTo: \"B, b\" <b@example.org>, c@example.org\r\nSubject: One\r\n two\r\n"
    "Content-Type: multipart/mixed; boundary=\"XX\"\r\n\r\nignored\r\n"
    "--XX\r\nContent-Type: text/plain\r\n\r\nsee http://evil.example/path now\r\n"
    "--XX\r\nContent-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n"
    "Content-Disposition: attachment; filename=\"a.zip\"\r\n\r\nUEsDBGhlbGxv\r\nIHdvcmxk\r\n"
    "--XX\r\nContent-Disposition: attachment; filename*0=\"b\"; filename*1=\".txt\"\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\none=3D1 =\r\nline\r\n--XX--\r\n.\r\n";

std::vector<Said> talk_of(const std::string& mail) {
  return {{Side::kToClient, "220 mail.example.org ESMTP\r\n"},
          {Side::kToServer, "EHLO client.example.org\r\n"},
          {Side::kToClient, "250-mail.example.org\r\n250 SIZE\r\n"},
          {Side::kToServer, "MAIL FROM:<a@example.org> SIZE=1\r\n"},
          {Side::kToClient, "250 ok\r\n"},
          {Side::kToServer, "RCPT TO:<b@example.org>\r\nRCPT TO:<c@example.org>\r\n"},
          {Side::kToClient, "250 ok\r\n250 ok\r\n"},
          {Side::kToServer, "DATA\r\n"},
          {Side::kToClient, "354 go on\r\n"},
          {Side::kToServer, mail},
          {Side::kToClient, "250 queued\r\n"},
          {Side::kToServer, "QUIT\r\n"},
          {Side::kToClient, "221 bye\r\n"}};
}

TEST(Mail, GoesFromHeloToItsFiles) {
  Talk talk(false, 25);
  talk.say(talk_of(kMail));
  ASSERT_EQ(talk.protocol(), "smtp");
  ASSERT_EQ(talk.count(), 1U);
  EXPECT_EQ(talk.at("smtp.helo"), "client.example.org");
  EXPECT_EQ(talk.at("smtp.mail_from"), "<a@example.org>");
  EXPECT_EQ(talk.at("smtp.rcpt_to", Side::kToServer, 1), "<c@example.org>");
  EXPECT_EQ(talk.at("email.subject"),
            "One"
            "two");
  EXPECT_EQ(talk.at("email.url"), "evil.example/path");
  auto& files = talk.transaction().files;
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0]->name, "a.zip");
  EXPECT_EQ(files[0]->bytes, "PK\3\4hello world");
  EXPECT_EQ(files[0]->state, File::State::kClosed);
  EXPECT_EQ(files[1]->name, "b.txt");
  EXPECT_EQ(files[1]->bytes, "one=1 line\r\n");
  EXPECT_TRUE(talk.transaction().is_complete());
  EXPECT_THAT(talk.transaction().eve(),
              HasSubstr(R"("email":{"from":"A <a@example.org>","to":["\"B, b\" <b@example.org>","c@example.org"],)"
                        R"("status":"PARSE_DONE","attachment":["a.zip","b.txt"],"url":["evil.example/path"]})"));
}

TEST(Mail, IsTheSameHoweverItIsCut) {
  for (const std::size_t size : {1U, 2U, 7U, 50U}) {
    Talk talk(false, 25);
    for (const Said& one : talk_of(kMail)) {
      for (std::size_t i = 0; i < one.bytes.size(); i += size) talk.say({{one.side, one.bytes.substr(i, size)}});
    }
    ASSERT_EQ(talk.transaction().files.size(), 2U) << size;
    EXPECT_EQ(talk.transaction().files[0]->bytes, "PK\3\4hello world") << size;
    // The end of the last line belongs to the boundary, where it did not come with the line.
    EXPECT_EQ(talk.transaction().files[1]->bytes.substr(0, 10), "one=1 line") << size;
  }
}

TEST(Mail, TellsWhatIsOdd) {
  const auto tells = [](const std::string& mail, std::string_view event) {
    return Talk(false, 25).say(talk_of(mail)).has_event(event);
  };
  const std::string part = "Content-Disposition: attachment; filename=a\r\nContent-Transfer-Encoding: ";
  EXPECT_TRUE(tells(std::string(80, 'n') + ": v\r\n\r\n.\r\n", "smtp.mime_long_header_name"));
  EXPECT_TRUE(tells("n: " + std::string(2'001, 'v') + "\r\n\r\n.\r\n", "smtp.mime_long_header_value"));
  EXPECT_TRUE(tells("n: v\r\n\r\n" + std::string(999, 'x') + "\r\n.\r\n", "smtp.mime_long_line"));
  EXPECT_TRUE(tells(part + "base64\r\n\r\nQQ==QQ==QQ=Q\r\n.\r\n", "smtp.mime_invalid_base64"));
  EXPECT_TRUE(tells(part + "base64\r\n\r\n" + std::string(80, 'A') + "\r\n.\r\n", "smtp.mime_long_enc_line"));
  EXPECT_TRUE(tells(part + "quoted-printable\r\n\r\na=zz\r\n.\r\n", "smtp.mime_invalid_qp"));
  EXPECT_TRUE(tells("Content-Type: a; boundary=" + std::string(255, 'b') + "\r\n\r\n.\r\n", "smtp.mime_long_boundary"));

  std::vector<Said> rejected = talk_of("");
  rejected[8].bytes = "550 no\r\n";
  EXPECT_TRUE(Talk(false, 25).say(rejected).has_event("smtp.data_command_rejected"));
  EXPECT_TRUE(Talk(false, 25).client("EHLO a\r\n").has_event("smtp.no_server_welcome_message"));
  EXPECT_TRUE(Talk(false, 25)
                  .client("EHLO a\r\n")
                  .client("MAIL FROM:<a>\r\nMAIL FROM:<b>\r\n")
                  .has_event("smtp.duplicate_fields"));
  EXPECT_TRUE(Talk(false, 25).client("EHLO a\r\n").server("xyz abcdefgh\r\n").has_event("smtp.invalid_reply"));
}

TEST(Mail, PassesChunksByTheirCount) {
  Talk talk(false, 25);
  talk.server("220 a\r\n").client("EHLO a\r\n").server("250 a\r\n");
  talk.client("MAIL FROM:<a>\r\n").client("BDAT 6\r\nQUIT\r\nBDAT 3 LAST\r\nabc");
  talk.server("250 ok\r\n250 ok\r\n250 ok\r\n");
  EXPECT_EQ(talk.count(), 1U);
  EXPECT_TRUE(talk.transaction().is_complete());
}

TEST(Mail, GoesOnAsTls) {
  Talk talk(false, 25);
  talk.server("220 a\r\n").client("EHLO a\r\n").server("250 a\r\n").client("STARTTLS\r\n").server("220 go\r\n");
  EXPECT_TRUE(talk.application.is_changing());
  talk.client("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"s);
  EXPECT_EQ(talk.protocol(), "tls");
  EXPECT_EQ(talk.application.original()->name(), "smtp");
  EXPECT_FALSE(talk.has_event("applayer_unexpected_protocol"));
  Talk other(false, 25);
  other.server("220 a\r\n").client("EHLO a\r\n").server("250 a\r\n").client("STARTTLS\r\n").server("220 go\r\n");
  other.client("SSH-2.0-a\r\n");
  EXPECT_TRUE(other.has_event("applayer_no_tls_after_starttls"));
}

TEST(Mail, BoundsItsTransactions) {
  Options options;
  options.set("app-layer.protocols.smtp.max-tx", "3");
  Talk talk(false, 25, options);
  talk.server("220 a\r\n").client("EHLO a\r\n").server("250 a\r\n");
  for (int i = 0; i < 20; ++i) talk.client("RSET\r\nNOOP\r\n").server("250 a\r\n250 a\r\n");
  EXPECT_LE(talk.count(), 4U);
}

TEST(Mail, StandsAnything) { testing::torment(talk_of(kMail), false, 25); }

TEST(Ftp, KeepsCommandsWithTheirReplies) {
  Talk talk(false, 21);
  talk.server("220 (vsFTPd)\r\n").client("USER a\r\n").server("331 password\r\n").client("PASV\r\n");
  talk.server("227 Entering (192,0,2,1,4,1)\r\n").client("RETR file.txt\r\n").server("150 opening\r\n226 done\r\n");
  ASSERT_EQ(talk.protocol(), "ftp");
  ASSERT_EQ(talk.count(), 4U);
  EXPECT_EQ(talk.at("ftp.command", Side::kToServer, 0, 1), "USER");
  EXPECT_EQ(talk.at("ftp.command_data", Side::kToServer, 0, 1), "a");
  EXPECT_EQ(talk.at("ftp.completion_code", Side::kToClient, 0, 1), "331");
  EXPECT_EQ(talk.value("ftp.dynamic_port", Side::kToClient, 0, 2).number, 1025U);
  EXPECT_EQ(talk.at("ftp.mode", Side::kToClient, 0, 2), "passive");
  EXPECT_EQ(talk.at("ftp.reply", Side::kToClient, 1, 3), "done");
  ASSERT_EQ(talk.application.parser()->expected.size(), 1U);
  EXPECT_EQ(talk.application.parser()->expected[0].file_name, "file.txt");
  EXPECT_EQ(talk.application.parser()->expected[0].port, 1025);
  EXPECT_TRUE(talk.application.parser()->expected[0].to_server);
  EXPECT_EQ(talk.transaction(3).eve(),
            R"("ftp":{"command":"RETR","command_data":"file.txt","command_truncated":false,"completion_code":["150",)"
            R"("226"],"reply":["opening","done"],"reply_received":"yes","reply_truncated":false})");
}

TEST(Ftp, SaysWhereTheServerIsToConnect) {
  Talk talk(false, 21);
  talk.server("220 (a)\r\n").client("PORT 192,0,2,9,0,80\r\n");
  EXPECT_EQ(talk.at("ftpbounce", Side::kToServer, 0, talk.count() - 1), "\xc0\x00\x02\x09"s);
}

TEST(Ftp, TellsWhatIsOdd) {
  const auto tells = [](const std::string& said, std::string_view event) {
    return Talk(false, 21).server("220 (a)\r\n").client("USER a\r\n").client(said).has_event(event);
  };
  EXPECT_TRUE(tells("RETR a\r\n", "ftp.file_before_port"));
  EXPECT_TRUE(tells("RETR\r\n", "ftp.file_without_name"));
  EXPECT_TRUE(tells("PASS " + std::string(5'000, 'a') + "\r\n", "ftp.request_command_too_long"));
  std::string many;
  for (int i = 0; i < 1'200; ++i) many += "NOOP\r\n";
  EXPECT_TRUE(tells(many, "ftp.too_many_transactions"));
}

TEST(Ftp, CarriesFilesInTheDirectionThatWasAnnounced) {
  for (const bool is_passive : {true, false}) {
    Talk talk;
    talk.application.expect("ftp-data", {1025, is_passive, "RETR", "file.txt"});
    talk.server("x").client("y").end();
    ASSERT_EQ(talk.protocol(), "ftp-data");
    ASSERT_EQ(talk.transaction().files.size(), 1U);
    EXPECT_EQ(talk.transaction().files[0]->bytes, is_passive ? "x" : "y");
    EXPECT_EQ(talk.transaction().eve(), R"("ftp_data":{"filename":"file.txt","command":"RETR"})");
  }
}

TEST(Ftp, StandsAnything) {
  testing::torment({{Side::kToClient, "220 (a)\r\n"},
                    {Side::kToServer, "USER a\r\nEPRT |1|192.0.2.1|4096|\r\n"},
                    {Side::kToClient, "200 ok\r\n"},
                    {Side::kToServer, "PORT 192,0,2,1,4,1\r\nSTOR a\r\nEPSV\r\n"},
                    {Side::kToClient, "200 ok\r\n229 (|||1025|)\r\n227 (1,2,3,4,5,6)\r\n"}},
                   false, 21);
}

std::string list(const std::string& text) {
  return std::string{0, 0, static_cast<char>(text.size() >> 8), static_cast<char>(text.size())} + text;
}

const std::string kKex = [] {
  std::string body = "\x14"s + std::string(16, 'c');
  for (const char* one : {"kex", "key", "enc-up", "enc-down", "mac-up", "mac-down", "zip-up", "zip-down", "", ""}) {
    body += list(one);
  }
  body += std::string(5, '\0');
  return list("\x04"s + body + "pads");
}();

TEST(Ssh, ReadsBannersAndFingerprintsLists) {
  Options options;
  options.set("app-layer.protocols.ssh.hassh", "yes");
  Talk talk(false, 22, options);
  talk.client("SSH-2.0-OpenSSH_9.2 Debian\r\n" + kKex).server("SSH-2.0-dropbear\r\n").server(kKex.substr(0, 30));
  talk.server(kKex.substr(30));
  ASSERT_EQ(talk.protocol(), "ssh");
  EXPECT_EQ(talk.at("ssh.proto"), "2.0");
  EXPECT_EQ(talk.at("ssh.software"), "OpenSSH_9.2");
  EXPECT_EQ(talk.at("ssh.hassh.string"), "kex;enc-up;mac-up;zip-up");
  EXPECT_EQ(talk.at("ssh.hassh.server.string", Side::kToClient), "kex;enc-down;mac-down;zip-down");
  EXPECT_FALSE(talk.transaction().may_log(false));
  talk.client(list("\x00\x15"s)).server(list("\x00\x15"s)).client("anything");
  EXPECT_TRUE(talk.transaction().may_log(false));
  EXPECT_THAT(talk.transaction().eve(), HasSubstr(R"("server":{"proto_version":"2.0","software_version":"dropbear")"));
}

TEST(Ssh, StandsAnything) {
  Options options;
  options.set("app-layer.protocols.ssh.hassh", "yes");
  testing::torment({{Side::kToClient, "SSH-2.0-a\r\n" + kKex}, {Side::kToServer, "SSH-2.0-b c\n" + kKex}}, false, 22,
                   options);
}

}  // namespace
}  // namespace tocsin::protocol
