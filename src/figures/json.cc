#include <cmath>
#include <nlohmann/json.hpp>

#include "figures/plan.h"

namespace tocsin {
namespace {

using Json = nlohmann::ordered_json;

// Counts are whole numbers and stay so.
Json number(double value) {
  if (std::isfinite(value) && value == std::floor(value) && std::abs(value) <= 9007199254740992.0) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

}  // namespace

std::string to_json(const FigureResult& result) {
  const FigureRequest& request = result.request;
  Json json;
  json["figure"] = result.definition.id;
  json["from"] = figures::has_start(request.period) ? Json(format_time(request.period.from)) : Json();
  json["to"] = figures::has_end(request.period) ? Json(format_time(request.period.to)) : Json();
  json["constituency"] = result.constituency;
  json["confidence"] = name_of(request.confidence);
  json["unit"] = result.definition.unit;
  json["value"] = number(result.value);
  json["previous"] = result.previous ? number(*result.previous) : Json();
  json["by"] = request.by;
  json["rows"] = Json::array();
  for (const FigureRow& row : result.rows) {
    Json key = Json::object();
    for (std::size_t i = 0; i < row.key.size() && i < request.by.size(); ++i) key[request.by[i]] = row.key[i];
    json["rows"].push_back({{"key", std::move(key)}, {"value", number(row.value)}, {"share", row.share}});
  }
  json["overlap"] = result.overlap;
  json["skipped"] = result.skipped;
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace tocsin
