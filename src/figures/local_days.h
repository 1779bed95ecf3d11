// Civil days and months of a zone, found by where parse_time says that they begin: another way than calendar.cc's,
// which asks for the offset from UTC.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/expected.h"
#include "base/time.h"

namespace tocsin::figures {

class LocalDays {
 public:
  explicit LocalDays(std::string zone) : zone_(std::move(zone)) {}
  // An error if there is no such zone.
  Expected<void> check() const;
  // The day that a time is in, in days since 1970-01-01. Times are mostly near to the one before.
  std::int64_t day_of(Timestamp time);
  // The month of that day, since year 0.
  std::int64_t month_at(Timestamp time);
  // The time that a clock on the wall shows, as if it were UTC.
  Timestamp wall_time_of(Timestamp time);
  // When a month begins.
  Timestamp month_begin(std::int64_t month);
  double months_in(const Period& period);
  Period period_before(const Period& period);

  static std::int64_t month_of(std::int64_t day);
  static std::int64_t first_day_of(std::int64_t month);

 private:
  Timestamp begin_of(std::int64_t day);

  std::string zone_;
  std::map<std::int64_t, Timestamp> begins_;
  std::int64_t day_ = 0, month_ = -1;  // -1: not asked yet
  Period last_{0, 0};                  // of day_
};

}  // namespace tocsin::figures
