#include "serve/cases.h"

#include <fmt/format.h>

#include <charconv>

#include "serve/sighting_query.h"

namespace tocsin::serve {
namespace {

constexpr const char* kTables = R"(
CREATE TABLE IF NOT EXISTS cases (
  id INTEGER PRIMARY KEY, organisation TEXT NOT NULL, is_network INTEGER NOT NULL, kind TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('new', 'notified', 'acknowledged', 'fixed', 'recurred')),
  assignee TEXT NOT NULL DEFAULT '', sightings INTEGER NOT NULL, targets INTEGER NOT NULL, target TEXT NOT NULL,
  first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, made INTEGER NOT NULL, changed INTEGER NOT NULL,
  fixed_at INTEGER, UNIQUE (organisation, is_network, kind)) STRICT;
CREATE TABLE IF NOT EXISTS case_events (
  number INTEGER PRIMARY KEY, case_id INTEGER NOT NULL REFERENCES cases (id), at INTEGER NOT NULL, user TEXT NOT NULL,
  action TEXT NOT NULL, text TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS case_events_of ON case_events (case_id, number);
)";

constexpr const char* kColumns =
    "id, organisation, is_network, kind, state, assignee, sightings, targets, target, first_seen, last_seen, made, "
    "changed, fixed_at";

Case case_of(const StateRow& row) {
  Case found;
  found.id = integer_of(row[0]);
  found.organisation = text_of(row[1]);
  found.is_network = integer_of(row[2]) != 0;
  found.kind = text_of(row[3]);
  found.state = text_of(row[4]);
  found.assignee = text_of(row[5]);
  found.sightings = integer_of(row[6]);
  found.targets = integer_of(row[7]);
  found.target = text_of(row[8]);
  found.first_seen = integer_of(row[9]);
  found.last_seen = integer_of(row[10]);
  found.made = integer_of(row[11]);
  found.changed = integer_of(row[12]);
  if (std::holds_alternative<std::int64_t>(row[13])) found.fixed_at = std::get<std::int64_t>(row[13]);
  return found;
}

StateCell optional_time(const std::optional<Timestamp>& time) { return time ? StateCell(*time) : StateCell(); }

}  // namespace

std::string condition_of(const Case& of) {
  const std::string kind = "kind = " + sql_text(of.kind) + " AND target_inside AND confidence >= 2 AND ";
  if (!of.is_network) return kind + "target_organisation = " + sql_text(of.organisation);
  std::uint32_t asn = 0;
  std::from_chars(of.organisation.data() + 2, of.organisation.data() + of.organisation.size(), asn);
  return kind + fmt::format("coalesce(target_organisation, '') = '' AND coalesce(target_asn, 0) = {}", asn);
}

Expected<std::unique_ptr<Cases>> Cases::open(StateDatabase& database) {
  if (const auto made = database.script(kTables); !made) return std::unexpected(made.error());
  return std::make_unique<Cases>(database);
}

Expected<CaseRefresh> Cases::refresh(Context& context) {
  const auto relation = context.store.from_clause();
  if (!relation) return std::unexpected(relation.error());
  const auto engine = context.databases.take();
  if (!engine) return std::unexpected(engine.error());
  const auto groups = (*engine)->query(fmt::format(
      "SELECT CASE WHEN coalesce(target_organisation, '') = '' THEN 'AS' || coalesce(target_asn, 0) ELSE "
      "target_organisation END AS who, coalesce(target_organisation, '') = '' AS is_network, kind, count(DISTINCT {}), "
      "count(DISTINCT coalesce(nullif(target_name, ''), CAST(target_ip AS VARCHAR))), min(first_seen), max(last_seen), "
      "any_value(nullif(target_name, '')), any_value(target_ip) AS target_ip FROM {} WHERE target_inside AND "
      "confidence >= 2 GROUP BY ALL ORDER BY 6, 1, 3",
      sighting_key_sql(), *relation));
  if (!groups) return std::unexpected(groups.error());
  CaseRefresh report;
  const Timestamp at = now();
  const auto done = database_.transaction([&]() -> Expected<void> {
    for (const auto& row : groups->rows) {
      const auto text = [&](std::size_t i) {
        const auto* cell = std::get_if<std::string>(&row[i]);
        return cell ? *cell : std::string();
      };
      const auto number = [&](std::size_t i) {
        const auto* cell = std::get_if<std::int64_t>(&row[i]);
        return cell ? *cell : 0;
      };
      const auto before = database_.query(
          "SELECT " + std::string(kColumns) + " FROM cases WHERE organisation = ?1 AND is_network = ?2 AND kind = ?3",
          {text(0), number(1), text(2)});
      if (!before) return std::unexpected(before.error());
      const std::string target = text(7).empty() ? text(8) : text(7);
      if (before->empty()) {
        const auto made = database_.query(
            "INSERT INTO cases (organisation, is_network, kind, state, sightings, targets, target, first_seen, "
            "last_seen, made, changed) VALUES (?1, ?2, ?3, 'new', ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
            {text(0), number(1), text(2), number(3), number(4), target, number(5), number(6), at});
        if (!made) return std::unexpected(made.error());
        ++report.made;
        continue;
      }
      const Case known = case_of(before->front());
      const bool recurred = known.state == "fixed" && known.fixed_at && number(6) > *known.fixed_at;
      const auto changed = database_.query(
          "UPDATE cases SET sightings = ?2, targets = ?3, target = ?4, first_seen = ?5, last_seen = ?6, state = ?7, "
          "changed = CASE WHEN ?8 THEN ?9 ELSE changed END WHERE id = ?1",
          {known.id, number(3), number(4), target, number(5), number(6), recurred ? "recurred" : known.state,
           std::int64_t{recurred}, at});
      if (!changed) return std::unexpected(changed.error());
      if (!recurred) continue;
      ++report.recurred;
      const auto noted = add_event(known.id, "", "recurred", "sighted again at " + format_time(number(6)));
      if (!noted) return noted;
    }
    return {};
  });
  if (!done) return std::unexpected(done.error());
  const auto open = database_.query("SELECT count(*) FROM cases WHERE state <> 'fixed'");
  if (!open) return std::unexpected(open.error());
  report.open = integer_of(open->at(0)[0]);
  return report;
}

