#include "collect/indicator_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

namespace tocsin {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct Kept {
  IndicatorType type;
  std::string value, family, group, source, tlp;
  Kind kind;
  Confidence confidence;
  Period valid;
  std::uint64_t line;
};

struct Result {
  std::vector<Kept> kept;
  IndicatorFileReport report;
  std::vector<std::string> values() const {
    std::vector<std::string> all;
    for (const Kept& k : kept) all.push_back(k.value);
    return all;
  }
};

TakeIndicator keeping(std::vector<Kept>& kept) {
  return [&kept](const Indicator& i) {
    kept.push_back({i.type, std::string(i.value), std::string(i.family), std::string(i.group), std::string(i.source),
                    std::string(i.tlp), i.kind, i.confidence, i.valid, i.line});
  };
}

Result read(std::string text, const std::string& name = "lists/evil.txt", const IndicatorDefaults& defaults = {}) {
  Result result;
  const auto input = InputStream::of_bytes(std::move(text), name);
  result.report = read_indicator_stream(*input, name, defaults, keeping(result.kept));
  return result;
}

std::string classified(std::string_view text) {
  std::string scratch;
  const auto value = classify_indicator(text, scratch);
  if (!value) return "none: " + std::string(value.error());
  static const char* const names[] = {"address", "address:port", "prefix", "domain", "url", "hash"};
  return std::string(names[static_cast<int>(value->type)]) + " " + std::string(value->value);
}

std::filesystem::path data() {
  const char* given = std::getenv("TOCSIN_DATA");
  return given != nullptr ? given : TOCSIN_SOURCE_DIR "/../shared/data";
}
#define NEED(path)                                                       \
  if (!std::filesystem::exists(path)) {                                  \
    if (std::getenv("CI") != nullptr) FAIL() << (path) << " is missing"; \
    GTEST_SKIP() << (path) << " is missing";                             \
  }

TEST(IndicatorValue, TellsTypesApart) {
  EXPECT_EQ(classified("192.0.2.1"), "address 192.0.2.1");
  EXPECT_EQ(classified("2001:db8::1"), "address 2001:db8::1");
  EXPECT_EQ(classified("192.0.2.1:443"), "address:port 192.0.2.1:443");
  EXPECT_EQ(classified("[2001:db8::1]:443"), "address:port [2001:db8::1]:443");
  EXPECT_EQ(classified("192.0.2.0/24"), "prefix 192.0.2.0/24");
  EXPECT_EQ(classified("2001:db8::/32"), "prefix 2001:db8::/32");
  EXPECT_EQ(classified("evil.example"), "domain evil.example");
  EXPECT_EQ(classified("evilname"), "domain evilname");
  EXPECT_EQ(classified("evil.example/a/b?c"), "url evil.example/a/b?c");
  EXPECT_EQ(classified("/gate.php"), "url /gate.php");
  EXPECT_EQ(classified("d41d8cd98f00b204e9800998ecf8427e"), "hash d41d8cd98f00b204e9800998ecf8427e");
}

TEST(IndicatorValue, TakesUrlsApart) {
  EXPECT_EQ(classified("http://192.0.2.1"), "address:port 192.0.2.1:80");
  EXPECT_EQ(classified("https://192.0.2.1/"), "address:port 192.0.2.1:443");
  EXPECT_EQ(classified("http://192.0.2.1:8080"), "address:port 192.0.2.1:8080");
  EXPECT_EQ(classified("http://[2001:db8::1]/"), "address:port [2001:db8::1]:80");
  EXPECT_EQ(classified("tcp://192.0.2.1"), "address 192.0.2.1");
  EXPECT_EQ(classified("http://evil.example/"), "domain evil.example");
  EXPECT_EQ(classified("http://evil.example:80/x"), "url evil.example/x");
  EXPECT_EQ(classified("https://evil.example:8443/x"), "url evil.example:8443/x");
  EXPECT_EQ(classified("https://user:pw@evil.example/x#frag"), "url evil.example/x");
  EXPECT_EQ(classified("192.0.2.1/24/x"), "url 192.0.2.1/24/x");
}

TEST(IndicatorValue, TakesDefangedValues) {
  EXPECT_EQ(classified("hxxp://evil[.]example/x"), "url evil.example/x");
  EXPECT_EQ(classified("hXXps[://]evil(.)example/x"), "url evil.example/x");
  EXPECT_EQ(classified("192.0.2[.]1[:]443"), "address:port 192.0.2.1:443");
  EXPECT_EQ(classified("evil[dot]example"), "domain evil.example");
}

TEST(IndicatorValue, RefusesWhatIsNone) {
  for (const char* text : {"",
                           "  ",
                           "two words",
                           "192.0.2.1:99999",
                           "192.0.2.1:22:443",
                           "192.0.2.300",
                           "192.0.2.0/33",
                           "0.0.0.0/0",
                           "127.0.0.1",
                           "0.0.0.0",
                           "fe80::1",
                           "/",
                           "//",
                           "a..b",
                           "a@b.example",
                           "dga[0-9]+\\.example\\.com",
                           "x_y!.example",
                           "http://",
                           "[::1",
                           "[]",
                           ":",
                           "::",
                           "a:b:c"}) {
    EXPECT_THAT(classified(text), HasSubstr("none: ")) << text;
  }
  EXPECT_THAT(classified(std::string(5000, 'a')), HasSubstr("none: "));
}

TEST(IndicatorFiles, ReadsPlainListsWithComments) {
  const Result r = read("# a list\n192.0.2.1\n\nevil.example # inline\r\n  hxxp://evil[.]example/x  \nnot a value\n");
  EXPECT_EQ(r.report.format, "plain list");
  EXPECT_THAT(r.values(), ElementsAre("192.0.2.1", "evil.example", "evil.example/x"));
  EXPECT_EQ(r.kept[1].line, 4U);
  EXPECT_EQ(r.kept[1].source, "evil.txt");
  EXPECT_THAT(r.report.skips.examples(), ElementsAre("lists/evil.txt:6: a value with blanks or control characters"));
}

TEST(IndicatorFiles, ReadsMaltrailTrails) {
  const Result r = read(
      "# Copyright (c) 2014-2026 Maltrail developers (https://github.com/stamparm/maltrail/)\n"
      "# See the file 'LICENSE'\n\n# Aliases: x\nhttp://192.0.2.7\nevil.example\t\n/gate.php\n[::ffff:192.0.2.8]:53\n",
      "mt/zeus.txt");
  EXPECT_EQ(r.report.format, "Maltrail trail");
  EXPECT_THAT(r.values(), ElementsAre("192.0.2.7:80", "evil.example", "/gate.php", "[::ffff:192.0.2.8]:53"));
  for (const Kept& kept : r.kept) EXPECT_EQ(kept.family, "zeus");
  EXPECT_EQ(r.kept[2].confidence, Confidence::kSuspected);
  EXPECT_EQ(r.kept[3].confidence, Confidence::kConfirmed);
}

TEST(IndicatorFiles, ReadsCsvByItsHeader) {
  const Result r = read(
      "\xef\xbb\xbfType,Indicator,Malware,Actor,Kind,Confidence,Valid_From,Valid_Until,Source,TLP\r\n"
      "ip,192.0.2.1,\"Zeus, \"\"P2P\"\"\",APT1,backdoor,probable,2013-01-01,2013-01-31,feed,TLP:AMBER\r\n"
      "ip,192.0.2.2,\"a\nb\",,,95,,,,\r\n"
      "ip,,x,,,,,,,\r\n"
      "ip,192.0.2.3,x,,nonsense,,,,,\r\n"
      "ip,192.0.2.4,x,,,,2013-02-01,2013-01-01,,\r\n"
      "ip,192.0.2.5,x,,,,never,,,\r\n"
      "domain,evil.example,,,,,1357000000,1357000001.5,,white\r\n");
  EXPECT_EQ(r.report.format, "CSV");
  EXPECT_THAT(r.values(), ElementsAre("192.0.2.1", "192.0.2.2", "evil.example"));
  const Kept& first = r.kept[0];
  EXPECT_EQ(first.family, "Zeus, \"P2P\"");
  EXPECT_EQ(first.group, "APT1");
  EXPECT_EQ(first.kind, Kind::kBackdoor);
  EXPECT_EQ(first.confidence, Confidence::kProbable);
  EXPECT_EQ(first.source, "feed");
  EXPECT_EQ(first.tlp, "amber");
  EXPECT_EQ(first.valid.from, *parse_time("2013-01-01"));
  EXPECT_EQ(first.valid.to, *parse_time("2013-02-01"));
  EXPECT_EQ(r.kept[1].family, "a\nb");
  EXPECT_EQ(r.kept[1].line, 3U);
  EXPECT_EQ(r.kept[2].line, 9U);
  EXPECT_EQ(r.kept[2].valid.from, 1357000000LL * kSecond);
  EXPECT_EQ(r.kept[2].tlp, "clear");
  EXPECT_EQ(r.report.skips.count(), 4U);
  EXPECT_THAT(r.report.skips.examples()[0], "lists/evil.txt:5: no value in the record");
}

TEST(IndicatorFiles, LosesOnlyTheLineOfAStrayQuote) {
  const Result r = read("ip,family\n192.0.2.1,\"open\n192.0.2.2,b\n192.0.2.3,c\n");
  EXPECT_THAT(r.values(), ElementsAre("192.0.2.2", "192.0.2.3"));
  EXPECT_EQ(r.report.skips.count(), 1U);
}

TEST(IndicatorFiles, ReadsSensorTrails) {
  const auto path = data() / "maltrail/sensor-corpus/trails.csv";
  NEED(path);
  std::vector<Kept> kept;
  const auto reports = read_indicators(path, {}, keeping(kept));
  ASSERT_TRUE(reports);
  EXPECT_EQ(kept.size(), 19U);
  EXPECT_EQ(kept[0].family, "malware (test)");
  EXPECT_EQ(kept[0].source, "(static)");
  EXPECT_EQ(kept[7].kind, Kind::kPhishing);
  EXPECT_THAT((*reports)[0].skips.examples(), ElementsAre(HasSubstr(":18: a pattern, not a value")));
}

constexpr const char* kMisp = R"({"response":[{"Event":{"info":"x","Tag":[{"name":"tlp:amber"},
  {"name":"misp-galaxy:threat-actor=\"APT1\""}],
  "Galaxy":[{"type":"mitre-malware","GalaxyCluster":[{"value":"WEBC2 - S0109"}]}],
  "Attribute":[{"type":"ip-dst","value":"192.0.2.1","to_ids":true},
   {"type":"ip-dst|port","value":"192.0.2.2|443","to_ids":true,"Tag":[{"name":"rsit:fraud=\"phishing\""},{"name":"tlp:red"}]},
   {"type":"ip-dst|port","value":"2001:db8::1|443","to_ids":true},
   {"type":"domain|ip","value":"evil.example|192.0.2.3","to_ids":true},
   {"type":"ip-dst","value":"192.0.2.9","to_ids":false},
   {"type":"ip-dst","value":"nonsense!","to_ids":true},
   {"type":"comment","value":"hello","to_ids":true}, 7, {"value":5}],
  "Object":[{"Attribute":[{"type":"filename|md5","value":"a.exe|d41d8cd98f00b204e9800998ecf8427e","to_ids":true},
   {"type":"url","value":"http://evil.example/a|b","to_ids":"1"}]}]}}]})";

