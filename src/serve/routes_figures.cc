// What the store holds, the catalogue, its answers.
#include <fmt/format.h>

#include "base/text.h"
#include "http/json_text.h"
#include "publish/escape.h"
#include "publish/phrases.h"
#include "serve/overview.h"
#include "serve/query.h"
#include "serve/routes.h"

namespace tocsin::serve {
namespace {

Json json_of(const SightingStore::Head& head) { return {{"sequence", head.sequence}, {"hash", head.hash}}; }

Json json_of(const Period& period) { return {{"from", format_time(period.from)}, {"to", format_time(period.to)}}; }

Response status(Context& context, const Call& call) {
  const auto extent = extent_of(context);
  if (!extent) return failed(extent.error());
  const ConstituencySpec& spec = context.constituency.spec();
  Json json{{"constituency", spec.name},
            {"countries", Json::array()},
            {"zone", context.settings.zone},
            {"version", TOCSIN_VERSION},
            {"default", json_of(extent->usual)}};
  for (const CountryCode country : spec.countries) json["countries"].push_back(country.text());
  const bool is_organisation = call.identity.role == Role::kOrganisation;
  if (call.identity.signed_in() && call.identity.role != Role::kPress) {
    json["first_seen"] = extent->seen ? Json(format_time(extent->seen->from)) : Json();
    json["last_seen"] = extent->seen ? Json(format_time(extent->seen->to - 1)) : Json();
    json["ledger"] = json_of(extent->head);
    if (!is_organisation) json["sightings"] = extent->sightings;
    json["sectors"] = Json::array();
    const auto& figures = context.catalogue.figures();
    if (!figures.empty() && figures.front().sectors) {
      for (const auto& [code, names] : *figures.front().sectors) {
        Json entry{{"code", code}};
        for (const auto& [language, name] : names) entry[language] = name;
        json["sectors"].push_back(std::move(entry));
      }
    }
    json["organisations"] = Json::array();
    for (const Organisation& entry : spec.organisations) {
      if (entry.name.empty() || (is_organisation && entry.name != call.identity.organisation)) continue;
      json["organisations"].push_back({{"name", entry.name}, {"sector", entry.sector}});
    }
  }
  return tocsin::serve::json(dumped(json));
}

Response catalogue(Context& context, const Call&) {
  Json figures = Json::array();
  for (const FigureDefinition& figure : context.catalogue.figures()) {
    figures.push_back({{"id", figure.id},
                       {"measure", figure.measure},
                       {"kinds", figure.kinds},
                       {"actor", figure.actor},
                       {"target", figure.target},
                       {"of", figure.of},
                       {"by", figure.by},
                       {"unit", figure.unit},
                       {"title", figure.title},
                       {"definition", figure.definition},
                       {"caution", figure.caution},
                       {"headline", !figure.sentence.empty()}});
  }
  Json dimensions = Json::array();
  for (const std::string& name : dimension_names()) {
    Json entry{{"name", name}};
    for (const Language language : kLanguages) {
      entry[std::string(code_of(language))] = std::string(publish::word(publish::phrases(language).dimensions, name));
    }
    dimensions.push_back(std::move(entry));
  }
  return json(dumped({{"figures", std::move(figures)}, {"dimensions", std::move(dimensions)}}));
}

Response as_csv(const FigureResult& result) {
  std::string text = "figure,from,to,confidence,unit";
  for (const std::string& dimension : result.request.by) text += "," + dimension;
  text += ",value,share\r\n";
  const std::string front = fmt::format("{},{},{},{},{}", result.definition.id, format_time(result.request.period.from),
                                        format_time(result.request.period.to), name_of(result.request.confidence),
                                        publish::csv_text(result.definition.unit));
  if (result.rows.empty()) {
    text += front + std::string(result.request.by.size(), ',') + fmt::format(",{},\r\n", result.value);
  }
  for (const FigureRow& row : result.rows) {
    text += front;
    for (const std::string& key : row.key) text += "," + publish::csv_text(key);
    text += fmt::format(",{},{}\r\n", row.value, row.share);
  }
  Response response;
  response.headers = {{"Content-Type", "text/csv; charset=utf-8"},
                      {"Content-Disposition", fmt::format("attachment; filename=\"{}.csv\"", result.definition.id)}};
  response.body = std::move(text);
  return response;
}

Expected<std::string> machines_json(Context& context, Database& database, const FigureRequest& request) {
  const auto machines = machines_behind(context.catalogue, context.store, database, request);
  if (!machines) return std::unexpected(machines.error());
  if (!machines->machines || !machines->low || !machines->high) {
    const std::string_view chinese = publish::word(publish::chinese().reasons, machines->abstained);
    return dumped({{"abstained", {{"en", machines->abstained}, {"zh", chinese}}}});
  }
  return dumped({{"machines", *machines->machines}, {"low", *machines->low}, {"high", *machines->high}});
}

Expected<std::string> answered(Context& context, const FigureRequest& request) {
  const auto database = context.databases.take();
  if (!database) return std::unexpected(database.error());
  const auto result = answer(context.catalogue, context.store, **database, request, context.settings.constituency.name);
  if (!result) return std::unexpected(result.error());
  Json json = Json::parse(to_json(*result));
  json["zone"] = request.zone;
  const auto head = context.store.head(request.sequence);
  if (!head) return std::unexpected(head.error());
  json["ledger"] = json_of(*head);
  json["machines"] = nullptr;
  if (result->definition.machines && request.only.empty()) {
    FigureRequest whole = request;  // the same whatever the rows are
    whole.by.clear();
    whole.limit = 0;
    const auto machines = cached(context, whole, "machines", [&] { return machines_json(context, **database, whole); });
    if (!machines) return std::unexpected(machines.error());
    json["machines"] = Json::parse(**machines);
  }
  return dumped(json);
}

Expected<FigureRequest> figure_request(Context& context, const Call& call) {
  auto request = request_of(context, call);
  if (!request) return request;
  request->id = call.path.at("id");
  request->by = call.all("by");
  if (request->by.size() > 3) return failure("at most three dimensions at once");
  for (const std::string& name : request->by) {
    if (std::ranges::find(dimension_names(), name) == dimension_names().end()) {
      return failure(fmt::format("'{}' is not a dimension", printable(name, 64)));
    }
  }
  if (const auto* measure = call.get("measure")) request->measure = *measure;
  request->limit = limit_of(call, 50);
  if (const auto added = add_keys(call, request->only); !added) return std::unexpected(added.error());
  // What the catalogue refuses is the client's to mend; compiling tells without asking the store.
  if (const auto compiled = compile(context.catalogue, *request, "sightings"); !compiled) {
    return std::unexpected(compiled.error());
  }
  return request;
}

Response figure(Context& context, const Call& call) {
  if (context.catalogue.find(call.path.at("id")) == nullptr)
    return problem(404, "No figure of the catalogue has this id.");
  const auto request = figure_request(context, call);
  if (!request) return refused(request.error());
  const auto* format = call.get("format");
  if (format == nullptr || *format == "json") {
    const auto answer = cached_figure(context, *request);
    return answer ? of_cache(*answer) : failed(answer.error());
  }
  FigureRequest whole = *request;
  if (call.get("limit") == nullptr) whole.limit = 0;
  const auto database = context.databases.take();
  if (!database) return failed(database.error());
  const auto result = answer(context.catalogue, context.store, **database, whole, context.settings.constituency.name);
  return result ? as_csv(*result) : failed(result.error());
}

}  // namespace

Expected<AnswerCache::Answer> cached_figure(Context& context, const FigureRequest& request) {
  return cached(context, request, "figure", [&] { return answered(context, request); });
}

void add_figure_routes(Router& router, Context& context) {
  router.add({.method = "GET",
              .path = "/api/v1/status",
              .access = Access::kPublic,
              .summary = "Whom this server is for, and what its store holds; less for those who are not signed in",
              .answers = {{.schema = "Status"}},
              .handler = bound(context, status)});
  router.add({.method = "GET",
              .path = "/api/v1/figures",
              .access = Access::kOrganisation,
              .summary = "The catalogue: every figure with its definition and caution, and the dimensions",
              .answers = {{.schema = "Catalogue"}},
              .handler = bound(context, catalogue)});
  std::vector<Parameter> parameters = period_parameters();
  parameters.push_back(text_parameter("id", "The figure: botnet.controlled-hosts", 100));
  parameters.push_back({.name = "by",
                        .description = "A dimension of the rows, such as actor-country; up to three",
                        .schema = R"({"type":"string","maxLength":40,"pattern":"^[a-z-]+$"})",
                        .repeated = true});
  parameters.push_back(
      choice_parameter("measure", "Another measure than the figure's own",
                       {"distinct-actors", "distinct-targets", "sightings", "attempts", "share", "monthly-mean"}));
  parameters.push_back(key_parameter());
  parameters.push_back(limit_parameter(50, 10'000));
  parameters.push_back(choice_parameter("format", "json (default) or csv, which has every row", {"json", "csv"}));
  router.add({.method = "GET",
              .path = "/api/v1/figures/{id}",
              .access = Access::kOrganisation,
              .summary = "One figure over a period; an organisation's counts what touches it",
              .parameters = std::move(parameters),
              .answers = {{.schema = "Figure"}, {.media = "text/csv"}},
              .handler = bound(context, figure)});
  router.add({.method = "GET",
              .path = "/api/v1/overview",
              .access = Access::kAnalyst,
              .summary = "The headline figures of a period, where attacks came from, and what is new",
              .parameters = period_parameters(),
              .answers = {{.schema = "Overview"}},
              .handler = [&context](const Call& call) {
                const auto request = request_of(context, call);
                if (!request) return refused(request.error());
                const auto answer = cached_overview(context, *request);
                return answer ? of_cache(*answer) : failed(answer.error());
              }});
}

}  // namespace tocsin::serve
