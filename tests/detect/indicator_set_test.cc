#include "detect/indicator_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "detect/domain_name.h"

namespace tocsin {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class Lists {
 public:
  Lists& add(IndicatorType type, std::string_view value, std::string_view family = "f", Period valid = {}) {
    Indicator indicator;
    indicator.type = type;
    indicator.value = value;
    indicator.family = family;
    indicator.source = "s";
    indicator.valid = valid;
    indicator.line = ++line_;
    EXPECT_TRUE(builder_.add(indicator, "list.txt")) << value;
    return *this;
  }
  std::shared_ptr<const IndicatorSet> build() { return builder_.build(); }

 private:
  IndicatorSetBuilder builder_;
  std::uint64_t line_ = 0;
};

std::vector<std::string> shown(const IndicatorSet::Matches& matches) {
  std::vector<std::string> all;
  for (const IndicatorMatch& m : matches) all.push_back(std::string(m.value) + (m.loose ? " loose" : ""));
  return all;
}
std::vector<std::string> address(const IndicatorSet& set, std::string_view ip, std::uint16_t port = 0,
                                 Timestamp time = 0) {
  IndicatorSet::Matches out;
  set.match_address({*IpAddress::parse(ip), port}, time, out);
  EXPECT_TRUE(out.empty() || set.may_match(*IpAddress::parse(ip)));
  return shown(out);
}
std::vector<std::string> domain(const IndicatorSet& set, std::string_view name) {
  IndicatorSet::Matches out;
  set.match_domain(name, 0, out);
  return shown(out);
}
std::vector<std::string> url(const IndicatorSet& set, std::string_view host, std::string_view uri) {
  IndicatorSet::Matches out;
  set.match_url(host, uri, 0, out);
  return shown(out);
}

TEST(DomainName, NormalisesNames) {
  std::string into;
  ASSERT_TRUE(normalise_domain("WWW.Example.ORG.", into));
  EXPECT_EQ(into, "www.example.org");
  ASSERT_TRUE(
      normalise_domain("b\xc3\xbc"
                       "cher.example",
                       into));
  EXPECT_EQ(into, "xn--bcher-kva.example");
  ASSERT_TRUE(normalise_domain("_dmarc.a_b.example", into));
  for (const std::string& bad :
       {std::string("."), std::string(""), std::string("a..b"), std::string("a b.example"), std::string(64, 'a'),
        std::string("\xff\xfe.example"), std::string("\xc3\xbc\0x", 4)}) {
    EXPECT_FALSE(normalise_domain(bad, into)) << bad;
  }
}

TEST(DomainName, KnowsPublicSuffixes) {
  EXPECT_TRUE(is_public_suffix("com"));
  EXPECT_TRUE(is_public_suffix("co.uk"));
  EXPECT_TRUE(is_public_suffix("gov.cn"));
  EXPECT_TRUE(is_public_suffix("github.io"));
  EXPECT_FALSE(is_public_suffix("example.co.uk"));
  EXPECT_EQ(registrable_domain("a.b.example.co.uk"), "example.co.uk");
  EXPECT_EQ(registrable_domain("co.uk"), "");
}

TEST(IndicatorSet, IsEmptyWithoutIndicators) {
  const auto set = IndicatorSetBuilder().build();
  EXPECT_THAT(address(*set, "192.0.2.1", 1), IsEmpty());
  EXPECT_THAT(domain(*set, "evil.example"), IsEmpty());
  EXPECT_THAT(url(*set, "evil.example", "/x"), IsEmpty());
}

TEST(IndicatorSet, AnExpiredPortHidesNoOther) {
  const Period over{0, 100}, now{200, 300};
  const auto set = Lists()
                       .add(IndicatorType::kAddressPort, "192.0.2.1:443", "f", over)
                       .add(IndicatorType::kAddressPort, "192.0.2.1:80", "f", now)
                       .add(IndicatorType::kAddressPort, "192.0.2.1:81", "f", now)
                       .add(IndicatorType::kAddressPort, "192.0.2.1:80", "g", over)
                       .add(IndicatorType::kAddressPort, "[2001:db8::1]:443", "f", over)
                       .add(IndicatorType::kAddressPort, "[2001:db8::1]:80", "f", now)
                       .add(IndicatorType::kAddressPort, "192.0.2.3:80", "f", now)
                       .add(IndicatorType::kAddress, "192.0.2.3", "f", over)
                       .build();
  EXPECT_THAT(address(*set, "192.0.2.1", 22, 250), ElementsAre("192.0.2.1:80 loose", "192.0.2.1:81 loose"));
  EXPECT_THAT(address(*set, "192.0.2.1", 443, 250), ElementsAre("192.0.2.1:80 loose", "192.0.2.1:81 loose"));
  EXPECT_THAT(address(*set, "192.0.2.1", 0, 250), ElementsAre("192.0.2.1:80 loose", "192.0.2.1:81 loose"));
  EXPECT_THAT(address(*set, "192.0.2.1", 80, 250), ElementsAre("192.0.2.1:80"));
  EXPECT_THAT(address(*set, "192.0.2.1", 22, 50), ElementsAre("192.0.2.1:443 loose", "192.0.2.1:80 loose"));
  EXPECT_THAT(address(*set, "192.0.2.1", 22, 150), IsEmpty());
  EXPECT_THAT(address(*set, "2001:db8::1", 22, 250), ElementsAre("[2001:db8::1]:80 loose"));
  EXPECT_THAT(address(*set, "192.0.2.3", 22, 250), ElementsAre("192.0.2.3:80 loose"));
  EXPECT_THAT(address(*set, "192.0.2.3", 80, 250), ElementsAre("192.0.2.3:80"));
  EXPECT_THAT(address(*set, "192.0.2.3", 22, 50), ElementsAre("192.0.2.3"));
}

TEST(IndicatorSet, AnAddressWithEveryPortIsBuiltAndMatchedInBounds) {
  Lists lists;
  for (int port = 1; port < 65536; ++port)
    lists.add(IndicatorType::kAddressPort, "192.0.2.1:" + std::to_string(port), "f", {0, port < 60'000 ? 100 : 1000});
  const auto set = lists.build();
  EXPECT_EQ(address(*set, "192.0.2.1", 0, 500).size(), 64U);
  EXPECT_THAT(address(*set, "192.0.2.1", 65000, 500), ElementsAre("192.0.2.1:65000"));
}

TEST(IndicatorSet, MatchesAddressesAndPorts) {
  const auto set = Lists()
                       .add(IndicatorType::kAddress, "192.0.2.1")
                       .add(IndicatorType::kAddressPort, "192.0.2.2:443")
                       .add(IndicatorType::kAddressPort, "192.0.2.2:80")
                       .add(IndicatorType::kAddressPort, "192.0.2.1:8080")
                       .add(IndicatorType::kAddressPort, "[2001:DB8:0::1]:443")
                       .add(IndicatorType::kAddress, "2001:db8::2")
                       .build();
  EXPECT_THAT(address(*set, "192.0.2.1", 5), ElementsAre("192.0.2.1"));
  EXPECT_THAT(address(*set, "192.0.2.1", 8080), UnorderedElementsAre("192.0.2.1:8080", "192.0.2.1"));
  EXPECT_THAT(address(*set, "192.0.2.2", 80), ElementsAre("192.0.2.2:80"));
  EXPECT_THAT(address(*set, "192.0.2.2", 81), ElementsAre("192.0.2.2:443 loose", "192.0.2.2:80 loose"));
  EXPECT_THAT(address(*set, "2001:db8::1", 443), ElementsAre("[2001:db8::1]:443"));
  EXPECT_THAT(address(*set, "2001:db8::2"), ElementsAre("2001:db8::2"));
  EXPECT_THAT(address(*set, "192.0.2.3", 443), IsEmpty());
}

TEST(IndicatorSet, MatchesPrefixesLongestFirst) {
  const auto set = Lists()
                       .add(IndicatorType::kPrefix, "198.51.100.0/24")
                       .add(IndicatorType::kPrefix, "198.51.0.0/16")
                       .add(IndicatorType::kPrefix, "203.0.113.7/32")
                       .add(IndicatorType::kPrefix, "2001:db8::/32")
                       .build();
  EXPECT_THAT(address(*set, "198.51.100.9"), ElementsAre("198.51.100.0/24", "198.51.0.0/16"));
  EXPECT_THAT(address(*set, "198.51.101.9"), ElementsAre("198.51.0.0/16"));
  EXPECT_THAT(address(*set, "198.52.0.1"), IsEmpty());
  EXPECT_THAT(address(*set, "203.0.113.7"), ElementsAre("203.0.113.7"));
  EXPECT_THAT(address(*set, "2001:db8:1::1"), ElementsAre("2001:db8::/32"));
  EXPECT_THAT(address(*set, "2001:db9::1"), IsEmpty());
}

TEST(IndicatorSet, MatchesNamesBelowButNotAtPublicSuffixes) {
  const auto set = Lists()
                       .add(IndicatorType::kDomain, "Evil.example")
                       .add(IndicatorType::kDomain, "sub.evil.example")
                       .add(IndicatorType::kDomain, "github.io")
                       .add(IndicatorType::kDomain, "evilname")
                       .add(IndicatorType::kDomain,
                            "b\xc3\xbc"
                            "cher.example")
                       .build();
  EXPECT_THAT(domain(*set, "evil.EXAMPLE."), ElementsAre("evil.example"));
  EXPECT_THAT(domain(*set, "a.sub.evil.example"), ElementsAre("sub.evil.example", "evil.example"));
  EXPECT_THAT(domain(*set, "notevil.example"), IsEmpty());
  EXPECT_THAT(domain(*set, "github.io"), ElementsAre("github.io"));
  EXPECT_THAT(domain(*set, "somebody.github.io"), IsEmpty());
  EXPECT_THAT(domain(*set, "evilname"), ElementsAre("evilname"));
  EXPECT_THAT(domain(*set, "www.evilname"), IsEmpty());
  EXPECT_THAT(domain(*set, "www.xn--bcher-kva.example"), ElementsAre("xn--bcher-kva.example"));
}

TEST(IndicatorSet, MatchesUrlsAtBoundaries) {
  const auto set = Lists()
                       .add(IndicatorType::kUrl, "Evil.example/bad/Path/")
                       .add(IndicatorType::kUrl, "evil.example/x?id=1")
                       .add(IndicatorType::kUrl, "evil.example:8080/y")
                       .add(IndicatorType::kUrl, "192.0.2.1/z")
                       .add(IndicatorType::kUrl, "/gate.php")
                       .build();
  EXPECT_THAT(url(*set, "EVIL.example:80", "/bad/Path"), ElementsAre("evil.example/bad/Path"));
  EXPECT_THAT(url(*set, "evil.example", "/bad/Path/more?q"), ElementsAre("evil.example/bad/Path"));
  EXPECT_THAT(url(*set, "evil.example", "http://evil.example/bad/Path?x"), ElementsAre("evil.example/bad/Path"));
  EXPECT_THAT(url(*set, "evil.example", "/bad/Pathology"), IsEmpty());
  EXPECT_THAT(url(*set, "evil.example", "/bad/path"), IsEmpty());
  EXPECT_THAT(url(*set, "sub.evil.example", "/bad/Path"), IsEmpty());
  EXPECT_THAT(url(*set, "evil.example", "/x?id=1&b=2"), ElementsAre("evil.example/x?id=1"));
  EXPECT_THAT(url(*set, "evil.example", "/x?id=12"), IsEmpty());
  EXPECT_THAT(url(*set, "evil.example:8080", "/y"), ElementsAre("evil.example:8080/y"));
  EXPECT_THAT(url(*set, "evil.example:81", "/bad/Path"), ElementsAre("evil.example/bad/Path loose"));
  EXPECT_THAT(url(*set, "192.0.2.1", "/z"), ElementsAre("192.0.2.1/z"));
  EXPECT_THAT(url(*set, "any.example", "/gate.php?x=1"), ElementsAre("/gate.php loose"));
  EXPECT_THAT(url(*set, "", "/gate.php"), ElementsAre("/gate.php loose"));
}

TEST(IndicatorSet, MatchesHashesInEitherCase) {
  const auto set = Lists().add(IndicatorType::kHash, "D41D8CD98F00B204E9800998ECF8427E").build();
  IndicatorSet::Matches out;
  set->match_hash("d41d8cd98f00b204e9800998ecf8427E", 0, out);
  EXPECT_THAT(shown(out), ElementsAre("d41d8cd98f00b204e9800998ecf8427e"));
}

TEST(IndicatorSet, KeepsToValidity) {
  const auto set = Lists().add(IndicatorType::kAddress, "192.0.2.1", "f", {10, 20}).build();
  EXPECT_THAT(address(*set, "192.0.2.1", 0, 9), IsEmpty());
  EXPECT_THAT(address(*set, "192.0.2.1", 0, 10), ElementsAre("192.0.2.1"));
  EXPECT_THAT(address(*set, "192.0.2.1", 0, 20), IsEmpty());
}

TEST(IndicatorSet, GivesEveryListThatNamesAValue) {
  const auto set = Lists()
                       .add(IndicatorType::kDomain, "evil.example", "zeus")
                       .add(IndicatorType::kDomain, "evil.example", "citadel")
                       .add(IndicatorType::kDomain, "evil.example", "zeus")
                       .build();
  IndicatorSet::Matches out;
  set->match_domain("evil.example", 0, out);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0].family, "zeus");
  EXPECT_EQ(out[0].origin(), "list.txt:1");
  EXPECT_EQ(out[1].family, "citadel");
  EXPECT_EQ(set->repeated(), 1U);
}

TEST(IndicatorSet, JoinsBuildersInOrder) {
  IndicatorSetBuilder first, second;
  Indicator indicator;
  indicator.type = IndicatorType::kAddressPort;
  indicator.value = "192.0.2.1:80";
  indicator.family = "a";
  ASSERT_TRUE(first.add(indicator, "one"));
  indicator.value = "192.0.2.1:81";
  indicator.family = "b";
  ASSERT_TRUE(second.add(indicator, "two"));
  first.append(std::move(second));
  const auto set = first.build();
  IndicatorSet::Matches out;
  set->match_address({*IpAddress::parse("192.0.2.1"), 81}, 0, out);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].family, "b");
  EXPECT_EQ(out[0].file, "two");
}

