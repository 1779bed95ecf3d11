// The DNS events of Suricata's EVE in the words of each of its versions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "read_all.h"

namespace tocsin::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

struct Line {
  std::string dns;
  int second = 0;
  int port = 50000;
  bool back = false;  // the packet's direction
};

std::string eve(const Line& line) {
  const std::string clock =
      std::to_string(100 + line.second / 60).substr(1) + ":" + std::to_string(100 + line.second % 60).substr(1);
  const std::string port = std::to_string(line.port);
  return R"({"timestamp":"2021-06-06T15:)" + clock + R"(.000000+0000","event_type":"dns","src_ip":")" +
         (line.back ? "10.0.0.53" : "10.0.0.1") + R"(","src_port":)" + (line.back ? "53" : port) + R"(,"dest_ip":")" +
         (line.back ? "10.0.0.1" : "10.0.0.53") + R"(","dest_port":)" + (line.back ? port : "53") +
         R"(,"proto":"UDP","dns":{)" + line.dns + "}}\n";
}

std::string query(int id, const std::string& name, const std::string& type = "A") {
  return R"("type":"query","id":)" + std::to_string(id) + R"(,"rrname":")" + name + R"(","rrtype":")" + type + '"';
}
std::string answer(int id, const std::string& name, const std::string& address, const std::string& type = "A") {
  return R"("version":2,"type":"answer","id":)" + std::to_string(id) + R"(,"rcode":"NOERROR","rrname":")" + name +
         R"(","rrtype":")" + type + R"(","answers":[{"rrname":"x","rrtype":"A","rdata":")" + address + "\"}]";
}
// As version 1 has it: a line a record.
std::string record(int id, const std::string& name, const std::string& type, const std::string& data) {
  return R"("type":"answer","id":)" + std::to_string(id) + R"(,"rcode":"NOERROR","rrname":")" + name +
         R"(","rrtype":")" + type + R"(","ttl":9,"rdata":")" + data + '"';
}

std::unique_ptr<Observations> read(const std::vector<Line>& lines) {
  std::string text;
  for (const Line& line : lines) text += eve(line);
  return observations_of(text, Format::kEve);
}

TEST(EveDns, AQueryWithItsAnswerIsOneTransaction) {
  const auto all = read({{query(7, "www.example.org")}, {answer(7, "www.example.org", "1.2.3.4"), 1}});
  ASSERT_THAT(all->batch.dns, SizeIs(1));
  const DnsTransaction& dns = all->batch.dns[0];
  EXPECT_EQ(dns.query, "www.example.org");
  EXPECT_EQ(dns.response_code, 0);
  EXPECT_THAT(dns.addresses, ElementsAre(ip("1.2.3.4")));
  EXPECT_EQ(dns.client, (Endpoint{ip("10.0.0.1"), 50000}));
  EXPECT_EQ(dns.place.record, 1U);
  EXPECT_EQ(format_time(dns.time).substr(0, 19), "2021-06-06T15:00:00");
  EXPECT_EQ(all->records, 2U);
}

TEST(EveDns, RequestsAndResponsesOfVersion3ArePaired) {
  const auto all = read(
      {{R"("version":3,"type":"request","tx_id":0,"id":9,"flags":"100","queries":[{"rrname":"a.example","rrtype":"AAAA"}])"},
       {R"("version":3,"type":"response","tx_id":1,"id":9,"flags":"8180","rcode":"NOERROR","queries":[{"rrname":"a.example","rrtype":"AAAA"}],"answers":[{"rrname":"a.example","rrtype":"CNAME","rdata":"b.example"},{"rrname":"b.example","rrtype":"AAAA","rdata":"2001:db8::1"}],"grouped":{"AAAA":["2001:db8::1"],"CNAME":["b.example"]})",
        0, 50000, true},
       {R"("version":3,"type":"request","id":10,"queries":[{"rrname":"d.example","rrtype":"MX"}])"}});
  ASSERT_THAT(all->batch.dns, SizeIs(2));
  EXPECT_EQ(all->batch.dns[0].query, "a.example");
  EXPECT_EQ(all->batch.dns[0].query_type, 28);
  EXPECT_EQ(all->batch.dns[0].server, (Endpoint{ip("10.0.0.53"), 53}));
  EXPECT_THAT(all->batch.dns[0].addresses, ElementsAre(ip("2001:db8::1")));
  EXPECT_THAT(all->batch.dns[0].names, ElementsAre("b.example"));
  EXPECT_EQ(all->batch.dns[1].query, "d.example");
  EXPECT_EQ(all->batch.dns[1].query_type, 15);
  EXPECT_EQ(all->batch.dns[1].response_code, -1);
}

