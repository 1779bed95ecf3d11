// Rows wait as they came until there are 2,048 of one day, are then turned into columns and given to an in-memory
// table of that day, and leave it sorted by kind, so that the least and the most of a row group, which Parquet keeps,
// let a query skip it; then by detector, actor and target, so that what repeats stands together.
// Times, which then are no column of few values, and texts are kept as differences (version 2 of Parquet's encodings).
// Text that is no UTF-8 has its bad bytes written as \xNN.
#include "store/segment_writer.h"

#include <duckdb.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/time.h"
#include "base/utf8.h"
#include "store/files.h"
#include "store/segment_columns.h"

namespace tocsin {
namespace store {
namespace {

struct Row {
  Sighting sighting;
  std::string source;
  std::string evidence;
};

// The years 1 to 9999: what a folder's name and every reader of Parquet can hold.
constexpr Timestamp kFirstTime = -62'135'596'800 * kSecond;
constexpr Timestamp kLastTime = 253'402'300'800 * kSecond - 1;

Timestamp held_time(Timestamp time) { return std::clamp(time, kFirstTime, kLastTime); }

duckdb_hugeint uuid_of(std::uint64_t high, std::uint64_t low) {
  return {low, static_cast<std::int64_t>(high ^ (1ULL << 63))};
}

// Fills the columns of a chunk from rows, in the order of kSegmentColumns.
class ColumnFiller {
 public:
  ColumnFiller(duckdb_data_chunk chunk, const std::vector<Row>& rows) : chunk_(chunk), rows_(rows) {}

  // value(row) gives the value, or nothing for NULL.
  template <typename T, typename Value>
  void values(Value value) {
    duckdb_vector vector = duckdb_data_chunk_get_vector(chunk_, next_++);
    auto* data = static_cast<T*>(duckdb_vector_get_data(vector));
    std::uint64_t* validity = nullptr;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const std::optional<T> cell = value(rows_[i]);
      if (cell) {
        data[i] = *cell;
      } else {
        set_null(vector, validity, i);
      }
    }
  }

  // Text; empty text is NULL where `empty_is_null`.
  template <typename Value>
  void texts(bool empty_is_null, Value value) {
    duckdb_vector vector = duckdb_data_chunk_get_vector(chunk_, next_++);
    std::uint64_t* validity = nullptr;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const std::string_view text = value(rows_[i]);
      if (text.empty() && empty_is_null) {
        set_null(vector, validity, i);
      } else if (is_utf8(text)) {
        duckdb_vector_assign_string_element_len(vector, i, text.data(), text.size());
      } else {
        const std::string safe = as_utf8(text);
        duckdb_vector_assign_string_element_len(vector, i, safe.data(), safe.size());
      }
    }
  }

 private:
  static void set_null(duckdb_vector vector, std::uint64_t*& validity, idx_t row) {
    if (validity == nullptr) {
      duckdb_vector_ensure_validity_writable(vector);
      validity = duckdb_vector_get_validity(vector);
    }
    duckdb_validity_set_row_invalid(validity, row);
  }

