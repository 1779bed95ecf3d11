#include "store/head.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>

#include "store/files.h"
#include "store/ledger.h"

namespace tocsin::store {
namespace {

struct Statement {
  sqlite3_stmt* handle = nullptr;
  Statement() = default;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(handle); }
};

}  // namespace

Expected<std::unique_ptr<HeadKeeper>> HeadKeeper::open(const std::filesystem::path& path, bool may_write) {
  sqlite3* database = nullptr;
  const int flags = may_write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  const int opened = sqlite3_open_v2(path.c_str(), &database, flags, nullptr);
  std::unique_ptr<HeadKeeper> keeper(new HeadKeeper(path, database));
  if (opened != SQLITE_OK) return std::unexpected(keeper->error("open"));
  sqlite3_busy_timeout(database, 20'000);
  if (may_write) {
    const auto set = keeper->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", "set up");
    if (!set) return std::unexpected(set.error());
  }
  return keeper;
}

HeadKeeper::~HeadKeeper() { sqlite3_close(database_); }

Error HeadKeeper::error(const char* action) const {
  const char* reason = database_ == nullptr ? "out of memory" : sqlite3_errmsg(database_);
  if (database_ != nullptr && sqlite3_errcode(database_) == SQLITE_FULL) {
    return system_error(action, path_, ENOSPC);
  }
  if (database_ != nullptr && sqlite3_errcode(database_) == SQLITE_IOERR && sqlite3_system_errno(database_) != 0) {
    return system_error(action, path_, sqlite3_system_errno(database_));
  }
  return {fmt::format("cannot {} {}: {}", action, path_.string(), reason)};
}

Expected<void> HeadKeeper::execute(const char* sql, const char* action) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return std::unexpected(error(action));
  return {};
}

Expected<void> HeadKeeper::create() {
  const auto made = execute(
      "CREATE TABLE IF NOT EXISTS ledger_head (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL, "
      "hash TEXT NOT NULL) STRICT;",
      "write");
  if (!made) return made;
  Statement insert;
  if (sqlite3_prepare_v2(database_, "INSERT OR IGNORE INTO ledger_head VALUES (1, 0, ?)", -1, &insert.handle,
                         nullptr) != SQLITE_OK ||
      sqlite3_bind_text(insert.handle, 1, kNoHash.data(), static_cast<int>(kNoHash.size()), SQLITE_STATIC) !=
          SQLITE_OK ||
      sqlite3_step(insert.handle) != SQLITE_DONE) {
    return std::unexpected(error("write"));
  }
  return {};
}

Expected<SightingStore::Head> HeadKeeper::get() {
  Statement select;
  if (sqlite3_prepare_v2(database_, "SELECT sequence, hash FROM ledger_head", -1, &select.handle, nullptr) !=
      SQLITE_OK) {
    return std::unexpected(error("read"));
  }
  const int stepped = sqlite3_step(select.handle);
  if (stepped == SQLITE_DONE) return failure(fmt::format("{} holds no head of the ledger", path_.string()));
  if (stepped != SQLITE_ROW) return std::unexpected(error("read"));
  const auto* hash = reinterpret_cast<const char*>(sqlite3_column_text(select.handle, 1));
  return SightingStore::Head{static_cast<std::uint64_t>(sqlite3_column_int64(select.handle, 0)),
                             hash == nullptr ? "" : hash};
}

Expected<void> HeadKeeper::set(const SightingStore::Head& head) {
  Statement update;
  if (sqlite3_prepare_v2(database_, "UPDATE ledger_head SET sequence = ?, hash = ?", -1, &update.handle, nullptr) !=
          SQLITE_OK ||
      sqlite3_bind_int64(update.handle, 1, static_cast<sqlite3_int64>(head.sequence)) != SQLITE_OK ||
      sqlite3_bind_text(update.handle, 2, head.hash.data(), static_cast<int>(head.hash.size()), SQLITE_TRANSIENT) !=
          SQLITE_OK ||
      sqlite3_step(update.handle) != SQLITE_DONE) {
    return std::unexpected(error("write"));
  }
  return {};
}

}  // namespace tocsin::store
