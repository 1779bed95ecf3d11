// The brief as Markdown that reads well also as it is: tables are aligned by the width of what they show.
#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>

#include "base/text.h"
#include "publish/calendar.h"
#include "publish/escape.h"
#include "publish/prose.h"
#include "publish/report.h"
#include "publish/words.h"

namespace tocsin {
namespace {

using namespace publish;

// Columns that a terminal gives a text.
std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  const auto size = static_cast<std::int32_t>(text.size());
  for (std::int32_t at = 0; at < size;) {
    UChar32 point;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // inside ICU's macro
    U8_NEXT(text.data(), at, size, point);
#pragma GCC diagnostic pop
    if (point < 0) continue;
    const auto type = u_charType(point);
    if (type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK) continue;
    const int east = u_getIntPropertyValue(point, UCHAR_EAST_ASIAN_WIDTH);
    width += east == U_EA_WIDE || east == U_EA_FULLWIDTH ? 2 : 1;
  }
  return width;
}

using Row = std::vector<std::string>;

// rows[0] is the heading; all cells are escaped. Numbers: which columns stand at the right.
std::string table(const std::vector<Row>& rows, const std::vector<bool>& numbers) {
  std::vector<std::size_t> widths(numbers.size(), 3);
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    out += '|';
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const std::string space(widths[i] - width_of(rows[r][i]), ' ');
      out += ' ' + (numbers[i] ? space + rows[r][i] : rows[r][i] + space) + " |";
    }
    out += '\n';
    if (r) continue;
    out += '|';
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      out += ' ' + std::string(widths[i] - (numbers[i] ? 1 : 0), '-') + (numbers[i] ? ":" : "") + " |";
    }
    out += '\n';
  }
  return out + '\n';
}

std::string list(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += "- " + markdown(item) + "\n";
  return out + '\n';
}

// The table's heading has the language's words; the first column is text, the rest are numbers.
std::string figure_table(const FigureResult& figure, const Phrases& say) {
  const FigureDefinition& definition = figure.definition;
  const std::vector<std::string>& by = figure.request.by;
  Row heading;
  for (const std::string& dimension : by) heading.push_back(markdown(dimension_title(dimension, say)));
  heading.push_back(markdown(say.unit_heading(definition.unit)));
  heading.emplace_back(definition.unit == "%" ? say.part : say.share);
  std::vector<bool> numbers(by.size(), false);
  numbers.insert(numbers.end(), {true, true});
  std::vector<Row> rows{heading};
  for (std::size_t i = 0; i < figure.rows.size() && i < kTableRows; ++i) {
    Row& row = rows.emplace_back();
    for (std::size_t k = 0; k < by.size(); ++k) {
      row.push_back(markdown(key_text(figure, figure.rows[i], k, say)));
    }
    row.push_back(value_text(figure.rows[i].value, definition, say));
    row.push_back(share_cell(figure.rows[i].share, say));
  }
  std::string out = table(rows, numbers);
  if (const std::string note = rows_note(figure, say); !note.empty()) out += markdown(note) + "\n\n";
  return out;
}

std::string section_of(const BriefSection& section, const Brief& brief, const Phrases& say) {
  const FigureResult& figure = section.figure;
  const FigureDefinition& definition = figure.definition;
  std::string out = "### " + markdown(title_of(figure, say)) + "\n\n";
  const std::string unit = say.unit(definition.unit, figure.value);
  const std::string change = change_text(figure.value, figure.previous, definition, say);
  out += fmt::format("**{}**{}{}\n\n", value_text(figure.value, definition, say),
                     unit.empty() ? "" : " " + markdown(unit), change.empty() ? "" : " · " + markdown(change));
  out += markdown(text_in(definition.definition, say));
  if (const std::string caution = text_in(definition.caution, say); !caution.empty()) {
    out += std::string(say.sentence.between) + markdown(caution);
  }
  out += "\n\n";
  if (const std::string machines = machines_text(section, say); !machines.empty()) out += markdown(machines) + "\n\n";
  if (!figure.rows.empty()) out += figure_table(figure, say);
  std::vector<FigureRow> trend = section.trend;
  std::ranges::sort(trend, {}, &FigureRow::key);
  // A short period's days fit in a table; a long one's are in the chart of the HTML page and in the CSV.
  if (trend.size() > 1 && trend.size() <= 31) {
    std::vector<Row> rows{{std::string(say.day), std::string(say.value)}};
    for (const FigureRow& row : trend) {
      rows.push_back({markdown(row.key.empty() ? "" : row.key[0]), value_text(row.value, definition, say)});
    }
    out += table(rows, {false, true});
    if (bounded(brief.period)) out += std::string(say.days_without) + "\n\n";
  }
  return out;
}

