#include "protocol/http2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "http_flow.h"

namespace tocsin::protocol {
namespace {

constexpr Side kClient = Side::kToServer, kServer = Side::kToClient;
const std::string kGreeting = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string number(std::uint64_t value, int size) {
  std::string text;
  while (size-- > 0) text += static_cast<char>(value >> (8 * size));
  return text;
}
std::string frame(int type, int flags, std::uint32_t stream, std::string_view payload) {
  return number(payload.size(), 3) + number(static_cast<std::uint64_t>(type), 1) +
         number(static_cast<std::uint64_t>(flags), 1) + number(stream, 4) + std::string(payload);
}
// A literal without an index.
std::string header(std::string_view name, std::string_view value) {
  return std::string(1, 0) + static_cast<char>(name.size()) + std::string(name) + static_cast<char>(value.size()) +
         std::string(value);
}
// One that is remembered.
std::string kept(std::string_view name, std::string_view value) {
  std::string text = header(name, value);
  text[0] = 0x40;
  return text;
}
std::string request(std::string_view path) {
  return header(":method", "POST") + header(":path", path) + header(":authority", "User@Host.ORG:80") +
         header("user-agent", "agent") + header("cookie", "a=b") + header("x", " y ") + header("x", "z");
}

class Http2Flow {
 public:
  explicit Http2Flow(std::initializer_list<std::pair<std::string, std::string>> settings = {}) {
    for (const auto& [name, value] : settings) options_.set(name, value);
    parser = http2_protocol().parser(options_);
  }
  Http2Flow& send(Side side, std::string_view text) {
    alive = parser->take(side, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, 1);
    return *this;
  }
  Transaction& operator[](std::size_t index) { return *parser->transactions.at(index); }
  std::string text(std::string_view keyword, Side side, std::size_t transaction = 0, std::size_t index = 0) {
    const Value found = (*this)[transaction].value(http2_protocol().field(keyword), side, index);
    if (found.presence == Presence::kAbsent) return "-";
    if (found.presence == Presence::kNotYet) return "?";
    return {reinterpret_cast<const char*>(found.bytes.data()), found.bytes.size()};
  }
  std::uint64_t count(std::string_view keyword, Side side, std::size_t transaction, std::size_t index = 0) {
    const Value found = (*this)[transaction].value(http2_protocol().field(keyword), side, index);
    return found.presence == Presence::kWhole ? found.number : 99'999;
  }
  bool has_event(std::string_view event) const {
    for (const auto& one : parser->transactions) {
      if (std::ranges::find(one->events, event) != one->events.end()) return true;
    }
    return false;
  }

  std::unique_ptr<Parser> parser;
  bool alive = true;

