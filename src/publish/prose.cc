#include "publish/prose.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "publish/sentence.h"
#include "publish/words.h"

namespace tocsin::publish {
namespace {

bool of_botnets(const BriefSection& section) {
  const auto& kinds = section.figure.definition.kinds;
  return std::ranges::find(kinds, "botnet-control") != kinds.end();
}

std::string confidence_remark(Confidence confidence) {
  switch (confidence) {
    case Confidence::kConfirmed:
      return "confirmed";
    case Confidence::kSuspected:
      return "suspected or better";
    case Confidence::kProbable:
      break;
  }
  return "";
}

std::string confidence_text(Confidence confidence) {
  switch (confidence) {
    case Confidence::kConfirmed:
      return "Only confirmed sightings count: a verified indicator, a signature or a report.";
    case Confidence::kSuspected:
      return "Every sighting counts, also those that are suspected from behaviour alone.";
    case Confidence::kProbable:
      break;
  }
  return "Sightings that are probable or confirmed count; what is suspected from behaviour alone does not.";
}

std::string lower_first(std::string text) {
  // "IP addresses" and "AS numbers" keep their capitals.
  if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z') {
    text[0] = static_cast<char>(text[0] + 32);
  }
  return text;
}

std::vector<std::string> methods_of(const Brief& brief) {
  std::vector<std::string> methods;
  methods.push_back(
      "Sources are read into observations (flows, DNS, HTTP, TLS, alerts); detectors judge these and give sightings: "
      "that an actor did one kind of thing to a target within an hour, on what evidence.");
  methods.push_back(confidence_text(brief.confidence));
  methods.push_back(
      "Counts are exact. A host is a distinct IP address unless a definition says otherwise: never silently a machine "
      "or a person.");
  methods.push_back(
      "The period is half-open and is held against the time a sighting was first seen. The change is on the period "
      "before of the same length, and is left out where the store holds nothing that early.");
  methods.push_back(
      "Where rows add up to more than their total, some of what is counted belongs to several rows. Shares are of the "
      "total, also where a table shows only its first rows.");
  return methods;
}

}  // namespace

std::string english(const std::map<std::string, std::string>& texts) {
  const auto found = texts.find("en");
  return found == texts.end() ? "" : printable(found->second, 4000);
}

std::string title_of(const FigureResult& figure) {
  const std::string title = english(figure.definition.title);
  return title.empty() ? printable(figure.definition.id) : title;
}

std::vector<const BriefSection*> shown(const Brief& brief) {
  std::vector<const BriefSection*> sections;
  for (const BriefSection& section : brief.sections) {
    if (section.figure.value > 0) sections.push_back(&section);
  }
  std::ranges::stable_partition(sections, [](const BriefSection* section) { return of_botnets(*section); });
  return sections;
}

std::string skipped_text(const SourceRecord& source) {
  std::string text = with_thousands(static_cast<std::int64_t>(source.skipped));
  if (source.skipped_by_reason.empty()) return text;
  std::string reasons;
  for (const auto& [reason, count] : source.skipped_by_reason) {
    if (!reasons.empty()) reasons += ", ";
    reasons += with_thousands(static_cast<std::int64_t>(count)) + " " + printable(reason, 120);
  }
  return fmt::format("{} ({})", text, reasons);
}

std::string rows_note(const FigureResult& figure) {
  std::string note;
  if (figure.rows.size() > kTableRows) {
    note = fmt::format("The {} largest of {} rows; the JSON and CSV files hold them all.", kTableRows,
                       with_thousands(static_cast<std::int64_t>(figure.rows.size())));
  } else if (figure.request.limit && figure.rows.size() == figure.request.limit) {
    note = fmt::format("At most the {} largest rows are shown.", figure.request.limit);
  }
  if (figure.overlap > 0) {
    if (!note.empty()) note += " ";
    note += fmt::format("Rows together count {} more than the total: what belongs to several rows counts in each.",
                        with_thousands(figure.overlap));
  }
  return note;
}

Prose prose_of(const Brief& brief) {
  Prose prose;
  prose.title = "Attacks on " + constituency_text(brief.constituency);
  prose.period = period_title(brief.period, brief.zone);
  prose.confidence = confidence_text(brief.confidence);

  const std::string remark = confidence_remark(brief.confidence);
  for (const BriefSection* section : shown(brief)) {
    std::string text = sentence(section->figure, prose.headline.empty() ? remark : "");
    const std::string change = change_text(section->figure.value, section->figure.previous, section->figure.definition);
    if (!change.empty()) text += " " + change + ".";
    prose.headline.push_back(std::move(text));
  }
  if (prose.headline.empty()) {
    prose.headline.push_back(fmt::format("Nothing of what this brief counts was seen {}{}.",
                                         period_in_text(brief.period, brief.zone),
                                         remark.empty() ? "" : " (" + remark + ")"));
  }
  prose.cautions.emplace_back("Location is not attribution: a figure says where an address was, never who used it.");
  for (const BriefSection& section : brief.sections) {
    const FigureResult& figure = section.figure;
    if (!(figure.value > 0)) {
      prose.nothing += (prose.nothing.empty() ? "Nothing was seen of: " : "; ") + lower_first(title_of(figure));
      continue;
    }
    prose.definitions.push_back({printable(figure.definition.id), title_of(figure),
                                 english(figure.definition.definition), english(figure.definition.caution)});
  }
  if (!prose.nothing.empty()) prose.nothing += ".";
  prose.cautions.emplace_back(
      "What was not seen is not proved absent: the figures are of what these sources could show, and are a lower "
      "bound.");
  prose.methods = methods_of(brief);
  prose.unseen = {
      "The content of encrypted connections; of these only addresses, times, sizes and names in the clear are seen.",
      "Traffic that passed none of the sources listed here, and times that they do not cover.",
      "Who stands behind an address: a relay, a shared address or a machine that is itself a victim looks the same."};
  for (const std::string& database : brief.location_databases) prose.locations.push_back(printable(database, 2000));
  if (prose.locations.empty()) prose.locations.emplace_back("No location database was used.");
  prose.locations.emplace_back(
      "An address is located by the database nearest before the time it was seen, or the oldest there is. Such "
      "databases hold errors, and say where an address is registered or announced.");
  prose.locations.emplace_back(
      "AS numbers and holders: ip-location-db, from data of RouteViews, DB-IP and NRO, CC BY 4.0. Outlines of "
      "countries: world-atlas, from Natural Earth.");
  prose.ledger = fmt::format(
      "Made {} from the store as of line {} of its ledger; {} The JSON of this brief can be recomputed from there with "
      "tocsin verify.",
      format_time(floor_to(brief.made, kSecond)), with_thousands(static_cast<std::int64_t>(brief.ledger.sequence)),
      brief.ledger.hash.empty() ? "its hash was not taken." : "the line's hash is below.");
  return prose;
}

}  // namespace tocsin::publish
