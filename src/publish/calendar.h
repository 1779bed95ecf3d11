// Days and periods as a zone's calendar has them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace tocsin::publish {

struct Day {
  int year = 0;
  int month = 1;
  int day = 1;
  friend bool operator==(const Day&, const Day&) = default;
};

// "2024-02-13", and what may follow.
std::optional<Day> day_of(std::string_view text);
Day day_of(Timestamp local);

bool has_start(const Period& period);
bool has_end(const Period& period);
// Has both, in their order.
bool bounded(const Period& period);
// Local time in a zone; UTC if the zone is not known.
Timestamp local_time(Timestamp utc, const std::string& zone);

// A bounded period in local time, by what of the calendar it is.
struct Span {
  enum class Sort {
    kYear,     // the year of first
    kMonth,    // the month of first
    kMonths,   // first's month to last's, whole
    kDay,      // first
    kDays,     // first to last, both included
    kInstants  // from to, which are not midnights
  } sort = Sort::kDays;
  Day first, last;
  Timestamp from = 0, to = 0;
};
Span span_of(const Period& period, const std::string& zone);
bool is_utc(const std::string& zone);
// "09:30"
std::string clock_text(Timestamp local);
bool is_midnight(Timestamp local);
bool begins_day(Timestamp utc, const std::string& zone);

}  // namespace tocsin::publish
