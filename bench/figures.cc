// The figures of the article over sightings of its size, beside the bare queries of DuckDB over the same Parquet.
//
//   TOCSIN_BENCH_ROWS   sightings to make, 2,000,000 if not given; the design's target is for 20,000,000
//   TOCSIN_BENCH_DIR    where the Parquet is kept for the next run; else a temporary directory, removed at the end
//
// The sightings are those of January and February 2013: 6,747 servers, 2,194 of them in the United States, control 1.9
// million hosts (a tenth of the rows, if fewer rows are made than 19 million), of which servers in the United States
// control 1.287 million; 4.6 per cent of the hosts are controlled from two countries. Each figure is timed in turn with
// its bare query, and the best of the rounds counts. "bare" is count(DISTINCT x) without a condition; "same rows" is
// that with the figure's own conditions; the rows by country and the overlap, which only the figure gives, come free
// to neither.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "figures/answer_all.h"
#include "figures/figure.h"

namespace tocsin {
namespace {

struct Work {
  std::string name;
  std::string id;
  std::vector<std::string> by;
  std::string bare;
  std::string condition;
  std::string measure = "";
};

const std::string kSides =
    "kind = 'botnet-control' AND actor_country IS NOT NULL AND NOT actor_inside AND "
    "target_inside AND confidence >= 2";

double seconds_of(Database& database, const std::string& sql) {
  const auto start = std::chrono::steady_clock::now();
  const auto table = database.query(sql);
  if (!table) {
    fmt::print(stderr, "{}\n  in {}\n", table.error().message, sql);
    std::exit(1);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Beside the program, as it is installed.
std::string catalogue_directory() {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../share/tocsin/figures").string();
}

std::string generator(std::uint64_t rows, const std::string& path) {
  const std::uint64_t hosts = std::min<std::uint64_t>(1'900'000, rows / 10);
  const std::uint64_t of_us = hosts * 1287 / 1900;
  const std::uint64_t of_two = hosts * 1200 / 1900;
  return fmt::format(R"(COPY (
    WITH picked AS (
      SELECT i, CAST(CASE WHEN i < {hosts} THEN (i * 7919) % {hosts} ELSE hash(i) % {hosts} END AS BIGINT) AS t, CAST(hash(i + 7) % 1000000007 AS BIGINT) AS r FROM range({rows}) AS x(i)
    ), controlled AS (
      SELECT *, CAST(CASE WHEN t < {of_us} AND NOT (i >= {hosts} AND t >= {of_two} AND i % 2 = 1)
                          THEN hash(t) % 2194 ELSE 2194 + hash(t) % 4553 END AS BIGINT) AS a FROM picked
    )
    SELECT 'botnet-control' AS kind,
      CASE WHEN r % 3 = 0 THEN 'beacon' ELSE 'indicator' END AS detector, 'rule-' || a % 300 AS rule,
      CAST(printf('00000000-0000-0000-0000-ffff%08x', 3221225472 + a * 6151) AS UUID) AS actor_ip,
      (1024 + a % 50000)::USMALLINT AS actor_port, '' AS actor_name,
      CASE WHEN a < 2194 THEN 'US' ELSE ['DE','KR','JP','FR','NL','RU','GB','BR','IN','TR','VN','CA'][1 + a % 12] END
        AS actor_country,
      (1000 + a % 900)::UINTEGER AS actor_asn, false AS actor_inside,
      CAST(printf('00000000-0000-0000-0000-ffff%08x', 167772160 + t * 97) AS UUID) AS target_ip,
      (1024 + t % 60000)::USMALLINT AS target_port, '' AS target_name, 'CN' AS target_country,
      (4000 + t % 400)::UINTEGER AS target_asn, true AS target_inside, '' AS target_sector, '' AS target_organisation,
      '' AS target_province,
      TIMESTAMP '2013-01-01' + to_microseconds(CAST(i * (59.0 * 86400e6 / {rows}) AS BIGINT)) AS first_seen,
      TIMESTAMP '2013-01-01' + to_microseconds(CAST(i * (59.0 * 86400e6 / {rows}) AS BIGINT)) AS last_seen,
      (1 + r % 20)::UBIGINT AS "count", (2 + r % 2)::UTINYINT AS confidence, '' AS cve, 'family-' || a % 40 AS family,
      '' AS "group", 'aabbccddeeff0011' AS source, 'flow:' || i AS evidence, '' AS matched, '2013' AS location_version,
      '' AS tlp
    FROM controlled) TO '{path}' (FORMAT parquet, COMPRESSION zstd))",
                     fmt::arg("rows", rows), fmt::arg("hosts", hosts), fmt::arg("of_us", of_us),
                     fmt::arg("of_two", of_two), fmt::arg("path", path));
}

// One file a day, as a store keeps closed days.
void make(Database& database, std::uint64_t rows, const std::filesystem::path& root) {
  const std::filesystem::path part = root.string() + ".part";
  std::filesystem::remove_all(part);
  std::filesystem::create_directories(part);
  const std::string all = (part / "all.parquet").string();
  seconds_of(database, generator(rows, all));
  for (Timestamp day = *parse_time("2013-01-01"); day < *parse_time("2013-03-01"); day += kDay) {
    const std::filesystem::path folder = part / format_day(day);
    std::filesystem::create_directory(folder);
    seconds_of(database,
               fmt::format("COPY (SELECT * FROM read_parquet({}) WHERE first_seen >= '{}' AND first_seen < '{}' "
                           "ORDER BY kind, detector, actor_ip, target_ip, first_seen) TO {} "
                           "(FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2)",
                           sql_text(all), format_day(day), format_day(day + kDay),
                           sql_text((folder / "sightings.parquet").string())));
  }
  std::filesystem::remove(all);
  std::filesystem::rename(part, root);
}

// All that a brief asks, by SQL as `tocsin report` does and counted again as `tocsin verify` does.
int compare_counts(const Catalogue& catalogue, const std::vector<Segment>& segments, Database& database) {
  std::vector<FigureRequest> requests;
  for (const FigureDefinition& definition : catalogue.figures()) {
    if (definition.sentence.empty()) continue;
    FigureRequest request;
    request.id = definition.id;
    request.period = {*parse_time("2013-01-01"), *parse_time("2013-03-01")};
    for (const auto& by : {definition.by, std::vector<std::string>{"day"}}) {
      request.by = by;
      requests.push_back(request);
    }
  }
  const auto start = std::chrono::steady_clock::now();
  std::vector<double> values;
  for (const FigureRequest& request : requests) {
    const auto result = answer_over(catalogue, segments, database, request, "CN");
    values.push_back(result ? result->value : -1);
  }
  const auto middle = std::chrono::steady_clock::now();
  const auto again = answer_all_over(catalogue, segments, database, requests, "CN");
  const auto end = std::chrono::steady_clock::now();
  if (!again) {
    fmt::print(stderr, "{}\n", again.error().message);
    return 1;
  }
  std::size_t same = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) same += (*again)[i] && (*again)[i]->value == values[i];
  const auto seconds = [](auto time) { return std::chrono::duration<double>(time).count(); };
  fmt::print("{} figures of a brief: {:.2f} s by SQL, {:.2f} s in one pass, {} the same\n", requests.size(),
             seconds(middle - start), seconds(end - middle), same);
  return same == requests.size() ? 0 : 1;
}

int run() {
  const char* size = std::getenv("TOCSIN_BENCH_ROWS");
  const std::uint64_t rows = size ? std::strtoull(size, nullptr, 10) : 2'000'000;
  if (rows < 100'000) {
    fmt::print(stderr, "TOCSIN_BENCH_ROWS expected a number of at least 100000\n");
    return 2;
  }
  const char* kept = std::getenv("TOCSIN_BENCH_DIR");
  const std::filesystem::path directory =
      kept ? std::filesystem::path(kept)
           : std::filesystem::temp_directory_path() / fmt::format("tocsin-bench-figures-{}", ::getpid());
  std::filesystem::create_directories(directory);
  const std::filesystem::path root = directory / fmt::format("sightings-{}", rows);

  auto database = Database::open(2);
  const auto catalogue = Catalogue::load(catalogue_directory());
  if (!database || !catalogue) {
    fmt::print(stderr, "{}\n", database ? catalogue.error().message : database.error().message);
    return 1;
  }
  seconds_of(**database, "SET threads = 2");
  if (!std::filesystem::exists(root)) {
    const auto start = std::chrono::steady_clock::now();
    make(**database, rows, root);
    fmt::print("making {} sightings: {:.1f} s\n", rows,
               std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::vector<Segment> segments;
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    segments.emplace_back().path = entry.path().string();
    files.push_back(sql_text(entry.path().string()));
  }
  const std::string from = fmt::format("read_parquet([{}])", fmt::join(files, ", "));

  const std::vector<Work> works = {
      {"servers", "botnet.overseas-servers", {}, "count(DISTINCT actor_ip)", kSides},
      {"servers by country", "botnet.overseas-servers", {"actor-country"}, "count(DISTINCT actor_ip)", kSides},
      {"hosts controlled", "botnet.controlled-hosts", {}, "count(DISTINCT target_ip)", kSides},
      {"hosts controlled by country",
       "botnet.controlled-hosts",
       {"actor-country"},
       "count(DISTINCT target_ip)",
       kSides},
      {"share overseas", "botnet.overseas-share", {}, "count(DISTINCT actor_ip)", kSides},
      {"sightings by family",
       "malware.families",
       {"family"},
       "count(DISTINCT (detector, actor_ip, target_ip, date_trunc('hour', first_seen)))",
       "kind = 'botnet-control'"},
      {"hosts controlled by day", "botnet.controlled-hosts", {"day"}, "count(DISTINCT target_ip)", kSides},
      {"attempts", "botnet.overseas-servers", {}, "sum(\"count\")", kSides, "attempts"},
      {"attempts by country", "botnet.overseas-servers", {"actor-country"}, "sum(\"count\")", kSides, "attempts"},
  };
  constexpr int kRounds = 5;
  fmt::print("{:<30} {:>8} {:>8} {:>10} {:>8} {:>8}\n", "figure (seconds)", "figure", "bare", "same rows", "ratio",
             "ratio");
  for (const Work& work : works) {
    FigureRequest request;
    request.id = work.id;
    request.by = work.by;
    request.measure = work.measure;
    request.period = {*parse_time("2013-01-01"), *parse_time("2013-03-01")};
    double figure = 1e9, bare = 1e9, same = 1e9;
    for (int round = 0; round < kRounds; ++round) {
      bare = std::min(bare, seconds_of(**database, fmt::format("SELECT {} FROM {}", work.bare, from)));
      const auto start = std::chrono::steady_clock::now();
      const auto result = answer_over(*catalogue, segments, **database, request, "CN");
      figure = std::min(figure, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      if (!result) {
        fmt::print(stderr, "{}\n", result.error().message);
        return 1;
      }
      same = std::min(
          same, seconds_of(**database, fmt::format("SELECT {} FROM {} WHERE {} AND first_seen >= '2013-01-01' AND "
                                                   "first_seen < '2013-03-01'",
                                                   work.bare, from, work.condition)));
      if (round == 0 && std::getenv("TOCSIN_BENCH_SHOW")) {
        fmt::print("{}: {}, overlap {}, first {} {}\n", work.name, result->value, result->overlap,
                   result->rows.empty() ? "" : result->rows[0].key[0],
                   result->rows.empty() ? 0 : result->rows[0].value);
      }
    }
    fmt::print("{:<30} {:>8.3f} {:>8.3f} {:>10.3f} {:>8.2f} {:>8.2f}\n", work.name, figure, bare, same, figure / bare,
               figure / same);
  }
  const int told = compare_counts(*catalogue, segments, **database);
  if (!kept) std::filesystem::remove_all(directory);
  return told;
}

}  // namespace
}  // namespace tocsin

int main() { return tocsin::run(); }
