// Accounts and the audit trail, for administrators.
#include <fmt/format.h>

#include <charconv>

#include "accounts/accounts.h"
#include "http/json_text.h"
#include "serve/query.h"
#include "serve/routes.h"

namespace tocsin::serve {
namespace {

Json json_of(const Account& account) {
  return {{"name", account.name},
          {"role", name_of(account.role)},
          {"organisation", account.organisation},
          {"email", account.email},
          {"language", account.language},
          {"disabled", account.disabled},
          {"totp", account.has_totp},
          {"made", format_time(account.made)},
          {"last_seen", account.last_seen == 0 ? Json() : Json(format_time(account.last_seen))}};
}

// What a body says of an account is put into it. password: if it names one.
Expected<void> read_into(const Context& context, const Json& body, Account& account,
                         std::optional<std::string>& password) {
  for (const auto& [name, value] : body.items()) {
    if (name == "disabled") {
      if (!value.is_boolean()) return failure("disabled must be true or false");
      account.disabled = value;
      continue;
    }
    if (!value.is_string()) return failure(name + " must be text");
    const std::string text = value;
    if (name == "role") {
      const auto role = role_of(text);
      if (!role) return std::unexpected(role.error());
      account.role = *role;
    } else if (name == "organisation") {
      account.organisation = text;
    } else if (name == "email") {
      account.email = text;
    } else if (name == "password") {
      password = text;
    } else if (name == "name") {
      account.name = text;
    } else {
      return failure("name, role, organisation, email, disabled and password only");
    }
  }
  if (account.role == Role::kOrganisation) {
    const auto& all = context.constituency.spec().organisations;
    if (account.organisation.empty() ||
        std::ranges::find(all, account.organisation, &Organisation::name) == all.end()) {
      return failure("the register has no organisation of this name");
    }
  } else if (!account.organisation.empty()) {
    return failure("only the role organisation has an organisation");
  }
  return {};
}

Response add(Context& context, const Call& call) {
  Account account;
  std::optional<std::string> password;
  const auto read = read_into(context, Json::parse(call.request.body), account, password);
  if (!read) return refused(read.error());
  const auto known = context.accounts.find(account.name);
  if (known && *known) return problem(409, "There is an account of this name.");
  if (const auto added = context.accounts.add(account, password); !added) return refused(added.error());
  context.accounts.note(call.identity.user, call.request.peer, "user.add",
                        fmt::format("{} {}", account.name, name_of(account.role)));
  const auto made = context.accounts.find(account.name);
  if (!made || !*made) return failed(made ? Error{"the account is gone"} : made.error());
  return json(dumped(json_of(**made)), 201);
}

Response change(Context& context, const Call& call) {
  auto account = context.accounts.find(call.path.at("name"));
  if (!account) return failed(account.error());
  if (!*account) return problem(404, "There is no such account.");
  const Json body = Json::parse(call.request.body);
  if (body.contains("name")) return problem(400, "a name stays");
  std::optional<std::string> password;
  if (const auto read = read_into(context, body, **account, password); !read) return refused(read.error());
  // Here nobody is asked for the present one.
  if (password && (*account)->name == call.identity.user) {
    return problem(403, "Change your own password as your account: it asks for the present one.");
  }
  if (const auto changed = context.accounts.change(**account); !changed) return refused(changed.error());
  if (password) {
    const auto set = context.accounts.set_password((*account)->name, *password);
    if (!set) return refused(set.error());
  }
  std::string what = (*account)->name;
  for (const auto& [name, value] : body.items()) what += " " + name;
  context.accounts.note(call.identity.user, call.request.peer, "user.change", what);
  return {.status = 204, .headers = {}};
}

Response audit(Context& context, const Call& call) {
  std::uint64_t before = 0;
  if (const auto* text = call.get("before")) std::from_chars(text->data(), text->data() + text->size(), before);
  const std::size_t limit = limit_of(call, 100);
  const auto entries = context.accounts.audit(before, limit);
  if (!entries) return failed(entries.error());
  Json list = Json::array();
  for (const AuditEntry& entry : *entries) {
    list.push_back({{"number", entry.number},
                    {"when", format_time(entry.when)},
                    {"user", entry.user},
                    {"peer", entry.peer},
                    {"action", entry.action},
                    {"what", entry.what}});
  }
  const bool more = entries->size() == limit && entries->back().number > 1;
  return json(dumped({{"entries", std::move(list)}, {"next", more ? Json(entries->back().number) : Json()}}));
}

}  // namespace

void add_user_routes(Router& router, Context& context) {
  const Parameter name = text_parameter("name", "Name of the account", 64);
  router.add({.method = "GET",
              .path = "/api/v1/users",
              .access = Access::kAdministrator,
              .summary = "The accounts",
              .answers = {{.schema = "UserList"}},
              .handler = [&context](const Call&) {
                const auto accounts = context.accounts.list();
                if (!accounts) return failed(accounts.error());
                Json list = Json::array();
                for (const Account& account : *accounts) list.push_back(json_of(account));
                return json(dumped({{"users", std::move(list)}}));
              }});
  router.add({.method = "POST",
              .path = "/api/v1/users",
              .access = Access::kAdministrator,
              .summary = "Add an account",
              .body = "NewUser",
              .answers = {{.status = 201, .schema = "User"}},
              .changes = true,
              .handler = bound(context, add)});
  router.add({.method = "PATCH",
              .path = "/api/v1/users/{name}",
              .access = Access::kAdministrator,
              .summary =
                  "Change an account; ends its sessions where it may do something else afterwards; a new password "
                  "also revokes its tokens",
              .parameters = {name},
              .body = "UserChange",
              .answers = {{.status = 204, .media = ""}},
              .changes = true,
              .handler = bound(context, change)});
  router.add({.method = "DELETE",
              .path = "/api/v1/users/{name}",
              .access = Access::kAdministrator,
              .summary = "Remove an account, but for the last administrator",
              .parameters = {name},
              .answers = {{.status = 204, .media = ""}},
              .changes = true,
              .handler = [&context](const Call& call) -> Response {
                const auto known = context.accounts.find(call.path.at("name"));
                if (known && !*known) return problem(404, "There is no such account.");
                const auto removed = context.accounts.remove(call.path.at("name"));
                if (!removed) return refused(removed.error());
                context.accounts.note(call.identity.user, call.request.peer, "user.remove", call.path.at("name"));
                return {.status = 204, .headers = {}};
              }});
  router.add({.method = "GET",
              .path = "/api/v1/audit",
              .access = Access::kAdministrator,
              .summary = "Who saw and did what, the newest first",
              .parameters = {{"before", "Number that next gave", R"({"type":"integer","minimum":1})"},
                             limit_parameter(100, 1000)},
              .answers = {{.schema = "AuditPage"}},
              .handler = bound(context, audit)});
}

}  // namespace tocsin::serve
