// A query whose answer is taken a chunk at a time, in typed columns: for those who pass over many rows.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "base/hash.h"
#include "store/database.h"

namespace tocsin {

enum class ScanType : std::uint8_t { kText, kUuid, kBoolean, kByte, kShort, kInteger, kLong, kTime };

// Some rows; valid only within the call that it is given to. Integers are unsigned, times in microseconds.
class ScanChunk {
 public:
  struct ColumnView {
    const void* data;
    const std::uint64_t* validity;  // a bit a row; null: none is NULL
  };
  ScanChunk(std::size_t rows, const std::vector<ColumnView>& columns) : rows_(rows), columns_(columns) {}

  std::size_t rows() const { return rows_; }
  bool is_null(std::size_t column, std::size_t row) const {
    const std::uint64_t* bits = columns_[column].validity;
    return bits != nullptr && (bits[row / 64] >> (row % 64) & 1) == 0;
  }
  // T: bool, std::uint8_t to std::uint64_t, or std::int64_t for a time.
  template <typename T>
  T value(std::size_t column, std::size_t row) const {
    return static_cast<const T*>(columns_[column].data)[row];
  }
  std::string_view text(std::size_t column, std::size_t row) const;
  // The 16 bytes of a UUID, first byte highest.
  Hash128 uuid(std::size_t column, std::size_t row) const {
    std::uint64_t halves[2];
    std::memcpy(halves, static_cast<const char*>(columns_[column].data) + 16 * row, sizeof halves);
    return {halves[1] ^ (1ULL << 63), halves[0]};
  }

 private:
  std::size_t rows_;
  const std::vector<ColumnView>& columns_;
};

// Runs a query whose columns are of these types, in this order; another type is an error. The answer is streamed: it
// is never in memory as a whole. Rows come in any order.
Expected<void> scan(Database& database, const std::string& sql, const std::vector<ScanType>& types,
                    const std::function<void(const ScanChunk&)>& take);
// Several queries, one after the other: what comes next is read on a thread of its own while the caller takes. No other
// query may run on this database meanwhile.
Expected<void> scan_all(Database& database, const std::vector<std::string>& queries, const std::vector<ScanType>& types,
                        const std::function<void(std::size_t query, const ScanChunk&)>& take);

}  // namespace tocsin