TEST(IndicatorSet, FindsAllOfManyAndNothingElse) {
  std::mt19937 random(1);
  IndicatorSetBuilder builder;
  std::vector<std::uint32_t> listed;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    listed.push_back(static_cast<std::uint32_t>(random() | 1));
    const std::string value = IpAddress::v4(listed.back()).text();
    Indicator indicator;
    indicator.value = value;
    ASSERT_TRUE(builder.add(indicator, "x"));
  }
  const auto set = builder.build();
  IndicatorSet::Matches out;
  std::size_t passed = 0;
  for (const std::uint32_t ip : listed) {
    out.clear();
    set->match_address({IpAddress::v4(ip), 1}, 0, out);
    ASSERT_EQ(out.size(), 1U);
    const IpAddress other = IpAddress::v4(ip & ~1U);
    out.clear();
    set->match_address({other, 1}, 0, out);
    ASSERT_TRUE(out.empty());
    if (set->may_match(other)) ++passed;
  }
  EXPECT_LT(passed, listed.size() / 50);
}

TEST(IndicatorSet, RefusesValuesThatAreNotOfTheirType) {
  IndicatorSetBuilder builder;
  for (const auto type : {IndicatorType::kAddress, IndicatorType::kAddressPort, IndicatorType::kPrefix,
                          IndicatorType::kDomain, IndicatorType::kUrl}) {
    Indicator indicator;
    indicator.type = type;
    indicator.value = "..";
    EXPECT_FALSE(builder.add(indicator, "x"));
  }
}

