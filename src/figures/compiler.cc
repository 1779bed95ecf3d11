// From a figure's definition to one statement of SQL.
//
// A total and its rows must come out of one scan: the scan is what costs. count(DISTINCT x) with GROUP BY, or with
// GROUPING SETS, keeps a hash table for each group and reads everything twice. Instead the distinct pairs (key, unit)
// are made first, once; the rows are counts over the pairs, and the total counts the distinct units of the pairs, of
// which there are few more than units (a host controlled from two countries stands in two). What is left over, the sum
// of the rows less the total, is the overlap.
//
// The SQL keeps to what DuckDB and ClickHouse both run: common table expressions, GROUP BY, CASE, CAST, UNION ALL,
// date_trunc. Nothing that a user wrote stands in it but as a literal made by sql_text, or as a number.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"
#include "figures/plan.h"

namespace tocsin {

namespace figures {
namespace {

Expected<const FigureDefinition*> definition_of(const Catalogue& catalogue, const std::string& id) {
  const FigureDefinition* definition = catalogue.find(id);
  if (!definition) return failure(fmt::format("the catalogue has no figure '{}'", printable(id, 64)));
  return definition;
}

void add_side(std::vector<std::string>& conditions, std::string_view side, const std::string& which) {
  if (which == "overseas") {
    conditions.push_back(fmt::format("{0}_country IS NOT NULL AND NOT {0}_inside", side));
  } else if (which == "constituency" || which == "domestic") {
    conditions.push_back(fmt::format("{}_inside", side));
  }
}

// What a definition says of one sighting.
Expected<std::vector<std::string>> conditions_of(const FigureDefinition& definition) {
  std::vector<std::string> conditions;
  if (definition.kinds.size() == 1) {
    conditions.push_back("kind = " + sql_text(definition.kinds.front()));
  } else if (!definition.kinds.empty()) {
    std::vector<std::string> kinds;
    std::ranges::transform(definition.kinds, std::back_inserter(kinds),
                           [](const std::string& kind) { return sql_text(kind); });
    conditions.push_back(fmt::format("kind IN ({})", fmt::join(kinds, ", ")));
  }
  add_side(conditions, "actor", definition.actor);
  add_side(conditions, "target", definition.target);
  if (!definition.where.empty()) {
    auto where = condition_sql(definition.where);
    if (!where) return std::unexpected(where.error());
    conditions.push_back(std::move(*where));
  }
  return conditions;
}

std::vector<std::string> conditions_of(const FigureRequest& request, bool within) {
  std::vector<std::string> conditions;
  if (request.confidence != Confidence::kSuspected) {
    conditions.push_back(fmt::format("confidence >= {}", static_cast<int>(request.confidence)));
  }
  if (within) return conditions;
  if (has_start(request.period)) conditions.push_back("first_seen >= " + time_literal(request.period.from));
  if (has_end(request.period)) conditions.push_back("first_seen < " + time_literal(request.period.to));
  return conditions;
}

std::string joined(const std::vector<std::string>& conditions) {
  return conditions.empty() ? "true" : fmt::format("{}", fmt::join(conditions, " AND "));
}

// The expression whose distinct values are counted; empty for attempts, which are summed.
std::string unit_sql(const std::string& measure, const std::string& count) {
  if (measure == "sightings") return "id";
  if (measure == "attempts") return "";
  const std::string_view side = measure == "distinct actors" ? "actor" : "target";
  if (count == "name") return fmt::format("nullif({}_name, '')", side);
  if (count == "name+address") return fmt::format("coalesce(nullif({0}_name, ''), CAST({0}_ip AS VARCHAR))", side);
  if (count == "address+name") return fmt::format("coalesce(CAST({0}_ip AS VARCHAR), nullif({0}_name, ''))", side);
  return fmt::format("{}_ip", side);
}

Expected<std::string> local_time_sql(const Period& period, const std::string& zone) {
  const auto offsets = offsets_over(period, zone);
  if (!offsets) return std::unexpected(offsets.error());
  const auto shifted = [](Timestamp offset) -> std::string {
    if (offset == 0) return "first_seen";
    return fmt::format("first_seen {} INTERVAL {} SECOND", offset < 0 ? '-' : '+', std::abs(offset / kSecond));
  };
  if (offsets->size() == 1) return shifted(offsets->front().second);
  std::string sql = "CASE";
  for (std::size_t i = 0; i + 1 < offsets->size(); ++i) {
    sql += fmt::format(" WHEN first_seen < {} THEN {}", time_literal((*offsets)[i + 1].first),
                       shifted((*offsets)[i].second));
  }
  return sql + " ELSE " + shifted(offsets->back().second) + " END";
}

Expected<std::string> key_sql(const Dimension& dimension, const FigureRequest& request) {
  const std::string sql(dimension.sql);
  switch (dimension.code) {
    case Code::kText:
      return fmt::format("nullif({}, '')", sql);
    case Code::kNetwork:
      return fmt::format("nullif({}, 0)", sql);
    case Code::kDay:
    case Code::kWeek:
    case Code::kMonth: {
      const auto local = local_time_sql(request.period, request.zone);
      if (!local) return std::unexpected(local.error());
      const std::string day = fmt::format("CAST({} AS DATE)", *local);
      if (dimension.code == Code::kDay) return day;
      return fmt::format("CAST(date_trunc('{}', {}) AS DATE)", dimension.name, day);
    }
    default:
      return sql;
  }
}

// Resolves the measure of a request: fills measure, mean and whole.
Expected<void> resolve_measure(const Catalogue& catalogue, const FigureRequest& request, Plan& plan) {
  const FigureDefinition& definition = *plan.definition;
  std::string asked = request.measure.empty() ? definition.measure : lower(request.measure);
  std::ranges::replace(asked, '-', ' ');
  if (asked == "change") asked = definition.measure;
  if (definition.measure == "share") {
    if (asked != "share") return failure(fmt::format("{} is a share and has no other measure", definition.id));
    const auto whole = definition_of(catalogue, definition.of);
    if (!whole) return std::unexpected(whole.error());
    plan.whole = *whole;
    plan.measure = plan.whole->measure;
    if (plan.measure == "share" || plan.measure == "monthly mean") {
      return failure(fmt::format("{} is a share of {}, which must be a count", definition.id, definition.of));
    }
    return {};
  }
  plan.mean = asked == "monthly mean";
  plan.measure = plan.mean ? definition.measure : asked;
  if (plan.measure == "monthly mean") plan.measure = "attempts";
  for (const char* measure : {"distinct actors", "distinct targets", "sightings", "attempts"}) {
    if (plan.measure == measure) return {};
  }
  return failure(fmt::format(
      "'{}' is not a measure of {}: expected distinct-actors, distinct-targets, sightings, attempts or monthly-mean",
      printable(request.measure, 64), definition.id));
}

}  // namespace

bool needs_bounds(const Catalogue& catalogue, const FigureRequest& request) {
  if (has_start(request.period) && has_end(request.period)) return false;
  const FigureDefinition* definition = catalogue.find(request.id);
  const std::string& measure = request.measure.empty() && definition ? definition->measure : request.measure;
  if (measure == "monthly mean" || measure == "monthly-mean") return true;
  return std::ranges::any_of(request.by, [](const std::string& name) {
    const Dimension* dimension = find_dimension(name);
    return dimension && dimension->code >= Code::kDay;
  });
}

Expected<std::string> filter_sql(const Catalogue& catalogue, const FigureRequest& request) {
  std::vector<std::string> all = conditions_of(request, false);
  std::string id = request.id;
  for (int depth = 0; depth < 2 && !id.empty(); ++depth) {
    const auto definition = definition_of(catalogue, id);
    if (!definition) return std::unexpected(definition.error());
    const auto own = conditions_of(**definition);
    if (!own) return std::unexpected(own.error());
    all.insert(all.end(), own->begin(), own->end());
    id = (*definition)->measure == "share" ? (*definition)->of : "";
  }
  return joined(all);
}

Expected<Plan> plan(const Catalogue& catalogue, const FigureRequest& request, const Relation& relation) {
  const std::string& from_clause = relation.from;
  Plan plan;
  const auto definition = definition_of(catalogue, request.id);
  if (!definition) return std::unexpected(definition.error());
  plan.definition = *definition;
  if (request.period.from >= request.period.to) return failure("the period is empty: --from must be before --to");
  if (const auto resolved = resolve_measure(catalogue, request, plan); !resolved) {
    return std::unexpected(resolved.error());
  }
  if (needs_bounds(catalogue, request)) {
    return failure("a monthly mean, or rows by day, week or month, need a period with a beginning and an end");
  }

  // Columns of the pairs.
  std::vector<std::string> keys, selected, part_names;
  for (const std::string& name : request.by) {
    const Dimension* dimension = find_dimension(name);
    if (!dimension) {
      return failure(fmt::format("'{}' is not a dimension: expected one of {}", printable(name, 64),
                                 fmt::join(dimension_names(), ", ")));
    }
    if (std::ranges::find(plan.by, dimension) != plan.by.end()) {
      return failure(fmt::format("the dimension {} is given twice", dimension->name));
    }
    const auto sql = key_sql(*dimension, request);
    if (!sql) return std::unexpected(sql.error());
    // The database shows a UUID whose column is named so as an address.
    keys.push_back(fmt::format("k{}{}", plan.by.size(), dimension->code == Code::kAddress ? "_ip" : ""));
    selected.push_back(fmt::format("{} AS {}", *sql, keys.back()));
    plan.by.push_back(dimension);
  }

  // Conditions: of a share, those of the whole choose the rows and those of the part mark them.
  const FigureDefinition& chosen = plan.whole ? *plan.whole : *plan.definition;
  std::vector<std::string> conditions = conditions_of(request, relation.within);
  const auto own = conditions_of(chosen);
  if (!own) return std::unexpected(own.error());
  conditions.insert(conditions.end(), own->begin(), own->end());
  const std::string unit = unit_sql(plan.measure, chosen.count);
  const bool sums = unit.empty();
  if (plan.whole) {
    const auto part = conditions_of(*plan.definition);
    if (!part) return std::unexpected(part.error());
    selected.push_back(fmt::format("CASE WHEN {} THEN 1 ELSE 0 END AS part", joined(*part)));
  }
  std::string units = "u";
  if (!sums) {
    if (plan.measure != "sightings") conditions.push_back(unit + " IS NOT NULL");
    if (plan.mean) {
      const auto month = key_sql(*find_dimension("month"), request);
      if (!month) return std::unexpected(month.error());
      selected.push_back(*month + " AS m");
      units = "m, u";
    }
    selected.push_back(unit + " AS u");
  }
  if (plan.mean) {
    const auto months = months_in(request.period, request.zone);
    if (!months) return std::unexpected(months.error());
    plan.months = *months;
  }
  const std::string where = joined(conditions);

  // One number, nothing to share: the engine's own distinct count.
  if (keys.empty() && !plan.whole && !plan.mean) {
    plan.sql =
        fmt::format("SELECT {} AS part, {} AS value FROM {} WHERE {}", kTotal,
                    sums ? "CAST(coalesce(sum(\"count\"), 0) AS BIGINT)" : fmt::format("count(DISTINCT {})", unit),
                    from_clause, where);
    return plan;
  }

  std::vector<std::string> groups = keys;
  if (plan.whole) groups.emplace_back("part");
  if (!sums) groups.push_back(units);
  if (sums) selected.emplace_back("sum(\"count\") AS n");
  std::string sql = fmt::format("WITH pairs AS (SELECT {} FROM {} WHERE {}{})", fmt::join(selected, ", "), from_clause,
                                where, groups.empty() ? "" : fmt::format(" GROUP BY {}", fmt::join(groups, ", ")));
  const std::string in_part = plan.whole ? " WHERE part = 1" : "";
  std::string nulls;
  for (const std::string& key : keys) nulls += ", NULL AS " + key;
  const auto count_all = [&](const std::string& filter) {
    if (sums) return fmt::format("CAST(coalesce(sum(n), 0) AS BIGINT) AS value{} FROM pairs{}", nulls, filter);
    if (plan.mean)
      return fmt::format("count(*) AS value{} FROM (SELECT DISTINCT {} FROM pairs{}) AS d", nulls, units, filter);
    return fmt::format("count(DISTINCT u) AS value{} FROM pairs{}", nulls, filter);
  };
  std::string parts;
  if (!keys.empty()) {
    const std::string key_list = fmt::format("{}", fmt::join(keys, ", "));
    std::string order = "value DESC";
    for (const std::string& key : keys) order += ", " + key + " ASC NULLS LAST";
    sql += fmt::format(", counted AS (SELECT {} AS value, {} FROM pairs{} GROUP BY {})",
                       sums ? "CAST(sum(n) AS BIGINT)" : "count(*)", key_list, in_part, key_list);
    const std::string limit = request.limit ? fmt::format(" LIMIT {}", request.limit) : "";
    parts = fmt::format(
        "SELECT {} AS part, value, {} FROM (SELECT value, {} FROM counted ORDER BY {}{}) AS r UNION ALL "
        "SELECT {} AS part, CAST(coalesce(sum(value), 0) AS BIGINT) AS value{} FROM counted UNION ALL ",
        kRow, key_list, key_list, order, limit, kSum, nulls);
    sql += fmt::format(" SELECT * FROM ({}", parts);
    sql += fmt::format("SELECT {} AS part, {}", kTotal, count_all(in_part));
    if (plan.whole) sql += fmt::format(" UNION ALL SELECT {} AS part, {}", kWhole, count_all(""));
    sql += fmt::format(") AS answer ORDER BY part, {}", order);
  } else {
    sql += fmt::format(" SELECT {} AS part, {}", kTotal, count_all(in_part));
    if (plan.whole) sql += fmt::format(" UNION ALL SELECT {} AS part, {}", kWhole, count_all(""));
  }
  plan.sql = std::move(sql);
  return plan;
}

}  // namespace figures

Expected<std::string> compile(const Catalogue& catalogue, const FigureRequest& request,
                              const std::string& from_clause) {
  auto plan = figures::plan(catalogue, request, {from_clause});
  if (!plan) return std::unexpected(plan.error());
  return std::move(plan->sql);
}

}  // namespace tocsin
