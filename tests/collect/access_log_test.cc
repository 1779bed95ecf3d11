#include "collect/access_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "read_all.h"

namespace tocsin::testing {
namespace {

const std::string kCommon =
    "203.0.113.7 - frank [10/Oct/2000:13:55:36 -0700] \"GET /apache_pb.gif?a=1 HTTP/1.0\" 200 2326";
const std::string kCombined = kCommon + " \"http://www.example.org/start.html\" \"Mozilla/4.08 [en] (Win98; I ;Nav)\"";

HttpTransaction only(const Observations& all) {
  EXPECT_EQ(all.skips.count(), 0U);
  EXPECT_EQ(all.batch.http.size(), 1U);
  return all.batch.http.empty() ? HttpTransaction{} : all.batch.http[0];
}

TEST(AccessLog, ReadsTheCombinedFormat) {
  const auto all = observations_of(kCombined + "\n");
  const HttpTransaction http = only(*all);
  EXPECT_EQ(http.client.ip, *IpAddress::parse("203.0.113.7"));
  EXPECT_EQ(http.client.port, 0);
  EXPECT_TRUE(http.server.ip.is_unspecified());
  EXPECT_EQ(http.time, *parse_time("2000-10-10T20:55:36Z"));
  EXPECT_EQ(http.method, "GET");
  EXPECT_EQ(http.uri, "/apache_pb.gif?a=1");
  EXPECT_EQ(http.status, 200);
  EXPECT_EQ(http.response_bytes, 2326U);
  EXPECT_EQ(http.referrer, "http://www.example.org/start.html");
  EXPECT_EQ(http.user_agent, "Mozilla/4.08 [en] (Win98; I ;Nav)");
  EXPECT_EQ(http.host, "");
  EXPECT_TRUE(http.logged);
  EXPECT_EQ(http.place.record, 1U);
  EXPECT_EQ(http.place.source, 3U);
}

TEST(AccessLog, ReadsTheCommonFormatAndFieldsAfterTheCombined) {
  const auto common = observations_of(kCommon + "\n");
  EXPECT_EQ(only(*common).user_agent, "");
  const auto more = observations_of(kCombined + " \"-\" 0.004 \"upstream\"\n");
  EXPECT_EQ(only(*more).user_agent, "Mozilla/4.08 [en] (Win98; I ;Nav)");
}

TEST(AccessLog, ReadsVirtualHostsBeforeTheClient) {
  const std::string rest = " - - [10/Oct/2000:13:55:36 +0200] \"GET / HTTP/1.1\" 200 - \"-\" \"-\"\n";
  struct Case {
    const char *front, *host, *client;
    std::uint16_t port;
  };
  for (const Case& one : {Case{"www.example.org:443 203.0.113.7", "www.example.org", "203.0.113.7", 443},
                          Case{"www.example.org 203.0.113.7", "www.example.org", "203.0.113.7", 0},
                          Case{"192.0.2.1 203.0.113.7", "192.0.2.1", "203.0.113.7", 0},
                          Case{"192.0.2.1:80 2001:db8::5", "192.0.2.1", "2001:db8::5", 80},
                          Case{"- 203.0.113.7", "", "203.0.113.7", 0}}) {
    const auto all = observations_of(one.front + rest);
    const HttpTransaction http = only(*all);
    EXPECT_EQ(http.host, one.host);
    EXPECT_EQ(http.server.port, one.port);
    EXPECT_EQ(http.client.ip, *IpAddress::parse(one.client)) << one.front;
    EXPECT_EQ(http.response_bytes, 0U);
    EXPECT_EQ(http.user_agent, "");
  }
}

TEST(AccessLog, UndoesTheEscapesOfApacheAndNginx) {
  const auto all = observations_of(
      "::1 - - [10/Oct/2000:13:55:36 +0000] \"GET /a\\\"b\\x22c HTTP/1.1\" 200 1 \"-\" \"() { :;}; \\\\ \\t\\q\"\n");
  const HttpTransaction http = only(*all);
  EXPECT_EQ(http.uri, "/a\"b\"c");
  EXPECT_EQ(http.user_agent, "() { :;}; \\ \t\\q");
}

TEST(AccessLog, KeepsAGarbageRequestAsUri) {
  const auto all = observations_of(
      "192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] \"\\x16\\x03\\x01\\x02\" 400 0 \"-\" \"-\"\n"
      "192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] \"GET /a b c HTTP/1.1\" 400 0\n"
      "192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] \"GET /old\" 200 0\n"
      "192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] \"-\" 408 0\n");
  ASSERT_EQ(all->batch.http.size(), 4U);
  EXPECT_EQ(all->batch.http[0].method, "");
  EXPECT_EQ(all->batch.http[0].uri, "\x16\x03\x01\x02");
  EXPECT_EQ(all->batch.http[1].uri, "/a b c");
  EXPECT_EQ(all->batch.http[2].uri, "/old");
  EXPECT_EQ(all->batch.http[3].uri, "");
}

TEST(AccessLog, SkipsClientsThatAreNames) {
  const auto all = observations_of(
      "host.example.net - - [10/Oct/2000:13:55:36 +0000] \"GET / HTTP/1.1\" 200 1\n"
      "www.example.org host.example.net - - [10/Oct/2000:13:55:36 +0000] \"GET / HTTP/1.1\" 200 1\n" +
      kCommon + "\n");
  EXPECT_EQ(all->batch.http.size(), 1U);
  EXPECT_EQ(all->records, 3U);
  EXPECT_THAT(all->skips.by_reason(), ::testing::ElementsAre(std::pair("client is a name", 2U)));
}

TEST(AccessLog, AUserMayHaveBlanksAndBracketsInTheName) {
  const auto all = observations_of("192.0.2.1 - a [b] [c [10/Oct/2000:13:55:36 +0000] \"GET / HTTP/1.1\" 200 1\n");
  EXPECT_EQ(only(*all).uri, "/");
}

TEST(AccessLog, CountsBadLinesAndTakesTheRest) {
  const auto all = observations_of(kCommon + "\n" + kCommon.substr(0, 60) + "\nnonsense\n" +
                                   "192.0.2.1 - - [31/Feb/2000:13:55:36 +0000] \"GET / HTTP/1.1\" 200 1\n"
                                   "192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] \"GET / HTTP/1.1\" x 1\n" +
                                   kCombined + "\n");
  EXPECT_EQ(all->batch.http.size(), 2U);
  EXPECT_EQ(all->skips.count(), 4U);
  EXPECT_THAT(all->skips.examples()[0], ::testing::StartsWith("line 2: "));
}

TEST(AccessLog, TheSiteIsThatOfTheLogsName) {
  using collect::site_of_log;
  for (const char* name :
       {"www.example.org-access.log", "/var/log/www.example.org_access.log.1.gz", "www.example.org.access.log",
        "access-www.example.org.log", "WWW.example.org-access_log-20240131", "www.example.org_ssl_access.log.2.xz",
        "www.example.org-access.log.2024-01-31", "access.www.example.org.log.12"})
    EXPECT_EQ(site_of_log(name), "www.example.org") << name;
  for (const char* name : {"access.log", "access_log.1", "other_vhosts_access.log", "ssl_access.log", "-", "", "memory",
                           "www.example.org-error.log", "1.2-access.log", "..-access.log", "a..b-access.log"})
    EXPECT_EQ(site_of_log(name), "") << name;
  const auto input = InputStream::of_bytes(kCommon + "\n", "www.example.org-access.log");
  EXPECT_EQ(observations_of(*input, Format::kAccessLog)->batch.http.at(0).host, "www.example.org");
}

TEST(AccessLog, ReadsW3cExtendedLogs) {
  const auto all = observations_of(
      "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n"
      "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) "
      "sc-status sc-substatus sc-win32-status time-taken\n"
      "2024-01-31 08:00:01 192.0.2.1 GET /a.aspx id=1 443 - 203.0.113.7 Mozilla/5.0+(Windows) - 200 0 0 15\n"
      "2024-01-31 08:00:02 192.0.2.1 GET /cut\n");
  ASSERT_EQ(all->batch.http.size(), 1U);
  EXPECT_EQ(all->skips.count(), 1U);
  const HttpTransaction& http = all->batch.http[0];
  EXPECT_EQ(http.uri, "/a.aspx?id=1");
  EXPECT_EQ(http.server, (Endpoint{*IpAddress::parse("192.0.2.1"), 443}));
  EXPECT_EQ(http.user_agent, "Mozilla/5.0 (Windows)");
  EXPECT_EQ(http.time, *parse_time("2024-01-31T08:00:01Z"));
  EXPECT_EQ(http.status, 200);
  EXPECT_TRUE(http.logged);
}

TEST(AccessLog, IsRecognisedByALineInFull) {
  EXPECT_EQ(recognise(bytes_of(kCommon)), Format::kAccessLog);
  EXPECT_EQ(recognise(bytes_of("cut off line\n" + kCombined + "\r\n")), Format::kAccessLog);
  EXPECT_EQ(recognise(bytes_of("#Fields: date time c-ip cs-uri-stem\n")), Format::kAccessLog);
  EXPECT_EQ(recognise(bytes_of("#fields\tts\n")), Format::kZeekTsv);
  EXPECT_EQ(recognise(bytes_of(kCombined.substr(0, 60))), Format::kUnknown);
}

TEST(AccessLog, EveryCutAndNoiseIsTakenOrCounted) {
  for (std::size_t cut = 1; cut < kCombined.size(); ++cut) {
    const auto all = observations_of(kCombined.substr(0, cut), Format::kAccessLog);
    EXPECT_EQ(all->batch.http.size() + all->skips.count(), 1U) << cut;
  }
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::string damaged = kCombined;
    for (int i = 0; i < 3; ++i) damaged[noise(8, seed * 7 + i)[7] % damaged.size()] = noise(1, seed + i)[0];
    observations_of(damaged + "\n" + noise(500, seed), Format::kAccessLog);
    observations_of("#Fields: date time c-ip cs-uri-stem\n" + noise(500, seed), Format::kAccessLog);
  }
  observations_of("1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"" + std::string(1 << 20, '\\'), Format::kAccessLog);
  const auto longest = observations_of("1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"GET /" + std::string(1 << 20, 'a') +
                                       " HTTP/1.1\" 200 1\n");
  ASSERT_EQ(longest->batch.http.size(), 1U);
  EXPECT_LE(longest->batch.http[0].uri.size(), collect::kMostUri);
}

}  // namespace
}  // namespace tocsin::testing
