// Attempts, each once.
//
// A probe of a web server stands in the server's own access log and in the alert of a sensor on its wire; a detector
// of each makes a sighting, and the sum of both would tell twice the attempts that there were. Nothing joins the two
// records for certain: clocks differ, a sensor samples, a log loses lines, and one alert may stand for a hundred
// requests. So what several detectors saw of one actor doing one kind of thing to one target in one hour is taken to be
// the same attempts, and counts as the most that one of them saw: never more than there were, if each detector tells
// the truth, and never less than the best of them saw.
//
// What fools it: two detectors that each see half (the one the requests over IPv4, the other those over IPv6, to one
// name) count as one half; a target that the one names and the other knows by its address alone counts twice; an attack
// across the full hour is cut in two, as are all sightings. One detector's sightings always add up, whatever rules or
// ports they have, for a detector counts no observation twice.
//
// A total does not depend on the dimensions that are asked for: of several rows of one event, the total takes the most
// that one detector saw over all rows, each row the most that one detector saw in that row. The sum of the rows can
// thus be more than the total, never less, and the difference is the overlap, as with distinct counts.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "figures/plan.h"

namespace tocsin::figures {
namespace {

// Two columns for each end instead of one text of either: to group by addresses as text takes twice as long.
constexpr std::string_view kEvent =
    "kind AS e_kind, actor_ip AS e_actor_ip, CASE WHEN actor_ip IS NULL THEN actor_name ELSE '' END AS e_actor_name, "
    "coalesce(target_name, '') AS e_target_name, "
    "CASE WHEN coalesce(target_name, '') = '' THEN target_ip ELSE NULL END AS e_target_ip, "
    "date_trunc('hour', first_seen) AS e_hour";
constexpr std::string_view kEventColumns = "e_kind, e_actor_ip, e_actor_name, e_target_name, e_target_ip, e_hour";

}  // namespace

CountSql attempts_sql(const std::vector<std::string>& keys, const std::vector<std::string>& key_columns,
                      const std::string& part, const std::string& from, const std::string& where) {
  const auto list = [](const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& item : items) text += item + ", ";
    return text;
  };
  const std::string key_list = list(keys);
  const std::string counted = part.empty() ? "n" : "n_part";
  CountSql sql;
  sql.with =
      fmt::format("WITH seen AS (SELECT {}{}, detector AS d, sum(\"count\") AS n{} FROM {} WHERE {} GROUP BY {}{}, d)",
                  list(key_columns), kEvent,
                  part.empty() ? "" : fmt::format(", sum(CASE WHEN {} THEN \"count\" ELSE 0 END) AS n_part", part),
                  from, where, key_list, kEventColumns);
  if (!keys.empty()) {
    const std::string last = fmt::format("{}", fmt::join(keys, ", "));
    sql.rows = fmt::format(
        "SELECT CAST(sum(most) AS BIGINT) AS value, {0} FROM (SELECT {0}, max({1}) AS most FROM seen GROUP BY {0}, "
        "{2}) "
        "AS event GROUP BY {0}{3}",
        last, counted, kEventColumns, part.empty() ? "" : " HAVING sum(most) > 0");
  }
  const auto total_from = [&](const std::string& column) {
    if (keys.empty()) {
      return fmt::format("(SELECT max({}) AS most FROM seen GROUP BY {}) AS event", column, kEventColumns);
    }
    return fmt::format(
        "(SELECT max(of_all) AS most FROM (SELECT {0}, d, sum({1}) AS of_all FROM seen GROUP BY {0}, d) AS by_detector "
        "GROUP BY {0}) AS event",
        kEventColumns, column);
  };
  sql.total = sql.whole = "CAST(coalesce(sum(most), 0) AS BIGINT)";
  sql.total_from = total_from(counted);
  sql.whole_from = total_from("n");
  return sql;
}

}  // namespace tocsin::figures
