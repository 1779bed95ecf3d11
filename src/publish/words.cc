#include "publish/words.h"

#include <fmt/format.h>
#include <unicode/uloc.h>
#include <unicode/uregion.h>
#include <unicode/ustring.h>

#include <array>
#include <cmath>
#include <map>

#include "base/country_code.h"
#include "base/country_name.h"
#include "base/text.h"

namespace tocsin::publish {
namespace {

constexpr Timestamp kYear1 = -62'135'596'800 * kSecond;
constexpr Timestamp kYear9999 = 253'370'764'800 * kSecond;

constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};

struct Day {
  int year = 0;
  int month = 1;
  int day = 1;
  friend bool operator==(const Day&, const Day&) = default;
  std::string_view month_name() const { return kMonths.at(static_cast<std::size_t>(month - 1)); }
  std::string text() const { return fmt::format("{} {} {}", day, month_name(), year); }
};

int digits(std::string_view text) {
  int value = 0;
  for (const char c : text) value = c >= '0' && c <= '9' ? value * 10 + (c - '0') : value;
  return value;
}

std::optional<Day> day_of(std::string_view text) {
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const Day day{digits(text.substr(0, 4)), digits(text.substr(5, 2)), digits(text.substr(8, 2))};
  if (day.month < 1 || day.month > 12) return std::nullopt;
  return day;
}

Day day_of(Timestamp local) { return day_of(std::string_view(format_day(local))).value_or(Day{}); }

std::string minute_text(Timestamp local) {
  return fmt::format("{} {}", day_of(local).text(), format_time(local).substr(11, 5));
}

// The words of a period, and whether they are one span of the calendar ("in ..."), one day ("on ...") or two ends.
struct Span {
  enum class Sort { kAll, kIn, kOn, kBetween, kSince, kUntil } sort = Sort::kAll;
  std::string first, last;
};

Span span_of(const Period& period, const std::string& zone) {
  using enum Span::Sort;
  if (!has_start(period) && !has_end(period)) return {};
  const std::string suffix = zone.empty() || zone == "UTC" ? "" : fmt::format(" ({} time)", printable(zone, 40));
  const auto text = [&](Timestamp local) {
    return local == floor_to(local, kDay) ? day_of(local).text() : minute_text(local);
  };
  if (!has_end(period)) return {kSince, text(local_time(period.from, zone)) + suffix, ""};
  if (!has_start(period)) return {kUntil, "", text(local_time(period.to, zone)) + suffix};
  const Timestamp from = local_time(period.from, zone);
  const Timestamp to = local_time(period.to, zone);
  if (from != floor_to(from, kDay) || to != floor_to(to, kDay)) {
    const std::string last =
        floor_to(from, kDay) == floor_to(to, kDay) ? format_time(to).substr(11, 5) : minute_text(to);
    return {kBetween, minute_text(from), last + (suffix.empty() ? " UTC" : suffix)};
  }
  const Day a = day_of(from);
  const Day b = day_of(to - 1);
  const Day next = day_of(to);
  if (a.day == 1 && next.day == 1) {
    if (a.month == 1 && next.month == 1 && next.year == a.year + 1) return {kIn, std::to_string(a.year) + suffix, ""};
    if (a.year == b.year && b.month == a.month + 1) {
      return {kIn, fmt::format("{} and {} {}{}", a.month_name(), b.month_name(), a.year, suffix), ""};
    }
    if (a.month == b.month && a.year == b.year)
      return {kIn, fmt::format("{} {}{}", a.month_name(), a.year, suffix), ""};
    return {kBetween, a.year == b.year ? std::string(a.month_name()) : fmt::format("{} {}", a.month_name(), a.year),
            fmt::format("{} {}{}", b.month_name(), b.year, suffix)};
  }
  if (a == b) return {kOn, a.text() + suffix, ""};
  if (a.year == b.year && a.month == b.month) return {kBetween, std::to_string(a.day), b.text() + suffix};
  if (a.year == b.year) return {kBetween, fmt::format("{} {}", a.day, a.month_name()), b.text() + suffix};
  return {kBetween, a.text(), b.text() + suffix};
}

}  // namespace

