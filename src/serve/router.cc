#include "serve/router.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <unordered_map>

#include "base/hash.h"
#include "base/text.h"
#include "http/content_coding.h"
#include "serve/openapi.h"
#include "serve/schema_check.h"

namespace tocsin::serve {
namespace {

constexpr std::string_view kNobody = "sign in, or send a token, to use this";

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the '/'
    const std::size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

bool is_parameter(std::string_view segment) { return segment.size() > 2 && segment[0] == '{' && segment.back() == '}'; }

struct Compiled {
  std::vector<std::string> segments;
  std::map<std::string, SchemaCheck, std::less<>> checks;

  // Which segments are literal counts from the left: "/a/b" comes before "/a/{x}".
  std::optional<std::string> match(const std::vector<std::string_view>& path) const {
    if (path.size() != segments.size()) return std::nullopt;
    std::string rank;
    for (std::size_t i = 0; i < path.size(); ++i) {
      const bool parameter = is_parameter(segments[i]);
      if (parameter ? path[i].empty() : path[i] != segments[i]) return std::nullopt;
      rank += parameter ? '1' : '0';
    }
    return rank;
  }
};

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool is_json(const Request& request) {
  const std::string* const type = request.header("content-type");
  if (type == nullptr) return false;
  const std::size_t end = std::min(type->find(';'), type->size());
  return equals_ignoring_case(trim(std::string_view(*type).substr(0, end)), "application/json");
}

// A page of another site can send neither JSON nor its own origin as ours.
bool is_from_our_page(const Request& request) {
  if (!is_json(request)) return false;
  const std::string* const site = request.header("sec-fetch-site");
  if (site != nullptr && *site != "same-origin" && *site != "none") return false;
  const std::string* const origin = request.header("origin");
  if (origin == nullptr) return true;
  const std::string* const host = request.header("host");
  const std::size_t scheme = origin->find("://");
  return host != nullptr && scheme != std::string::npos &&
         equals_ignoring_case(std::string_view(*origin).substr(scheme + 3), *host);
}

std::optional<Response> refusal(const Route& route, const Request& request, const Identity& identity) {
  if (!may(identity, route.access)) {
    if (identity.signed_in()) return problem(403, "this account may not use this");
    Response response = problem(401, kNobody);
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
  }
  if (identity.by_token) {
    const std::string scope = route.changes ? "write" : "read";
    if (route.access != Access::kPublic || route.changes) {
      if (std::ranges::find(identity.scopes, scope) == identity.scopes.end()) {
        return problem(403, "the token does not have the scope '" + scope + "'");
      }
    }
    return std::nullopt;
  }
  if (!route.changes) return std::nullopt;
  if (!identity.signed_in()) {
    if (is_from_our_page(request)) return std::nullopt;
    return problem(403, "this takes application/json from its own page, or from no page");
  }
  const std::string* const sent = request.header("x-csrf-token");
  if (sent == nullptr || identity.csrf.empty() || !equal_in_constant_time(*sent, identity.csrf)) {
    return problem(403, "the header x-csrf-token is missing or not that of the session");
  }
  return std::nullopt;
}

std::optional<Response> wrong_parameters(const Route& route, const Compiled& compiled, const Call& call) {
  std::set<std::string_view> seen;
  for (const auto& [name, value] : call.request.query) {
    const auto known = std::ranges::find(route.parameters, name, &Parameter::name);
    if (known == route.parameters.end() || call.path.contains(name)) {
      return problem(400, fmt::format("there is no parameter '{}'", printable(name, 64)));
    }
    if (!seen.insert(known->name).second && !known->repeated) {
      return problem(400, fmt::format("the parameter '{}' is given more than once", known->name));
    }
    if (const std::optional<std::string> wrong = compiled.checks.find(known->name)->second.wrong(value)) {
      return problem(400, fmt::format("the parameter '{}' {}", known->name, *wrong));
    }
  }
  for (const Parameter& parameter : route.parameters) {
    const auto in_path = call.path.find(parameter.name);
    if (in_path != call.path.end()) {
      const std::optional<std::string> wrong = compiled.checks.find(parameter.name)->second.wrong(in_path->second);
      if (wrong) return problem(400, fmt::format("'{}' in the path {}", parameter.name, *wrong));
    } else if (parameter.required && !seen.contains(parameter.name)) {
      return problem(400, fmt::format("the parameter '{}' is missing", parameter.name));
    }
  }
  return std::nullopt;
}

std::optional<Response> wrong_body(const Route& route, const Request& request) {
  if (route.body.empty()) {
    // "{}" is what clients send that always send JSON.
    if (request.body.empty() || trim(request.body) == "{}") return std::nullopt;
    return problem(400, "this takes no body");
  }
  if (!is_json(request)) return problem(415, "the body must be application/json");
  if (!nlohmann::json::accept(request.body)) return problem(400, "the body is not well-formed JSON in UTF-8");
  return std::nullopt;
}

const std::string* find(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (equals_ignoring_case(key, name)) return &value;
  }
  return nullptr;
}

// Tags what was read, and tells a client that has it already.
Response tagged(Response response, const Request& request) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (find(response, "cache-control") == nullptr) {
    response.headers.emplace_back("Cache-Control", reads ? "private, no-cache" : "no-store");
  }
  if (!reads || response.status != 200 || response.stream || response.events) return response;
  if (find(response, "etag") == nullptr) {
    const Hash128 hash = hash128(response.shared ? *response.shared : response.body);
    response.headers.emplace_back("ETag", fmt::format("\"{:016x}{:016x}\"", hash.high, hash.low));
  }
  const std::string* const known = request.header("if-none-match");
  if (known == nullptr || !matches(*known, *find(response, "etag"))) return response;
  response.status = 304;
  response.body.clear();
  response.shared.reset();
  std::erase_if(response.headers, [](const auto& field) { return equals_ignoring_case(field.first, "content-type"); });
  return response;
}

}  // namespace

