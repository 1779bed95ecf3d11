#include <fmt/format.h>

#include "figures/plan.h"

namespace tocsin {

Expected<Table> trace_over(const Catalogue& catalogue, const std::string& from_clause, Database& database,
                           const FigureRequest& request) {
  const auto filter = figures::filter_sql(catalogue, request);
  if (!filter) return std::unexpected(filter.error());
  const std::string limit = request.limit ? fmt::format(" LIMIT {}", request.limit) : "";
  return database.query(fmt::format(
      "SELECT id, kind, confidence, detector, rule, actor_ip, actor_port, actor_country, target_ip, target_port, "
      "target_name, target_country, first_seen, last_seen, \"count\", source, evidence, matched FROM {} WHERE {} "
      "ORDER BY first_seen, id, source{}",
      from_clause, *filter, limit));
}

}  // namespace tocsin
