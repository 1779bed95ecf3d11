#include "serve/sighting_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <map>
#include <utility>

#include "base/text.h"
#include "figures/plan.h"
#include "http/json_text.h"
#include "publish/escape.h"
#include "store/segment_columns.h"

namespace tocsin::serve {
namespace {

constexpr std::uint64_t kMostGiven = 1'000'000;  // rows of one microsecond: a cursor that says more is made up
// Of the years 1 to 9999, as segments hold them.
constexpr Timestamp kFirstTime = -62'135'596'800 * kSecond;
constexpr Timestamp kLastTime = 253'402'300'800 * kSecond - 1;

// What is shown of a row, in this order: the id, and the columns of a segment.
constexpr std::array<std::string_view, store::kSegmentWidth + 1> kColumns = {"id",
                                                                             "kind",
                                                                             "confidence",
                                                                             "detector",
                                                                             "rule",
                                                                             "actor_ip",
                                                                             "actor_port",
                                                                             "actor_name",
                                                                             "actor_country",
                                                                             "actor_asn",
                                                                             "actor_inside",
                                                                             "target_ip",
                                                                             "target_port",
                                                                             "target_name",
                                                                             "target_country",
                                                                             "target_asn",
                                                                             "target_inside",
                                                                             "target_sector",
                                                                             "target_organisation",
                                                                             "target_province",
                                                                             "first_seen",
                                                                             "last_seen",
                                                                             "count",
                                                                             "family",
                                                                             "group",
                                                                             "cve",
                                                                             "tlp",
                                                                             "source",
                                                                             "evidence",
                                                                             "matched",
                                                                             "location_version"};

// Its type in SQL.
std::string_view type_of(std::string_view column) {
  const auto at = std::ranges::find(store::kSegmentColumns, column,
                                    [](const store::SegmentColumn& each) { return std::string_view(each.name); });
  return at == std::end(store::kSegmentColumns) ? "" : at->sql;
}

std::size_t index_of(std::string_view column) {
  return static_cast<std::size_t>(std::ranges::find(kColumns, column) - kColumns.begin());
}

std::string quoted(std::size_t from) {
  return fmt::format("\"{}\"",
                     fmt::join(kColumns.begin() + static_cast<std::ptrdiff_t>(from), kColumns.end(), "\", \""));
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
  for (auto& [day, paths] : by_day) {
    std::ranges::sort(paths);  // as the index has them
    const bool is_there = std::ranges::all_of(query.subjects, [&](const auto& subject) {
      const auto known = context.subjects.of(subject.first, subject.second, day, paths, Confidence::kSuspected);
      return !known || !known->empty();
    });
    if (!is_there) continue;
    for (const Prefix& network : query.networks) paths = context.index.with(network, paths);
    for (const std::string& name : query.names) paths = context.index.with(name, paths);
    for (const auto& [column, value] : query.values) paths = context.index.with_value(column, value, paths);
    if (!paths.empty()) days.push_back({day, std::move(paths)});
  }
  return days;
}

std::string where_of(const SightingQuery& query) {
  return fmt::format("first_seen >= {} AND first_seen < {} AND {}", figures::time_literal(query.period.from),
                     figures::time_literal(query.period.to), and_all(query.conditions));
}

constexpr const char* kOrder =
    "first_seen DESC, kind, detector, actor_ip, actor_name, target_ip, target_name, source, evidence";

// Where a page ended: over which line of the ledger, at what time, and how many rows of just that time were given.
struct Cursor {
  std::uint64_t sequence = 0;
  Timestamp first_seen = 0;
  std::uint64_t given = 0;
};

std::string text_of(const Cursor& cursor) {
  return fmt::format("{}.{}.{}", cursor.sequence, cursor.first_seen, cursor.given);
}

Expected<Cursor> cursor_of(std::string_view text) {
  Cursor cursor;
  const auto read = [&text](auto& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
  };
  const auto point = [&text] {
    if (!text.starts_with('.')) return false;
    text.remove_prefix(1);
    return true;
  };
  if (read(cursor.sequence) && point() && read(cursor.first_seen) && point() && read(cursor.given) && text.empty() &&
      cursor.given <= kMostGiven && cursor.first_seen >= kFirstTime && cursor.first_seen <= kLastTime) {
    return cursor;
  }
  return failure("after is not what an earlier page gave as next");
}

// The id is made of the few rows that are left.
std::string ordered_sql(const std::vector<std::string>& paths, const std::string& where, std::uint64_t limit,
                        std::uint64_t offset) {
  const std::string raw = quoted(1);
  return fmt::format(
      "SELECT {} AS id, {} FROM (SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {} OFFSET {}) AS sighted "
      "ORDER BY {}",
      sighting_id_sql(), raw, raw, segments_clause(paths), where, kOrder, limit, offset, kOrder);
}

Json text_or_empty(const Cell& cell) {
  const auto* text = std::get_if<std::string>(&cell);
  return text ? Json(*text) : Json("");
}

}  // namespace

std::string SightingRow::columns() { return quoted(0); }

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
  return dumped(json);
}

