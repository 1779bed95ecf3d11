#include "serve/overview.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "figures/answer_all.h"
#include "figures/plan.h"
#include "http/json_text.h"
#include "serve/query.h"

namespace tocsin::serve {
namespace {

constexpr std::array kOrigins = {std::pair("any.overseas-actors", "actors"),
                                 std::pair("any.overseas-targets", "targets"),
                                 std::pair("any.overseas-sightings", "sightings")};
constexpr std::array kNews = {"family", "cve", "actor-country", "group"};

// Points enough for a line, and not more than a line can show.
std::string trend_unit(const Period& period) {
  const Timestamp days = (period.to - period.from) / kDay;
  return days <= 92 ? "day" : days <= 750 ? "week" : "month";
}

std::vector<std::string> first_of(const FigureDefinition& definition) {
  return definition.by.empty() ? std::vector<std::string>{} : std::vector{definition.by.front()};
}

// The answers that an overview is made of, counted in one pass.
class Answers {
 public:
  static Expected<Answers> of(Context& context, const FigureRequest& request, const Period& before) {
    Answers answers;
    std::vector<FigureRequest> requests;
    const auto add = [&](const std::string& id, std::vector<std::string> by, std::uint64_t limit, bool is_before) {
      if (!answers.places_.emplace(Name{id, by, is_before}, requests.size()).second) return;
      FigureRequest& one = requests.emplace_back(request);
      one.id = id;
      one.by = std::move(by);
      one.limit = limit;
      one.rows_only = is_before;
      if (is_before) one.period = before;
    };
    for (const FigureDefinition& definition : context.catalogue.figures()) {
      if (definition.sentence.empty()) continue;
      add(definition.id, first_of(definition), 10, false);
      add(definition.id, {trend_unit(request.period)}, 0, false);
    }
    for (const auto& [id, name] : kOrigins) {
      add(id, {"kind", "actor-country"}, 0, false);
      add(id, {"actor-country"}, 0, false);
    }
    for (const char* dimension : kNews) {
      add("any.sightings", {dimension, "kind"}, 0, false);
      add("any.sightings", {dimension}, 0, true);
    }
    const auto database = context.databases.take();
    if (!database) return std::unexpected(database.error());
    auto results =
        answer_all(context.catalogue, context.store, **database, requests, context.settings.constituency.name);
    if (!results) return std::unexpected(results.error());
    for (auto& result : *results) {
      if (!result) return std::unexpected(result.error());
      answers.results_.push_back(std::move(*result));
    }
    return answers;
  }
  const FigureResult& get(const std::string& id, const std::vector<std::string>& by, bool is_before = false) const {
    return results_[places_.at(Name{id, by, is_before})];
  }

 private:
  using Name = std::tuple<std::string, std::vector<std::string>, bool>;
  std::map<Name, std::size_t> places_;
  std::vector<FigureResult> results_;
};

Json headline(const Answers& answers, const FigureDefinition& definition, const Period& period) {
  const std::string unit = trend_unit(period);
  const FigureResult& total = answers.get(definition.id, first_of(definition));
  const FigureResult& trend = answers.get(definition.id, {unit});
  Json json{{"id", definition.id},
            {"value", total.value},
            {"previous", nullptr},
            {"unit", definition.unit},
            {"trend_by", unit},
            {"trend", Json::array()},
            {"by", definition.by.empty() ? "" : definition.by.front()},
            {"top", Json::array()}};
  if (total.previous) json["previous"] = *total.previous;
  std::map<std::string, double> points;
  for (const FigureRow& row : trend.rows) points[row.key.front()] = row.value;
  for (const auto& [at, value] : points) json["trend"].push_back({{"at", at}, {"value", value}});
  if (!definition.by.empty()) {
    for (const FigureRow& row : total.rows) {
      json["top"].push_back({{"key", row.key.front()}, {"value", row.value}, {"share", row.share}});
    }
  }
  return json;
}

// Countries of the actors overseas, by kind and over all kinds.
Json origins(const Answers& answers) {
  std::map<std::string, std::map<std::string, Json>> by_kind;  // kind, country
  const auto take = [&](const FigureResult& result, const char* name) {
    for (const FigureRow& row : result.rows) {
      if (row.key.back().empty()) continue;
      Json& entry = by_kind[row.key.size() == 1 ? "all" : row.key.front()][row.key.back()];
      if (entry.is_null()) entry = {{"country", row.key.back()}, {"actors", 0}, {"targets", 0}, {"sightings", 0}};
      entry[name] = row.value;
    }
  };
  for (const auto& [id, name] : kOrigins) {
    take(answers.get(id, {"kind", "actor-country"}), name);
    take(answers.get(id, {"actor-country"}), name);
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
Json news(const Answers& answers) {
  constexpr std::size_t kMost = 8;
  Json json = Json::array();
  for (const char* dimension : kNews) {
    const FigureResult& now = answers.get("any.sightings", {dimension, "kind"});
    const FigureResult& then = answers.get("any.sightings", {dimension}, true);
    std::set<std::string> known;
    for (const FigureRow& row : then.rows) known.insert(row.key.front());
    std::size_t listed = 0;
    std::set<std::string> told;
    for (const FigureRow& row : now.rows) {
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
  const auto head = context.store.head(request.sequence);
  if (!head) return std::unexpected(head.error());
  const auto before = figures::period_before(request.period, request.zone);
  if (!before) return std::unexpected(before.error());
  FigureRequest at_head = request;
  at_head.sequence = head->sequence;
  const auto answers = Answers::of(context, at_head, *before);
  if (!answers) return std::unexpected(answers.error());
  Json json{{"from", format_time(request.period.from)},
            {"to", format_time(request.period.to)},
            {"zone", request.zone},
            {"previous", {{"from", format_time(before->from)}, {"to", format_time(before->to)}}},
            {"ledger", {{"sequence", head->sequence}, {"hash", head->hash}}},
            {"figures", Json::array()}};
  for (const FigureDefinition& definition : context.catalogue.figures()) {
    if (definition.sentence.empty()) continue;
    json["figures"].push_back(headline(*answers, definition, request.period));
  }
  json["origins"] = origins(*answers);
  json["new"] = news(*answers);
  return dumped(json);
}

Expected<AnswerCache::Answer> cached_overview(Context& context, const FigureRequest& request) {
  return cached(context, request, "overview", [&] { return overview(context, request); });
}

}  // namespace tocsin::serve