std::string number_text(double value) {
  if (!std::isfinite(value)) return "not a number";
  if (std::abs(value) >= 9e15) return fmt::format("{:.3g}", value);
  if (value == std::floor(value)) return with_thousands(static_cast<std::int64_t>(value));
  const auto tenths = static_cast<std::int64_t>(std::llround(value * 10));
  if (tenths == 0) return value < 0 ? "over -0.1" : "under 0.1";
  const std::string whole = with_thousands(tenths / 10);
  return tenths % 10 == 0 ? whole
                          : fmt::format("{}{}.{}", tenths < 0 && tenths > -10 ? "-" : "", whole, std::abs(tenths % 10));
}

std::string value_text(double value, const FigureDefinition& figure) {
  return number_text(value) + (figure.unit == "%" ? "%" : "");
}

std::string share_text(double share) {
  if (!(share > 0)) return "0%";
  if (share < 0.0005) return "under 0.1%";
  if (share < 1 && share >= 0.9995) return "over 99.9%";
  return number_text(std::round(share * 1000) / 10) + "%";
}

std::string share_cell(double share) {
  std::string text = share_text(share);
  if (text.find('.') == std::string::npos && share > 0 && share < 1) text.insert(text.size() - 1, ".0");
  return text;
}

std::string change_text(double value, std::optional<double> previous, const FigureDefinition& figure) {
  if (!previous) return "";
  const double before = *previous;
  const std::string from = value_text(before, figure);
  if (value == before) return fmt::format("Unchanged from {} in the period before", from);
  if (before <= 0) return "Up from none in the period before";
  const char* way = value > before ? "Up" : "Down";
  if (figure.unit == "%") {
    const std::string points = number_text(std::round(std::abs(value - before) * 10) / 10);
    return fmt::format("{} {} percentage {} from {} in the period before", way, points,
                       points == "1" ? "point" : "points", from);
  }
  if (value >= 3 * before)
    return fmt::format("{} times the {} of the period before", number_text(std::round(value / before * 10) / 10), from);
  if (before < 20) return fmt::format("{} from {} in the period before", way, from);
  return fmt::format("{} {} from {} in the period before", way, share_text(std::abs(value - before) / before), from);
}

std::string country_name(std::string_view code) {
  const auto country = CountryCode::parse(code);
  return country ? tocsin::country_name(*country, "en") : printable(code, 120);
}

std::string country_in_text(std::string_view code) {
  static constexpr std::array<std::string_view, 23> kWithArticle{"US", "GB", "NL", "AE", "PH", "DO", "CF", "BS",
                                                                 "MV", "SC", "GM", "KM", "MH", "SB", "KY", "VG",
                                                                 "VI", "TC", "FK", "FO", "CK", "IM", "MP"};
  const std::string name = country_name(code);
  for (const std::string_view with : kWithArticle) {
    if (equals_ignoring_case(with, code)) return "the " + name;
  }
  return name;
}

std::string country_of_numeric(int numeric) {
  UErrorCode status = U_ZERO_ERROR;
  const URegion* region = uregion_getRegionFromNumericCode(numeric, &status);
  if (U_FAILURE(status) || !region || uregion_getType(region) != URGN_TERRITORY) return "";
  const char* code = uregion_getRegionCode(region);
  return code && CountryCode::parse(code) ? code : "";
}

std::string country_of_name(std::string_view name) {
  for (const char* const* code = uloc_getISOCountries(); *code; ++code) {
    if (equals_ignoring_case(name, *code) || equals_ignoring_case(name, country_name(*code))) return *code;
  }
  return "";
}

std::string constituency_text(const std::string& constituency) {
  if (constituency.empty()) return "the constituency";
  if (constituency.size() == 2 && CountryCode::parse(constituency)) return country_in_text(constituency);
  return printable(constituency, 200);
}

std::string singular(std::string_view unit) {
  if (unit.ends_with("ies")) return printable(unit.substr(0, unit.size() - 3), 60) + "y";
  return printable(unit.ends_with("s") ? unit.substr(0, unit.size() - 1) : unit, 60);
}