TEST(IndicatorSet, SurvivesRandomLookups) {
  std::mt19937 random(3);
  const auto set =
      Lists().add(IndicatorType::kUrl, "/a").add(IndicatorType::kUrl, "a/b").add(IndicatorType::kDomain, "a").build();
  for (int i = 0; i < 20'000; ++i) {
    std::string noise(random() % 300, '\0');
    for (char& c : noise) c = random() % 2 == 0 ? "a./:?&[]@#"[random() % 10] : static_cast<char>(random());
    domain(*set, noise);
    url(*set, noise, noise);
  }
}

TEST(LoadIndicators, GivesReportsInOrderAndTheSameSetEachTime) {
  const auto folder = std::filesystem::temp_directory_path() / ("tocsin-load-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  for (int i = 0; i < 20; ++i) {
    std::ofstream(folder / ("list" + std::to_string(10 + i) + ".txt"))
        << "shared.example\n10.0.0." << i << "\nbroken line\na.xn--\xff\n";
  }
  std::vector<std::string> seen;
  for (int run = 0; run < 3; ++run) {
    std::vector<IndicatorFileReport> reports;
    const auto set = load_indicators({{folder.string(), {}}}, reports);
    ASSERT_TRUE(set);
    ASSERT_EQ(reports.size(), 20U);
    EXPECT_TRUE(reports[3].path.ends_with("list13.txt"));
    EXPECT_EQ(reports[3].indicators, 2U);
    EXPECT_EQ(reports[3].skips.count(), 2U);
    IndicatorSet::Matches out;
    (*set)->match_domain("shared.example", 0, out);
    EXPECT_EQ(out.size(), 20U);
    std::string all;
    for (const IndicatorMatch& match : out) all += match.origin() + "\n";
    seen.push_back(all);
  }
  std::filesystem::remove_all(folder);
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(seen[0], seen[2]);
  std::vector<IndicatorFileReport> reports;
  EXPECT_FALSE(load_indicators({{folder.string(), {}}}, reports));
}

}  // namespace
}  // namespace tocsin
