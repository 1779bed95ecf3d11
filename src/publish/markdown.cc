// The brief as Markdown that reads well also as it is: tables are aligned by the width of what they show.
#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>

#include "base/text.h"
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

std::string section_of(const BriefSection& section, const Brief& brief) {
  const FigureResult& figure = section.figure;
  const FigureDefinition& definition = figure.definition;
  std::string out = "## " + markdown(title_of(figure)) + "\n\n";
  const std::string unit = definition.unit == "%"
                               ? ""
                               : " " + (figure.value == 1 ? singular(definition.unit) : printable(definition.unit, 60));
  const std::string change = change_text(figure.value, figure.previous, definition);
  out += fmt::format("**{}**{}{}\n\n", value_text(figure.value, definition), markdown(unit),
                     change.empty() ? "" : " · " + markdown(change));
  out += markdown(english(definition.definition));
  if (const std::string caution = english(definition.caution); !caution.empty()) out += " " + markdown(caution);
  out += "\n\n";
  if (!figure.rows.empty()) {
    const std::vector<std::string>& by = figure.request.by;
    Row heading;
    for (const std::string& dimension : by) heading.push_back(markdown(dimension_title(dimension)));
    heading.push_back(markdown(definition.unit.empty() || definition.unit == "%" ? "value" : definition.unit));
    heading.emplace_back("share");
    std::vector<bool> numbers(by.size(), false);
    numbers.insert(numbers.end(), {true, true});
    std::vector<Row> rows{heading};
    for (std::size_t i = 0; i < figure.rows.size() && i < kTableRows; ++i) {
      Row& row = rows.emplace_back();
      for (std::size_t k = 0; k < by.size(); ++k) {
        row.push_back(markdown(key_text(by[k], k < figure.rows[i].key.size() ? figure.rows[i].key[k] : "")));
      }
      row.push_back(value_text(figure.rows[i].value, definition));
      row.push_back(share_cell(figure.rows[i].share));
    }
    out += table(rows, numbers);
    if (const std::string note = rows_note(figure); !note.empty()) out += markdown(note) + "\n\n";
  }
  std::vector<FigureRow> trend = section.trend;
  std::ranges::sort(trend, {}, &FigureRow::key);
  // A short period's days fit in a table; a long one's are in the chart of the HTML page and in the CSV.
  if (trend.size() > 1 && trend.size() <= 31) {
    std::vector<Row> rows{{"day", "value"}};
    for (const FigureRow& row : trend) {
      rows.push_back({markdown(row.key.empty() ? "" : row.key[0]), value_text(row.value, definition)});
    }
    out += table(rows, {false, true});
    if (bounded(brief.period)) out += "Days that are not listed have none.\n\n";
  }
  return out;
}

}  // namespace

std::string to_markdown(const Brief& brief) {
  const Prose prose = prose_of(brief);
  std::string out = fmt::format("# {}\n\n{}\n\n**{}**\n\n", markdown(prose.title), markdown(prose.period),
                                markdown(prose.headline[0]));
  if (prose.headline.size() > 1) out += list({prose.headline.begin() + 1, prose.headline.end()});
  if (!prose.nothing.empty()) out += markdown(prose.nothing) + "\n\n";
  for (const std::string& caution : prose.cautions) out += "> " + markdown(caution) + "\n>\n";
  out.resize(out.size() - 2);
  out += '\n';
  for (const BriefSection* section : shown(brief)) out += section_of(*section, brief);
  out += "## What these figures rest on\n\n### Methods\n\n" + list(prose.methods) + "### What is not seen\n\n" +
         list(prose.unseen) + "### Sources\n\n";
  if (brief.sources.empty()) {
    out += "No source was read.\n\n";
  } else {
    std::vector<Row> rows{{"source", "format", "size", "records", "skipped", "SHA-256"}};
    for (const SourceRecord& source : brief.sources) {
      rows.push_back({markdown(source.name), markdown(source.format), with_bytes(source.bytes),
                      with_thousands(static_cast<std::int64_t>(source.records)),
                      with_thousands(static_cast<std::int64_t>(source.skipped)), markdown(source.sha256)});
    }
    out += table(rows, {false, false, true, true, true, false});
  }
  out += "### What was skipped\n\n";
  std::vector<std::string> skipped;
  for (const SourceRecord& source : brief.sources) {
    if (!source.skipped) continue;
    std::string item = source.name + ": " + skipped_text(source);
    for (std::size_t i = 0; i < source.examples.size() && i < 5; ++i)
      item += (i ? "; " : ". For example ") + source.examples[i];
    skipped.push_back(std::move(item));
  }
  out += skipped.empty() ? "No record of these sources was skipped.\n\n" : list(skipped);
  out += "### Locations\n\n" + list(prose.locations) + "### Ledger\n\n" + markdown(prose.ledger) + "\n";
  if (!brief.ledger.hash.empty()) out += "\n    " + printable(brief.ledger.hash, 200) + "\n";
  return out;
}

}  // namespace tocsin
