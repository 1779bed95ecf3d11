#include "publish/words_zh.h"

#include <fmt/format.h>

#include <cmath>

#include "base/text.h"
#include "publish/calendar.h"
#include "publish/words.h"

namespace tocsin::publish::in_chinese {
namespace {

std::string text_of(const Day& day) { return fmt::format("{}年{}月{}日", day.year, day.month, day.day); }
std::string minute_text(Timestamp local) { return text_of(day_of(local)) + clock_text(local); }

// A day that follows another: without what both have.
std::string text_after(const Day& first, const Day& day) {
  if (first.year != day.year) return text_of(day);
  return first.month == day.month ? fmt::format("{}日", day.day) : fmt::format("{}月{}日", day.month, day.day);
}

std::string zone_text(const std::string& zone) {
  return zone == "Asia/Shanghai" ? "（北京时间）" : fmt::format("（{}）", printable(is_utc(zone) ? "UTC" : zone, 40));
}

std::string decimals(double value, int most) {
  std::string text = fmt::format("{:.{}f}", value, most);
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

// 万 is ten thousand, 亿 a hundred million; about four digits are told.
std::string count(double value) {
  if (value >= 99'995'000) return decimals(value / 1e8, 2) + "亿";
  if (value >= 1'000'000) return decimals(value / 1e4, 1) + "万";
  if (value >= 10'000) return decimals(value / 1e4, 2) + "万";
  return fmt::format("{}", static_cast<std::int64_t>(value));
}

std::string change(double value, double previous, const FigureDefinition& figure) {
  const std::string from = value_in_text(previous, figure, chinese());
  if (value == previous) return fmt::format("与上期（{}）持平", from);
  if (previous <= 0) return "上期为0";
  const bool up = value > previous;
  if (figure.unit == "%") {
    return fmt::format("较上期（{}）{}{}个百分点", from, up ? "上升" : "下降",
                       number_text(std::round(std::abs(value - previous) * 10) / 10, chinese()));
  }
  if (value >= 3 * previous) {
    return fmt::format("为上期（{}）的{}倍", from, number_text(std::round(value / previous * 10) / 10, chinese()));
  }
  if (previous < 20) return fmt::format("较上期（{}）{}", from, up ? "增加" : "减少");
  return fmt::format("较上期（{}）{}{}", from, up ? "增长" : "下降",
                     share_text(std::abs(value - previous) / previous, chinese()));
}

std::string in_period(const Period& period, const std::string& zone) {
  if (!has_start(period) && !has_end(period)) return "在已读取的全部数据中";
  const std::string suffix = is_utc(zone) ? "" : zone_text(zone);
  const auto text = [&](Timestamp utc) {
    const Timestamp local = local_time(utc, zone);
    return (is_midnight(local) ? text_of(day_of(local)) : minute_text(local)) + suffix;
  };
  if (!has_end(period)) return text(period.from) + "以来";
  if (!has_start(period)) return text(period.to) + "之前";
  const Span span = span_of(period, zone);
  switch (span.sort) {
    case Span::Sort::kInstants: {
      const bool one_day = floor_to(span.from, kDay) == floor_to(span.to, kDay);
      return minute_text(span.from) + "至" + (one_day ? clock_text(span.to) : minute_text(span.to)) + zone_text(zone);
    }
    case Span::Sort::kYear:
      return fmt::format("{}年{}", span.first.year, suffix);
    case Span::Sort::kMonth:
      return fmt::format("{}年{}月{}", span.first.year, span.first.month, suffix);
    case Span::Sort::kDay:
      return text_of(span.first) + suffix;
    case Span::Sort::kMonths:
    case Span::Sort::kDays:
      break;
  }
  return text_of(span.first) + "至" + text_after(span.first, span.last) + suffix;
}

std::string period_title(const Period& period, const std::string& zone) {
  return !has_start(period) && !has_end(period) ? "已读取的全部数据" : in_period(period, zone);
}

std::string short_day(std::string_view text) {
  const auto day = day_of(text);
  return day ? fmt::format("{}月{}日", day->month, day->day) : printable(text, 20);
}

// Measure words.
std::string unit(std::string_view unit, double) {
  if (unit == "%") return "";
  if (unit == "hosts") return "台";
  if (unit == "attempts" || unit == "sightings") return "次";
  return "个";
}

std::string unit_heading(std::string_view name) {
  return name == "%" ? "比例" : name.empty() ? "数量" : "数量（" + unit(name, 0) + "）";
}

std::string country_in_text(std::string_view code) { return country_name(code, chinese()); }

std::string lower_first(std::string text) { return text; }

}  // namespace tocsin::publish::in_chinese
