#include "accounts/accounts.h"

#include <fmt/format.h>

#include <algorithm>

#include "accounts/accounts_state.h"
#include "base/text.h"

namespace tocsin::serve {
namespace {

constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS accounts (
  name TEXT PRIMARY KEY, role TEXT NOT NULL, organisation TEXT NOT NULL, email TEXT NOT NULL, language TEXT NOT NULL,
  password TEXT NOT NULL, totp TEXT NOT NULL DEFAULT '', totp_pending TEXT NOT NULL DEFAULT '',
  totp_step INTEGER NOT NULL DEFAULT 0, disabled INTEGER NOT NULL, made INTEGER NOT NULL,
  last_seen INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS sign_ins (
  key TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE, csrf TEXT NOT NULL,
  made INTEGER NOT NULL, seen INTEGER NOT NULL, rotated INTEGER NOT NULL,
  salt TEXT NOT NULL DEFAULT '', old_key TEXT UNIQUE, old_until INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS sign_ins_of_user ON sign_ins (user);
CREATE TABLE IF NOT EXISTS tokens (
  id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, user TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
  label TEXT NOT NULL, scopes TEXT NOT NULL, made INTEGER NOT NULL, expires INTEGER NOT NULL,
  last_used INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS tokens_of_user ON tokens (user);
CREATE TABLE IF NOT EXISTS audit (
  number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, user TEXT NOT NULL, peer TEXT NOT NULL,
  action TEXT NOT NULL, what TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
CREATE TRIGGER IF NOT EXISTS audit_is_not_removed BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
-- INSERT OR REPLACE removes a row without a DELETE.
CREATE TRIGGER IF NOT EXISTS audit_is_not_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
)";

constexpr const char* kSelect =
    "SELECT name, role, organisation, email, language, password <> '', totp <> '', disabled, made, last_seen "
    "FROM accounts ";

Expected<void> check_name(std::string_view name) {
  const bool is_plain = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' || c == '@';
  });
  if (!name.empty() && name.size() <= kMostName && is_plain) return {};
  return failure(
      fmt::format("'{}' cannot be an account's name: 1 to {} of a-z, 0-9 and .-_@", printable(name, 80), kMostName));
}

Expected<void> check_new_password(std::string_view name, const std::string& password) {
  if (password.size() < 12 || password.size() > kMostPassword) {
    return failure(fmt::format("a password has 12 to 1,024 bytes; this one has {}", password.size()));
  }
  if (equals_ignoring_case(password, name)) return failure("the password is the account's name");
  return {};
}

Expected<void> check_text(std::string_view what, std::string_view text, std::size_t most) {
  if (text.size() <= most && printable(text, most) == text) return {};
  return failure(fmt::format("the {} is longer than {} bytes or has control characters", what, most));
}

Expected<void> check_language(std::string_view name, const std::string& language) {
  if (language.empty() || language == "en" || language == "zh") return {};
  return failure(fmt::format("{}: the language is en or zh", name));
}

// What an administrator sets.
Expected<void> check_fields(const Account& account) {
  if (account.role == Role::kOrganisation && account.organisation.empty()) {
    return failure(fmt::format("{}: an account of role {} needs an organisation of the register", account.name,
                               name_of(account.role)));
  }
  if (account.role != Role::kOrganisation && !account.organisation.empty()) {
    return failure(
        fmt::format("{}: only an account of role {} has an organisation", account.name, name_of(Role::kOrganisation)));
  }
  if (auto checked = check_language(account.name, account.language); !checked) return checked;
  if (auto checked = check_text("organisation", account.organisation, 256); !checked) return checked;
  return check_text("email address", account.email, 254);
}

Expected<Account> account_of(const StateRow& row) {
  const auto role = role_of(text_of(row[1]));
  if (!role) return std::unexpected(role.error());
  return Account{.name = text_of(row[0]),
                 .role = *role,
                 .organisation = text_of(row[2]),
                 .email = text_of(row[3]),
                 .language = text_of(row[4]),
                 .has_password = integer_of(row[5]) != 0,
                 .has_totp = integer_of(row[6]) != 0,
                 .disabled = integer_of(row[7]) != 0,
                 .made = integer_of(row[8]),
                 .last_seen = integer_of(row[9])};
}

}  // namespace

std::unexpected<Error> no_account(std::string_view name) {
  return failure(fmt::format("there is no account {}", printable(name, 80)));
}

Accounts::Accounts(std::unique_ptr<State> state) : state_(std::move(state)) {}
Accounts::~Accounts() = default;

Expected<std::unique_ptr<Accounts>> Accounts::open(StateDatabase& database, AccountTimes times,
                                                   std::function<Timestamp()> now) {
  const auto made = database.transaction([&] { return database.script(kSchema); });
  if (!made) return std::unexpected(made.error());
  if (!now) now = tocsin::now;
  // Not make_unique: neither an aggregate with a reference nor one with a mutex can be moved.
  std::unique_ptr<State> state(
      new State{.database = database, .times = times, .now = std::move(now), .attempts = {}, .hasher = {}, .soon = {}});
  state->soon = std::make_unique<AuditQueue>(
      [state = state.get()](const std::vector<AuditEntry>& entries) { return state->write_all(entries); });
  return std::unique_ptr<Accounts>(new Accounts(std::move(state)));
}

Expected<void> Accounts::State::require(std::string_view name) {
  const auto rows = database.query("SELECT 1 FROM accounts WHERE name = ?1", {std::string(name)});
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty()) return no_account(name);
  return {};
}

Expected<void> Accounts::State::end_sign_ins(std::string_view name) {
  const auto ended = database.query("DELETE FROM sign_ins WHERE user = ?1", {std::string(name)});
  if (!ended) return std::unexpected(ended.error());
  return {};
}

Expected<void> Accounts::add(const Account& account, const std::optional<std::string>& password) {
  if (auto checked = check_name(account.name); !checked) return checked;
  if (auto checked = check_fields(account); !checked) return checked;
  std::string hash;
  if (password) {
    if (auto checked = check_new_password(account.name, *password); !checked) return checked;
    auto hashed = state_->hasher.hash(*password);
    if (!hashed) return std::unexpected(hashed.error());
    hash = std::move(*hashed);
  }
  const auto added = state_->database.query(
      "INSERT INTO accounts (name, role, organisation, email, language, password, disabled, made) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING RETURNING name",
      {account.name, std::string(name_of(account.role)), account.organisation, account.email, account.language, hash,
       std::int64_t{account.disabled}, state_->now()});
  if (!added) return std::unexpected(added.error());
  if (added->empty()) return failure(fmt::format("there is an account {} already", account.name));
  return {};
}

Expected<std::vector<Account>> Accounts::list() {
  const auto rows = state_->database.query(std::string(kSelect) + "ORDER BY name");
  if (!rows) return std::unexpected(rows.error());
  std::vector<Account> out;
  for (const StateRow& row : *rows) {
    auto account = account_of(row);
    if (!account) return std::unexpected(account.error());
    out.push_back(std::move(*account));
  }
  return out;
}

Expected<std::optional<Account>> Accounts::find(std::string_view name) {
  const auto rows = state_->database.query(std::string(kSelect) + "WHERE name = ?1", {std::string(name)});
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty()) return std::nullopt;
  return account_of(rows->front());
}

