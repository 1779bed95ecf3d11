// Composing and checking a brief, apart from where the answers come from.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "publish/report.h"

namespace tocsin::publish {

using Ask = std::function<Expected<FigureResult>(const FigureRequest&)>;
using AskAll = std::function<Expected<std::vector<Expected<FigureResult>>>(const std::vector<FigureRequest>&)>;

// The sections of a brief: every figure of the catalogue that has a sentence, at request.sequence.
Expected<std::vector<BriefSection>> sections_of(const Catalogue& catalogue, const AskAll& ask,
                                                const FigureRequest& request);

// A brief's JSON as far as it can be recomputed.
struct ParsedRow {
  std::vector<std::string> key;
  double value = 0;
  double share = -1;  // none
};
struct ParsedFigure {
  std::string id;
  std::vector<std::string> by;
  std::uint64_t limit = 0;
  double value = 0;
  std::optional<double> previous;
  std::vector<ParsedRow> rows, trend;
};
struct ParsedBrief {
  std::string constituency, zone;
  Period period;
  Confidence confidence = Confidence::kProbable;
  SightingStore::Head ledger;
  std::vector<std::string> headline;
  std::map<std::string, std::vector<std::string>> headlines;  // by language; older briefs have none
  std::vector<ParsedFigure> figures;
};
// An error names what is wrong, and where: "figures[3].value: a number was expected".
Expected<ParsedBrief> parse_brief(const std::string& text);
// A figure that the catalogue no longer has is a difference too: ask gives an error for it.
Expected<std::vector<std::string>> differences_of(const ParsedBrief& brief, const Ask& ask);

}  // namespace tocsin::publish
