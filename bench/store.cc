// Rows written to a store, beside what DuckDB alone takes to write the same number of rows, made by its own range(),
// as Parquet of the same columns, sort and compression. The ratio of the two is the cost of taking rows one by one,
// hashing and syncing them.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "store/database.h"
#include "store/sighting_store.h"

namespace tocsin {
namespace {

constexpr Timestamp kDayStart = 1'359'590'400 * kSecond;

std::filesystem::path scratch() {
  auto path = std::filesystem::temp_directory_path() / fmt::format("bench-store-{}", ::getpid());
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path;
}

Sighting sighting_of(std::uint64_t number) {
  Sighting sighting;
  sighting.kind = static_cast<Kind>(number % 3);
  sighting.confidence = Confidence::kConfirmed;
  sighting.detector = "indicator";
  sighting.rule = fmt::format("192.0.2.{}", number % 251);
  sighting.actor = {IpAddress::v4(static_cast<std::uint32_t>(0x42000000U + number * 7919 % 6747)), 443};
  sighting.target = {IpAddress::v4(static_cast<std::uint32_t>(0x3a000000U + number * 104'729 % 1'900'000)), 50'000};
  sighting.actor_country = *CountryCode::parse(number % 2 == 0 ? "US" : "JP");
  sighting.target_country = *CountryCode::parse("CN");
  sighting.actor_asn = static_cast<std::uint32_t>(number % 997 + 1);
  sighting.target_asn = 4134;
  sighting.target_inside = true;
  sighting.first_seen = kDayStart + static_cast<Timestamp>(number * 7 % 86'400) * kSecond;
  sighting.last_seen = sighting.first_seen + kMinute;
  sighting.count = number % 50 + 1;
  sighting.family = "Zeus";
  sighting.matched = fmt::format("Zeus, trails.txt:{}", number % 5003);
  sighting.location_version = "2026-06-17";
  return sighting;
}

void write_to_store(benchmark::State& state) {
  const auto rows = static_cast<std::uint64_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    const auto directory = (scratch() / "store").string();
    if (!SightingStore::create(directory)) return state.SkipWithError("the store could not be made");
    state.ResumeTiming();
    auto store = SightingStore::open(directory);
    auto run = (*store)->begin();
    if (!run) return state.SkipWithError(run.error().message.c_str());
    for (std::uint64_t i = 0; i < rows; ++i) {
      if (!(*run)->append(sighting_of(i), "0123456789abcdef", fmt::format("packet {} at {}", i, i * 900))) {
        return state.SkipWithError("a row could not be appended");
      }
    }
    SourceRecord source;
    source.id = "0123456789abcdef";
    if (!(*run)->commit({source}, {})) return state.SkipWithError("the run could not be committed");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(rows) * state.iterations());
  std::filesystem::remove_all(scratch());
}

// What making the sightings costs, which is no work of the store's.
void make_sightings(benchmark::State& state) {
  const auto rows = static_cast<std::uint64_t>(state.range(0));
  for (auto _ : state) {
    for (std::uint64_t i = 0; i < rows; ++i) {
      benchmark::DoNotOptimize(sighting_of(i));
      benchmark::DoNotOptimize(fmt::format("packet {} at {}", i, i * 900));
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(rows) * state.iterations());
}

constexpr const char* kGenerate = R"(
  CREATE TABLE made AS SELECT
    ['botnet-control', 'backdoor', 'phishing'][i % 3 + 1] AS kind,
    'indicator' AS detector, '192.0.2.' || (i % 251) AS rule,
    ('00000000-0000-0000-0000-ffff' || lpad(to_hex(1107296256 + i * 7919 % 6747), 8, '0'))::UUID AS actor_ip,
    443::USMALLINT AS actor_port, NULL::VARCHAR AS actor_name, if(i % 2 = 0, 'US', 'JP') AS actor_country,
    (i % 997 + 1)::UINTEGER AS actor_asn, false AS actor_inside,
    ('00000000-0000-0000-0000-ffff' || lpad(to_hex(973078528 + i * 104729 % 1900000), 8, '0'))::UUID AS target_ip,
    50000::USMALLINT AS target_port, NULL::VARCHAR AS target_name, 'CN' AS target_country,
    4134::UINTEGER AS target_asn, true AS target_inside, NULL::VARCHAR AS target_sector,
    NULL::VARCHAR AS target_organisation, NULL::VARCHAR AS target_province,
    make_timestamp(1359590400000000 + (i * 7 % 86400) * 1000000) AS first_seen,
    make_timestamp(1359590460000000 + (i * 7 % 86400) * 1000000) AS last_seen,
    (i % 50 + 1)::UBIGINT AS count, 3::UTINYINT AS confidence, NULL::VARCHAR AS cve, 'Zeus' AS family,
    NULL::VARCHAR AS "group", '0123456789abcdef' AS source, 'packet ' || i || ' at ' || i * 900 AS evidence,
    'Zeus, trails.txt:' || (i % 5003) AS matched, '2026-06-17' AS location_version, NULL::VARCHAR AS tlp
  FROM range({}) t(i))";

// DuckDB alone; table: whether making the table is part of the time, as it is of the store's.
void write_by_duckdb(benchmark::State& state, bool table) {
  const auto rows = state.range(0);
  const auto path = scratch() / "made.parquet";
  for (auto _ : state) {
    state.PauseTiming();
    auto database = Database::open();
    if (!database) return state.SkipWithError("DuckDB could not be opened");
    if (table) state.ResumeTiming();
    const auto made = (*database)->query(fmt::format(kGenerate, rows));
    if (!made) return state.SkipWithError(made.error().message.c_str());
    if (!table) state.ResumeTiming();
    const auto copied = (*database)->query(
        fmt::format("COPY (SELECT * FROM made ORDER BY kind, detector, actor_ip, actor_name, target_ip, target_name, "
                    "first_seen, source) TO {} (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2)",
                    sql_text(path.string())));
    if (!copied) return state.SkipWithError(copied.error().message.c_str());
  }
  state.SetItemsProcessed(rows * state.iterations());
  std::filesystem::remove_all(scratch());
}

BENCHMARK(write_to_store)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(make_sightings)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(write_by_duckdb, from_table, false)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(write_by_duckdb, with_table, true)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace tocsin

BENCHMARK_MAIN();
