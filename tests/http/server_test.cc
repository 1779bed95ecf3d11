// What a client sees of the server, over real sockets.
#include "http/server.h"

#include <gmock/gmock.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "client.h"

namespace tocsin::serve {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Answers what it was asked.
Response echo(const Request& request) {
  nlohmann::ordered_json seen;
  seen["method"] = request.method;
  seen["path"] = request.path;
  seen["query"] = request.query;
  seen["body"] = request.body;
  seen["peer"] = request.peer;
  seen["secure"] = request.secure;
  return json(seen.dump());
}

nlohmann::json seen(const std::optional<Reply>& reply) {
  return reply ? nlohmann::json::parse(reply->body, nullptr, false) : nlohmann::json();
}

TEST(Server, AnswersSeveralRequestsOfAConnection) {
  Running server(echo);
  Client client(server.port());
  for (int i = 0; i < 3; ++i) {
    const auto reply = client.get("/a/" + std::to_string(i) + "?x=1&x=%C3%A9+%2B");
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200U);
    EXPECT_EQ(seen(reply)["path"], "/a/" + std::to_string(i));
    EXPECT_EQ(seen(reply)["query"], (nlohmann::json::parse(R"([["x","1"],["x","é +"]])")));
    EXPECT_EQ(seen(reply)["peer"], "127.0.0.1");
    EXPECT_EQ(seen(reply)["secure"], false);
    EXPECT_EQ(reply->get("connection"), "");
  }
  EXPECT_EQ(server->counts().connections, 1U);
  EXPECT_EQ(server->counts().requests, 3U);
  EXPECT_EQ(server->counts().open, 1U);
}

TEST(Server, SendsSafeHeadersWithEveryAnswer) {
  Running server(echo);
  for (const char* request : {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "nonsense\r\n\r\n"}) {
    Client client(server.port());
    client.send(request);
    const auto reply = client.reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->get("x-content-type-options"), "nosniff");
    EXPECT_EQ(reply->get("referrer-policy"), "no-referrer");
    EXPECT_EQ(reply->get("cross-origin-opener-policy"), "same-origin");
    EXPECT_THAT(reply->get("permissions-policy"), HasSubstr("geolocation=()"));
    EXPECT_THAT(reply->get("content-security-policy"), HasSubstr("default-src 'none'"));
    EXPECT_THAT(reply->get("date"), testing::EndsWith(" GMT"));
    EXPECT_EQ(reply->get("strict-transport-security"), "");
  }
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  Running server(echo);
  Client client(server.port());
  std::string all;
  for (int i = 0; i < 200; ++i) {
    all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  }
  client.send(all);
  for (int i = 0; i < 200; ++i) {
    const auto reply = client.reply();
    ASSERT_EQ(seen(reply)["path"], "/" + std::to_string(i));
    ASSERT_EQ(seen(reply)["body"], "abc");
  }
}

TEST(Server, TakesARequestByteByByte) {
  Running server(echo);
  Client client(server.port());
  for (const char c : std::string("POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n")) {
    client.send({&c, 1});
  }
  const auto reply = client.reply();
  EXPECT_EQ(seen(reply)["path"], "/slow");
  EXPECT_EQ(seen(reply)["body"], "abcde");
  EXPECT_TRUE(client.get("/again"));
}

TEST(Server, AnswersHeadWithoutTheBody) {
  Running server(echo);
  Client client(server.port());
  client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto head = client.reply(true);
  ASSERT_TRUE(head);
  EXPECT_GT(std::stoi(head->get("content-length")), 10);
  EXPECT_EQ(seen(client.reply())["path"], "/y");
}

TEST(Server, TellsWhoWaitsForItToGoOn) {
  Running server(echo);
  Client client(server.port());
  client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_EQ(client.reply()->status, 100U);
  client.send("ok");
  EXPECT_EQ(seen(client.reply())["body"], "ok");

  client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: something\r\n\r\n");
  EXPECT_EQ(client.reply()->status, 417U);
}

TEST(Server, AnswersAClientThatSendsNoMore) {
  Running server(echo);
  Client client(server.port());
  client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  client.half_close();
  EXPECT_EQ(seen(client.reply())["path"], "/x");
  EXPECT_TRUE(client.closed());

  Client half(server.port());
  half.send("GET /x HTTP/1.1\r\nHo");
  half.half_close();
  EXPECT_TRUE(half.closed());
}

TEST(Server, ClosesWhenTheClientSaysSo) {
  Running server(echo);
  for (const char* request : {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"}) {
    Client client(server.port());
    client.send(request);
    const auto reply = client.reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200U);
    EXPECT_EQ(reply->get("connection"), "close");
    EXPECT_TRUE(client.closed());
  }
  Client client(server.port());
  for (int i = 0; i < 2; ++i) {
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const auto reply = client.reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->get("connection"), "keep-alive");
  }
}

struct Bad {
  const char* what;
  std::string request;
  unsigned status;
};

