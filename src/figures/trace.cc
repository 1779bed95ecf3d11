#include <fmt/format.h>

#include "figures/plan.h"

namespace tocsin {
namespace {

constexpr std::string_view kOrder =
    "first_seen, kind, detector, actor_ip, actor_name, target_ip, target_name, source, evidence";

}  // namespace

Expected<Table> trace_over(const Catalogue& catalogue, const std::string& from_clause, Database& database,
                           const FigureRequest& request) {
  const auto filter = figures::filter_sql(catalogue, request);
  if (!filter) return std::unexpected(filter.error());
  const std::string limit = request.limit ? fmt::format(" LIMIT {}", request.limit) : "";
  // The id is made of the few rows that are left.
  return database.query(fmt::format(
      "SELECT {} AS id, kind, confidence, detector, rule, actor_ip, actor_port, actor_country, target_ip, target_port, "
      "target_name, target_country, first_seen, last_seen, \"count\", source, evidence, matched FROM (SELECT * FROM {} "
      "WHERE {} ORDER BY {}{}) AS sighted ORDER BY {}",
      sighting_id_sql(), from_clause, *filter, kOrder, limit, kOrder));
}

}  // namespace tocsin
