#include "serve/openapi.h"

#include <algorithm>

#include "accounts/session_cookie.h"
#include "base/text.h"
#include "http/json_text.h"
#include "http/status_text.h"

namespace tocsin::serve {
namespace {

Json reference(const std::string& schema) { return {{"$ref", "#/components/schemas/" + schema}}; }

std::vector<std::string> segments_of(const std::string& path) {
  std::vector<std::string> segments;
  std::size_t at = 0;
  while (at < path.size()) {
    const std::size_t end = std::min(path.find('/', at + 1), path.size());
    segments.push_back(path.substr(at + 1, end - at - 1));
    at = end;
  }
  return segments;
}

// "figures" of "/api/v1/figures/{id}"; "metrics" of "/metrics"
std::string tag_of(const std::vector<std::string>& segments) {
  if (segments.size() > 2 && segments[0] == "api") return segments[2];
  return segments.empty() || segments[0].empty() ? "page" : segments[0];
}

// "get_figures_id"
std::string operation_of(const Route& route, std::vector<std::string> segments) {
  if (segments.size() > 2 && segments[0] == "api") segments.erase(segments.begin(), segments.begin() + 2);
  std::string name = lower(route.method);
  for (const std::string& segment : segments) {
    name += '_';
    for (const char c : segment) {
      if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
        name += c;
      } else if (c == '.' || c == '-' || c == '_') {
        name += '_';
      }
    }
  }
  return name;
}

Json parameters_of(const Route& route, const std::vector<std::string>& segments) {
  Json parameters = Json::array();
  std::vector<std::string> in_path;
  for (const std::string& segment : segments) {
    if (segment.size() > 2 && segment[0] == '{') in_path.push_back(segment.substr(1, segment.size() - 2));
  }
  for (const std::string& name : in_path) {
    Json parameter{{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}};
    const auto known = std::ranges::find(route.parameters, name, &Parameter::name);
    if (known != route.parameters.end()) {
      if (!known->description.empty()) parameter["description"] = known->description;
      if (!known->schema.empty()) parameter["schema"] = Json::parse(known->schema);
    }
    parameters.push_back(std::move(parameter));
  }
  for (const Parameter& known : route.parameters) {
    if (std::ranges::find(in_path, known.name) != in_path.end()) continue;
    Json schema = Json::parse(known.schema.empty() ? "{}" : known.schema);
    if (!schema.contains("type")) schema["type"] = "string";
    Json parameter{{"name", known.name}, {"in", "query"}, {"required", known.required}};
    if (!known.description.empty()) parameter["description"] = known.description;
    if (known.repeated) {
      parameter["schema"] = {{"type", "array"}, {"items", std::move(schema)}};
      parameter["style"] = "form";
      parameter["explode"] = true;
    } else {
      parameter["schema"] = std::move(schema);
    }
    parameters.push_back(std::move(parameter));
  }
  if (route.changes && route.access != Access::kPublic) {
    parameters.push_back({{"name", "x-csrf-token"},
                          {"in", "header"},
                          {"required", false},
                          {"description", "That of the session; not needed with a token."},
                          {"schema", {{"type", "string"}}}});
  }
  return parameters;
}

Json media_of(const Answer& answer) {
  Json media = Json::object();
  Json& content = media[answer.media];
  content = Json::object();
  if (!answer.schema.empty()) {
    content["schema"] = reference(answer.schema);
  } else if (answer.media != "application/json") {
    content["schema"] = {{"type", "string"}};
  }
  return media;
}

void add_problem(Json& responses, unsigned status) {
  const std::string key = std::to_string(status);
  if (responses.contains(key)) return;
  responses[key] = {{"description", status_text(status)},
                    {"content", {{"application/problem+json", {{"schema", reference("Problem")}}}}}};
}

Json responses_of(const Route& route, const Json& parameters) {
  Json responses = Json::object();
  for (const Answer& answer : route.answers) {
    Json& response = responses[std::to_string(answer.status)];
    response["description"] = status_text(answer.status);
    if (answer.status != 204 && answer.status != 304 && !answer.media.empty()) {
      response["content"].update(media_of(answer));
    }
  }
  if (responses.empty()) responses["200"] = {{"description", status_text(200)}};
  const bool reads = route.method == "GET";
  if (reads && responses.contains("200")) {
    responses["304"] = {{"description", "Not Modified: what If-None-Match names is still right"}};
  }
  if (!parameters.empty() || !route.body.empty()) add_problem(responses, 400);
  if (route.access != Access::kPublic) add_problem(responses, 401);
  if (route.access != Access::kPublic || route.changes) add_problem(responses, 403);
  if (route.path.find('{') != std::string::npos) add_problem(responses, 404);
  if (!route.body.empty()) {
    add_problem(responses, 413);
    add_problem(responses, 415);
  }
  add_problem(responses, 503);
  responses["default"] = {{"description", "A problem (RFC 9457)"},
                          {"content", {{"application/problem+json", {{"schema", reference("Problem")}}}}}};
  return responses;
}

std::string_view who(Access access) {
  switch (access) {
    case Access::kPublic:
      return "Anybody";
    case Access::kSignedIn:
      return "Any account";
    case Access::kOrganisation:
      return "Analysts and above, and organisations for what is theirs";
    case Access::kAnalyst:
      return "Analysts and above";
    case Access::kOfficer:
      return "Officers and above";
    case Access::kAdministrator:
      return "Administrators";
  }
  return "";
}

Json operation(const Route& route) {
  const std::vector<std::string> segments = segments_of(route.path);
  Json made;
  made["operationId"] = operation_of(route, segments);
  made["summary"] = route.summary;
  made["description"] = "For: " + std::string(who(route.access)) + ".";
  made["tags"] = {tag_of(segments)};
  Json parameters = parameters_of(route, segments);
  made["responses"] = responses_of(route, parameters);
  if (!parameters.empty()) made["parameters"] = std::move(parameters);
  if (!route.body.empty()) {
    made["requestBody"] = {{"required", true},
                           {"content", {{"application/json", {{"schema", reference(route.body)}}}}}};
  }
  made["security"] = Json::array();
  if (route.access != Access::kPublic) {
    made["security"].push_back({{"session", Json::array()}});
    made["security"].push_back({{"token", Json::array()}});
  }
  return made;
}

Json problem_schema() {
  return {{"type", "object"},
          {"description", "RFC 9457"},
          {"required", {"type", "title", "status"}},
          {"properties",
           {{"type", {{"type", "string"}, {"format", "uri-reference"}}},
            {"title", {{"type", "string"}}},
            {"status", {{"type", "integer"}, {"minimum", 100}, {"maximum", 599}}},
            {"detail", {{"type", "string"}}}}}};
}

}  // namespace

