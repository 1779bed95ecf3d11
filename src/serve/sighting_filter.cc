// What a row of sightings can be chosen by: one table makes the parameters of the routes and their SQL.
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/text.h"
#include "figures/plan.h"
#include "serve/sighting_query.h"

namespace tocsin::serve {
namespace {

enum class Match : std::uint8_t { kText, kNetwork, kAddress, kPort, kAny };
struct Filter {
  const char* name;
  const char* sql;
  Match match;
  const char* description;
};
constexpr std::array kFilters = {
    Filter{"kind", "kind", Match::kText, "Kind of sighting"},
    Filter{"actor", "actor_ip", Match::kAddress, "Address or prefix of the actor"},
    Filter{"target", "target_ip", Match::kAddress, "Address or prefix of the target"},
    Filter{"actor_name", "actor_name", Match::kText, "Name of the actor"},
    Filter{"target_name", "target_name", Match::kText, "Name of the target"},
    Filter{"actor_country", "actor_country", Match::kText, "Country of the actor, ISO 3166 alpha-2"},
    Filter{"target_country", "target_country", Match::kText, "Country of the target, ISO 3166 alpha-2"},
    Filter{"actor_asn", "actor_asn", Match::kNetwork, "AS of the actor: AS64500 or 64500"},
    Filter{"target_asn", "target_asn", Match::kNetwork, "AS of the target: AS64500 or 64500"},
    Filter{"sector", "target_sector", Match::kText, "Sector of the target, with those below it"},
    Filter{"organisation", "target_organisation", Match::kText, "Organisation of the target"},
    Filter{"province", "target_province", Match::kText, "Province of the target"},
    Filter{"family", "family", Match::kText, "Malware family"},
    Filter{"group", "\"group\"", Match::kText, "Campaign or actor group"},
    Filter{"cve", "cve", Match::kText, "Vulnerability: CVE-2012-0158"},
    Filter{"detector", "detector", Match::kText, "Detector"},
    Filter{"rule", "rule", Match::kText, "What in the detector fired"},
    Filter{"port", "target_port", Match::kPort, "Port of the target"},
    Filter{"source", "source", Match::kText, "Source: 16 hexadecimal digits"},
    Filter{"tlp", "tlp", Match::kText, "Traffic Light Protocol label"},
    Filter{"q", "", Match::kAny, "Text that a name, rule, family, group, CVE, organisation or what matched contains"},
};
constexpr std::array kSearched = {"actor_name", "target_name", "rule",    "family",
                                  "\"group\"",  "cve",         "matched", "target_organisation"};

Expected<std::string> condition_of(const Filter& filter, const std::string& value) {
  switch (filter.match) {
    case Match::kText:
      if (value.empty()) return fmt::format("({0} IS NULL OR {0} = '')", filter.sql);
      if (std::string_view(filter.name) == "sector") {
        return fmt::format("({0} = {1} OR starts_with({0}, {2}))", filter.sql, sql_text(value), sql_text(value + "/"));
      }
      return fmt::format("{} = {}", filter.sql, sql_text(value));
    case Match::kAddress: {
      const auto prefix = Prefix::parse(value);
      if (!prefix) {
        return failure(fmt::format("{} is neither an address nor a prefix: '{}'", filter.name, printable(value, 64)));
      }
      return figures::within_sql(filter.sql, *prefix);
    }
    case Match::kNetwork:
    case Match::kPort: {
      std::string_view digits = value;
      if (filter.match == Match::kNetwork && (digits.starts_with("AS") || digits.starts_with("as"))) {
        digits.remove_prefix(2);
      }
      std::uint32_t number = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
      if (error != std::errc{} || end != digits.data() + digits.size()) {
        return failure(fmt::format("{} is not a number: '{}'", filter.name, printable(value, 64)));
      }
      // Cases call what no network is known of AS0.
      if (number == 0 && filter.match == Match::kNetwork) return fmt::format("coalesce({}, 0) = 0", filter.sql);
      return fmt::format("{} = {}", filter.sql, number);
    }
    case Match::kAny: {
      std::string any;
      for (const char* column : kSearched) {
        any += fmt::format("{}contains(lower({}), lower({}))", any.empty() ? "" : " OR ", column, sql_text(value));
      }
      return any;
    }
  }
  return failure("no such filter");
}

// What of a filter tells which days and segments need not be read.
void add_place(const Filter& filter, const std::string& value, SightingQuery& query) {
  const std::string_view name = filter.name;
  if (SegmentIndex::has_column(filter.sql) && !value.empty()) {
    const auto digits = filter.match == Match::kText ? 0 : value.find_first_of("123456789");
    if (digits != std::string::npos) query.values.emplace_back(filter.sql, value.substr(digits));
  }
  if (name.ends_with("_name") && !value.empty()) query.names.push_back(value);
  if (filter.match == Match::kNetwork) {
    const auto digits = value.find_first_of("123456789");  // AS0 is what no network is known of
    if (digits != std::string::npos)
      query.subjects.emplace_back(SubjectIndex::What::kNetwork, "AS" + value.substr(digits));
  }
  if (value.empty()) return;
  if (name == "family") query.subjects.emplace_back(SubjectIndex::What::kFamily, value);
  if (name == "group") query.subjects.emplace_back(SubjectIndex::What::kGroup, value);
  if (name == "cve") query.subjects.emplace_back(SubjectIndex::What::kCve, value);
}

}  // namespace

void add_places(const std::map<std::string, std::string>& keys, SightingQuery& query) {
  for (const auto& [name, code] : keys) {
    const figures::Dimension* const dimension = figures::find_dimension(name);
    if (dimension == nullptr || code.empty()) continue;
    if (name.ends_with("-name")) query.names.push_back(code);
    if (dimension->code == figures::Code::kAddress) {
      if (const auto address = Prefix::parse(code)) query.networks.push_back(*address);
    }
    if (!SegmentIndex::has_column(dimension->sql)) continue;
    const bool is_number = dimension->code == figures::Code::kNetwork || dimension->code == figures::Code::kPort;
    const auto from = is_number ? code.find_first_of("123456789") : 0;
    if (from != std::string::npos) query.values.emplace_back(dimension->sql, code.substr(from));
  }
}

std::vector<Parameter> filter_parameters() {
  std::vector<Parameter> parameters;
  for (const Filter& filter : kFilters) {
    parameters.push_back({filter.name, filter.description, R"({"type":"string","maxLength":300})"});
  }
  return parameters;
}

Expected<void> add_filters(const Call& call, SightingQuery& query) {
  for (const Filter& filter : kFilters) {
    const auto* value = call.get(filter.name);
    if (value == nullptr) continue;
    auto condition = condition_of(filter, *value);
    if (!condition) return std::unexpected(condition.error());
    query.conditions.push_back(std::move(*condition));
    if (const auto network = Prefix::parse(*value); network && filter.match == Match::kAddress) {
      query.networks.push_back(*network);
    }
    add_place(filter, *value, query);
  }
  return {};
}

}  // namespace tocsin::serve
