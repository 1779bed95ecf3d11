#include "store/database.h"

#include <duckdb.h>
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include "base/ip_address.h"

namespace tocsin {
namespace {

// Owners of the C API's handles.
struct PreparedStatement {
  duckdb_prepared_statement handle = nullptr;
  PreparedStatement() = default;
  PreparedStatement(const PreparedStatement&) = delete;
  PreparedStatement& operator=(const PreparedStatement&) = delete;
  ~PreparedStatement() { duckdb_destroy_prepare(&handle); }
};

struct Result {
  duckdb_result handle{};
  Result() = default;
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
  ~Result() { duckdb_destroy_result(&handle); }
};

struct PendingResult {
  duckdb_pending_result handle = nullptr;
  PendingResult() = default;
  PendingResult(const PendingResult&) = delete;
  PendingResult& operator=(const PendingResult&) = delete;
  ~PendingResult() { duckdb_destroy_pending(&handle); }
};

struct LogicalType {
  duckdb_logical_type handle;
  explicit LogicalType(duckdb_logical_type type) : handle(type) {}
  LogicalType(const LogicalType&) = delete;
  LogicalType& operator=(const LogicalType&) = delete;
  ~LogicalType() { duckdb_destroy_logical_type(&handle); }
};

// What a column's values are, found once a query.
struct Column {
  std::string name;
  duckdb_type type = DUCKDB_TYPE_INVALID;
  duckdb_type internal = DUCKDB_TYPE_INVALID;  // of decimals and enumerations
  double scale = 1;                            // of decimals
  std::vector<std::string> words;              // of enumerations
  bool is_address = false;
};

Cell integer_or_real(std::int64_t upper, std::uint64_t lower) {
  if (upper == 0 && lower <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return static_cast<std::int64_t>(lower);
  }
  if (upper == -1 && lower > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return static_cast<std::int64_t>(lower);
  }
  return std::ldexp(static_cast<double>(upper), 64) + static_cast<double>(lower);
}

// DuckDB keeps a UUID as a hugeint whose top bit is flipped, so that it sorts as its bytes do.
template <typename T>
T at(const void* data, idx_t row) {
  return static_cast<const T*>(data)[row];
}

template <typename T>
Cell unsigned_cell(T value) {
  return integer_or_real(0, value);
}

// An integer of the type that stands in `data`: for decimals and enumerations.
Cell integer_at(duckdb_type type, const void* data, idx_t row) {
  switch (type) {
    case DUCKDB_TYPE_BOOLEAN:
      return static_cast<std::int64_t>(at<bool>(data, row));
    case DUCKDB_TYPE_TINYINT:
      return static_cast<std::int64_t>(at<std::int8_t>(data, row));
    case DUCKDB_TYPE_SMALLINT:
      return static_cast<std::int64_t>(at<std::int16_t>(data, row));
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_DATE:
      return static_cast<std::int64_t>(at<std::int32_t>(data, row));
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_TIME:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return at<std::int64_t>(data, row);
    case DUCKDB_TYPE_TIMESTAMP_S:
      return at<std::int64_t>(data, row) * 1'000'000;
    case DUCKDB_TYPE_TIMESTAMP_MS:
      return at<std::int64_t>(data, row) * 1'000;
    case DUCKDB_TYPE_TIMESTAMP_NS:
      return at<std::int64_t>(data, row) / 1'000;
    case DUCKDB_TYPE_UTINYINT:
      return unsigned_cell(at<std::uint8_t>(data, row));
    case DUCKDB_TYPE_USMALLINT:
      return unsigned_cell(at<std::uint16_t>(data, row));
    case DUCKDB_TYPE_UINTEGER:
      return unsigned_cell(at<std::uint32_t>(data, row));
    case DUCKDB_TYPE_UBIGINT:
      return unsigned_cell(at<std::uint64_t>(data, row));
    case DUCKDB_TYPE_HUGEINT: {
      const auto value = at<duckdb_hugeint>(data, row);
      return integer_or_real(value.upper, value.lower);
    }
    case DUCKDB_TYPE_UHUGEINT: {
      const auto value = at<duckdb_uhugeint>(data, row);
      if (value.upper == 0) return integer_or_real(0, value.lower);
      return std::ldexp(static_cast<double>(value.upper), 64) + static_cast<double>(value.lower);
    }
    default:
      return std::monostate{};
  }
}

Cell cell_at(const Column& column, void* data, idx_t row) {
  switch (column.type) {
    case DUCKDB_TYPE_FLOAT:
      return static_cast<double>(at<float>(data, row));
    case DUCKDB_TYPE_DOUBLE:
      return at<double>(data, row);
    case DUCKDB_TYPE_DECIMAL: {
      const Cell unscaled = integer_at(column.internal, data, row);
      if (const auto* integer = std::get_if<std::int64_t>(&unscaled)) {
        if (column.scale == 1) return *integer;
        return static_cast<double>(*integer) / column.scale;
      }
      return std::get<double>(unscaled) / column.scale;
    }
    case DUCKDB_TYPE_ENUM: {
      const Cell index = integer_at(column.internal, data, row);
      const auto* integer = std::get_if<std::int64_t>(&index);
      if (integer == nullptr || static_cast<std::size_t>(*integer) >= column.words.size()) return std::monostate{};
      return column.words[static_cast<std::size_t>(*integer)];
    }
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB: {
      auto* text = static_cast<duckdb_string_t*>(data) + row;
      return std::string(duckdb_string_t_data(text), duckdb_string_t_length(*text));
    }
    case DUCKDB_TYPE_UUID: {
      const auto value = at<duckdb_hugeint>(data, row);
      const std::uint64_t high = static_cast<std::uint64_t>(value.upper) ^ (1ULL << 63);
      return column.is_address ? IpAddress::of_halves(high, value.lower).text() : uuid_text(high, value.lower);
    }
    default:
      return integer_at(column.type, data, row);
  }
}

bool is_read(duckdb_type type) {
  switch (type) {
    case DUCKDB_TYPE_BOOLEAN:
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
    case DUCKDB_TYPE_DECIMAL:
    case DUCKDB_TYPE_DATE:
    case DUCKDB_TYPE_TIME:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB:
    case DUCKDB_TYPE_UUID:
    case DUCKDB_TYPE_ENUM:
    case DUCKDB_TYPE_SQLNULL:
      return true;
    default:
      return false;
  }
}

Expected<Column> column_of(duckdb_result& result, idx_t index) {
  Column column;
  const char* name = duckdb_column_name(&result, index);
  column.name = name == nullptr ? "" : name;
  column.type = duckdb_column_type(&result, index);
  column.is_address = column.name.ends_with("_ip");
  if (!is_read(column.type)) {
    return failure(fmt::format("column '{}' of a query has a type that is not read: cast it to VARCHAR", column.name));
  }
  if (column.type == DUCKDB_TYPE_DECIMAL) {
    const LogicalType type(duckdb_column_logical_type(&result, index));
    column.internal = duckdb_decimal_internal_type(type.handle);
    column.scale = std::pow(10.0, duckdb_decimal_scale(type.handle));
  } else if (column.type == DUCKDB_TYPE_ENUM) {
    const LogicalType type(duckdb_column_logical_type(&result, index));
    column.internal = duckdb_enum_internal_type(type.handle);
    const std::uint32_t size = duckdb_enum_dictionary_size(type.handle);
    for (std::uint32_t word = 0; word < size; ++word) {
      char* text = duckdb_enum_dictionary_value(type.handle, word);
      column.words.emplace_back(text == nullptr ? "" : text);
      duckdb_free(text);
    }
  }
  return column;
}

void append_chunk(duckdb_data_chunk chunk, std::span<const Column> columns, Table& table) {
  const idx_t rows = duckdb_data_chunk_get_size(chunk);
  const std::size_t first = table.rows.size();
  table.rows.resize(first + rows);
  for (std::size_t row = 0; row < rows; ++row) table.rows[first + row].resize(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].type == DUCKDB_TYPE_SQLNULL) continue;
    duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
    void* data = duckdb_vector_get_data(vector);
    std::uint64_t* validity = duckdb_vector_get_validity(vector);
    for (idx_t row = 0; row < rows; ++row) {
      if (duckdb_validity_row_is_valid(validity, row)) table.rows[first + row][i] = cell_at(columns[i], data, row);
    }
  }
}

