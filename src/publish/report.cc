// Briefs over a store.
#include "publish/report.h"

#include <fmt/format.h>

#include <map>
#include <tuple>

#include "figures/recount.h"
#include "publish/ask.h"

namespace tocsin {
namespace {

// Far more than a brief has; each costs memory in the recount.
constexpr std::size_t kMostFigures = 1000;

// The figures of a brief, counted by the second path in one pass.
class CountedAgain {
 public:
  static Expected<CountedAgain> of(const publish::ParsedBrief& brief, const Catalogue& catalogue,
                                   const SightingStore& store, Database& database) {
    CountedAgain counted;
    std::vector<FigureRequest> different;
    for (FigureRequest& request : publish::requests_of(brief)) {
      if (!counted.places_.emplace(name_of(request), different.size()).second) continue;
      different.push_back(std::move(request));
    }
    if (different.size() > 2 * kMostFigures) {
      return failure(fmt::format("figures: at most {} different ones were expected", kMostFigures));
    }
    auto results = recount(catalogue, store, database, different, brief.constituency);
    if (!results) return std::unexpected(results.error());
    counted.results_ = std::move(*results);
    return counted;
  }
  Expected<FigureResult> result(const FigureRequest& request) const {
    const auto at = places_.find(name_of(request));
    return at == places_.end() ? failure("it was not counted") : results_[at->second];
  }

 private:
  // Period, zone, confidence and position are the brief's.
  using Name = std::tuple<std::string, std::vector<std::string>, std::uint64_t>;
  static Name name_of(const FigureRequest& request) { return {request.id, request.by, request.limit}; }

  std::map<Name, std::size_t> places_;
  std::vector<Expected<FigureResult>> results_;
};

}  // namespace

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
  for (BriefSection& section : *sections) {
    if (!section.figure.definition.machines || section.figure.value == 0) continue;
    const auto estimate = machines_behind(catalogue, store, database, section.figure.request);
    if (!estimate) return std::unexpected(estimate.error());
    section.machines = MachinesNote{.machines = estimate->machines.value_or(0),
                                    .low = estimate->low.value_or(0),
                                    .high = estimate->high.value_or(0),
                                    .abstained = estimate->machines ? "" : estimate->abstained};
  }
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
  // Not by answer(), which made the brief: an error of its own would confirm itself.
  const auto counted = CountedAgain::of(*brief, catalogue, store, database);
  if (!counted) return std::unexpected(counted.error());
  auto figures =
      publish::differences_of(*brief, [&](const FigureRequest& request) { return counted->result(request); });
  if (!figures) return std::unexpected(figures.error());
  found.insert(found.end(), figures->begin(), figures->end());
  return found;
}

}  // namespace tocsin
