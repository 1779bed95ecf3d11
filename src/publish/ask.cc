#include "publish/ask.h"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "base/text.h"
#include "publish/prose.h"
#include "publish/words.h"

namespace tocsin::publish {
namespace {

constexpr std::size_t kMostDifferences = 20;  // a figure: enough to see what is wrong

bool only_country(const FigureRequest& request) { return request.by.size() == 1 && is_country(request.by[0]); }

// A trend adds nothing to a mean over the period, and of a share only the whole is published.
bool has_trend(const FigureDefinition& definition) {
  return definition.measure != "share" && definition.measure != "monthly mean";
}

FigureRequest by_day(FigureRequest request) {
  request.by = {"day"};
  request.limit = 0;
  request.rows_only = true;
  return request;
}

bool same(double a, double b) { return a == b || std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b)); }

std::string shown_number(double value) { return fmt::format("{}", value); }

using Found = std::map<std::vector<std::string>, ParsedRow>;

std::string key_of(const std::vector<std::string>& by, const std::vector<std::string>& key) {
  std::string out;
  for (std::size_t i = 0; i < key.size(); ++i) {
    out += fmt::format("{}{} {}", i ? ", " : "", i < by.size() ? printable(by[i], 60) : "",
                       key[i].empty() ? "not known" : printable(key[i], 120));
  }
  return out;
}

void compare_rows(const std::string& id, const std::vector<std::string>& by, const std::vector<ParsedRow>& published,
                  const std::vector<FigureRow>& recomputed, std::vector<std::string>& into) {
  std::vector<std::string> found;
  Found left;
  for (const ParsedRow& row : published) {
    if (!left.emplace(row.key, row).second) {
      found.push_back(fmt::format("{}, {}: stands twice in the brief", id, key_of(by, row.key)));
    }
  }
  for (const FigureRow& row : recomputed) {
    const auto at = left.find(row.key);
    const std::string name = fmt::format("{}, {}", id, key_of(by, row.key));
    if (at == left.end()) {
      found.push_back(fmt::format("{}: not in the brief, {} recomputed", name, shown_number(row.value)));
      continue;
    }
    if (!same(at->second.value, row.value)) {
      found.push_back(fmt::format("{}: {} in the brief, {} recomputed", name, shown_number(at->second.value),
                                  shown_number(row.value)));
    } else if (at->second.share >= 0 && !same(at->second.share, row.share)) {
      found.push_back(fmt::format("{}: a share of {} in the brief, {} recomputed", name, shown_number(at->second.share),
                                  shown_number(row.share)));
    }
    left.erase(at);
  }
  for (const auto& [key, row] : left) {
    found.push_back(
        fmt::format("{}, {}: {} in the brief, nothing recomputed", id, key_of(by, key), shown_number(row.value)));
  }
  if (found.size() > kMostDifferences) {
    const std::size_t more = found.size() - kMostDifferences;
    found.resize(kMostDifferences);
    found.push_back(fmt::format("{}: {} more rows differ", id, more));
  }
  into.insert(into.end(), found.begin(), found.end());
}

void compare_headlines(const std::string& what, const std::vector<std::string>& published,
                       const std::vector<std::string>& recomputed, std::vector<std::string>& into) {
  for (std::size_t i = 0; i < std::max(published.size(), recomputed.size()); ++i) {
    const std::string stands = i < published.size() ? printable(published[i], 1000) : "nothing";
    const std::string expected = i < recomputed.size() ? printable(recomputed[i], 1000) : "nothing";
    if (stands == expected) continue;
    into.push_back(fmt::format("{} {}: \"{}\" in the brief, \"{}\" recomputed", what, i + 1, stands, expected));
    if (into.size() > 1000) return;
  }
}

