#include <fmt/format.h>

#include "base/text.h"
#include "figures/plan.h"

namespace tocsin {

Expected<Table> trace_over(const Catalogue& catalogue, const std::string& from_clause, Database& database,
                           const TraceQuery& query) {
  auto filter = figures::filter_sql(catalogue, query.figure);
  if (!filter) return std::unexpected(filter.error());
  for (const auto& [name, code] : query.keys) {
    const figures::Dimension* dimension = figures::find_dimension(name);
    if (!dimension) return failure(fmt::format("'{}' is not a dimension", printable(name, 64)));
    const auto condition = figures::key_condition(*dimension, code, query.figure.zone);
    if (!condition) return std::unexpected(condition.error());
    *filter += " AND " + *condition;
  }
  const std::string limit = query.limit ? fmt::format(" LIMIT {}", query.limit) : "";
  return database.query(fmt::format(
      "SELECT id, kind, confidence, detector, rule, actor_ip, actor_port, actor_country, target_ip, target_port, "
      "target_name, target_country, first_seen, last_seen, \"count\", source, evidence, matched FROM {} WHERE {} "
      "ORDER BY first_seen, id, source{}",
      from_clause, *filter, limit));
}

}  // namespace tocsin
