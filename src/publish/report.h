// The brief of a period: reads figures only, and writes documents.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/expected.h"
#include "figures/figure.h"
#include "publish/language.h"

namespace tocsin {

// How many machines may stand behind a figure's addresses.
struct MachinesNote {
  double machines = 0, low = 0, high = 0;
  std::string abstained;  // why there is no estimate; then the numbers mean nothing
};

struct BriefSection {
  FigureResult figure;           // total with its default dimension's rows
  std::vector<FigureRow> trend;  // by day (key: date); may be empty
  std::optional<MachinesNote> machines = std::nullopt;
};

// What a figure would be under other assumptions; none: does not apply, or was not asked.
struct SensitivityRow {
  std::string figure;  // its id
  double value = 0;    // as published
  std::optional<double> with_other_location, without_relays, with_suspected;
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
  std::vector<SensitivityRow> sensitivity;  // empty: left out
  // By language ("en"), as its editors wrote them: in place of the usual title; paragraphs after the headline.
  std::map<std::string, std::string> titles = {}, remarks = {};
};

// Paper has numbered pages, a running head, and colours that hold inside of drawings.
enum class Medium : std::uint8_t { kScreen, kPaper };

// Asks every figure of the catalogue that a brief has (definition.sentence is not empty).
Expected<Brief> compose(const Catalogue& catalogue, const SightingStore& store, Database& database,
                        const FigureRequest& period_and_confidence, const std::string& constituency,
                        const std::vector<std::string>& location_databases);

std::string to_markdown(const Brief& brief, Language language);
// Self-contained: styles and SVG charts inside. world_json: text of world-atlas countries-110m.json, empty for no map.
std::string to_html(const Brief& brief, const std::string& world_json, Language language,
                    Medium medium = Medium::kScreen);
// For machines: codes, and the texts that people read in every language.
std::string to_json(const Brief& brief);
std::string to_csv(const Brief& brief);
// Recomputes each figure of a brief's JSON at its ledger position, by answer(), which shares nothing that counts with
// the pass that made it; the differences, empty if none.
Expected<std::vector<std::string>> differences(const std::string& brief_json, const Catalogue& catalogue,
                                               const SightingStore& store, Database& database);

}  // namespace tocsin
