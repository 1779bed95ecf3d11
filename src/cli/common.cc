#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "base/text.h"
#include "cli/command.h"
#include "pipeline/installation.h"

namespace tocsin::cli {

int fail(const Error& error) {
  fmt::print(stderr, "tocsin: {}\n", printable(error.message, 2000));
  return 1;
}

int wrong_usage(const std::string& message) {
  fmt::print(stderr, "tocsin: {}\n", printable(message, 2000));
  return 2;
}

void add_store_option(CLI::App& command, std::string& directory) {
  const char* given = std::getenv("TOCSIN_STORE");
  directory = given != nullptr && *given != '\0' ? given : ".";
  command.add_option("--store", directory,
                     "Directory of the store (default: $TOCSIN_STORE, else the working directory)");
}

Expected<OpenStore> open_store(const std::string& directory) {
  OpenStore open;
  auto settings = load_settings(directory + "/tocsin.toml");
  if (!settings) {
    if (std::FILE* file = std::fopen((directory + "/tocsin.toml").c_str(), "r"); file != nullptr) {
      std::fclose(file);
      return std::unexpected(settings.error());
    }
    return failure(
        fmt::format("{}: is no store. Make one with: tocsin init {} --country CC, or name one with --store DIR",
                    directory, directory == "." ? "DIR" : directory));
  }
  open.settings = std::move(*settings);
  auto store = SightingStore::open(directory);
  if (!store) return std::unexpected(store.error());
  open.store = std::move(*store);
  auto catalogue = Catalogue::load((share_directory() / "figures").string(),
                                   (share_directory() / "constituencies" / "sectors.toml").string());
  if (!catalogue) return std::unexpected(catalogue.error());
  open.catalogue = std::move(*catalogue);
  auto database = Database::open();
  if (!database) return std::unexpected(database.error());
  open.database = std::move(*database);
  return open;
}

namespace {

// When the zone's day of an instant begins, or one some days later.
Expected<Timestamp> day_start(Timestamp time, int days, const std::string& zone) {
  const auto offset = offset_at_utc(time, zone);
  if (!offset) return std::unexpected(offset.error());
  const Timestamp local = floor_to(time + *offset, kDay) + days * kDay;
  return parse_time(format_day(local), zone).value_or(local - *offset);  // a year of five digits can't be read
}

}  // namespace

void PeriodOptions::add_to(CLI::App& command) {
  command.add_option("--from", from, "First instant of the period: 2013-01-01, or with a time (default: of the data)");
  command.add_option("--to", to, "First instant after the period (default: end of the day of the last sighting)");
  command.add_option("--zone", zone,
                     "Zone of times without an offset: UTC, +08:00, Asia/Shanghai (default: the store's)");
  command.add_option("--confidence", confidence, "Least confidence counted: suspected, probable or confirmed")
      ->capture_default_str();
}

Expected<FigureRequest> PeriodOptions::request(OpenStore& store) const {
  FigureRequest request;
  request.zone = zone.empty() ? store.settings.zone : zone;
  const auto least = confidence_of(confidence);
  if (!least) return std::unexpected(least.error());
  request.confidence = *least;
  if (from.empty() || to.empty()) {
    const auto relation = store.store->from_clause();
    if (!relation) return std::unexpected(relation.error());
    const auto edges = store.database->query(fmt::format("SELECT min(first_seen), max(first_seen) FROM {}", *relation));
    if (!edges) return std::unexpected(edges.error());
    const auto& row = edges->rows.at(0);
    const bool some = std::holds_alternative<std::int64_t>(row[0]);
    const Timestamp first = some ? std::get<std::int64_t>(row[0]) : 0;
    const Timestamp last = some ? std::get<std::int64_t>(row[1]) : 0;
    const auto start = day_start(first, 0, request.zone);
    const auto end = day_start(last, 1, request.zone);
    if (!start) return std::unexpected(start.error());
    if (!end) return std::unexpected(end.error());
    request.period = {*start, *end};
  }
  for (const auto& [text, into] : {std::pair(&from, &request.period.from), std::pair(&to, &request.period.to)}) {
    if (text->empty()) continue;
    const auto time = parse_time(*text, request.zone);
    if (!time) return std::unexpected(time.error());
    *into = *time;
  }
  if (request.period.from >= request.period.to) return failure("the period is empty: --from must be before --to");
  return request;
}

}  // namespace tocsin::cli