FigureRequest request_of(const ParsedBrief& brief, const ParsedFigure& figure) {
  FigureRequest request;
  request.id = figure.id;
  request.period = brief.period;
  request.zone = brief.zone;
  request.by = figure.by;
  request.confidence = brief.confidence;
  request.limit = figure.limit;
  request.sequence = brief.ledger.sequence;
  return request;
}

}  // namespace

Expected<std::vector<BriefSection>> sections_of(const Catalogue& catalogue, const AskAll& ask,
                                                const FigureRequest& asked) {
  std::vector<FigureRequest> requests;
  for (const FigureDefinition& definition : catalogue.figures()) {
    if (definition.sentence.empty()) continue;
    FigureRequest request = asked;
    request.id = definition.id;
    request.by = definition.by;
    request.measure.clear();
    // There are few countries and a map wants them all; of what may be many, tables show the largest.
    request.limit = only_country(request) ? 0 : kTableRows;
    requests.push_back(request);
    if (has_trend(definition)) requests.push_back(by_day(std::move(request)));
  }
  auto figures = ask(requests);
  if (!figures) return std::unexpected(figures.error());
  std::vector<BriefSection> sections;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto& figure = (*figures)[i];
    const bool is_trend = i > 0 && requests[i].id == requests[i - 1].id;
    if (!figure) {
      return failure(fmt::format("{}{}: {}", requests[i].id, is_trend ? " by day" : "", figure.error().message));
    }
    if (!is_trend) {
      sections.push_back({std::move(*figure), {}, {}});
    } else if (sections.back().figure.value > 0) {
      sections.back().trend = std::move(figure->rows);
    }
  }
  return sections;
}

Expected<std::vector<std::string>> differences_of(const ParsedBrief& brief, const Ask& ask) {
  std::vector<std::string> found;
  Brief again;
  again.constituency = brief.constituency;
  again.period = brief.period;
  again.zone = brief.zone;
  again.confidence = brief.confidence;
  for (const ParsedFigure& figure : brief.figures) {
    const std::string id = printable(figure.id, 120);
    FigureRequest request = request_of(brief, figure);
    auto recomputed = ask(request);
    if (!recomputed) {
      found.push_back(fmt::format("{}: {} in the brief, not recomputed: {}", id, shown_number(figure.value),
                                  recomputed.error().message));
      continue;
    }
    if (!same(figure.value, recomputed->value)) {
      found.push_back(fmt::format("{}: {} in the brief, {} recomputed", id, shown_number(figure.value),
                                  shown_number(recomputed->value)));
    }
    const auto text = [](const std::optional<double>& value) { return value ? shown_number(*value) : "not known"; };
    if (figure.previous.has_value() != recomputed->previous.has_value() ||
        (figure.previous && !same(*figure.previous, *recomputed->previous))) {
      found.push_back(fmt::format("{}, period before: {} in the brief, {} recomputed", id, text(figure.previous),
                                  text(recomputed->previous)));
    }
    compare_rows(id, figure.by, figure.rows, recomputed->rows, found);
    if (!figure.trend.empty() || (recomputed->value > 0 && has_trend(recomputed->definition))) {
      request = by_day(std::move(request));
      const auto trend = ask(request);
      if (!trend) {
        found.push_back(fmt::format("{} by day: not recomputed: {}", id, trend.error().message));
      } else {
        compare_rows(id, request.by, figure.trend, trend->rows, found);
      }
    }
    again.sections.push_back({std::move(*recomputed), {}, {}});
  }
  // The sentences are what is read, so they must say what the figures say.
  if (again.sections.size() == brief.figures.size()) {
    compare_headlines("headline", brief.headline, prose_of(again, english()).headline, found);
    for (const Language language : kLanguages) {
      const auto published = brief.headlines.find(std::string(code_of(language)));
      if (published == brief.headlines.end()) continue;
      compare_headlines(fmt::format("headline in {}", code_of(language)), published->second,
                        prose_of(again, phrases(language)).headline, found);
    }
  }
  return found;
}

}  // namespace tocsin::publish
