#include <gtest/gtest.h>

#include "read_all.h"

namespace tocsin::testing {
namespace {

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

const std::string kPhishing = R"({"Event":{"info":"Mails that lure","date":"2024-03-01","Orgc":{"name":"CERT X"},
"Tag":[{"name":"rsit:fraud=\"phishing\""},{"name":"tlp:green"}],
"Attribute":[
 {"type":"url","value":"hxxp://Login.evil[.]example/a","timestamp":"1709290800"},
 {"type":"ip-dst","value":"198.51.100.7","timestamp":"1709290800"},
 {"type":"target-org","category":"Targeting data","value":"Bank.Example"},
 {"type":"link","value":"https://blog.example/x","category":"External analysis"},
 {"type":"md5","value":"d41d8cd98f00b204e9800998ecf8427e"},
 {"type":"domain","value":"gone.example","deleted":true}],
"Object":[{"name":"domain-ip","Attribute":[
 {"type":"domain","value":"two.example.","first_seen":"2024-03-02T00:00:00.000000+00:00","last_seen":"2024-03-03T00:00:00+00:00"},
 {"type":"ip-dst","value":"198.51.100.8"}]}]}})";

std::string one_line(std::string text) {
  std::erase(text, '\n');
  return text;
}

TEST(MispEvent, IsToldByContent) {
  EXPECT_EQ(recognise(bytes_of(kPhishing)), Format::kMispEvent);
  EXPECT_EQ(recognise(bytes_of("{\n  \"response\": [\n    {\n \"Event\" : {}}]}")), Format::kMispEvent);
  EXPECT_EQ(recognise(bytes_of("[{\"Event\":{}}]")), Format::kMispEvent);
  EXPECT_EQ(recognise(bytes_of("{\"Events\":{}}")), Format::kUnknown);
  EXPECT_EQ(recognise(bytes_of("{\"timestamp\":\"x\",\"event_type\":\"alert\",\"Event\":1}")), Format::kEve);
}

TEST(MispEvent, ReadsAPhishingReport) {
  for (const std::string& text :
       {kPhishing, "{\"response\":[" + kPhishing + "]}", "[" + kPhishing + "]", one_line(kPhishing) + "\n"}) {
    const auto all = observations_of(text);
    EXPECT_EQ(all->skips.count(), 0U);
    ASSERT_EQ(all->batch.reports.size(), 2U) << text.substr(0, 30);
    const Report& one = all->batch.reports[0];
    EXPECT_EQ(one.kind, Kind::kPhishing);
    EXPECT_EQ(one.actor_name, "login.evil.example");
    EXPECT_EQ(one.actor.ip, ip("198.51.100.7"));
    EXPECT_EQ(one.url, "http://Login.evil.example/a");
    EXPECT_EQ(one.target_name, "bank.example");
    EXPECT_EQ(one.reporter, "CERT X");
    EXPECT_EQ(one.tlp, "green");
    EXPECT_EQ(one.description, "Mails that lure");
    EXPECT_EQ(one.first, 1709290800 * kSecond);
    const Report& two = all->batch.reports[1];
    EXPECT_EQ(two.actor_name, "two.example");
    EXPECT_EQ(two.actor.ip, ip("198.51.100.8"));
    EXPECT_EQ(two.first, *parse_time("2024-03-02"));
    EXPECT_EQ(two.last, *parse_time("2024-03-03"));
    EXPECT_EQ(all->records, 8U);
    EXPECT_EQ(all->passed_over, 6U);
  }
}

TEST(MispEvent, ADefacedSiteIsTheTarget) {
  const auto all = observations_of(
      R"({"Event":{"info":"Defacement of a site","date":"2024-03-01","Attribute":[)"
      R"({"type":"url","value":"http://www.site.example/"},{"type":"ip-dst","value":"203.0.113.80"}]}})");
  ASSERT_EQ(all->batch.reports.size(), 1U);
  EXPECT_EQ(all->batch.reports[0].kind, Kind::kDefacement);
  EXPECT_EQ(all->batch.reports[0].target_name, "www.site.example");
  EXPECT_EQ(all->batch.reports[0].target.ip, ip("203.0.113.80"));
  EXPECT_TRUE(all->batch.reports[0].actor.ip.is_unspecified());
  EXPECT_EQ(all->batch.reports[0].first, *parse_time("2024-03-01"));
}

TEST(MispEvent, AnAttributesOwnTagSaysItsKind) {
  const auto all = observations_of(
      R"({"Event":{"info":"Honeypot","date":"2024-03-01","Attribute":[)"
      R"({"type":"ip-src","value":"198.51.100.1","Tag":[{"name":"ecsirt:intrusion-attempts=\"brute-force\""}]},)"
      R"({"type":"ip-src|port","value":"198.51.100.2|445","Tag":[{"name":"tocsin:kind=\"exploit\""}]},)"
      R"({"type":"vulnerability","value":"CVE-2017-0144"},{"type":"ip-src","value":"198.51.100.3"}]}})");
  ASSERT_EQ(all->batch.reports.size(), 2U);
  EXPECT_EQ(all->batch.reports[0].kind, Kind::kBruteForce);
  EXPECT_EQ(all->batch.reports[0].actor.ip, ip("198.51.100.1"));
  EXPECT_EQ(all->batch.reports[1].actor, (Endpoint{ip("198.51.100.2"), 445}));
  EXPECT_EQ(all->batch.reports[1].cve, "CVE-2017-0144");
  EXPECT_EQ(all->passed_over, 2U);
}

TEST(MispEvent, AFeedOfIndicatorsIsNoReport) {
  const auto all = observations_of(
      R"({"Event":{"info":"daily feed","date":"2024-03-01","Attribute":[{"type":"domain","value":"a.example","to_ids":true}]}})");
  EXPECT_EQ(all->batch.reports.size(), 0U);
  EXPECT_EQ(all->passed_over, 1U);
}

TEST(MispEvent, SkipsOnlyTheBadLines) {
  const std::string good = one_line(kPhishing) + "\n";
  const auto all = observations_of(good + "{\"Event\":{\n" + good + "{\"x\":1}\n" + "[]\n" + good);
  EXPECT_EQ(all->batch.reports.size(), 6U);
  EXPECT_EQ(all->skips.count(), 2U);
}

TEST(MispEvent, SurvivesCutsAndNoise) {
  const std::string text = one_line(kPhishing);
  for (std::size_t size = 0; size <= text.size(); ++size) observations_of(text.substr(0, size), Format::kMispEvent);
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char with : {'\0', '"', '\n', '\\', '{', '[', '\xff', '9'}) {
      std::string damaged = text;
      damaged[at] = with;
      observations_of(damaged, Format::kMispEvent);
    }
  }
  for (std::uint64_t seed = 0; seed < 50; ++seed)
    observations_of("{\"Event\":" + noise(2000, seed), Format::kMispEvent);
  observations_of("{\"Event\":" + std::string(1'000'000, '['), Format::kMispEvent);
  observations_of(
      R"({"Event":{"Attribute":[1,null,{"type":7,"value":[]},[]],"Object":[1,{"Attribute":[2]}],"Tag":{"a":1},"Orgc":3,"info":{}}})",
      Format::kMispEvent);
}

}  // namespace
}  // namespace tocsin::testing
