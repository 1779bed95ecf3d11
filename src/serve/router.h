// Routes of the API: each is defined once, and from the definition come the dispatch, the checks of what is sent, and
// the OpenAPI 3.1 document.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/identity.h"
#include "http/http.h"

namespace tocsin::serve {

struct Parameter {
  std::string name;
  std::string description = {};
  std::string schema = {};  // JSON Schema 2020-12 of one value: type string, integer, number or boolean; enum, pattern,
                            // minimum, maximum, maxLength and format date-time are checked before the handler is called
  bool required = false;
  bool repeated = false;  // may be given several times; in the document an array
};

// A request that was matched and checked.
struct Call {
  const Request& request;
  const Identity& identity;
  std::map<std::string, std::string> path;              // values of {name} in the path, decoded
  const std::string* get(std::string_view name) const;  // of the query, the first; nullptr if it was not given
  std::vector<std::string> all(std::string_view name) const;
};

struct Answer {  // one way of answering, for the document
  unsigned status = 200;
  std::string media = "application/json";
  std::string schema = {};  // name in components/schemas; empty: any
};

struct Route {
  std::string method;
  std::string path;  // "/api/v1/figures/{id}"; a parameter is one segment
  Access access = Access::kAnalyst;
  std::string summary = {};                // one sentence
  std::vector<Parameter> parameters = {};  // of the query, and of the path by their names
  std::string body = {};                   // name in components/schemas of the JSON body; empty: none is taken
  std::vector<Answer> answers = {};
  bool changes = false;  // needs the CSRF token of a session (header x-csrf-token), or a token with scope "write"
  std::function<Response(const Call&)> handler = {};
};

class Router {
 public:
  // schemas: the members of components/schemas, as JSON text of one object.
  Router(std::string title, std::string version, std::string schemas);
  ~Router();
  // Throws std::invalid_argument for a route that is defined twice, or whose schemas promise what is not checked.
  void add(Route route);
  // 404 and 405 (with Allow), 400 for a parameter that is unknown, missing or wrong (detail names it), 415 and 400 for
  // a body that is not JSON, 401 (nobody signed in) or 403 for access; HEAD is answered as GET. Otherwise the handler's
  // answer: a 200 gets an ETag (of its body) where it has none, and If-None-Match turns it into 304.
  Response handle(const Request& request, const Identity& identity) const;
  const std::vector<Route>& routes() const;
  // OpenAPI 3.1, JSON. Problems (application/problem+json) are in every route.
  std::string document() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::serve
