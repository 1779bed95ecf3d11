#include "accounts/state_database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "base/file.h"
#include "base/text.h"

namespace tocsin::serve {
namespace {

constexpr int kBusyMilliseconds = 10'000;
constexpr std::size_t kStatementsKept = 128;

// The file holds hashes of passwords, so it is its owner's alone; SQLite gives -wal and -shm the same mode. Only a file
// that is made here is opened: closing one that another connection of this process has open would drop its locks.
Expected<void> keep_private(const std::string& path) {
  const FileDescriptor made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (made.is_open()) return {};
  if (errno != EEXIST) return failure(fmt::format("cannot make {}: {}", path, std::strerror(errno)));
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat status {};
    const std::string name = path + suffix;
    if (::stat(name.c_str(), &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & 077) == 0) continue;
    // Where it belongs to another user, that one decides.
    if (::chmod(name.c_str(), 0600) != 0 && errno != EPERM) {
      return failure(fmt::format("cannot change the mode of {}: {}", name, std::strerror(errno)));
    }
  }
  return {};
}

StateCell cell_of(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return std::int64_t{sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_NULL:
      return std::monostate{};
    default: {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
      return bytes == nullptr ? std::string() : std::string(bytes, size);
    }
  }
}

int bind(sqlite3_stmt* statement, int at, const StateCell& cell) {
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) return sqlite3_bind_int64(statement, at, *integer);
  if (const auto* real = std::get_if<double>(&cell)) return sqlite3_bind_double(statement, at, *real);
  if (const auto* text = std::get_if<std::string>(&cell)) {
    return sqlite3_bind_text64(statement, at, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  return sqlite3_bind_null(statement, at);
}

// Leaves a kept statement ready for its next use, without what was bound.
struct Reset {
  sqlite3_stmt* statement;
  ~Reset() {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
  }
};

}  // namespace

struct StateDatabase::State {
  std::string path;
  sqlite3* database = nullptr;
  std::recursive_mutex mutex;  // recursive: the body of a transaction queries
  unsigned depth = 0;          // of transactions
  std::unordered_map<std::string, sqlite3_stmt*> statements;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    forget_statements();
    sqlite3_close(database);
  }
  void forget_statements() {
    for (const auto& [sql, statement] : statements) sqlite3_finalize(statement);
    statements.clear();
  }
  std::unexpected<Error> error(std::string_view action) const {
    return failure(fmt::format("cannot {} {}: {}", action, path,
                               database == nullptr ? "out of memory" : sqlite3_errmsg(database)));
  }
  Expected<void> execute(const char* sql, std::string_view action) {
    if (sqlite3_exec(database, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error(action);
    return {};
  }
  Expected<sqlite3_stmt*> prepare(const std::string& sql) {
    if (const auto known = statements.find(sql); known != statements.end()) return known->second;
    sqlite3_stmt* statement = nullptr;
    const char* rest = nullptr;
    if (sqlite3_prepare_v3(database, sql.c_str(), static_cast<int>(sql.size()) + 1, SQLITE_PREPARE_PERSISTENT,
                           &statement, &rest) != SQLITE_OK) {
      return error("query");
    }
    if (statement == nullptr || !trim(rest).empty()) {
      sqlite3_finalize(statement);
      return failure(fmt::format("cannot query {}: not one statement", path));
    }
    if (statements.size() >= kStatementsKept) forget_statements();
    statements.emplace(sql, statement);
    return statement;
  }
};

StateDatabase::StateDatabase(std::unique_ptr<State> state) : state_(std::move(state)) {}
StateDatabase::~StateDatabase() = default;

Expected<std::unique_ptr<StateDatabase>> StateDatabase::open(const std::string& path) {
  if (const auto kept = keep_private(path); !kept) return std::unexpected(kept.error());
  auto state = std::make_unique<State>();
  state->path = path;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &state->database, flags, nullptr) != SQLITE_OK) return state->error("open");
  sqlite3_busy_timeout(state->database, kBusyMilliseconds);
  sqlite3_db_config(state->database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(state->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  const auto set = state->execute(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = FAST;",
      "set up");
  if (!set) return std::unexpected(set.error());
  return std::unique_ptr<StateDatabase>(new StateDatabase(std::move(state)));
}

Expected<std::vector<StateRow>> StateDatabase::query(const std::string& sql, const StateRow& parameters) {
  const std::lock_guard lock(state_->mutex);
  const auto prepared = state_->prepare(sql);
  if (!prepared) return std::unexpected(prepared.error());
  sqlite3_stmt* statement = *prepared;
  const Reset reset{statement};
  if (sqlite3_bind_parameter_count(statement) != static_cast<int>(parameters.size())) {
    return failure(fmt::format("cannot query {}: {} parameters given, {} needed", state_->path, parameters.size(),
                               sqlite3_bind_parameter_count(statement)));
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (bind(statement, static_cast<int>(i) + 1, parameters[i]) != SQLITE_OK) return state_->error("query");
  }
  std::vector<StateRow> rows;
  for (;;) {
    const int stepped = sqlite3_step(statement);
    if (stepped == SQLITE_DONE) return rows;
    if (stepped != SQLITE_ROW) return state_->error("query");
    StateRow& row = rows.emplace_back();
    const int columns = sqlite3_column_count(statement);
    row.reserve(static_cast<std::size_t>(columns));
    for (int column = 0; column < columns; ++column) row.push_back(cell_of(statement, column));
  }
}

Expected<void> StateDatabase::script(const std::string& sql) {
  const std::lock_guard lock(state_->mutex);
  return state_->execute(sql.c_str(), "change");
}

Expected<void> StateDatabase::transaction(const std::function<Expected<void>()>& body) {
  const std::lock_guard lock(state_->mutex);
  const bool is_outer = state_->depth == 0;
  // IMMEDIATE: takes the right to write at once, where waiting helps; a reader that turns writer may only fail.
  const auto begun = state_->execute(is_outer ? "BEGIN IMMEDIATE" : "SAVEPOINT inner_transaction", "change");
  if (!begun) return begun;

  // Undoes all unless told otherwise, so also when body throws.
  struct Undo {
    State& state;
    bool is_outer;
    bool armed = true;
    ~Undo() {
      --state.depth;
      if (!armed) return;
      if (is_outer) {
        // Some errors (a full disk) have rolled back already.
        if (sqlite3_get_autocommit(state.database) == 0) (void)state.execute("ROLLBACK", "change");
      } else {
        (void)state.execute("ROLLBACK TO inner_transaction; RELEASE inner_transaction", "change");
      }
    }
  };
  ++state_->depth;
  Undo undo{*state_, is_outer};
  if (auto done = body(); !done) return done;
  if (is_outer && sqlite3_get_autocommit(state_->database) != 0) {
    return failure(fmt::format("cannot change {}: it was rolled back", state_->path));
  }
  auto kept = state_->execute(is_outer ? "COMMIT" : "RELEASE inner_transaction", "change");
  undo.armed = !kept;
  return kept;
}

std::string text_of(const StateCell& cell) {
  const auto* text = std::get_if<std::string>(&cell);
  return text == nullptr ? std::string() : *text;
}

std::int64_t integer_of(const StateCell& cell) {
  const auto* integer = std::get_if<std::int64_t>(&cell);
  return integer == nullptr ? 0 : *integer;
}

}  // namespace tocsin::serve