duckdb_state bind(duckdb_prepared_statement statement, idx_t index, const Cell& cell) {
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) return duckdb_bind_int64(statement, index, *integer);
  if (const auto* real = std::get_if<double>(&cell)) return duckdb_bind_double(statement, index, *real);
  if (const auto* text = std::get_if<std::string>(&cell)) {
    return duckdb_bind_varchar_length(statement, index, text->data(), text->size());
  }
  return duckdb_bind_null(statement, index);
}

std::string text_or(const char* message, const char* otherwise) { return message == nullptr ? otherwise : message; }

}  // namespace

std::string uuid_text(std::uint64_t high, std::uint64_t low) {
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xffff, high & 0xffff, low >> 48,
                     low & 0xffff'ffff'ffffULL);
}

std::string sql_text(std::string_view text) {
  std::string literal = "'";
  for (const char symbol : text) {
    if (symbol == '\0') break;  // no file name or catalogue word holds one, and the parser would stop there
    if (symbol == '\'') literal += '\'';
    literal += symbol;
  }
  return literal + "'";
}

struct Database::State {
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (connection != nullptr) duckdb_disconnect(&connection);
    if (database != nullptr) duckdb_close(&database);
  }
};

Database::Database(std::unique_ptr<State> state) : state_(std::move(state)) {}
Database::~Database() = default;

