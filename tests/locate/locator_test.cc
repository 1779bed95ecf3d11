#include "locate/locator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <random>
#include <thread>

#include "location_data.h"

namespace tocsin {
namespace {

namespace fs = std::filesystem;

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }
Timestamp at(const char* text) { return parse_time(text).value(); }

// One locator for the tests that only look up: making its tables takes seconds.
const Locator* shared_locator() {
  static const ScratchDirectory cache;
  static const auto locator = Locator::open(location_directory(), cache.path());
  return locator ? locator->get() : nullptr;
}

std::string mmdblookup_country(const std::string& address) {
  for (const char* file : {"geo-whois-asn-country", "iptoasn-country"}) {
    const std::string command = "mmdblookup --file '" + location_directory() + "/" + file + ".mmdb' --ip " + address +
                                " country_code 2>/dev/null";
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    char line[256];
    while (pipe && std::fgets(line, sizeof line, pipe.get()) != nullptr) {
      const std::string text = line;
      const std::size_t quote = text.find('"');
      if (quote != std::string::npos) return text.substr(quote + 1, 2);
    }
  }
  return "";
}

class LocatorOverRealData : public ::testing::Test {
 protected:
  void SetUp() override {
    NEEDS_LOCATION_DATA();
    locator_ = shared_locator();
    ASSERT_NE(locator_, nullptr);
  }
  const Locator* locator_ = nullptr;
};

TEST_F(LocatorOverRealData, HasTwoDatabasesOldestFirstDatedByTheirOwnWord) {
  ASSERT_EQ(locator_->databases().size(), 2U);
  EXPECT_EQ(locator_->databases()[0].version, "2022-10-29");
  EXPECT_EQ(locator_->databases()[1].version, "2026-06-17");
  EXPECT_THAT(
      locator_->databases()[1].files,
      ::testing::ElementsAre("geo-whois-asn-country.mmdb", "iptoasn-country.mmdb", "asn-ipv4.csv", "asn-ipv6.csv"));
  EXPECT_THAT(locator_->databases()[0].description, ::testing::HasSubstr("CC BY-SA 4.0"));
  EXPECT_THAT(locator_->databases()[1].description, ::testing::HasSubstr("CC BY 4.0"));
  EXPECT_THAT(locator_->warnings(), ::testing::IsEmpty());
}

TEST_F(LocatorOverRealData, SaysWhatMmdblookupSays) {
  const Timestamp now = at("2026-11-01");
  for (const char* address : {"141.193.213.20", "66.63.168.35", "147.32.80.37", "2001:718::1"}) {
    const std::string expected = mmdblookup_country(address);
    ASSERT_FALSE(expected.empty()) << address;
    EXPECT_EQ(locator_->locate(ip(address), now).country.text(), expected) << address;
  }
  EXPECT_EQ(locator_->locate(ip("141.193.213.20"), now).country.text(), "US");
  EXPECT_EQ(locator_->locate(ip("147.32.80.37"), now).country.text(), "CZ");
  EXPECT_EQ(locator_->locate(ip("2001:718::1"), now).country.text(), "CZ");
}

TEST_F(LocatorOverRealData, KnowsAsNumbersAndTheirHolders) {
  const Location location = locator_->locate(ip("1.1.1.1"), at("2026-11-01"));
  EXPECT_EQ(location.asn, 13335U);
  EXPECT_EQ(locator_->holder(13335), "Cloudflare, Inc.");
  EXPECT_EQ(locator_->holder(0), "");
  EXPECT_EQ(locator_->holder(4'294'967'295), "");
}

TEST_F(LocatorOverRealData, SpecialAddressesAreNowhere) {
  for (const char* address :
       {"0.0.0.0",     "0.255.255.255", "10.0.0.1",       "100.64.0.1",     "100.127.255.255", "127.0.0.1",
        "169.254.0.1", "172.16.0.0",    "172.31.255.255", "192.0.0.8",      "192.0.2.1",       "192.168.1.1",
        "198.18.0.1",  "198.51.100.1",  "203.0.113.1",    "224.0.0.1",      "240.0.0.1",       "255.255.255.255",
        "::",          "::1",           "100::1",         "2001:db8::1",    "2001:2::1",       "3fff::1",
        "fc00::1",     "fe80::1",       "ff02::1",        "::147.32.80.37", "4000::1"}) {
    for (std::size_t database = 0; database < 2; ++database) {
      const Location location = locator_->locate_with(database, ip(address));
      EXPECT_FALSE(location.country.known()) << address;
      EXPECT_EQ(location.asn, 0U) << address;
    }
  }
}

TEST_F(LocatorOverRealData, ChoosesTheDatabaseNearestBeforeOrTheOldest) {
  EXPECT_EQ(locator_->database_for(at("2013-03-01")), 0U);
  EXPECT_EQ(locator_->database_for(at("2024-01-01")), 0U);
  EXPECT_EQ(locator_->database_for(at("2026-06-01")), 0U);
  EXPECT_EQ(locator_->database_for(at("2026-06-18")), 1U);
  EXPECT_EQ(locator_->database_for(at("2026-11-25")), 1U);
  EXPECT_EQ(locator_->database_for(std::numeric_limits<Timestamp>::min()), 0U);
  EXPECT_EQ(locator_->database_for(std::numeric_limits<Timestamp>::max()), 1U);
}

TEST_F(LocatorOverRealData, ADatabaseThatIsNotThereKnowsNothing) {
  EXPECT_FALSE(locator_->locate_with(99, ip("1.1.1.1")).country.known());
}

TEST_F(LocatorOverRealData, FillsASighting) {
  ConstituencySpec spec;
  spec.countries = {CountryCode::parse("CZ").value()};
  spec.prefixes = {Prefix::parse("10.0.0.0/8").value()};
  spec.organisations.push_back(
      {"University", "education", "CZ-10", "", {Prefix::parse("147.32.0.0/16").value()}, {"cvut.cz"}});
  const Constituency constituency(spec);
  Sighting sighting;
  sighting.first_seen = at("2026-11-01");
  sighting.actor.ip = ip("141.193.213.20");
  sighting.target.ip = ip("147.32.80.37");
  locate_sighting(sighting, *locator_, constituency);
  EXPECT_EQ(sighting.actor_country.text(), "US");
  EXPECT_FALSE(sighting.actor_inside);
  EXPECT_EQ(sighting.target_country.text(), "CZ");
  EXPECT_NE(sighting.target_asn, 0U);
  EXPECT_TRUE(sighting.target_inside);
  EXPECT_EQ(sighting.target_organisation, "University");
  EXPECT_EQ(sighting.target_sector, "education");
  EXPECT_EQ(sighting.target_province, "CZ-10");
  EXPECT_EQ(sighting.location_version, "2026-06-17");

  locate_sighting(sighting, *locator_, constituency, 0);
  EXPECT_EQ(sighting.location_version, "2022-10-29");
  sighting.first_seen = at("2013-01-01");
  locate_sighting(sighting, *locator_, constituency);
  EXPECT_EQ(sighting.location_version, "2022-10-29");
}

TEST_F(LocatorOverRealData, ADeclaredPrivateHostIsInsideAndNowhere) {
  ConstituencySpec spec;
  spec.prefixes = {Prefix::parse("10.0.0.0/8").value()};
  Sighting sighting;
  sighting.target.ip = ip("10.1.2.3");
  sighting.actor.ip = ip("192.168.1.1");
  locate_sighting(sighting, *locator_, Constituency(spec));
  EXPECT_TRUE(sighting.target_inside);
  EXPECT_FALSE(sighting.target_country.known());
  EXPECT_FALSE(sighting.actor_inside);
}

TEST_F(LocatorOverRealData, AnUnspecifiedAddressIsJudgedByItsNameAlone) {
  ConstituencySpec spec;
  spec.prefixes = {Prefix::parse("::/0").value()};
  spec.organisations.push_back({"Bank", "finance/banking", "", "", {}, {"bank.example"}});
  Sighting sighting;
  sighting.target_name = "www.bank.example";
  sighting.actor_name = "evil.example";
  locate_sighting(sighting, *locator_, Constituency(spec));
  EXPECT_TRUE(sighting.target_inside);
  EXPECT_EQ(sighting.target_organisation, "Bank");
  EXPECT_FALSE(sighting.actor_inside);
}

TEST_F(LocatorOverRealData, LocatingAgainForgetsWhatWasThere) {
  Sighting sighting;
  sighting.target_country = CountryCode::parse("US").value();
  sighting.target_asn = 5;
  sighting.target_inside = true;
  sighting.target_sector = "energy";
  locate_sighting(sighting, *locator_, Constituency(ConstituencySpec{}));
  EXPECT_FALSE(sighting.target_country.known());
  EXPECT_EQ(sighting.target_asn, 0U);
  EXPECT_FALSE(sighting.target_inside);
  EXPECT_EQ(sighting.target_sector, "");
}

// A directory with two small CSV files, which any machine has.
class LocatorOverSmallFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    write("asn-ipv4.csv",
          "1.0.0.0,1.0.0.255,13335,\"Cloud \"\"flare\"\", Inc.\"\n1.0.4.0,1.0.7.255,38803,Gtelecom\r\n");
    write("asn-ipv6.csv", "2001:718::,2001:718:ffff:ffff:ffff:ffff:ffff:ffff,2852,CESNET\n");
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_.path() + "/" + name, std::ios::binary) << text;
  }
  std::unique_ptr<Locator> open(const std::string& cache) const {
    auto locator = Locator::open(directory_.path(), cache);
    EXPECT_TRUE(locator) << (locator ? "" : locator.error().message);
    return locator ? std::move(*locator) : nullptr;
  }
  static void expect_known(const Locator& locator) {
    EXPECT_EQ(locator.locate(ip("1.0.0.255"), 0).asn, 13335U);
    EXPECT_EQ(locator.locate(ip("1.0.1.0"), 0).asn, 0U);
    EXPECT_EQ(locator.locate(ip("1.0.4.0"), 0).asn, 38803U);
    EXPECT_EQ(locator.locate(ip("2001:718::1"), 0).asn, 2852U);
    EXPECT_EQ(locator.locate(ip("2001:719::1"), 0).asn, 0U);
    EXPECT_EQ(locator.holder(13335), "Cloud \"flare\", Inc.");
    EXPECT_EQ(locator.holder(38803), "Gtelecom");
  }
  ScratchDirectory directory_;
  ScratchDirectory cache_;
};

