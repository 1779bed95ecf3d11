// Rules cut, joined and spoilt at random: nothing may crash, whatever is said of them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "rules/parser.h"

namespace tocsin::rules {
namespace {

std::vector<std::string> samples() {
  std::vector<std::string> rules = {
      R"(alert http $HOME_NET any -> any !$HTTP_PORTS (msg:"a\;"; flow:established,to_server; content:"|41 42|c"; http_uri; nocase; offset:1; pcre:"/a(b)/UR, flow:x"; flowbits:isset,a|b; sid:1; rev:2;))",
      R"(alert tcp [1.1.1.1,!10.0.0.0/8] 1:5 <> any [80,!81] (byte_extract:2,0,v; content:"x"; within:v; byte_math:bytes 2,offset 0,oper +,rvalue v,result w; byte_jump:4,0,relative,multiplier 2; byte_test:1,!&,0x80,0; isdataat:!1,relative; base64_decode:bytes 9,offset 1; base64_data; content:"y"; sid:2;))",
      R"(drop dns any any -> any any (dns.query; dotprefix; to_sha256; dataset:isset,n,type sha256,load a.lst; threshold:type both,track by_src,count 1,seconds 2; xbits:set,a,track ip_pair,expire 5; reference:url,a.b; metadata:a b,c d; sid:3;))"};
  const auto folder = std::filesystem::path(TOCSIN_SOURCE_DIR).parent_path() / "shared/data/suricata-verify";
  if (!std::filesystem::exists(folder)) return rules;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".rules") continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      if (line.size() > 10 && line.size() < 4096) rules.push_back(line);
    }
  }
  return rules;
}

TEST(RuleMutations, NeverCrash) {
  const auto rules = samples();
  std::mt19937 random(1);  // NOLINT: the same mutations each time
  const auto below = [&](std::size_t most) { return random() % most; };
  const Vocabulary vocabulary;
  std::uint64_t read = 0;
  for (int round = 0; round < 100'000; ++round) {
    std::string rule = rules[below(rules.size())];
    for (std::size_t change = 1 + below(4); change > 0; --change) {
      const std::size_t at = below(rule.size() + 1);
      const std::string& other = rules[below(rules.size())];
      constexpr std::string_view kMarks = "()[]\"\\;:,!|$/<>-0 \n\xff";
      switch (below(5)) {
        case 0:
          rule.insert(at, 1, kMarks[below(kMarks.size())]);
          break;
        case 1:
          rule.erase(at, below(20));
          break;
        case 2:
          rule.insert(at, other.substr(below(other.size()), below(60)));
          break;
        case 3:
          if (at < rule.size()) rule[at] = static_cast<char>(random());
          break;
        default:
          rule.insert(at, rule.substr(below(rule.size() + 1), below(80)));
      }
    }
    RuleSet set;
    set.read_text(rule, "m", vocabulary);
    set.check_together();
    for (const Fault& fault : set.faults) read += fault.text().size();
  }
  EXPECT_GT(read, 0U);
}

}  // namespace
}  // namespace tocsin::rules
