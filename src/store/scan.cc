#include "store/scan.h"

#include <duckdb.h>
#include <fmt/format.h>

#include <thread>
#include <utility>

#include "base/bounded_queue.h"

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

struct Chunk {
  duckdb_data_chunk handle = nullptr;
  Chunk() = default;
  explicit Chunk(duckdb_data_chunk chunk) : handle(chunk) {}
  Chunk(Chunk&& other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
  Chunk& operator=(Chunk&& other) noexcept {
    std::swap(handle, other.handle);
    return *this;
  }
  ~Chunk() { duckdb_destroy_data_chunk(&handle); }
};

std::string text_or(const char* message, const char* otherwise) { return message == nullptr ? otherwise : message; }

// Gives each chunk of a query's answer to `take` until that returns false.
Expected<void> fetch(Database& database, const std::string& sql, const std::vector<ScanType>& types,
                     const std::function<bool(Chunk)>& take) {
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
  while (duckdb_data_chunk chunk = duckdb_fetch_chunk(query.result)) {
    if (!take(Chunk(chunk))) return {};
  }
  // A stream that breaks off ends like one that is done; only its error tells.
  if (const char* message = duckdb_result_error(&query.result); message != nullptr && *message != '\0') {
    return failure(message);
  }
  return {};
}

// A chunk's columns, held where they can be looked at.
class Looked {
 public:
  ScanChunk at(const Chunk& chunk) {
    columns_.resize(duckdb_data_chunk_get_column_count(chunk.handle));
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      duckdb_vector vector = duckdb_data_chunk_get_vector(chunk.handle, i);
      columns_[i] = {duckdb_vector_get_data(vector), duckdb_vector_get_validity(vector)};
    }
    return {duckdb_data_chunk_get_size(chunk.handle), columns_};
  }

 private:
  std::vector<ScanChunk::ColumnView> columns_;
};

}  // namespace

std::string_view ScanChunk::text(std::size_t column, std::size_t row) const {
  const auto& cell = static_cast<const duckdb_string_t*>(columns_[column].data)[row];
  const std::uint32_t length = cell.value.inlined.length;
  if (length <= sizeof cell.value.inlined.inlined) return {cell.value.inlined.inlined, length};
  return {cell.value.pointer.ptr, length};
}

Expected<void> scan(Database& database, const std::string& sql, const std::vector<ScanType>& types,
                    const std::function<void(const ScanChunk&)>& take) {
  Looked looked;
  return fetch(database, sql, types, [&](const Chunk& chunk) {
    take(looked.at(chunk));
    return true;
  });
}

Expected<void> scan_all(Database& database, const std::vector<std::string>& queries, const std::vector<ScanType>& types,
                        const std::function<void(std::size_t query, const ScanChunk&)>& take) {
  struct Step {
    std::size_t query = 0;
    Chunk chunk;
  };
  constexpr std::size_t kMostAhead = 64;  // chunks of some 2,000 rows
  BoundedQueue<Step> queue(kMostAhead);
  Expected<void> read;
  std::jthread reader([&] {
    for (std::size_t query = 0; query < queries.size() && read; ++query) {
      read = fetch(database, queries[query], types, [&](Chunk chunk) { return queue.push({query, std::move(chunk)}); });
    }
    queue.end();
  });
  struct Closing {
    BoundedQueue<Step>& queue;
    ~Closing() { queue.close(); }
  } closing{queue};  // however this ends, the reader does
  Looked looked;
  for (Step step; queue.pop(step);) take(step.query, looked.at(step.chunk));
  reader.join();
  return read;
}

}  // namespace tocsin
