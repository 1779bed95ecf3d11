#include "store/scan.h"

#include <duckdb.h>
#include <fmt/format.h>

namespace tocsin {
namespace {

// The one query of a scan; freed however it ends.
struct Streamed {
  duckdb_prepared_statement statement = nullptr;
  duckdb_result result{};
  Streamed() = default;
  Streamed(const Streamed&) = delete;
  Streamed& operator=(const Streamed&) = delete;
  ~Streamed() {
    duckdb_destroy_result(&result);
    duckdb_destroy_prepare(&statement);
  }
};

duckdb_type duckdb_type_of(ScanType type) {
  switch (type) {
    case ScanType::kText:
      return DUCKDB_TYPE_VARCHAR;
    case ScanType::kUuid:
      return DUCKDB_TYPE_UUID;
    case ScanType::kBoolean:
      return DUCKDB_TYPE_BOOLEAN;
    case ScanType::kByte:
      return DUCKDB_TYPE_UTINYINT;
    case ScanType::kShort:
      return DUCKDB_TYPE_USMALLINT;
    case ScanType::kInteger:
      return DUCKDB_TYPE_UINTEGER;
    case ScanType::kLong:
      return DUCKDB_TYPE_UBIGINT;
    case ScanType::kTime:
      return DUCKDB_TYPE_TIMESTAMP;
  }
  return DUCKDB_TYPE_INVALID;
}

std::string text_or(const char* message, const char* otherwise) { return message == nullptr ? otherwise : message; }

}  // namespace

std::string_view ScanChunk::text(std::size_t column, std::size_t row) const {
  const auto& cell = static_cast<const duckdb_string_t*>(columns_[column].data)[row];
  const std::uint32_t length = cell.value.inlined.length;
  if (length <= sizeof cell.value.inlined.inlined) return {cell.value.inlined.inlined, length};
  return {cell.value.pointer.ptr, length};
}

Expected<void> scan(Database& database, const std::string& sql, const std::vector<ScanType>& types,
                    const std::function<void(const ScanChunk&)>& take) {
  Streamed query;
  auto* connection = static_cast<duckdb_connection>(database.connection());
  if (duckdb_prepare(connection, sql.c_str(), &query.statement) != DuckDBSuccess) {
    return failure(text_or(duckdb_prepare_error(query.statement), "a scan could not be prepared"));
  }
  if (duckdb_execute_prepared_streaming(query.statement, &query.result) != DuckDBSuccess) {
    return failure(text_or(duckdb_result_error(&query.result), "a scan failed"));
  }
  if (duckdb_column_count(&query.result) != types.size()) {
    return failure(fmt::format("a scan expected {} columns", types.size()));
  }
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (duckdb_column_type(&query.result, i) != duckdb_type_of(types[i])) {
      return failure(fmt::format("column '{}' is not of a segment's type",
                                 text_or(duckdb_column_name(&query.result, i), "without a name")));
    }
  }
  std::vector<ScanChunk::ColumnView> columns(types.size());
  while (duckdb_data_chunk chunk = duckdb_fetch_chunk(query.result)) {
    for (std::size_t i = 0; i < types.size(); ++i) {
      duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
      columns[i] = {duckdb_vector_get_data(vector), duckdb_vector_get_validity(vector)};
    }
    take(ScanChunk(duckdb_data_chunk_get_size(chunk), columns));
    duckdb_destroy_data_chunk(&chunk);
  }
  // A stream that breaks off ends like one that is done; only its error tells.
  if (const char* message = duckdb_result_error(&query.result); message != nullptr && *message != '\0') {
    return failure(message);
  }
  return {};
}

}  // namespace tocsin
