// Times are microseconds since 1970-01-01 in UTC; periods are half-open.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "base/expected.h"

namespace tocsin {

// Microseconds since the epoch, UTC.
using Timestamp = std::int64_t;
inline constexpr Timestamp kSecond = 1'000'000;
inline constexpr Timestamp kMinute = 60 * kSecond;
inline constexpr Timestamp kHour = 60 * kMinute;
inline constexpr Timestamp kDay = 24 * kHour;

// [from, to)
struct Period {
  Timestamp from = std::numeric_limits<Timestamp>::min();
  Timestamp to = std::numeric_limits<Timestamp>::max();
  bool contains(Timestamp time) const { return from <= time && time < to; }
  friend constexpr bool operator==(const Period&, const Period&) = default;
};

// The next lower multiple of unit (also before the epoch).
constexpr Timestamp floor_to(Timestamp time, Timestamp unit) {
  const Timestamp rest = time % unit;
  if (rest >= 0) return time - rest;
  const Timestamp down = rest + unit;
  constexpr Timestamp least = std::numeric_limits<Timestamp>::min();
  return time < least + down ? least : time - down;
}

// "2013-01-31", "2013-01-31 08:00", "2013-01", "2013", ISO 8601 with 'T', fraction of up to nine digits and offset
// ("Z", "+0200", "+02:00"). Without an offset, the time is in zone: "UTC", "+08:00" or an IANA name.
// Where clocks are put back, a time that they show twice is the first; one that they skip is as much later as they are
// put forward.
Expected<Timestamp> parse_time(std::string_view text, std::string_view zone = "UTC");
// What a zone's clocks are ahead of UTC at an instant.
Expected<Timestamp> offset_at_utc(Timestamp utc, std::string_view zone);
// "2013-01-31T08:00:00Z", with microseconds only where they are not zero.
std::string format_time(Timestamp time);
// "2013-01-31"
std::string format_day(Timestamp time);
// Days since 1970-01-01 of a civil date in the proleptic Gregorian calendar.
std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day);
// Seconds since the epoch with a fraction, as Zeek writes them: exact to the microsecond, without floating point.
Expected<Timestamp> parse_epoch(std::string_view text);

Timestamp now();

}  // namespace tocsin
