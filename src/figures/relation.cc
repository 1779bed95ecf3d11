#include <fmt/format.h>

#include <filesystem>

#include "figures/plan.h"

namespace tocsin::figures {

std::optional<Relation> relation_of(const std::vector<Segment>& segments, const Period& period) {
  std::vector<std::string> inside, edge;
  bool has_rows = false;
  for (const Segment& segment : segments) {
    const std::string name = std::filesystem::path(segment.path).parent_path().filename().string();
    const auto day = name.size() == 10 ? parse_time(name) : failure("");
    if (!day) return std::nullopt;
    if (*day >= period.to || *day + kDay <= period.from) continue;
    const bool is_inside = *day >= period.from && *day + kDay <= period.to;
    has_rows |= is_inside && segment.rows > 0;
    (is_inside ? inside : edge).push_back(segment.path);
  }
  if (segments.empty()) return std::nullopt;
  // Nothing of the period: a segment all the same, for its columns.
  if (inside.empty() && edge.empty()) edge.push_back(segments.front().path);
  if (edge.empty()) return Relation{.from = segments_clause(inside), .within = true, .has_rows = has_rows};
  if (inside.empty()) return Relation{.from = segments_clause(edge), .within = false};
  std::string condition = "true";
  if (has_start(period)) condition += " AND first_seen >= " + time_literal(period.from);
  if (has_end(period)) condition += " AND first_seen < " + time_literal(period.to);
  return Relation{.from = fmt::format("(SELECT * FROM {} UNION ALL SELECT * FROM {} WHERE {}) AS sightings",
                                      segments_clause(inside), segments_clause(edge), condition),
                  .within = true,
                  .has_rows = has_rows};
}

}  // namespace tocsin::figures