Expected<std::uint64_t> Accounts::administrators() {
  const auto rows = state_->database.query("SELECT count(*) FROM accounts WHERE role = ?1 AND disabled = 0",
                                           {std::string(name_of(Role::kAdministrator))});
  if (!rows) return std::unexpected(rows.error());
  return static_cast<std::uint64_t>(integer_of(rows->front()[0]));
}

Expected<void> Accounts::change(const Account& account) {
  if (auto checked = check_fields(account); !checked) return checked;
  return state_->database.transaction([&]() -> Expected<void> {
    const auto before = find(account.name);
    if (!before) return std::unexpected(before.error());
    if (!*before) return no_account(account.name);
    const auto changed = state_->database.query(
        "UPDATE accounts SET role = ?2, organisation = ?3, email = ?4, language = ?5, disabled = ?6 WHERE name = ?1",
        {account.name, std::string(name_of(account.role)), account.organisation, account.email, account.language,
         std::int64_t{account.disabled}});
    if (!changed) return std::unexpected(changed.error());
    if ((*before)->role == Role::kAdministrator && !(*before)->disabled) {
      const auto left = administrators();
      if (!left) return std::unexpected(left.error());
      if (*left == 0) return failure(fmt::format("{} is the last administrator", account.name));
    }
    const bool may_as_before = (*before)->role == account.role && (*before)->organisation == account.organisation &&
                               (*before)->disabled == account.disabled;
    return may_as_before ? Expected<void>{} : state_->end_sign_ins(account.name);
  });
}

// This column alone: what an administrator changes at the same time, such as the role, stays changed.
Expected<void> Accounts::set_language(std::string_view name, const std::string& language) {
  if (auto checked = check_language(name, language); !checked) return checked;
  const auto changed = state_->database.query("UPDATE accounts SET language = ?2 WHERE name = ?1 RETURNING name",
                                              {std::string(name), language});
  if (!changed) return std::unexpected(changed.error());
  if (changed->empty()) return no_account(name);
  return {};
}

Expected<std::string> Accounts::State::replace_password(std::string_view name, const std::string& password) {
  if (auto required = require(name); !required) return std::unexpected(required.error());
  if (auto checked = check_new_password(name, password); !checked) return std::unexpected(checked.error());
  auto hash = hasher.hash(password);
  if (!hash) return hash;
  const auto done = database.transaction([&]() -> Expected<void> {
    const auto changed =
        database.query("UPDATE accounts SET password = ?2 WHERE name = ?1 RETURNING name", {std::string(name), *hash});
    if (!changed) return std::unexpected(changed.error());
    if (changed->empty()) return no_account(name);
    const auto revoked = database.query("DELETE FROM tokens WHERE user = ?1", {std::string(name)});
    if (!revoked) return std::unexpected(revoked.error());
    return end_sign_ins(name);
  });
  if (!done) return std::unexpected(done.error());
  return hash;
}

Expected<void> Accounts::set_password(std::string_view name, const std::string& password) {
  const auto replaced = state_->replace_password(name, password);
  if (!replaced) return std::unexpected(replaced.error());
  return {};
}

Expected<void> Accounts::remove(std::string_view name) {
  return state_->database.transaction([&]() -> Expected<void> {
    const auto before = find(name);
    if (!before) return std::unexpected(before.error());
    if (!*before) return no_account(name);
    if ((*before)->role == Role::kAdministrator && !(*before)->disabled) {
      const auto administrators_now = administrators();
      if (!administrators_now) return std::unexpected(administrators_now.error());
      if (*administrators_now <= 1) return failure(fmt::format("{} is the last administrator", name));
    }
    // With its sign-ins and tokens, by the foreign keys.
    const auto removed = state_->database.query("DELETE FROM accounts WHERE name = ?1", {std::string(name)});
    if (!removed) return std::unexpected(removed.error());
    return {};
  });
}

}  // namespace tocsin::serve
