// Figures and traces over the segments of a store, as of a position of its ledger.
#include "figures/figure.h"

namespace tocsin {

Expected<FigureResult> answer(const Catalogue& catalogue, const SightingStore& store, Database& database,
                              const FigureRequest& request, const std::string& constituency) {
  const auto from_clause = store.from_clause(request.sequence);
  if (!from_clause) return std::unexpected(from_clause.error());
  auto result = answer_over(catalogue, *from_clause, database, request, constituency);
  if (!result) return result;
  const auto sources = store.sources();
  if (!sources) return std::unexpected(sources.error());
  for (const SourceRecord& source : *sources) result->skipped += source.skipped;
  return result;
}

Expected<Table> trace(const Catalogue& catalogue, const SightingStore& store, Database& database,
                      const TraceQuery& query) {
  const auto from_clause = store.from_clause(query.figure.sequence);
  if (!from_clause) return std::unexpected(from_clause.error());
  return trace_over(catalogue, *from_clause, database, query);
}

}  // namespace tocsin