std::string SightingRow::csv_header() { return fmt::format("{}\r\n", fmt::join(kColumns, ",")); }

std::string SightingRow::csv() const {
  std::string line;
  for (const std::string_view column : kColumns) {
    if (!line.empty()) line += ',';
    const std::string_view type = type_of(column);
    if (column == "id") {
      line += id();
    } else if (column == "confidence") {
      line += name_of(static_cast<Confidence>(std::clamp<std::int64_t>(number(column), 1, 3)));
    } else if (type == "TIMESTAMP") {
      line += format_time(number(column));
    } else if (type == "BOOLEAN") {
      line += number(column) != 0 ? "true" : "false";
    } else {
      line += publish::csv_text(text(column));
    }
  }
  return line + "\r\n";
}

bool is_cursor(std::string_view text) { return cursor_of(text).has_value(); }

Expected<SightingPage> page(Context& context, const SightingQuery& asked, const std::string& after,
                            std::uint64_t limit) {
  SightingQuery query = asked;
  Cursor cursor;
  if (!after.empty()) {
    const auto read = cursor_of(after);
    if (!read) return std::unexpected(read.error());
    cursor = *read;
    const auto head = context.store.head();
    if (!head) return std::unexpected(head.error());
    if (cursor.sequence > head->sequence) return SightingPage{};
    query.sequence = cursor.sequence;
    if (cursor.first_seen < query.period.from) return SightingPage{};
    query.period.to = std::min(query.period.to, cursor.first_seen + 1);
  }
  const auto head = context.store.head(query.sequence);
  if (!head) return std::unexpected(head.error());
  const auto days = days_of(context, query);
  if (!days) return std::unexpected(days.error());
  const auto database = context.databases.take();
  if (!database) return std::unexpected(database.error());
  SightingPage page;
  std::uint64_t skip = cursor.given;  // all of the first day that is read
  // One day, then twice as many at each step: dense answers cost a day, rare ones a few scans of everything.
  for (std::size_t at = 0, step = 1; at < days->size() && page.rows.rows.size() <= limit; at += step, step *= 2) {
    std::vector<std::string> paths;
    for (std::size_t i = at; i < std::min(at + step, days->size()); ++i) {
      paths.insert(paths.end(), (*days)[i].paths.begin(), (*days)[i].paths.end());
    }
    auto table = (*database)->query(
        ordered_sql(paths, where_of(query), limit + 1 - page.rows.rows.size(), std::exchange(skip, 0)));
    if (!table) return std::unexpected(table.error());
    page.rows.columns = table->columns;
    std::ranges::move(table->rows, std::back_inserter(page.rows.rows));
  }
  if (page.rows.rows.size() > limit) {
    page.rows.rows.resize(limit);
    const Timestamp last = SightingRow(page.rows, limit - 1).number("first_seen");
    std::uint64_t given = last == cursor.first_seen ? cursor.given : 0;
    for (std::size_t i = 0; i < limit; ++i) given += SightingRow(page.rows, i).number("first_seen") == last;
    page.next = text_of({head->sequence, last, given});
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

Expected<RowsCache::Answer> rows_of(Context& context, const SightingStore::Head& head, const std::string& id,
                                    const Narrowing& narrowing) {
  const auto none = std::make_shared<const Table>();
  if (id.size() != 41 || id[8] != '-' || id.find_first_not_of("0123456789", 0) != 8 ||
      id.find_first_not_of("0123456789abcdef", 9) != std::string::npos) {
    return none;
  }
  const auto day = parse_time(fmt::format("{}-{}-{}", id.substr(0, 4), id.substr(4, 2), id.substr(6, 2)));
  if (!day) return none;
  const std::string hex = id.substr(9);
  SightingQuery query{.sequence = head.sequence, .period = {*day, *day + kDay}, .conditions = {}};
  auto conditions = conditions_of(narrowing, "UTC");
  if (!conditions) return std::unexpected(conditions.error());
  query.conditions = std::move(*conditions);
  query.conditions.push_back(fmt::format("id = CAST('{}-{}-{}-{}-{}' AS UUID)", hex.substr(0, 8), hex.substr(8, 4),
                                         hex.substr(12, 4), hex.substr(16, 4), hex.substr(20)));
  // The conditions say who may see what: who may not see the same never shares an answer.
  return context.rows.get(head.hash, fmt::format("{}\n{}", id, and_all(query.conditions)), [&]() -> Expected<Table> {
    const auto days = days_of(context, query);
    if (!days) return std::unexpected(days.error());
    if (days->empty()) return Table{};
    const auto database = context.databases.take();
    if (!database) return std::unexpected(database.error());
    return (*database)->query(fmt::format("SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT 1000", SightingRow::columns(),
                                          segments_clause(days->front().paths), where_of(query), kOrder));
  });
}

}  // namespace tocsin::serve