TEST(EveDns, AllLinesOfAnAnswerOfVersion1AreOneTransaction) {
  const auto all = read({{query(3, "www.example.org")},
                         {record(3, "www.example.org", "CNAME", "cdn.example."), 1, 50000, true},
                         {record(3, "cdn.example", "A", "1.2.3.4"), 1, 50000, true},
                         {record(3, "cdn.example", "A", "1.2.3.5"), 1, 50000, true},
                         {record(4, "other.example", "A", "1.2.3.6"), 1, 50000, true},
                         {R"("type":"answer","id":5,"rcode":"NXDOMAIN","rrname":"no.example")", 2, 50000, true}});
  ASSERT_THAT(all->batch.dns, SizeIs(3));
  EXPECT_EQ(all->batch.dns[0].query, "www.example.org");
  EXPECT_EQ(all->batch.dns[0].query_type, 1);
  EXPECT_THAT(all->batch.dns[0].names, ElementsAre("cdn.example"));
  EXPECT_THAT(all->batch.dns[0].addresses, ElementsAre(ip("1.2.3.4"), ip("1.2.3.5")));
  EXPECT_EQ(all->batch.dns[1].query, "other.example");
  EXPECT_EQ(all->batch.dns[2].response_code, 3);
}

TEST(EveDns, GroupedRecordsAloneAreTaken) {
  const auto all = read(
      {{R"("version":2,"type":"answer","rrname":"c.example","rrtype":"TXT","rcode":"NOERROR","grouped":{"A":["9.9.9.9"]})"}});
  ASSERT_THAT(all->batch.dns, SizeIs(1));
  EXPECT_THAT(all->batch.dns[0].addresses, ElementsAre(ip("9.9.9.9")));
}

TEST(EveDns, TwoQuestionsUnderOneIdHaveTheirOwnAnswers) {
  const auto all = read({{query(2, "www.example.org", "A")},
                         {query(2, "www.example.org", "AAAA")},
                         {answer(2, "www.example.org", "2001:db8::1", "AAAA"), 1},
                         {answer(2, "WWW.example.org", "1.2.3.4", "A"), 1}});
  ASSERT_THAT(all->batch.dns, SizeIs(2));
  EXPECT_EQ(all->batch.dns[0].query_type, 28);
  EXPECT_THAT(all->batch.dns[0].addresses, ElementsAre(ip("2001:db8::1")));
  EXPECT_THAT(all->batch.dns[1].addresses, ElementsAre(ip("1.2.3.4")));
}

TEST(EveDns, WhatHasNoPartnerIsStillSeen) {
  const auto all = read({{query(1, "silent.example")},
                         {query(1, "silent.example"), 2},  // a retry
                         {query(1, "other-port.example"), 3, 50001},
                         {answer(1, "elsewhere.example", "1.2.3.4"), 4},
                         {query(2, "late.example"), 70},
                         {answer(1, "silent.example", "1.2.3.4"), 130}});
  ASSERT_THAT(all->batch.dns, SizeIs(5));
  EXPECT_EQ(all->batch.dns[0].query, "elsewhere.example");
  EXPECT_EQ(all->batch.dns[1].query, "silent.example");
  EXPECT_EQ(all->batch.dns[1].response_code, 0);
  EXPECT_EQ(all->batch.dns[2].query, "silent.example");
  EXPECT_EQ(all->batch.dns[2].response_code, -1);
  EXPECT_EQ(all->batch.dns[3].query, "other-port.example");
  EXPECT_EQ(all->batch.dns[4].query, "late.example");
}

