// Static charts as SVG, coloured by the classes of the page's style sheet.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "figures/figure.h"
#include "publish/phrases.h"

namespace tocsin::publish {

struct Bar {
  std::string label;  // plain text
  double value = 0;
  std::string text;  // beside the bar: "2,194 (32.5%)"
};

// A ranking as horizontal bars. id: unique in the page. Empty if there are fewer than two bars.
std::string bar_chart(const std::vector<Bar>& bars, const std::string& id, const std::string& title);

struct DayValue {
  std::string day;  // "2024-02-13"
  double value = 0;
};

// Every day of a period in order, those without a row as 0; without bounds, from the first row to the last. Empty if
// the rows name no days or there would be more than three years of them.
std::vector<DayValue> days_of(const std::vector<FigureRow>& trend, const Period& period, const std::string& zone);
// Columns, of more than 62 days a line. Empty if there are fewer than two days.
std::string trend_chart(const std::vector<DayValue>& days, const std::string& id, const std::string& title,
                        const Phrases& say);

}  // namespace tocsin::publish