std::string openapi(const std::string& title, const std::string& version, const std::string& schemas,
                    const std::vector<Route>& routes) {
  Json document;
  document["openapi"] = "3.1.0";
  document["info"] = {{"title", title}, {"version", version}};
  document["servers"] = Json::array({Json{{"url", "/"}}});
  std::vector<std::string> tags;
  for (const Route& route : routes) {
    document["paths"][route.path][lower(route.method)] = operation(route);
    std::string tag = tag_of(segments_of(route.path));
    if (std::ranges::find(tags, tag) == tags.end()) tags.push_back(std::move(tag));
  }
  if (routes.empty()) document["paths"] = Json::object();
  document["tags"] = Json::array();
  for (const std::string& tag : tags) document["tags"].push_back({{"name", tag}});
  Json& components = document["components"];
  components["schemas"] = Json::parse(schemas.empty() ? "{}" : schemas);
  if (!components["schemas"].contains("Problem")) components["schemas"]["Problem"] = problem_schema();
  components["securitySchemes"] = {
      {"session",
       {{"type", "apiKey"},
        {"in", "cookie"},
        {"name", session_cookie_name(true)},
        {"description", "Without TLS its name is tocsin."}}},
      {"token", {{"type", "http"}, {"scheme", "bearer"}, {"description", "Made under /api/v1/tokens."}}}};
  return document.dump();
}

}  // namespace tocsin::serve
