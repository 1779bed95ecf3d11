#include <algorithm>
#include <limits>

#include "base/text.h"
#include "serve/accounts_state.h"

namespace tocsin::serve {
namespace {

// A request with every parameter at its longest.
constexpr std::size_t kMostWhat = 16'384;

}  // namespace

Expected<void> Accounts::State::note(std::string_view user, std::string_view peer, std::string_view action,
                                     std::string_view what) {
  const auto noted = database.query(
      "INSERT INTO audit (at, user, peer, action, what) VALUES (?1, ?2, ?3, ?4, ?5)",
      {now(), printable(user, 80), printable(peer, 80), printable(action, 80), printable(what, kMostWhat)});
  if (!noted) return std::unexpected(noted.error());
  return {};
}

Expected<void> Accounts::note(std::string_view user, std::string_view peer, std::string_view action,
                              std::string_view what) {
  return state_->note(user, peer, action, what);
}

Expected<std::vector<AuditEntry>> Accounts::audit(std::uint64_t before, std::size_t limit) {
  constexpr auto last = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (before == 0 || before > last) before = last;
  const auto rows = state_->database.query(
      "SELECT number, at, user, peer, action, what FROM audit WHERE number < ?1 ORDER BY number DESC LIMIT ?2",
      {static_cast<std::int64_t>(before), static_cast<std::int64_t>(std::min<std::size_t>(limit, 10'000))});
  if (!rows) return std::unexpected(rows.error());
  std::vector<AuditEntry> out;
  for (const StateRow& row : *rows) {
    out.push_back({.number = static_cast<std::uint64_t>(integer_of(row[0])),
                   .when = integer_of(row[1]),
                   .user = text_of(row[2]),
                   .peer = text_of(row[3]),
                   .action = text_of(row[4]),
                   .what = text_of(row[5])});
  }
  return out;
}

}  // namespace tocsin::serve