  duckdb_data_chunk chunk_;
  const std::vector<Row>& rows_;
  idx_t next_ = 0;
};

std::optional<duckdb_hugeint> uuid_of(const IpAddress& ip) {
  if (ip.is_unspecified()) return std::nullopt;
  return uuid_of(ip.high(), ip.low());
}

std::optional<std::uint32_t> known(std::uint32_t asn) { return asn == 0 ? std::nullopt : std::optional(asn); }

void fill(duckdb_data_chunk chunk, const std::vector<Row>& rows) {
  using R = const Row&;
  ColumnFiller to(chunk, rows);
  to.texts(false, [](R row) { return name_of(row.sighting.kind); });
  to.texts(false, [](R row) { return std::string_view(row.sighting.detector); });
  to.texts(false, [](R row) { return std::string_view(row.sighting.rule); });
  to.values<duckdb_hugeint>([](R row) { return uuid_of(row.sighting.actor.ip); });
  to.values<std::uint16_t>([](R row) { return std::optional(row.sighting.actor.port); });
  to.texts(true, [](R row) { return std::string_view(row.sighting.actor_name); });
  to.texts(true, [](R row) { return row.sighting.actor_country.text(); });
  to.values<std::uint32_t>([](R row) { return known(row.sighting.actor_asn); });
  to.values<bool>([](R row) { return std::optional(row.sighting.actor_inside); });
  to.values<duckdb_hugeint>([](R row) { return uuid_of(row.sighting.target.ip); });
  to.values<std::uint16_t>([](R row) { return std::optional(row.sighting.target.port); });
  to.texts(true, [](R row) { return std::string_view(row.sighting.target_name); });
  to.texts(true, [](R row) { return row.sighting.target_country.text(); });
  to.values<std::uint32_t>([](R row) { return known(row.sighting.target_asn); });
  to.values<bool>([](R row) { return std::optional(row.sighting.target_inside); });
  to.texts(true, [](R row) { return std::string_view(row.sighting.target_sector); });
  to.texts(true, [](R row) { return std::string_view(row.sighting.target_organisation); });
  to.texts(true, [](R row) { return std::string_view(row.sighting.target_province); });
  to.values<std::int64_t>([](R row) { return std::optional(row.sighting.first_seen); });
  to.values<std::int64_t>([](R row) { return std::optional(row.sighting.last_seen); });
  to.values<std::uint64_t>([](R row) { return std::optional(row.sighting.count); });
  to.values<std::uint8_t>([](R row) { return std::optional(static_cast<std::uint8_t>(row.sighting.confidence)); });
  to.texts(true, [](R row) { return std::string_view(row.sighting.cve); });
  to.texts(true, [](R row) { return std::string_view(row.sighting.family); });
  to.texts(true, [](R row) { return std::string_view(row.sighting.group); });
  to.texts(false, [](R row) { return std::string_view(row.source); });
  to.texts(false, [](R row) { return std::string_view(row.evidence); });
  to.texts(false, [](R row) { return std::string_view(row.sighting.matched); });
  to.texts(false, [](R row) { return std::string_view(row.sighting.location_version); });
  to.texts(true, [](R row) { return std::string_view(row.sighting.tlp); });
}

duckdb_type type_of(const SegmentColumn& column) {
  const std::string_view sql = column.sql;
  if (sql == "UUID") return DUCKDB_TYPE_UUID;
  if (sql == "BOOLEAN") return DUCKDB_TYPE_BOOLEAN;
  if (sql == "TIMESTAMP") return DUCKDB_TYPE_TIMESTAMP;
  if (sql == "UTINYINT") return DUCKDB_TYPE_UTINYINT;
  if (sql == "USMALLINT") return DUCKDB_TYPE_USMALLINT;
  if (sql == "UINTEGER") return DUCKDB_TYPE_UINTEGER;
  if (sql == "UBIGINT") return DUCKDB_TYPE_UBIGINT;
  return DUCKDB_TYPE_VARCHAR;
}

// The rows of a clause as a segment has them.
std::string sorted(const std::string& from) {
  return fmt::format(
      "SELECT {} FROM {} ORDER BY kind, detector, actor_ip, actor_name, target_ip, target_name, first_seen, source",
      segment_columns(), from);
}

}  // namespace

struct SegmentWriter::Chunk {
  duckdb_data_chunk handle = nullptr;
  Chunk() {
    std::vector<duckdb_logical_type> types;
    for (const SegmentColumn& column : kSegmentColumns) types.push_back(duckdb_create_logical_type(type_of(column)));
    handle = duckdb_create_data_chunk(types.data(), types.size());
    for (duckdb_logical_type& type : types) duckdb_destroy_logical_type(&type);
  }
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;
  ~Chunk() { duckdb_destroy_data_chunk(&handle); }
};

struct SegmentWriter::Day {
  std::vector<Row> rows;  // not yet in the table
  std::size_t held = 0;   // with those that are
  std::set<std::string> sources;
  std::string table;
  duckdb_appender appender = nullptr;
  Day() = default;
  Day(const Day&) = delete;
  Day& operator=(const Day&) = delete;
  ~Day() {
    if (appender != nullptr) duckdb_appender_destroy(&appender);
  }
};

SegmentWriter::SegmentWriter(std::filesystem::path directory, std::size_t most_rows)
    : directory_(std::move(directory)),
      most_rows_(most_rows),
      spill_(directory_ / "segments" / fmt::format(".tmp-spill-{}", ::getpid())) {}

SegmentWriter::~SegmentWriter() { discard(); }

Expected<void> SegmentWriter::open_database() {
  if (database_) return {};
  // One thread: a segment is small, and threads that wait for work cost more than they bring.
  auto database = Database::open(1, spill_.string());
  if (!database) return std::unexpected(database.error());
  database_ = std::move(*database);
  chunk_ = std::make_unique<Chunk>();
  return {};
}

Expected<void> SegmentWriter::append(Sighting&& sighting, const std::string& source_id, std::string&& evidence) {
  const Timestamp first_seen = held_time(sighting.first_seen);
  Day& day = days_[floor_to(first_seen, kDay) / kDay];
  day.rows.push_back({std::move(sighting), source_id, std::move(evidence)});
  Sighting& held = day.rows.back().sighting;
  held.first_seen = first_seen;
  held.last_seen = held_time(held.last_seen);
  if (day.rows.size() == 1 || day.rows[day.rows.size() - 2].source != source_id) day.sources.insert(source_id);
  ++day.held;
  ++held_;
  if (day.rows.size() == duckdb_vector_size()) {
    if (auto encoded = encode(day); !encoded) return encoded;
  }
  if (held_ < most_rows_) return {};
  // Half is written at once, so that many small days do not become a segment each time a row comes.
  while (held_ > most_rows_ / 2) {
    const auto biggest =
        std::ranges::max_element(days_, {}, [](const auto& entry) -> std::size_t { return entry.second.held; });
    if (auto flushed = flush_day(biggest->first); !flushed) return flushed;
  }
  return {};
}

