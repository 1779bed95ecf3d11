// From a figure's definition to one statement of SQL.
//
// A total and its rows must come out of one scan: the scan is what costs. count(DISTINCT x) with GROUP BY, or with
// GROUPING SETS, keeps a hash table for each group and reads everything twice. Instead the distinct pairs (key, unit)
// are made first, once; the rows are counts over the pairs, and the total counts the distinct units of the pairs, of
// which there are few more than units (a host controlled from two countries stands in two). What is left over, the sum
// of the rows less the total, is the overlap. Attempts are counted otherwise: see attempts.cc.
//
// The SQL keeps to what DuckDB and ClickHouse both run: common table expressions, GROUP BY, CASE, CAST, UNION ALL,
// date_trunc. Nothing that a user wrote stands in it but as a literal made by sql_text, or as a number.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

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

Expected<std::vector<std::string>> conditions_of(const FigureRequest& request, bool within) {
  auto conditions = tocsin::conditions_of(request.only, request.zone);
  if (!conditions) return conditions;
  if (request.confidence != Confidence::kSuspected) {
    conditions->push_back(fmt::format("confidence >= {}", static_cast<int>(request.confidence)));
  }
  if (within) return conditions;
  if (has_start(request.period)) conditions->push_back("first_seen >= " + time_literal(request.period.from));
  if (has_end(request.period)) conditions->push_back("first_seen < " + time_literal(request.period.to));
  return conditions;
}

std::string joined(const std::vector<std::string>& conditions) {
  return conditions.empty() ? "true" : fmt::format("{}", fmt::join(conditions, " AND "));
}

// The expression whose distinct values are counted, of actors or targets.
std::string unit_sql(const std::string& measure, const std::string& count) {
  const std::string_view side = measure == "distinct actors" ? "actor" : "target";
  if (count == "name") return fmt::format("nullif({}_name, '')", side);
  if (count == "name+address") return fmt::format("coalesce(nullif({0}_name, ''), CAST({0}_ip AS VARCHAR))", side);
  if (count == "address+name") return fmt::format("coalesce(CAST({0}_ip AS VARCHAR), nullif({0}_name, ''))", side);
  return fmt::format("{}_ip", side);
}

// Whether each sighting has one key of this dimension, so that the rows add up to the total.
Expected<bool> is_of_sighting(const Dimension& dimension, const FigureRequest& request) {
  switch (dimension.code) {
    case Code::kDay:
    case Code::kWeek:
    case Code::kMonth: {
      const auto offsets = offsets_over(request.period, request.zone);
      if (!offsets) return std::unexpected(offsets.error());
      return std::ranges::all_of(*offsets, [&](const auto& offset) {
        return offset.second % kHour == 0 && (offset == offsets->front() || offset.first % kHour == 0);
      });
    }
    default:
      return dimension.name == "kind" || dimension.name == "detector" || dimension.name == "actor" ||
             dimension.name == "target" || dimension.name == "actor-name" || dimension.name == "target-name";
  }
}