Expected<std::unique_ptr<Database>> Database::open(int threads, const std::string& spill) {
  duckdb_config config = nullptr;
  if (duckdb_create_config(&config) != DuckDBSuccess) return failure("DuckDB could not be set up");
  // Nothing is fetched or loaded that is not linked in: a query must never reach for the network.
  duckdb_set_config(config, "autoinstall_known_extensions", "false");
  duckdb_set_config(config, "autoload_known_extensions", "false");
  // Without a directory, what does not fit in memory is an error rather than a file in the working directory.
  duckdb_set_config(config, "temp_directory", spill.c_str());
  if (threads > 0) duckdb_set_config(config, "threads", std::to_string(threads).c_str());
  auto state = std::make_unique<State>();
  char* message = nullptr;
  const duckdb_state opened = duckdb_open_ext(nullptr, &state->database, config, &message);
  duckdb_destroy_config(&config);
  if (opened != DuckDBSuccess) {
    std::string text = fmt::format("DuckDB could not be opened: {}", text_or(message, "no reason given"));
    duckdb_free(message);
    return failure(std::move(text));
  }
  if (duckdb_connect(state->database, &state->connection) != DuckDBSuccess) {
    return failure("DuckDB could not be connected to");
  }
  // Segments never change: what one query learns of a file serves the next, which takes a tenth off the time of a
  // brief.
  if (duckdb_query(state->connection, "SET parquet_metadata_cache = true", nullptr) != DuckDBSuccess) {
    return failure("DuckDB could not be set up");
  }
  return std::unique_ptr<Database>(new Database(std::move(state)));
}

namespace {

Expected<void> prepare(duckdb_connection connection, const std::string& sql, const std::vector<Cell>& parameters,
                       PreparedStatement& statement) {
  if (duckdb_prepare(connection, sql.c_str(), &statement.handle) != DuckDBSuccess) {
    return failure(text_or(duckdb_prepare_error(statement.handle), "a query could not be prepared"));
  }
  const idx_t wanted = duckdb_nparams(statement.handle);
  if (wanted != parameters.size()) {
    return failure(fmt::format("a query wants {} parameters and was given {}", wanted, parameters.size()));
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (bind(statement.handle, i + 1, parameters[i]) != DuckDBSuccess) {
      return failure(fmt::format("parameter ${} of a query could not be bound", i + 1));
    }
  }
  return {};
}

Expected<void> read_columns(duckdb_result& result, std::vector<Column>& columns, Table& table) {
  const idx_t width = duckdb_column_count(&result);
  for (idx_t i = 0; i < width; ++i) {
    auto column = column_of(result, i);
    if (!column) return std::unexpected(column.error());
    table.columns.push_back(column->name);
    columns.push_back(std::move(*column));
  }
  return {};
}

}  // namespace

