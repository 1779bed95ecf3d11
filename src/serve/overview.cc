#include "serve/overview.h"

#include <algorithm>
#include <map>
#include <set>

#include "figures/plan.h"
#include "http/json_text.h"
#include "serve/query.h"

namespace tocsin::serve {
namespace {

class Asker {
 public:
  Asker(Context& context, const FigureRequest& request, Database& database)
      : context_(context), request_(request), database_(database) {}

  Expected<FigureResult> ask(const std::string& id, std::vector<std::string> by, std::uint64_t limit,
                             const Period* period = nullptr) {
    FigureRequest request = request_;
    request.id = id;
    request.by = std::move(by);
    request.limit = limit;
    if (period != nullptr) request.period = *period;
    return answer(context_.catalogue, context_.store, database_, request, context_.settings.constituency.name);
  }

 private:
  Context& context_;
  const FigureRequest& request_;
  Database& database_;
};

// Points enough for a line, and not more than a line can show.
std::string trend_unit(const Period& period) {
  const Timestamp days = (period.to - period.from) / kDay;
  return days <= 92 ? "day" : days <= 750 ? "week" : "month";
}

Expected<Json> headline(Asker& asker, const FigureDefinition& definition, const Period& period) {
  const std::string unit = trend_unit(period);
  const std::string by = definition.by.empty() ? "" : definition.by.front();
  const auto total = asker.ask(definition.id, by.empty() ? std::vector<std::string>{} : std::vector{by}, 10);
  if (!total) return std::unexpected(total.error());
  const auto trend = asker.ask(definition.id, {unit}, 0);
  if (!trend) return std::unexpected(trend.error());
  Json json{{"id", definition.id},
            {"value", total->value},
            {"previous", nullptr},
            {"unit", definition.unit},
            {"trend_by", unit},
            {"trend", Json::array()},
            {"by", by},
            {"top", Json::array()}};
  if (total->previous) json["previous"] = *total->previous;
  std::map<std::string, double> points;
  for (const FigureRow& row : trend->rows) points[row.key.front()] = row.value;
  for (const auto& [at, value] : points) json["trend"].push_back({{"at", at}, {"value", value}});
  if (!by.empty()) {
    for (const FigureRow& row : total->rows) {
      json["top"].push_back({{"key", row.key.front()}, {"value", row.value}, {"share", row.share}});
    }
  }
  return json;
}

// Countries of the actors overseas, by kind and over all kinds.
Expected<Json> origins(Asker& asker) {
  std::map<std::string, std::map<std::string, Json>> by_kind;  // kind, country
  const auto take = [&](const char* id, const char* name, bool every_kind) -> Expected<void> {
    const auto result = asker.ask(
        id, every_kind ? std::vector<std::string>{"actor-country"} : std::vector<std::string>{"kind", "actor-country"},
        0);
    if (!result) return std::unexpected(result.error());
    for (const FigureRow& row : result->rows) {
      if (row.key.back().empty()) continue;
      Json& entry = by_kind[every_kind ? "all" : row.key.front()][row.key.back()];
      if (entry.is_null()) entry = {{"country", row.key.back()}, {"actors", 0}, {"targets", 0}, {"sightings", 0}};
      entry[name] = row.value;
    }
    return {};
  };
  for (const auto& [id, name] :
       {std::pair("any.overseas-actors", "actors"), std::pair("any.overseas-targets", "targets"),
        std::pair("any.overseas-sightings", "sightings")}) {
    for (const bool every_kind : {false, true}) {
      if (const auto taken = take(id, name, every_kind); !taken) return std::unexpected(taken.error());
    }
  }
  Json json = Json::object();
  for (auto& [kind, countries] : by_kind) {
    std::vector<Json> list;
    for (auto& [country, entry] : countries) list.push_back(std::move(entry));
    std::ranges::stable_sort(list, [](const Json& a, const Json& b) { return a["actors"] > b["actors"]; });
    json[kind] = std::move(list);
  }
  return json;
}

// Codes that the period has and the one before has not, the most seen first.
Expected<Json> news(Asker& asker, const Period& before) {
  constexpr std::size_t kMost = 8;
  Json json = Json::array();
  for (const char* dimension : {"family", "cve", "actor-country", "group"}) {
    const auto now = asker.ask("any.sightings", {dimension, "kind"}, 0);
    if (!now) return std::unexpected(now.error());
    const auto then = asker.ask("any.sightings", {dimension}, 0, &before);
    if (!then) return std::unexpected(then.error());
    std::set<std::string> known;
    for (const FigureRow& row : then->rows) known.insert(row.key.front());
    std::size_t listed = 0;
    std::set<std::string> told;
    for (const FigureRow& row : now->rows) {
      if (row.key.front().empty() || known.contains(row.key.front()) || !told.insert(row.key.front()).second) continue;
      if (++listed > kMost) break;
      json.push_back(
          {{"what", dimension}, {"key", row.key.front()}, {"kind", row.key.back()}, {"sightings", row.value}});
    }
  }
  return json;
}

}  // namespace

Expected<std::string> overview(Context& context, const FigureRequest& request) {
  const auto database = context.databases.take();
  if (!database) return std::unexpected(database.error());
  const auto head = context.store.head(request.sequence);
  if (!head) return std::unexpected(head.error());
  const auto before = figures::period_before(request.period, request.zone);
  if (!before) return std::unexpected(before.error());
  Asker asker(context, request, **database);
  Json json{{"from", format_time(request.period.from)},
            {"to", format_time(request.period.to)},
            {"zone", request.zone},
            {"previous", {{"from", format_time(before->from)}, {"to", format_time(before->to)}}},
            {"ledger", {{"sequence", head->sequence}, {"hash", head->hash}}},
            {"figures", Json::array()}};
  for (const FigureDefinition& definition : context.catalogue.figures()) {
    if (definition.sentence.empty()) continue;
    auto figure = headline(asker, definition, request.period);
    if (!figure) return std::unexpected(figure.error());
    json["figures"].push_back(std::move(*figure));
  }
  auto from = origins(asker);
  if (!from) return std::unexpected(from.error());
  json["origins"] = std::move(*from);
  auto recent = news(asker, *before);
  if (!recent) return std::unexpected(recent.error());
  json["new"] = std::move(*recent);
  return dumped(json);
}

Expected<AnswerCache::Answer> cached_overview(Context& context, const FigureRequest& request) {
  return cached(context, request, "overview", [&] { return overview(context, request); });
}

}  // namespace tocsin::serve
