// Signing in, and the keys that browsers then hold as cookies.
//
// A key is changed now and then (times.rotate), so that one that leaked soon ends. The change must survive requests
// that run side by side, and an answer that never reaches the browser: the new key is made from the old one and a salt
// that is stored, so that whoever comes with the old key is told the same new one, and the old one holds until a minute
// after the new one was first used.
#include <fmt/format.h>

#include <algorithm>

#include "accounts/accounts_state.h"
#include "accounts/secrets.h"
#include "base/text.h"

namespace tocsin::serve {
namespace {

constexpr Timestamp kGrace = kMinute;
constexpr Timestamp kFresh = 10 * kMinute;
constexpr std::int64_t kMostOfAccount = 32;  // sign-ins at once; the oldest ends

Timestamp of(std::chrono::seconds seconds) { return seconds.count() * kSecond; }

std::string next_key(std::string_view old_key, std::string_view salt) {
  return to_base64url(authenticator(salt, old_key));
}

}  // namespace

Expected<std::optional<SignedIn>> Accounts::State::begin_sign_in(std::string_view name, const std::string& checked,
                                                                 bool trusted, std::string_view peer,
                                                                 std::string_view how) {
  std::optional<SignedIn> out;
  const auto done = database.transaction([&]() -> Expected<void> {
    const Timestamp when = now();
    const auto rows = database.query(
        "UPDATE accounts SET last_seen = ?2 WHERE name = ?1 AND disabled = 0 AND (password = ?3 OR ?4) "
        "RETURNING role, organisation",
        {std::string(name), when, checked, std::int64_t{trusted}});
    if (!rows) return std::unexpected(rows.error());
    if (rows->empty()) return {};
    const auto role = role_of(text_of(rows->front()[0]));
    if (!role) return std::unexpected(role.error());
    SignedIn made{.session = random_key(),
                  .identity = {.user = std::string(name),
                               .role = *role,
                               .organisation = text_of(rows->front()[1]),
                               .csrf = random_key(),
                               .scopes = {"read", "write"},
                               .by_token = false,
                               .since = when}};
    const auto swept = database.query("DELETE FROM sign_ins WHERE made <= ?1 OR seen <= ?2",
                                      {when - of(times.absolute), when - of(times.idle)});
    if (!swept) return std::unexpected(swept.error());
    const auto crowded = database.query(
        "DELETE FROM sign_ins WHERE key IN (SELECT key FROM sign_ins WHERE user = ?1 ORDER BY seen DESC LIMIT -1 "
        "OFFSET ?2)",
        {std::string(name), kMostOfAccount - 1});
    if (!crowded) return std::unexpected(crowded.error());
    const auto added =
        database.query("INSERT INTO sign_ins (key, user, csrf, made, seen, rotated) VALUES (?1, ?2, ?3, ?4, ?4, ?4)",
                       {stored_form(made.session), std::string(name), made.identity.csrf, when});
    if (!added) return std::unexpected(added.error());
    if (auto noted = note(name, peer, "sign-in", how); !noted) return noted;
    out = std::move(made);
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return out;
}

std::expected<Accounts::State::Secrets, Refusal> Accounts::State::check_password(std::string_view name,
                                                                                 const std::string& password,
                                                                                 std::string_view peer,
                                                                                 std::string_view action) {
  const Attempts::Leave leave = attempts.take(name, peer, now());
  const auto account = secrets_of(name);
  if (!account) return std::unexpected(Refusal::kTooOften);  // state.db cannot be read: later, perhaps
  // A name that is no account's may be a password typed in the wrong place, so it is not noted.
  const std::string_view noted = *account ? name : std::string_view();
  if (leave != Attempts::Leave::kGo) {
    if (leave == Attempts::Leave::kStopAndTell) (void)note(noted, peer, action, "too many attempts");
    return std::unexpected(Refusal::kTooOften);
  }
  const bool can_be_right = password.size() <= kMostPassword;
  const auto verdict =
      hasher.verify(*account && can_be_right ? (*account)->password : "", can_be_right ? password : std::string());
  if (verdict == PasswordHasher::Verdict::kBusy) {
    attempts.give_back(name, peer, now());
    return std::unexpected(Refusal::kTooOften);
  }
  if (verdict == PasswordHasher::Verdict::kWrong) {
    (void)note(noted, peer, action, noted.empty() ? "failed: unknown name" : "failed: wrong password");
    return std::unexpected(Refusal::kWrong);
  }
  return **account;
}

std::expected<SignedIn, Refusal> Accounts::sign_in(std::string_view typed, const std::string& password,
                                                   const std::string& code, std::string_view peer) {
  State& state = *state_;
  // People write their names as they like; accounts have small letters only. What cannot be a name is one and the same.
  const std::string name = typed.size() <= kMostName ? lower(typed) : std::string();
  const auto checked = state.check_password(name, password, peer, "sign-in");
  if (!checked) return std::unexpected(checked.error());
  // From here on, the one who asks has the password.
  const State::Secrets& known = *checked;
  if (known.disabled) {
    (void)state.note(name, peer, "sign-in", "failed: disabled");
    return std::unexpected(Refusal::kDisabled);
  }
  if (const auto passed = state.check_code(known, code, peer); !passed) {
    if (passed.error() == Refusal::kNeedsCode) state.attempts.give_back(name, peer, state.now());
    return std::unexpected(passed.error());
  }
  std::string stored = known.password;
  if (PasswordHasher::is_outdated(stored)) {
    if (const auto hash = state.hasher.hash(password)) {
      const auto renewed = state.database.query(
          "UPDATE accounts SET password = ?3 WHERE name = ?1 AND password = ?2 RETURNING 1", {name, stored, *hash});
      if (renewed && !renewed->empty()) stored = *hash;
    }
  }
  auto begun = state.begin_sign_in(name, stored, false, peer, "by password");
  if (!begun) return std::unexpected(Refusal::kTooOften);
  if (!*begun) return std::unexpected(Refusal::kWrong);  // the password was changed while it was looked at
  state.attempts.clear(name, peer, state.now());
  return std::move(**begun);
}

Expected<SignedIn> Accounts::sign_in_trusted(std::string_view name, std::string_view peer) {
  auto begun = state_->begin_sign_in(name, {}, true, peer, "by OpenID Connect");
  if (!begun) return std::unexpected(begun.error());
  if (*begun) return std::move(**begun);
  const auto account = state_->secrets_of(name);
  if (!account) return std::unexpected(account.error());
  if (!*account) return no_account(name);
  (void)state_->note(name, peer, "sign-in", "failed: disabled");
  return failure(fmt::format("the account {} is disabled", name));
}

std::optional<Identity> Accounts::identify(std::string_view session, std::optional<std::string>& rotated) {
  rotated.reset();
  if (session.size() != kKeyCharacters) return std::nullopt;
  StateDatabase& database = state_->database;
  const Timestamp now = state_->now();
  const AccountTimes& times = state_->times;
  const std::string key = stored_form(session);
  const auto rows = database.query(
      "SELECT s.key, s.csrf, s.seen, s.rotated, s.salt, s.old_key, s.old_until, a.name, a.role, a.organisation, s.made "
      "FROM sign_ins s JOIN accounts a ON a.name = s.user "
      "WHERE (s.key = ?1 OR (s.old_key = ?1 AND (s.old_until IS NULL OR s.old_until > ?2))) "
      "AND s.made > ?3 AND s.seen > ?4 AND a.disabled = 0",
      {key, now, now - of(times.absolute), now - of(times.idle)});
  if (!rows || rows->empty()) return std::nullopt;
  const StateRow& row = rows->front();
  const auto role = role_of(text_of(row[8]));
  if (!role) return std::nullopt;

  const std::string current = text_of(row[0]);
  if (current != key) {
    rotated = next_key(session, text_of(row[4]));
  } else if (now - integer_of(row[3]) >= of(times.rotate)) {
    const std::string salt = random_key();
    std::string next = next_key(session, salt);
    const auto changed = database.query(
        "UPDATE sign_ins SET key = ?2, old_key = ?1, old_until = NULL, salt = ?3, rotated = ?4, seen = ?4 "
        "WHERE key = ?1 RETURNING key",
        {key, stored_form(next), salt, now});
    // If another request changed it at the same time, the next one with this key is told.
    if (changed && !changed->empty()) rotated = std::move(next);
  } else if (!text_of(row[5]).empty() && std::holds_alternative<std::monostate>(row[6])) {
    (void)database.query("UPDATE sign_ins SET old_until = ?2 WHERE key = ?1", {key, now + kGrace});
  }
  // One write a minute, not one a request; more often only where less than that counts as idle.
  if (now - integer_of(row[2]) >= std::min(kMinute, of(times.idle) / 4)) {
    (void)database.query("UPDATE sign_ins SET seen = ?2 WHERE key = ?1", {current, now});
    (void)database.query("UPDATE accounts SET last_seen = ?2 WHERE name = ?1", {text_of(row[7]), now});
  }
  return Identity{.user = text_of(row[7]),
                  .role = *role,
                  .organisation = text_of(row[9]),
                  .csrf = text_of(row[1]),
                  .scopes = {"read", "write"},
                  .by_token = false,
                  .since = integer_of(row[10])};
}

std::expected<void, Refusal> Accounts::prove(const Identity& identity, const std::string& password,
                                             std::string_view peer) {
  const auto account = state_->secrets_of(identity.user);
  if (!account) return std::unexpected(Refusal::kTooOften);
  if (!*account) return std::unexpected(Refusal::kWrong);
  if ((*account)->password.empty()) {
    if (state_->now() - identity.since <= kFresh) return {};
    return std::unexpected(Refusal::kTooOld);
  }
  const auto checked = state_->check_password(identity.user, password, peer, "password.check");
  if (!checked) return std::unexpected(checked.error());
  state_->attempts.clear(identity.user, peer, state_->now());
  return {};
}

Expected<SignedIn> Accounts::change_password(std::string_view name, const std::string& password,
                                             std::string_view peer) {
  const auto stored = state_->replace_password(name, password);
  if (!stored) return std::unexpected(stored.error());
  auto begun = state_->begin_sign_in(name, *stored, false, peer, "by a new password");
  if (!begun) return std::unexpected(begun.error());
  if (!*begun) return failure(fmt::format("the account {} changed at the same time: sign in again", name));
  return std::move(**begun);
}

void Accounts::sign_out(std::string_view session) {
  if (session.size() != kKeyCharacters) return;
  const std::string key = stored_form(session);
  (void)state_->database.query("DELETE FROM sign_ins WHERE key = ?1 OR old_key = ?1", {key});
}

}  // namespace tocsin::serve
