// Days, weeks and months of a zone. DuckDB's own zones need its ICU extension, which is not part of the library that
// Tocsin carries, and ClickHouse spells them otherwise. So the offsets of a zone over a period are found here,
// and the SQL only ever adds constant offsets between constant times.
#include <fmt/format.h>

#include "figures/plan.h"

namespace tocsin::figures {
namespace {

constexpr Timestamp kYear1 = -62'135'596'800 * kSecond;
constexpr Timestamp kYear9999 = 253'370'764'800 * kSecond;

bool fixed(const std::string& zone) { return zone.empty() || zone == "UTC" || zone[0] == '+' || zone[0] == '-'; }

// Months since year 0 of a local time.
std::int64_t month_of(Timestamp local) {
  const std::string day = format_day(local);
  return std::stoll(day.substr(0, 4)) * 12 + std::stoll(day.substr(5, 2)) - 1;
}

Timestamp month_start(std::int64_t month) {
  return days_from_civil(month / 12, static_cast<unsigned>(month % 12 + 1), 1) * kDay;
}

Expected<Timestamp> utc_of(Timestamp local, const std::string& zone) {
  std::string text = format_time(local);
  text.pop_back();
  return parse_time(text, zone);
}

}  // namespace

bool has_start(const Period& period) { return period.from > kYear1 && period.from < kYear9999; }
bool has_end(const Period& period) { return period.to > kYear1 && period.to < kYear9999; }

Expected<std::vector<std::pair<Timestamp, Timestamp>>> offsets_over(const Period& period, const std::string& zone) {
  const auto first = offset_at_utc(has_start(period) ? period.from : 0, zone);
  if (!first) return std::unexpected(first.error());
  std::vector<std::pair<Timestamp, Timestamp>> offsets{{period.from, *first}};
  if (fixed(zone)) return offsets;
  // Steps of a week, well below the shortest time that a zone keeps an offset (the month of Ramadan in Morocco).
  for (Timestamp at = period.from; at < period.to;) {
    const Timestamp next = std::min(at + 7 * kDay, period.to);
    const auto offset = offset_at_utc(next, zone);
    if (!offset) return std::unexpected(offset.error());
    if (*offset != offsets.back().second) {
      Timestamp low = floor_to(at, kMinute);
      Timestamp high = floor_to(next, kMinute) + kMinute;
      while (high - low > kMinute) {
        const Timestamp middle = floor_to(low + (high - low) / 2, kMinute);
        const auto there = offset_at_utc(middle, zone);
        if (!there) return std::unexpected(there.error());
        (*there == offsets.back().second ? low : high) = middle;
      }
      offsets.emplace_back(high, *offset);
    }
    at = next;
  }
  return offsets;
}

Expected<double> months_in(const Period& period, const std::string& zone) {
  const auto before = offset_at_utc(period.from, zone);
  const auto after = offset_at_utc(period.to, zone);
  if (!before) return std::unexpected(before.error());
  if (!after) return std::unexpected(after.error());
  const Timestamp from = period.from + *before;
  const Timestamp to = period.to + *after;
  const auto part = [](Timestamp local) {  // months since year 0, with the fraction
    const std::int64_t month = month_of(local);
    const Timestamp start = month_start(month);
    return static_cast<double>(month) +
           static_cast<double>(local - start) / static_cast<double>(month_start(month + 1) - start);
  };
  return part(to) - part(from);
}

Expected<Period> period_before(const Period& period, const std::string& zone) {
  const auto before = offset_at_utc(period.from, zone);
  const auto after = offset_at_utc(period.to, zone);
  if (!before) return std::unexpected(before.error());
  if (!after) return std::unexpected(after.error());
  const std::int64_t first = month_of(period.from + *before);
  const std::int64_t last = month_of(period.to + *after);
  if (month_start(first) == period.from + *before && month_start(last) == period.to + *after && last > first &&
      2 * first - last > 12) {
    const auto from = utc_of(month_start(2 * first - last), zone);
    if (!from) return std::unexpected(from.error());
    return Period{*from, period.from};
  }
  return Period{period.from - (period.to - period.from), period.from};
}

}  // namespace tocsin::figures
