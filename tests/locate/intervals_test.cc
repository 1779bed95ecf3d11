#include "locate/intervals.h"

#include <gtest/gtest.h>

#include <random>

#include "locate/iso_countries.h"
#include "locate/sources.h"

namespace tocsin {
namespace {

// What flatten must say, found by trying every range: the latest of those with the latest start, then earliest end.
int slow_value(const std::vector<AddressRange<int>>& ranges, AddressKey key) {
  const AddressRange<int>* best = nullptr;
  for (const auto& range : ranges) {
    if (range.first > key || range.last < key) continue;
    if (best == nullptr || range.first > best->first || (range.first == best->first && range.last <= best->last)) {
      best = &range;
    }
  }
  return best == nullptr ? 0 : best->value;
}

int flat_value(const std::vector<AddressRange<int>>& flat, AddressKey key) {
  for (const auto& range : flat) {
    if (range.first <= key && key <= range.last) return range.value;
  }
  return 0;
}

TEST(Intervals, TheMostSpecificRangeDecidesWhateverTheOrder) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 300; ++round) {
    std::vector<AddressRange<int>> ranges;
    const AddressKey base = round % 3 == 0 ? kLastKey - 255 : round % 3 == 1 ? 0 : kFirstV4Key - 100;
    for (int i = 0; i < 12; ++i) {
      const auto bits = static_cast<int>(random() % 9);
      const AddressKey first = (random() % 256) >> bits << bits;
      ranges.push_back({base + first, base + first + (AddressKey{1} << bits) - 1, 1 + static_cast<int>(random() % 4)});
    }
    const auto flat = flatten(ranges);
    for (std::size_t i = 1; i < flat.size(); ++i) ASSERT_LT(flat[i - 1].last, flat[i].first);
    const SplitIntervals<int> parts = split(flat, 0);
    const std::vector<std::uint32_t> v4_index = v4_index_of(parts.v4_starts);
    const std::vector<std::uint32_t> v6_index = v6_index_of(parts.v6_starts);
    const IntervalSearch search{parts.v4_starts, parts.v6_starts, v4_index, v6_index};
    ASSERT_TRUE(search.sound());
    for (AddressKey offset = 0; offset < 256; ++offset) {
      const IpAddress ip = address_of(base + offset);
      const int expected = slow_value(ranges, base + offset);
      ASSERT_EQ(flat_value(flat, base + offset), expected);
      ASSERT_EQ(ip.is_v4() ? parts.v4_values[search.find_v4(ip.as_v4())]
                           : parts.v6_values[search.find_v6(ip.high(), ip.low())],
                expected)
          << ip.text();
    }
  }
}

TEST(Intervals, ARangeOverEverythingHasOneValue) {
  const SplitIntervals<int> parts = split(flatten<int>({{0, kLastKey, 7}}), 0);
  EXPECT_EQ(parts.v4_values, std::vector<int>{7});
  EXPECT_EQ(parts.v6_values, std::vector<int>{7});
}

TEST(Intervals, NoRangesHaveNoValue) {
  const SplitIntervals<int> parts = split(flatten<int>({}), 0);
  EXPECT_EQ(parts.v4_values, std::vector<int>{0});
  EXPECT_EQ(parts.v6_values, std::vector<int>{0});
}

TEST(Intervals, AKeyIsItsAddress) {
  for (const char* text : {"::", "1.2.3.4", "2001:db8::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
    const IpAddress ip = IpAddress::parse(text).value();
    EXPECT_EQ(address_of(key_of(ip)), ip);
  }
}

TEST(Merging, SpecialAddressesAreTakenOutExactly) {
  const LocationRecord record = LocationRecord::of(CountryCode::parse("US").value(), 1, 0);
  const auto kept = without_special({{0, kLastKey, record}});
  const SplitIntervals<LocationRecord> parts = split(kept, LocationRecord{});
  const IntervalSearch search{parts.v4_starts, parts.v6_starts, {}, {}};
  auto check = [&](const IpAddress& ip) {
    const LocationRecord& found =
        ip.is_v4() ? parts.v4_values[search.find_v4(ip.as_v4())] : parts.v6_values[search.find_v6(ip.high(), ip.low())];
    ASSERT_EQ(found == record, scope_of(ip) == AddressScope::kGlobal) << ip.text();
  };
  std::mt19937_64 random(3);
  for (std::uint32_t block = 0; block < 65'536; ++block) {
    check(IpAddress::v4(block << 16));
    check(IpAddress::v4((block << 16) + 0xffff));
    check(IpAddress::v4((block << 16) + static_cast<std::uint32_t>(random() & 0xffff)));
    check(address_of(static_cast<AddressKey>(block) << 112));
    check(address_of((static_cast<AddressKey>(block) << 112) + random()));
    check(address_of((static_cast<AddressKey>(0x20010000U + block) << 96) + random()));
  }
  for (const auto& range : kept) {
    check(address_of(range.first));
    check(address_of(range.last));
    check(address_of(range.first - 1));
    check(address_of(range.last + 1));
  }
}

TEST(Merging, TheFirstThatKnowsACountryDecides) {
  const CountryCode us = CountryCode::parse("US").value();
  const CountryCode cz = CountryCode::parse("CZ").value();
  const auto merged = merge_sources({{10, 19, us}}, {{15, 29, cz}}, {{18, 18, 7}});
  ASSERT_EQ(merged.size(), 4U);
  EXPECT_EQ(merged[0].value, LocationRecord::of(us, 0, 0));
  EXPECT_EQ(merged[1].value, LocationRecord::of(us, 7, 0));
  EXPECT_EQ(merged[1].first, 18U);
  EXPECT_EQ(merged[1].last, 18U);
  EXPECT_EQ(merged[3].value, LocationRecord::of(cz, 0, 0));
  EXPECT_EQ(merged[3].last, 29U);
}

TEST(IsoCountries, OnlyAssignedCodesAreCountries) {
  for (const char* code : {"US", "us", "CZ", "CN", "HK", "TW", "MO", "AQ", "XK", "ZW", "AD"}) {
    EXPECT_TRUE(iso_country(code).known()) << code;
  }
  for (const char* code :
       {"EU", "AP", "A1", "A2", "A3", "O1", "T1", "XX", "ZZ", "XD", "UK", "AN", "CS", "SU", "", "U", "USA", "\0\0"}) {
    EXPECT_FALSE(iso_country(code).known()) << code;
  }
}

}  // namespace
}  // namespace tocsin
