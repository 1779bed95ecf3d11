#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "bench.h"
#include "match/compiled.h"

namespace tocsin::match {
namespace {

using protocol::Side;

// A session of HTTP that rules look at after each part.
class Session {
 public:
  explicit Session(const std::string& rules, Options options = {})
      : options_(std::move(options)), protocols_(options_), bench_(rules, options_) {
    flow_.protocol = packet::kTcp;
    flow_.application = std::make_unique<protocol::Application>(protocols_, false, 40'000, 80);
    bench_.packet.protocol = packet::kTcp;
  }
  Sids client(const std::string& bytes) { return say(Side::kToServer, bytes); }
  Sids server(const std::string& bytes) { return say(Side::kToClient, bytes); }
  Bench& bench() { return bench_; }
  stream::Flow& flow() { return flow_; }

 private:
  Sids say(Side side, const std::string& bytes) {
    flow_.application->take(side, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, 0);
    stream::Followed followed;
    followed.flow = &flow_;
    followed.side = side;
    followed.is_established = followed.is_stream_established = true;
    return bench_.judge("", followed);
  }
  Options options_;
  protocol::ProtocolSettings protocols_;
  Bench bench_;
  stream::Flow flow_;
};

constexpr const char* kGet =
    "GET /index.html?a=1 HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: Curl\r\nX: y\r\n\r\n";

std::string http(const std::string& options, int sid = 1) {
  return "alert http any any -> any any (" + options + " sid:" + std::to_string(sid) + ";)\n";
}

TEST(Transactions, BuffersOfRequests) {
  Session session(http("http.uri; content:\"/index\"; startswith;", 1) + http("http.uri; content:\"/other\";", 2) +
                  http("http.method; content:\"GET\"; http.host; content:\"example\";", 3) +
                  http("http.host; content:!\"example\";", 4) + http("http.user_agent; bsize:4;", 5) +
                  http("http.user_agent; to_lowercase; content:\"curl\";", 6) +
                  http("content:\"GET\"; http_method; content:\"index\"; http_uri; urilen:>5;", 7) +
                  http("http.host; dotprefix; content:\".www.example.org\"; bsize:16;", 8) +
                  http("http.uri; pcre:\"/a=\\d$/\";", 9));
  EXPECT_EQ(session.client(kGet), (Sids{1, 3, 5, 6, 7, 8, 9}));
  EXPECT_TRUE(session.client("").empty());
}

TEST(Transactions, MatchOncePerSideAndEachOnItsOwn) {
  Session session(http("flow:to_server; http.uri; content:\"/index\";", 1));
  EXPECT_EQ(session.client(kGet), Sids{1});
  session.server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(session.client(kGet), Sids{1});
}

TEST(Transactions, AreNotLoggedIfConfigSaysSo) {
  Session session(
      "config http any any -> any any (http.uri; content:\"/index\"; config: logging disable, type tx, scope tx; "
      "sid:1;)\n");
  session.client(kGet);
  EXPECT_TRUE(session.flow().application->parser()->transactions.front()->is_logged);
  session.client("GET /other HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_FALSE(session.flow().application->parser()->transactions.back()->is_logged);
}

// Several numbers of one transaction: the kinds of what is asked of DNS.
TEST(Transactions, SeveralNumbers) {
  const auto speaks = [](const std::string& value, const std::vector<int>& kinds) {
    Options options;
    const protocol::ProtocolSettings protocols(options);
    Bench bench("alert dns any any -> any any (dns.rrtype:" + value + "; sid:1;)\n");
    stream::Flow flow;
    flow.application = std::make_unique<protocol::Application>(protocols, true, 40'000, 53);
    std::string query("\0\1\1\0", 4);
    query += std::string(1, '\0') + static_cast<char>(kinds.size()) + std::string(6, '\0');
    for (const int kind : kinds) query += std::string("\1a\0\0", 4) + static_cast<char>(kind) + std::string("\0\1", 2);
    flow.application->take(Side::kToServer, {reinterpret_cast<const std::uint8_t*>(query.data()), query.size()}, 0);
    return !bench.in_flow(flow, "x").empty();
  };
  const std::vector<int> all = {1, 28, 28};
  EXPECT_TRUE(speaks("28", all));
  EXPECT_TRUE(speaks("28,any", all));
  EXPECT_FALSE(speaks("28,all", all));
  EXPECT_TRUE(speaks("28,all", {28, 28}));
  EXPECT_TRUE(speaks("28,0", {28}));
  EXPECT_FALSE(speaks("28,0", all));
  EXPECT_TRUE(speaks("28,-1", all));
  EXPECT_TRUE(speaks("28,nb 2", all));
  EXPECT_FALSE(speaks("28,nb>2", all));
  EXPECT_TRUE(speaks("28,all,1:3", all));
  EXPECT_TRUE(speaks("1,all,-3:-2", all));
  EXPECT_FALSE(speaks("28,all,1:9", all));
  EXPECT_TRUE(speaks("1,oob_or 7", all));
  EXPECT_FALSE(speaks("1,oob_or 1", all));
  EXPECT_TRUE(speaks("count 3", all));
  EXPECT_FALSE(speaks("count >3", all));
  EXPECT_FALSE(speaks("5,or_absent", all));
  EXPECT_TRUE(speaks("28,all_or_absent", {28}));
}

TEST(Transactions, BuffersOfResponses) {
  Session session(http("http.stat_code; content:\"200\";", 1) + http("file.data; content:\"secret\";", 2) +
                  http("http.server; content:\"x\";", 3) + http("http.server; absent;", 4));
  EXPECT_TRUE(session.client(kGet).empty());
  EXPECT_EQ(session.server("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nmy secret ..."), (Sids{1, 2, 4}));
}

TEST(Transactions, BothSidesInOneRule) {
  Session session(
      "alert http any any => any any (http.uri; content:\"/index\"; http.stat_code; content:\"200\"; sid:1;)\n"
      "alert http any any => any any (http.uri; content:\"/other\"; http.stat_code; content:\"200\"; sid:2;)\n");
  EXPECT_TRUE(session.client(kGet).empty());
  EXPECT_EQ(session.server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Sids{1});
}

// A rule whose parts can't all be remembered would speak without some of them.
TEST(Transactions, MayNotHaveMorePartsThanAreRemembered) {
  const auto rule = [](int parts) {
    std::string text = "alert http any any -> any any (";
    // "/" under so many keys; the last part never holds.
    for (int i = 1; i < parts; ++i) text += fmt::format("http.uri; xor:\"{:02x}\"; content:\"|{:02x}|\"; ", i, '/' ^ i);
    return text + "http.method; content:\"PUT\"; sid:1;)\n";
  };
  Session most(rule(static_cast<int>(kMostParts)));
  EXPECT_TRUE(most.bench().inspector->faults().empty());
  EXPECT_EQ(most.client(kGet), Sids{});
  Session more(rule(static_cast<int>(kMostParts) + 1));
  ASSERT_EQ(more.bench().inspector->faults().size(), 1U);
  EXPECT_EQ(more.client(kGet), Sids{});
}

TEST(Transactions, ApplicationsOfFlows) {
  Session session(
      "alert tcp any any -> any any (app-layer-protocol:http; sid:1;)\n"
      "alert tcp any any -> any any (app-layer-protocol:!http; sid:2;)\n"
      "alert dns any any -> any any (flow:to_server; sid:3;)\n"
      "alert http any any -> any any (flow:established,to_server; sid:4;)\n");
  EXPECT_EQ(session.client(kGet), (Sids{1, 4}));
  EXPECT_EQ(session.client(""), Sids{4});
}

TEST(Transactions, SetsLearnAndForget) {
  Session session(http("http.uri; content:\"/index\"; http.host; dataset:set,seen,type string;", 1) +
                  http("http.uri; content:\"/gone\"; http.host; dataset:unset,seen,type string;", 2));
  EXPECT_EQ(session.client(kGet), Sids{1});
  session.server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(session.client(kGet).empty());
  session.server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(session.client("GET /gone HTTP/1.1\r\nHost: www.example.org\r\n\r\n"), Sids{2});
  session.server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(session.client(kGet), Sids{1});
}

TEST(Transactions, SetsOfFilesWithContext) {
  const auto directory = std::filesystem::temp_directory_path() / "tocsin-match-sets";
  std::filesystem::create_directories(directory);
  std::ofstream(directory / "hosts.lst") << "d3d3LmV4YW1wbGUub3Jn\n";
  std::ofstream(directory / "hosts.json") << R"([{"host":"www.example.org","year":2005}])";
  std::ofstream(directory / "scores.lst") << "d3d3LmV4YW1wbGUub3Jn,7\n";
  Options options;
  options.set("default-rule-path", directory.string());
  Session session(http("http.host; dataset:isset,a,type string,load hosts.lst;", 1) +
                      http("http.host; dataset:isnotset,a,type string,load hosts.lst;", 2) +
                      http("http.host; dataset:isset,b,type string,load hosts.json,format json,value_key host,"
                           "context_key bad;",
                           3) +
                      http("http.host; datarep:c,>,5,load scores.lst,type string;", 4) +
                      http("http.host; datarep:c,>,7,load scores.lst,type string;", 5),
                  options);
  EXPECT_EQ(session.client(kGet), (Sids{1, 3, 4}));
  EXPECT_EQ(session.bench().inspection.alerts[1].context, R"("bad":{"host":"www.example.org","year":2005})");
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace tocsin::match
