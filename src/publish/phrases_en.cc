#include "publish/phrases.h"
#include "publish/words_en.h"

namespace tocsin::publish {
namespace {

Phrases made() {
  return {
      .language = Language::kEnglish,
      .html_language = "en",
      .title = "Attacks on {}",
      .constituency = "the constituency",
      .nothing_seen = "Nothing of what this brief counts was seen {}.",
      .in_all = "In all, {}",
      .nothing_of = "Nothing was seen of: {}.",
      .semicolon = "; ",
      .comma = ", ",
      .colon = ": ",
      .parentheses = " ({})",
      .confirmed_remark = "confirmed",
      .suspected_remark = "suspected or better",
      .confirmed = "Only confirmed sightings count: a verified indicator, a signature or a report.",
      .suspected = "Every sighting counts, also those that are suspected from behaviour alone.",
      .probable = "Sightings that are probable or confirmed count; what is suspected from behaviour alone does not.",
      .methods = {"Sources are read into observations (flows, DNS, HTTP, TLS, alerts, reports); detectors judge these "
                  "and give sightings: that an actor did one kind of thing to a target within an hour, on what "
                  "evidence.",
                  "Counts are exact; in running text, numbers from a million may be rounded. A host is a distinct IP "
                  "address unless a definition says otherwise: never silently a machine or a person.",
                  "The period is half-open and is held against the time a sighting was first seen. The change is on "
                  "the period before of the same length, and is left out where the store holds nothing that early.",
                  "Where rows add up to more than their total, some of what is counted belongs to several rows. Shares "
                  "are of the total, also where a table shows only its first rows."},
      .unseen = {"The content of encrypted connections; of these only addresses, times, sizes and names in the clear "
                 "are seen.",
                 "Traffic that passed none of the sources listed here, and times that they do not cover.",
                 "Who stands behind an address: a relay, a shared address or a machine that is itself a victim looks "
                 "the same."},
      .not_attribution = "Location is not attribution: a figure says where an address was, never who used it.",
      .lower_bound =
          "What was not seen is not proved absent: the figures are of what these sources could show, and "
          "are a lower bound.",
      .no_location_database = "No location database was used.",
      .locating =
          "An address is located by the database nearest before the time it was seen, or the oldest there is. "
          "Such databases hold errors, and say where an address is registered or announced.",
      .credits =
          "AS numbers and holders: ip-location-db, from data of RouteViews, DB-IP and NRO, CC BY 4.0. Outlines "
          "of countries: world-atlas, from Natural Earth.",
      .ledger =
          "Made {} from the store as of line {} of its ledger; {} The JSON of this brief can be recomputed from "
          "there with tocsin verify.",
      .ledger_hash_below = "the line's hash is below.",
      .ledger_no_hash = "its hash was not taken.",
      .basis = "What these figures rest on",
      .methods_heading = "Methods",
      .unseen_heading = "What is not seen",
      .sources_heading = "Sources",
      .skipped_heading = "What was skipped",
      .locations_heading = "Locations",
      .ledger_heading = "Ledger",
      .sources_of_format = "{} sources",
      .sources_in_json =
          "All {} sources are named, each with its SHA-256 and what was skipped of it, in the brief's JSON.",
      .no_source = "No source was read.",
      .nothing_skipped = "No record of these sources was skipped.",
      .for_example = ". For example ",
      .skipped_for = "{} {}",
      .source = "Source",
      .source_and_hash = "Source and SHA-256",
      .format = "Format",
      .size = "Size",
      .records = "Records",
      .skipped = "Skipped",
      .hash = "SHA-256",
      .by = "By {}",
      .by_largest = "By {}, the {} largest",
      .by_day = "By day",
      .chart_by = "{} by {}",
      .chart_by_day = "{} by day",
      .trend_description = "From {} to {}; most on {}: {}",
      .map_caption = "{}, by {}",
      .map_title = "World map: {}",
      .not_on_map = "Not on the map: {}.",
      .country_not_known = "country not known",
      .not_known = "not known",
      .share = "Share",
      .part = "Part",
      .day = "Day",
      .value = "Value",
      .largest_of = "The {} largest of {} rows; the JSON and CSV files hold them all.",
      .at_most = "At most the {} largest rows are shown.",
      .overlap = "Rows together count {} more than the total: what belongs to several rows counts in each.",
      .days_without = "Days that are not listed have none.",
      .machines = "Estimate of the machines behind the addresses: {} (between {} and {}).",
      .machines_abstained = "No estimate of the machines behind the addresses: {}.",
      .sensitivity = "How much the figures would change",
      .sensitivity_note =
          "What the figures would be if addresses were located by another database, if known relays did "
          "not count, or if also what is suspected counted.",
      .figure = "Figure",
      .as_published = "As published",
      .other_location = "Other location database",
      .without_relays = "Without relays",
      .with_suspected = "With suspected",
      .page = "\"Page \" counter(page) \" of \" counter(pages)",
      .not_a_number = "not a number",
      .under = "under {}",
      .over = "over {}",
      .dimensions = {{"actor-country", "Country of origin"},
                     {"target-country", "Country of the target"},
                     {"actor-network", "Network of origin"},
                     {"target-network", "Network of the target"},
                     {"target-sector", "Sector"},
                     {"target-organisation", "Organisation"},
                     {"target-province", "Province"},
                     {"family", "Malware family"},
                     {"group", "Group"},
                     {"rule", "Rule"},
                     {"cve", "Vulnerability"},
                     {"actor-port", "Port of origin"},
                     {"target-port", "Port"},
                     {"actor", "Address of origin"},
                     {"target", "Target"},
                     {"actor-name", "Name of origin"},
                     {"target-name", "Name of the target"},
                     {"kind", "Kind"},
                     {"detector", "Detector"},
                     {"confidence", "Confidence"},
                     {"day", "Day"},
                     {"week", "Week from"},
                     {"month", "Month"},
                     {"source", "Source"},
                     {"tlp", "TLP"}},
      .kinds = {{"botnet", "Trojans and botnets"},
                {"backdoor", "Backdoors on websites"},
                {"phishing", "Phishing"},
                {"defacement", "Defacement"},
                {"intrusion", "Intrusions"},
                {"web-attack", "Attacks on websites"},
                {"exploit", "Exploitation of vulnerabilities"},
                {"brute-force", "Guessing of passwords"},
                {"denial-of-service", "Denial of service"},
                {"scan", "Scans"},
                {"malware", "Malware"},
                {"indicator", "Indicators"},
                {"alert", "Alerts of other sensors"},
                {"group", "Named groups"},
                {"any", "All kinds together"}},
      .keys = {},
      .reasons = {},
      .databases = {},
      .sentence = {.clause_marks = {",", ";"},
                   .stop = ".",
                   .in_period = " in {period}",
                   .largest = ", the largest point of origin",
                   .tied_with = ", as many as in {}",
                   .tied_with_several = ", as many as in each of several others",
                   .most = " most",
                   // "all 3 of them (100%)" says one thing twice, and so does the share of 1 in 1.
                   .when_all = {{"{top.value} of them ({top.share})", "{top.value} of them"}},
                   .bare = "{0} {1}: {2}.",
                   .bare_without_period = "{}: {}.",
                   .remark = " ({})",
                   .between = " ",
                   .followed = "After {} came {} ({}) and {} ({})."},
      .count = in_english::count,
      .change = in_english::change,
      .in_period = in_english::in_period,
      .period_title = in_english::period_title,
      .short_day = in_english::short_day,
      .unit = in_english::unit,
      .unit_heading = in_english::unit_heading,
      .country_in_text = in_english::country_in_text,
      .skipped_example = [](std::string_view example) { return std::string(example); },
      .lower_first = in_english::lower_first,
  };
}

}  // namespace

const Phrases& english() {
  static const Phrases phrases = made();
  return phrases;
}

}  // namespace tocsin::publish
