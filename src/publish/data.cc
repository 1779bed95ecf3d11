// The brief for machines: JSON (docs/brief.schema.json) and CSV.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "publish/calendar.h"
#include "publish/escape.h"
#include "publish/prose.h"
#include "publish/report.h"
#include "publish/sentence.h"
#include "publish/words.h"

namespace tocsin {
namespace {

using namespace publish;
using Json = nlohmann::ordered_json;

// Counts are whole numbers and stay so.
Json number(double value) {
  if (std::isfinite(value) && value == std::floor(value) && std::abs(value) <= 9007199254740992.0) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

std::vector<FigureRow> by_day(std::vector<FigureRow> trend) {
  std::ranges::sort(trend, {}, &FigureRow::key);
  return trend;
}

// A text in every language.
template <typename Text>
Json in_languages(Text text) {
  Json json = Json::object();
  for (const Language language : kLanguages) json[std::string(code_of(language))] = text(phrases(language));
  return json;
}

Json figure_json(const BriefSection& section) {
  const FigureResult& figure = section.figure;
  const FigureDefinition& definition = figure.definition;
  Json json;
  json["figure"] = definition.id;
  json["title"] = title_of(figure, english());
  json["titles"] = in_languages([&](const Phrases& say) { return title_of(figure, say); });
  json["sentence"] = figure.value > 0 ? Json(sentence(figure, english())) : Json();
  json["sentences"] =
      figure.value > 0 ? in_languages([&](const Phrases& say) { return sentence(figure, say); }) : Json();
  json["definition"] = text_in(definition.definition, english());
  json["definitions"] = in_languages([&](const Phrases& say) { return text_in(definition.definition, say); });
  json["caution"] = text_in(definition.caution, english());
  json["cautions"] = in_languages([&](const Phrases& say) { return text_in(definition.caution, say); });
  json["measure"] = figure.definition.measure;
  json["unit"] = figure.definition.unit;
  json["value"] = number(figure.value);
  json["previous"] = figure.previous ? number(*figure.previous) : Json();
  json["by"] = figure.request.by;
  json["limit"] = figure.request.limit;
  json["rows"] = Json::array();
  for (const FigureRow& row : figure.rows) {
    Json key = Json::object();
    for (std::size_t i = 0; i < row.key.size() && i < figure.request.by.size(); ++i) {
      key[figure.request.by[i]] = row.key[i];
    }
    json["rows"].push_back({{"key", std::move(key)}, {"value", number(row.value)}, {"share", row.share}});
  }
  json["overlap"] = figure.overlap;
  json["trend"] = Json::array();
  for (const FigureRow& row : by_day(section.trend)) {
    json["trend"].push_back({{"day", row.key.empty() ? "" : row.key[0]}, {"value", number(row.value)}});
  }
  if (section.machines) {
    const MachinesNote& note = *section.machines;
    const auto estimate = [&](double value) { return note.abstained.empty() ? number(value) : Json(); };
    json["machines"] = {{"machines", estimate(note.machines)},
                        {"low", estimate(note.low)},
                        {"high", estimate(note.high)},
                        {"abstained", note.abstained}};
  }
  return json;
}

Json sensitivity_json(const SensitivityRow& row) {
  const auto value = [](const std::optional<double>& given) { return given ? number(*given) : Json(); };
  Json json;
  json["figure"] = row.figure;
  json["value"] = number(row.value);
  json["with_other_location"] = value(row.with_other_location);
  json["without_relays"] = value(row.without_relays);
  json["with_suspected"] = value(row.with_suspected);
  return json;
}

Json source_json(const SourceRecord& source) {
  Json json;
  json["id"] = source.id;
  json["name"] = source.name;
  json["format"] = source.format;
  json["sha256"] = source.sha256;
  json["bytes"] = source.bytes;
  json["records"] = source.records;
  json["skipped"] = source.skipped;
  json["skipped_by_reason"] = Json::object();
  for (const auto& [reason, count] : source.skipped_by_reason) json["skipped_by_reason"][reason] = count;
  json["examples"] = source.examples;
  return json;
}

struct Line {
  std::string_view dimension, key;
  double value;
  std::string share;
};

void add_line(std::string& out, const FigureResult& figure, const Line& line) {
  out += fmt::format("{},{},{},{},{},{},{}\r\n", csv_text(figure.definition.id), csv_text(line.dimension),
                     csv_text(line.key), number(line.value).dump(), line.share, csv_text(title_of(figure, english())),
                     csv_text(title_of(figure, chinese())));
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) out += (i ? " / " : "") + parts[i];
  return out;
}

}  // namespace

std::string to_json(const Brief& brief) {
  const Prose prose = prose_of(brief, english());
  Json json;
  json["schema"] = "tocsin-brief-1";
  json["language"] = "en";
  json["title"] = prose.title;
  json["titles"] = in_languages([&](const Phrases& say) { return prose_of(brief, say).title; });
  json["constituency"] = brief.constituency;
  json["period"] = {{"from", has_start(brief.period) ? Json(format_time(brief.period.from)) : Json()},
                    {"to", has_end(brief.period) ? Json(format_time(brief.period.to)) : Json()},
                    {"zone", brief.zone}};
  json["confidence"] = name_of(brief.confidence);
  json["made"] = format_time(brief.made);
  json["ledger"] = {{"sequence", brief.ledger.sequence}, {"hash", brief.ledger.hash}};
  json["headline"] = prose.headline;
  json["headlines"] = in_languages([&](const Phrases& say) { return prose_of(brief, say).headline; });
  if (!brief.remarks.empty()) {
    json["remarks"] = in_languages([&](const Phrases& say) { return prose_of(brief, say).remarks; });
  }
  json["figures"] = Json::array();
  for (const BriefSection& section : brief.sections) json["figures"].push_back(figure_json(section));
  if (!brief.sensitivity.empty()) {
    json["sensitivity"] = Json::array();
    for (const SensitivityRow& row : brief.sensitivity) json["sensitivity"].push_back(sensitivity_json(row));
  }
  json["cautions"] = prose.cautions;
  json["methods"] = prose.methods;
  json["not_seen"] = prose.unseen;
  json["sources"] = Json::array();
  for (const SourceRecord& source : brief.sources) json["sources"].push_back(source_json(source));
  json["location_databases"] = brief.location_databases;
  json["credits"] = prose.credits;
  // Text that is not UTF-8 must not stop a brief: what is wrong of it becomes U+FFFD.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string to_csv(const Brief& brief) {
  std::string out = "figure,dimension,key,value,share,title_en,title_zh\r\n";
  for (const BriefSection& section : brief.sections) {
    const FigureResult& figure = section.figure;
    add_line(out, figure, {"total", "", figure.value, ""});
    if (figure.previous) add_line(out, figure, {"period before", "", *figure.previous, ""});
    const std::string by = joined(figure.request.by);
    for (const FigureRow& row : figure.rows) {
      add_line(out, figure, {by, joined(row.key), row.value, fmt::format("{:.6g}", row.share)});
    }
    for (const FigureRow& row : by_day(section.trend)) add_line(out, figure, {"day", joined(row.key), row.value, ""});
  }
  return out;
}

}  // namespace tocsin
