#include "serve/lookup_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "figures/plan.h"

namespace tocsin::serve {
namespace {

std::optional<SubjectIndex::What> indexed(const Subject& subject) {
  static const std::map<std::string_view, SubjectIndex::What> kWhats = {
      {"network", SubjectIndex::What::kNetwork}, {"family", SubjectIndex::What::kFamily},
      {"group", SubjectIndex::What::kGroup},     {"cve", SubjectIndex::What::kCve},
      {"address", SubjectIndex::What::kAddress}, {"name", SubjectIndex::What::kName}};
  const auto at = kWhats.find(subject.what);
  return at == kWhats.end() ? std::nullopt : std::optional(at->second);
}

std::int64_t number(const Cell& cell) {
  const auto* whole = std::get_if<std::int64_t>(&cell);
  return whole ? *whole : 0;
}

// The rows of each sighting are made one first: to count distinct ones within groups takes twice as long.
Expected<void> count_rows(Database& database, const Subject& subject, const FigureRequest& request,
                          const std::vector<std::string>& paths, std::vector<SubjectCount>& counts) {
  const auto found = database.query(fmt::format(
      "SELECT day, kind, is_actor, is_target, max(confidence), count(*), CAST(sum(n) AS BIGINT), min(first_seen), "
      "max(last_seen) FROM (SELECT {} AS u, any_value(CAST(first_seen AS DATE)) AS day, any_value(kind) AS kind, "
      "bool_or({}) AS is_actor, bool_or({}) AS is_target, max(confidence) AS confidence, sum(\"count\") AS n, "
      "min(first_seen) AS first_seen, max(last_seen) AS last_seen FROM {} GROUP BY u) AS sighted GROUP BY day, kind, "
      "is_actor, is_target",
      sighting_key_sql(), end_sql(subject.as_actor), end_sql(subject.as_target), rows_sql(subject, request, paths)));
  if (!found) return std::unexpected(found.error());
  for (const auto& row : found->rows) {
    counts.push_back({.day = number(row[0]) * kDay,
                      .kind = std::get<std::string>(row[1]),
                      .is_actor = number(row[2]) != 0,
                      .is_target = number(row[3]) != 0,
                      .confidence = number(row[4]),
                      .sightings = number(row[5]),
                      .count = number(row[6]),
                      .first_seen = number(row[7]),
                      .last_seen = number(row[8])});
  }
  return {};
}

}  // namespace

std::string end_sql(const std::string& condition) {
  return condition.empty() ? "false" : fmt::format("coalesce(({}), false)", condition);
}

std::string rows_sql(const Subject& subject, const FigureRequest& request, const std::vector<std::string>& paths) {
  const auto rows = [&](const std::string& condition) {
    return fmt::format("{} WHERE first_seen >= {} AND first_seen < {} AND confidence >= {} AND ({})",
                       segments_clause(paths), figures::time_literal(request.period.from),
                       figures::time_literal(request.period.to), static_cast<int>(request.confidence), condition);
  };
  if (subject.as_actor.empty() || subject.as_actor == subject.as_target) return rows(subject.as_target);
  const std::string actor = end_sql(subject.as_actor), target = end_sql(subject.as_target);
  if (subject.what != "organisation" && subject.what != "prefix") return rows(fmt::format("{} OR {}", actor, target));
  // Most rows are not of it, and a condition on one column keeps the others from being read.
  return fmt::format("(SELECT * FROM {} UNION ALL SELECT * FROM {}) AS rows", rows(subject.as_actor),
                     rows(fmt::format("({}) AND NOT {}", subject.as_target, actor)));
}

Expected<SubjectIndex::Days> days_with(Context& context, const Subject& subject, const FigureRequest& request) {
  const auto segments = context.store.segments(request.sequence);
  if (!segments) return std::unexpected(segments.error());
  auto days = SubjectIndex::days_of(*segments);
  if (!days) return days;
  std::erase_if(*days, [&](const auto& day) {
    return day.first >= request.period.to || day.first + kDay <= request.period.from;
  });
  std::erase_if(*days, [&](const auto& day) { return paths_with(context.index, subject, day.second).empty(); });
  return days;
}

std::vector<std::string> paths_with(const SegmentIndex& index, const Subject& subject,
                                    const std::vector<std::string>& paths) {
  if (subject.what == "organisation") {
    std::vector<std::string> found = index.with_value("target_organisation", subject.text, paths);
    for (const Prefix& network : subject.networks)
      std::ranges::move(index.with(network, paths), std::back_inserter(found));
    std::ranges::sort(found);
    found.erase(std::ranges::unique(found).begin(), found.end());
    return found;
  }
  if (const auto prefix = Prefix::parse(subject.text)) return index.with(*prefix, paths);
  return subject.what == "name" ? index.with(subject.text, paths) : paths;
}

Expected<std::vector<SubjectCount>> counts_of(const SubjectIndex& subjects, const SegmentIndex& index,
                                              Database& database, const Subject& subject, const FigureRequest& request,
                                              const SubjectIndex::Days& days) {
  std::vector<SubjectCount> counts;
  std::vector<std::string> uncounted;
  const auto what = indexed(subject);
  for (const auto& [day, paths] : days) {
    const bool is_whole = day >= request.period.from && day + kDay <= request.period.to;
    const auto known =
        what && is_whole ? subjects.of(*what, subject.text, day, paths, request.confidence) : std::nullopt;
    if (known) {
      counts.insert(counts.end(), known->begin(), known->end());
    } else {
      std::ranges::move(paths_with(index, subject, paths), std::back_inserter(uncounted));
    }
  }
  if (uncounted.empty()) return counts;
  if (const auto counted = count_rows(database, subject, request, uncounted, counts); !counted) {
    return std::unexpected(counted.error());
  }
  return counts;
}

}  // namespace tocsin::serve
