// What a brief says in words, the same in every medium. All text is plain: each medium escapes it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "publish/report.h"

namespace tocsin::publish {

struct Definition {
  std::string id, title, counts, caution;
};

struct Prose {
  std::string title;                  // "Attacks on Czechia"
  std::string period;                 // "13–14 February 2024"
  std::string confidence;             // what was counted
  std::vector<std::string> headline;  // the first is the lead
  std::string nothing;                // "Nothing was seen of: ..."; empty if all figures have a value
  std::vector<Definition> definitions;
  std::vector<std::string> cautions, methods, unseen, locations;
  std::string ledger;
};

Prose prose_of(const Brief& brief);
// Sections that have a value, the most important first.
std::vector<const BriefSection*> shown(const Brief& brief);
std::string english(const std::map<std::string, std::string>& texts);
// The figure's name, with a capital.
std::string title_of(const FigureResult& figure);
// "3 (2 truncated header, 1 bad checksum)"
std::string skipped_text(const SourceRecord& source);
// Of what rows do not say by themselves: how many are left out, and what they share.
std::string rows_note(const FigureResult& figure);

}  // namespace tocsin::publish
