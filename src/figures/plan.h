// Inside the figures folder: the fixed tables that SQL is made from, and what a request comes to.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/expected.h"
#include "base/time.h"
#include "figures/figure.h"

namespace tocsin::figures {

// ---- columns of the sightings relation that a definition's `where` may name
enum class ColumnType : std::uint8_t { kText, kInteger, kBoolean, kTime, kAddress };
struct Column {
  std::string_view name;
  std::string_view sql;  // quoted where the name is a word of SQL
  ColumnType type;
};
const Column* find_column(std::string_view name);
std::string column_list();

// ---- dimensions
enum class Code : std::uint8_t { kText, kCountry, kNetwork, kPort, kAddress, kConfidence, kDay, kWeek, kMonth };
struct Dimension {
  std::string_view name;
  std::string_view sql;
  Code code;
};
const Dimension* find_dimension(std::string_view name);
// The code that a row's key shows: "US", "AS64500", "443", "192.0.2.1", "confirmed", "2013-01-31"; empty if unknown.
std::string code_of(const Dimension& dimension, const Cell& cell);
// The condition that a sighting belongs to the row with this code.
Expected<std::string> key_condition(const Dimension& dimension, const std::string& code, const std::string& zone);

// ---- literals
std::string time_literal(Timestamp time);
std::string address_literal(const IpAddress& address);
// The condition that a column of addresses is within a network.
std::string within_sql(std::string_view column, const Prefix& network);

// A `where` of the catalogue, read and written anew: nothing of its text is copied into the SQL unread.
// Its grammar stands in condition.h.
Expected<std::string> condition_sql(std::string_view where);

// ---- calendar, in a zone
bool has_start(const Period& period);
bool has_end(const Period& period);
// [when, offset from then on], the first at the period's start.
Expected<std::vector<std::pair<Timestamp, Timestamp>>> offsets_over(const Period& period, const std::string& zone);
// Calendar months in the period; the part of a month counts as the fraction that it is of it.
Expected<double> months_in(const Period& period, const std::string& zone);
// The period before: of as many calendar months if the period is whole months, else of the same length.
Expected<Period> period_before(const Period& period, const std::string& zone);

// ---- where the rows are
// What stands after FROM; within: every row of it is of the period already.
struct Relation {
  std::string from;
  bool within = false;
  bool has_rows = false;  // of the period, for certain; else it must be asked
};
using RelationOf = std::function<Expected<Relation>(const Period&)>;
// Segments lie in directories named by their day, so those of other days need not be opened, and those of days wholly
// inside the period need no condition on time: over 20 million rows that saves 0.17 s of 1.3 s, and 0.2 s of 0.35 s
// where few units are counted. None if a path does not tell its day.
std::optional<Relation> relation_of(const std::vector<Segment>& segments, const Period& period);

// ---- what a request comes to
struct Plan {
  const FigureDefinition* definition = nullptr;
  const FigureDefinition* whole = nullptr;  // of a share: the figure that is 100 per cent; else null
  std::string measure;                      // what is counted: distinct actors, distinct targets, sightings, attempts
  bool mean = false;
  double months = 1;
  std::vector<const Dimension*> by;
  std::string sql;  // rows of (part, value, k0, k1, ...); parts as below
};
inline constexpr std::int64_t kTotal = 0;  // the figure's count (of a share: of its part)
inline constexpr std::int64_t kRow = 1;    // one row
inline constexpr std::int64_t kSum = 2;    // sum of all rows, also of those past the limit
inline constexpr std::int64_t kWhole = 3;  // of a share: the count of the whole

// The parts of a statement that counts.
struct CountSql {
  std::string with;               // the common table expressions, from WITH on
  std::string rows;               // a query of value and keys; empty without dimensions
  std::string total, total_from;  // the count, and what it is taken from
  std::string whole, whole_from;  // of a share: the same for the figure that is 100 per cent
};
// keys: names of the columns of the dimensions; key_columns: "expression AS name" of each; part: of a share, the
// condition that a row is of the part, else empty.
CountSql attempts_sql(const std::vector<std::string>& keys, const std::vector<std::string>& key_columns,
                      const std::string& part, const std::string& from, const std::string& where);

Expected<Plan> plan(const Catalogue& catalogue, const FigureRequest& request, const Relation& relation);
Expected<FigureResult> answer_with(const Catalogue& catalogue, const RelationOf& relation_of, Database& database,
                                   const FigureRequest& request, const std::string& constituency);
// Conditions of a figure on a sighting: its own, those of the figure that it is a share of, period and confidence.
Expected<std::string> filter_sql(const Catalogue& catalogue, const FigureRequest& request);
// Day, week and month need a period with both ends where the zone's offset changes; a monthly mean always.
bool needs_bounds(const Catalogue& catalogue, const FigureRequest& request);

}  // namespace tocsin::figures
