// What Chinese needs beyond phrases.
#pragma once

#include <string>
#include <string_view>

#include "figures/figure.h"
#include "publish/phrases.h"

namespace tocsin::publish::in_chinese {

std::string count(double value);
std::string change(double value, double previous, const FigureDefinition& figure);
std::string in_period(const Period& period, const std::string& zone);
std::string period_title(const Period& period, const std::string& zone);
std::string short_day(std::string_view day);
std::string unit(std::string_view unit, double value);
std::string unit_heading(std::string_view unit);
std::string country_in_text(std::string_view code);
std::string lower_first(std::string text);
std::string skipped_example(std::string_view example);
// reasons_zh.cc: what the readers of sources and the estimate of machines say, and names of location databases.
Words reasons();
Words databases();

}  // namespace tocsin::publish::in_chinese
