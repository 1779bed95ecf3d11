#include "figures/local_days.h"

#include <algorithm>
#include <cstdlib>

namespace tocsin::figures {
namespace {

// Beyond these, in days, a year has other than four digits.
constexpr std::int64_t kFirstDay = -719'162;  // 0001-01-01
constexpr std::int64_t kLastDay = 2'932'895;  // 9999-12-30
constexpr std::size_t kMostDays = 100'000;

}  // namespace

Expected<void> LocalDays::check() const {
  const auto some = parse_time("2000-01-01", zone_);
  if (!some) return std::unexpected(some.error());
  return {};
}

// The first instant of a day. Where clocks go back over midnight, midnight comes twice and parse_time gives the later;
// the end of the day before then tells the earlier. Where a day or its midnight is left out, midnight is the earlier.
Timestamp LocalDays::begin_of(std::int64_t day) {
  day = std::clamp(day, kFirstDay, kLastDay);
  if (const auto known = begins_.find(day); known != begins_.end()) return known->second;
  const auto midnight = parse_time(format_day(day * kDay), zone_);
  const auto before = parse_time(format_day(day * kDay - 1) + " 23:59:59.999999", zone_);
  Timestamp begin = midnight ? *midnight : day * kDay;
  if (before) begin = std::min(begin, *before + 1);
  if (begins_.size() >= kMostDays) begins_.clear();
  begins_.emplace(day, begin);
  return begin;
}

std::int64_t LocalDays::day_of(Timestamp time) {
  if (last_.contains(time)) return day_;
  // No zone is two days off.
  const std::int64_t about = floor_to(time, kDay) / kDay;
  day_ = about;
  month_ = -1;
  for (std::int64_t day = about + 2; day >= about - 2; --day) {
    if (begin_of(day) <= time) {
      day_ = day;
      break;
    }
  }
  last_ = {begin_of(day_), begin_of(day_ + 1)};
  return day_;
}

std::int64_t LocalDays::month_at(Timestamp time) {
  const std::int64_t day = day_of(time);
  if (month_ < 0) month_ = month_of(day);
  return month_;
}

Timestamp LocalDays::wall_time_of(Timestamp time) {
  const std::int64_t day = day_of(time);
  // A day has the offset that it begins with or the one that it ends with.
  const Timestamp first = day * kDay - begin_of(day);
  const Timestamp last = (day + 1) * kDay - begin_of(day + 1);
  std::string text = format_time(time + first);
  text.pop_back();
  const auto back = parse_time(text, zone_);
  return time + (!back || *back == time ? first : last);
}

std::int64_t LocalDays::month_of(std::int64_t day) {
  const std::string text = format_day(day * kDay);
  return std::strtoll(text.substr(0, 4).c_str(), nullptr, 10) * 12 +
         std::strtoll(text.substr(5, 2).c_str(), nullptr, 10) - 1;
}

std::int64_t LocalDays::first_day_of(std::int64_t month) {
  return days_from_civil(month / 12, static_cast<unsigned>(month % 12 + 1), 1);
}

Timestamp LocalDays::month_begin(std::int64_t month) { return begin_of(first_day_of(month)); }

double LocalDays::months_in(const Period& period) {
  const auto position = [&](Timestamp time) {  // in months since year 0
    const Timestamp wall = wall_time_of(time);
    const std::int64_t month = month_of(floor_to(wall, kDay) / kDay);
    const Timestamp begin = first_day_of(month) * kDay;
    const Timestamp end = first_day_of(month + 1) * kDay;
    return static_cast<double>(month) + static_cast<double>(wall - begin) / static_cast<double>(end - begin);
  };
  return position(period.to) - position(period.from);
}

Period LocalDays::period_before(const Period& period) {
  const std::int64_t first = month_of(day_of(period.from));
  const std::int64_t last = month_of(day_of(period.to));
  const std::int64_t before = first - (last - first);
  if (last > first && before > 12 && month_begin(first) == period.from && month_begin(last) == period.to) {
    return {month_begin(before), period.from};
  }
  return {period.from - (period.to - period.from), period.from};
}

}  // namespace tocsin::figures
