// Numbers, places and keys as readers of a language expect them. All text is plain: each medium escapes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "figures/figure.h"
#include "publish/phrases.h"

namespace tocsin::publish {

// How many rows a table shows; JSON and CSV hold them all.
inline constexpr std::size_t kTableRows = 20;

// "1,287,000", "12.5".
std::string number_text(double value, const Phrases& say);
// With the unit where it belongs to the number: "73.1%".
std::string value_text(double value, const FigureDefinition& figure, const Phrases& say);
// The same in running text: "1.287 million".
std::string value_in_text(double value, const FigureDefinition& figure, const Phrases& say);
// A part of 1 as a percentage; never "0%" or "100%" of what is not quite so.
std::string share_text(double share, const Phrases& say);
// For columns of them: always with its tenth, but for all and nothing.
std::string share_cell(double share, const Phrases& say);
// "Up 12% from 5,990 in the period before"; empty if that is not known.
std::string change_text(double value, std::optional<double> previous, const FigureDefinition& figure,
                        const Phrases& say);

// "United States" of "US"; the code itself if it names no country.
std::string country_name(std::string_view code, const Phrases& say);
// Alpha-2 of an ISO 3166 numeric code, empty if there is none.
std::string country_of_numeric(int numeric);
// Of an alpha-2 code or an English name; empty if it is none.
std::string country_of_name(std::string_view name);
// "CZ" and "Czechia" become the country's name in the language; other names stay as they are.
std::string constituency_text(const std::string& constituency, const Phrases& say);

bool is_country(std::string_view dimension);
// "actor-country": "Country of origin".
std::string dimension_title(std::string_view dimension, const Phrases& say);
// A row's key of one of its figure's dimensions, from 0: a country's or a sector's name, "not known" for none.
std::string key_text(const FigureResult& figure, const FigureRow& row, std::size_t dimension, const Phrases& say);
// All of a row's keys.
std::string key_text(const FigureResult& figure, const FigureRow& row, const Phrases& say);

// "in January 2013", "on 13 February 2024", "between 13 and 14 February 2024"; "in all that was read" of no bounds.
std::string period_in_text(const Period& period, const std::string& zone, const Phrases& say);
// "January 2013", "13–14 February 2024".
std::string period_title(const Period& period, const std::string& zone, const Phrases& say);

}  // namespace tocsin::publish
