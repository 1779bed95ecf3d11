#include "publish/prose.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <sstream>

#include "base/text.h"
#include "publish/sentence.h"
#include "publish/words.h"

namespace tocsin::publish {
namespace {

bool of_botnets(const BriefSection* section) {
  const auto& kinds = section->figure.definition.kinds;
  return std::ranges::find(kinds, "botnet-control") != kinds.end();
}

std::string confidence_remark(Confidence confidence, const Phrases& say) {
  switch (confidence) {
    case Confidence::kConfirmed:
      return std::string(say.confirmed_remark);
    case Confidence::kSuspected:
      return std::string(say.suspected_remark);
    case Confidence::kProbable:
      break;
  }
  return "";
}

std::string confidence_text(Confidence confidence, const Phrases& say) {
  switch (confidence) {
    case Confidence::kConfirmed:
      return std::string(say.confirmed);
    case Confidence::kSuspected:
      return std::string(say.suspected);
    case Confidence::kProbable:
      break;
  }
  return std::string(say.probable);
}

std::vector<std::string> texts(const std::vector<std::string_view>& phrases) {
  return {phrases.begin(), phrases.end()};
}

std::string kind_of_figure(const std::string& id) { return id.substr(0, id.find('.')); }

// "2026-06-17: one (its licence); another": each by its name in the language.
std::string database_text(const std::string& database, const Phrases& say) {
  const std::size_t version = database.find(": ");
  if (version == std::string::npos || say.databases.empty()) return database;
  std::string text = database.substr(0, version) + std::string(say.colon);
  const std::string_view names = std::string_view(database).substr(version + 2);
  for (std::size_t at = 0; at <= names.size();) {
    const std::size_t end = std::min(names.find("; ", at), names.size());
    if (at > 0) text += say.semicolon;
    text += word(say.databases, names.substr(at, end - at));
    at = end + 2;
  }
  return text;
}

// The number, the period before, and of the lead also who comes next.
std::string paragraph(const FigureResult& figure, const Phrases& say, const std::string& sentence, bool lead) {
  std::string text = sentence;
  const auto add = [&](const std::string& more) { text += std::string(say.sentence.between) + more; };
  const std::string change = change_text(figure.value, figure.previous, figure.definition, say);
  // The sentence may end with the largest row; the change is the total's.
  const bool share = figure.definition.unit == "%";
  if (!change.empty())
    add((share ? change : said(say.in_all, say.lower_first(change))) + std::string(say.sentence.stop));
  const std::string next = lead ? followers(figure, say) : "";
  if (!next.empty()) add(next);
  return text;
}

// What blank lines part; a line break within a paragraph is a space.
std::vector<std::string> paragraphs_of(const std::string& text) {
  std::vector<std::string> paragraphs;
  std::istringstream lines(text);
  bool is_open = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
      is_open = false;
      continue;
    }
    if (line.ends_with('\r')) line.pop_back();
    if (is_open) {
      paragraphs.back() += " " + printable(line, 20'000);
    } else {
      paragraphs.push_back(printable(line, 20'000));
    }
    is_open = true;
  }
  return paragraphs;
}

}  // namespace

std::vector<SourceRecord> listed_sources(const Brief& brief, const Phrases& say) {
  if (brief.sources.size() <= kMostSources) return brief.sources;
  std::map<std::string, std::pair<SourceRecord, std::size_t>> by_format;
  for (const SourceRecord& source : brief.sources) {
    auto& [sum, files] = by_format[source.format];
    sum.format = source.format;
    sum.bytes += source.bytes;
    sum.records += source.records;
    sum.skipped += source.skipped;
    ++files;
  }
  std::vector<SourceRecord> listed;
  for (auto& [format, entry] : by_format) {
    entry.first.name = said(say.sources_of_format, with_thousands(static_cast<std::int64_t>(entry.second)));
    listed.push_back(std::move(entry.first));
  }
  std::ranges::stable_sort(listed, std::greater<>{}, &SourceRecord::records);
  return listed;
}

std::vector<const SourceRecord*> sources_with_skips(const Brief& brief) {
  std::vector<const SourceRecord*> skipped;
  for (const SourceRecord& source : brief.sources) {
    if (source.skipped > 0) skipped.push_back(&source);
  }
  std::ranges::stable_sort(skipped, std::greater<>{}, &SourceRecord::skipped);
  if (skipped.size() > kTableRows) skipped.resize(kTableRows);
  return skipped;
}

std::string sources_note(const Brief& brief, const Phrases& say) {
  if (brief.sources.size() <= kMostSources) return {};
  return said(say.sources_in_json, with_thousands(static_cast<std::int64_t>(brief.sources.size())));
}

std::string title_of(const FigureResult& figure, const Phrases& say) {
  const std::string title = text_in(figure.definition.title, say);
  return title.empty() ? printable(figure.definition.id) : title;
}

std::vector<const BriefSection*> shown(const Brief& brief) {
  std::vector<const BriefSection*> sections;
  for (const KindOfSections& kind : kinds_of(brief, english())) {
    sections.insert(sections.end(), kind.sections.begin(), kind.sections.end());
  }
  return sections;
}

std::vector<KindOfSections> kinds_of(const Brief& brief, const Phrases& say) {
  std::vector<const BriefSection*> sections;
  for (const BriefSection& section : brief.sections) {
    if (section.figure.value > 0) sections.push_back(&section);
  }
  std::ranges::stable_partition(sections, of_botnets);
  std::vector<KindOfSections> kinds;
  std::vector<std::string> names;
  for (const BriefSection* section : sections) {
    const std::string name = kind_of_figure(section->figure.definition.id);
    const auto at = std::ranges::find(names, name);
    const auto index = static_cast<std::size_t>(at - names.begin());
    if (at == names.end()) {
      names.push_back(name);
      kinds.push_back({printable(word(say.kinds, name), 120), {}});
    }
    kinds[index].sections.push_back(section);
  }
  return kinds;
}

std::string skipped_text(const SourceRecord& source, const Phrases& say) {
  std::string text = with_thousands(static_cast<std::int64_t>(source.skipped));
  if (source.skipped_by_reason.empty()) return text;
  std::string reasons;
  for (const auto& [reason, count] : source.skipped_by_reason) {
    if (!reasons.empty()) reasons += say.comma;
    reasons += said(say.skipped_for, with_thousands(static_cast<std::int64_t>(count)),
                    printable(word(say.reasons, reason), 120));
  }
  return text + said(say.parentheses, reasons);
}

std::string rows_note(const FigureResult& figure, const Phrases& say) {
  std::string note;
  if (figure.rows.size() > kTableRows) {
    note = said(say.largest_of, kTableRows, with_thousands(static_cast<std::int64_t>(figure.rows.size())));
  } else if (figure.request.limit && figure.rows.size() == figure.request.limit) {
    note = said(say.at_most, figure.request.limit);
  }
  if (figure.overlap > 0) {
    if (!note.empty()) note += say.sentence.between;
    note += said(say.overlap, with_thousands(figure.overlap));
  }
  return note;
}

std::string machines_text(const BriefSection& section, const Phrases& say) {
  if (!section.machines) return "";
  const MachinesNote& note = *section.machines;
  if (!note.abstained.empty()) return said(say.machines_abstained, printable(word(say.reasons, note.abstained), 400));
  return said(say.machines, number_text(note.machines, say), number_text(note.low, say), number_text(note.high, say));
}

std::vector<std::vector<std::string>> sensitivity_table(const Brief& brief, const Phrases& say) {
  if (brief.sensitivity.empty()) return {};
  struct Column {
    std::string_view heading;
    std::optional<double> SensitivityRow::*value;
  };
  std::vector<Column> columns;
  for (const Column& column : {Column{say.other_location, &SensitivityRow::with_other_location},
                               Column{say.without_relays, &SensitivityRow::without_relays},
                               Column{say.with_suspected, &SensitivityRow::with_suspected}}) {
    const auto has = [&](const SensitivityRow& row) { return (row.*column.value).has_value(); };
    if (std::ranges::any_of(brief.sensitivity, has)) columns.push_back(column);
  }
  std::vector<std::vector<std::string>> table(1, {std::string(say.figure), std::string(say.as_published)});
  for (const Column& column : columns) table[0].emplace_back(column.heading);
  for (const SensitivityRow& row : brief.sensitivity) {
    const auto section = std::ranges::find_if(
        brief.sections, [&](const BriefSection& each) { return each.figure.definition.id == row.figure; });
    FigureDefinition definition;
    std::string title = printable(row.figure);
    if (section != brief.sections.end()) {
      definition = section->figure.definition;
      title = title_of(section->figure, say);
    }
    std::vector<std::string>& cells = table.emplace_back();
    cells.push_back(title);
    cells.push_back(value_text(row.value, definition, say));
    for (const Column& column : columns) {
      const std::optional<double>& value = row.*column.value;
      cells.push_back(value ? value_text(*value, definition, say) : "–");
    }
  }
  return table;
}

Prose prose_of(const Brief& brief, const Phrases& say) {
  Prose prose;
  const std::string language(code_of(say.language));
  const auto title = brief.titles.find(language);
  const bool has_title = title != brief.titles.end() && !title->second.empty();
  prose.title =
      has_title ? printable(title->second, 1000) : said(say.title, constituency_text(brief.constituency, say));
  if (const auto remarks = brief.remarks.find(language); remarks != brief.remarks.end()) {
    prose.remarks = paragraphs_of(remarks->second);
  }
  prose.period = period_title(brief.period, brief.zone, say);

  const std::string remark = confidence_remark(brief.confidence, say);
  for (const BriefSection* section : shown(brief)) {
    const FigureResult& figure = section->figure;
    const bool lead = prose.headline.empty();
    prose.headline.push_back(
        paragraph(figure, say, lead ? sentence(figure, say, remark) : sentence_without_period(figure, say), lead));
  }
  if (prose.headline.empty()) {
    std::string period = period_in_text(brief.period, brief.zone, say);
    if (!remark.empty()) period += said(say.sentence.remark, remark);
    prose.headline.push_back(said(say.nothing_seen, period));
  }
  for (const BriefSection& section : brief.sections) {
    if (section.figure.value > 0) continue;
    prose.nothing +=
        (prose.nothing.empty() ? "" : std::string(say.semicolon)) + say.lower_first(title_of(section.figure, say));
  }
  if (!prose.nothing.empty()) prose.nothing = said(say.nothing_of, prose.nothing);
  prose.cautions = {std::string(say.not_attribution), std::string(say.lower_bound)};
  prose.methods = texts(say.methods);
  prose.methods.insert(prose.methods.begin() + 1, confidence_text(brief.confidence, say));
  prose.unseen = texts(say.unseen);
  for (const std::string& database : brief.location_databases) {
    prose.locations.push_back(printable(database_text(database, say), 2000));
  }
  if (prose.locations.empty()) prose.locations.emplace_back(say.no_location_database);
  prose.locations.emplace_back(say.locating);
  prose.locations.emplace_back(say.credits);
  prose.credits = say.credits;
  prose.ledger = said(say.ledger, format_time(floor_to(brief.made, kSecond)),
                      with_thousands(static_cast<std::int64_t>(brief.ledger.sequence)),
                      brief.ledger.hash.empty() ? say.ledger_no_hash : say.ledger_hash_below);
  return prose;
}

}  // namespace tocsin::publish
