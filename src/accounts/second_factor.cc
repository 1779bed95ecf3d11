#include "accounts/accounts_state.h"
#include "accounts/secrets.h"
#include "accounts/totp.h"

namespace tocsin::serve {
namespace {

constexpr std::size_t kSecretBytes = 20;

}  // namespace

Expected<std::optional<Accounts::State::Secrets>> Accounts::State::secrets_of(std::string_view name) {
  const auto rows =
      database.query("SELECT name, password, totp, totp_pending, totp_step, disabled FROM accounts WHERE name = ?1",
                     {std::string(name)});
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty()) return std::nullopt;
  const StateRow& row = rows->front();
  return Secrets{.name = text_of(row[0]),
                 .password = text_of(row[1]),
                 .totp = text_of(row[2]),
                 .totp_pending = text_of(row[3]),
                 .totp_step = integer_of(row[4]),
                 .disabled = integer_of(row[5]) != 0};
}

std::expected<void, Refusal> Accounts::State::check_code(const Secrets& account, const std::string& code,
                                                         std::string_view peer) {
  if (account.totp.empty()) return {};
  if (code.empty()) return std::unexpected(Refusal::kNeedsCode);
  const Attempts::Leave leave = attempts.take_code(account.name, now());
  if (leave != Attempts::Leave::kGo) {
    if (leave == Attempts::Leave::kStopAndTell) (void)note(account.name, peer, "sign-in", "too many wrong codes");
    return std::unexpected(Refusal::kTooOften);
  }
  const auto step = totp_step_of(from_base32(account.totp).value_or(""), code, now(), account.totp_step);
  if (step) {
    // Of two requests with one code, one finds its step used.
    const auto used = database.query(
        "UPDATE accounts SET totp_step = ?2 WHERE name = ?1 AND totp_step < ?2 RETURNING 1", {account.name, *step});
    if (used && !used->empty()) {
      attempts.give_back_code(account.name, now());
      return {};
    }
  }
  (void)note(account.name, peer, "sign-in", "failed: wrong code");
  return std::unexpected(Refusal::kWrong);
}

Expected<std::string> Accounts::begin_totp(std::string_view name) {
  const std::string secret = to_base32(random_bytes(kSecretBytes));
  const auto set = state_->database.query("UPDATE accounts SET totp_pending = ?2 WHERE name = ?1 RETURNING name",
                                          {std::string(name), secret});
  if (!set) return std::unexpected(set.error());
  if (set->empty()) return no_account(name);
  return totp_uri(secret, name);
}

Expected<bool> Accounts::confirm_totp(std::string_view name, const std::string& code) {
  const auto account = state_->secrets_of(name);
  if (!account) return std::unexpected(account.error());
  if (!*account) return no_account(name);
  if ((*account)->totp_pending.empty()) return failure("no second factor was begun");
  // The steps used so far were of another secret.
  const auto step = totp_step_of(from_base32((*account)->totp_pending).value_or(""), code, state_->now(), -1);
  if (!step) return false;
  const auto set = state_->database.query(
      "UPDATE accounts SET totp = totp_pending, totp_pending = '', totp_step = ?3 "
      "WHERE name = ?1 AND totp_pending = ?2 RETURNING name",
      {std::string(name), (*account)->totp_pending, *step});
  if (!set) return std::unexpected(set.error());
  return !set->empty();
}

Expected<void> Accounts::remove_totp(std::string_view name) {
  const auto set = state_->database.query(
      "UPDATE accounts SET totp = '', totp_pending = '', totp_step = 0 WHERE name = ?1 RETURNING name",
      {std::string(name)});
  if (!set) return std::unexpected(set.error());
  if (set->empty()) return no_account(name);
  return {};
}

}  // namespace tocsin::serve
