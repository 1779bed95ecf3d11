// Accounts, sign-ins and tokens, kept in state.db.
//
// Passwords are kept as Argon2id (libsodium), session keys and tokens as SHA-256 of 256 random bits, second factors as
// TOTP (RFC 6238; SHA-1, 6 digits, 30 s, one step of drift, no step used twice). Wrong passwords slow down the pair of
// account and address that made them, and the address (attempts.h), never the account itself: nobody can lock out
// another. Only wrong codes after the right password slow down the account, since codes are few.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/identity.h"
#include "accounts/state_database.h"
#include "base/expected.h"
#include "base/time.h"

namespace tocsin::serve {

struct Account {
  std::string name;
  Role role = Role::kAnalyst;
  std::string organisation = {};
  std::string email = {};
  std::string language = {};  // "en", "zh", or empty
  bool has_password = false, has_totp = false, disabled = false;
  Timestamp made = 0, last_seen = 0;
};

struct Token {  // the token itself is shown once, when it is made
  std::string id, user, label;
  std::vector<std::string> scopes;
  Timestamp made = 0, expires = 0, last_used = 0;
};

struct AuditEntry {
  std::uint64_t number = 0;
  Timestamp when = 0;
  std::string user, peer, action, what;  // "sign-in", "failed"; "brief.publish", "3"
};

// Why nobody was signed in. kTooOften: later; also when the server is too busy with passwords, or state.db fails.
// kNeedsCode and kDisabled are said only to who has the password; kTooOld to who has none to give.
enum class Refusal : std::uint8_t { kWrong, kNeedsCode, kTooOften, kDisabled, kTooOld };

struct SignedIn {
  std::string session;  // the cookie's value
  Identity identity;
};

struct AccountTimes {
  std::chrono::seconds idle{30 * 60}, absolute{12 * 3600}, rotate{15 * 60};
};

class Accounts {
 public:
  // Makes the tables if they are missing. now: microseconds, for tests.
  static Expected<std::unique_ptr<Accounts>> open(StateDatabase& database, AccountTimes times = {},
                                                  std::function<Timestamp()> now = {});
  ~Accounts();

  // ---- accounts. Names: 1 to 64 of a-z, 0-9 and ".-_@"; passwords: 12 to 1,024 bytes, not the name.
  Expected<void> add(const Account& account, const std::optional<std::string>& password);
  Expected<std::vector<Account>> list();
  Expected<std::optional<Account>> find(std::string_view name);
  // Role, organisation, email, language, disabled. Ends its sessions unless it may do the same as before. An error if
  // no administrator is left that is enabled.
  Expected<void> change(const Account& account);
  Expected<void> set_language(std::string_view name, const std::string& language);  // "en", "zh", or empty
  // Ends its sessions and revokes its tokens: whoever knew the old one may have made some.
  Expected<void> set_password(std::string_view name, const std::string& password);
  Expected<void> remove(std::string_view name);  // an error for the last administrator
  Expected<std::uint64_t> administrators();      // that are enabled

  // ---- sign-in. An unknown name costs as much time as a wrong password. Each is noted in the audit trail, failed or
  // not, as the action "sign-in"; a name that is no account's is not noted, for it may be a password. Capital letters
  // of the name count as small ones.
  std::expected<SignedIn, Refusal> sign_in(std::string_view name, const std::string& password, const std::string& code,
                                           std::string_view peer);
  Expected<SignedIn> sign_in_trusted(std::string_view name, std::string_view peer);  // after OpenID Connect
  // The identity of a session's cookie; none if it is unknown, expired or its account disabled. rotated: the new value
  // of the cookie, when it is time; the old one holds until a minute after the new one was first used, and whoever
  // comes with it is told the same new one, for requests under way and answers that were lost.
  std::optional<Identity> identify(std::string_view session, std::optional<std::string>& rotated);
  void sign_out(std::string_view session);
  // Whether it is still the owner who sits before the session: by the present password, or for an account without one
  // by a session that began within the last ten minutes. Wrong passwords count as those of a sign-in do.
  std::expected<void, Refusal> prove(const Identity& identity, const std::string& password, std::string_view peer);
  // Like set_password, and begins the one session that goes on.
  Expected<SignedIn> change_password(std::string_view name, const std::string& password, std::string_view peer);

  // ---- second factor: the secret counts once a code of it was given.
  Expected<std::string> begin_totp(std::string_view name);  // otpauth:// URI
  Expected<bool> confirm_totp(std::string_view name, const std::string& code);
  Expected<void> remove_totp(std::string_view name);

  // ---- tokens: "tcs_" and 43 characters of Base64url; scopes "read" and "write"; for two years at most.
  Expected<std::string> make_token(std::string_view user, const std::string& label,
                                   const std::vector<std::string>& scopes, Timestamp expires);
  std::optional<Identity> identify_token(std::string_view token);
  Expected<std::vector<Token>> tokens(std::string_view user);
  Expected<void> remove_token(std::string_view user, std::string_view id);

  // ---- audit: rows can be added, not changed or removed (triggers see to it).
  // Control characters are escaped.
  Expected<void> note(std::string_view user, std::string_view peer, std::string_view action, std::string_view what);
  // The same, written some milliseconds later together with others, and always when this ends. An error if those before
  // could not be written.
  Expected<void> note_soon(std::string_view user, std::string_view peer, std::string_view action,
                           std::string_view what);
  Expected<std::vector<AuditEntry>> audit(std::uint64_t before, std::size_t limit);  // newest first; before 0: the end

 private:
  struct State;
  explicit Accounts(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::serve