TEST(IndicatorFiles, ReadsMispEvents) {
  const Result r = read(kMisp, "event.json");
  EXPECT_EQ(r.report.format, "MISP event");
  EXPECT_THAT(r.values(), ElementsAre("192.0.2.1", "192.0.2.2:443", "[2001:db8::1]:443", "evil.example", "192.0.2.3",
                                      "d41d8cd98f00b204e9800998ecf8427e", "evil.example/a|b"));
  EXPECT_EQ(r.kept[0].group, "APT1");
  EXPECT_EQ(r.kept[0].family, "WEBC2");
  EXPECT_EQ(r.kept[0].tlp, "amber");
  EXPECT_EQ(r.kept[1].tlp, "red");
  EXPECT_EQ(r.kept[1].kind, Kind::kPhishing);
  EXPECT_EQ(r.report.knowledge, 2U);
  EXPECT_EQ(r.report.skips.count(), 3U);
}

constexpr const char* kStix = R"({"type":"bundle","id":"bundle--1","objects":[
 {"type":"indicator","id":"indicator--1","pattern_type":"stix","valid_from":"2013-01-01T00:00:00Z",
  "valid_until":"2013-03-01T00:00:00.000Z","confidence":50,
  "object_marking_refs":["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"],
  "pattern":"[ipv4-addr:value = '192.0.2.1' OR domain-name:value IN ('evil.example','evil2.example')]"},
 {"type":"indicator","id":"indicator--2","pattern":"[network-traffic:dst_ref.value='192.0.2.2' AND network-traffic:dst_port=443]"},
 {"type":"indicator","id":"indicator--3","pattern":"[file:hashes.'SHA-1' = 'da39a3ee5e6b4b0d3255bfef95601890afd80709'] FOLLOWEDBY [url:value='http://evil.example/it\\'s'] WITHIN 5 SECONDS"},
 {"type":"indicator","id":"indicator--4","pattern":"[domain-name:value LIKE '%.example' AND ipv4-addr:value='192.0.2.5']"},
 {"type":"indicator","id":"indicator--5","pattern":"[domain-name:value = 'cut"},
 {"type":"indicator","id":"indicator--6","pattern_type":"snort","pattern":"alert tcp any any"},
 {"type":"indicator","id":"indicator--7","revoked":true,"pattern":"[ipv4-addr:value = '192.0.2.7']"},
 {"type":"relationship","id":"relationship--1","relationship_type":"indicates","source_ref":"indicator--1","target_ref":"malware--1"},
 {"type":"relationship","id":"relationship--2","relationship_type":"uses","source_ref":"intrusion-set--1","target_ref":"malware--1"},
 {"type":"relationship","id":"relationship--3","relationship_type":"indicates","source_ref":"indicator--2","target_ref":"intrusion-set--1"},
 {"type":"malware","id":"malware--1","name":"WEBC2"},
 {"type":"intrusion-set","id":"intrusion-set--1","name":"APT1"}]})";

