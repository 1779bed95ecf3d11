// DuckDB, over its C API: a query and its answer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/expected.h"

namespace tocsin {

// NULL, integer (also of dates in days, timestamps in microseconds and booleans), real, or text. UUIDs that hold
// addresses come out as text of the address when the column's name ends in "_ip", else as UUID text.
using Cell = std::variant<std::monostate, std::int64_t, double, std::string>;

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;
};

// 'text' as a literal of SQL.
std::string sql_text(std::string_view text);
// The text of a UUID with these 128 bits, such as an address of a segment's columns.
std::string uuid_text(std::uint64_t high, std::uint64_t low);

class Database {
 public:
  // In memory; threads: 0 for as many as there are cores. spill: a directory for what does not fit in memory.
  static Expected<std::unique_ptr<Database>> open(int threads = 0, const std::string& spill = "");
  ~Database();
  // One statement. Parameters are bound to $1, $2, ...
  Expected<Table> query(const std::string& sql, const std::vector<Cell>& parameters = {});
  // Adds rows to a table, each with as many cells as it has columns; text becomes the column's type.
  Expected<void> append(const std::string& table, const std::vector<std::vector<Cell>>& rows);
  // The same, but the rows come in chunks of some thousand, each gone when take returns, so that the answer need not
  // fit in memory. Ends early with take's error. No other query may run on this database meanwhile.
  Expected<void> stream(const std::string& sql, const std::vector<Cell>& parameters,
                        const std::function<Expected<void>(const Table& chunk)>& take);
  // The duckdb_connection, for those who append in columns.
  void* connection();

 private:
  struct State;
  explicit Database(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tocsin
