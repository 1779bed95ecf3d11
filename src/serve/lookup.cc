#include "serve/lookup.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <set>

#include "base/text.h"
#include "figures/plan.h"
#include "serve/json_text.h"

namespace tocsin::serve {
namespace {

constexpr std::size_t kMostNodes = 60;

std::string equals(const char* column, std::string_view text) { return fmt::format("{} = {}", column, sql_text(text)); }

Subject of_prefix(const Prefix& prefix) {
  const bool single = prefix.length() == 128;
  return {single ? prefix.address().text() : prefix.text(), single ? "address" : "prefix",
          figures::within_sql("actor_ip", prefix), figures::within_sql("target_ip", prefix)};
}

Subject of_organisation(const Organisation& entry) {
  Subject subject{entry.name, "organisation", "", equals("target_organisation", entry.name)};
  for (const Prefix& prefix : entry.prefixes) {
    subject.as_actor += (subject.as_actor.empty() ? "" : " OR ") + figures::within_sql("actor_ip", prefix);
  }
  return subject;
}

std::int64_t number(const Cell& cell) {
  const auto* whole = std::get_if<std::int64_t>(&cell);
  return whole ? *whole : 0;
}

std::string text(const Cell& cell) {
  const auto* found = std::get_if<std::string>(&cell);
  return found ? *found : std::string();
}

Json where_is(const Context& context, const IpAddress& ip) {
  Json list = Json::array();
  for (std::size_t i = 0; i < context.locator.databases().size(); ++i) {
    const Location location = context.locator.locate_with(i, ip);
    Json marks = Json::array();
    if (location.anycast) marks.push_back("anycast");
    if (location.anonymous_proxy) marks.push_back("anonymous-proxy");
    if (location.hostile) marks.push_back("hostile");
    list.push_back({{"version", context.locator.databases()[i].version},
                    {"country", location.country.text()},
                    {"asn", location.asn},
                    {"holder", location.asn == 0 ? "" : context.locator.holder(location.asn)},
                    {"marks", std::move(marks)}});
  }
  return list;
}

Json organisation_of(const Context& context, const Subject& subject) {
  const Organisation* entry = nullptr;
  if (subject.what == "address") {
    entry = context.constituency.organisation_of(IpAddress::parse(subject.text).value_or(IpAddress()), "");
  } else if (subject.what == "name") {
    entry = context.constituency.organisation_of(IpAddress(), subject.text);
  } else if (subject.what == "organisation") {
    const auto& all = context.constituency.spec().organisations;
    const auto at = std::ranges::find(all, subject.text, &Organisation::name);
    entry = at == all.end() ? nullptr : &*at;
  }
  if (entry == nullptr) return nullptr;
  return {{"name", entry->name}, {"sector", entry->sector}, {"province", entry->province}, {"contact", entry->contact}};
}

void keep_those_with(const Context& context, const Subject& subject, std::vector<Segment>& segments) {
  std::vector<std::string> paths;
  for (const Segment& segment : segments) paths.push_back(segment.path);
  const auto ip = IpAddress::parse(subject.text);
  const auto found = ip ? context.index.with(*ip, paths) : context.index.with(subject.text, paths);
  const std::set<std::string> kept(found.begin(), found.end());
  std::erase_if(segments, [&](const Segment& segment) { return !kept.contains(segment.path); });
}

// The rows of the subject, once, in a table that the engine of this thread alone holds.
class Rows {
 public:
  static Expected<Rows> of(Context& context, Database& database, const Subject& subject, const FigureRequest& request) {
    auto segments = context.store.segments(request.sequence);
    if (!segments) return std::unexpected(segments.error());
    if (subject.what == "address" || subject.what == "name") keep_those_with(context, subject, *segments);
    const auto relation = figures::relation_of(*segments, request.period);
    std::string from = relation ? relation->from : segments_clause({});
    const std::string actor =
        subject.as_actor.empty() ? "false" : fmt::format("coalesce(({}), false)", subject.as_actor);
    const std::string target =
        subject.as_target.empty() ? "false" : fmt::format("coalesce(({}), false)", subject.as_target);
    const auto made = database.query(fmt::format(
        "CREATE OR REPLACE TEMP TABLE looked_up AS SELECT {} AS u, kind, confidence, \"count\", first_seen, last_seen, "
        "actor_ip, actor_name, actor_country, actor_inside, target_ip, target_name, target_country, target_inside, {} "
        "AS is_actor, {} AS is_target FROM {} WHERE first_seen >= {} AND first_seen < {} AND confidence >= {} AND ({} "
        "OR {})",
        sighting_key_sql(), actor, target, from, figures::time_literal(request.period.from),
        figures::time_literal(request.period.to), static_cast<int>(request.confidence), actor, target));
    if (!made) return std::unexpected(made.error());
    return Rows(database);
  }
  explicit Rows(Database& database) : database_(&database) {}
  Rows(Rows&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Rows& operator=(Rows&&) = delete;
  ~Rows() {
    if (database_ != nullptr) (void)database_->query("DROP TABLE IF EXISTS looked_up");
  }
  Expected<Table> ask(const std::string& select) { return database_->query(select); }

 private:
  Database* database_;
};

Expected<void> add_summary(Rows& rows, Json& json) {
  const auto total = rows.ask(
      "SELECT min(first_seen), max(last_seen), count(DISTINCT u), count(DISTINCT u) FILTER (is_actor), "
      "count(DISTINCT u) FILTER (is_target) FROM looked_up");
  if (!total) return std::unexpected(total.error());
  const auto& row = total->rows.at(0);
  const bool some = number(row[2]) > 0;
  json["first_seen"] = some ? Json(format_time(number(row[0]))) : Json();
  json["last_seen"] = some ? Json(format_time(number(row[1]))) : Json();
  json["sightings"] = number(row[2]);
  json["as_actor"] = number(row[3]);
  json["as_target"] = number(row[4]);
  json["kinds"] = Json::array();
  for (const char* side : {"actor", "target"}) {
    const auto kinds = rows.ask(
        fmt::format("SELECT kind, max(confidence), count(DISTINCT u), CAST(sum(\"count\") AS BIGINT), min(first_seen), "
                    "max(last_seen) FROM looked_up WHERE is_{} GROUP BY kind ORDER BY 3 DESC, kind",
                    side));
    if (!kinds) return std::unexpected(kinds.error());
    for (const auto& kind : kinds->rows) {
      const auto confidence = std::clamp<std::int64_t>(number(kind[1]), 1, 3);
      json["kinds"].push_back({{"kind", text(kind[0])},
                               {"confidence", name_of(static_cast<Confidence>(confidence))},
                               {"as", side},
                               {"sightings", number(kind[2])},
                               {"count", number(kind[3])},
                               {"first_seen", format_time(number(kind[4]))},
                               {"last_seen", format_time(number(kind[5]))}});
    }
  }
  const auto days = rows.ask(
      "SELECT CAST(first_seen AS DATE) AS day, kind, count(DISTINCT u) FROM looked_up GROUP BY ALL ORDER BY day, "
      "kind");
  if (!days) return std::unexpected(days.error());
  json["timeline"] = Json::array();
  for (const auto& day : days->rows) {
    json["timeline"].push_back(
        {{"day", format_day(number(day[0]) * kDay)}, {"kind", text(day[1])}, {"sightings", number(day[2])}});
  }
  return {};
}

Expected<void> add_graph(Rows& rows, const Subject& subject, Json& json) {
  const auto edges = rows.ask(
      "SELECT actor_ip, actor_name, target_ip, target_name, kind, count(DISTINCT u) AS sightings, "
      "any_value(is_actor), "
      "any_value(is_target), any_value(actor_country), any_value(actor_inside), any_value(target_country), "
      "any_value(target_inside), count(*) OVER () FROM looked_up GROUP BY actor_ip, actor_name, target_ip, "
      "target_name, "
      "kind ORDER BY sightings DESC, kind, actor_ip, target_ip, target_name LIMIT 200");
  if (!edges) return std::unexpected(edges.error());
  Json nodes = Json::array(), list = Json::array();
  std::map<std::string, bool> known;
  std::int64_t all = 0, shown = 0;
  const auto fits = [&](const std::string& id) { return known.contains(id) || known.size() < kMostNodes; };
  const auto add = [&](const std::string& id, bool is_address, bool is_self, const char* role, const Cell& country,
                       const Cell& inside) {
    if (!known.emplace(id, true).second) return;
    nodes.push_back({{"id", id},
                     {"what", is_address ? "address" : "name"},
                     {"country", text(country)},
                     {"inside", number(inside) != 0},
                     {"role", is_self ? "self" : role}});
  };
  for (const auto& edge : edges->rows) {
    all = number(edge[12]);
    const std::string actor = text(edge[0]).empty() ? text(edge[1]) : text(edge[0]);
    // A target of a name is the name: it is whom the attack was meant for. One looked up by address stays that.
    const bool by_name = !text(edge[3]).empty() && text(edge[2]) != subject.text;
    const std::string target = by_name ? text(edge[3]) : text(edge[2]);
    if (actor.empty() || target.empty()) continue;
    if (!fits(actor) || !fits(target) || known.size() + 2 > kMostNodes) continue;
    const bool is_plain = subject.what == "address" || subject.what == "name";
    add(actor, !text(edge[0]).empty(), is_plain && actor == subject.text, "actor", edge[8], edge[9]);
    add(target, !by_name, is_plain && target == subject.text, "target", edge[10], edge[11]);
    list.push_back({{"from", actor}, {"to", target}, {"kind", text(edge[4])}, {"sightings", number(edge[5])}});
    ++shown;
  }
  json["graph"] = {{"nodes", std::move(nodes)}, {"edges", std::move(list)}, {"more", all - shown}};
  return {};
}

}  // namespace

Expected<Subject> subject_of(Context& context, const std::string& given) {
  const auto first = given.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return failure("nothing to look up: give q");
  const std::string asked = given.substr(first, given.find_last_not_of(" \t\r\n") - first + 1);
  if (const auto prefix = Prefix::parse(asked)) return of_prefix(*prefix);
  if (asked.size() > 2 && lower(asked.substr(0, 2)) == "as") {
    std::uint32_t asn = 0;
    const auto [end, error] = std::from_chars(asked.data() + 2, asked.data() + asked.size(), asn);
    if (error == std::errc{} && end == asked.data() + asked.size()) {
      return Subject{fmt::format("AS{}", asn), "network", fmt::format("actor_asn = {}", asn),
                     fmt::format("target_asn = {}", asn)};
    }
  }
  if (lower(asked).starts_with("cve-")) {
    std::string cve = asked;
    std::ranges::transform(cve, cve.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return Subject{cve, "cve", "", equals("cve", cve)};
  }
  for (const Organisation& entry : context.constituency.spec().organisations) {
    if (!entry.name.empty() && lower(entry.name) == lower(asked)) return of_organisation(entry);
  }
  const auto relation = context.store.from_clause();
  if (!relation) return std::unexpected(relation.error());
  const auto database = context.databases.take();
  if (!database) return std::unexpected(database.error());
  for (const auto& [what, column] : {std::pair("family", "family"), std::pair("group", "\"group\"")}) {
    const auto found = (*database)->query(
        fmt::format("SELECT {0} FROM {1} WHERE lower({0}) = lower({2}) LIMIT 1", column, *relation, sql_text(asked)));
    if (!found) return std::unexpected(found.error());
    if (!found->rows.empty()) {
      const std::string name = text(found->rows[0][0]);
      return Subject{name, what, equals(column, name), equals(column, name)};
    }
  }
  const std::string name = lower(asked);
  return Subject{name, "name", equals("actor_name", name), equals("target_name", name)};
}

Expected<std::string> lookup(Context& context, const Subject& subject, const FigureRequest& request) {
  Json json{{"query", subject.text}, {"what", subject.what}, {"location", Json::array()}};
  if (const auto prefix = Prefix::parse(subject.text)) json["location"] = where_is(context, prefix->address());
  if (subject.what == "network") {
    std::uint32_t asn = 0;
    std::from_chars(subject.text.data() + 2, subject.text.data() + subject.text.size(), asn);
    json["location"].push_back({{"version", context.locator.databases().back().version},
                                {"country", ""},
                                {"asn", asn},
                                {"holder", context.locator.holder(asn)},
                                {"marks", Json::array()}});
  }
  json["organisation"] = organisation_of(context, subject);
  const auto database = context.databases.take();
  if (!database) return std::unexpected(database.error());
  auto rows = Rows::of(context, **database, subject, request);
  if (!rows) return std::unexpected(rows.error());
  if (const auto added = add_summary(*rows, json); !added) return std::unexpected(added.error());
  if (const auto added = add_graph(*rows, subject, json); !added) return std::unexpected(added.error());
  return dumped(json);
}

}  // namespace tocsin::serve
