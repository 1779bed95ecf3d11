// Briefs over a store.
#include "publish/report.h"

#include <fmt/format.h>

#include <future>
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

// By figure, of those that a brief has and that have such an estimate.
Expected<std::map<std::string, MachinesNote>> machines_of(const Catalogue& catalogue, const SightingStore& store,
                                                          FigureRequest request) {
  std::map<std::string, MachinesNote> notes;
  for (const FigureDefinition& definition : catalogue.figures()) {
    if (definition.sentence.empty() || !definition.machines) continue;
    auto database = Database::open();
    if (!database) return std::unexpected(database.error());
    request.id = definition.id;
    request.by = definition.by;
    const auto estimate = machines_behind(catalogue, store, **database, request);
    if (!estimate) return std::unexpected(estimate.error());
    notes[definition.id] = {.machines = estimate->machines.value_or(0),
                            .low = estimate->low.value_or(0),
                            .high = estimate->high.value_or(0),
                            .abstained = estimate->machines ? "" : estimate->abstained};
  }
  return notes;
}

}  // namespace

Expected<Brief> compose(const Catalogue& catalogue, const SightingStore& store, Database& database,
                        const FigureRequest& period_and_confidence, const std::string& constituency,
                        const std::vector<std::string>& location_databases) {
  const auto head = store.head(period_and_confidence.sequence);
  if (!head) return std::unexpected(head.error());
  // All figures are of one position of the ledger, whatever a writer adds meanwhile.
  FigureRequest request = period_and_confidence;
  request.sequence = head->sequence;
  // The pass leaves half of two cores idle: estimates, which read the rows in a way of their own, are made beside it.
  auto estimates = std::async(std::launch::async, [&] { return machines_of(catalogue, store, request); });
  const auto ask = [&](const std::vector<FigureRequest>& figures) {
    return answer_all(catalogue, store, database, figures, constituency);
  };
  auto sections = publish::sections_of(catalogue, ask, request);
  auto machines = estimates.get();
  if (!sections) return std::unexpected(sections.error());
  if (!machines) return std::unexpected(machines.error());
  for (BriefSection& section : *sections) {
    const auto made = machines->find(section.figure.definition.id);
    if (made != machines->end() && section.figure.value != 0) section.machines = made->second;
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
