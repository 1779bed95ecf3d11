#include "serve/lookup.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <tuple>

#include "base/text.h"
#include "figures/plan.h"
#include "http/json_text.h"
#include "serve/lookup_counts.h"

namespace tocsin::serve {
namespace {

constexpr std::size_t kMostNodes = 60;
// Behind a graph: sightings, and segments that are read for them.
constexpr std::int64_t kMostDrawn = 5000;
constexpr std::size_t kMostRead = 16;

std::string equals(const char* column, std::string_view text) { return fmt::format("{} = {}", column, sql_text(text)); }

Subject of_prefix(const Prefix& prefix) {
  const bool single = prefix.length() == 128;
  return {single ? prefix.address().text() : prefix.text(), single ? "address" : "prefix",
          figures::within_sql("actor_ip", prefix), figures::within_sql("target_ip", prefix)};
}

Subject of_organisation(const Organisation& entry) {
  Subject subject{entry.name, "organisation", "", equals("target_organisation", entry.name), entry.prefixes};
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

Timestamp earliest(const std::vector<SubjectCount>& counts) {
  return std::ranges::min(counts, {}, &SubjectCount::first_seen).first_seen;
}

Timestamp latest(const std::vector<SubjectCount>& counts) {
  return std::ranges::max(counts, {}, &SubjectCount::last_seen).last_seen;
}

void add_kinds(const std::vector<SubjectCount>& counts, Json& json) {
  json["kinds"] = Json::array();
  for (const bool actors : {true, false}) {
    std::map<std::string, SubjectCount> by_kind;
    for (const SubjectCount& count : counts) {
      if (!(actors ? count.is_actor : count.is_target)) continue;
      const auto [at, is_first] = by_kind.try_emplace(count.kind, count);
      if (is_first) continue;
      SubjectCount& sum = at->second;
      sum.confidence = std::max(sum.confidence, count.confidence);
      sum.sightings += count.sightings;
      sum.count += count.count;
      sum.first_seen = std::min(sum.first_seen, count.first_seen);
      sum.last_seen = std::max(sum.last_seen, count.last_seen);
    }
    std::vector<SubjectCount> list;
    for (auto& [kind, sum] : by_kind) list.push_back(std::move(sum));
    std::ranges::stable_sort(list, std::greater{}, &SubjectCount::sightings);
    for (const SubjectCount& sum : list) {
      const auto confidence = std::clamp<std::int64_t>(sum.confidence, 1, 3);
      json["kinds"].push_back({{"kind", sum.kind},
                               {"confidence", name_of(static_cast<Confidence>(confidence))},
                               {"as", actors ? "actor" : "target"},
                               {"sightings", sum.sightings},
                               {"count", sum.count},
                               {"first_seen", format_time(sum.first_seen)},
                               {"last_seen", format_time(sum.last_seen)}});
    }
  }
}

void add_summary(const std::vector<SubjectCount>& counts, Json& json) {
  std::int64_t sightings = 0, as_actor = 0, as_target = 0;
  std::map<std::pair<Timestamp, std::string>, std::int64_t> by_day;
  for (const SubjectCount& count : counts) {
    sightings += count.sightings;
    as_actor += count.is_actor ? count.sightings : 0;
    as_target += count.is_target ? count.sightings : 0;
    by_day[{count.day, count.kind}] += count.sightings;
  }
  json["first_seen"] = counts.empty() ? Json() : Json(format_time(earliest(counts)));
  json["last_seen"] = counts.empty() ? Json() : Json(format_time(latest(counts)));
  json["sightings"] = sightings;
  json["as_actor"] = as_actor;
  json["as_target"] = as_target;
  add_kinds(counts, json);
  json["timeline"] = Json::array();
  for (const auto& [at, seen] : by_day) {
    json["timeline"].push_back({{"day", format_day(at.first)}, {"kind", at.second}, {"sightings", seen}});
  }
}

// The newest days, whole ones, that have enough to draw, with the segments to read: a graph of a million lines tells
// nobody anything.
SubjectIndex::Days drawn_days(const SegmentIndex& index, const Subject& subject,
                              const std::vector<SubjectCount>& counts, const SubjectIndex::Days& days) {
  std::map<Timestamp, std::int64_t, std::greater<>> by_day;
  for (const SubjectCount& count : counts) by_day[count.day] += count.sightings;
  SubjectIndex::Days drawn;
  std::int64_t sightings = 0;
  std::size_t read = 0;
  for (const auto& [day, seen] : by_day) {
    const auto at = days.find(day);
    if (at == days.end()) continue;
    auto paths = paths_with(index, subject, at->second);
    if (!drawn.empty() && (sightings + seen > kMostDrawn || read + paths.size() > kMostRead)) break;
    sightings += seen;
    read += paths.size();
    drawn.emplace(day, std::move(paths));
  }
  return drawn;
}

Expected<void> add_graph(Database& database, const Subject& subject, const FigureRequest& request,
                         const std::vector<SubjectCount>& counts, const SubjectIndex::Days& drawn, Json& json) {
  std::vector<std::string> paths;
  for (const auto& [day, of_day] : drawn) paths.insert(paths.end(), of_day.begin(), of_day.end());
  const auto edges = database.query(fmt::format(
      "SELECT actor_ip, actor_name, target_ip, target_name, kind, count(DISTINCT {}) AS sightings, "
      "any_value(actor_country), any_value(actor_inside), any_value(target_country), any_value(target_inside), "
      "count(*) OVER () FROM {} GROUP BY actor_ip, actor_name, target_ip, target_name, kind ORDER BY sightings DESC, "
      "kind, actor_ip, actor_name, target_ip, target_name LIMIT 200",
      sighting_key_sql(), rows_sql(subject, request, paths)));
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
    all = number(edge[10]);
    const std::string actor = text(edge[0]).empty() ? text(edge[1]) : text(edge[0]);
    // A target of a name is the name: it is whom the attack was meant for. One looked up by address stays that.
    const bool by_name = !text(edge[3]).empty() && text(edge[2]) != subject.text;
    const std::string target = by_name ? text(edge[3]) : text(edge[2]);
    if (actor.empty() || target.empty()) continue;
    if (!fits(actor) || !fits(target) || known.size() + 2 > kMostNodes) continue;
    const bool is_plain = subject.what == "address" || subject.what == "name";
    add(actor, !text(edge[0]).empty(), is_plain && actor == subject.text, "actor", edge[6], edge[7]);
    add(target, !by_name, is_plain && target == subject.text, "target", edge[8], edge[9]);
    list.push_back({{"from", actor}, {"to", target}, {"kind", text(edge[4])}, {"sightings", number(edge[5])}});
    ++shown;
  }
  const bool is_cut =
      !counts.empty() && !drawn.empty() && std::ranges::min(counts, {}, &SubjectCount::day).day < drawn.begin()->first;
  json["graph"] = {{"nodes", std::move(nodes)},
                   {"edges", std::move(list)},
                   {"more", all - shown},
                   {"since", is_cut ? Json(format_time(drawn.begin()->first)) : Json()}};
  return {};
}

// Where days are not counted yet.
Expected<std::string> spelled_in_rows(Context& context, const char* column, const std::string& asked) {
  const auto relation = context.store.from_clause();
  if (!relation) return std::unexpected(relation.error());
  const auto database = context.databases.take();
  if (!database) return std::unexpected(database.error());
  const auto found = (*database)->query(
      fmt::format("SELECT {0} FROM {1} WHERE lower({0}) = lower({2}) LIMIT 1", column, *relation, sql_text(asked)));
  if (!found) return std::unexpected(found.error());
  return found->rows.empty() ? std::string() : text(found->rows[0][0]);
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
  const auto segments = context.store.segments();
  if (!segments) return std::unexpected(segments.error());
  const auto days = SubjectIndex::days_of(*segments);
  if (!days) return std::unexpected(days.error());
  for (const auto& [what, name, column] : {std::tuple(SubjectIndex::What::kFamily, "family", "family"),
                                           std::tuple(SubjectIndex::What::kGroup, "group", "\"group\"")}) {
    auto known = context.subjects.spelled(what, asked, *days);
    if (!known) {
      auto found = spelled_in_rows(context, column, asked);
      if (!found) return std::unexpected(found.error());
      known = std::move(*found);
    }
    if (!known->empty()) return Subject{*known, name, equals(column, *known), equals(column, *known)};
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
  const auto days = days_with(context, subject, request);
  if (!days) return std::unexpected(days.error());
  const auto counts = counts_of(context.subjects, context.index, **database, subject, request, *days);
  if (!counts) return std::unexpected(counts.error());
  add_summary(*counts, json);
  const auto drawn = drawn_days(context.index, subject, *counts, *days);
  if (const auto added = add_graph(**database, subject, request, *counts, drawn, json); !added) {
    return std::unexpected(added.error());
  }
  return dumped(json);
}

}  // namespace tocsin::serve