std::string sources_of(const Brief& brief, const Phrases& say) {
  std::string out = fmt::format("### {}\n\n", say.sources_heading);
  if (brief.sources.empty()) {
    out += std::string(say.no_source) + "\n\n";
  } else {
    Row heading;
    for (const auto head : {say.source, say.format, say.size, say.records, say.skipped, say.hash}) {
      heading.emplace_back(head);
    }
    std::vector<Row> rows{heading};
    for (const SourceRecord& source : listed_sources(brief, say)) {
      rows.push_back({markdown(source.name), markdown(source.format), with_bytes(source.bytes),
                      with_thousands(static_cast<std::int64_t>(source.records)),
                      with_thousands(static_cast<std::int64_t>(source.skipped)), markdown(source.sha256)});
    }
    out += table(rows, {false, false, true, true, true, false});
    if (const std::string note = sources_note(brief, say); !note.empty()) out += note + "\n\n";
  }
  out += fmt::format("### {}\n\n", say.skipped_heading);
  std::vector<std::string> skipped;
  for (const SourceRecord* source : sources_with_skips(brief)) {
    std::string item = source->name + std::string(say.colon) + skipped_text(*source, say);
    for (std::size_t i = 0; i < source->examples.size() && i < 5; ++i)
      item += std::string(i ? say.semicolon : say.for_example) + say.skipped_example(source->examples[i]);
    skipped.push_back(std::move(item));
  }
  return out + (skipped.empty() ? std::string(say.nothing_skipped) + "\n\n" : list(skipped));
}

std::string sensitivity_of(const Brief& brief, const Phrases& say) {
  std::vector<Row> rows = sensitivity_table(brief, say);
  if (rows.empty()) return "";
  for (Row& row : rows) {
    for (std::string& cell : row) cell = markdown(cell);
  }
  std::vector<bool> numbers(rows[0].size(), true);
  numbers[0] = false;
  return fmt::format("## {}\n\n{}\n\n", say.sensitivity, say.sensitivity_note) + table(rows, numbers);
}

}  // namespace

std::string to_markdown(const Brief& brief, Language language) {
  const Phrases& say = phrases(language);
  const Prose prose = prose_of(brief, say);
  std::string out = fmt::format("# {}\n\n{}\n\n**{}**\n\n", markdown(prose.title), markdown(prose.period),
                                markdown(prose.headline[0]));
  for (std::size_t i = 1; i < prose.headline.size() && i < kFirstPage; ++i) out += markdown(prose.headline[i]) + "\n\n";
  if (!prose.nothing.empty()) out += markdown(prose.nothing) + "\n\n";
  for (const std::string& remark : prose.remarks) out += markdown(remark) + "\n\n";
  for (const std::string& caution : prose.cautions) out += "> " + markdown(caution) + "\n>\n";
  out.resize(out.size() - 2);
  out += '\n';
  for (const KindOfSections& kind : kinds_of(brief, say)) {
    out += "## " + markdown(kind.heading) + "\n\n";
    for (const BriefSection* section : kind.sections) out += section_of(*section, brief, say);
  }
  out += sensitivity_of(brief, say);
  out += fmt::format("## {}\n\n### {}\n\n{}### {}\n\n{}", say.basis, say.methods_heading, list(prose.methods),
                     say.unseen_heading, list(prose.unseen));
  out += sources_of(brief, say);
  out += fmt::format("### {}\n\n{}### {}\n\n{}\n", say.locations_heading, list(prose.locations), say.ledger_heading,
                     markdown(prose.ledger));
  if (!brief.ledger.hash.empty()) out += "\n    " + printable(brief.ledger.hash, 200) + "\n";
  return out;
}

}  // namespace tocsin
