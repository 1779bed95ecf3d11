// The brief as one HTML page: nothing is loaded, nothing runs.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
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

std::string list(const std::vector<std::string>& items, std::string_view style) {
  std::string out = fmt::format("<ul class=\"{}\">\n", style);
  for (const std::string& item : items) out += "<li>" + html(item) + "</li>\n";
  return out + "</ul>\n";
}

std::string table(const FigureResult& figure) {
  const std::vector<std::string>& by = figure.request.by;
  std::string out = "<div class=\"scroll\"><table class=\"rows\">\n<thead><tr>";
  for (const std::string& dimension : by) out += "<th scope=\"col\">" + html(dimension_title(dimension)) + "</th>";
  const std::string unit = figure.definition.unit == "%" ? "Share" : figure.definition.unit;
  std::string heading = unit.empty() ? "Number" : unit;
  if (heading[0] >= 'a' && heading[0] <= 'z') heading[0] = static_cast<char>(heading[0] - 32);
  out += "<th scope=\"col\" class=\"n\">" + html(heading) + "</th><th scope=\"col\" class=\"n\">" +
         (figure.definition.unit == "%" ? "Part" : "Share") + "</th></tr></thead>\n<tbody>\n";
  for (std::size_t i = 0; i < figure.rows.size() && i < kTableRows; ++i) {
    const FigureRow& row = figure.rows[i];
    out += "<tr>";
    for (std::size_t k = 0; k < by.size(); ++k) {
      const std::string cell = html(key_text(by[k], k < row.key.size() ? row.key[k] : ""));
      out += k == 0 ? "<th scope=\"row\">" + cell + "</th>" : "<td>" + cell + "</td>";
    }
    out += fmt::format("<td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
                       value_text(row.value, figure.definition), share_cell(row.share));
  }
  out += "</tbody></table></div>\n";
  const std::string note = rows_note(figure);
  return note.empty() ? out : out + "<p class=\"note\">" + html(note) + "</p>\n";
}

std::string section_of(const BriefSection& section, const Brief& brief, const std::string& id) {
  const FigureResult& figure = section.figure;
  const FigureDefinition& definition = figure.definition;
  const std::string title = title_of(figure);
  std::string out = fmt::format("<section aria-labelledby=\"{}\">\n<h2 id=\"{}\">{}</h2>\n", id, id, html(title));
  const std::string unit = definition.unit == "%" ? ""
                           : figure.value == 1    ? singular(definition.unit)
                                                  : printable(definition.unit, 60);
  const std::string change = change_text(figure.value, figure.previous, definition);
  out += fmt::format("<p class=\"number\"><b>{}</b> {}{}</p>\n", value_text(figure.value, definition), html(unit),
                     change.empty() ? "" : "<span class=\"quiet\"> · " + html(change) + "</span>");
  out += "<p class=\"small\">" + html(english(definition.definition));
  const std::string caution = english(definition.caution);
  if (!caution.empty()) out += " <span class=\"quiet\">" + html(caution) + "</span>";
  out += "</p>\n";

  std::vector<Bar> bars;
  for (std::size_t i = 0; i < figure.rows.size() && i < kBars; ++i) {
    const FigureRow& row = figure.rows[i];
    bars.push_back({key_text(figure, row), row.value,
                    definition.unit == "%" ? value_text(row.value, definition)
                                           : number_text(row.value) + " · " + share_cell(row.share)});
  }
  const std::string by = figure.request.by.empty() ? "" : lower(dimension_title(figure.request.by[0]));
  if (const std::string chart = bar_chart(bars, id + "-bars", title + " by " + by); !chart.empty()) {
    out += fmt::format("<figure>\n<figcaption>By {}{}</figcaption>\n{}</figure>\n", html(by),
                       figure.rows.size() > kBars ? fmt::format(", the {} largest", kBars) : "", chart);
  }
  const std::vector<DayValue> days = days_of(section.trend, brief.period, brief.zone);
  if (const std::string chart = trend_chart(days, id + "-trend", title + " by day"); !chart.empty()) {
    out += "<figure>\n<figcaption>By day</figcaption>\n" + chart + "</figure>\n";
  }
  if (!figure.rows.empty()) out += table(figure);
  return out + "</section>\n";
}

