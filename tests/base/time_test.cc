#include "base/time.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace tocsin {
namespace {

TEST(Time, FloorsWithoutOverflow) {
  EXPECT_EQ(floor_to(7, 5), 5);
  EXPECT_EQ(floor_to(-7, 5), -10);
  EXPECT_EQ(floor_to(std::numeric_limits<Timestamp>::min(), kHour), std::numeric_limits<Timestamp>::min());
}

TEST(Time, ReadsDatesAndOffsets) {
  EXPECT_EQ(*parse_time("1970-01-01"), 0);
  EXPECT_EQ(*parse_time("2013-01"), *parse_time("2013-01-01T00:00:00Z"));
  EXPECT_EQ(*parse_time("2021-06-06T15:59:46.457984+0200"), *parse_time("2021-06-06T13:59:46.457984Z"));
  EXPECT_EQ(*parse_time("2019/04/04 16:24:47.672448"), *parse_time("2019-04-04T16:24:47.672448Z"));
  EXPECT_EQ(format_time(*parse_time("2012-02-29T23:59:59.5Z")), "2012-02-29T23:59:59.500000Z");
}

TEST(Time, ReadsNamedZonesAcrossChangesOfOffset) {
  EXPECT_EQ(*parse_time("2013-01-01", "Asia/Shanghai"), *parse_time("2012-12-31T16:00:00Z"));
  EXPECT_EQ(*parse_time("2013-07-01", "Europe/Prague"), *parse_time("2013-06-30T22:00:00Z"));
  EXPECT_EQ(*parse_time("2013-01-01", "+08:00"), *parse_time("2012-12-31T16:00:00Z"));
  EXPECT_FALSE(parse_time("2013-01-01", "Mars/Olympus"));
}

TEST(Time, KnowsAZonesOffsetAtEveryInstantAroundAChange) {
  const auto hours = [](const char* utc, const char* zone) {
    return static_cast<double>(offset_at_utc(*parse_time(utc), zone).value()) / kHour;
  };
  // Santiago goes from -3 to -4 at 03:00 UTC on 7 April 2024, and back at 04:00 UTC on 8 September.
  EXPECT_EQ(hours("2024-04-07T02:59:59.999999Z", "America/Santiago"), -3);
  EXPECT_EQ(hours("2024-04-07T03:00:00Z", "America/Santiago"), -4);
  EXPECT_EQ(hours("2024-04-07T03:30:00Z", "America/Santiago"), -4);
  EXPECT_EQ(hours("2024-09-08T03:59:59Z", "America/Santiago"), -4);
  EXPECT_EQ(hours("2024-09-08T04:00:00Z", "America/Santiago"), -3);
  EXPECT_EQ(hours("2013-03-31T00:59:59Z", "Europe/Prague"), 1);
  EXPECT_EQ(hours("2013-03-31T01:00:00Z", "Europe/Prague"), 2);
  EXPECT_EQ(hours("2013-01-01", "UTC"), 0);
  EXPECT_EQ(hours("2013-01-01", ""), 0);
  EXPECT_EQ(hours("2013-01-01", "-09:30"), -9.5);
  EXPECT_EQ(hours("2013-01-01", "Asia/Kathmandu"), 5.75);
  EXPECT_FALSE(offset_at_utc(0, "Mars/Olympus"));
  EXPECT_FALSE(offset_at_utc(0, "+08:00x"));
  EXPECT_FALSE(offset_at_utc(0, std::string(1000, 'x')));
  EXPECT_TRUE(offset_at_utc(std::numeric_limits<Timestamp>::min(), "Europe/Prague"));
  EXPECT_TRUE(offset_at_utc(std::numeric_limits<Timestamp>::max(), "Europe/Prague"));
}

TEST(Time, ALocalTimeShownTwiceIsTheFirstAndOneSkippedIsLater) {
  const auto utc = [](const char* local, const char* zone) { return format_time(*parse_time(local, zone)); };
  EXPECT_EQ(utc("2024-04-06 23:30", "America/Santiago"), "2024-04-07T02:30:00Z");
  EXPECT_EQ(utc("2024-04-07", "America/Santiago"), "2024-04-07T04:00:00Z");
  EXPECT_EQ(utc("2024-09-08", "America/Santiago"), "2024-09-08T04:00:00Z");  // the day begins at 01:00
  EXPECT_EQ(utc("2013-10-27 02:30", "Europe/Prague"), "2013-10-27T00:30:00Z");
  EXPECT_EQ(utc("2013-10-27 03:00", "Europe/Prague"), "2013-10-27T02:00:00Z");
  EXPECT_EQ(utc("2013-03-31 02:30", "Europe/Prague"), "2013-03-31T01:30:00Z");
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text : {"", "2013-02-30", "2013-13-01", "yesterday", "2013-01-01T25:00:00", "2013-01-01x"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

TEST(Time, ReadsEpochSecondsExactly) {
  EXPECT_EQ(*parse_epoch("1677024003.714845"), 1677024003714845);
  EXPECT_EQ(*parse_epoch("22.335172"), 22335172);
  EXPECT_EQ(*parse_epoch("5"), 5 * kSecond);
  EXPECT_FALSE(parse_epoch("1e9"));
}

TEST(Text, ShowsControlCharactersAsText) {
  EXPECT_EQ(printable("a\x1b[31mb\n"), "a\\x1b[31mb\\x0a");
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("中文"), "中文");
  EXPECT_EQ(printable("\u202e"), "\\u{202e}");
  EXPECT_EQ(with_thousands(1287000), "1,287,000");
  EXPECT_EQ(with_thousands(-999), "-999");
}

}  // namespace
}  // namespace tocsin