Expected<std::vector<Case>> Cases::list(const CaseFilter& filter) {
  const auto rows = database_.query(
      "SELECT " + std::string(kColumns) +
          " FROM cases WHERE (?1 = '' OR state = ?1) AND (?2 = '' OR organisation = ?2) AND (?3 = '' OR assignee = ?3) "
          "AND (?4 = '' OR kind = ?4) AND (?5 = 0 OR id < ?5) ORDER BY id DESC LIMIT ?6",
      {filter.state, filter.organisation, filter.assignee, filter.kind, filter.after,
       static_cast<std::int64_t>(filter.limit)});
  if (!rows) return std::unexpected(rows.error());
  std::vector<Case> cases;
  for (const StateRow& row : *rows) cases.push_back(case_of(row));
  return cases;
}

Expected<std::optional<Case>> Cases::find(std::int64_t id) {
  const auto rows = database_.query("SELECT " + std::string(kColumns) + " FROM cases WHERE id = ?1", {id});
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty()) return std::nullopt;
  return case_of(rows->front());
}

Expected<std::vector<CaseEvent>> Cases::history(std::int64_t id) {
  const auto rows =
      database_.query("SELECT at, user, action, text FROM case_events WHERE case_id = ?1 ORDER BY number", {id});
  if (!rows) return std::unexpected(rows.error());
  std::vector<CaseEvent> events;
  for (const StateRow& row : *rows) {
    events.push_back({integer_of(row[0]), text_of(row[1]), text_of(row[2]), text_of(row[3])});
  }
  return events;
}

Expected<std::vector<std::pair<std::string, std::int64_t>>> Cases::by_state(const std::string& organisation) {
  const auto rows = database_.query(
      "SELECT state, count(*) FROM cases WHERE ?1 = '' OR (organisation = ?1 AND NOT is_network) GROUP BY state",
      {organisation});
  if (!rows) return std::unexpected(rows.error());
  std::vector<std::pair<std::string, std::int64_t>> states;
  for (const std::string_view state : kCaseStates) {
    std::int64_t count = 0;
    for (const StateRow& row : *rows) {
      if (text_of(row[0]) == state) count = integer_of(row[1]);
    }
    states.emplace_back(state, count);
  }
  return states;
}

Expected<void> Cases::add_event(std::int64_t id, const std::string& user, const char* action, const std::string& text) {
  const auto added = database_.query(
      "INSERT INTO case_events (case_id, at, user, action, text) VALUES (?1, ?2, ?3, ?4, "
      "?5)",
      {id, now(), user, std::string(action), text});
  if (!added) return std::unexpected(added.error());
  return {};
}

Expected<void> Cases::set_state(std::int64_t id, const std::string& state, const std::string& user,
                                std::optional<Timestamp> fixed_at) {
  return database_.transaction([&]() -> Expected<void> {
    if (state == "fixed" && !fixed_at) fixed_at = now();
    const auto changed = database_.query(
        "UPDATE cases SET state = ?2, fixed_at = CASE WHEN ?2 = 'fixed' THEN ?3 ELSE fixed_at END, "
        "changed = ?4 WHERE id = ?1",
        {id, state, optional_time(fixed_at), now()});
    if (!changed) return std::unexpected(changed.error());
    return add_event(id, user, "state", state);
  });
}

Expected<void> Cases::assign(std::int64_t id, const std::string& assignee, const std::string& user) {
  return database_.transaction([&]() -> Expected<void> {
    const auto changed =
        database_.query("UPDATE cases SET assignee = ?2, changed = ?3 WHERE id = ?1", {id, assignee, now()});
    if (!changed) return std::unexpected(changed.error());
    return add_event(id, user, "assign", assignee);
  });
}

Expected<void> Cases::comment(std::int64_t id, const std::string& text, const std::string& user) {
  return add_event(id, user, "comment", text);
}

std::optional<std::int64_t> Cases::of_sighting(const Table& rows) {
  if (rows.rows.empty()) return std::nullopt;
  const SightingRow row(rows, 0);
  const std::string organisation = row.text("target_organisation");
  const bool is_network = organisation.empty();
  const auto found = database_.query("SELECT id FROM cases WHERE organisation = ?1 AND is_network = ?2 AND kind = ?3",
                                     {is_network ? fmt::format("AS{}", row.number("target_asn")) : organisation,
                                      std::int64_t{is_network}, row.text("kind")});
  if (!found || found->empty()) return std::nullopt;
  return integer_of(found->front()[0]);
}

}  // namespace tocsin::serve
