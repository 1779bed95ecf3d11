// The brief as one HTML page: nothing is loaded, nothing runs. On paper it is what a PDF is made of.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "publish/calendar.h"
#include "publish/chart.h"
#include "publish/escape.h"
#include "publish/map.h"
#include "publish/prose.h"
#include "publish/report.h"
#include "publish/style.h"
#include "publish/words.h"

namespace tocsin {
namespace {

using namespace publish;

constexpr std::size_t kBars = 10;
constexpr std::size_t kExamples = 5;

std::string list(const std::vector<std::string>& items) {
  std::string out = "<ul class=\"plain small\">\n";
  for (const std::string& item : items) out += "<li>" + html(item) + "</li>\n";
  return out + "</ul>\n";
}

std::string paragraph(std::string_view text, std::string_view style = "") {
  const std::string classes = style.empty() ? "" : fmt::format(" class=\"{}\"", style);
  return fmt::format("<p{}>{}</p>\n", classes, html(text));
}

std::string heading(int level, std::string_view text) {
  return fmt::format("<h{}>{}</h{}>\n", level, html(text), level);
}

std::string head_cell(std::string_view text, bool number) {
  return fmt::format("<th scope=\"col\"{}>{}</th>", number ? " class=\"n\"" : "", html(text));
}

std::string table(const FigureResult& figure, const Phrases& say) {
  const std::vector<std::string>& by = figure.request.by;
  std::string out = "<div class=\"scroll\"><table class=\"rows\">\n<thead><tr>";
  for (const std::string& dimension : by) out += head_cell(dimension_title(dimension, say), false);
  out += head_cell(say.unit_heading(figure.definition.unit), true) +
         head_cell(figure.definition.unit == "%" ? say.part : say.share, true) + "</tr></thead>\n<tbody>\n";
  for (std::size_t i = 0; i < figure.rows.size() && i < kTableRows; ++i) {
    const FigureRow& row = figure.rows[i];
    out += "<tr>";
    for (std::size_t k = 0; k < by.size(); ++k) {
      const std::string cell = html(key_text(figure, row, k, say));
      out += k == 0 ? "<th scope=\"row\">" + cell + "</th>" : "<td>" + cell + "</td>";
    }
    out += fmt::format("<td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
                       value_text(row.value, figure.definition, say), share_cell(row.share, say));
  }
  out += "</tbody></table></div>\n";
  const std::string note = rows_note(figure, say);
  return note.empty() ? out : out + paragraph(note, "note");
}

std::string charts_of(const BriefSection& section, const Brief& brief, const std::string& id, const Phrases& say) {
  const FigureResult& figure = section.figure;
  const FigureDefinition& definition = figure.definition;
  const std::string title = title_of(figure, say);
  std::string out;
  const auto add = [&](const std::string& caption, const std::string& chart) {
    if (!chart.empty())
      out += fmt::format("<figure>\n<figcaption>{}</figcaption>\n{}</figure>\n", html(caption), chart);
  };
  std::vector<Bar> bars;
  for (std::size_t i = 0; i < figure.rows.size() && i < kBars; ++i) {
    const FigureRow& row = figure.rows[i];
    bars.push_back({key_text(figure, row, say), row.value,
                    definition.unit == "%" ? value_text(row.value, definition, say)
                                           : number_text(row.value, say) + " · " + share_cell(row.share, say)});
  }
  const std::string by = figure.request.by.empty() ? "" : say.lower_first(dimension_title(figure.request.by[0], say));
  add(figure.rows.size() > kBars ? said(say.by_largest, by, kBars) : said(say.by, by),
      bar_chart(bars, id + "-bars", said(say.chart_by, title, by)));
  add(std::string(say.by_day),
      trend_chart(days_of(section.trend, brief.period, brief.zone), id + "-trend", said(say.chart_by_day, title), say));
  return out;
}

std::string figure_of(const BriefSection& section, const Brief& brief, const std::string& id, const Phrases& say) {
  const FigureResult& figure = section.figure;
  const FigureDefinition& definition = figure.definition;
  std::string out = fmt::format("<div class=\"figure\">\n<h3 id=\"{}\">{}</h3>\n", id, html(title_of(figure, say)));
  const std::string change = change_text(figure.value, figure.previous, definition, say);
  out += fmt::format("<p class=\"number\"><b>{}</b> {}{}</p>\n", value_text(figure.value, definition, say),
                     html(say.unit(definition.unit, figure.value)),
                     change.empty() ? "" : "<span class=\"quiet\"> · " + html(change) + "</span>");
  out += "<p class=\"small\">" + html(text_in(definition.definition, say));
  const std::string caution = text_in(definition.caution, say);
  if (!caution.empty()) {
    out += std::string(say.sentence.between) + "<span class=\"quiet\">" + html(caution) + "</span>";
  }
  out += "</p>\n";
  if (const std::string machines = machines_text(section, say); !machines.empty()) out += paragraph(machines, "small");
  out += charts_of(section, brief, id, say);
  if (!figure.rows.empty()) out += table(figure, say);
  return out + "</div>\n";
}

std::string sections_of(const Brief& brief, const Phrases& say) {
  std::string out;
  int kinds = 0;
  int figures = 0;
  for (const KindOfSections& kind : kinds_of(brief, say)) {
    const std::string id = fmt::format("kind-{}", ++kinds);
    out += fmt::format("<section aria-labelledby=\"{}\">\n<h2 id=\"{}\">{}</h2>\n", id, id, html(kind.heading));
    for (const BriefSection* section : kind.sections) {
      out += figure_of(*section, brief, fmt::format("figure-{}", ++figures), say);
    }
    out += "</section>\n";
  }
  return out;
}

std::string map_of(const Brief& brief, const std::string& world_json, const Phrases& say) {
  const std::vector<const BriefSection*> sections = shown(brief);
  const auto mapped = std::ranges::find_if(sections, [](const BriefSection* section) {
    return section->figure.request.by.size() == 1 && is_country(section->figure.request.by[0]);
  });
  if (mapped == sections.end()) return "";
  const FigureResult& figure = (*mapped)->figure;
  const WorldMap map = world_map(figure, world_json, country_of_name(brief.constituency), "map", say);
  if (map.svg.empty()) return "";
  const std::string caption =
      said(say.map_caption, title_of(figure, say), say.lower_first(dimension_title(figure.request.by[0], say)));
  return fmt::format("<figure>\n<figcaption>{}</figcaption>\n{}{}{}\n</figure>\n", html(caption), map.svg, map.legend,
                     map.absent.empty() ? "" : paragraph(said(say.not_on_map, map.absent), "note"));
}

std::string sensitivity_of(const Brief& brief, const Phrases& say) {
  const std::vector<std::vector<std::string>> rows = sensitivity_table(brief, say);
  if (rows.empty()) return "";
  std::string out = fmt::format(
      "<section aria-labelledby=\"sensitivity\">\n<h2 id=\"sensitivity\">{}</h2>\n{}<div class=\"scroll\"><table>\n"
      "<thead><tr>",
      html(say.sensitivity), paragraph(say.sensitivity_note, "small"));
  for (std::size_t i = 0; i < rows[0].size(); ++i) out += head_cell(rows[0][i], i > 0);
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t r = 1; r < rows.size(); ++r) {
    out += "<tr><th scope=\"row\">" + html(rows[r][0]) + "</th>";
    for (std::size_t i = 1; i < rows[r].size(); ++i) out += "<td class=\"n\">" + html(rows[r][i]) + "</td>";
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n</section>\n";
}

std::string sources_of(const Brief& brief, const Phrases& say) {
  std::string out = heading(3, say.sources_heading);
  if (brief.sources.empty()) return out + paragraph(say.no_source);
  out += fmt::format(
      "<div class=\"scroll\" role=\"region\" aria-label=\"{}\" tabindex=\"0\"><table>\n<thead><tr>{}{}{}{}{}</tr>"
      "</thead>\n<tbody>\n",
      html(say.sources_heading), head_cell(say.source_and_hash, false), head_cell(say.format, false),
      head_cell(say.size, true), head_cell(say.records, true), head_cell(say.skipped, true));
  for (const SourceRecord& source : listed_sources(brief, say)) {
    out += fmt::format(
        "<tr><th scope=\"row\">{}<code>{}</code></th><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>"
        "<td class=\"n\">{}</td></tr>\n",
        html(source.name), html(source.sha256), html(source.format), with_bytes(source.bytes),
        with_thousands(static_cast<std::int64_t>(source.records)),
        with_thousands(static_cast<std::int64_t>(source.skipped)));
  }
  out += "</tbody></table></div>\n";
  if (const std::string note = sources_note(brief, say); !note.empty()) out += paragraph(note, "note");
  std::string skipped;
  for (const SourceRecord* source : sources_with_skips(brief)) {
    skipped += "<li>" + html(source->name) + std::string(say.colon) + html(skipped_text(*source, say));
    for (std::size_t i = 0; i < source->examples.size() && i < kExamples; ++i) {
      skipped += (i ? std::string(say.semicolon) : "<br><span class=\"quiet\">") +
                 html(say.skipped_example(source->examples[i]));
    }
    skipped += source->examples.empty() ? "</li>\n" : "</span></li>\n";
  }
  return out + heading(3, say.skipped_heading) +
         (skipped.empty() ? paragraph(say.nothing_skipped) : "<ul class=\"plain small\">\n" + skipped + "</ul>\n");
}

std::string basis_of(const Brief& brief, const Prose& prose, const Phrases& say) {
  std::string out = fmt::format("<section aria-labelledby=\"basis\">\n<h2 id=\"basis\">{}</h2>\n", html(say.basis));
  out += heading(3, say.methods_heading) + list(prose.methods) + heading(3, say.unseen_heading) + list(prose.unseen) +
         sources_of(brief, say) + heading(3, say.locations_heading) + list(prose.locations);
  return out + heading(3, say.ledger_heading) + "<p class=\"small\">" + html(prose.ledger) + "<br><code>" +
         html(brief.ledger.hash) + "</code></p>\n</section>\n";
}

// Makers of PDF give drawings none of the page's style, so on paper each carries its own.
std::string with_styled_drawings(const std::string& page, Language language) {
  std::string out;
  for (std::size_t at = 0;;) {
    const std::size_t svg = page.find("<svg ", at);  // never of a text: those are escaped
    const std::size_t end = svg == std::string::npos ? svg : page.find('>', svg);
    if (end == std::string::npos) return out + page.substr(at);
    out.append(page, at, end + 1 - at);
    out += fmt::format("<style>{}</style>", drawing_style(language));
    at = end + 1;
  }
}

}  // namespace

std::string to_html(const Brief& brief, const std::string& world_json, Language language, Medium medium) {
  const Phrases& say = phrases(language);
  const Prose prose = prose_of(brief, say);
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<meta name=\"generator\" content=\"Tocsin\">\n<title>{}, {}</title>\n<style>{}</style>\n</head>\n<body>\n"
      "<header>\n<h1>{}</h1>\n<p class=\"period\">{}</p>\n</header>\n<main>\n",
      say.html_language, html(prose.title), html(prose.period),
      medium == Medium::kPaper ? paper_style_sheet(say.page) : std::string(style_sheet()), html(prose.title),
      html(prose.period));
  out += paragraph(prose.headline[0], "lead");
  for (std::size_t i = 1; i < prose.headline.size() && i < kFirstPage; ++i) out += paragraph(prose.headline[i]);
  if (!prose.nothing.empty()) out += paragraph(prose.nothing, "note");
  for (const std::string& remark : prose.remarks) out += paragraph(remark);
  out += "<div class=\"caution\">\n";
  for (const std::string& caution : prose.cautions) out += paragraph(caution);
  out += "</div>\n" + map_of(brief, world_json, say) + sections_of(brief, say) + sensitivity_of(brief, say) +
         basis_of(brief, prose, say) + "</main>\n</body>\n</html>\n";
  return medium == Medium::kPaper ? with_styled_drawings(out, language) : out;
}

}  // namespace tocsin
