// Sign-in and what an account sets for itself.
#include <fmt/format.h>

#include "accounts/accounts.h"
#include "accounts/open_id.h"
#include "accounts/session_cookie.h"
#include "base/text.h"
#include "http/json_text.h"
#include "publish/language.h"
#include "serve/query.h"
#include "serve/routes.h"

namespace tocsin::serve {
namespace {

// A member of the body that must be text.
std::optional<std::string> text_in(const Json& body, const char* name) {
  const auto at = body.find(name);
  if (at == body.end() || !at->is_string()) return std::nullopt;
  return at->get<std::string>();
}

Json rights_of(const Identity& identity) {
  Json rights = Json::array();
  if (may(identity, Access::kOrganisation)) rights.insert(rights.end(), {"figures", "sightings", "cases"});
  if (may(identity, Access::kAnalyst)) rights.insert(rights.end(), {"overview", "lookup", "briefs", "live"});
  if (may(identity, Access::kOfficer)) rights.push_back("publish");
  if (may(identity, Access::kAdministrator)) rights.push_back("users");
  return rights;
}

Json session_json(Context& context, const Identity& identity) {
  Json json{{"user", identity.signed_in() ? Json(identity.user) : Json()},
            {"role", name_of(identity.role)},
            {"organisation", identity.organisation},
            {"language", ""},
            {"csrf", identity.csrf},
            {"totp", false},
            {"has_password", false},
            {"oidc", context.open_id != nullptr},
            {"rights", rights_of(identity)}};
  if (identity.signed_in()) {
    const auto account = context.accounts.find(identity.user);
    if (account && *account) {
      json["language"] = (*account)->language;
      json["totp"] = (*account)->has_totp;
      json["has_password"] = (*account)->has_password;
    }
  }
  return json;
}

Response with_session(Context& context, const Call& call, const SignedIn& signed_in) {
  Response response = json(dumped(session_json(context, signed_in.identity)));
  response.headers.emplace_back("Set-Cookie", session_cookie(signed_in.session, call.request.secure));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Response too_often() {
  Response response = problem(429, "Too many attempts: try again in a minute.", "urn:tocsin:too-often");
  response.headers.emplace_back("Retry-After", "60");
  return response;
}

Response sign_in(Context& context, const Call& call) {
  const Json body = Json::parse(call.request.body);
  const auto name = text_in(body, "name"), password = text_in(body, "password");
  if (!name || !password) return problem(400, "name and password are needed");
  const auto signed_in =
      context.accounts.sign_in(*name, *password, text_in(body, "code").value_or(""), call.request.peer);
  if (signed_in) return with_session(context, call, *signed_in);
  switch (signed_in.error()) {
    case Refusal::kNeedsCode:
      return problem(401, "Give the code of your second factor.", "urn:tocsin:code-needed");
    case Refusal::kTooOften:
      return too_often();
    case Refusal::kDisabled:
      return problem(403, "This account is disabled: ask an administrator.", "urn:tocsin:disabled");
    case Refusal::kWrong:
    case Refusal::kTooOld:
      break;
  }
  return problem(401, "The name or the password is wrong.", "urn:tocsin:wrong");
}

Response sign_out(Context& context, const Call& call) {
  if (const auto session = call.request.cookie(session_cookie_name(call.request.secure))) {
    context.accounts.sign_out(*session);
  }
  context.accounts.note(call.identity.user, call.request.peer, "sign-out", "");
  Response response{.status = 204, .headers = {}};
  response.headers.emplace_back("Set-Cookie", session_cookie("", call.request.secure));
  return response;
}

Response redirect(std::string location) {
  return {.status = 303, .headers = {{"Location", std::move(location)}, {"Cache-Control", "no-store"}}};
}

Response begin_open_id(Context& context, const Call& call) {
  if (context.open_id == nullptr) return problem(404, "Sign-in by OpenID Connect is not set up.");
  const auto begun = context.open_id->begin();
  if (!begun) return failed(begun.error());
  Response response = redirect(begun->location);
  response.headers.emplace_back("Set-Cookie", state_cookie(begun->state, call.request.secure));
  return response;
}

Response end_open_id(Context& context, const Call& call) {
  if (context.open_id == nullptr) return problem(404, "Sign-in by OpenID Connect is not set up.");
  const auto given = [&](const char* name) {
    const auto* value = call.get(name);
    return value ? *value : std::string();
  };
  if (call.get("error") != nullptr) return redirect("/sign-in?problem=provider");
  const auto cookie = call.request.cookie(state_cookie_name(call.request.secure));
  const auto name = context.open_id->end(given("state"), cookie.value_or(""), given("code"));
  if (!name) {
    log_error(name.error());
    return redirect("/sign-in?problem=provider");
  }
  const auto signed_in = context.accounts.sign_in_trusted(*name, call.request.peer);
  if (!signed_in) return redirect("/sign-in?problem=unknown");
  Response response = redirect("/");
  response.headers.emplace_back("Set-Cookie", session_cookie(signed_in->session, call.request.secure));
  response.headers.emplace_back("Set-Cookie", state_cookie("", call.request.secure));
  return response;
}

// Why not, unless it is the account's owner who asks. A session alone does not tell: it may have been left open.
std::optional<Response> unproven(Context& context, const Call& call, const std::string& password) {
  const auto proven = context.accounts.prove(call.identity, password, call.request.peer);
  if (proven) return std::nullopt;
  switch (proven.error()) {
    case Refusal::kTooOften:
      return too_often();
    case Refusal::kTooOld:
      return problem(403, "This takes a sign-in within the last ten minutes: sign in again.",
                     "urn:tocsin:sign-in-again");
    default:
      return problem(403, "The present password is missing or wrong.", "urn:tocsin:wrong");
  }
}

Response set_password(Context& context, const Call& call) {
  const Json body = Json::parse(call.request.body);
  const auto old = text_in(body, "old"), fresh = text_in(body, "new");
  if (!old || !fresh) return problem(400, "old and new are needed");
  if (auto refusal = unproven(context, call, *old)) return std::move(*refusal);
  const auto changed = context.accounts.change_password(call.identity.user, *fresh, call.request.peer);
  if (!changed) return refused(changed.error());
  context.accounts.note(call.identity.user, call.request.peer, "password.change", "");
  return with_session(context, call, *changed);
}

Response set_language(Context& context, const Call& call) {
  const Json body = Json::parse(call.request.body);
  const auto language = text_in(body, "language");
  if (!language || (!language->empty() && !language_of(*language))) return problem(400, "language must be en or zh");
  const auto changed = context.accounts.set_language(call.identity.user, *language);
  if (!changed) return failed(changed.error());
  return {.status = 204, .headers = {}};
}

Response begin_totp(Context& context, const Call& call) {
  const auto password = text_in(Json::parse(call.request.body), "password");
  if (auto refusal = unproven(context, call, password.value_or(""))) return std::move(*refusal);
  const auto uri = context.accounts.begin_totp(call.identity.user);
  if (!uri) return refused(uri.error());
  Response response = json(dumped({{"uri", *uri}}));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Response confirm_totp(Context& context, const Call& call) {
  const auto code = text_in(Json::parse(call.request.body), "code");
  if (!code) return problem(400, "code is missing");
  const auto confirmed = context.accounts.confirm_totp(call.identity.user, *code);
  if (!confirmed) return refused(confirmed.error());
  if (!*confirmed) return problem(400, "The code is wrong: is the clock of your device right?");
  context.accounts.note(call.identity.user, call.request.peer, "totp.add", "");
  return {.status = 204, .headers = {}};
}

Response remove_totp(Context& context, const Call& call) {
  const auto password = text_in(Json::parse(call.request.body), "password");
  if (auto refusal = unproven(context, call, password.value_or(""))) return std::move(*refusal);
  if (const auto removed = context.accounts.remove_totp(call.identity.user); !removed) return refused(removed.error());
  context.accounts.note(call.identity.user, call.request.peer, "totp.remove", "");
  return {.status = 204, .headers = {}};
}

Json json_of(const Token& token) {
  return {{"id", token.id},
          {"label", token.label},
          {"scopes", token.scopes},
          {"made", format_time(token.made)},
          {"expires", format_time(token.expires)},
          {"last_used", token.last_used == 0 ? Json() : Json(format_time(token.last_used))}};
}

Response make_token(Context& context, const Call& call) {
  const Json body = Json::parse(call.request.body);
  const auto label = text_in(body, "label");
  if (!label || label->size() > 100) return problem(400, "label is missing, or over 100 bytes");
  std::vector<std::string> scopes;
  if (body.contains("scopes") && body["scopes"].is_array()) {
    for (const Json& scope : body["scopes"]) {
      if (scope.is_string()) scopes.push_back(scope);
    }
  }
  const std::int64_t days =
      body.contains("days") && body["days"].is_number_integer() ? body["days"].get<std::int64_t>() : 90;
  if (days < 1 || days > 730) return problem(400, "days must be 1 to 730");
  const auto token = context.accounts.make_token(call.identity.user, *label, scopes, now() + days * kDay);
  if (!token) return refused(token.error());
  context.accounts.note(call.identity.user, call.request.peer, "token.make", *label);
  Response response = json(dumped({{"token", *token}}), 201);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

}  // namespace

void add_session_routes(Router& router, Context& context) {
  // What makes or mends the ways to sign in: a token that leaked must not make another, of more scopes and a longer
  // life, nor keep its owner out.
  const auto in_session = [&context](Response (*handler)(Context&, const Call&)) {
    return [&context, handler](const Call& call) {
      if (call.identity.by_token) return problem(403, "this takes a session; a token may not do it");
      return handler(context, call);
    };
  };
  router.add({.method = "GET",
              .path = "/api/v1/session",
              .access = Access::kPublic,
              .summary = "Who is signed in; user is null if nobody is",
              .answers = {{.schema = "Session"}},
              .handler = [&context](const Call& call) {
                Response response = json(dumped(session_json(context, call.identity)));
                response.headers.emplace_back("Cache-Control", "no-store");
                return response;
              }});
  router.add({.method = "POST",
              .path = "/api/v1/session",
              .access = Access::kPublic,
              .summary = "Sign in",
              .body = "SignIn",
              .answers = {{.schema = "Session"}},
              .changes = true,
              .handler = bound(context, sign_in)});
  router.add({.method = "DELETE",
              .path = "/api/v1/session",
              .access = Access::kSignedIn,
              .summary = "Sign out",
              .answers = {{.status = 204, .media = ""}},
              .changes = true,
              .handler = bound(context, sign_out)});
  router.add({.method = "GET",
              .path = "/api/v1/session/oidc",
              .access = Access::kPublic,
              .summary = "Go to the OpenID Connect provider",
              .answers = {{.status = 303, .media = ""}},
              .handler = bound(context, begin_open_id)});
  router.add(
      {.method = "GET",
       .path = "/api/v1/session/oidc/callback",
       .access = Access::kPublic,
       .summary = "Where the provider sends the browser back to",
       .parameters = {text_parameter("state", "As it was sent", 500),
                      text_parameter("code", "Authorization code", 4000),
                      text_parameter("iss", "Issuer (RFC 9207)", 500), text_parameter("session_state", "Not read", 500),
                      text_parameter("scope", "Not read", 500), text_parameter("error", "Why not", 200),
                      text_parameter("error_description", "Why not, for people", 1000)},
       .answers = {{.status = 303, .media = ""}},
       .handler = bound(context, end_open_id)});
  router.add({.method = "POST",
              .path = "/api/v1/session/password",
              .access = Access::kSignedIn,
              .summary = "Change the own password; ends all sessions but this one, and revokes all tokens",
              .body = "PasswordChange",
              .answers = {{.schema = "Session"}},
              .changes = true,
              .handler = in_session(set_password)});
  router.add({.method = "POST",
              .path = "/api/v1/session/language",
              .access = Access::kSignedIn,
              .summary = "Keep the language of the page",
              .body = "LanguageChange",
              .answers = {{.status = 204, .media = ""}},
              .changes = true,
              .handler = bound(context, set_language)});
  router.add({.method = "POST",
              .path = "/api/v1/session/totp",
              .access = Access::kSignedIn,
              .summary = "A new secret for a second factor; it counts once a code was confirmed",
              .body = "PasswordProof",
              .answers = {{.schema = "TotpUri"}},
              .changes = true,
              .handler = in_session(begin_totp)});
  router.add({.method = "PUT",
              .path = "/api/v1/session/totp",
              .access = Access::kSignedIn,
              .summary = "Confirm the second factor by a code",
              .body = "TotpCode",
              .answers = {{.status = 204, .media = ""}},
              .changes = true,
              .handler = in_session(confirm_totp)});
  // Not DELETE, whose body programs on the way may drop (RFC 9110 section 9.3.5).
  router.add({.method = "POST",
              .path = "/api/v1/session/totp/removal",
              .access = Access::kSignedIn,
              .summary = "Remove the second factor",
              .body = "PasswordProof",
              .answers = {{.status = 204, .media = ""}},
              .changes = true,
              .handler = in_session(remove_totp)});
  router.add({.method = "GET",
              .path = "/api/v1/tokens",
              .access = Access::kSignedIn,
              .summary = "The own API tokens",
              .answers = {{.schema = "TokenList"}},
              .handler = [&context](const Call& call) {
                const auto tokens = context.accounts.tokens(call.identity.user);
                if (!tokens) return failed(tokens.error());
                Json list = Json::array();
                for (const Token& token : *tokens) list.push_back(json_of(token));
                return json(dumped({{"tokens", std::move(list)}}));
              }});
  router.add({.method = "POST",
              .path = "/api/v1/tokens",
              .access = Access::kSignedIn,
              .summary = "Make an API token; it is shown this once",
              .body = "TokenRequest",
              .answers = {{.status = 201, .schema = "NewToken"}},
              .changes = true,
              .handler = in_session(make_token)});
  router.add({.method = "DELETE",
              .path = "/api/v1/tokens/{id}",
              .access = Access::kSignedIn,
              .summary = "Revoke a token of one's own",
              .parameters = {text_parameter("id", "Of the list", 64)},
              .answers = {{.status = 204, .media = ""}},
              .changes = true,
              .handler = [&context](const Call& call) -> Response {
                const auto removed = context.accounts.remove_token(call.identity.user, call.path.at("id"));
                if (!removed) return problem(404, "There is no such token.");
                context.accounts.note(call.identity.user, call.request.peer, "token.remove", call.path.at("id"));
                return {.status = 204, .headers = {}};
              }});
}

}  // namespace tocsin::serve
