#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/ip_address.h"
#include "base/text.h"
#include "figures/plan.h"

namespace tocsin {

namespace figures {
namespace {

constexpr std::array kColumns = {
    Column{"kind", "kind", ColumnType::kText},
    Column{"detector", "detector", ColumnType::kText},
    Column{"rule", "rule", ColumnType::kText},
    Column{"actor_ip", "actor_ip", ColumnType::kAddress},
    Column{"actor_port", "actor_port", ColumnType::kInteger},
    Column{"actor_name", "actor_name", ColumnType::kText},
    Column{"actor_country", "actor_country", ColumnType::kText},
    Column{"actor_asn", "actor_asn", ColumnType::kInteger},
    Column{"actor_inside", "actor_inside", ColumnType::kBoolean},
    Column{"target_ip", "target_ip", ColumnType::kAddress},
    Column{"target_port", "target_port", ColumnType::kInteger},
    Column{"target_name", "target_name", ColumnType::kText},
    Column{"target_country", "target_country", ColumnType::kText},
    Column{"target_asn", "target_asn", ColumnType::kInteger},
    Column{"target_inside", "target_inside", ColumnType::kBoolean},
    Column{"target_sector", "target_sector", ColumnType::kText},
    Column{"target_organisation", "target_organisation", ColumnType::kText},
    Column{"target_province", "target_province", ColumnType::kText},
    Column{"first_seen", "first_seen", ColumnType::kTime},
    Column{"last_seen", "last_seen", ColumnType::kTime},
    Column{"count", "\"count\"", ColumnType::kInteger},
    Column{"cve", "cve", ColumnType::kText},
    Column{"family", "family", ColumnType::kText},
    Column{"group", "\"group\"", ColumnType::kText},
    Column{"source", "source", ColumnType::kText},
    Column{"tlp", "tlp", ColumnType::kText},
};

constexpr std::array kDimensions = {
    Dimension{"actor-country", "actor_country", Code::kCountry},
    Dimension{"target-country", "target_country", Code::kCountry},
    Dimension{"actor-network", "actor_asn", Code::kNetwork},
    Dimension{"target-network", "target_asn", Code::kNetwork},
    Dimension{"target-sector", "target_sector", Code::kText},
    Dimension{"target-organisation", "target_organisation", Code::kText},
    Dimension{"target-province", "target_province", Code::kText},
    Dimension{"family", "family", Code::kText},
    Dimension{"group", "\"group\"", Code::kText},
    Dimension{"rule", "rule", Code::kText},
    Dimension{"cve", "cve", Code::kText},
    Dimension{"actor-port", "actor_port", Code::kPort},
    Dimension{"target-port", "target_port", Code::kPort},
    Dimension{"actor", "actor_ip", Code::kAddress},
    Dimension{"target", "target_ip", Code::kAddress},
    Dimension{"actor-name", "actor_name", Code::kText},
    Dimension{"target-name", "target_name", Code::kText},
    Dimension{"kind", "kind", Code::kText},
    Dimension{"detector", "detector", Code::kText},
    Dimension{"confidence", "confidence", Code::kConfidence},
    Dimension{"source", "source", Code::kText},
    Dimension{"tlp", "tlp", Code::kText},
    Dimension{"day", "", Code::kDay},
    Dimension{"week", "", Code::kWeek},
    Dimension{"month", "", Code::kMonth},
};

// A whole number without sign, in full.
Expected<std::uint32_t> number_of(std::string_view text, std::string_view what) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) {
    return failure(fmt::format("'{}' is not {}", printable(text, 64), what));
  }
  return number;
}

}  // namespace

const Column* find_column(std::string_view name) {
  const auto at = std::ranges::find(kColumns, name, &Column::name);
  return at == kColumns.end() ? nullptr : &*at;
}

std::string column_list() {
  std::string list;
  for (const Column& column : kColumns) list += (list.empty() ? "" : ", ") + std::string(column.name);
  return list;
}

const Dimension* find_dimension(std::string_view name) {
  const auto at = std::ranges::find(kDimensions, name, &Dimension::name);
  return at == kDimensions.end() ? nullptr : &*at;
}

std::string code_of(const Dimension& dimension, const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  const auto* number = std::get_if<std::int64_t>(&cell);
  if (!number) return "";
  switch (dimension.code) {
    case Code::kNetwork:
      return fmt::format("AS{}", *number);
    case Code::kConfidence:
      return *number >= 1 && *number <= 3 ? std::string(name_of(static_cast<Confidence>(*number))) : "";
    case Code::kDay:
    case Code::kWeek:
      return format_day(*number * kDay);
    case Code::kMonth:
      return format_day(*number * kDay).substr(0, 7);
    default:
      return std::to_string(*number);
  }
}