std::string sources_of(const Brief& brief) {
  std::string out = "<h3>Sources</h3>\n";
  if (brief.sources.empty()) return out + "<p>No source was read.</p>\n";
  out +=
      "<div class=\"scroll\" role=\"region\" aria-label=\"Sources\" tabindex=\"0\"><table>\n<thead><tr>"
      "<th scope=\"col\">Source and SHA-256</th><th scope=\"col\">Format</th><th scope=\"col\" class=\"n\">Size</th>"
      "<th scope=\"col\" class=\"n\">Records</th><th scope=\"col\" class=\"n\">Skipped</th></tr></thead>\n<tbody>\n";
  for (const SourceRecord& source : brief.sources) {
    out += fmt::format(
        "<tr><th scope=\"row\">{}<code>{}</code></th><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>"
        "<td class=\"n\">{}</td></tr>\n",
        html(source.name), html(source.sha256), html(source.format), with_bytes(source.bytes),
        with_thousands(static_cast<std::int64_t>(source.records)),
        with_thousands(static_cast<std::int64_t>(source.skipped)));
  }
  out += "</tbody></table></div>\n";
  std::string skipped;
  for (const SourceRecord& source : brief.sources) {
    if (!source.skipped) continue;
    skipped += "<li>" + html(source.name) + ": " + html(skipped_text(source));
    for (std::size_t i = 0; i < source.examples.size() && i < kExamples; ++i) {
      skipped += (i ? "; " : "<br><span class=\"quiet\">") + html(source.examples[i]);
    }
    skipped += source.examples.empty() ? "</li>\n" : "</span></li>\n";
  }
  return out + "<h3>What was skipped</h3>\n" +
         (skipped.empty() ? "<p>No record of these sources was skipped.</p>\n"
                          : "<ul class=\"plain small\">\n" + skipped + "</ul>\n");
}

}  // namespace

std::string to_html(const Brief& brief, const std::string& world_json) {
  const Prose prose = prose_of(brief);
  const std::vector<const BriefSection*> sections = shown(brief);
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<meta name=\"generator\" content=\"Tocsin\">\n<title>{}, {}</title>\n<style>{}</style>\n</head>\n<body>\n"
      "<header>\n<h1>{}</h1>\n<p class=\"period\">{}</p>\n</header>\n<main>\n",
      html(prose.title), html(prose.period), style_sheet(), html(prose.title), html(prose.period));

  out += "<p class=\"lead\">" + html(prose.headline[0]) + "</p>\n";
  if (prose.headline.size() > 1) {
    out += list({prose.headline.begin() + 1, prose.headline.end()}, "headline");
  }
  if (!prose.nothing.empty()) out += "<p class=\"note\">" + html(prose.nothing) + "</p>\n";
  out += "<div class=\"caution\">\n";
  for (const std::string& caution : prose.cautions) out += "<p>" + html(caution) + "</p>\n";
  out += "</div>\n";

  const auto mapped = std::ranges::find_if(sections, [](const BriefSection* section) {
    return section->figure.request.by.size() == 1 && is_country(section->figure.request.by[0]);
  });
  if (mapped != sections.end()) {
    const FigureResult& figure = (*mapped)->figure;
    const WorldMap map = world_map(figure, world_json, country_of_name(brief.constituency), "map");
    if (!map.svg.empty()) {
      out += "<figure>\n<figcaption>" + html(title_of(figure)) + ", by " +
             html(lower(dimension_title(figure.request.by[0]))) + "</figcaption>\n" + map.svg + map.legend +
             (map.absent.empty() ? "" : "<p class=\"note\">Not on the map: " + html(map.absent) + ".</p>") +
             "\n</figure>\n";
    }
  }
  for (std::size_t i = 0; i < sections.size(); ++i)
    out += section_of(*sections[i], brief, fmt::format("figure-{}", i + 1));

  out += "<section aria-labelledby=\"basis\">\n<h2 id=\"basis\">What these figures rest on</h2>\n<h3>Methods</h3>\n" +
         list(prose.methods, "plain small") + "<h3>What is not seen</h3>\n" + list(prose.unseen, "plain small") +
         sources_of(brief) + "<h3>Locations</h3>\n" + list(prose.locations, "plain small");
  out += "<h3>Ledger</h3>\n<p class=\"small\">" + html(prose.ledger) + "<br><code>" + html(brief.ledger.hash) +
         "</code></p>\n</section>\n</main>\n";
  return out + "</body>\n</html>\n";
}

}  // namespace tocsin