struct Router::State {
  std::string title, version, schemas;
  std::vector<Route> routes;
  std::vector<Compiled> compiled;  // of the route with the same number

  struct Found {
    std::size_t route = 0;
    std::string rank;
  };

  // 404, or 405 with what is allowed.
  Response not_found(const std::set<std::string>& allowed) const {
    if (allowed.empty()) return problem(404, "there is nothing at this path");
    Response response = problem(405, "the path does not take this method");
    response.headers.emplace_back("Allow", fmt::format("{}", fmt::join(allowed, ", ")));
    return response;
  }
};

Router::Router(std::string title, std::string version, std::string schemas) : state_(std::make_unique<State>()) {
  state_->title = std::move(title);
  state_->version = std::move(version);
  state_->schemas = std::move(schemas);
}

Router::~Router() = default;

void Router::add(Route route) {
  if (!route.path.starts_with('/') || !route.handler) throw std::invalid_argument("route " + route.path);
  Compiled compiled;
  for (const std::string_view segment : segments_of(route.path)) compiled.segments.emplace_back(segment);
  for (const Parameter& parameter : route.parameters) {
    try {
      if (!compiled.checks.emplace(parameter.name, SchemaCheck(parameter.schema)).second) {
        throw std::invalid_argument("defined twice");
      }
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument(fmt::format("{} {}, {}: {}", route.method, route.path, parameter.name, error.what()));
    }
  }
  for (const Route& other : state_->routes) {
    if (other.method == route.method && other.path == route.path) {
      throw std::invalid_argument(fmt::format("{} {} is defined twice", route.method, route.path));
    }
  }
  state_->routes.push_back(std::move(route));
  state_->compiled.push_back(std::move(compiled));
}

Response Router::handle(const Request& request, const Identity& identity) const {
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  const std::vector<std::string_view> path = segments_of(request.path);
  std::optional<State::Found> found;
  std::set<std::string> allowed;
  for (std::size_t i = 0; i < state_->routes.size(); ++i) {
    std::optional<std::string> rank = state_->compiled[i].match(path);
    if (!rank) continue;
    allowed.insert(state_->routes[i].method);
    if (state_->routes[i].method == "GET") allowed.insert("HEAD");
    if (state_->routes[i].method == method && (!found || *rank < found->rank)) found = {i, std::move(*rank)};
  }
  if (!found) return state_->not_found(allowed);
  const Route& route = state_->routes[found->route];
  const Compiled& compiled = state_->compiled[found->route];

  if (std::optional<Response> refused = refusal(route, request, identity)) return std::move(*refused);
  Call call{.request = request, .identity = identity, .path = {}};
  for (std::size_t i = 0; i < path.size(); ++i) {
    const std::string& segment = compiled.segments[i];
    if (is_parameter(segment)) call.path.emplace(segment.substr(1, segment.size() - 2), path[i]);
  }
  if (std::optional<Response> wrong = wrong_parameters(route, compiled, call)) return std::move(*wrong);
  if (std::optional<Response> wrong = wrong_body(route, request)) return std::move(*wrong);
  return tagged(route.handler(call), request);
}

const std::vector<Route>& Router::routes() const { return state_->routes; }

std::string Router::document() const {
  return openapi(state_->title, state_->version, state_->schemas, state_->routes);
}

const std::string* Call::get(std::string_view name) const {
  for (const auto& [key, value] : request.query) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::vector<std::string> Call::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : request.query) {
    if (key == name) values.push_back(value);
  }
  return values;
}

}  // namespace tocsin::serve
