// The catalogue of figures, what is asked of it, and its answers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/expected.h"
#include "base/ip_address.h"
#include "base/time.h"
#include "collect/indicator.h"
#include "estimate/machines.h"
#include "store/sighting_store.h"

namespace tocsin {

// How reports name the codes of sectors, by language: "finance/banking" to {"en": "Banks", "zh": "银行"}.
using SectorNames = std::map<std::string, std::map<std::string, std::string>, std::less<>>;

struct FigureDefinition {
  std::string id;       // "botnet.overseas-servers"
  std::string measure;  // distinct actors, distinct targets, sightings, attempts, share, monthly mean
  std::vector<std::string> kinds;
  std::string actor;  // "overseas", "constituency", "any"
  std::string target;
  std::string of;                                                           // share: the figure that is the whole
  std::vector<std::string> by;                                              // default dimensions
  std::string unit;                                                         // "hosts", "attempts"
  std::map<std::string, std::string> title, definition, caution, sentence;  // by language, "en"
  std::string where;  // further condition in columns of a sighting, checked against a list of columns and operators
  // What makes an actor or target of distinct counts one: "address" (rows without one do not count), "name",
  // "name+address" (the address where there is no name) or "address+name" (the name where there is no address).
  std::string count = "address";
  // Whether an estimate of the machines behind the addresses may stand beside it; of distinct targets by address.
  bool machines = false;
  std::shared_ptr<const SectorNames> sectors;  // of the whole catalogue; null: none
};

// Which sightings are asked for, beside a figure's own conditions.
struct Narrowing {
  std::map<std::string, std::string> keys;  // dimension to code: one row of a figure; an empty code: unknown
  // Only those that touch an organisation of the register: that harmed it, or came from or went to its networks.
  std::string organisation;
  std::vector<Prefix> networks;  // of that organisation

  bool empty() const { return keys.empty() && organisation.empty(); }
};
// Its conditions on a sighting; what is in it enters the SQL as escaped literals only.
Expected<std::vector<std::string>> conditions_of(const Narrowing& narrowing, const std::string& zone);

struct FigureRequest {
  std::string id;
  Period period;
  std::string zone = "UTC";
  std::vector<std::string> by;  // empty: total only; names as in the command line: "actor-country"
  std::string measure;          // empty: the definition's; "monthly-mean"
  Confidence confidence = Confidence::kProbable;
  std::uint64_t limit = 0;  // rows, 0 for all
  // Rows are all that is wanted: value, overlap and shares stay 0, and nothing is said of the period before.
  bool rows_only = false;
  SightingStore::Position sequence = {};  // ledger position, none for now; 0 is the store before its first line
  Narrowing only = {};
};

struct FigureRow {
  std::vector<std::string> key;  // one a dimension; empty text: unknown
  double value = 0;
  double share = 0;  // of the total, 0..1
};

struct FigureResult {
  FigureDefinition definition;
  FigureRequest request;
  std::string constituency;
  double value = 0;
  std::optional<double> previous;  // the period before of the same length; none if the store has nothing that early
  std::vector<FigureRow> rows;     // by value, largest first, then by key
  std::int64_t overlap = 0;        // sum of the rows less the total: what rows share
  std::uint64_t skipped = 0;       // records of the sources that could not be read
};

class Catalogue {
 public:
  // Every *.toml below directory. An error names file, line and what was expected.
  // sectors: the file of their names (constituencies/sectors.toml), empty for none.
  static Expected<Catalogue> load(const std::string& directory, const std::string& sectors = "");
  const std::vector<FigureDefinition>& figures() const { return figures_; }
  const FigureDefinition* find(const std::string& id) const;

 private:
  std::vector<FigureDefinition> figures_;
};

// The dimensions that --by takes: "actor-country", "target-country", "actor-network", "target-sector", "family",
// "group", "rule", "target-port", "actor", "target", "day", "week", "month", "kind", "detector", "confidence"...
const std::vector<std::string>& dimension_names();

// The SQL of a figure (one statement a part), for tests, benchmarks and those who want to see it.
Expected<std::string> compile(const Catalogue& catalogue, const FigureRequest& request, const std::string& from_clause);

// A `share` is in per cent; a `monthly mean` is per calendar month of the period, a part of a month counting as its
// fraction.
Expected<FigureResult> answer(const Catalogue& catalogue, const SightingStore& store, Database& database,
                              const FigureRequest& request, const std::string& constituency);
// The same over any relation that has the columns of a sighting; skipped stays 0.
Expected<FigureResult> answer_over(const Catalogue& catalogue, const std::string& from_clause, Database& database,
                                   const FigureRequest& request, const std::string& constituency);
// The same over Parquet files in directories named by the day (UTC) of their rows, as a store keeps them.
Expected<FigureResult> answer_over(const Catalogue& catalogue, const std::vector<Segment>& segments, Database& database,
                                   const FigureRequest& request, const std::string& constituency);

// How many machines may stand behind the addresses that a figure counts; see estimate/machines.h.
Expected<MachinesEstimate> machines_behind(const Catalogue& catalogue, const SightingStore& store, Database& database,
                                           const FigureRequest& request);

// The object of docs/design.md, as JSON text.
std::string to_json(const FigureResult& result);

// Sightings behind a figure, or a row of it (request.only.keys), at most request.limit: id, kind, confidence, detector,
// rule, actor_ip, actor_port, actor_country, target_ip, target_port, target_name, target_country, first_seen,
// last_seen, count, source, evidence, matched.
Expected<Table> trace(const Catalogue& catalogue, const SightingStore& store, Database& database,
                      const FigureRequest& request);
Expected<Table> trace_over(const Catalogue& catalogue, const std::string& from_clause, Database& database,
                           const FigureRequest& request);

}  // namespace tocsin