TEST(EveDns, QueriesAskedAgainMuchLaterAreNoRetries) {
  const auto all =
      read({{query(1, "a.example")}, {query(1, "a.example"), 100}, {answer(1, "a.example", "1.2.3.4"), 101}});
  ASSERT_THAT(all->batch.dns, SizeIs(2));
  EXPECT_EQ(all->batch.dns[0].place.record, 2U);
  EXPECT_EQ(all->batch.dns[1].response_code, -1);
}

TEST(EveDns, DisorderOfMinutesIsNoMatter) {
  const auto all = read({{query(1, "a.example")},
                         {query(2, "b.example"), 1200},
                         {answer(1, "a.example", "1.2.3.4"), 1},
                         {query(3, "c.example"), 3000},
                         {answer(2, "b.example", "1.2.3.4"), 1201}});
  ASSERT_THAT(all->batch.dns, SizeIs(3));
  EXPECT_EQ(all->batch.dns[0].query, "a.example");
  EXPECT_EQ(all->batch.dns[0].response_code, 0);
  EXPECT_EQ(all->batch.dns[1].query, "b.example");
  EXPECT_EQ(all->batch.dns[1].response_code, 0);
}

TEST(EveDns, AfterHalfAnHourAQueryIsGivenWithoutItsAnswer) {
  const auto all = read({{query(1, "a.example")}, {answer(2, "b.example", "1.2.3.4"), 1900}});
  ASSERT_THAT(all->batch.dns, SizeIs(2));
  EXPECT_EQ(all->batch.dns[0].query, "a.example");
}

TEST(EveDns, WithoutAnIdNothingIsPaired) {
  const auto all = read({{R"("type":"query","rrname":"a.example","rrtype":"A")"},
                         {R"("type":"query","id":70000,"rrname":"a.example","rrtype":"A")"},
                         {R"("version":2,"type":"answer","rrname":"a.example","rrtype":"A","rcode":"NXDOMAIN")"}});
  ASSERT_THAT(all->batch.dns, SizeIs(3));
  EXPECT_EQ(all->batch.dns[2].response_code, 3);
  EXPECT_THAT(all->batch.dns[2].addresses, IsEmpty());
}

TEST(EveDns, QueriesThatNobodyAnswersAreBoundedAndNoneIsLost) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) {
    text += eve({query(i % 7, std::to_string(i) + ".example"), 0, 1 + i % 60'000});
    text += eve({query(1, std::to_string(i) + ".example"), 0, 1});  // of one key, each another name
  }
  const auto all = observations_of(text, Format::kEve);
  EXPECT_EQ(all->batch.dns.size(), 200'000U);
}

TEST(EveDns, RecordsWithoutEndUnderOneIdAreBounded) {
  std::vector<Line> lines;
  for (int i = 0; i < 10'000; ++i) lines.push_back({record(1, "x.example", "A", "1.2.3.4")});
  const auto all = read(lines);
  ASSERT_THAT(all->batch.dns, SizeIs(1));
  EXPECT_EQ(all->batch.dns[0].addresses.size(), 256U);
}

TEST(EveDns, SurvivesCutsAnywhere) {
  const std::string text = eve({query(7, "www.example.org")}) + eve({answer(7, "www.example.org", "1.2.3.4")}) +
                           eve({record(8, "a.example", "A", "1.2.3.4")});
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const auto all = observations_of(text.substr(0, size), Format::kEve);
    EXPECT_LE(all->batch.dns.size(), 2U);
  }
}

}  // namespace
}  // namespace tocsin::testing
