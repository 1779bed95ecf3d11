#include "pipeline/sensitivity.h"

#include <fmt/format.h>

namespace tocsin {
namespace {

constexpr std::size_t kAddressesAtOnce = 100'000;

// A table of every address that the sightings name: where the other database has it, and whether it is a relay's.
Expected<void> tabulate(const std::string& rows, Database& database, const Locator& locator, std::size_t other,
                        Timestamp time, const Constituency& constituency, const Relays& relays) {
  auto made = database.query(
      "CREATE OR REPLACE TEMP TABLE elsewhere (ip UUID, country VARCHAR, asn BIGINT, inside BOOLEAN, relay BOOLEAN)");
  if (!made) return std::unexpected(made.error());
  const auto addresses = database.query(fmt::format(
      "SELECT DISTINCT ip AS seen_ip FROM (SELECT actor_ip AS ip FROM {} UNION ALL SELECT target_ip FROM {} "
      "WHERE target_name IS NULL) WHERE ip IS NOT NULL",
      rows, rows));
  if (!addresses) return std::unexpected(addresses.error());
  std::vector<std::vector<Cell>> located;
  const auto flush = [&]() -> Expected<void> {
    const auto done = database.append("elsewhere", located);
    located.clear();
    return done;
  };
  for (const auto& row : addresses->rows) {
    const auto* text = std::get_if<std::string>(&row[0]);
    const auto ip = text == nullptr ? std::nullopt : IpAddress::parse(*text);
    if (!ip) continue;
    const Location there = locator.locate_with(other, *ip);
    located.push_back({Cell(uuid_text(ip->high(), ip->low())),
                       there.country.known() ? Cell(std::string(there.country.text())) : Cell(),
                       there.asn != 0 ? Cell(std::int64_t{there.asn}) : Cell(),
                       Cell(std::int64_t{constituency.contains(*ip, there.country, there.asn)}),
                       Cell(std::int64_t{relays.has(*ip, locator.locate(*ip, time))})});
    if (located.size() < kAddressesAtOnce) continue;
    if (const auto done = flush(); !done) return done;
  }
  return flush();
}

}  // namespace

Expected<std::vector<SensitivityRow>> sensitivity_of(const Brief& brief, const Catalogue& catalogue,
                                                     const SightingStore& store, Database& database,
                                                     const Locator& locator, const Constituency& constituency,
                                                     const Relays& relays) {
  const auto rows = store.from_clause(brief.ledger.sequence);
  if (!rows) return std::unexpected(rows.error());
  const bool two = locator.databases().size() > 1;
  const std::size_t used = locator.database_for(brief.period.from);
  const std::size_t other = used + 1 < locator.databases().size() ? used + 1 : used - (two ? 1 : 0);
  const std::string period =
      fmt::format("(SELECT * FROM {} WHERE first_seen >= make_timestamp({}) AND first_seen < make_timestamp({}))",
                  *rows, brief.period.from, brief.period.to);
  if (const auto done = tabulate(period, database, locator, other, brief.period.from, constituency, relays); !done) {
    return std::unexpected(done.error());
  }
  const std::string moved = fmt::format(
      "(SELECT s.* REPLACE (CASE WHEN s.actor_ip IS NULL THEN s.actor_country ELSE a.country END AS actor_country, "
      "CASE WHEN s.actor_ip IS NULL THEN s.actor_asn ELSE a.asn END AS actor_asn, "
      "CASE WHEN s.actor_ip IS NULL THEN s.actor_inside ELSE a.inside END AS actor_inside, "
      "CASE WHEN s.target_ip IS NULL OR s.target_name IS NOT NULL THEN s.target_inside ELSE t.inside END AS "
      "target_inside) FROM {} AS s LEFT JOIN elsewhere AS a ON a.ip = s.actor_ip LEFT JOIN elsewhere AS t ON t.ip = "
      "s.target_ip) AS moved",
      period);
  const std::string direct = fmt::format(
      "(SELECT s.* FROM {} AS s WHERE s.actor_ip IS NULL OR s.actor_ip NOT IN (SELECT ip FROM elsewhere WHERE relay)) "
      "AS direct",
      period);
  std::vector<SensitivityRow> table;
  for (const BriefSection& section : brief.sections) {
    if (section.figure.value == 0) continue;
    FigureRequest request = section.figure.request;
    request.by.clear();
    SensitivityRow row{section.figure.definition.id, section.figure.value, {}, {}, {}};
    const auto ask = [&](const std::string& from, Confidence confidence,
                         std::optional<double>& into) -> Expected<void> {
      request.confidence = confidence;
      const auto figure = answer_over(catalogue, from, database, request, brief.constituency);
      if (!figure) return failure(fmt::format("{} under other assumptions: {}", row.figure, figure.error().message));
      into = figure->value;
      return {};
    };
    auto asked = ask(direct, brief.confidence, row.without_relays);
    if (asked && two) asked = ask(moved, brief.confidence, row.with_other_location);
    if (asked) asked = ask(period + " AS wide", Confidence::kSuspected, row.with_suspected);
    if (!asked) return std::unexpected(asked.error());
    table.push_back(std::move(row));
  }
  return table;
}

}  // namespace tocsin