TEST_F(LocatorOverSmallFiles, WorksWithoutTheMissingFilesAndNamesThem) {
  const auto locator = open(cache_.path());
  ASSERT_NE(locator, nullptr);
  expect_known(*locator);
  ASSERT_EQ(locator->databases().size(), 1U);
  EXPECT_EQ(locator->databases()[0].files.size(), 2U);
  EXPECT_THAT(locator->warnings(), ::testing::ElementsAre(::testing::HasSubstr("geo-whois-asn-country.mmdb: missing"),
                                                          ::testing::HasSubstr("iptoasn-country.mmdb: missing"),
                                                          ::testing::HasSubstr("location.db: missing")));
}

TEST_F(LocatorOverSmallFiles, AnActorsOwnNameMakesItNoneOfTheConstituency) {
  const auto locator = open(cache_.path());
  ASSERT_NE(locator, nullptr);
  ConstituencySpec spec;
  spec.as_numbers = {2852};
  spec.domain_suffixes = {"gov.example"};
  spec.organisations.push_back({"Bank", "finance/banking", "", "", {}, {"bank.example"}});
  spec.organisations.push_back({"", "", "CZ-20", "", {Prefix::parse("1.0.4.0/24").value()}, {}});
  const Constituency constituency(spec);
  Sighting sighting;
  sighting.actor.ip = ip("1.0.0.1");
  sighting.actor_name = "www.gov.example";
  sighting.target.ip = ip("1.0.4.1");
  sighting.target_name = "www.bank.example";
  locate_sighting(sighting, *locator, constituency);
  EXPECT_FALSE(sighting.actor_inside);
  EXPECT_TRUE(sighting.target_inside);
  EXPECT_EQ(sighting.target_organisation, "Bank");
  EXPECT_EQ(sighting.target_sector, "finance/banking");
  EXPECT_EQ(sighting.target_province, "CZ-20");
  sighting.actor.ip = ip("2001:718::1");
  sighting.actor_name = "elsewhere.test";
  locate_sighting(sighting, *locator, constituency);
  EXPECT_TRUE(sighting.actor_inside);
  sighting.actor.ip = {};
  sighting.actor_name = "www.gov.example";
  locate_sighting(sighting, *locator, constituency);
  EXPECT_TRUE(sighting.actor_inside);
}