Expected<void> SegmentWriter::encode(Day& day) {
  if (day.rows.empty()) return {};
  if (auto opened = open_database(); !opened) return opened;
  if (day.appender == nullptr) {
    day.table = fmt::format("day_{}", tables_++);
    const auto made = database_->query(fmt::format("CREATE TABLE {} ({})", day.table, typed_segment_columns()));
    if (!made) return std::unexpected(made.error());
    auto* connection = static_cast<duckdb_connection>(database_->connection());
    if (duckdb_appender_create(connection, nullptr, day.table.c_str(), &day.appender) != DuckDBSuccess) {
      return failure("rows could not be added to a table in memory");
    }
  }
  duckdb_data_chunk_reset(chunk_->handle);
  duckdb_data_chunk_set_size(chunk_->handle, day.rows.size());
  fill(chunk_->handle, day.rows);
  day.rows.clear();
  if (duckdb_append_data_chunk(day.appender, chunk_->handle) != DuckDBSuccess) {
    const char* reason = duckdb_appender_error(day.appender);
    return failure(fmt::format("rows could not be added to a table in memory: {}", reason == nullptr ? "" : reason));
  }
  return {};
}

Expected<void> SegmentWriter::flush_day(std::int64_t number) {
  const auto entry = days_.find(number);
  Day& day = entry->second;
  if (auto encoded = encode(day); !encoded) return encoded;
  if (day.appender != nullptr) {
    if (duckdb_appender_close(day.appender) != DuckDBSuccess) return failure("rows could not be kept in memory");
    duckdb_appender_destroy(&day.appender);
    const auto written = write_segment(sorted(day.table), format_day(number * kDay), day.sources);
    if (!written) return written;
    const auto dropped = database_->query("DROP TABLE " + day.table);
    if (!dropped) return std::unexpected(dropped.error());
  }
  held_ -= day.held;
  days_.erase(entry);
  return {};
}

Expected<void> SegmentWriter::flush() {
  while (!days_.empty()) {
    if (auto flushed = flush_day(days_.begin()->first); !flushed) return flushed;
  }
  return {};
}

Expected<void> SegmentWriter::rewrite(const std::string& from, const std::string& day,
                                      const std::set<std::string>& sources) {
  if (auto opened = open_database(); !opened) return opened;
  return write_segment(sorted(from), day, sources);
}

Expected<void> SegmentWriter::write_segment(const std::string& select, const std::string& day,
                                            const std::set<std::string>& sources) {
  const auto temporary = directory_ / "segments" / fmt::format(".tmp-{}-{}.parquet", ::getpid(), tables_++);
  const auto copied = database_->query(fmt::format(
      "COPY ({}) TO {} (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2)", select, sql_text(temporary.string())));
  std::error_code ignored;
  if (!copied) {
    std::filesystem::remove(temporary, ignored);
    return std::unexpected(database_error("write a segment", copied.error()));
  }
  const auto* rows = copied->rows.empty() ? nullptr : std::get_if<std::int64_t>(&copied->rows[0][0]);
  Segment segment;
  segment.rows = rows == nullptr ? 0 : static_cast<std::uint64_t>(*rows);
  segment.sources.assign(sources.begin(), sources.end());
  if (segment.rows == 0) {
    std::filesystem::remove(temporary, ignored);
    return {};
  }
  auto placed = place(temporary, std::move(segment), day);
  if (!placed) std::filesystem::remove(temporary, ignored);
  return placed;
}

// Syncs a segment, moves it to where its hash says, and makes the move last.
Expected<void> SegmentWriter::place(const std::filesystem::path& temporary, Segment segment, const std::string& day) {
  if (auto synced = sync(temporary); !synced) return synced;
  const auto sum = sum_of(temporary);
  if (!sum) return std::unexpected(sum.error());
  segment.sha256 = sum->sha256;
  segment.bytes = sum->bytes;
  const auto folder = directory_ / "segments" / day;
  std::error_code failed;
  const bool is_new = std::filesystem::create_directory(folder, failed);
  if (failed) return std::unexpected(system_error("make", folder, failed.value()));
  if (is_new) {
    if (auto synced = sync(folder.parent_path()); !synced) return synced;
  }
  // The same rows may come a second time (retired then, live now): a file is never written over.
  const std::string name = sum->sha256.substr(0, 32);
  auto path = folder / (name + ".parquet");
  for (int copy = 2; std::filesystem::exists(path, failed); ++copy) {
    path = folder / fmt::format("{}-{}.parquet", name, copy);
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return std::unexpected(system_error("write", path, errno));
  segment.path = fmt::format("segments/{}/{}", day, path.filename().string());
  written_.push_back(std::move(segment));
  return sync(folder);
}

void SegmentWriter::discard() {
  std::error_code ignored;
  for (const Segment& segment : written_) std::filesystem::remove(directory_ / segment.path, ignored);
  written_.clear();
  days_.clear();
  held_ = 0;
  chunk_.reset();
  database_.reset();
  std::filesystem::remove_all(spill_, ignored);
}

}  // namespace store

}  // namespace tocsin
