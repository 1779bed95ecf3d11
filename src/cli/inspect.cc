#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/inspect_rules.h"
#include "cli/terminal.h"
#include "cli/watch_report.h"
#include "pipeline/eve.h"

namespace tocsin::cli {
namespace {

struct InspectCommand {
  std::vector<std::string> sources, indicators;
  std::string directory, eve;
  bool json = false;
  RulesInspection rules;
};

int run_inspect(const InspectCommand& given) {
  if (given.sources.empty() == given.rules.interface.empty()) {
    return wrong_usage(given.sources.empty() ? "sources, or --interface, are needed"
                                             : "either sources or --interface can be read, not both");
  }
  if (given.rules.is_wanted()) return given.rules.run(given.sources, given.eve, given.json);
  Settings settings;
  const std::string path = given.directory + "/tocsin.toml";
  if (std::ifstream(path).good()) {
    auto loaded = load_settings(path);
    if (!loaded) return fail(loaded.error());
    settings = std::move(*loaded);
  }
  std::ofstream file;
  const bool to_output = given.eve == "-";
  if (!given.eve.empty() && !to_output) {
    file.open(given.eve, std::ios::binary);
    if (!file) return fail({fmt::format("{}: can't be written", given.eve)});
  }
  catch_interrupts();
  ProgressLine line;
  EveWriter writer(given.eve.empty() ? nullptr : to_output ? &std::cout : &file);
  const auto report = inspect(settings, given.sources, watch_options(given.indicators, line), writer,
                              [&writer](const Batch& batch) { writer.write(batch); });
  line.clear();
  if (!report) return fail(report.error());
  if (!given.eve.empty() && !(to_output ? std::cout : file).flush()) {
    return fail({fmt::format("{}: could not be written whole", given.eve)});
  }
  if (to_output) return report->skipped() ? 3 : 0;
  return print_watch_report(*report, given.json, false);
}

}  // namespace

void add_inspect(CLI::App& app, Chosen& chosen) {
  auto given = std::make_shared<InspectCommand>();
  CLI::App* command =
      app.add_subcommand("inspect", "Read sources without a store; writes what they hold as Suricata EVE");
  command->add_option("sources", given->sources, "Files, directories, or - for standard input");
  command->add_option("--eve", given->eve,
                      "Flows, transactions and alerts as EVE JSON lines into this file, - for standard output");
  command->add_option("--indicators", given->indicators, "Lists of verified indicators")->check(CLI::ExistingPath);
  add_store_option(*command, given->directory);
  command->add_flag("--json", given->json, "Print the summary as JSON");
  given->rules.add_to(*command);
  command->callback([=, &chosen] { chosen = [=] { return run_inspect(*given); }; });
}

}  // namespace tocsin::cli
