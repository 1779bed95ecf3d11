#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "accounts/accounts_state.h"
#include "accounts/secrets.h"
#include "base/text.h"

namespace tocsin::serve {
namespace {

constexpr std::string_view kPrefix = "tcs_";  // by which scanners for leaked secrets know it
constexpr Timestamp kLongest = 2 * 366 * kDay;
constexpr std::int64_t kMostTokens = 100;

std::vector<std::string> split(const std::string& scopes) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < scopes.size();) {
    const std::size_t end = std::min(scopes.find(' ', at), scopes.size());
    out.push_back(scopes.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

}  // namespace

Expected<std::string> Accounts::make_token(std::string_view user, const std::string& label,
                                           const std::vector<std::string>& scopes, Timestamp expires) {
  if (label.empty() || label.size() > 100 || printable(label) != label) {
    return failure("a token's label has 1 to 100 bytes and no control characters");
  }
  std::vector<std::string> sorted(scopes);
  std::ranges::sort(sorted);
  sorted.erase(std::ranges::unique(sorted).begin(), sorted.end());
  const bool are_known = std::ranges::all_of(sorted, [](const std::string& s) { return s == "read" || s == "write"; });
  if (sorted.empty() || !are_known) return failure("a token's scopes are read and write");
  const Timestamp now = state_->now();
  if (expires <= now || expires > now + kLongest) return failure("a token expires after today and within two years");

  std::string token = std::string(kPrefix) + random_key();
  const auto made = state_->database.transaction([&]() -> Expected<void> {
    if (auto required = state_->require(user); !required) return required;
    const auto count = state_->database.query("SELECT count(*) FROM tokens WHERE user = ?1", {std::string(user)});
    if (!count) return std::unexpected(count.error());
    if (integer_of(count->front()[0]) >= kMostTokens) {
      return failure(fmt::format("{} has {} tokens; remove one first", user, kMostTokens));
    }
    const auto added = state_->database.query(
        "INSERT INTO tokens (id, key, user, label, scopes, made, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        {random_key().substr(0, 16), stored_form(token), std::string(user), label,
         fmt::format("{}", fmt::join(sorted, " ")), now, expires});
    if (!added) return std::unexpected(added.error());
    return {};
  });
  if (!made) return std::unexpected(made.error());
  return token;
}

std::optional<Identity> Accounts::identify_token(std::string_view token) {
  if (token.size() != kPrefix.size() + kKeyCharacters || !token.starts_with(kPrefix)) return std::nullopt;
  const Timestamp now = state_->now();
  const auto rows = state_->database.query(
      "SELECT t.id, t.last_used, t.scopes, a.name, a.role, a.organisation FROM tokens t JOIN accounts a "
      "ON a.name = t.user WHERE t.key = ?1 AND t.expires > ?2 AND a.disabled = 0",
      {stored_form(token), now});
  if (!rows || rows->empty()) return std::nullopt;
  const StateRow& row = rows->front();
  const auto role = role_of(text_of(row[4]));
  if (!role) return std::nullopt;
  // One write a minute, not one a request.
  if (now - integer_of(row[1]) >= kMinute) {
    (void)state_->database.query("UPDATE tokens SET last_used = ?2 WHERE id = ?1", {text_of(row[0]), now});
  }
  return Identity{.user = text_of(row[3]),
                  .role = *role,
                  .organisation = text_of(row[5]),
                  .csrf = {},
                  .scopes = split(text_of(row[2])),
                  .by_token = true};
}

Expected<std::vector<Token>> Accounts::tokens(std::string_view user) {
  const auto rows = state_->database.query(
      "SELECT id, user, label, scopes, made, expires, last_used FROM tokens WHERE user = ?1 ORDER BY made, id",
      {std::string(user)});
  if (!rows) return std::unexpected(rows.error());
  std::vector<Token> out;
  for (const StateRow& row : *rows) {
    out.push_back({.id = text_of(row[0]),
                   .user = text_of(row[1]),
                   .label = text_of(row[2]),
                   .scopes = split(text_of(row[3])),
                   .made = integer_of(row[4]),
                   .expires = integer_of(row[5]),
                   .last_used = integer_of(row[6])});
  }
  return out;
}

Expected<void> Accounts::remove_token(std::string_view user, std::string_view id) {
  const auto removed = state_->database.query("DELETE FROM tokens WHERE user = ?1 AND id = ?2 RETURNING id",
                                              {std::string(user), std::string(id)});
  if (!removed) return std::unexpected(removed.error());
  if (removed->empty()) return failure(fmt::format("{} has no token {}", printable(user, 80), printable(id, 80)));
  return {};
}

}  // namespace tocsin::serve
