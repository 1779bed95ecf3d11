// DNS, HTTP and TLS by way of the whole dissector.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "dissect/dissector.h"
#include "dissect/dns.h"
#include "dissect/http.h"
#include "dissect/quic.h"
#include "dissect/tls.h"
#include "pcap_for_test.h"

namespace tocsin {
namespace {

using namespace test;
using testing::ElementsAre;

constexpr std::uint32_t kA = 0x0a000001, kB = 0x08080808;

class Talk {
 public:
  Talk& raw(const std::string& packet, Timestamp time = 0) {
    frames_.push_back(packet);
    packets_.push_back(packet_of(frames_.back(), time, 101, packets_.size() + 1));
    return *this;
  }
  Talk& ask(const std::string& message, Timestamp time = 0) {
    return raw(ipv4(kA, kB, 17, udp(5000, 53, message)), time);
  }
  Talk& answer(const std::string& message, Timestamp time = 0) {
    return raw(ipv4(kB, kA, 17, udp(53, 5000, message)), time);
  }
  Talk& client(const std::string& payload, std::uint32_t sequence = 1) {
    return raw(ipv4(kA, kB, 6, tcp(41000, 8081, sequence, kPsh | kAck, payload)));
  }
  Talk& server(const std::string& payload, std::uint32_t sequence = 1) {
    return raw(ipv4(kB, kA, 6, tcp(8081, 41000, sequence, kPsh | kAck, payload)));
  }
  const Batch& batch(DissectorLimits limits = {}) {
    PacketDissector dissector(limits);
    dissector.dissect(packets_, batch_);
    dissector.finish(batch_);
    counters = dissector.counters();
    examples = dissector.skips().examples();
    return batch_;
  }
  DissectorCounters counters;
  std::vector<std::string> examples;

