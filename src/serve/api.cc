#include "serve/api.h"

#include <algorithm>
#include <array>
#include <optional>

#include "accounts/accounts.h"
#include "accounts/session_cookie.h"
#include "base/text.h"
#include "serve/query.h"
#include "serve/routes.h"

namespace tocsin::serve {
namespace {

constexpr std::string_view kBearer = "Bearer ";

// What the audit trail keeps of reading: whatever shows single sightings, cases or accounts.
constexpr std::array kNoted = {"/api/v1/sightings", "/api/v1/lookup", "/api/v1/cases", "/api/v1/organisation",
                               "/api/v1/users"};

constexpr std::array kPrompt = {"/metrics", "/api/v1/health", "/api/v1/openapi.json"};

bool is_of_page(const Request& request) { return !request.path.starts_with("/api/") && request.path != "/metrics"; }

bool is_noted(const Request& request) {
  if (request.method != "GET") return false;  // changes are noted by their handlers
  if (request.path.ends_with("/sightings")) return true;
  for (const std::string_view path : kNoted) {
    if (request.path.starts_with(path) && request.path != "/api/v1/cases/summary") return true;
  }
  return false;
}

// Of each value its beginning, so that a long one can't push out the others.
std::string target_of(const Request& request) {
  std::string target = printable(request.path, 300);
  char before = '?';
  for (const auto& [name, value] : request.query) {
    target += before + name + "=" + printable(value, 300);
    before = '&';
  }
  return target;
}

struct Asker {
  Identity identity;
  std::optional<std::string> rotated;  // the new value of the session's cookie
};

// Who asks; none if a token was sent that is not valid.
std::optional<Asker> asker_of(Accounts& accounts, const Request& request) {
  Asker asker;
  if (const auto* authorization = request.header("authorization")) {
    if (!authorization->starts_with(kBearer)) return std::nullopt;
    const auto identity = accounts.identify_token(std::string_view(*authorization).substr(kBearer.size()));
    if (!identity) return std::nullopt;
    asker.identity = *identity;
    return asker;
  }
  if (const auto session = request.cookie(session_cookie_name(request.secure))) {
    if (auto identity = accounts.identify(*session, asker.rotated)) asker.identity = std::move(*identity);
  }
  return asker;
}

}  // namespace

struct Api::State {
  Context& context;
  std::shared_ptr<const Assets> assets;
  Router router = Router("Tocsin", TOCSIN_VERSION, schemas());
};

Api::Api(Context& context, std::shared_ptr<const Assets> assets)
    : state_(new State{.context = context, .assets = std::move(assets)}) {
  Router& router = state_->router;
  add_session_routes(router, context);
  add_user_routes(router, context);
  add_figure_routes(router, context);
  add_sighting_routes(router, context);
  add_case_routes(router, context);
  add_brief_routes(router, context);
  add_live_routes(router, context);
  router.add({.method = "GET",
              .path = "/api/v1/openapi.json",
              .access = Access::kPublic,
              .summary = "This document",
              .answers = {{}},
              .handler = [&router](const Call&) { return json(router.document()); }});
}

Api::~Api() = default;

const Router& Api::router() const { return state_->router; }

bool Api::knows(const Request& request) const {
  const auto asker = asker_of(state_->context.accounts, request);
  return asker && asker->identity.signed_in();
}

bool Api::is_prompt(const Request& request) {
  return is_of_page(request) || std::ranges::find(kPrompt, request.path) != kPrompt.end();
}

Response Api::handle(const Request& request) const {
  if (is_of_page(request)) {
    if (state_->assets == nullptr) return problem(404, "There is no page here; the API is below /api/v1/.");
    return state_->assets->get(request);
  }
  const auto asker = asker_of(state_->context.accounts, request);
  if (!asker) {
    Response response = problem(401, "The token is not valid (any more).");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
  }
  Response response = state_->router.handle(request, asker->identity);
  if (asker->rotated) response.headers.emplace_back("Set-Cookie", session_cookie(*asker->rotated, request.secure));
  if (asker->identity.signed_in() && response.status < 300 && is_noted(request)) {
    const auto noted =
        state_->context.accounts.note_soon(asker->identity.user, request.peer, "see", target_of(request));
    // What can't be noted is not shown, but for what was shown in the milliseconds before it failed.
    if (!noted) return failed(noted.error());
  }
  return response;
}

}  // namespace tocsin::serve