Expected<std::string> local_time_sql(const Period& period, const std::string& zone) {
  const auto offsets = offsets_over(period, zone);
  if (!offsets) return std::unexpected(offsets.error());
  const auto shifted = [](Timestamp offset) -> std::string {
    if (offset == 0) return "first_seen";
    return fmt::format("first_seen {} INTERVAL {} SECOND", offset < 0 ? '-' : '+', std::abs(offset / kSecond));
  };
  if (offsets->size() == 1) return shifted(offsets->front().second);
  // Each row would be held against thousands of them.
  constexpr std::size_t kMostOffsets = 500;
  if (offsets->size() > kMostOffsets) {
    return failure("rows by day, week or month over so long a period need a zone without summer time");
  }
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

// What is counted: the names of the columns that make a unit one, and whether it has one key of each dimension.
struct Units {
  std::vector<std::string> columns = {"u"};
  bool has_one_key = false;
};

// Distinct units: the pairs once, rows and total over them.
CountSql distinct_sql(const std::vector<std::string>& keys, std::vector<std::string> selected, const std::string& part,
                      const Units& units, const std::string& from, const std::string& where) {
  std::vector<std::string> groups = keys;
  if (!part.empty()) {
    selected.push_back(fmt::format("CASE WHEN {} THEN 1 ELSE 0 END AS part", part));
    groups.emplace_back("part");
  }
  groups.insert(groups.end(), units.columns.begin(), units.columns.end());
  const std::string in_part = part.empty() ? "" : " WHERE part = 1";
  const auto count_all = [&](const std::string& filter) -> std::pair<std::string, std::string> {
    if (units.has_one_key) return {"count(*)", "pairs"};
    if (units.columns.size() == 1) return {"count(DISTINCT u)", "pairs" + filter};
    return {"count(*)", fmt::format("(SELECT DISTINCT {} FROM pairs{}) AS d", fmt::join(units.columns, ", "), filter)};
  };
  CountSql sql;
  sql.with = fmt::format("WITH pairs AS (SELECT {} FROM {} WHERE {} GROUP BY {})", fmt::join(selected, ", "), from,
                         where, fmt::join(groups, ", "));
  if (!keys.empty()) {
    sql.rows = fmt::format("SELECT count(*) AS value, {0} FROM pairs{1} GROUP BY {0}", fmt::join(keys, ", "), in_part);
  }
  std::tie(sql.total, sql.total_from) = count_all(in_part);
  std::tie(sql.whole, sql.whole_from) = count_all("");
  return sql;
}

// One statement: the rows, their sum, the total and, of a share, the whole.
std::string assembled(const CountSql& count, const std::vector<std::string>& keys, const std::string& part,
                      const FigureRequest& request) {
  std::string nulls;
  for (const std::string& key : keys) nulls += ", NULL AS " + key;
  std::string totals =
      fmt::format("SELECT {} AS part, {} AS value{} FROM {}", kTotal, count.total, nulls, count.total_from);
  if (!part.empty()) {
    totals += fmt::format(" UNION ALL SELECT {} AS part, {} AS value{} FROM {}", kWhole, count.whole, nulls,
                          count.whole_from);
  }
  if (keys.empty()) return count.with + " " + totals;
  const std::string key_list = fmt::format("{}", fmt::join(keys, ", "));
  std::string order = "value DESC";
  for (const std::string& key : keys) order += ", " + key + " ASC NULLS LAST";
  const std::string most = request.limit ? fmt::format(" LIMIT {}", request.limit) : "";
  if (request.rows_only && part.empty()) {
    return fmt::format("{} SELECT {} AS part, value, {} FROM ({}) AS counted ORDER BY {}{}", count.with, kRow, key_list,
                       count.rows, order, most);
  }
  return fmt::format(
      "{}, counted AS ({}) SELECT * FROM (SELECT {} AS part, value, {} FROM (SELECT value, {} FROM counted "
      "ORDER BY {}{}) AS r UNION ALL SELECT {} AS part, CAST(coalesce(sum(value), 0) AS BIGINT) AS value{} "
      "FROM counted UNION ALL {}) AS answer ORDER BY part, {}",
      count.with, count.rows, kRow, key_list, key_list, order, most, kSum, nulls, totals, order);
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
  auto all = conditions_of(request, false);
  if (!all) return std::unexpected(all.error());
  std::string id = request.id;
  for (int depth = 0; depth < 2 && !id.empty(); ++depth) {
    const auto definition = definition_of(catalogue, id);
    if (!definition) return std::unexpected(definition.error());
    const auto own = conditions_of(**definition);
    if (!own) return std::unexpected(own.error());
    all->insert(all->end(), own->begin(), own->end());
    id = (*definition)->measure == "share" ? (*definition)->of : "";
  }
  return joined(*all);
}

Expected<Plan> plan(const Catalogue& catalogue, const FigureRequest& request, const Relation& relation) {
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
  std::vector<std::string> keys, selected;
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
  auto conditions = conditions_of(request, relation.within);
  if (!conditions) return std::unexpected(conditions.error());
  const auto own = conditions_of(chosen);
  if (!own) return std::unexpected(own.error());
  conditions->insert(conditions->end(), own->begin(), own->end());
  std::string part;
  if (plan.whole) {
    const auto of_part = conditions_of(*plan.definition);
    if (!of_part) return std::unexpected(of_part.error());
    part = joined(*of_part);
  }
  if (plan.mean) {
    const auto months = months_in(request.period, request.zone);
    if (!months) return std::unexpected(months.error());
    plan.months = *months;
  }
  if (plan.measure == "attempts") {
    plan.sql = assembled(attempts_sql(keys, selected, part, relation.from, joined(*conditions)), keys, part, request);
    return plan;
  }
  Units units;
  if (plan.measure == "sightings") {
    units.has_one_key = part.empty();
    selected.push_back(sighting_key_sql() + " AS u");
    for (const Dimension* dimension : plan.by) {
      const auto is_of = is_of_sighting(*dimension, request);
      if (!is_of) return std::unexpected(is_of.error());
      units.has_one_key &= *is_of;
    }
  } else {
    const std::string unit = unit_sql(plan.measure, chosen.count);
    conditions->push_back(unit + " IS NOT NULL");
    // One number, nothing to share: the engine's own distinct count.
    if (keys.empty() && !plan.whole && !plan.mean) {
      plan.sql = fmt::format("SELECT {} AS part, count(DISTINCT {}) AS value FROM {} WHERE {}", kTotal, unit,
                             relation.from, joined(*conditions));
      return plan;
    }
    selected.push_back(unit + " AS u");
  }
  if (plan.mean) {
    const auto month = key_sql(*find_dimension("month"), request);
    if (!month) return std::unexpected(month.error());
    selected.push_back(*month + " AS m");
    units.columns.emplace_back("m");
  }
  plan.sql =
      assembled(distinct_sql(keys, selected, part, units, relation.from, joined(*conditions)), keys, part, request);
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
