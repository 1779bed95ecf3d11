// Sightings one by one: filtered, a page at a time, or all of them as a stream.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/expected.h"
#include "serve/context.h"
#include "serve/router.h"
#include "serve/subject_index.h"
#include "store/database.h"

namespace tocsin::serve {

struct SightingQuery {
  SightingStore::Position sequence;
  Period period;
  std::vector<std::string> conditions;  // SQL, joined by AND
  // What stands in every row that matches: other days and segments need not be read.
  std::vector<Prefix> networks = {};
  std::vector<std::string> names = {};                           // of an actor or a target
  std::vector<std::pair<std::string, std::string>> values = {};  // of columns that SegmentIndex knows
  std::vector<std::pair<SubjectIndex::What, std::string>> subjects = {};
};

// What a row of sightings can be chosen by, as parameters and as SQL.
std::vector<Parameter> filter_parameters();
// Adds what the parameters choose. An error says which of them is wrong, and why.
Expected<void> add_filters(const Call& call, SightingQuery& query);

// Tells where rows of these codes of dimensions can be; the condition itself is made elsewhere.
void add_places(const std::map<std::string, std::string>& keys, SightingQuery& query);

// The rows of a table that page() and each_chunk() give.
class SightingRow {
 public:
  SightingRow(const Table& table, std::size_t row) : cells_(table.rows[row]) {}
  static std::string columns();  // of SQL, in the order that this reads
  std::string id() const;        // "20130201-" and 32 hexadecimal digits: the day (UTC) tells where it lies
  std::string text(std::string_view column) const;
  std::int64_t number(std::string_view column) const;
  std::string json() const;  // schema Sighting
  std::string csv() const;   // with csv_header()
  static std::string csv_header();

 private:
  const std::vector<Cell>& cells_;
};

struct SightingPage {
  Table rows;
  std::string next;  // what to ask on with; empty at the end
};
// Whether text is what a page may have given as next.
bool is_cursor(std::string_view text);
// The newest first. Segments are read from the newest day back, and no further than the page needs.
Expected<SightingPage> page(Context& context, const SightingQuery& query, const std::string& after,
                            std::uint64_t limit);
// All that match, in the same order; take gives false to end.
Expected<void> each_chunk(Context& context, const SightingQuery& query,
                          const std::function<bool(const Table& chunk)>& take);
// Writes all that match as one Parquet file, with the columns of a segment.
Expected<void> write_parquet(Context& context, const SightingQuery& query, const std::string& path);
// The rows of one sighting, by SightingRow::id, as of a head of the ledger; none if there is no such sighting, or only
// others may see it. Who asks again, or at the same time, shares them with all who may see just as much.
Expected<RowsCache::Answer> rows_of(Context& context, const SightingStore::Head& head, const std::string& id,
                                    const Narrowing& narrowing);

}  // namespace tocsin::serve