bool is_country(std::string_view dimension) { return dimension == "actor-country" || dimension == "target-country"; }

std::string dimension_title(std::string_view dimension) {
  static const std::map<std::string_view, std::string_view> titles{{"actor-country", "Country of origin"},
                                                                   {"target-country", "Country of the target"},
                                                                   {"actor-network", "Network of origin"},
                                                                   {"target-network", "Network of the target"},
                                                                   {"target-sector", "Sector"},
                                                                   {"target-organisation", "Organisation"},
                                                                   {"family", "Malware family"},
                                                                   {"group", "Group"},
                                                                   {"rule", "Rule"},
                                                                   {"cve", "Vulnerability"},
                                                                   {"actor-port", "Port of origin"},
                                                                   {"target-port", "Port"},
                                                                   {"actor", "Address of origin"},
                                                                   {"target", "Target"},
                                                                   {"actor-name", "Name of origin"},
                                                                   {"target-name", "Name of the target"},
                                                                   {"kind", "Kind"},
                                                                   {"detector", "Detector"},
                                                                   {"confidence", "Confidence"},
                                                                   {"day", "Day"},
                                                                   {"week", "Week from"},
                                                                   {"month", "Month"},
                                                                   {"source", "Source"},
                                                                   {"tlp", "TLP"}};
  const auto found = titles.find(dimension);
  return found == titles.end() ? printable(dimension, 60) : std::string(found->second);
}

std::string key_text(std::string_view dimension, const std::string& key) {
  if (key.empty()) return "not known";
  return is_country(dimension) ? country_name(key) : printable(key, 120);
}

std::string key_text(const FigureResult& figure, const FigureRow& row) {
  std::string text;
  for (std::size_t i = 0; i < row.key.size(); ++i) {
    if (i) text += ", ";
    text += key_text(i < figure.request.by.size() ? figure.request.by[i] : "", row.key[i]);
  }
  return text;
}

bool has_start(const Period& period) { return period.from > kYear1 && period.from < kYear9999; }
bool has_end(const Period& period) { return period.to > kYear1 && period.to < kYear9999; }
bool bounded(const Period& period) { return has_start(period) && has_end(period) && period.from < period.to; }

Timestamp local_time(Timestamp utc, const std::string& zone) {
  if (zone.empty() || zone == "UTC" || utc <= kYear1 || utc >= kYear9999) return utc;
  Timestamp offset = 0;
  for (int pass = 0; pass < 2; ++pass) {  // the first guess may stand on the wrong side of a change of the clocks
    std::string text = format_time(utc + offset);
    text.pop_back();
    const auto back = parse_time(text, zone);
    if (!back) return utc;
    offset = utc + offset - *back;
  }
  return utc + offset;
}

std::string period_in_text(const Period& period, const std::string& zone) {
  const Span span = span_of(period, zone);
  switch (span.sort) {
    case Span::Sort::kIn:
      return "in " + span.first;
    case Span::Sort::kOn:
      return "on " + span.first;
    case Span::Sort::kBetween:
      return fmt::format("between {} and {}", span.first, span.last);
    case Span::Sort::kSince:
      return "since " + span.first;
    case Span::Sort::kUntil:
      return "before " + span.last;
    case Span::Sort::kAll:
      break;
  }
  return "in all that was read";
}

std::string period_title(const Period& period, const std::string& zone) {
  const Span span = span_of(period, zone);
  switch (span.sort) {
    case Span::Sort::kIn:
    case Span::Sort::kOn:
      return span.first;
    case Span::Sort::kBetween:
      // An en dash joins single words closely, longer ends with spaces (13–14 February; 30 January – 2 February).
      return span.first + (span.first.find(' ') == std::string::npos ? "–" : " – ") + span.last;
    case Span::Sort::kSince:
      return "since " + span.first;
    case Span::Sort::kUntil:
      return "before " + span.last;
    case Span::Sort::kAll:
      break;
  }
  return "all that was read";
}

std::string short_day(std::string_view text) {
  const auto day = day_of(text);
  return day ? fmt::format("{} {}", day->day, day->month_name().substr(0, 3)) : printable(text, 20);
}

}  // namespace tocsin::publish