TEST(Server, RefusesWhatCouldBeReadInTwoWays) {
  Running server(echo);
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
  const std::vector<Bad> all{
      {"length and coding", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"coding and length", post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
      {"two lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", 400},
      {"the same length twice", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde", 400},
      {"a list of lengths", post + "Content-Length: 5, 5\r\n\r\nabcde", 400},
      {"a signed length", post + "Content-Length: +5\r\n\r\nabcde", 400},
      {"a negative length", post + "Content-Length: -5\r\n\r\nabcde", 400},
      {"no length", post + "Content-Length: \r\n\r\n", 400},
      {"two codings", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"coding identity", post + "Transfer-Encoding: identity\r\n\r\n", 501},
      {"coding in a list", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {"chunked not last", post + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 501},
      {"space before the colon", post + "Content-Length : 5\r\n\r\nabcde", 400},
      {"coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"bad chunk", post + "Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n", 400},
      {"negative chunk", post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", 400},
      {"chunk without its end", post + "Transfer-Encoding: chunked\r\n\r\n1\r\naXX0\r\n\r\n", 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"strange host", "GET / HTTP/1.1\r\nHost: a/b@c\r\n\r\n", 400},
      {"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"other host in the target", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"user in the target", "GET http://x@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"other scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"tunnel", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 400},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400},
      {"NUL in a field", std::string("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 35), 400},
      {"lone line feeds", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"a lone carriage return", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400},
      {"dot segments", "GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"encoded dot segments", "GET /a/%2e%2E/b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"encoded slash", "GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"backslash", "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"encoded NUL", "GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"encoded line end in the query", "GET /?a=%0d%0aSet-Cookie:x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"half an escape", "GET /a%4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"not UTF-8", "GET /a%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"overlong UTF-8", "GET /%c0%af HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"raw bytes", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"TLS where there is none", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15), 400},
  };
  for (const Bad& bad : all) {
    Client client(server.port());
    client.send(bad.request + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto reply = client.reply();
    ASSERT_TRUE(reply) << bad.what;
    EXPECT_EQ(reply->status, bad.status) << bad.what << ": " << reply->body;
    EXPECT_EQ(reply->get("content-type"), "application/problem+json") << bad.what;
    EXPECT_EQ(seen(reply)["status"], bad.status) << bad.what;
    EXPECT_EQ(reply->get("connection"), "close") << bad.what;
    EXPECT_TRUE(client.closed()) << bad.what;
  }
  EXPECT_EQ(server->counts().malformed, all.size());
  EXPECT_EQ(server->counts().requests, 0U);
}

TEST(Server, TakesTheAbsoluteFormOfItsOwnHost) {
  Running server(echo);
  Client client(server.port());
  client.send("GET HTTP://A.example:8080?q=1 HTTP/1.1\r\nHost: a.example:8080\r\n\r\n");
  const auto reply = client.reply();
  EXPECT_EQ(seen(reply)["path"], "/");
  EXPECT_EQ(seen(reply)["query"][0][1], "1");
}

TEST(Server, KeepsFieldsOfATrailerOutOfTheHeader) {
  Running server([](const Request& request) { return json(request.header("x-user") == nullptr ? "[]" : "[1]"); });
  Client client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-User: root\r\n\r\n");
  EXPECT_EQ(client.reply()->body, "[]");
}

TEST(Server, HidesWhyAHandlerFailed) {
  Running server([](const Request& request) -> Response {
    if (request.path == "/other") throw 1;
    throw std::runtime_error("secret");
  });
  Client client(server.port());
  for (const char* path : {"/", "/other"}) {
    const auto reply = client.get(path);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 500U);
    EXPECT_THAT(reply->body, Not(HasSubstr("secret")));
  }
}

TEST(Server, SendsNoHeaderThatWouldSplitTheAnswer) {
  Running server([](const Request&) {
    Response response = json("{}");
    response.headers.emplace_back("Location", "/\r\nSet-Cookie: a=b");
    return response;
  });
  Client client(server.port());
  const auto reply = client.get("/");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 500U);
  EXPECT_THAT(reply->get("set-cookie"), IsEmpty());
}

TEST(Server, BelievesAProxyOnlyWhenToldTo) {
  const std::string fields =
      "X-Forwarded-For: 10.0.0.1, 192.0.2.7\r\nX-Forwarded-For: 10.0.0.2,2001:db8::1\r\nX-Forwarded-Proto: https\r\n";
  Running alone(echo);
  EXPECT_EQ(seen(Client(alone.port()).get("/", fields))["peer"], "127.0.0.1");
  EXPECT_EQ(seen(Client(alone.port()).get("/", fields))["secure"], false);
  ServerOptions options;
  options.behind_proxy = true;
  Running behind(echo, options);
  EXPECT_EQ(seen(Client(behind.port()).get("/", fields))["peer"], "2001:db8::1");
  EXPECT_EQ(seen(Client(behind.port()).get("/", fields))["secure"], true);
  EXPECT_EQ(seen(Client(behind.port()).get("/", "X-Forwarded-For: unknown\r\n"))["peer"], "127.0.0.1");
}

TEST(Server, RefusesToListenInTheOpenWithoutTls) {
  ServerOptions options;
  options.port = 0;
  for (const char* address : {"0.0.0.0", "::", "192.0.2.1"}) {
    options.address = address;
    const auto server = Server::listen(options, echo);
    ASSERT_FALSE(server) << address;
    EXPECT_THAT(server.error().message, HasSubstr("TLS"));
  }
  options.address = "example.com";
  EXPECT_FALSE(Server::listen(options, echo));
  options.address = "0.0.0.0";
  options.behind_proxy = true;
  EXPECT_TRUE(Server::listen(options, echo));
  options.address = "::1";
  options.behind_proxy = false;
  EXPECT_TRUE(Server::listen(options, echo));
}

TEST(Server, SaysThatAPortIsTaken) {
  Running server(echo);
  ServerOptions options;
  options.port = server.port();
  const auto other = Server::listen(options, echo);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr(std::to_string(server.port())));
}

}  // namespace
}  // namespace tocsin::serve