 private:
  std::deque<std::string> frames_;
  std::vector<Packet> packets_;
  Batch batch_;
};

std::string dns_header(unsigned id, unsigned flags, unsigned answers) {
  return n16(id) + n16(flags) + n16(1) + n16(answers) + n32(0);
}
const std::string kName("\3www\7example\3org\0", 17);
const std::string kQuery = dns_header(7, 0x0100, 0) + kName + n16(1) + n16(1);
// CNAME to cdn.example.org (compressed), then its address.
const std::string kAnswer = dns_header(7, 0x8180, 2) + kName + n16(1) + n16(1) +                        //
                            n16(0xc00c) + n16(5) + n16(1) + n32(60) + n16(6) + "\3cdn" + n16(0xc010) +  //
                            n16(0xc02d) + n16(1) + n16(1) + n32(60) + n16(4) + n32(0x01020304);

TEST(Dns, MatchesTheAnswerWithItsQuery) {
  Talk talk;
  const Batch& batch = talk.ask(kQuery, 10).answer(kAnswer, 20).batch();
  ASSERT_EQ(batch.dns.size(), 1U);
  const DnsTransaction& dns = batch.dns[0];
  EXPECT_EQ(dns.query, "www.example.org");
  EXPECT_EQ(dns.query_type, 1);
  EXPECT_EQ(dns.response_code, 0);
  EXPECT_THAT(dns.addresses, ElementsAre(IpAddress::v4(0x01020304)));
  EXPECT_THAT(dns.names, ElementsAre("cdn.example.org"));
  EXPECT_EQ(dns.client, (Endpoint{IpAddress::v4(kA), 5000}));
  EXPECT_EQ(dns.server, (Endpoint{IpAddress::v4(kB), 53}));
  EXPECT_EQ(dns.time, 10);
  EXPECT_EQ(dns.place.record, 1U);
}

TEST(Dns, GivesUnansweredQueriesAloneAndRetriesOnce) {
  Talk talk;
  const Batch& batch = talk.ask(kQuery, 10).ask(kQuery, 5 * kSecond).batch();
  ASSERT_EQ(batch.dns.size(), 1U);
  EXPECT_EQ(batch.dns[0].response_code, -1);
  EXPECT_EQ(batch.dns[0].time, 10);
}

TEST(Dns, AnAnswerToAnotherQuestionIsNotTheAnswer) {
  std::string forged = kAnswer;
  forged[13] = 'v';
  Talk talk;
  const Batch& batch = talk.ask(kQuery, 10).answer(forged, 11).answer(kAnswer, 12).batch();
  ASSERT_EQ(batch.dns.size(), 2U);
  EXPECT_EQ(batch.dns[0].query, "vww.example.org");
  EXPECT_EQ(batch.dns[1].query, "www.example.org");
  EXPECT_EQ(batch.dns[1].response_code, 0);
}

TEST(Dns, ReadsMessagesOverTcp) {
  const auto framed = [](const std::string& message) { return n16(static_cast<unsigned>(message.size())) + message; };
  Talk talk;
  talk.raw(ipv4(kA, kB, 6, tcp(5000, 53, 1, kPsh | kAck, framed(kQuery))));
  talk.raw(ipv4(kB, kA, 6, tcp(53, 5000, 1, kPsh | kAck, framed(kAnswer))));
  const Batch& batch = talk.batch();
  ASSERT_EQ(batch.dns.size(), 1U);
  EXPECT_EQ(batch.dns[0].addresses.size(), 1U);
}

TEST(Dns, LoopingPointersAreMalformed) {
  Talk talk;
  const std::string tail = n16(1) + n16(1);
  talk.ask(dns_header(1, 0x0100, 0) + n16(0xc00c) + tail);
  talk.ask(dns_header(2, 0x0100, 0) + "\1a" + n16(0xc00c) + tail);
  talk.ask(dns_header(3, 0x0100, 0) + "\1a" + n16(0xc040) + tail);
  talk.ask(dns_header(4, 0x0100, 0) + std::string(300, '\1') + tail);
  talk.ask(dns_header(5, 0x0100, 0) + "\x80" + tail);
  EXPECT_TRUE(talk.batch().dns.empty());
  EXPECT_EQ(talk.counters.dns_malformed, 5U);
  EXPECT_EQ(talk.examples.at(0), "packet 1: malformed DNS message");
}

TEST(Dns, ChainsOfPointersAreCutOff) {
  std::string message = dns_header(1, 0x8000, 1) + std::string(1, '\0') + n16(1) + n16(1);
  message += std::string(1, '\0');
  unsigned last = static_cast<unsigned>(message.size() - 1);
  for (int i = 0; i < 2000; ++i) {
    message += n16(0xc000 | last);
    last = static_cast<unsigned>(message.size() - 2);
  }
  dissect::DnsName name;
  std::size_t at = last;
  const dissect::Bytes bytes = std::as_bytes(std::span(message));
  EXPECT_EQ(dissect::read_name(bytes, at, name), dissect::DnsParse::kMalformed);
  at = 17 + 1 + 2 * 9;
  EXPECT_EQ(dissect::read_name(bytes, at, name), dissect::DnsParse::kOk);
}

TEST(Dns, WritesOddBytesSoThatLabelsStayApart) {
  Talk talk;
  const Batch& batch =
      talk.ask(dns_header(1, 0x0100, 0) + std::string("\4a.b\\\2\x07 \0", 9) + n16(1) + n16(1)).batch();
  ASSERT_EQ(batch.dns.size(), 1U);
  EXPECT_EQ(batch.dns[0].query, "a\\.b\\\\.\\007\\032");
}

TEST(Dns, OutstandingQueriesAreBounded) {
  Talk talk;
  for (unsigned id = 0; id < 100; ++id) talk.ask(dns_header(id, 0x0100, 0) + kName + n16(1) + n16(1));
  EXPECT_EQ(talk.batch({.dns_queries = 10}).dns.size(), 100U);
  EXPECT_EQ(talk.counters.dns_evicted, 90U);
}

TEST(Dns, EveryCutIsTakenOrCounted) {
  for (std::size_t size = 0; size < kAnswer.size(); ++size) {
    Talk talk;
    const Batch& batch = talk.answer(kAnswer.substr(0, size)).batch();
    EXPECT_EQ(talk.counters.dns_malformed, size == 0 ? 0U : 1U) << size;
    for (const DnsTransaction& dns : batch.dns) EXPECT_EQ(dns.query, "www.example.org");
    // Snapped by the capture, it is no fault.
    dissect::DnsQuestion question;
    const std::vector<std::byte> bytes(reinterpret_cast<const std::byte*>(kAnswer.data()),
                                       reinterpret_cast<const std::byte*>(kAnswer.data()) + size);
    EXPECT_NE(dissect::parse_question(bytes, false, question), dissect::DnsParse::kMalformed);
  }
}

const std::string kRequest =
    "GET /gate.php?id=1 HTTP/1.1\r\nHost: evil.example:8081\r\nuser-agent: Mozilla/4.0\r\n"
    "Referer: http://a.example/\r\nAccept: */*\r\n\r\n";

TEST(Http, MatchesTheResponseWithItsRequest) {
  Talk talk;
  const Batch& batch = talk.client(kRequest).server("HTTP/1.1 404 Not Found\r\n\r\n").batch();
  ASSERT_EQ(batch.http.size(), 1U);
  const HttpTransaction& http = batch.http[0];
  EXPECT_EQ(http.method, "GET");
  EXPECT_EQ(http.uri, "/gate.php?id=1");
  EXPECT_EQ(http.host, "evil.example:8081");
  EXPECT_EQ(http.user_agent, "Mozilla/4.0");
  EXPECT_EQ(http.referrer, "http://a.example/");
  EXPECT_EQ(http.status, 404);
  EXPECT_EQ(http.server, (Endpoint{IpAddress::v4(kB), 8081}));
}

TEST(Http, GivesTheRequestAloneAtTheEndOfItsFlow) {
  Talk talk;
  const Batch& batch = talk.client(kRequest).client(kRequest).batch();
  ASSERT_EQ(batch.http.size(), 1U) << "a retransmission is no second request";
  EXPECT_EQ(batch.http[0].status, 0);
}

TEST(Http, ContinueIsNotTheResponse) {
  Talk talk;
  talk.client("POST /a HTTP/1.1\r\nHost: b\r\nExpect: 100-continue\r\n\r\n");
  const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  talk.server(go_on).server("HTTP/1.1 201 Created\r\n\r\n", static_cast<std::uint32_t>(1 + go_on.size()));
  const Batch& batch = talk.batch();
  ASSERT_EQ(batch.http.size(), 1U);
  EXPECT_EQ(batch.http[0].status, 201);
}

TEST(Http, OneConnectionCarriesManyRequests) {
  Talk talk;
  for (unsigned i = 0; i < 3; ++i) talk.client(kRequest, 1 + 1000 * i).server("HTTP/1.0 200 OK\r\n", 1 + 1000 * i);
  const Batch& batch = talk.batch();
  ASSERT_EQ(batch.http.size(), 3U);
  for (const HttpTransaction& http : batch.http) EXPECT_EQ(http.status, 200);
}

TEST(Http, OtherProtocolsWithMethodsAreNotHttp) {
  Talk talk;
  talk.client("OPTIONS sip:a@b SIP/2.0\r\n\r\n").client("GET the door\r\n", 500).client("HELP\r\n", 900);
  EXPECT_TRUE(talk.batch().http.empty());
}

TEST(Http, TheAuthorityOfAProxyRequestIsItsHost) {
  Talk talk;
  const Batch& batch = talk.client("GET http://u@p.example:81/x HTTP/1.0\r\n\r\n").batch();
  ASSERT_EQ(batch.http.size(), 1U);
  EXPECT_EQ(batch.http[0].host, "p.example:81");
}

TEST(Http, WaitingRequestsAreBoundedInBytes) {
  Talk talk;
  const Batch& batch = talk.client(kRequest).server("HTTP/1.1 200 OK\r\n").batch({.http_bytes = 100});
  ASSERT_EQ(batch.http.size(), 1U);
  EXPECT_EQ(batch.http[0].status, 0);
}

TEST(Http, EveryCutGivesWhatIsThere) {
  for (std::size_t size = 1; size <= kRequest.size(); ++size) {
    Talk talk;
    const Batch& batch = talk.client(kRequest.substr(0, size)).batch();
    EXPECT_LE(batch.http.size(), size < 5 ? 0U : 1U);
    for (const HttpTransaction& http : batch.http) EXPECT_EQ(http.method, "GET");
    if (size > 60) {
      ASSERT_EQ(batch.http.size(), 1U);
      EXPECT_EQ(batch.http[0].host, "evil.example:8081");
    }
  }
}

std::string vector8(const std::string& text) { return static_cast<char>(text.size()) + text; }
std::string vector16(const std::string& text) { return n16(static_cast<unsigned>(text.size())) + text; }

// With GREASE (RFC 8701) among ciphers, extensions and curves.
std::string client_hello() {
  const std::string name = vector16(std::string(1, '\0') + vector16("www.example.org"));
  const std::string extensions = n16(0x1a1a) + vector16("") + n16(0) + vector16(name) + n16(10) +
                                 vector16(vector16(n16(0x2a2a) + n16(29) + n16(23))) + n16(11) +
                                 vector16(vector8(std::string(1, '\0')));
  const std::string body = n16(0x0303) + std::string(32, 'r') + vector8("") +
                           vector16(n16(0x0a0a) + n16(0x1301) + n16(0xc02f)) + vector8(std::string(1, '\0')) +
                           vector16(extensions);
  return "\x16\x03\x01" + vector16(std::string("\x01\0", 2) + vector16(body));
}

TEST(Tls, ReadsServerNameAndJa3) {
  Talk talk;
  const Batch& batch = talk.client(client_hello()).batch();
  ASSERT_EQ(batch.tls.size(), 1U);
  EXPECT_EQ(batch.tls[0].server_name, "www.example.org");
  // printf '771,4865-49199,0-10-11,29-23,0' | md5sum
  EXPECT_EQ(batch.tls[0].ja3, "bca193bf3b6d2156cfbe0e6b4b306d3e");
  EXPECT_EQ(batch.tls[0].server, (Endpoint{IpAddress::v4(kB), 8081}));
}

TEST(Tls, ACutHelloGivesWhatIsThere) {
  const std::string whole = client_hello();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::byte> bytes(reinterpret_cast<const std::byte*>(whole.data()),
                                       reinterpret_cast<const std::byte*>(whole.data()) + size);
    dissect::ClientHello hello;
    const dissect::TlsParse parsed = dissect::parse_client_hello(bytes, hello);
    EXPECT_EQ(parsed, size < 6 ? dissect::TlsParse::kMalformed : dissect::TlsParse::kCut);
    EXPECT_FALSE(hello.has_ja3);
    EXPECT_TRUE(hello.server_name.empty() || hello.server_name == "www.example.org");
  }
}

TEST(Tls, LyingLengthsAreMalformed) {
  std::string lie = client_hello();
  lie[43] = '\x7f';  // session id
  Talk talk;
  EXPECT_TRUE(talk.client(lie).batch().tls.empty());
  EXPECT_EQ(talk.counters.tls_malformed, 1U);
}

TEST(Quic, WhatCannotBeReadIsForgotten) {
  dissect::QuicHellos hellos(4);
  Batch batch;
  const std::string packet = std::string("\xc0\x00\x00\x00\x01\x08", 6) + "abcdefgh" +
                             std::string("\x00\x00\x40\x40", 4) + std::string(64, 'x');
  for (std::size_t size = 0; size <= packet.size(); ++size) {
    for (std::uint16_t port = 1; port < 30; ++port) {
      const dissect::Bytes bytes = std::as_bytes(std::span(packet)).first(size);
      if (!dissect::looks_like_quic(bytes)) continue;
      hellos.take(bytes, {IpAddress::v4(kA), port}, {IpAddress::v4(kB), 443}, 0, {}, batch);
    }
  }
  EXPECT_EQ(batch.size(), 0U);
}

TEST(Payload, SurvivesDamageAnywhere) {
  std::mt19937 engine(3);
  const auto random = [&engine] { return static_cast<std::uint32_t>(engine()); };
  const std::string samples[] = {kQuery, kAnswer, kRequest, client_hello(), "HTTP/1.1 200 OK\r\n"};
  PacketDissector dissector({.flows = 50, .dns_queries = 20, .http_bytes = 4000});
  Batch batch;
  for (int i = 0; i < 40000; ++i) {
    std::string payload = samples[random() % std::size(samples)];
    for (unsigned hits = random() % 4; hits > 0; --hits)
      payload[random() % payload.size()] = static_cast<char>(random());
    if (random() % 3 == 0) payload.resize(random() % payload.size());
    const unsigned port = random() % 2 == 0 ? 53 : 80;
    const unsigned other = 1024 + random() % 200;
    const bool back = random() % 2 == 0;
    const std::uint32_t from = back ? kB : kA, to = back ? kA : kB;
    const unsigned source = back ? port : other, destination = back ? other : port;
    const std::string packet = random() % 2 == 0
                                   ? ipv4(from, to, 17, udp(source, destination, payload))
                                   : ipv4(from, to, 6, tcp(source, destination, random(), random() % 64, payload));
    std::vector<std::byte> frame(packet.size());
    std::memcpy(frame.data(), packet.data(), packet.size());
    Packet given = packet_of({}, i * 10000, 101);
    given.data = frame;
    given.original_length = static_cast<std::uint32_t>(frame.size());
    dissector.dissect({&given, 1}, batch);
    if (batch.size() > 1000) batch.clear();
  }
  dissector.finish(batch);
  EXPECT_EQ(dissector.counters().packets, 40000U);
}

}  // namespace
}  // namespace tocsin
