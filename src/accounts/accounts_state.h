// What the parts of Accounts share: accounts.cc, sign_in.cc, second_factor.cc, tokens.cc and audit.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "accounts/accounts.h"
#include "accounts/attempts.h"
#include "accounts/audit_queue.h"
#include "accounts/passwords.h"
#include "base/expected.h"

namespace tocsin::serve {

struct Accounts::State {
  StateDatabase& database;
  AccountTimes times;
  std::function<Timestamp()> now;
  Attempts attempts;
  PasswordHasher hasher;
  std::unique_ptr<AuditQueue> soon;  // it ends before what it writes to

  // Of one account, what a second factor or a sign-in needs.
  struct Secrets {
    std::string name, password, totp, totp_pending;
    std::int64_t totp_step = 0;
    bool disabled = false;
  };
  Expected<std::optional<Secrets>> secrets_of(std::string_view name);
  // Of an account that must be there; the error names it.
  Expected<void> require(std::string_view name);
  Expected<void> note(std::string_view user, std::string_view peer, std::string_view action, std::string_view what);
  AuditEntry entry(std::string_view user, std::string_view peer, std::string_view action, std::string_view what) const;
  Expected<void> write(const AuditEntry& entry);
  Expected<void> write_all(const std::vector<AuditEntry>& entries);
  // A row of sign_ins for an account that is enabled and whose password is still the one that was checked; trusted:
  // there was none to check. Notes how. None: the account changed meanwhile.
  Expected<std::optional<SignedIn>> begin_sign_in(std::string_view name, const std::string& checked, bool trusted,
                                                  std::string_view peer, std::string_view how);
  Expected<void> end_sign_ins(std::string_view name);
  // The account, if the password is its own and it may go on trying. action: what a wrong one is noted as.
  std::expected<Secrets, Refusal> check_password(std::string_view name, const std::string& password,
                                                 std::string_view peer, std::string_view action);
  Expected<std::string> replace_password(std::string_view name, const std::string& password);  // how it is stored
  std::expected<void, Refusal> check_code(const Secrets& account, const std::string& code, std::string_view peer);
};

inline constexpr std::size_t kMostName = 64, kMostPassword = 1024;
std::unexpected<Error> no_account(std::string_view name);

}  // namespace tocsin::serve
