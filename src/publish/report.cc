// Briefs over a store.
#include "publish/report.h"

#include <fmt/format.h>

#include "publish/ask.h"

namespace tocsin {

Expected<Brief> compose(const Catalogue& catalogue, const SightingStore& store, Database& database,
                        const FigureRequest& period_and_confidence, const std::string& constituency,
                        const std::vector<std::string>& location_databases) {
  const auto head = store.head(period_and_confidence.sequence);
  if (!head) return std::unexpected(head.error());
  // All figures are of one position of the ledger, whatever a writer adds meanwhile.
  FigureRequest request = period_and_confidence;
  request.sequence = head->sequence;
  const publish::Ask ask = [&](const FigureRequest& figure) {
    return answer(catalogue, store, database, figure, constituency);
  };
  auto sections = publish::sections_of(catalogue, ask, request);
  if (!sections) return std::unexpected(sections.error());
  auto sources = store.sources(request.sequence);
  if (!sources) return std::unexpected(sources.error());

  Brief brief;
  brief.constituency = constituency;
  brief.period = request.period;
  brief.zone = request.zone;
  brief.confidence = request.confidence;
  brief.made = now();
  brief.ledger = *head;
  brief.location_databases = location_databases;
  brief.sources = std::move(*sources);
  brief.sections = std::move(*sections);
  return brief;
}

Expected<std::vector<std::string>> differences(const std::string& brief_json, const Catalogue& catalogue,
                                               const SightingStore& store, Database& database) {
  const auto brief = publish::parse_brief(brief_json);
  if (!brief) return std::unexpected(brief.error());
  const auto head = store.head();
  if (!head) return std::unexpected(head.error());
  const auto& ledger = brief->ledger;
  if (ledger.sequence > head->sequence) {
    return std::vector{
        fmt::format("the brief was made at line {} of a ledger; this store's has {}", ledger.sequence, head->sequence)};
  }
  std::vector<std::string> found;
  const auto there = store.head(ledger.sequence);
  if (!there) return std::unexpected(there.error());
  if (ledger.hash != there->hash) {
    found.push_back(fmt::format("ledger line {}: hash {} in the brief, {} in the store", ledger.sequence,
                                ledger.hash.empty() ? "missing" : ledger.hash, there->hash));
  }
  const publish::Ask ask = [&](const FigureRequest& figure) {
    return answer(catalogue, store, database, figure, brief->constituency);
  };
  auto figures = publish::differences_of(*brief, ask);
  if (!figures) return std::unexpected(figures.error());
  found.insert(found.end(), figures->begin(), figures->end());
  return found;
}

}  // namespace tocsin
