#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http_flow.h"

namespace tocsin::protocol {
namespace {

using testing::ElementsAre;

TEST(HttpBuffers, HoldWhatARequestSays) {
  HttpFlow flow;
  flow.client(
      "GET /a%20b/../c?q=%41+%42#f HTTP/1.1\r\nHost: WWW.Example.com:8080\r\nUser-Agent: agent\r\nCookie: k=v\r\n"
      "Accept: text/*\r\nAccept-Encoding: gzip\r\nAccept-Language: de\r\nReferer: http://r/\r\n"
      "Connection: close\r\nX-Twice: 1\r\nx-twice: 2\r\n\r\n");
  ASSERT_EQ(flow.count(), 1u);
  EXPECT_EQ(flow.request("http.method"), "GET");
  EXPECT_EQ(flow.request("http.uri"), "/c?q=A+B#f");
  EXPECT_EQ(flow.request("http.uri.raw"), "/a%20b/../c?q=%41+%42#f");
  EXPECT_EQ(flow.value("urilen", Side::kToServer).number, 10u);
  EXPECT_EQ(flow.request("http.request_line"), "GET /a%20b/../c?q=%41+%42#f HTTP/1.1");
  EXPECT_EQ(flow.request("http.protocol"), "HTTP/1.1");
  EXPECT_EQ(flow.request("http.host"), "www.example.com");
  EXPECT_EQ(flow.request("http.host.raw"), "WWW.Example.com:8080");
  EXPECT_EQ(flow.request("http.user_agent"), "agent");
  EXPECT_EQ(flow.request("http.cookie"), "k=v");
  EXPECT_EQ(flow.request("http.accept"), "text/*");
  EXPECT_EQ(flow.request("http.accept_enc"), "gzip");
  EXPECT_EQ(flow.request("http.accept_lang"), "de");
  EXPECT_EQ(flow.request("http.referer"), "http://r/");
  EXPECT_EQ(flow.request("http.connection"), "close");
  EXPECT_EQ(flow.request("http.content_len"), "-");
  EXPECT_EQ(flow.request("http.header"),
            "Host: WWW.Example.com:8080\r\nUser-Agent: agent\r\nAccept: text/*\r\nAccept-Encoding: gzip\r\n"
            "Accept-Language: de\r\nReferer: http://r/\r\nConnection: close\r\nX-Twice: 1, 2\r\n");
  EXPECT_EQ(flow.request("http.header_names"),
            "\r\nHost\r\nUser-Agent\r\nCookie\r\nAccept\r\nAccept-Encoding\r\nAccept-Language\r\nReferer\r\n"
            "Connection\r\nX-Twice\r\n\r\n");
  EXPECT_THAT(flow.request("http.start"),
              testing::AllOf(testing::StartsWith("GET /a%20b/../c?q=%41+%42#f HTTP/1.1\r\nHost: "),
                             testing::EndsWith("X-Twice: 1, 2\r\n\r\n")));
  EXPECT_THAT(flow.request("http.header.raw"), testing::EndsWith("\r\nX-Twice: 1\r\nx-twice: 2\r\n\r\n"));
  EXPECT_EQ(flow.text("http.request_header", Side::kToServer, 0, 1), "User-Agent: agent");
  EXPECT_EQ(flow.text("http.request_header", Side::kToServer, 0, 9), "-");
  EXPECT_EQ(flow.request("http.request_body"), "-");
  EXPECT_EQ(flow.response("http.stat_code"), "?");
  EXPECT_EQ(flow.response("http.header"), "?");
  EXPECT_TRUE(flow[0].is_complete(Side::kToServer));
  EXPECT_FALSE(flow[0].is_complete(Side::kToClient));
}

TEST(HttpBuffers, HoldWhatAResponseSays) {
  HttpFlow flow;
  flow.client("GET / HTTP/1.0\r\n\r\n");
  flow.server(
      "HTTP/1.1 302 Moved on\r\nServer: s\r\nLocation: /b\r\nSet-Cookie: a=b\r\nContent-Type: text/html; x\r\n"
      "Content-Length: 4\r\n\r\nbody");
  EXPECT_EQ(flow.response("http.stat_code"), "302");
  EXPECT_EQ(flow.response("http.stat_msg"), "Moved on");
  EXPECT_EQ(flow.response("http.response_line"), "HTTP/1.1 302 Moved on");
  EXPECT_EQ(flow.response("http.protocol"), "HTTP/1.1");
  EXPECT_EQ(flow.request("http.protocol"), "HTTP/1.0");
  EXPECT_EQ(flow.response("http.server"), "s");
  EXPECT_EQ(flow.response("http.location"), "/b");
  EXPECT_EQ(flow.response("http.cookie"), "a=b");
  EXPECT_EQ(flow.response("http.content_type"), "text/html; x");
  EXPECT_EQ(flow.response("http.content_len"), "4");
  EXPECT_EQ(flow.response("http.header"),
            "Server: s\r\nLocation: /b\r\nContent-Type: text/html; x\r\nContent-Length: 4\r\n");
  EXPECT_EQ(flow.text("http.response_header", Side::kToClient, 0, 2), "Set-Cookie: a=b");
  EXPECT_EQ(flow.response("file.data"), "body");
  EXPECT_EQ(flow.response("http.response_body"), "body");
  EXPECT_TRUE(flow[0].is_complete());
}

TEST(HttpBuffers, AreNotYetThereWhileTheyMayCome) {
  HttpFlow flow;
  flow.client("POST /a HTTP/1.1\r\nHost: h\r\n");
  EXPECT_EQ(flow.request("http.uri"), "/a");
  EXPECT_EQ(flow.request("http.user_agent"), "?");
  EXPECT_EQ(flow.request("http.header"), "?");
  EXPECT_EQ(flow[0].progress[0], 2);
  flow.client("Content-Length: 6\r\n\r\nabc");
  EXPECT_EQ(flow.request("http.header"), "Host: h\r\nContent-Length: 6\r\n");
  EXPECT_EQ(flow.request("http.user_agent"), "-");
  EXPECT_EQ(flow[0].progress[0], 3);
  EXPECT_EQ(flow.request("http.request_body"), "?");
  const auto version = flow[0].version[0];
  flow.client("def");
  EXPECT_GT(flow[0].version[0], version);
  EXPECT_EQ(flow.request("http.request_body"), "abcdef");
}

TEST(HttpBuffers, DecodeTheUriAsAskedFor) {
  const auto uri = [](std::string_view raw, std::initializer_list<std::pair<std::string, std::string>> settings) {
    HttpFlow flow(settings);
    flow.client("GET " + std::string(raw) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    return flow.request("http.uri");
  };
  const std::string root = "app-layer.protocols.http.libhtp.default-config.";
  EXPECT_EQ(uri("/a\\b//c/%2e%2e/D", {}), "/a/b/D");
  EXPECT_EQ(uri("/%2541?%2541", {}), "/%41?%41");
  EXPECT_EQ(uri("/%2541?%2541", {{root + "double-decode-path", "yes"}}), "/A?%41");
  EXPECT_EQ(uri("/%2541?%2541", {{root + "double-decode-query", "yes"}}), "/%41?A");
  EXPECT_EQ(uri("/a+b?c+d", {{root + "query-plusspace-decode", "yes"}}), "/a+b?c d");
  EXPECT_EQ(uri("http://u:p@Host:81/x", {}), "/x");
  EXPECT_EQ(uri("http://u:p@Host:81/x", {{root + "uri-include-all", "yes"}}), "http://u:p@host:81/x");
  EXPECT_EQ(uri("/%zz", {}), "/%zz");
  EXPECT_EQ(uri("/a b c", {}), "/a b c");
}

TEST(HttpBuffers, AreOfOneSideWhereOnlyThatHasThem) {
  HttpFlow flow;
  flow.client("GET /a HTTP/1.1\r\nHost: h\r\n\r\n").server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(flow.response("http.uri"), "-");
  EXPECT_EQ(flow.response("urilen"), "-");
  EXPECT_EQ(flow.request("http.stat_code"), "-");
}

TEST(HttpBuffers, HaveNoHostOfAConnectionToNone) {
  HttpFlow flow;
  flow.client("CONNECT / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(flow.request("http.host"), "?");
  EXPECT_EQ(flow.request("http.uri.raw"), "/");
}

TEST(HttpBuffers, KeepPipelinedRequestsApart) {
  HttpFlow flow;
  flow.client("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  flow.server("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\n2");
  ASSERT_EQ(flow.count(), 2u);
  EXPECT_EQ(flow.request("http.uri", 1), "/2");
  EXPECT_EQ(flow.response("http.stat_code", 0), "200");
  EXPECT_EQ(flow.response("http.stat_code", 1), "404");
  EXPECT_EQ(flow.response("file.data", 1), "2");
  EXPECT_EQ(flow[1].id, 1u);
}

TEST(HttpBuffers, AreOfAResponseWhoseRequestWasNotSeen) {
  HttpFlow flow;
  flow.server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  ASSERT_EQ(flow.count(), 1u);
  EXPECT_EQ(flow.response("file.data"), "hi");
  EXPECT_EQ(flow.response("file.name"), "/libhtp::request_uri_not_seen");
  EXPECT_TRUE(flow.has_event("http.unable_to_match_response_to_request"));
  EXPECT_EQ(flow.request("http.uri"), "-");
  EXPECT_TRUE(flow[0].is_complete());
  flow.client("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n").server("HTTP/1.1 204 OK\r\n\r\n");
  ASSERT_EQ(flow.count(), 2u);
  EXPECT_EQ(flow.response("http.stat_code", 1), "204");
}

TEST(HttpBuffers, AreWrittenForEve) {
  HttpFlow flow;
  flow.client(
      "GET /a\xff HTTP/1.1\r\nHost: h:81\r\nUser-Agent: \"u\"\r\nReferer: r\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n");
  flow.server(
      "HTTP/1.1 206 OK\r\nContent-Type: text/html; charset=x\r\nContent-Range: bytes 2-5/10\r\nLocation: l\r\n"
      "Content-Length: 4\r\n\r\nbody");
  EXPECT_EQ(flow[0].eve(),
            R"("http":{"hostname":"h","http_port":81,"url":"/a\\xff","http_user_agent":"\"u\"","xff":"1.2.3.4",)"
            R"("http_content_type":"text/html","content_range":{"raw":"bytes 2-5/10","start":2,"end":5,"size":10},)"
            R"("http_refer":"r","http_method":"GET","protocol":"HTTP/1.1","status":206,"redirect":"l","length":4})");
}

TEST(HttpBuffers, AreWrittenForEveWithTheHeadersAskedFor) {
  HttpFlow flow({{"outputs.1.eve-log.types.2.http.custom.0", "Accept_Encoding"},
                 {"outputs.1.eve-log.types.2.http.dump-all-headers", "response"}});
  flow.client("GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: x\r\n\r\n");
  flow.server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: b\r\n\r\n");
  EXPECT_THAT(
      flow[0].eve(),
      testing::HasSubstr(R"("request_headers":[{"name":"Accept-Encoding","value":"x"}],)"
                         R"("response_headers":[{"name":"Content-Length","value":"0"},{"name":"A","value":"b"}])"));
}

TEST(Http, HandsTheFlowOn) {
  HttpFlow tunnel;
  tunnel.client("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n").server("HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(tunnel.parser().upgrade_to, "any");
  EXPECT_EQ(tunnel.parser().upgrade_port, 443);
  EXPECT_TRUE(tunnel[0].is_complete(Side::kToClient));
  HttpFlow refused;
  refused.client("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n")
      .server("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(refused.parser().upgrade_to, "");
  HttpFlow socket;
  socket.client("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n");
  socket.server("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n");
  EXPECT_EQ(socket.parser().upgrade_to, "websocket");
  HttpFlow two;
  two.client("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n\r\n");
  two.server("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\nPRI *");
  EXPECT_EQ(two.parser().upgrade_left, 5u);
  EXPECT_EQ(two.parser().upgrade_to, "http2");
}

TEST(Http, IsRecognisedByItsFirstWord) {
  const Protocol& http = http_protocol();
  const auto probe = [&](Side side, std::string_view text) {
    return http.probe(false, side, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, 80);
  };
  EXPECT_EQ(probe(Side::kToServer, "GET /"), Probe::kYes);
  EXPECT_EQ(probe(Side::kToServer, "propfind\t/"), Probe::kYes);
  EXPECT_EQ(probe(Side::kToServer, "GE"), Probe::kMore);
  EXPECT_EQ(probe(Side::kToServer, "GET"), Probe::kMore);
  EXPECT_EQ(probe(Side::kToServer, "GETS /"), Probe::kNo);
  EXPECT_EQ(probe(Side::kToServer, "HTTP/1.1"), Probe::kNo);
  EXPECT_EQ(probe(Side::kToClient, "HTTP/1.1 200"), Probe::kYes);
  EXPECT_EQ(probe(Side::kToClient, "HTTP/"), Probe::kMore);
  EXPECT_EQ(probe(Side::kToClient, "HTTP/2"), Probe::kNo);
  EXPECT_EQ(probe(Side::kToClient, "GET /"), Probe::kNo);
}

TEST(Http, NamesItsFieldsAndSteps) {
  const Protocol& http = http_protocol();
  EXPECT_GE(http.field("http.uri"), 0);
  EXPECT_NE(http.field("http.uri"), http.field("http.uri.raw"));
  EXPECT_LT(http.field("dns.query"), 0);
  EXPECT_THAT(http.steps(Side::kToClient), ElementsAre("response_started", "response_line", "response_headers",
                                                       "response_body", "response_trailer", "response_complete"));
}

}  // namespace
}  // namespace tocsin::protocol