TEST_F(LocatorOverSmallFiles, AnEmptyDirectoryIsAnErrorThatNamesIt) {
  ScratchDirectory empty;
  const auto locator = Locator::open(empty.path(), cache_.path());
  ASSERT_FALSE(locator);
  EXPECT_THAT(locator.error().message, ::testing::HasSubstr(empty.path()));
}

TEST_F(LocatorOverSmallFiles, ASecondOpeningMapsTheCache) {
  expect_known(*open(cache_.path()));
  const auto written = fs::last_write_time(cache_.path() + "/networks.table");
  expect_known(*open(cache_.path()));
  EXPECT_EQ(fs::last_write_time(cache_.path() + "/networks.table"), written);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(cache_.path())) ++files;
  EXPECT_EQ(files, 1U) << "a temporary file was left";
}

TEST_F(LocatorOverSmallFiles, ACacheOfOtherSourcesIsMadeAnew) {
  expect_known(*open(cache_.path()));
  write("asn-ipv6.csv", "2001:718::,2001:718:ffff:ffff:ffff:ffff:ffff:ffff,9999,OTHER!\n");
  EXPECT_EQ(open(cache_.path())->locate(ip("2001:718::1"), 0).asn, 9999U);
}

TEST_F(LocatorOverSmallFiles, ADamagedCacheIsMadeAnew) {
  const std::string path = cache_.path() + "/networks.table";
  expect_known(*open(cache_.path()));
  std::ifstream file(path, std::ios::binary);
  const std::string good((std::istreambuf_iterator<char>(file)), {});
  auto damage = [&](const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    const auto locator = open(cache_.path());
    ASSERT_NE(locator, nullptr);
    expect_known(*locator);
    EXPECT_THAT(locator->warnings(), ::testing::Contains(::testing::HasSubstr("made anew")));
  };
  for (std::size_t cut = 0; cut <= 96; cut += 8) damage(good.substr(0, cut));
  for (std::size_t cut = 97; cut < good.size(); cut += good.size() / 23) damage(good.substr(0, cut));
  for (std::size_t at = 0; at < 88; ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    damage(bad);
  }
  for (std::size_t at = 88; at < good.size(); at += good.size() / 23) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    damage(bad);
  }
  damage(good + "x");
}