 private:
  Options options_;
};

TEST(Http2, HoldsWhatAStreamSays) {
  Http2Flow flow;
  flow.send(kClient, kGreeting + frame(4, 0, 0, number(3, 2) + number(100, 4)) + frame(1, 4, 1, request("/a?b")));
  ASSERT_EQ(flow.parser->transactions.size(), 2u);
  EXPECT_TRUE(flow[0].is_complete());
  EXPECT_EQ(flow.text("http.uri", kClient, 1), "/a?b");
  EXPECT_EQ(flow.text("http.method", kClient, 1), "POST");
  EXPECT_EQ(flow.text("http.host", kClient, 1), "host.org");
  EXPECT_EQ(flow.text("http.host.raw", kClient, 1), "User@Host.ORG:80");
  EXPECT_EQ(flow.text("http.user_agent", kClient, 1), "agent");
  EXPECT_EQ(flow.text("http.cookie", kClient, 1), "a=b");
  EXPECT_EQ(flow.text("http.request_line", kClient, 1), "POST /a?b HTTP/2\r\n");
  EXPECT_EQ(flow.text("http.protocol", kClient, 1), "HTTP/2");
  EXPECT_EQ(flow.text("http.header", kClient, 1),
            ":method: POST\r\n:path: /a?b\r\n:authority: User@Host.ORG:80\r\nuser-agent: agent\r\nx: y\r\nx: z\r\n");
  EXPECT_EQ(flow.text("http.header_names", kClient, 1),
            "\r\n:method\r\n:path\r\n:authority\r\nuser-agent\r\ncookie\r\nx\r\nx\r\n\r\n");
  EXPECT_EQ(flow.text("http.request_header", kClient, 1, 3), "user-agent: agent");
  EXPECT_EQ(flow.text("http2.header_name", kClient, 1, 4), "cookie");
  EXPECT_EQ(flow.text("http.request_body", kClient, 1), "?");
  EXPECT_EQ(flow.text("http.uri", kServer, 1), "-");
  EXPECT_TRUE(flow.has_event("http2.userinfo_in_uri"));
  EXPECT_EQ(flow[1].progress[0], 1);
  flow.send(kClient, frame(0, 1, 1, "body"));
  EXPECT_EQ(flow.text("http.request_body", kClient, 1), "body");
  flow.send(kServer, frame(1, 4, 1, header(":status", "200") + header("server", "s")) + frame(0, 1, 1, "answer"));
  EXPECT_TRUE(flow[1].is_complete());
  EXPECT_EQ(flow.text("http.stat_code", kServer, 1), "200");
  EXPECT_EQ(flow.text("http.server", kServer, 1), "s");
  EXPECT_EQ(flow.text("http.response_line", kServer, 1), "HTTP/2 200\r\n");
  EXPECT_EQ(flow.text("file.data", kServer, 1), "answer");
  EXPECT_EQ(flow[1].files.at(1)->state, File::State::kClosed);
  EXPECT_EQ(flow[0].eve(), R"("http":{"version":"2","http2":{"stream_id":0,"request":{"settings":[{"settings_id":)"
                           R"("SETTINGSMAXCONCURRENTSTREAMS","settings_value":100}]}}})");
  EXPECT_THAT(flow[1].eve(), testing::AllOf(testing::HasSubstr(R"("http_method":"POST","url":"/a?b")"),
                                            testing::HasSubstr(R"("status":200)"),
                                            testing::HasSubstr(R"({"name":"cookie","value":"a=b"})"),
                                            testing::HasSubstr(R"("http2":{"stream_id":1})")));
}

TEST(Http2, RemembersHeaders) {
  Http2Flow flow;
  flow.send(kClient, kGreeting + frame(1, 5, 1, kept("name", "first") + "\x82"));
  flow.send(kClient, frame(1, 5, 3, "\xbe\x83"));  // the last that was remembered, and POST
  EXPECT_EQ(flow.text("http.request_header", kClient, 1, 0), "name: first");
  EXPECT_EQ(flow.text("http.method", kClient, 0), "GET");
  EXPECT_EQ(flow.text("http.method", kClient, 1), "POST");
}

TEST(Http2, JoinsHeadersThatGoOn) {
  Http2Flow flow;
  const std::string all = request("/long");
  flow.send(kClient, kGreeting + frame(1, 1, 1, all.substr(0, 10)));
  EXPECT_EQ(flow.text("http.uri", kClient), "?");
  flow.send(kClient, frame(9, 0, 1, all.substr(10, 10)) + frame(9, 4, 1, all.substr(20)));
  EXPECT_EQ(flow.text("http.uri", kClient), "/long");
}

TEST(Http2, TellsNumbersOfFrames) {
  Http2Flow flow;
  flow.send(kClient, kGreeting + frame(8, 0, 0, number(1000, 4)) + frame(7, 0, 0, number(5, 4) + number(2, 4)) +
                         frame(1, 0x2c, 1, std::string("\0", 1) + number(0, 4) + "\x07" + "\x3f\x45" + request("/")) +
                         frame(3, 0, 1, number(8, 4)));
  EXPECT_EQ(flow.count("http2.window", kClient, 0), 1000u);
  EXPECT_EQ(flow.count("http2.frametype", kClient, 0), 8u);
  EXPECT_EQ(flow.count("http2.errorcode", kClient, 1), 2u);
  EXPECT_EQ(flow.count("http2.priority", kClient, 2), 7u);
  EXPECT_EQ(flow.count("http2.size_update", kClient, 2), 100u);
  EXPECT_EQ(flow.count("http2.frametype", kClient, 2, 1), 3u);
  EXPECT_EQ(http2_protocol().number_of(http2_protocol().field("http2.frametype"), "window_update"), 8u);
  EXPECT_EQ(http2_protocol().number_of(http2_protocol().field("http2.errorcode"), "cancel"), 8u);
}

TEST(Http2, SaysWhatIsWrong) {
  const auto event_of = [](const std::string& frames) {
    Http2Flow flow;
    flow.send(kClient, kGreeting + frame(1, 4, 1, request("/")) + frames);
    const auto& events = flow[flow.parser->transactions.size() - 1].events;
    std::string all;
    for (const auto event : events) all.append(event).append(" ");
    return all;
  };
  EXPECT_THAT(event_of(frame(0, 0, 0, "x")), testing::HasSubstr("http2.data_stream_zero"));
  EXPECT_THAT(event_of(frame(1, 4, 0, "")), testing::HasSubstr("http2.invalid_frame_header"));
  EXPECT_THAT(event_of(frame(3, 0, 1, "abc")), testing::HasSubstr("http2.invalid_frame_length"));
  EXPECT_THAT(event_of(frame(1, 4, 1, "\xff\xff\xff\xff\xff\xff")), testing::HasSubstr("http2.invalid_header"));
  EXPECT_THAT(event_of(frame(1, 8, 1, "\x7f")), testing::HasSubstr("http2.invalid_frame_data"));
  EXPECT_THAT(event_of(number(0x100000, 3) + number(0, 2) + number(1, 4) + std::string(300, 'x')),
              testing::HasSubstr("http2.long_frame_data"));
  EXPECT_THAT(event_of(frame(1, 4, 3, header(":authority", "a") + header("host", "b"))),
              testing::HasSubstr("http2.authority_host_mismatch"));
}

TEST(Http2, IsRecognisedByItsGreeting) {
  const auto probe = [](Side side, std::string_view text) {
    return http2_protocol().probe(false, side, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, 80);
  };
  EXPECT_EQ(probe(kClient, kGreeting), Probe::kYes);
  EXPECT_EQ(probe(kClient, "PRI *"), Probe::kMore);
  EXPECT_EQ(probe(kClient, "PRI /"), Probe::kNo);
  EXPECT_EQ(probe(kServer, frame(4, 0, 0, number(3, 2) + number(100, 4))), Probe::kYes);
  EXPECT_EQ(probe(kServer, std::string(2, 0)), Probe::kMore);
  EXPECT_EQ(probe(kServer, "HTTP/1.1 200 OK"), Probe::kNo);
}

TEST(Http2, BombsOfHeadersAreNotKept) {
  Http2Flow flow;
  std::string block = kept("name", std::string(100, 'v'));
  block += std::string(100'000, '\xbe');
  std::string frames = frame(1, 0, 1, block.substr(0, 16'000));
  for (std::size_t at = 16'000; at < block.size(); at += 16'000) frames += frame(9, 0, 1, block.substr(at, 16'000));
  flow.send(kClient, kGreeting + frames + frame(9, 4, 1, ""));
  EXPECT_NE(flow.text("http2.header_name", kClient, 0, 100), "-");
  EXPECT_EQ(flow.text("http2.header_name", kClient, 0, 10'000), "?");
}

TEST(Http2, BytesThatWereChangedDoNoHarm) {
  const std::string client = kGreeting + frame(4, 0, 0, number(1, 2) + number(100'000, 4)) +
                             frame(1, 0x2c, 1, std::string("\0", 1) + number(0, 4) + "\x07" + request("/")) +
                             frame(1, 0, 3, request("/2").substr(0, 9)) + frame(9, 4, 3, request("/2").substr(9)) +
                             frame(0, 9, 1, std::string("\x02") + "body12") + frame(7, 0, 0, number(0, 8));
  const std::string server = frame(5, 4, 1, number(2, 4) + header(":path", "/pushed")) +
                             frame(1, 4, 1, header(":status", "200") + header("content-encoding", "gzip")) +
                             frame(0, 1, 1, "answer");
  std::mt19937 random(3);
  for (int round = 0; round < 3'000; ++round) {
    Http2Flow flow;
    for (const Side side : {kClient, kServer}) {
      std::string bytes = side == kClient ? client : server;
      for (auto i = random() % 6; i > 0; --i) bytes[random() % bytes.size()] = static_cast<char>(random());
      for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t size = 1 + random() % 40;
        flow.send(side, std::string_view(bytes).substr(at, size));
        at += size;
        if (random() % 60 == 0 && !flow.parser->transactions.empty()) flow.parser->transactions.pop_front();
      }
    }
    flow.parser->end(kClient, 1);
    flow.parser->end(kServer, 1);
    for (const auto& transaction : flow.parser->transactions) {
      for (int field = -1; field < 45; ++field) {
        if (field == http2_protocol().field("file.magic")) continue;
        for (const Side side : {kClient, kServer}) transaction->value(field, side, random() % 4);
      }
      transaction->eve();
    }
  }
}

// www.example.org, A, and its answer 192.0.2.1.
const std::string kQuestion = std::string("\0\0\1\0\0\1\0\0\0\0\0\0\3www\7example\3org\0\0\1\0\1", 33);
const std::string kAnswer = std::string("\0\0\x81\x80\0\1\0\1\0\0\0\0\3www\7example\3org\0\0\1\0\1", 33) +
                            std::string("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1", 16);

std::string dns_text(Http2Flow& flow, std::string_view keyword, Side side) {
  const Value found = flow[0].value(doh2_protocol().field(keyword), side, 0);
  return {reinterpret_cast<const char*>(found.bytes.data()), found.bytes.size()};
}

TEST(Doh2, QuestionsStandInThePath) {
  Http2Flow flow;
  flow.send(kClient,
            kGreeting + frame(1, 5, 1,
                              header(":method", "GET") +
                                  header(":path", "/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA29yZwAAAQAB") +
                                  header("accept", "application/dns-message")));
  EXPECT_EQ(flow.parser->is_now, &doh2_protocol());
  EXPECT_EQ(dns_text(flow, "dns.query", kClient), "www.example.org");
  flow.send(kServer, frame(1, 4, 1, header(":status", "200") + header("content-type", "application/dns-message")) +
                         frame(0, 0, 1, kAnswer.substr(0, 20)) + frame(0, 1, 1, kAnswer.substr(20)));
  EXPECT_EQ(dns_text(flow, "dns.answer.name", kServer), "www.example.org");
  EXPECT_EQ(dns_text(flow, "http.stat_code", kServer), "200");
  EXPECT_THAT(flow[0].eve(), testing::HasSubstr(R"("rdata":"192.0.2.1")"));
}

TEST(Doh2, QuestionsAreBodiesOfTheirType) {
  Http2Flow flow;
  flow.send(kClient, kGreeting +
                         frame(1, 4, 1,
                               header(":method", "POST") + header(":path", "/dns-query") +
                                   header("content-type", "application/dns-message")) +
                         frame(0, 1, 1, kQuestion));
  EXPECT_EQ(dns_text(flow, "dns.query", kClient), "www.example.org");
}

TEST(Doh2, OtherBodiesAndNonsenseAreNot) {
  for (const std::string& body : {std::string("x"), kAnswer, std::string(100'000, 'x')}) {
    Http2Flow flow;
    flow.send(kClient, kGreeting +
                           frame(1, 4, 1,
                                 header(":method", "POST") + header(":path", "/?dns=%%") +
                                     header("content-type", "application/dns-message")) +
                           frame(0, 1, 1, body.substr(0, 16'000)));
    EXPECT_EQ(flow.parser->is_now, nullptr);
  }
}

}  // namespace
}  // namespace tocsin::protocol
