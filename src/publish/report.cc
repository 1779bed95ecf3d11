// Briefs over a store.
#include "publish/report.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <tuple>

#include "figures/answer_all.h"
#include "publish/ask.h"

namespace tocsin {
namespace {

constexpr std::size_t kMostFigures = 1000;  // far more than a brief has

// Period, zone, confidence and position are the brief's.
using Name = std::tuple<std::string, std::vector<std::string>, std::uint64_t, bool>;

}  // namespace

Expected<Brief> compose(const Catalogue& catalogue, const SightingStore& store, Database& database,
                        const FigureRequest& period_and_confidence, const std::string& constituency,
                        const std::vector<std::string>& location_databases) {
  const auto head = store.head(period_and_confidence.sequence);
  if (!head) return std::unexpected(head.error());
  // All figures are of one position of the ledger, whatever a writer adds meanwhile.
  FigureRequest request = period_and_confidence;
  request.sequence = head->sequence;
  const auto ask = [&](const std::vector<FigureRequest>& figures) {
    return answer_all(catalogue, store, database, figures, constituency);
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
  std::set<Name> different;
  for (const auto& figure : brief->figures) different.emplace(figure.id, figure.by, figure.limit, false);
  if (different.size() > kMostFigures) {
    return failure(fmt::format("figures: at most {} different ones were expected", kMostFigures));
  }
  // Not by answer_all(), which made the brief: an error of its own would confirm itself. What a stranger's brief asks
  // many times is counted once.
  std::map<Name, Expected<FigureResult>> answers;
  const auto figures = publish::differences_of(*brief, [&](const FigureRequest& request) {
    const Name name{request.id, request.by, request.limit, request.rows_only};
    if (const auto known = answers.find(name); known != answers.end()) return known->second;
    return answers.emplace(name, answer(catalogue, store, database, request, brief->constituency)).first->second;
  });
  if (!figures) return std::unexpected(figures.error());
  found.insert(found.end(), figures->begin(), figures->end());
  return found;
}

}  // namespace tocsin
