// Figures and traces over the segments of a store, as of a position of its ledger.
#include <fmt/format.h>

#include <algorithm>

#include "figures/figure.h"
#include "figures/plan.h"
#include "store/scan.h"

namespace tocsin {
namespace {

// As of one position: each part of a figure must see the same segments while a writer goes on.
Expected<figures::RelationOf> relations_of(const SightingStore& store, std::uint64_t sequence) {
  auto segments = store.segments(sequence);
  if (!segments) return std::unexpected(segments.error());
  return [segments = std::move(*segments)](const Period& period) -> Expected<figures::Relation> {
    if (auto relation = figures::relation_of(segments, period)) return std::move(*relation);
    std::vector<std::string> paths;
    std::ranges::transform(segments, std::back_inserter(paths), &Segment::path);
    return figures::Relation{.from = segments_clause(paths), .within = false};
  };
}

}  // namespace

Expected<FigureResult> answer(const Catalogue& catalogue, const SightingStore& store, Database& database,
                              const FigureRequest& request, const std::string& constituency) {
  const auto head = store.head(request.sequence);
  if (!head) return std::unexpected(head.error());
  const auto relations = relations_of(store, head->sequence);
  if (!relations) return std::unexpected(relations.error());
  auto result = figures::answer_with(catalogue, *relations, database, request, constituency);
  if (!result) return result;
  const auto sources = store.sources(head->sequence);
  if (!sources) return std::unexpected(sources.error());
  for (const SourceRecord& source : *sources) result->skipped += source.skipped;
  return result;
}

Expected<MachinesEstimate> machines_behind(const Catalogue& catalogue, const SightingStore& store, Database& database,
                                           const FigureRequest& request) {
  const auto head = store.head(request.sequence);
  if (!head) return std::unexpected(head.error());
  const auto relations = relations_of(store, head->sequence);
  if (!relations) return std::unexpected(relations.error());
  const auto relation = (*relations)(request.period);
  if (!relation) return std::unexpected(relation.error());
  const auto filter = figures::filter_sql(catalogue, request);
  if (!filter) return std::unexpected(filter.error());
  MachinesEstimator estimator(request.period, {});
  std::vector<Presence> presences;
  const auto scanned = scan_all(
      database,
      {fmt::format("SELECT target_ip, target_asn, first_seen, \"count\" FROM {} WHERE {} AND target_ip IS NOT NULL",
                   relation->from, *filter)},
      {ScanType::kUuid, ScanType::kInteger, ScanType::kTime, ScanType::kLong},
      [&](std::size_t, const ScanChunk& chunk) {
        presences.clear();
        for (std::size_t row = 0; row < chunk.rows(); ++row) {
          const Hash128 address = chunk.uuid(0, row);
          const std::uint64_t count = chunk.value<std::uint64_t>(3, row);
          presences.push_back({.ip = IpAddress::of_halves(address.high, address.low),
                               .network = chunk.is_null(1, row) ? 0 : chunk.value<std::uint32_t>(1, row),
                               .hour = floor_to(chunk.value<std::int64_t>(2, row), kHour) / kHour,
                               .count = static_cast<std::uint32_t>(std::min<std::uint64_t>(count, 0xffff'ffff))});
        }
        estimator.add(presences);
      });
  if (!scanned) return std::unexpected(scanned.error());
  return estimator.estimate();
}

Expected<Table> trace(const Catalogue& catalogue, const SightingStore& store, Database& database,
                      const FigureRequest& request) {
  const auto head = store.head(request.sequence);
  if (!head) return std::unexpected(head.error());
  const auto relations = relations_of(store, head->sequence);
  if (!relations) return std::unexpected(relations.error());
  const auto relation = (*relations)(request.period);
  if (!relation) return std::unexpected(relation.error());
  return trace_over(catalogue, relation->from, database, request);
}

}  // namespace tocsin
