// Reads a brief's JSON back. It may have been changed by anyone: each value is checked before it is used, and what is
// wrong is told with its path.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/text.h"
#include "publish/ask.h"

namespace tocsin::publish {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostFigures = 10'000;

// Thrown and caught in this file only.
struct Malformed : std::runtime_error {
  Malformed(const std::string& where, const std::string& what)
      : std::runtime_error(fmt::format("{}: {}", where, what)) {}
};

const Json& member(const Json& object, const std::string& key, const std::string& where) {
  if (!object.is_object()) throw Malformed(where.empty() ? "the brief" : where, "an object was expected");
  const auto found = object.find(key);
  if (found == object.end()) throw Malformed(where.empty() ? key : where + "." + key, "is missing");
  return *found;
}

std::string path_of(const std::string& where, const std::string& key) {
  return where.empty() ? key : where + "." + key;
}

std::string text(const Json& object, const std::string& key, const std::string& where) {
  const Json& value = member(object, key, where);
  if (!value.is_string()) throw Malformed(path_of(where, key), "a text was expected");
  return value.get<std::string>();
}

double real(const Json& object, const std::string& key, const std::string& where) {
  const Json& value = member(object, key, where);
  if (!value.is_number()) throw Malformed(path_of(where, key), "a number was expected");
  return value.get<double>();
}

std::uint64_t whole(const Json& object, const std::string& key, const std::string& where) {
  const Json& value = member(object, key, where);
  if (!value.is_number_unsigned()) throw Malformed(path_of(where, key), "a whole number from 0 was expected");
  return value.get<std::uint64_t>();
}

const Json& array(const Json& object, const std::string& key, const std::string& where) {
  const Json& value = member(object, key, where);
  if (!value.is_array()) throw Malformed(path_of(where, key), "an array was expected");
  return value;
}

std::vector<std::string> texts(const Json& object, const std::string& key, const std::string& where) {
  std::vector<std::string> out;
  for (const Json& item : array(object, key, where)) {
    if (!item.is_string())
      throw Malformed(fmt::format("{}[{}]", path_of(where, key), out.size()), "a text was expected");
    out.push_back(item.get<std::string>());
  }
  return out;
}

Timestamp time_or(const Json& period, const std::string& key, Timestamp open) {
  const Json& value = member(period, key, "period");
  if (value.is_null()) return open;
  const auto time = parse_time(text(period, key, "period"));
  if (!time) throw Malformed("period." + key, time.error().message);
  return *time;
}

ParsedFigure figure_of(const Json& json, const std::string& where) {
  ParsedFigure figure;
  figure.id = text(json, "figure", where);
  figure.by = texts(json, "by", where);
  figure.limit = whole(json, "limit", where);
  figure.value = real(json, "value", where);
  if (!member(json, "previous", where).is_null()) figure.previous = real(json, "previous", where);
  for (const Json& item : array(json, "rows", where)) {
    const std::string at = fmt::format("{}.rows[{}]", where, figure.rows.size());
    ParsedRow row;
    const Json& key = member(item, "key", at);
    for (const std::string& dimension : figure.by) row.key.push_back(text(key, dimension, at + ".key"));
    row.value = real(item, "value", at);
    row.share = real(item, "share", at);
    if (row.share < 0) throw Malformed(at + ".share", "a number from 0 was expected");
    figure.rows.push_back(std::move(row));
  }
  for (const Json& item : array(json, "trend", where)) {
    const std::string at = fmt::format("{}.trend[{}]", where, figure.trend.size());
    figure.trend.push_back({{text(item, "day", at)}, real(item, "value", at), -1});
  }
  return figure;
}

ParsedBrief brief_of(const Json& json) {
  ParsedBrief brief;
  if (const std::string schema = text(json, "schema", ""); schema != "tocsin-brief-1") {
    throw Malformed("schema", fmt::format("\"tocsin-brief-1\" was expected, not \"{}\"", printable(schema, 60)));
  }
  brief.constituency = text(json, "constituency", "");
  const Json& period = member(json, "period", "");
  brief.period.from = time_or(period, "from", Period{}.from);
  brief.period.to = time_or(period, "to", Period{}.to);
  if (brief.period.from >= brief.period.to) throw Malformed("period", "its end must be after its start");
  brief.zone = text(period, "zone", "period");
  const auto confidence = confidence_of(text(json, "confidence", ""));
  if (!confidence) throw Malformed("confidence", confidence.error().message);
  brief.confidence = *confidence;
  const Json& ledger = member(json, "ledger", "");
  brief.ledger.sequence = whole(ledger, "sequence", "ledger");
  brief.ledger.hash = text(ledger, "hash", "ledger");
  brief.headline = texts(json, "headline", "");
  if (json.contains("headlines")) {
    const Json& languages = json.at("headlines");
    if (!languages.is_object() || languages.size() > 100)
      throw Malformed("headlines", "texts by language were expected");
    for (const auto& item : languages.items()) brief.headlines[item.key()] = texts(languages, item.key(), "headlines");
  }
  const Json& figures = array(json, "figures", "");
  if (figures.size() > kMostFigures) throw Malformed("figures", "more than any catalogue has");
  for (const Json& figure : figures) {
    brief.figures.push_back(figure_of(figure, fmt::format("figures[{}]", brief.figures.size())));
  }
  return brief;
}

}  // namespace

Expected<ParsedBrief> parse_brief(const std::string& text) {
  try {
    return brief_of(Json::parse(text));
  } catch (const Json::parse_error& error) {
    return failure(fmt::format("this is not JSON: damaged at byte {}", error.byte));
  } catch (const std::exception& error) {
    return failure(fmt::format("this is not a brief of tocsin report: {}", printable(error.what(), 400)));
  }
}

}  // namespace tocsin::publish
