#include "locate/constituency.h"

#include <gtest/gtest.h>

#include <random>

namespace tocsin {
namespace {

Prefix net(const char* text) { return Prefix::parse(text).value(); }
IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }
CountryCode country(const char* text) { return CountryCode::parse(text).value(); }

ConstituencySpec example() {
  ConstituencySpec spec;
  spec.name = "Example";
  spec.countries = {country("CZ")};
  spec.prefixes = {net("10.0.0.0/8"), net("192.0.2.0/24"), net("2001:db8::/32"), net("198.51.100.7/32")};
  spec.as_numbers = {2852, 64500};
  spec.domain_suffixes = {".CZ", "*.example.org", "中国"};
  spec.organisations.push_back({"Ministry", "government", "", "", {net("10.1.0.0/16")}, {"gov.cz"}});
  spec.organisations.push_back(
      {"Bank", "finance/banking", "", "", {net("10.1.2.0/24"), net("fd00::/8")}, {"bank.gov.cz."}});
  return spec;
}

TEST(Constituency, KnowsItsDeclaredPrefixesAndThoseOfOrganisations) {
  const Constituency constituency(example());
  for (const char* inside :
       {"10.0.0.0", "10.255.255.255", "10.1.2.3", "192.0.2.255", "2001:db8:ffff::1", "fd12::1", "198.51.100.7"}) {
    EXPECT_TRUE(constituency.has_prefix_of(ip(inside))) << inside;
  }
  for (const char* outside : {"9.255.255.255", "11.0.0.0", "192.0.3.0", "2001:db9::", "2001:db7:ffff::", "fc00::1",
                              "::", "0.0.0.0", "255.255.255.255", "198.51.100.6", "198.51.100.8"}) {
    EXPECT_FALSE(constituency.has_prefix_of(ip(outside))) << outside;
  }
}

TEST(Constituency, ContainsByCountryByAsOrByPrefix) {
  const Constituency constituency(example());
  EXPECT_TRUE(constituency.contains(ip("147.32.80.37"), country("CZ"), 0));
  EXPECT_TRUE(constituency.contains(ip("147.32.80.37"), CountryCode(), 2852));
  EXPECT_TRUE(constituency.contains(ip("10.9.9.9"), CountryCode(), 0));
  EXPECT_TRUE(constituency.contains(ip("10.9.9.9"), country("US"), 1));
  EXPECT_FALSE(constituency.contains(ip("8.8.8.8"), country("US"), 15169));
  EXPECT_FALSE(constituency.contains(ip("8.8.8.8"), CountryCode(), 0));
}

TEST(Constituency, AnUnknownAsIsNobodys) {
  ConstituencySpec spec;
  spec.as_numbers = {0};
  spec.countries = {CountryCode()};
  EXPECT_FALSE(Constituency(spec).contains(ip("8.8.8.8"), CountryCode(), 0));
}

TEST(Constituency, MatchesNamesOnLabelBoundariesInAnyCase) {
  const Constituency constituency(example());
  for (const char* inside : {"cz", "www.Seznam.CZ", "www.seznam.cz.", "example.org", "a.b.example.org", "gov.cz",
                             "例子.中国", "xn--fsqu00a.xn--fiqs8s"}) {
    EXPECT_TRUE(constituency.contains_name(inside)) << inside;
  }
  for (const char* outside :
       {"", ".", "..", "xcz", "cz.com", "notexample.org", "org", "cz..", "\xff\xfe", "例子.com"}) {
    EXPECT_FALSE(constituency.contains_name(outside)) << outside;
  }
  EXPECT_FALSE(constituency.contains_name(std::string(1'000'000, 'a') + ".cz"));
}

TEST(Constituency, GivesTheOrganisationOfTheLongestPrefixThenOfTheLongestSuffix) {
  const Constituency constituency(example());
  auto name_of = [&](const char* address, const char* name) {
    const Organisation* const organisation = constituency.organisation_of(ip(address), name);
    return organisation == nullptr ? std::string("none") : organisation->name;
  };
  EXPECT_EQ(name_of("10.1.2.3", ""), "Bank");
  EXPECT_EQ(name_of("10.1.3.3", ""), "Ministry");
  EXPECT_EQ(name_of("10.1.3.3", "www.bank.gov.cz"), "Ministry");
  EXPECT_EQ(name_of("10.2.0.1", ""), "none");
  EXPECT_EQ(name_of("8.8.8.8", "WWW.bank.gov.cz"), "Bank");
  EXPECT_EQ(name_of("8.8.8.8", "www.gov.cz"), "Ministry");
  EXPECT_EQ(name_of("8.8.8.8", "www.cz"), "none");
  EXPECT_EQ(name_of("::", "www.gov.cz."), "Ministry");
}

TEST(Constituency, ANetworkDeclaredInsideOneOfAnOrganisationIsThatOrganisations) {
  ConstituencySpec spec = example();
  spec.prefixes.push_back(net("10.1.2.128/25"));
  spec.prefixes.push_back(net("10.1.2.0/24"));
  const Constituency constituency(spec);
  ASSERT_NE(constituency.organisation_of(ip("10.1.2.200"), ""), nullptr);
  EXPECT_EQ(constituency.organisation_of(ip("10.1.2.200"), "")->name, "Bank");
}

TEST(Constituency, ANetworkEntryTellsAProvinceAndHidesNoOrganisation) {
  ConstituencySpec spec = example();
  spec.organisations.push_back({"", "", "CZ-20", "", {net("10.1.2.128/25"), net("172.16.0.0/12")}, {"www.gov.cz"}});
  spec.organisations.push_back({"Clinic", "health", "", "", {net("172.16.1.0/24")}, {}});
  spec.organisations.push_back({"School", "education", "CZ-64", "", {net("172.16.2.0/24")}, {}});
  const Constituency constituency(spec);
  const auto said = [&](const char* address, const char* name) {
    const Organisation* const organisation = constituency.organisation_of(ip(address), name);
    return (organisation == nullptr ? "none" : organisation->name) + " " +
           std::string(constituency.province_of(ip(address), name));
  };
  EXPECT_EQ(said("10.1.2.200", ""), "Bank CZ-20");
  EXPECT_EQ(said("172.16.0.1", ""), "none CZ-20");
  EXPECT_EQ(said("172.16.0.1", "www.gov.cz"), "Ministry CZ-20");
  EXPECT_EQ(said("172.16.1.1", ""), "Clinic CZ-20");
  EXPECT_EQ(said("172.16.2.1", ""), "School CZ-64");
  EXPECT_EQ(said("::", "www.gov.cz"), "Ministry ");
  EXPECT_EQ(said("8.8.8.8", ""), "none ");
  EXPECT_TRUE(constituency.has_prefix_of(ip("172.16.0.1")));
}

TEST(Constituency, ACopyDoesNotPointIntoTheOriginal) {
  auto original = std::make_unique<Constituency>(example());
  const Constituency copy = *original;
  const Constituency moved = std::move(*original);
  original.reset();
  for (const Constituency* constituency : {&copy, &moved}) {
    const Organisation* const organisation = constituency->organisation_of(ip("10.1.2.3"), "");
    ASSERT_NE(organisation, nullptr);
    EXPECT_GE(organisation, constituency->spec().organisations.data());
    EXPECT_LT(organisation, constituency->spec().organisations.data() + constituency->spec().organisations.size());
  }
}

TEST(Constituency, AnEmptyOneContainsNothing) {
  const Constituency constituency{ConstituencySpec{}};
  EXPECT_FALSE(constituency.has_prefix_of(ip("8.8.8.8")));
  EXPECT_FALSE(constituency.has_prefix_of(ip("2001:718::1")));
  EXPECT_FALSE(constituency.contains_name("example.org"));
  EXPECT_EQ(constituency.organisation_of(ip("8.8.8.8"), "example.org"), nullptr);
}

TEST(Constituency, AgreesWithALinearSearchOverManyRandomPrefixes) {
  std::mt19937_64 random(7);
  ConstituencySpec spec;
  auto random_ip = [&](bool four) {
    if (four) return IpAddress::v4(static_cast<std::uint32_t>(random()) & 0x0fffffff);
    std::array<std::uint8_t, 16> bytes{};
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    bytes[0] = random() % 8 == 0 ? 0xfd : 0x20;
    bytes[1] = static_cast<std::uint8_t>(bytes[1] & 3);
    return IpAddress(bytes);
  };
  for (int i = 0; i < 400; ++i) {
    const bool four = random() % 2 == 0;
    const int length = four ? 96 + 8 + static_cast<int>(random() % 25) : 12 + static_cast<int>(random() % 117);
    const Prefix prefix(random_ip(four), length);
    if (i % 3 == 0) {
      spec.prefixes.push_back(prefix);
    } else {
      spec.organisations.push_back({std::to_string(i), "", "", "", {prefix}, {}});
    }
  }
  const Constituency constituency(spec);
  for (int i = 0; i < 20'000; ++i) {
    IpAddress address = random_ip(random() % 2 == 0);
    if (i % 5 == 0 && i / 5 < static_cast<int>(spec.organisations.size())) {
      address = spec.organisations[static_cast<std::size_t>(i / 5)].prefixes[0].last();
    }
    bool inside = false;
    int longest = -1;
    const Organisation* expected = nullptr;
    for (const Prefix& prefix : spec.prefixes) inside = inside || prefix.contains(address);
    for (const Organisation& organisation : constituency.spec().organisations) {
      if (!organisation.prefixes[0].contains(address)) continue;
      inside = true;
      if (organisation.prefixes[0].length() > longest) {
        longest = organisation.prefixes[0].length();
        expected = &organisation;
      }
    }
    ASSERT_EQ(constituency.has_prefix_of(address), inside) << address.text();
    ASSERT_EQ(constituency.organisation_of(address, ""), expected) << address.text();
  }
}

}  // namespace
}  // namespace tocsin