TEST_F(LocatorOverSmallFiles, WorksInMemoryWhereTheCacheCannotBeWritten) {
  const auto nowhere = open("/proc/nowhere/cache");
  ASSERT_NE(nowhere, nullptr);
  expect_known(*nowhere);
  EXPECT_THAT(nowhere->warnings(), ::testing::Contains(::testing::HasSubstr("in memory only")));
  const auto none = open("");
  ASSERT_NE(none, nullptr);
  expect_known(*none);
  EXPECT_EQ(none->warnings().size(), 3U);
}

TEST_F(LocatorOverSmallFiles, BadLinesAreCountedAndSkipped) {
  write("asn-ipv4.csv",
        "1.0.0.0,1.0.0.255,13335,\"Cloud \"\"flare\"\", Inc.\"\nnonsense\n1.2.3.4\n9.0.0.0,8.0.0.0,1,Reversed\n"
        "9.0.0.0,9.0.0.255,x,NotANumber\n9.0.0.0,9.0.0.255,99999999999,TooBig\n9.0.0.0,::1,1,Mixed\n\n"
        "9.0.0.0,9.0.0.255,1,\"open\n9.0.0.0,9.0.0.255,1,\"a\"b\n1.0.4.0,1.0.7.255,38803,Gtelecom");
  const auto locator = open(cache_.path());
  ASSERT_NE(locator, nullptr);
  expect_known(*locator);
  EXPECT_EQ(locator->locate(ip("9.0.0.1"), 0).asn, 0U);
  EXPECT_THAT(locator->warnings(), ::testing::Contains(::testing::HasSubstr("asn-ipv4.csv:2: ")));
  EXPECT_THAT(locator->warnings(), ::testing::Contains(::testing::HasSubstr("8 such line(s)")));
}