Expected<Table> Database::query(const std::string& sql, const std::vector<Cell>& parameters) {
  PreparedStatement statement;
  if (auto ready = prepare(state_->connection, sql, parameters, statement); !ready) {
    return std::unexpected(ready.error());
  }
  Result result;
  if (duckdb_execute_prepared(statement.handle, &result.handle) != DuckDBSuccess) {
    return failure(text_or(duckdb_result_error(&result.handle), "a query failed"));
  }
  std::vector<Column> columns;
  Table table;
  if (auto read = read_columns(result.handle, columns, table); !read) return std::unexpected(read.error());
  while (duckdb_data_chunk chunk = duckdb_fetch_chunk(result.handle)) {
    append_chunk(chunk, columns, table);
    duckdb_destroy_data_chunk(&chunk);
  }
  return table;
}

Expected<void> Database::append(const std::string& table, const std::vector<std::vector<Cell>>& rows) {
  duckdb_appender appender = nullptr;
  bool good = duckdb_appender_create(state_->connection, nullptr, table.c_str(), &appender) == DuckDBSuccess;
  for (const auto& row : rows) {
    for (const Cell& cell : row) {
      if (const auto* integer = std::get_if<std::int64_t>(&cell)) {
        good = good && duckdb_append_int64(appender, *integer) == DuckDBSuccess;
      } else if (const auto* real = std::get_if<double>(&cell)) {
        good = good && duckdb_append_double(appender, *real) == DuckDBSuccess;
      } else if (const auto* text = std::get_if<std::string>(&cell)) {
        good = good && duckdb_append_varchar_length(appender, text->data(), text->size()) == DuckDBSuccess;
      } else {
        good = good && duckdb_append_null(appender) == DuckDBSuccess;
      }
    }
    good = good && duckdb_appender_end_row(appender) == DuckDBSuccess;
    if (!good) break;
  }
  good = good && duckdb_appender_close(appender) == DuckDBSuccess;
  const char* message = good ? nullptr : duckdb_appender_error(appender);
  const std::string what = message != nullptr ? message : "rows could not be added";
  duckdb_appender_destroy(&appender);
  if (!good) return failure(fmt::format("{}: {}", table, what));
  return {};
}

Expected<void> Database::stream(const std::string& sql, const std::vector<Cell>& parameters,
                                const std::function<Expected<void>(const Table& chunk)>& take) {
  PreparedStatement statement;
  if (auto ready = prepare(state_->connection, sql, parameters, statement); !ready) return ready;
  PendingResult pending;
  if (duckdb_pending_prepared_streaming(statement.handle, &pending.handle) != DuckDBSuccess) {
    return failure(text_or(duckdb_pending_error(pending.handle), "a query failed"));
  }
  Result result;
  if (duckdb_execute_pending(pending.handle, &result.handle) != DuckDBSuccess) {
    return failure(text_or(duckdb_result_error(&result.handle), "a query failed"));
  }
  std::vector<Column> columns;
  Table table;
  if (auto read = read_columns(result.handle, columns, table); !read) return read;
  while (duckdb_data_chunk chunk = duckdb_fetch_chunk(result.handle)) {
    table.rows.clear();
    append_chunk(chunk, columns, table);
    duckdb_destroy_data_chunk(&chunk);
    if (auto taken = take(table); !taken) return taken;
  }
  // A query that fails on its way ends like one that is done.
  if (const char* reason = duckdb_result_error(&result.handle); reason != nullptr && *reason != '\0') {
    return failure(reason);
  }
  return {};
}

void* Database::connection() { return state_->connection; }

}  // namespace tocsin
