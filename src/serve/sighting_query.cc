#include "serve/sighting_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "figures/plan.h"
#include "publish/escape.h"

namespace tocsin::serve {
namespace {

using Json = nlohmann::ordered_json;

enum class Type : std::uint8_t { kText, kUuid, kAddress, kNumber, kBoolean, kTime, kConfidence };
struct Column {
  const char* name;
  const char* sql;
  Type type;
};
constexpr std::array kColumns = {
    Column{"id", "id", Type::kUuid},
    Column{"kind", "kind", Type::kText},
    Column{"confidence", "confidence", Type::kConfidence},
    Column{"detector", "detector", Type::kText},
    Column{"rule", "rule", Type::kText},
    Column{"actor_ip", "actor_ip", Type::kAddress},
    Column{"actor_port", "actor_port", Type::kNumber},
    Column{"actor_name", "actor_name", Type::kText},
    Column{"actor_country", "actor_country", Type::kText},
    Column{"actor_asn", "actor_asn", Type::kNumber},
    Column{"actor_inside", "actor_inside", Type::kBoolean},
    Column{"target_ip", "target_ip", Type::kAddress},
    Column{"target_port", "target_port", Type::kNumber},
    Column{"target_name", "target_name", Type::kText},
    Column{"target_country", "target_country", Type::kText},
    Column{"target_asn", "target_asn", Type::kNumber},
    Column{"target_inside", "target_inside", Type::kBoolean},
    Column{"target_sector", "target_sector", Type::kText},
    Column{"target_organisation", "target_organisation", Type::kText},
    Column{"target_province", "target_province", Type::kText},
    Column{"first_seen", "first_seen", Type::kTime},
    Column{"last_seen", "last_seen", Type::kTime},
    Column{"count", "\"count\"", Type::kNumber},
    Column{"family", "family", Type::kText},
    Column{"group", "\"group\"", Type::kText},
    Column{"cve", "cve", Type::kText},
    Column{"tlp", "tlp", Type::kText},
    Column{"source", "source", Type::kText},
    Column{"evidence", "evidence", Type::kText},
    Column{"matched", "matched", Type::kText},
    Column{"location_version", "location_version", Type::kText},
};

std::size_t index_of(std::string_view column) {
  const auto at = std::ranges::find(kColumns, column, [](const Column& each) { return std::string_view(each.name); });
  return static_cast<std::size_t>(at - kColumns.begin());
}

std::string and_all(const std::vector<std::string>& conditions) {
  return conditions.empty() ? "true" : fmt::format("({})", fmt::join(conditions, ") AND ("));
}

// The segments of each day that has some of the period, the newest day first.
struct DaySegments {
  Timestamp day = 0;
  std::vector<std::string> paths;
};
Expected<std::vector<DaySegments>> days_of(Context& context, const SightingQuery& query) {
  const auto segments = context.store.segments(query.sequence);
  if (!segments) return std::unexpected(segments.error());
  std::map<Timestamp, std::vector<std::string>, std::greater<>> by_day;
  for (const Segment& segment : *segments) {
    const auto day = parse_time(std::filesystem::path(segment.path).parent_path().filename().string());
    if (!day) return failure("the store has a segment in a directory that names no day");
    if (*day >= query.period.to || *day + kDay <= query.period.from) continue;
    by_day[*day].push_back(segment.path);
  }
  std::vector<DaySegments> days;
  for (auto& [day, paths] : by_day) days.push_back({day, std::move(paths)});
  return days;
}

std::string where_of(const SightingQuery& query) {
  return fmt::format("first_seen >= {} AND first_seen < {} AND {}", figures::time_literal(query.period.from),
                     figures::time_literal(query.period.to), and_all(query.conditions));
}

constexpr const char* kOrder = "first_seen DESC, id DESC, source DESC, evidence DESC";

// Where a page ended. The text is hexadecimal, so that it needs no escaping anywhere.
struct Cursor {
  Timestamp first_seen = 0;
  std::string id, source, evidence;
};

std::string text_of(const Cursor& cursor) {
  std::string text;
  for (const char c : fmt::format("{}\n{}\n{}\n{}", cursor.first_seen, cursor.id, cursor.source, cursor.evidence)) {
    text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return text;
}

bool is_uuid(std::string_view text) {
  return text.size() == 36 && text.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

Expected<Cursor> cursor_of(std::string_view hex) {
  const auto wrong = failure("after is not what an earlier page gave as next");
  if (hex.size() % 2 != 0) return wrong;
  std::string text;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    if (error != std::errc{} || end != hex.data() + i + 2) return wrong;
    text += static_cast<char>(value);
  }
  Cursor cursor;
  const std::size_t a = text.find('\n'), b = a == text.npos ? a : text.find('\n', a + 1),
                    c = b == text.npos ? b : text.find('\n', b + 1);
  if (c == std::string::npos) return wrong;
  const auto [end, error] = std::from_chars(text.data(), text.data() + a, cursor.first_seen);
  if (error != std::errc{} || end != text.data() + a) return wrong;
  cursor.id = text.substr(a + 1, b - a - 1);
  cursor.source = text.substr(b + 1, c - b - 1);
  cursor.evidence = text.substr(c + 1);
  if (!is_uuid(cursor.id)) return wrong;
  return cursor;
}

Json text_or_empty(const Cell& cell) {
  const auto* text = std::get_if<std::string>(&cell);
  return text ? Json(*text) : Json("");
}

}  // namespace

std::string SightingRow::columns() {
  std::string list;
  for (const Column& column : kColumns) list += (list.empty() ? "" : ", ") + std::string(column.sql);
  return list;
}

std::string SightingRow::text(std::string_view column) const {
  const Cell& cell = cells_[index_of(column)];
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return std::to_string(*number);
  return {};
}

std::int64_t SightingRow::number(std::string_view column) const {
  const auto* number = std::get_if<std::int64_t>(&cells_[index_of(column)]);
  return number ? *number : 0;
}

std::string SightingRow::id() const {
  std::string id = format_day(number("first_seen"));
  std::erase(id, '-');
  std::string hex = text("id");
  std::erase(hex, '-');
  return id + "-" + hex;
}

std::string SightingRow::json() const {
  const auto end = [&](const std::string& side) {
    Json json{{"ip", text_or_empty(cells_[index_of(side + "_ip")])},
              {"port", number(side + "_port")},
              {"name", text_or_empty(cells_[index_of(side + "_name")])},
              {"country", text_or_empty(cells_[index_of(side + "_country")])},
              {"asn", number(side + "_asn")},
              {"inside", number(side + "_inside") != 0}};
    return json;
  };
  Json actor = end("actor"), target = end("target");
  target["sector"] = text("target_sector");
  target["organisation"] = text("target_organisation");
  target["province"] = text("target_province");
  const std::int64_t confidence = std::clamp<std::int64_t>(number("confidence"), 1, 3);
  Json json{{"id", id()},
            {"kind", text("kind")},
            {"confidence", name_of(static_cast<Confidence>(confidence))},
            {"detector", text("detector")},
            {"rule", text("rule")},
            {"actor", std::move(actor)},
            {"target", std::move(target)},
            {"first_seen", format_time(number("first_seen"))},
            {"last_seen", format_time(number("last_seen"))},
            {"count", number("count")}};
  for (const char* column : {"family", "group", "cve", "tlp", "source", "evidence", "matched", "location_version"}) {
    json[column] = text(column);
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string SightingRow::csv_header() {
  std::string header;
  for (const Column& column : kColumns) header += (header.empty() ? "" : ",") + std::string(column.name);
  return header + "\r\n";
}

std::string SightingRow::csv() const {
  std::string line;
  for (const Column& column : kColumns) {
    if (column.name != kColumns.front().name) line += ',';
    switch (column.type) {
      case Type::kUuid:
        line += id();
        break;
      case Type::kTime:
        line += format_time(number(column.name));
        break;
      case Type::kBoolean:
        line += number(column.name) != 0 ? "true" : "false";
        break;
      case Type::kConfidence:
        line += name_of(static_cast<Confidence>(std::clamp<std::int64_t>(number(column.name), 1, 3)));
        break;
      default:
        line += publish::csv_text(text(column.name));
    }
  }
  return line + "\r\n";
}

Expected<SightingPage> page(Context& context, const SightingQuery& query, const std::string& after,
                            std::uint64_t limit) {
  auto days = days_of(context, query);
  if (!days) return std::unexpected(days.error());
  std::string where = where_of(query);
  if (!after.empty()) {
    const auto cursor = cursor_of(after);
    if (!cursor) return std::unexpected(cursor.error());
    std::erase_if(*days, [&](const DaySegments& each) { return each.day > cursor->first_seen; });
    where += fmt::format(
        " AND first_seen <= {0} AND (first_seen, id, source, evidence) < (CAST({0} AS TIMESTAMP), CAST({1} AS UUID), "
        "{2}, {3})",
        figures::time_literal(cursor->first_seen), sql_text(cursor->id), sql_text(cursor->source),
        sql_text(cursor->evidence));
  }
  const auto database = context.databases.take();
  if (!database) return std::unexpected(database.error());
  SightingPage page;
  // One day, then twice as many at each step: dense answers cost a day, rare ones a few scans of everything.
  for (std::size_t at = 0, step = 1; at < days->size() && page.rows.rows.size() <= limit; at += step, step *= 2) {
    std::vector<std::string> paths;
    for (std::size_t i = at; i < std::min(at + step, days->size()); ++i) {
      paths.insert(paths.end(), (*days)[i].paths.begin(), (*days)[i].paths.end());
    }
    auto table =
        (*database)->query(fmt::format("SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {}", SightingRow::columns(),
                                       segments_clause(paths), where, kOrder, limit + 1 - page.rows.rows.size()));
    if (!table) return std::unexpected(table.error());
    page.rows.columns = table->columns;
    std::ranges::move(table->rows, std::back_inserter(page.rows.rows));
  }
  if (page.rows.rows.size() > limit) {
    page.rows.rows.resize(limit);
    const SightingRow last(page.rows, limit - 1);
    page.next = text_of({last.number("first_seen"), last.text("id"), last.text("source"), last.text("evidence")});
  }
  return page;
}

Expected<void> each_chunk(Context& context, const SightingQuery& query,
                          const std::function<bool(const Table& chunk)>& take) {
  const auto days = days_of(context, query);
  if (!days) return std::unexpected(days.error());
  const auto database = context.databases.take();
  if (!database) return std::unexpected(database.error());
  bool go_on = true;
  for (const DaySegments& day : *days) {
    if (!go_on) break;
    const auto streamed =
        (*database)->stream(fmt::format("SELECT {} FROM {} WHERE {} ORDER BY {}", SightingRow::columns(),
                                        segments_clause(day.paths), where_of(query), kOrder),
                            {}, [&](const Table& chunk) -> Expected<void> {
                              go_on = take(chunk);
                              if (!go_on) return failure("ended");
                              return {};
                            });
    if (!streamed && go_on) return streamed;
  }
  return {};
}

Expected<void> write_parquet(Context& context, const SightingQuery& query, const std::string& path) {
  const auto days = days_of(context, query);
  if (!days) return std::unexpected(days.error());
  std::vector<std::string> paths;
  for (const DaySegments& day : *days) paths.insert(paths.end(), day.paths.begin(), day.paths.end());
  const auto database = context.databases.take();
  if (!database) return std::unexpected(database.error());
  const auto written =
      (*database)->query(fmt::format("COPY (SELECT {} FROM {} WHERE {}) TO {} (FORMAT parquet, COMPRESSION zstd)",
                                     SightingRow::columns(), segments_clause(paths), where_of(query), sql_text(path)));
  if (!written) return std::unexpected(written.error());
  return {};
}

Expected<Table> rows_of(Context& context, const std::string& id, const Narrowing& narrowing) {
  if (id.size() != 41 || id[8] != '-' || id.find_first_not_of("0123456789", 0) != 8 ||
      id.find_first_not_of("0123456789abcdef", 9) != std::string::npos) {
    return Table{};
  }
  const auto day = parse_time(fmt::format("{}-{}-{}", id.substr(0, 4), id.substr(4, 2), id.substr(6, 2)));
  if (!day) return Table{};
  const std::string hex = id.substr(9);
  SightingQuery query{.sequence = {}, .period = {*day, *day + kDay}, .conditions = {}};
  auto conditions = conditions_of(narrowing, "UTC");
  if (!conditions) return std::unexpected(conditions.error());
  query.conditions = std::move(*conditions);
  query.conditions.push_back(fmt::format("id = CAST('{}-{}-{}-{}-{}' AS UUID)", hex.substr(0, 8), hex.substr(8, 4),
                                         hex.substr(12, 4), hex.substr(16, 4), hex.substr(20)));
  auto found = page(context, query, "", 1000);
  if (!found) return std::unexpected(found.error());
  return std::move(found->rows);
}

}  // namespace tocsin::serve
