#include <algorithm>
#include <limits>

#include "accounts/accounts_state.h"
#include "base/text.h"

namespace tocsin::serve {
namespace {

// A request with every parameter at its longest.
constexpr std::size_t kMostWhat = 16'384;

}  // namespace

Expected<void> Accounts::State::note(std::string_view user, std::string_view peer, std::string_view action,
                                     std::string_view what) {
  return write(entry(user, peer, action, what));
}

AuditEntry Accounts::State::entry(std::string_view user, std::string_view peer, std::string_view action,
                                  std::string_view what) const {
  return {.when = now(),
          .user = printable(user, 80),
          .peer = printable(peer, 80),
          .action = printable(action, 80),
          .what = printable(what, kMostWhat)};
}

Expected<void> Accounts::State::write_all(const std::vector<AuditEntry>& entries) {
  return database.transaction([&]() -> Expected<void> {
    for (const AuditEntry& each : entries) {
      if (auto written = write(each); !written) return written;
    }
    return {};
  });
}

Expected<void> Accounts::State::write(const AuditEntry& entry) {
  const auto noted = database.query("INSERT INTO audit (at, user, peer, action, what) VALUES (?1, ?2, ?3, ?4, ?5)",
                                    {entry.when, entry.user, entry.peer, entry.action, entry.what});
  if (!noted) return std::unexpected(noted.error());
  return {};
}

Expected<void> Accounts::note(std::string_view user, std::string_view peer, std::string_view action,
                              std::string_view what) {
  return state_->note(user, peer, action, what);
}

Expected<void> Accounts::note_soon(std::string_view user, std::string_view peer, std::string_view action,
                                   std::string_view what) {
  return state_->soon->add(state_->entry(user, peer, action, what));
}

Expected<std::vector<AuditEntry>> Accounts::audit(std::uint64_t before, std::size_t limit) {
  if (const auto written = state_->soon->flush(); !written) return std::unexpected(written.error());
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