TEST(IndicatorFiles, ReadsStixBundles) {
  const Result r = read(kStix, "bundle.json");
  EXPECT_EQ(r.report.format, "STIX 2.1 bundle");
  EXPECT_THAT(r.values(), ElementsAre("192.0.2.1", "evil.example", "evil2.example", "192.0.2.2:443",
                                      "da39a3ee5e6b4b0d3255bfef95601890afd80709", "evil.example/it's"));
  EXPECT_EQ(r.kept[0].family, "WEBC2");
  EXPECT_EQ(r.kept[0].group, "APT1");
  EXPECT_EQ(r.kept[0].tlp, "amber");
  EXPECT_EQ(r.kept[0].confidence, Confidence::kProbable);
  EXPECT_EQ(r.kept[0].valid.to, *parse_time("2013-03-01"));
  EXPECT_EQ(r.kept[3].group, "APT1");
  EXPECT_EQ(r.kept[3].confidence, Confidence::kConfirmed);
  EXPECT_EQ(r.kept[4].confidence, Confidence::kProbable);
  EXPECT_EQ(r.report.skips.count(), 2U);
  EXPECT_EQ(r.report.knowledge, 4U);
}

TEST(IndicatorFiles, KeepsGroupsOfMitreAsKnowledge) {
  const auto path = data() / "mitre-attack/apt1.stix21.json";
  NEED(path);
  std::vector<Kept> kept;
  const auto reports = read_indicators(path, {}, keeping(kept));
  ASSERT_TRUE(reports);
  EXPECT_THAT(kept, IsEmpty());
  EXPECT_EQ((*reports)[0].knowledge, 41U);
  EXPECT_THAT((*reports)[0].notes, Contains(HasSubstr("knowledge of APT1: 6 malware: WEBC2")));
}

