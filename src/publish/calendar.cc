#include "publish/calendar.h"

namespace tocsin::publish {
namespace {

constexpr Timestamp kYear1 = -62'135'596'800 * kSecond;
constexpr Timestamp kYear9999 = 253'370'764'800 * kSecond;

int digits(std::string_view text) {
  int value = 0;
  for (const char c : text) value = c >= '0' && c <= '9' ? value * 10 + (c - '0') : value;
  return value;
}

}  // namespace

std::optional<Day> day_of(std::string_view text) {
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const Day day{digits(text.substr(0, 4)), digits(text.substr(5, 2)), digits(text.substr(8, 2))};
  if (day.month < 1 || day.month > 12) return std::nullopt;
  return day;
}

Day day_of(Timestamp local) { return day_of(std::string_view(format_day(local))).value_or(Day{}); }

bool has_start(const Period& period) { return period.from > kYear1 && period.from < kYear9999; }
bool has_end(const Period& period) { return period.to > kYear1 && period.to < kYear9999; }
bool bounded(const Period& period) { return has_start(period) && has_end(period) && period.from < period.to; }

Timestamp local_time(Timestamp utc, const std::string& zone) {
  if (utc <= kYear1 || utc >= kYear9999) return utc;
  return utc + offset_at_utc(utc, zone).value_or(0);
}

bool is_utc(const std::string& zone) { return zone.empty() || zone == "UTC"; }
std::string clock_text(Timestamp local) { return format_time(local).substr(11, 5); }
bool is_midnight(Timestamp local) { return local == floor_to(local, kDay); }

// Clocks may skip midnight, so that a day begins at one.
bool begins_day(Timestamp utc, const std::string& zone) {
  return day_of(local_time(utc - 1, zone)) != day_of(local_time(utc, zone));
}

Span span_of(const Period& period, const std::string& zone) {
  using enum Span::Sort;
  Span span;
  span.from = local_time(period.from, zone);
  span.to = local_time(period.to, zone);
  span.first = day_of(span.from);
  span.last = day_of(local_time(period.to - 1, zone));
  const Day next = day_of(span.to);
  const Day& first = span.first;
  if (!begins_day(period.from, zone) || !begins_day(period.to, zone)) {
    span.sort = kInstants;
  } else if (first.day == 1 && next.day == 1) {
    const bool year = first.month == 1 && next.month == 1 && next.year == first.year + 1;
    const bool month = first.month == span.last.month && first.year == span.last.year;
    span.sort = year ? kYear : month ? kMonth : kMonths;
  } else {
    span.sort = first == span.last ? kDay : kDays;
  }
  return span;
}

}  // namespace tocsin::publish
