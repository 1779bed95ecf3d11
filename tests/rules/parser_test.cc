#include "rules/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "rules/config_files.h"
#include "rules/keyword.h"

namespace tocsin::rules {
namespace {

using ::testing::HasSubstr;

RuleSet read(const std::string& text, const Vocabulary& vocabulary = {}) {
  RuleSet set;
  set.read_text(text, "a.rules", vocabulary);
  return set;
}

Rule only(const std::string& text) {
  RuleSet set = read(text);
  EXPECT_EQ(set.refused(), 0U) << text << ": " << (set.faults.empty() ? "" : set.faults[0].text());
  return set.rules.empty() ? Rule() : set.rules[0];
}

std::string refusal(const std::string& options, const std::string& protocol = "tcp") {
  const RuleSet set = read("alert " + protocol + " any any -> any any (" + options + " sid:7;)\n");
  return set.faults.empty() ? "understood" : set.faults[0].text();
}

TEST(Rules, ReadsNamesOfBits) {
  const auto condition = [](const std::string& value) {
    const Rule rule = only("alert websocket any any -> any any (websocket.flags:" + value + "; sid:1;)");
    return std::get<NumberCondition>(rule.conditions.at(0)).comparison;
  };
  EXPECT_EQ(condition("fin,!comp"), condition("&0xc0=0x80"));
  EXPECT_EQ(condition("=fin"), condition("0x80"));
  EXPECT_EQ(condition("*fin,comp"), condition("&0xc0!=0"));
  EXPECT_EQ(condition("-fin,comp"), condition("&0xc0!=0xc0"));
  EXPECT_THAT(refusal("websocket.flags:fine;", "websocket"), HasSubstr("has no 'fine'"));
}

TEST(Rules, WhatRequiresMoreThanThereIsIsSkipped) {
  const RuleSet set = read(
      "alert tcp any any -> any any (foo:1; requires: keyword foo; sid:1;)\n"
      "alert tcp any any -> any any (foo:1; requires: version >= 8 < 9 | >= 10; sid:2;)\n"
      "alert tcp any any -> any any (foo:1; requires: version >= 9; sid:3;)\n");
  EXPECT_EQ(set.skipped, 2U);
  EXPECT_EQ(set.refused(), 1U);
  EXPECT_THAT(refusal("requires: version >= 8, version < 10;"), HasSubstr("twice"));
}

TEST(Rules, RefusesWhatConfigCanNotDo) {
  EXPECT_EQ(refusal("dns.query; content:\"a\"; config:logging disable, type tx, scope tx;", "dns"), "understood");
  EXPECT_THAT(refusal("config:logging enable, type tx, scope tx;"), HasSubstr("can only disable"));
  EXPECT_THAT(refusal("config:logging disable, type flow, scope flow;"), HasSubstr("config is"));
}

TEST(Rules, ReadsHeaderWithGroupsAndVariables) {
  Vocabulary vocabulary;
  vocabulary.variables["HOME_NET"] = "[10.0.0.0/8,!10.1.0.0/16]";
  RuleSet set = read("drop tcp $HOME_NET ![22,80:90] <> [192.0.2.1,2001:db8::/32] 1024: (sid:1;)", vocabulary);
  ASSERT_EQ(set.rules.size(), 1U);
  const Rule& rule = set.rules[0];
  EXPECT_EQ(rule.action, Action::kDrop);
  EXPECT_EQ(rule.direction, Direction::kBoth);
  EXPECT_TRUE(rule.source.contains(*IpAddress::parse("10.2.0.1")));
  EXPECT_FALSE(rule.source.contains(*IpAddress::parse("10.1.0.1")));
  EXPECT_FALSE(rule.source_ports.contains(85));
  EXPECT_TRUE(rule.source_ports.contains(81 + 10));
  EXPECT_TRUE(rule.target.contains(*IpAddress::parse("2001:db8::5")));
  EXPECT_TRUE(rule.target_ports.contains(65535));
  EXPECT_FALSE(rule.target_ports.contains(1023));
}

TEST(Rules, KeepsMatchesInOrderByBuffer) {
  const Rule rule = only(
      R"(alert http any any -> any any (msg:"a\;b"; http.uri; content:"|2f 61|b"; nocase; content:"c"; distance:1; within:4; )"
      R"(http.user_agent; pcre:"/x[0-9]+/i"; bsize:>3; sid:1;))");
  ASSERT_EQ(rule.buffers.size(), 2U);
  EXPECT_EQ(rule.buffers[0].buffer, "http.uri");
  ASSERT_EQ(rule.buffers[0].matches.size(), 2U);
  EXPECT_EQ(std::get<Content>(rule.buffers[0].matches[0]).bytes, "/ab");
  EXPECT_TRUE(std::get<Content>(rule.buffers[0].matches[0]).ignore_case);
  EXPECT_EQ(std::get<Content>(rule.buffers[0].matches[1]).within->number, 4);
  EXPECT_EQ(rule.buffers[1].matches.size(), 2U);
  EXPECT_EQ(rule.metadata.message, "a;b");
  EXPECT_EQ(rule.flow.side, Side::kToServer);
}

TEST(Rules, RewritesModifiersOfOldToBuffers) {
  const Rule rule =
      only(R"(alert http any any -> any any (content:"p"; content:"a"; http_uri; nocase; pcre:"/b/UR"; sid:1;))");
  ASSERT_EQ(rule.buffers.size(), 2U);
  EXPECT_EQ(rule.buffers[0].buffer, "payload");
  EXPECT_EQ(rule.buffers[1].buffer, "http.uri");
  EXPECT_TRUE(std::get<Content>(rule.buffers[1].matches[0]).ignore_case);
  EXPECT_TRUE(std::get<Pcre>(rule.buffers[1].matches[1]).relative);
}

TEST(Rules, LooksOnInTheBufferThatAModifierMovedTo) {
  const Rule rule = only(
      R"(alert tcp any any -> any any (uricontent:"a"; byte_extract:1,2,one,relative; isdataat:!9,relative; sid:1;))");
  ASSERT_EQ(rule.buffers.size(), 1U);
  EXPECT_EQ(rule.buffers[0].buffer, "http.uri");
  EXPECT_EQ(rule.buffers[0].matches.size(), 3U);
}

TEST(Rules, TheLengthOfAUriIsOfTheClientAlone) {
  EXPECT_EQ(only("alert tcp any any -> any any (urilen:15; sid:1;)").flow.side, Side::kToServer);
}

TEST(Rules, BindsVariablesOfByteExtract) {
  const Rule rule =
      only(R"(alert tcp any any -> any any (byte_extract:2,0,len,relative; content:"a"; within:len; sid:1;))");
  EXPECT_EQ(rule.variables, std::vector<std::string>{"len"});
  EXPECT_EQ(std::get<Content>(rule.buffers[0].matches[1]).within->variable, 0);
}

TEST(Rules, RefusesWithPlaceAndReason) {
  EXPECT_EQ(refusal("depth:3;"), "a.rules:1:31: sid 7: depth needs a content before it, which it is of");
  EXPECT_THAT(refusal(R"(content:"abc"; depth:2;)"), HasSubstr("less than the content's 3 bytes"));
  EXPECT_THAT(refusal(R"(content:"abc"; fast_pattern; fast_pattern;)"), HasSubstr("twice"));
  EXPECT_THAT(refusal(R"(content:"a"; fast_pattern; content:"b"; fast_pattern;)"), HasSubstr("one content"));
  EXPECT_THAT(refusal(R"(content:"a"; offset:1; distance:1;)"), HasSubstr("exclude"));
  EXPECT_THAT(refusal("nonsense;"), HasSubstr("'nonsense' is not known"));
  EXPECT_THAT(refusal(R"(dns.query; content:"a";)", "tls"), HasSubstr("of dns"));
  EXPECT_THAT(refusal(R"(http.uri; content:"a"; flow:to_client;)", "http"), HasSubstr("never is"));
  EXPECT_THAT(refusal("http.uri;", "http"), HasSubstr("nothing is looked for"));
  EXPECT_THAT(refusal(R"(pcre:"/(/";)"), HasSubstr("pattern is wrong"));
  EXPECT_THAT(refusal(R"(pcre:"/a/R";)"), HasSubstr("letter R"));
  EXPECT_THAT(refusal(R"(content:"|4|";)"), HasSubstr("one digit"));
  EXPECT_THAT(refusal("flowbits:isset,a; flowbits:isnotset,a;"), HasSubstr("not set at once"));
  EXPECT_THAT(refusal(R"(dsize:2; content:"abc";)"), HasSubstr("dsize"));
  EXPECT_THAT(refusal(R"(dsize:2; http.uri; content:"a";)", "http"), HasSubstr("no rule can be of both"));
}

TEST(Rules, GoesOnAfterABadRuleAndAcrossLines) {
  RuleSet set = read(
      "bad\n# comment\n\nalert tcp any any -> any any ( \\\n  content:\"a\"; \\\n\tdepth:x; sid:2;)\r\nalert ip any "
      "any -> any any (sid:3;)");
  EXPECT_EQ(set.read, 3U);
  ASSERT_EQ(set.faults.size(), 2U);
  EXPECT_EQ(set.faults[1].line, 6U);
  EXPECT_EQ(set.faults[1].column, 2U);
  EXPECT_EQ(set.faults[1].sid, 2U);
  EXPECT_EQ(set.rules.at(0).metadata.sid, 3U);
}

TEST(Rules, RefusesASidTwiceAndTakesNewerRevisions) {
  const std::string rule = "alert ip any any -> any any (sid:1; rev:";
  RuleSet set = read(rule + "2;)\n" + rule + "2;)\n" + rule + "3;)\n");
  EXPECT_EQ(set.refused(), 1U);
  EXPECT_THAT(set.faults[0].text(), HasSubstr("stands already at a.rules:1"));
  EXPECT_EQ(set.rules.at(0).metadata.rev, 3U);
}

TEST(Rules, WarnsOfFlowbitsThatNoRuleSets) {
  RuleSet set = read("alert ip any any -> any any (flowbits:isset,a; sid:1;)\n");
  set.check_together();
  ASSERT_EQ(set.faults.size(), 1U);
  EXPECT_TRUE(set.faults[0].is_warning);
  EXPECT_EQ(set.refused(), 0U);
}

TEST(Rules, BoundsHostileInput) {
  EXPECT_THAT(read("alert ip " + std::string(30'000, '[') + " any -> any any (sid:1;)").faults.at(0).message,
              HasSubstr("bracket"));
  const std::string nested = std::string(1000, '[') + "1.1.1.1" + std::string(1000, ']');
  EXPECT_THAT(read("alert ip " + nested + " any -> any any (sid:1;)").faults.at(0).message, HasSubstr("deeply"));
  EXPECT_THAT(read(std::string(200'000, 'a')).faults.at(0).message, HasSubstr("longer"));
  Vocabulary vocabulary;
  vocabulary.variables["A0"] = "1.1.1.1";
  for (int i = 1; i < 31; ++i) {
    const std::string below = "$A" + std::to_string(i - 1);
    vocabulary.variables["A" + std::to_string(i)] = "[" + below + "," + below + "]";
  }
  vocabulary.variables["LOOP"] = "$LOOP";
  EXPECT_EQ(read("alert ip $A30 any -> any any (sid:1;)", vocabulary).refused(), 1U);
  EXPECT_EQ(read("alert ip $LOOP any -> any any (sid:1;)", vocabulary).refused(), 1U);
}

TEST(Rules, ReadsThresholdLines) {
  std::vector<Fault> faults;
  const auto lines = parse_thresholds(
      "# c\nsuppress gen_id 1, sig_id 5, track by_src, ip [10.0.0.1,10.0.0.2]\n"
      "rate_filter gen_id 1, sig_id 6, track by_rule, count 3, seconds 60, new_action drop, timeout 9\nnonsense\n",
      "t", default_variables(), faults);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_TRUE(lines[0].addresses.contains(*IpAddress::parse("10.0.0.2")));
  EXPECT_EQ(lines[1].timeout, 9U);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].line, 4U);
}

TEST(Rules, ReadsDatesOfCertificates) {
  const auto asked = [](const std::string& value) {
    const Rule rule = only("alert tls any any -> any any (tls_cert_notafter:" + value + "; sid:1;)");
    return std::get<NumberCondition>(rule.conditions.at(0)).comparison;
  };
  // date -u -d 2015-01-01 +%s; date -u -d '2015-10-22 23:59:59' +%s
  EXPECT_EQ(asked(">2015"), (Comparison{Comparison::Operator::kGreater, 1'420'070'400, 0}));
  EXPECT_EQ(asked("<2015-10-22T23:59:59"), (Comparison{Comparison::Operator::kLess, 1'445'558'399, 0}));
  EXPECT_EQ(asked("1998-05-01<>2008-05-01"), (Comparison{Comparison::Operator::kBetween, 893'980'800, 1'209'600'000}));
  for (const char* wrong : {"soon", "2015-1", "20155", "2016<>2015", ">"}) {
    EXPECT_THAT(refusal(std::string("tls_cert_notafter:") + wrong + ";", "tls"), HasSubstr("is no time")) << wrong;
  }
}

TEST(Rules, RefusesWhatItWouldHaveToPassOver) {
  EXPECT_THAT(refusal("flowvar:a,\"b\";"), HasSubstr("flowvar can't be asked"));
  EXPECT_THAT(refusal("dns.rrtype:16,al;", "dns"), HasSubstr("says nothing of which"));
  EXPECT_THAT(refusal("content:\"a\"; startswith; fast_pattern:only;"), HasSubstr("excludes"));
}

TEST(Rules, RefusesThresholdLinesThatWouldSilenceForEver) {
  const auto read_line = [](const std::string& line) {
    std::vector<Fault> faults;
    parse_thresholds(line, "t", default_variables(), faults);
    return faults.empty() ? std::string("understood") : faults[0].message;
  };
  EXPECT_EQ(read_line("event_filter gen_id 1, sig_id 5, type limit, track by_src, count 1, seconds 60"), "understood");
  EXPECT_THAT(read_line("event_filter gen_id 1, sig_id 5, type limit, track by_src, seconds 60"), HasSubstr("needed"));
  EXPECT_THAT(read_line("rate_filter gen_id 1, sig_id 5, track by_src, seconds 5, new_action drop, timeout 9"),
              HasSubstr("needed"));
  EXPECT_THAT(read_line("suppress gen_id 1, sig_id 5, track by_name"), HasSubstr("has no place"));
}

TEST(Rules, DocumentsEveryKeyword) {
  std::ifstream file(TOCSIN_SOURCE_DIR "/docs/rules.md");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), keywords_as_markdown()) << "renew it with: tocsin rules keywords > docs/rules.md";
}

}  // namespace
}  // namespace tocsin::rules
