#include "publish/words_en.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "publish/calendar.h"
#include "publish/words.h"

namespace tocsin::publish::in_english {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};

std::string_view month_of(const Day& day) { return kMonths.at(static_cast<std::size_t>(day.month - 1)); }
std::string text_of(const Day& day) { return fmt::format("{} {} {}", day.day, month_of(day), day.year); }
std::string minute_text(Timestamp local) { return fmt::format("{} {}", text_of(day_of(local)), clock_text(local)); }

// The words of a period, and whether they are one span of the calendar ("in ..."), one day ("on ...") or two ends.
struct Ends {
  enum class Sort { kAll, kIn, kOn, kBetween, kSince, kUntil } sort = Sort::kAll;
  std::string first, last;
};

Ends ends_of(const Period& period, const std::string& zone) {
  using enum Ends::Sort;
  if (!has_start(period) && !has_end(period)) return {};
  const std::string suffix = is_utc(zone) ? "" : fmt::format(" ({} time)", printable(zone, 40));
  const auto text = [&](Timestamp utc) {
    const Timestamp local = local_time(utc, zone);
    return (is_midnight(local) ? text_of(day_of(local)) : minute_text(local)) + suffix;
  };
  if (!has_end(period)) return {kSince, text(period.from), ""};
  if (!has_start(period)) return {kUntil, "", text(period.to)};
  const Span span = span_of(period, zone);
  const Day& a = span.first;
  const Day& b = span.last;
  switch (span.sort) {
    case Span::Sort::kInstants: {
      const bool one_day = floor_to(span.from, kDay) == floor_to(span.to, kDay);
      return {kBetween, minute_text(span.from),
              (one_day ? clock_text(span.to) : minute_text(span.to)) + (suffix.empty() ? " UTC" : suffix)};
    }
    case Span::Sort::kYear:
      return {kIn, std::to_string(a.year) + suffix, ""};
    case Span::Sort::kMonth:
      return {kIn, fmt::format("{} {}{}", month_of(a), a.year, suffix), ""};
    case Span::Sort::kMonths:
      if (a.year == b.year && b.month == a.month + 1) {
        return {kIn, fmt::format("{} and {} {}{}", month_of(a), month_of(b), a.year, suffix), ""};
      }
      return {kBetween, a.year == b.year ? std::string(month_of(a)) : fmt::format("{} {}", month_of(a), a.year),
              fmt::format("{} {}{}", month_of(b), b.year, suffix)};
    case Span::Sort::kDay:
      return {kOn, text_of(a) + suffix, ""};
    case Span::Sort::kDays:
      break;
  }
  if (a.year == b.year && a.month == b.month) return {kBetween, std::to_string(a.day), text_of(b) + suffix};
  if (a.year == b.year) return {kBetween, fmt::format("{} {}", a.day, month_of(a)), text_of(b) + suffix};
  return {kBetween, text_of(a), text_of(b) + suffix};
}

// "1.287" of 1,287,000 and 6: as many digits as stand at most in three decimals.
std::string in_units(double value, double unit) {
  std::string text = fmt::format("{:.3f}", value / unit);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

std::string count(double value) {
  if (value >= 999'999'500'000) return with_thousands(static_cast<std::int64_t>(value));
  if (value >= 999'999'500) return in_units(value, 1e9) + " billion";
  if (value >= 1'000'000) return in_units(value, 1e6) + " million";
  return with_thousands(static_cast<std::int64_t>(value));
}

std::string change(double value, double previous, const FigureDefinition& figure) {
  const std::string from = value_in_text(previous, figure, english());
  if (value == previous) return fmt::format("Unchanged from {} in the period before", from);
  if (previous <= 0) return "Up from none in the period before";
  const char* way = value > previous ? "Up" : "Down";
  if (figure.unit == "%") {
    const std::string points = number_text(std::round(std::abs(value - previous) * 10) / 10, english());
    return fmt::format("{} {} percentage {} from {} in the period before", way, points,
                       points == "1" ? "point" : "points", from);
  }
  if (value >= 3 * previous) {
    const std::string times = number_text(std::round(value / previous * 10) / 10, english());
    return fmt::format("{} times the {} of the period before", times, from);
  }
  if (previous < 20) return fmt::format("{} from {} in the period before", way, from);
  return fmt::format("{} {} from {} in the period before", way,
                     share_text(std::abs(value - previous) / previous, english()), from);
}

std::string in_period(const Period& period, const std::string& zone) {
  const Ends ends = ends_of(period, zone);
  switch (ends.sort) {
    case Ends::Sort::kIn:
      return "in " + ends.first;
    case Ends::Sort::kOn:
      return "on " + ends.first;
    case Ends::Sort::kBetween:
      return fmt::format("between {} and {}", ends.first, ends.last);
    case Ends::Sort::kSince:
      return "since " + ends.first;
    case Ends::Sort::kUntil:
      return "before " + ends.last;
    case Ends::Sort::kAll:
      break;
  }
  return "in all that was read";
}

std::string period_title(const Period& period, const std::string& zone) {
  const Ends ends = ends_of(period, zone);
  switch (ends.sort) {
    case Ends::Sort::kIn:
    case Ends::Sort::kOn:
      return ends.first;
    case Ends::Sort::kBetween:
      // An en dash joins single words closely, longer ends with spaces (13–14 February; 30 January – 2 February).
      return ends.first + (ends.first.find(' ') == std::string::npos ? "–" : " – ") + ends.last;
    case Ends::Sort::kSince:
    case Ends::Sort::kUntil:
    case Ends::Sort::kAll:
      break;
  }
  const std::string text = in_period(period, zone);
  return ends.sort == Ends::Sort::kAll ? text.substr(3) : text;
}

std::string short_day(std::string_view text) {
  const auto day = day_of(text);
  return day ? fmt::format("{} {}", day->day, month_of(*day).substr(0, 3)) : printable(text, 20);
}

std::string unit(std::string_view unit, double value) {
  if (unit == "%") return "";
  if (value != 1) return printable(unit, 60);
  if (unit.ends_with("ies")) return printable(unit.substr(0, unit.size() - 3), 60) + "y";
  return printable(unit.ends_with("s") ? unit.substr(0, unit.size() - 1) : unit, 60);
}

std::string unit_heading(std::string_view unit) {
  if (unit.empty()) return "Number";
  if (unit == "%") return "Share";
  std::string heading = printable(unit, 60);
  if (heading[0] >= 'a' && heading[0] <= 'z') heading[0] = static_cast<char>(heading[0] - 32);
  return heading;
}

std::string country_in_text(std::string_view code) {
  static constexpr std::array<std::string_view, 23> kWithArticle{"US", "GB", "NL", "AE", "PH", "DO", "CF", "BS",
                                                                 "MV", "SC", "GM", "KM", "MH", "SB", "KY", "VG",
                                                                 "VI", "TC", "FK", "FO", "CK", "IM", "MP"};
  const std::string name = country_name(code, english());
  const auto same = [&](std::string_view with) { return equals_ignoring_case(with, code); };
  return std::ranges::any_of(kWithArticle, same) ? "the " + name : name;
}

std::string lower_first(std::string text) {
  // "IP addresses" and "AS numbers" keep their capitals.
  if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z') {
    text[0] = static_cast<char>(text[0] + 32);
  }
  return text;
}

}  // namespace tocsin::publish::in_english
