// What a brief says in words, the same in every medium. All text is plain: each medium escapes it.
#pragma once

#include <string>
#include <vector>

#include "publish/phrases.h"
#include "publish/report.h"

namespace tocsin::publish {

// How many paragraphs of the headline the first page has; JSON holds them all.
inline constexpr std::size_t kFirstPage = 8;

struct Prose {
  std::string title;                  // "Attacks on Czechia"
  std::string period;                 // "13–14 February 2024"
  std::vector<std::string> headline;  // a paragraph a figure, the first is the lead
  std::string nothing;                // "Nothing was seen of: ..."; empty if all figures have a value
  std::vector<std::string> remarks;   // of the brief's editors, a paragraph each
  std::vector<std::string> cautions, methods, unseen, locations;
  std::string credits;
  std::string ledger;
};

Prose prose_of(const Brief& brief, const Phrases& say);

// Sections that have a value, by kind; the most important first.
struct KindOfSections {
  std::string heading;
  std::vector<const BriefSection*> sections;
};
std::vector<KindOfSections> kinds_of(const Brief& brief, const Phrases& say);
// The same in one list.
std::vector<const BriefSection*> shown(const Brief& brief);

// The figure's name, with a capital.
std::string title_of(const FigureResult& figure, const Phrases& say);
// The sources as documents for people list them: all, or, of more than fit a page or two, one entry a format, without
// hashes; JSON has them all.
inline constexpr std::size_t kMostSources = 50;
std::vector<SourceRecord> listed_sources(const Brief& brief, const Phrases& say);
// Those of which something was skipped, the most first; as many as a page holds.
std::vector<const SourceRecord*> sources_with_skips(const Brief& brief);
// What the lists leave out; empty if nothing.
std::string sources_note(const Brief& brief, const Phrases& say);
// "3 (2 truncated header, 1 bad checksum)"
std::string skipped_text(const SourceRecord& source, const Phrases& say);
// Of what rows do not say by themselves: how many are left out, and what they share.
std::string rows_note(const FigureResult& figure, const Phrases& say);
// Empty if there is no note.
std::string machines_text(const BriefSection& section, const Phrases& say);

// "How much the figures would change": a row a figure; texts, empty where a column does not apply. Columns that no
// figure has are left out. The first row is the heading.
std::vector<std::vector<std::string>> sensitivity_table(const Brief& brief, const Phrases& say);

}  // namespace tocsin::publish
