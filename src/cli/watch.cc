#include "pipeline/watch.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "cli/watch_report.h"

namespace tocsin::cli {
namespace {

std::string state_text(const SourceOutcome& source) {
  switch (source.state) {
    case SourceOutcome::State::kRead:
      return "read";
    case SourceOutcome::State::kKnown:
      return source.beginning_of.empty() ? "already read" : "the beginning of " + source.beginning_of;
    case SourceOutcome::State::kGrown:
      return "has grown: read again";
    case SourceOutcome::State::kUnknownFormat:
      return "format not recognised";
    case SourceOutcome::State::kEmpty:
      return "empty";
    case SourceOutcome::State::kFailed:
      return source.error;
  }
  return {};
}

std::string count(std::uint64_t number) { return with_thousands(static_cast<std::int64_t>(number)); }

void print_skips(std::string_view name, const std::vector<std::string>& examples, std::uint64_t skipped) {
  constexpr std::size_t kShown = 3;
  for (std::size_t i = 0; i < std::min(kShown, examples.size()); ++i) {
    fmt::print(stderr, "tocsin: {}: {}\n", printable(name), printable(examples[i]));
  }
  if (skipped > kShown) fmt::print(stderr, "tocsin: {}: … {} in all\n", printable(name), count(skipped));
}

nlohmann::json as_json(const WatchReport& report) {
  using nlohmann::json;
  json sources = json::array();
  for (const SourceOutcome& source : report.sources) {
    sources.push_back({{"name", source.record.name},
                       {"format", source.record.format},
                       {"state", state_text(source)},
                       {"sha256", source.record.sha256},
                       {"bytes", source.record.bytes},
                       {"records", source.record.records},
                       {"passed_over", source.passed_over},
                       {"skipped", source.record.skipped},
                       {"skipped_by_reason", source.record.skipped_by_reason},
                       {"examples", source.record.examples}});
  }
  json sightings = json::array();
  for (const auto& [what, number] : report.sightings) {
    sightings.push_back({{"kind", name_of(what.first)}, {"confidence", name_of(what.second)}, {"sightings", number}});
  }
  json indicators = json::array();
  for (const IndicatorFileReport& file : report.indicators) {
    indicators.push_back({{"path", file.path},
                          {"format", file.format},
                          {"indicators", file.indicators},
                          {"knowledge", file.knowledge},
                          {"notes", file.notes},
                          {"skipped", file.skips.count()},
                          {"examples", file.skips.examples()}});
  }
  return {{"sources", sources},
          {"observations", report.observations},
          {"sightings", sightings},
          {"indicators", indicators},
          {"ledger", report.commit.sequence},
          {"rows", report.commit.rows},
          {"interrupted", report.interrupted},
          {"warnings", report.warnings}};
}

struct WatchCommand {
  std::string directory;
  std::vector<std::string> sources, indicators, rules;
  bool again = false, json = false;
};

int run_watch(const WatchCommand& given) {
  auto open = open_store(given.directory);
  if (!open) return fail(open.error());
  catch_interrupts();
  ProgressLine line;
  WatchOptions options = watch_options(given.indicators, line);
  options.rules = given.rules;
  options.again = given.again;
  const auto report = watch(*open->store, open->settings, given.sources, options);
  line.clear();
  if (!report) return fail(report.error());
  return print_watch_report(*report, given.json, true);
}

}  // namespace

WatchOptions watch_options(const std::vector<std::string>& indicators, ProgressLine& line) {
  WatchOptions options;
  for (const std::string& path : indicators) options.indicators.emplace_back(path, IndicatorDefaults{});
  options.interrupted = interrupted;
  options.progress = [&line](const Progress& progress) {
    line.show(fmt::format("{} of {} read, {} sightings", with_bytes(progress.bytes), with_bytes(progress.total),
                          count(progress.sightings)));
  };
  return options;
}

int print_watch_report(const WatchReport& report, bool json, bool stored) {
  if (json) {
    fmt::print("{}\n", as_json(report).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    std::vector<std::vector<std::string>> rows;
    for (const SourceOutcome& source : report.sources) {
      rows.push_back({source.record.name, source.record.format, count(source.record.records),
                      count(source.record.skipped), state_text(source)});
    }
    fmt::print("{}", table({{"source"}, {"format"}, {"records", true}, {"skipped", true}, {""}}, rows));
    std::string observations;
    for (const auto& [what, number] : report.observations) {
      if (number > 0) observations += fmt::format("{}{} {}", observations.empty() ? "" : ", ", count(number), what);
    }
    if (!observations.empty()) fmt::print("\nObserved: {}.\n", observations);
    if (!report.sightings.empty()) {
      rows.clear();
      for (const auto& [what, number] : report.sightings) {
        rows.push_back({std::string(name_of(what.first)), std::string(name_of(what.second)), count(number)});
      }
      fmt::print("\n{}", table({{"sightings of"}, {"confidence"}, {"number", true}}, rows));
    } else if (!report.observations.empty()) {
      fmt::print("\nNo sightings.\n");
    }
    if (stored && report.commit.sequence > 0) {
      fmt::print("\nStored {} rows, ledger line {}.\n", count(report.commit.rows), report.commit.sequence);
    }
    const bool again = std::ranges::any_of(report.sources, [](const SourceOutcome& s) {
      return s.state == SourceOutcome::State::kKnown && s.beginning_of.empty();
    });
    if (stored && again) {
      fmt::print("{}\n", faint("What was read before was not counted twice; --again judges it anew."));
    }
  }
  for (const IndicatorFileReport& file : report.indicators) {
    print_skips(file.path, file.skips.examples(), file.skips.count());
    if (!json) {
      for (const std::string& note : file.notes) fmt::print(stderr, "{}: {}\n", printable(file.path), printable(note));
    }
  }
  for (const SourceOutcome& source : report.sources) {
    print_skips(source.record.name, source.record.examples, source.record.skipped);
  }
  for (const std::string& warning : report.warnings) fmt::print(stderr, "tocsin: {}\n", printable(warning));
  if (report.interrupted) {
    fmt::print(stderr, "tocsin: stopped; nothing of this run was stored, and the same command takes it up again\n");
    return 1;
  }
  const auto failed = [](const SourceOutcome& s) { return s.state == SourceOutcome::State::kFailed; };
  if (!report.sources.empty() && std::ranges::all_of(report.sources, failed)) return 1;
  return report.skipped() ? 3 : 0;
}

void add_watch(CLI::App& app, Chosen& chosen) {
  auto given = std::make_shared<WatchCommand>();
  CLI::App* command = app.add_subcommand("watch", "Read sources into the store: captures, flows, logs of sensors");
  command->add_option("sources", given->sources, "Files, directories, or - for standard input; formats are recognised")
      ->required();
  add_store_option(*command, given->directory);
  command->add_option("--indicators", given->indicators, "Lists of verified indicators, beside those of tocsin.toml")
      ->check(CLI::ExistingPath);
  command->add_option("--rules", given->rules, "Rules of Suricata for packets, beside those of tocsin.toml")
      ->check(CLI::ExistingPath)
      ->allow_extra_args(false);
  command->add_flag("--again", given->again, "Judge sources anew that were read before; replaces their sightings");
  command->add_flag("--json", given->json, "Print JSON");
  command->callback([=, &chosen] { chosen = [=] { return run_watch(*given); }; });
}

}  // namespace tocsin::cli
