#include "base/time.h"

#include <fmt/format.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

#include <chrono>
#include <optional>

namespace tocsin {
namespace {

// Reads digits from the front of text; nothing if there are none or more than `most`.
std::optional<std::int64_t> take_number(std::string_view& text, std::size_t least, std::size_t most) {
  std::size_t size = 0;
  std::int64_t value = 0;
  while (size < text.size() && size < most && text[size] >= '0' && text[size] <= '9') {
    value = value * 10 + (text[size++] - '0');
  }
  if (size < least) return std::nullopt;
  text.remove_prefix(size);
  return value;
}

bool take(std::string_view& text, char symbol) {
  if (text.empty() || text.front() != symbol) return false;
  text.remove_prefix(1);
  return true;
}

std::int64_t take_fraction(std::string_view& text) {
  std::int64_t micros = 0;
  std::int64_t unit = 100'000;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    micros += (text.front() - '0') * unit;
    unit /= 10;
    text.remove_prefix(1);
  }
  return micros;
}

std::optional<Timestamp> take_offset(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z')) return 0;
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  const Timestamp sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  const auto hours = take_number(text, 2, 2);
  take(text, ':');
  const auto minutes = take_number(text, 2, 2);
  if (!hours || *hours > 18) return std::nullopt;
  return sign * (*hours * kHour + minutes.value_or(0) * kMinute);
}

// UTC and zones like "+08:00".
std::optional<Timestamp> fixed_offset(std::string_view zone) {
  if (zone == "UTC" || zone.empty()) return 0;
  std::string_view rest = zone;
  const auto offset = take_offset(rest);
  return rest.empty() ? offset : std::nullopt;
}

// The clocks of an IANA zone.
class ZoneClock {
 public:
  explicit ZoneClock(std::string_view zone) {
    if (zone.size() > 64) return;
    UChar name[65];
    u_charsToUChars(zone.data(), name, static_cast<std::int32_t>(zone.size()));
    name[zone.size()] = 0;
    UErrorCode status = U_ZERO_ERROR;
    UChar canonical[65];
    ucal_getCanonicalTimeZoneID(name, static_cast<std::int32_t>(zone.size()), canonical, 64, nullptr, &status);
    if (U_FAILURE(status)) return;
    calendar_ = ucal_open(name, static_cast<std::int32_t>(zone.size()), "en", UCAL_GREGORIAN, &status);
  }
  ZoneClock(const ZoneClock&) = delete;
  ZoneClock& operator=(const ZoneClock&) = delete;
  ~ZoneClock() {
    if (calendar_ != nullptr) ucal_close(calendar_);
  }

  std::optional<Timestamp> offset_at(Timestamp utc) const {
    if (calendar_ == nullptr) return std::nullopt;
    UErrorCode status = U_ZERO_ERROR;
    ucal_setMillis(calendar_, static_cast<double>(floor_to(utc, 1000) / 1000), &status);
    const Timestamp millis = ucal_get(calendar_, UCAL_ZONE_OFFSET, &status) +
                             static_cast<Timestamp>(ucal_get(calendar_, UCAL_DST_OFFSET, &status));
    if (U_FAILURE(status)) return std::nullopt;
    return millis * 1000;
  }

  // The offset of a local time: no zone is a day away from UTC, so a day before and after lie on either side of a
  // change close by.
  std::optional<Timestamp> offset_of_local(Timestamp local) const {
    const auto before = offset_at(local - kDay);
    const auto after = offset_at(local + kDay);
    if (!before || !after || *before == *after) return before;
    if (offset_at(local - *before) == before) return before;  // also of a time that is shown twice: the first
    if (offset_at(local - *after) == after) return after;
    return before;  // skipped: as much later as the clocks were put forward
  }