TEST(IndicatorFiles, ReadsDirectoriesInOrder) {
  const auto folder = std::filesystem::temp_directory_path() / ("tocsin-indicators-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder / "b");
  std::ofstream(folder / "c.txt") << "c.example\n";
  std::ofstream(folder / "b/a.txt") << "b.example\n";
  std::ofstream(folder / "a.txt") << "a.example\n";
  std::ofstream(folder / ".hidden") << "hidden.example\n";
  Result r;
  const auto reports = read_indicators(folder, {}, keeping(r.kept));
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(reports);
  EXPECT_THAT(*reports, SizeIs(3));
  EXPECT_THAT(r.values(), ElementsAre("a.example", "b.example", "c.example"));
  EXPECT_FALSE(read_indicators(folder, {}, keeping(r.kept)));
}

TEST(IndicatorFiles, SurvivesEveryCut) {
  for (const std::string& whole :
       {std::string(kMisp), std::string(kStix), std::string("ip,family\n192.0.2.1,\"a \"\" b\"\nevil[.]example,c\n")}) {
    for (std::size_t size = 0; size <= whole.size(); ++size) read(whole.substr(0, size));
  }
}

TEST(IndicatorFiles, SurvivesDamage) {
  std::mt19937 random(7);
  for (const std::string& whole : {std::string(kMisp), std::string(kStix)}) {
    for (int i = 0; i < 2000; ++i) {
      std::string damaged = whole;
      for (int n = 0; n < 3; ++n) damaged[random() % damaged.size()] = static_cast<char>(random());
      read(damaged);
    }
  }
  for (int i = 0; i < 2000; ++i) {
    std::string noise(random() % 400, '\0');
    for (char& c : noise) c = random() % 4 == 0 ? "\n,\"[]:./{}"[random() % 10] : static_cast<char>(random());
    read(noise);
  }
}

TEST(IndicatorFiles, JoinsManyIndicatorsOfOneMalwareWithManyUsersInLinearTime) {
  constexpr int kMany = 20'000;
  std::string bundle = R"({"type":"bundle","id":"bundle--1","objects":[
{"type":"malware","id":"malware--1","name":"WEBC2"},{"type":"intrusion-set","id":"intrusion-set--1","name":"APT1"})";
  for (int i = 0; i < kMany; ++i) {
    const std::string n = std::to_string(i);
    bundle +=
        R"(,{"type":"indicator","id":"indicator--)" + n +
        R"(","pattern_type":"stix","pattern":"[domain-name:value = 'h)" + n +
        R"(.example']"},{"type":"relationship","relationship_type":"indicates","source_ref":"indicator--)" + n +
        R"(","target_ref":"malware--1"},{"type":"relationship","relationship_type":"uses","source_ref":"intrusion-set--1","target_ref":"malware--1"})";
    // One id for many as well.
    bundle +=
        R"(,{"type":"indicator","id":"indicator--x","pattern_type":"stix","pattern":"[domain-name:value = 'x)" + n +
        R"(.example']"},{"type":"relationship","relationship_type":"indicates","source_ref":"indicator--x","target_ref":"malware--1"})";
  }
  const auto start = std::chrono::steady_clock::now();
  const Result r = read(bundle + "]}", "bundle.json");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  ASSERT_EQ(r.kept.size(), 2U * kMany);
  EXPECT_EQ(r.kept.back().family, "WEBC2");
  EXPECT_EQ(r.kept.back().group, "APT1");
}

TEST(IndicatorFiles, SurvivesDeepNesting) {
  const Result r = read("{\"objects\":" + std::string(200000, '['));
  EXPECT_EQ(r.report.skips.count(), 1U);
}

}  // namespace
}  // namespace tocsin
