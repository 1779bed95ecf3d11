#include "store/segment_columns.h"

#include <fmt/format.h>

#include <string_view>

#include "store/sighting_store.h"

namespace tocsin {

namespace store {

std::string segment_columns() {
  std::string list;
  for (const SegmentColumn& column : kSegmentColumns) list += fmt::format(", \"{}\"", column.name);
  return list.substr(2);
}

std::string typed_segment_columns() {
  std::string list;
  for (const SegmentColumn& column : kSegmentColumns) list += fmt::format(", \"{}\" {}", column.name, column.sql);
  return list.substr(2);
}

}  // namespace store

// Detector, kind, addresses and hour hold no '|'; of the names, which may hold anything, the first has its length
// before it. concat() takes NULL as no text.
std::string sighting_id_sql() {
  return "CAST(md5(concat(detector, '|', kind, '|', actor_ip, '|', target_ip, '|', date_trunc('hour', first_seen), "
         "'|', coalesce(length(actor_name), 0), '|', actor_name, target_name)) AS UUID)";
}

std::string sighting_key_sql() {
  // The hash of 128 bits is that of one half XOR that of the other: whoever has two networks of IPv6 finds as many
  // pairs of addresses with the same one as he likes. IPv4 addresses differ in one half alone, and need no text.
  const auto address = [](std::string_view column) {
    return fmt::format(
        "CASE WHEN {0} BETWEEN CAST('00000000-0000-0000-0000-ffff00000000' AS UUID) AND "
        "CAST('00000000-0000-0000-0000-ffffffffffff' AS UUID) THEN hash({0}) ELSE hash(CAST({0} AS VARCHAR)) END",
        column);
  };
  const std::string actor = address("actor_ip"), target = address("target_ip");
  return fmt::format(
      "((CAST(hash({0}, {1}, date_trunc('hour', first_seen), kind, detector, actor_name, target_name) AS UHUGEINT) << "
      "64) | CAST(hash(target_name, actor_name, detector, kind, date_trunc('hour', first_seen), {1}, {0}) AS "
      "UHUGEINT))",
      actor, target);
}

std::string segments_clause(const std::vector<std::string>& paths) {
  std::string list;
  if (paths.empty()) {
    for (const auto& column : store::kSegmentColumns) {
      list += fmt::format(", NULL::{} AS \"{}\"", column.sql, column.name);
    }
    return fmt::format("(SELECT NULL::UUID AS id{} WHERE false)", list);
  }
  for (const std::string& path : paths) list += ", " + sql_text(path);
  // A store may lie below a directory that is called kind=scan: that is not a column.
  return fmt::format("(SELECT {} AS id, {} FROM read_parquet([{}], hive_partitioning = false))", sighting_id_sql(),
                     store::segment_columns(), list.substr(2));
}

}  // namespace tocsin
