// The brief of a period: reads figures only, and writes documents.
#pragma once

#include <string>
#include <vector>

#include "base/expected.h"
#include "figures/figure.h"

namespace tocsin {

struct BriefSection {
  FigureResult figure;           // total with its default dimension's rows
  std::vector<FigureRow> trend;  // by day (key: date); may be empty
};

struct Brief {
  std::string constituency;
  Period period;
  std::string zone = "UTC";
  Confidence confidence = Confidence::kProbable;
  Timestamp made = 0;
  SightingStore::Head ledger;
  std::vector<std::string> location_databases;  // versions and descriptions
  std::vector<SourceRecord> sources;
  std::vector<BriefSection> sections;
};

// Asks every figure of the catalogue that a brief has (definition.sentence is not empty).
Expected<Brief> compose(const Catalogue& catalogue, const SightingStore& store, Database& database,
                        const FigureRequest& period_and_confidence, const std::string& constituency,
                        const std::vector<std::string>& location_databases);

std::string to_markdown(const Brief& brief);
// Self-contained: styles and SVG charts inside. world_json: text of world-atlas countries-110m.json, empty for no map.
std::string to_html(const Brief& brief, const std::string& world_json);
std::string to_json(const Brief& brief);
std::string to_csv(const Brief& brief);
// Recomputes each figure of a brief's JSON at its ledger position; the differences, empty if none.
Expected<std::vector<std::string>> differences(const std::string& brief_json, const Catalogue& catalogue,
                                               const SightingStore& store, Database& database);

}  // namespace tocsin
