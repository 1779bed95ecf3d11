#include "publish/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "publish/calendar.h"
#include "publish/escape.h"
#include "publish/words.h"

namespace tocsin::publish {
namespace {

// Units of the viewBox; about a pixel on a small screen, so that the words stay legible there.
constexpr double kWidth = 440;
constexpr std::size_t kMostDays = 1100;

std::string opening(double height, const std::string& id, const std::string& title, const std::string& description) {
  return fmt::format(
      "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{}-title {}-desc\">\n"
      "<title id=\"{}-title\">{}</title>\n<desc id=\"{}-desc\">{}</desc>\n",
      kWidth, height, id, id, id, html(title), id, html(description));
}

// The next of 1, 2 or 5 times a power of ten that is not below.
double round_up(double value) {
  if (!(value > 0) || !std::isfinite(value)) return 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 4.0, 5.0, 6.0, 8.0, 10.0}) {
    if (step * power >= value * (1 - 1e-12)) return step * power;
  }
  return 10 * power;
}

// Cut to what has room beside the bars, between code points. Characters of three bytes and more are mostly those of
// Chinese, which are twice as wide.
std::string shortened(const std::string& text, std::size_t most) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0) == 0x80) continue;
    width += byte >= 0xe0 ? 2 : 1;
    if (width > most) return text.substr(0, i) + "…";
  }
  return text;
}

}  // namespace

std::string bar_chart(const std::vector<Bar>& bars, const std::string& id, const std::string& title) {
  if (bars.size() < 2) return "";
  double most = 0;
  std::string description;
  for (const Bar& bar : bars) {
    most = std::max(most, bar.value);
    description += fmt::format("{}{}: {}", description.empty() ? "" : "; ", bar.label, bar.text);
  }
  constexpr double kRow = 26;
  constexpr double kLabels = 132;
  std::size_t longest = 0;
  for (const Bar& bar : bars) longest = std::max(longest, bar.text.size());
  const double values_width = std::min(200.0, 14 + 7 * static_cast<double>(longest));
  std::string svg = opening(kRow * static_cast<double>(bars.size()) + 2, id, title, description);
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const double y = kRow * static_cast<double>(i) + 1;
    const double length = most > 0 ? std::max(1.5, (kWidth - kLabels - values_width) * bars[i].value / most) : 0;
    svg += fmt::format(
        "<text x=\"{}\" y=\"{}\" class=\"end\">{}</text><rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"16\" rx=\"2\""
        " class=\"mark\"/><text x=\"{:.1f}\" y=\"{}\" class=\"quiet\">{}</text>\n",
        kLabels - 8, y + 17, html(shortened(bars[i].label, 20)), kLabels, y + 4, length, kLabels + length + 7, y + 17,
        html(bars[i].text));
  }
  return svg + "</svg>\n";
}

std::vector<DayValue> days_of(const std::vector<FigureRow>& trend, const Period& period, const std::string& zone) {
  std::map<Timestamp, double> values;
  for (const FigureRow& row : trend) {
    if (row.key.empty() || row.key[0].size() != 10) continue;
    if (const auto day = parse_time(row.key[0])) values[*day] = row.value;
  }
  if (values.empty()) return {};
  Timestamp first = values.begin()->first;
  Timestamp last = values.rbegin()->first;
  if (bounded(period)) {
    first = std::min(first, floor_to(local_time(period.from, zone), kDay));
    last = std::max(last, floor_to(local_time(period.to, zone) - 1, kDay));
  }
  if ((last - first) / kDay >= static_cast<Timestamp>(kMostDays)) return {};
  std::vector<DayValue> days;
  for (Timestamp day = first; day <= last; day += kDay) {
    const auto found = values.find(day);
    days.push_back({format_day(day), found == values.end() ? 0 : found->second});
  }
  return days;
}

std::string trend_chart(const std::vector<DayValue>& days, const std::string& id, const std::string& title,
                        const Phrases& say) {
  if (days.size() < 2) return "";
  const auto peak = std::ranges::max_element(days, {}, &DayValue::value);
  const double top = round_up(peak->value);
  constexpr double kTop = 14;
  constexpr double kHeight = 110;
  const double left = 14 + 7.2 * static_cast<double>(number_text(top, say).size());
  constexpr double kRight = kWidth - 8;
  const double base = kTop + kHeight;
  std::string svg = opening(base + 26, id, title,
                            said(say.trend_description, say.short_day(days.front().day), say.short_day(days.back().day),
                                 say.short_day(peak->day), number_text(peak->value, say)));
  // Half of an odd whole number is no count.
  const bool halves = top != 1 && std::fmod(top, 2) == 0;
  for (const double level : halves ? std::vector<double>{0, top / 2, top} : std::vector<double>{0, top}) {
    const double y = base - kHeight * level / top;
    svg += fmt::format(
        "<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/><text x=\"{}\" y=\"{:.1f}\""
        " class=\"end quiet\">{}</text>\n",
        left, kRight, y, y, level > 0 ? "grid" : "axis", left - 8, y + 4, number_text(level, say));
  }
  const double step = (kRight - left) / static_cast<double>(days.size());
  const auto center = [&](std::size_t i) { return left + step * (static_cast<double>(i) + 0.5); };
  if (days.size() <= 62) {
    const double width = std::min(step * 0.72, 44.0);
    for (std::size_t i = 0; i < days.size(); ++i) {
      if (!(days[i].value > 0)) continue;
      const double height = std::max(1.0, kHeight * days[i].value / top);
      svg += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" class=\"mark\"><title>{}: {}</title>"
          "</rect>\n",
          center(i) - width / 2, base - height, width, height, html(say.short_day(days[i].day)),
          number_text(days[i].value, say));
    }
  } else {
    std::string points;
    for (std::size_t i = 0; i < days.size(); ++i) {
      points += fmt::format("{:.1f},{:.1f} ", center(i), base - kHeight * days[i].value / top);
    }
    points.pop_back();
    svg += fmt::format("<polyline points=\"{}\" class=\"line\"/>\n", points);
  }
  // The first and last day, and the middle where there is room between.
  std::vector<std::size_t> labels{0, days.size() - 1};
  if (days.size() >= 9) labels.push_back(days.size() / 2);
  for (const std::size_t i : labels) {
    const bool wide = step < 48;
    const char* anchor = !wide || (i != 0 && i + 1 != days.size()) ? "middle" : i == 0 ? "start" : "end";
    const double x = !wide || (i != 0 && i + 1 != days.size()) ? center(i) : i == 0 ? left : kRight;
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" class=\"quiet {}\">{}</text>\n", x, base + 18, anchor,
                       html(say.short_day(days[i].day)));
  }
  return svg + "</svg>\n";
}

}  // namespace tocsin::publish
