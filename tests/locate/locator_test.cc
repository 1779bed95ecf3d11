#include "locate/locator.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>

namespace tocsin {
namespace {

std::string share() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "share/tocsin/location";
}

// One locator for all tests: making its tables takes a second or two.
const Locator& locator() {
  static const auto opened = Locator::open(share(), (std::filesystem::temp_directory_path() / "tocsin-locate-test").string());
  if (!opened) throw std::runtime_error(opened.error().message);
  return **opened;
}

IpAddress ip(const char* text) { return *IpAddress::parse(text); }
Timestamp day(const char* text) { return *parse_time(text); }

// What mmdblookup says: two letters or nothing.
std::string by_mmdblookup(const std::string& file, const IpAddress& address) {
  const std::string command = fmt::format("mmdblookup -f {}/{} -i {} country_code 2>/dev/null", share(), file, address.text());
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
  std::array<char, 256> line{};
  while (std::fgets(line.data(), line.size(), pipe.get()) != nullptr) {
    const char* quote = std::strchr(line.data(), '"');
    if (quote != nullptr) return std::string(quote + 1, 2);
  }
  return {};
}

TEST(Locator, HasTwoDatedDatabases) {
  ASSERT_EQ(locator().databases().size(), 2U);
  EXPECT_TRUE(locator().warnings().empty());
  EXPECT_EQ(locator().databases()[0].version.substr(0, 7), "2022-10");
}

TEST(Locator, AgreesWithMmdblookup) {
  std::mt19937 random(5);
  std::vector<IpAddress> addresses{ip("141.193.213.20"), ip("66.63.168.35"), ip("147.32.80.37"), ip("2001:718:2::1"), ip("2a00:1450:400c::1")};
  for (int i = 0; i < 150; ++i) addresses.push_back(IpAddress::v4(static_cast<std::uint32_t>(random())));
  for (const IpAddress& address : addresses) {
    if (scope_of(address) != AddressScope::kGlobal) continue;
    std::string expected = by_mmdblookup("geo-whois-asn-country.mmdb", address);
    if (expected.empty()) expected = by_mmdblookup("iptoasn-country.mmdb", address);
    if (!CountryCode::parse(expected)) expected.clear();
    EXPECT_EQ(locator().locate_with(1, address).country.text(), expected == "EU" ? "" : expected) << address.text();
  }
  EXPECT_EQ(locator().locate_with(1, ip("141.193.213.20")).country.text(), "US");
  EXPECT_EQ(locator().locate_with(0, ip("147.32.80.37")).country.text(), "CZ");
  EXPECT_EQ(locator().locate_with(1, ip("147.32.80.37")).asn, 2852U);
  EXPECT_NE(locator().holder(2852), "");
}

TEST(Locator, GivesSpecialAddressesNoCountry) {
  for (const char* text : {"10.0.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.1", "224.0.0.1", "203.0.113.1", "::1", "fe80::1", "ff02::1", "fd00::1", "2001:db8::1", "0.0.0.0", "255.255.255.255"}) {
    for (std::size_t i = 0; i < 2; ++i) {
      const Location location = locator().locate_with(i, ip(text));
      EXPECT_FALSE(location.country.known()) << text;
      EXPECT_EQ(location.asn, 0U) << text;
    }
  }
}

TEST(Locator, TakesTheDatabaseNearestBefore) {
  EXPECT_EQ(locator().database_for(day("2013-01-01")), 0U);  // older than all: the oldest
  EXPECT_EQ(locator().database_for(day("2024-01-01")), 0U);
  EXPECT_EQ(locator().database_for(day("2026-11-01")), 1U);
}

TEST(Locator, MakesADamagedCacheAgain) {
  const auto cache = std::filesystem::temp_directory_path() / "tocsin-locate-damaged";
  std::filesystem::remove_all(cache);
  ASSERT_TRUE(Locator::open(share(), cache.string()));
  for (const auto& entry : std::filesystem::directory_iterator(cache)) {
    if (entry.path().extension() == ".table") std::filesystem::resize_file(entry.path(), 5000);
  }
  const auto again = Locator::open(share(), cache.string());
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->locate_with(1, ip("66.63.168.35")).country.text(), "US");
  std::filesystem::remove_all(cache);
}

TEST(Locator, SaysWhatIsMissing) { EXPECT_FALSE(Locator::open("/nonexistent", "/nonexistent")); }

TEST(Constituency, IsToldByCountryNetworkAndName) {
  ConstituencySpec spec;
  spec.countries = {*CountryCode::parse("CZ")};
  spec.prefixes = {*Prefix::parse("192.168.1.0/24")};
  spec.as_numbers = {64500};
  spec.domain_suffixes = {"gov.example"};
  spec.organisations = {{"Bank", "finance", "", {*Prefix::parse("203.0.113.0/24")}, {"bank.example"}},
                        {"Branch", "finance/banking", "", {*Prefix::parse("203.0.113.64/26")}, {"branch.bank.example"}}};
  const Constituency constituency(spec);
  EXPECT_TRUE(constituency.contains(ip("1.2.3.4"), *CountryCode::parse("CZ"), 0));
  EXPECT_TRUE(constituency.contains(ip("192.168.1.9"), {}, 0));
  EXPECT_FALSE(constituency.contains(ip("192.168.2.9"), {}, 0));
  EXPECT_TRUE(constituency.contains(ip("1.2.3.4"), {}, 64500));
  EXPECT_TRUE(constituency.contains_name("www.GOV.example."));
  EXPECT_FALSE(constituency.contains_name("notgov.example"));
  EXPECT_EQ(constituency.organisation_of(ip("203.0.113.70"), "")->name, "Branch");
  EXPECT_EQ(constituency.organisation_of(ip("203.0.113.7"), "")->name, "Bank");
  EXPECT_EQ(constituency.organisation_of(ip("1.1.1.1"), "a.branch.bank.example")->name, "Branch");
  EXPECT_EQ(constituency.organisation_of(ip("1.1.1.1"), "example"), nullptr);
}

}  // namespace
}  // namespace tocsin