TEST_F(LocatorOverSmallFiles, DamagedDatabasesAreLeftOutWithAWarning) {
  std::string noise(100'000, '\0');
  std::uint32_t state = 1;
  for (char& byte : noise) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  for (const std::string& content : {std::string(), std::string("LOCDBXX\1"), std::string("LOCDBXX\0\1", 9), noise}) {
    write("location.db", content);
    write("geo-whois-asn-country.mmdb", content);
    const auto locator = open(cache_.path());
    ASSERT_NE(locator, nullptr);
    expect_known(*locator);
    EXPECT_THAT(locator->warnings(), ::testing::Contains(::testing::HasSubstr("location.db: ")));
    EXPECT_THAT(locator->warnings(), ::testing::Contains(::testing::HasSubstr("geo-whois-asn-country.mmdb: ")));
  }
}

TEST_F(LocatorOverSmallFiles, CutDatabasesNeverCrash) {
  NEEDS_LOCATION_DATA();
  for (const char* name : {"location.db", "geo-whois-asn-country.mmdb"}) {
    const std::string source = location_directory() + "/" + name;
    const std::string copy = directory_.path() + "/" + name;
    fs::copy_file(source, copy, fs::copy_options::overwrite_existing);
    const auto size = fs::file_size(source);
    for (const double part : {0.999, 0.7, 0.3, 0.01, 0.0001}) {
      fs::resize_file(copy, static_cast<std::uintmax_t>(static_cast<double>(size) * part));
      const auto locator = open("");
      ASSERT_NE(locator, nullptr);
      expect_known(*locator);
    }
    fs::remove(copy);
  }
}

TEST_F(LocatorOverSmallFiles, OverwrittenPlacesInDatabasesNeverCrash) {
  NEEDS_LOCATION_DATA();
  std::mt19937_64 random(5);
  for (const char* name : {"location.db", "geo-whois-asn-country.mmdb"}) {
    std::ifstream file(location_directory() + "/" + name, std::ios::binary);
    const std::string good((std::istreambuf_iterator<char>(file)), {});
    for (int round = 0; round < 4; ++round) {
      std::string bad = good;
      const std::size_t places = std::size_t{1} << (4 * round);
      for (std::size_t i = 0; i < places; ++i) bad[random() % bad.size()] = static_cast<char>(random());
      write(name, bad);
      const auto locator = open("");
      ASSERT_NE(locator, nullptr);
      for (int i = 0; i < 1000; ++i) {
        const IpAddress address = IpAddress::v4(static_cast<std::uint32_t>(random()));
        for (std::size_t database = 0; database < locator->databases().size(); ++database) {
          locator->locate_with(database, address);
        }
      }
    }
    fs::remove(directory_.path() + "/" + name);
  }
}

TEST_F(LocatorOverSmallFiles, TwoThatOpenAtOnceDoNotDisturbEachOther) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int round = 0; round < 5; ++round) {
        expect_known(*open(cache_.path()));
        std::error_code ignored;
        fs::remove(cache_.path() + "/networks.table", ignored);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace tocsin
