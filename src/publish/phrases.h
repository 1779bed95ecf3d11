// All that a brief says of itself, in one table a language: phrases_en.cc and phrases_zh.cc, with the grammar that no
// table can hold in words_en.cc and words_zh.cc. A phrase with {} takes what its comment names, in that order; a
// language may need them in another, and then numbers them ({1} … {0}). Texts are plain: each medium escapes them.
#pragma once

#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "figures/figure.h"
#include "publish/language.h"

namespace tocsin::publish {

using Words = std::map<std::string_view, std::string_view>;

// How a sentence of the catalogue is bent where it does not fit: see sentence.cc.
struct SentenceRules {
  std::vector<std::string_view> clause_marks;                           // what a clause may begin with
  std::string_view stop;                                                // full stop
  std::string_view in_period;                                           // how templates write the period
  std::string_view largest;                                             // says that the first row is the largest
  std::string_view tied_with;                                           // instead of it: the other key
  std::string_view tied_with_several;                                   // instead of it
  std::string_view most;                                                // a word that only holds without a tie
  std::vector<std::pair<std::string_view, std::string_view>> when_all;  // if the first row is all
  std::string_view bare;                                                // title, period, value
  std::string_view bare_without_period;                                 // title, value
  std::string_view remark;                                              // after the period: remark
  std::string_view between;                                             // two sentences
  std::string_view followed;  // the largest key, then a key and its value, twice
};

struct Phrases {
  Language language;
  std::string_view html_language;

  std::string_view title;                                 // constituency
  std::string_view constituency;                          // whose name is not known
  std::string_view nothing_seen;                          // period with remark: of a brief without any value
  std::string_view in_all;                                // the change
  std::string_view nothing_of;                            // list of figures
  std::string_view semicolon, comma, colon, parentheses;  // parentheses: what stands in them
  std::string_view confirmed_remark, suspected_remark;
  std::string_view confirmed, suspected, probable;  // what is counted
  std::vector<std::string_view> methods, unseen;
  std::string_view not_attribution, lower_bound;
  std::string_view no_location_database, locating, credits;
  std::string_view ledger, ledger_hash_below, ledger_no_hash;  // ledger: time, line, one of the others

  std::string_view basis, methods_heading, unseen_heading, sources_heading, skipped_heading, locations_heading,
      ledger_heading;
  std::string_view sources_of_format, sources_in_json;                             // number of sources
  std::string_view no_source, nothing_skipped, for_example;                        // for_example: of what was skipped
  std::string_view skipped_for;                                                    // number, reason
  std::string_view source, source_and_hash, format, size, records, skipped, hash;  // heads of the table of sources
  std::string_view by, by_largest, by_day;              // dimension; dimension, number of rows
  std::string_view chart_by, chart_by_day;              // title, dimension; title
  std::string_view trend_description;                   // first day, last day, day of the peak, value
  std::string_view map_caption, map_title, not_on_map;  // title, dimension; title; places
  std::string_view country_not_known, not_known;
  std::string_view share, part, day, value;
  std::string_view largest_of, at_most, overlap;  // shown, all; limit; number
  std::string_view days_without;
  std::string_view machines, machines_abstained;  // machines, low, high; why
  std::string_view sensitivity, sensitivity_note, figure, as_published, other_location, without_relays, with_suspected;
  std::string_view page;  // the foot of a page, as CSS content

  std::string_view not_a_number, under, over;  // the number
  Words dimensions, kinds, keys;               // dimension to title; first word of an id to heading; key to text
  Words reasons;    // why records are skipped and machines not estimated; empty where the program's words are the
                    // language's
  Words databases;  // names of location databases that have one in the language
  SentenceRules sentence;

  // "1,287,000": in running text, where some digits may be spared ("1.287 million").
  std::string (*count)(double value);
  // "Up 12% from 5,990 in the period before", without its full stop.
  std::string (*change)(double value, double previous, const FigureDefinition& figure);
  // "in January 2013" as sentences have it, and "January 2013" as titles do.
  std::string (*in_period)(const Period& period, const std::string& zone);
  std::string (*period_title)(const Period& period, const std::string& zone);
  // "13 Feb" of "2024-02-13".
  std::string (*short_day)(std::string_view day);
  // The word after a number ("hosts", "host"; "" of %), and the head of a column of such.
  std::string (*unit)(std::string_view unit, double value);
  std::string (*unit_heading)(std::string_view unit);
  // "the United States" of "US".
  std::string (*country_in_text)(std::string_view code);
  // "line 7: not a time": where and why one record was skipped.
  std::string (*skipped_example)(std::string_view example);
  // For the middle of a sentence or caption: "country of origin".
  std::string (*lower_first)(std::string text);
};

const Phrases& phrases(Language language);
const Phrases& english();
const Phrases& chinese();

template <typename... Args>
std::string said(std::string_view phrase, const Args&... args) {
  return fmt::format(fmt::runtime(phrase), args...);
}

// Found, or the text itself.
std::string_view word(const Words& words, std::string_view text);

// The text of a catalogue's table in a language, in English if it has none; empty if neither.
std::string text_in(const std::map<std::string, std::string>& texts, const Phrases& say);

}  // namespace tocsin::publish