std::string time_literal(Timestamp time) {
  // Without a type: both engines read a text literal as the type of the column it is compared with.
  const Timestamp micros = time - floor_to(time, kSecond);
  std::string text = format_time(floor_to(time, kSecond));
  text[text.find('T')] = ' ';  // not at 10 after the year 9999, where the last day ends
  text.pop_back();
  return fmt::format("'{}.{:06}'", text, micros);
}

std::string address_literal(const IpAddress& address) {
  return fmt::format("CAST('{}' AS UUID)", uuid_text(address.high(), address.low()));
}

std::string within_sql(std::string_view column, const Prefix& network) {
  return fmt::format("{} BETWEEN {} AND {}", column, address_literal(network.address()),
                     address_literal(network.last()));
}

Expected<std::string> key_condition(const Dimension& dimension, const std::string& code, const std::string& zone) {
  const std::string sql(dimension.sql);
  const auto unknown = [&](std::string_view other) { return fmt::format("({0} IS NULL OR {0} = {1})", sql, other); };
  switch (dimension.code) {
    case Code::kText:
      return code.empty() ? unknown("''") : fmt::format("{} = {}", sql, sql_text(code));
    case Code::kCountry:
      return code.empty() ? sql + " IS NULL" : fmt::format("{} = {}", sql, sql_text(code));
    case Code::kNetwork: {
      if (code.empty()) return unknown("0");
      std::string_view digits = code;
      if (digits.starts_with("AS")) digits.remove_prefix(2);
      const auto number = number_of(digits, "the number of a network: give it as AS64500");
      if (!number) return std::unexpected(number.error());
      return fmt::format("{} = {}", sql, *number);
    }
    case Code::kPort: {
      if (code.empty()) return sql + " IS NULL";
      const auto number = number_of(code, "a port");
      if (!number) return std::unexpected(number.error());
      return fmt::format("{} = {}", sql, *number);
    }
    case Code::kAddress: {
      if (code.empty()) return sql + " IS NULL";
      const auto address = IpAddress::parse(code);
      if (!address) return failure(fmt::format("'{}' is not an IP address", printable(code, 64)));
      return fmt::format("{} = {}", sql, address_literal(*address));
    }
    case Code::kConfidence: {
      const auto confidence = confidence_of(code);
      if (!confidence) return std::unexpected(confidence.error());
      return fmt::format("{} = {}", sql, static_cast<int>(*confidence));
    }
    case Code::kDay:
    case Code::kWeek:
    case Code::kMonth: {
      const bool month = dimension.code == Code::kMonth;
      const auto local = code.size() == (month ? 7 : 10) ? parse_time(code) : failure("");
      if (!local) {
        return failure(fmt::format("'{}' is not a {}: give it as {}", printable(code, 64), dimension.name,
                                   month ? "2013-01" : "2013-01-31"));
      }
      const Timestamp days = month ? 32 : dimension.code == Code::kWeek ? 7 : 1;
      const std::string next = format_day(*local + days * kDay);
      const auto from = parse_time(code, zone);
      const auto to = parse_time(month ? next.substr(0, 7) : next, zone);
      if (!from) return std::unexpected(from.error());
      if (!to) return std::unexpected(to.error());
      return fmt::format("first_seen >= {} AND first_seen < {}", time_literal(*from), time_literal(*to));
    }
  }
  return failure("no such dimension");
}

}  // namespace figures

Expected<std::vector<std::string>> conditions_of(const Narrowing& narrowing, const std::string& zone) {
  std::vector<std::string> conditions;
  for (const auto& [name, code] : narrowing.keys) {
    const figures::Dimension* dimension = figures::find_dimension(name);
    if (!dimension) return failure(fmt::format("'{}' is not a dimension", printable(name, 64)));
    auto condition = figures::key_condition(*dimension, code, zone);
    if (!condition) return std::unexpected(condition.error());
    conditions.push_back(std::move(*condition));
  }
  if (narrowing.organisation.empty()) return conditions;
  std::string touching = "target_organisation = " + sql_text(narrowing.organisation);
  for (const Prefix& network : narrowing.networks) {
    touching += fmt::format(" OR {} OR {}", figures::within_sql("actor_ip", network),
                            figures::within_sql("target_ip", network));
  }
  conditions.push_back("(" + touching + ")");
  // What the one who told it meant for this CERT alone (FIRST, Traffic Light Protocol 2.0).
  conditions.emplace_back("coalesce(tlp, '') NOT IN ('red', 'amber+strict')");
  return conditions;
}

const std::vector<std::string>& dimension_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& dimension : figures::kDimensions) all.emplace_back(dimension.name);
    return all;
  }();
  return names;
}

}  // namespace tocsin
