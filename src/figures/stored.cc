// Figures and traces over the segments of a store, as of a position of its ledger.
#include "figures/figure.h"
#include "figures/plan.h"

namespace tocsin {
namespace {

// As of one position: each part of a figure must see the same segments while a writer goes on.
Expected<figures::RelationOf> relations_of(const SightingStore& store, std::uint64_t sequence) {
  auto segments = store.segments(sequence);
  if (!segments) return std::unexpected(segments.error());
  auto from_clause = store.from_clause(sequence);
  if (!from_clause) return std::unexpected(from_clause.error());
  return [segments = std::move(*segments),
          from_clause = std::move(*from_clause)](const Period& period) -> Expected<figures::Relation> {
    if (auto relation = figures::relation_of(segments, period)) return std::move(*relation);
    return figures::Relation{.from = from_clause, .within = false};
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

Expected<Table> trace(const Catalogue& catalogue, const SightingStore& store, Database& database,
                      const TraceQuery& query) {
  const auto head = store.head(query.figure.sequence);
  if (!head) return std::unexpected(head.error());
  const auto relations = relations_of(store, head->sequence);
  if (!relations) return std::unexpected(relations.error());
  const auto relation = (*relations)(query.figure.period);
  if (!relation) return std::unexpected(relation.error());
  return trace_over(catalogue, relation->from, database, query);
}

}  // namespace tocsin
