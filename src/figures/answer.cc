#include <fmt/format.h>

#include "figures/plan.h"

namespace tocsin {
namespace {

using figures::Plan;

double number(const Cell& cell) {
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) return static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&cell)) return *real;
  return 0;
}

// From what was counted to what the figure says.
double scaled(const Plan& plan, double counted, double whole) {
  if (plan.whole) return whole > 0 ? 100 * counted / whole : 0;
  return plan.mean ? counted / plan.months : counted;
}

// An open end of the period becomes the first or last sighting's.
Expected<Period> bounded(const Period& period, const figures::RelationOf& relation_of, Database& database) {
  const auto relation = relation_of({});
  if (!relation) return std::unexpected(relation.error());
  const auto found = database.query("SELECT min(first_seen) AS a, max(first_seen) AS b FROM " + relation->from);
  if (!found) return std::unexpected(found.error());
  Period bounds = period;
  const auto* first = found->rows.empty() ? nullptr : std::get_if<std::int64_t>(&found->rows[0][0]);
  const auto* last = found->rows.empty() ? nullptr : std::get_if<std::int64_t>(&found->rows[0][1]);
  if (!figures::has_start(period)) bounds.from = first ? *first : figures::has_end(period) ? period.to - kDay : 0;
  if (!figures::has_end(period)) bounds.to = last ? *last + 1 : bounds.from + kDay;
  if (bounds.from >= bounds.to) {  // the whole period lies before the first sighting, or after the last
    if (figures::has_start(period))
      bounds.to = bounds.from + kDay;
    else
      bounds.from = bounds.to - kDay;
  }
  return bounds;
}

Expected<bool> has_sightings_before(Timestamp time, const figures::RelationOf& relation_of, Database& database) {
  const auto relation = relation_of({.to = time});
  if (!relation) return std::unexpected(relation.error());
  if (relation->has_rows) return true;
  const auto found = database.query(fmt::format("SELECT 1 AS found FROM {} WHERE first_seen < {} LIMIT 1",
                                                relation->from, figures::time_literal(time)));
  if (!found) return std::unexpected(found.error());
  return !found->rows.empty();
}

struct Counts {
  double total = 0;
  double whole = 0;
  double sum = 0;
};

Expected<Counts> counts_of(const Plan& plan, const std::vector<std::vector<Cell>>& rows, std::vector<FigureRow>* into) {
  Counts counts;
  for (const auto& row : rows) {
    if (row.size() != 2 + plan.by.size()) return failure("the database answered a figure in another shape");
    const double value = number(row[1]);
    switch (static_cast<std::int64_t>(number(row[0]))) {
      case figures::kTotal:
        counts.total = value;
        break;
      case figures::kSum:
        counts.sum = value;
        break;
      case figures::kWhole:
        counts.whole = value;
        break;
      default:
        if (into) {
          FigureRow& added = into->emplace_back();
          added.value = value;
          for (std::size_t i = 0; i < plan.by.size(); ++i) added.key.push_back(code_of(*plan.by[i], row[2 + i]));
        }
    }
  }
  return counts;
}

}  // namespace

Expected<FigureResult> figures::answer_with(const Catalogue& catalogue, const RelationOf& relation_of,
                                            Database& database, const FigureRequest& asked,
                                            const std::string& constituency) {
  FigureRequest request = asked;
  if (figures::needs_bounds(catalogue, request)) {
    const auto bounds = bounded(request.period, relation_of, database);
    if (!bounds) return std::unexpected(bounds.error());
    request.period = *bounds;
  }
  if (request.period.from >= request.period.to) return failure("the period is empty: --from must be before --to");
  const auto relation = relation_of(request.period);
  if (!relation) return std::unexpected(relation.error());
  const auto plan = figures::plan(catalogue, request, *relation);
  if (!plan) return std::unexpected(plan.error());
  const auto table = database.query(plan->sql);
  if (!table) return std::unexpected(table.error());

  FigureResult result;
  result.definition = *plan->definition;
  result.request = asked;
  result.constituency = constituency;
  const auto counts = counts_of(*plan, table->rows, &result.rows);
  if (!counts) return std::unexpected(counts.error());
  result.value = scaled(*plan, counts->total, counts->whole);
  for (FigureRow& row : result.rows) {
    row.share = counts->total > 0 ? row.value / counts->total : 0;
    row.value = scaled(*plan, row.value, counts->whole);
  }
  if (request.rows_only) return result;
  if (!plan->by.empty()) result.overlap = static_cast<std::int64_t>(counts->sum - counts->total);

  if (!figures::has_start(asked.period) || !figures::has_end(asked.period)) return result;
  const auto earlier = has_sightings_before(asked.period.from, relation_of, database);
  if (!earlier) return std::unexpected(earlier.error());
  if (!*earlier) return result;
  const auto before = figures::period_before(asked.period, asked.zone);
  if (!before) return std::unexpected(before.error());
  request.period = *before;
  request.by.clear();
  const auto previous_relation = relation_of(*before);
  if (!previous_relation) return std::unexpected(previous_relation.error());
  const auto previous_plan = figures::plan(catalogue, request, *previous_relation);
  if (!previous_plan) return std::unexpected(previous_plan.error());
  const auto previous = database.query(previous_plan->sql);
  if (!previous) return std::unexpected(previous.error());
  const auto previous_counts = counts_of(*previous_plan, previous->rows, nullptr);
  if (!previous_counts) return std::unexpected(previous_counts.error());
  // Of nothing there is no share.
  if (!previous_plan->whole || previous_counts->whole > 0) {
    result.previous = scaled(*previous_plan, previous_counts->total, previous_counts->whole);
  }
  return result;
}

Expected<FigureResult> answer_over(const Catalogue& catalogue, const std::string& from_clause, Database& database,
                                   const FigureRequest& request, const std::string& constituency) {
  const auto everything = [&](const Period&) -> Expected<figures::Relation> {
    return figures::Relation{.from = from_clause, .within = false};
  };
  return figures::answer_with(catalogue, everything, database, request, constituency);
}

Expected<FigureResult> answer_over(const Catalogue& catalogue, const std::vector<Segment>& segments, Database& database,
                                   const FigureRequest& request, const std::string& constituency) {
  const auto chosen = [&](const Period& period) -> Expected<figures::Relation> {
    auto relation = figures::relation_of(segments, period);
    if (!relation) return failure("the segments expected a directory named by their day");
    return std::move(*relation);
  };
  return figures::answer_with(catalogue, chosen, database, request, constituency);
}

}  // namespace tocsin