 private:
  UCalendar* calendar_ = nullptr;
};

// The offset of local time `local` (microseconds as if UTC).
std::optional<Timestamp> offset_of_local(std::string_view zone, Timestamp local) {
  if (const auto fixed = fixed_offset(zone)) return fixed;
  return ZoneClock(zone).offset_of_local(local);
}

std::unexpected<Error> no_zone(std::string_view zone) {
  return failure(fmt::format("'{}' is not a time zone: give UTC, +08:00 or a name like Asia/Shanghai", zone));
}

}  // namespace

std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) {
  // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
  year -= month <= 2;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month + (month > 2 ? -3U : 9U)) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + static_cast<std::int64_t>(day_of_era) - 719468;
}

Expected<Timestamp> parse_time(std::string_view text, std::string_view zone) {
  const auto bad = [whole = std::string(text)] {
    return failure(fmt::format("'{}' is not a time: give it as 2013-01-31 or 2013-01-31T08:00:00Z", whole));
  };
  std::string_view rest = text;
  std::int64_t month = 1, day = 1, hour = 0, minute = 0, second = 0, micros = 0;
  const auto year = take_number(rest, 4, 4);
  if (!year) return bad();
  const auto part = [&rest](std::int64_t& into, std::int64_t least, std::int64_t most) {
    const auto value = take_number(rest, 2, 2);
    if (value) into = *value;
    return value && into >= least && into <= most;
  };
  std::optional<Timestamp> offset;
  if (take(rest, '-') || take(rest, '/')) {
    if (!part(month, 1, 12)) return bad();
    if (take(rest, '-') || take(rest, '/')) {
      if (!part(day, 1, 31)) return bad();
      if (take(rest, 'T') || take(rest, 't') || take(rest, ' ')) {
        if (!part(hour, 0, 24) || !take(rest, ':') || !part(minute, 0, 59)) return bad();
        if (take(rest, ':')) {
          if (!part(second, 0, 60)) return bad();
          if (take(rest, '.')) micros = take_fraction(rest);
        }
      }
      offset = take_offset(rest);
    }
  }
  if (!rest.empty()) return bad();
  const auto days = days_from_civil(*year, static_cast<unsigned>(month), static_cast<unsigned>(day));
  const std::int64_t next_year = month == 12 ? *year + 1 : *year;
  const std::int64_t month_end = days_from_civil(next_year, month == 12 ? 1U : static_cast<unsigned>(month + 1), 1);
  if (days >= month_end) return bad();
  const Timestamp local = days * kDay + hour * kHour + minute * kMinute + second * kSecond + micros;
  if (!offset) offset = offset_of_local(zone, local);
  if (!offset) return no_zone(zone);
  return local - *offset;
}

Expected<Timestamp> offset_at_utc(Timestamp utc, std::string_view zone) {
  if (const auto fixed = fixed_offset(zone)) return *fixed;
  const auto offset = ZoneClock(zone).offset_at(utc);
  if (!offset) return no_zone(zone);
  return *offset;
}

std::string format_day(Timestamp time) {
  const std::chrono::sys_days day{std::chrono::days{floor_to(time, kDay) / kDay}};
  const std::chrono::year_month_day date{day};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::string format_time(Timestamp time) {
  const Timestamp in_day = time - floor_to(time, kDay);
  std::string text = fmt::format("{}T{:02}:{:02}:{:02}", format_day(time), in_day / kHour, in_day / kMinute % 60,
                                 in_day / kSecond % 60);
  if (in_day % kSecond != 0) text += fmt::format(".{:06}", in_day % kSecond);
  return text + "Z";
}

Expected<Timestamp> parse_epoch(std::string_view text) {
  std::string_view rest = text;
  const bool negative = take(rest, '-');
  const auto seconds = take_number(rest, 1, 12);
  const std::int64_t micros = seconds && take(rest, '.') ? take_fraction(rest) : 0;
  if (!seconds || !rest.empty()) return failure(fmt::format("'{}' is not a time in seconds since 1970", text));
  const Timestamp time = *seconds * kSecond + micros;
  return negative ? -time : time;
}

Timestamp now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace tocsin
