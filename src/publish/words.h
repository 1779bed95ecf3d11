// Numbers, places and times as a reader of English expects them. All text is plain: each medium escapes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "figures/figure.h"

namespace tocsin::publish {

// How many rows a table shows; JSON and CSV hold them all.
inline constexpr std::size_t kTableRows = 20;

// "1,287,000", "12.5".
std::string number_text(double value);
// With the unit where it belongs to the number: "73.1%".
std::string value_text(double value, const FigureDefinition& figure);
// A part of 1 as a percentage; never "0%" or "100%" of what is not quite so.
std::string share_text(double share);
// For columns of them: always with its tenth, but for all and nothing.
std::string share_cell(double share);
// "Up 12% from 5,990 in the period before"; empty if that is not known.
std::string change_text(double value, std::optional<double> previous, const FigureDefinition& figure);

// "United States" of "US"; the code itself if it names no country.
std::string country_name(std::string_view code);
// As in running text: "the United States".
std::string country_in_text(std::string_view code);
// Alpha-2 of an ISO 3166 numeric code, empty if there is none.
std::string country_of_numeric(int numeric);
// Of an alpha-2 code or an English name; empty if it is none.
std::string country_of_name(std::string_view name);
// "CZ" becomes "Czechia"; other names stay as they are.
std::string constituency_text(const std::string& constituency);

// "host" of "hosts".
std::string singular(std::string_view unit);

bool is_country(std::string_view dimension);
// "actor-country": "Country of origin".
std::string dimension_title(std::string_view dimension);
// A row's key of one dimension: a country's name, "not known" for none.
std::string key_text(std::string_view dimension, const std::string& key);
std::string key_text(const FigureResult& figure, const FigureRow& row);

// With its preposition: "in January 2013", "on 13 February 2024", "between 13 and 14 February 2024"; "in all that was
// read" of no bounds.
std::string period_in_text(const Period& period, const std::string& zone);
// Without: "January 2013", "13–14 February 2024".
std::string period_title(const Period& period, const std::string& zone);
// "13 Feb" of "2024-02-13".
std::string short_day(std::string_view day);
bool has_start(const Period& period);
bool has_end(const Period& period);
// Has both, in their order.
bool bounded(const Period& period);
// Local time in a zone; UTC if the zone is not known.
Timestamp local_time(Timestamp utc, const std::string& zone);

}  // namespace tocsin::publish
