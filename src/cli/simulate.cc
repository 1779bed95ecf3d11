#include "simulate/simulate.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "base/text.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "pipeline/installation.h"
#include "pipeline/relays.h"
#include "pipeline/watch.h"

namespace tocsin::cli {
namespace {

struct Given {
  std::string scenario, out;
  double scale = 1;
  bool pcap = false;
  std::optional<std::uint64_t> seed;
};

int simulate_nation(const Given& given) {
  auto scenario = simulate::load_scenario(given.scenario, given.scale);
  if (!scenario) return fail(scenario.error());
  if (given.seed) scenario->seed = *given.seed;
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::exists(given.out, error) && !fs::is_empty(given.out, error)) {
    return fail({fmt::format("{}: is there already and not empty; give another --out", given.out)});
  }
  const auto locator = open_locator(Settings{});
  if (!locator) return fail(locator.error());
  const auto relays = load_relays(relays_file().string(), {});
  if (!relays) return fail(relays.error());
  catch_interrupts();
  ProgressLine line;
  const auto is_relay = [&relays](const IpAddress& ip, const Location& location) { return relays->has(ip, location); };
  const auto stop = [&line](double part, std::uint64_t records) {
    line.show(fmt::format("{:.0f}%, {} records", 100 * part, with_thousands(static_cast<std::int64_t>(records))));
    return interrupted();
  };
  const auto written = simulate::simulate(*scenario, **locator, given.out, given.pcap, is_relay, stop);
  line.clear();
  if (!written) return fail(written.error());
  fmt::print(
      "Wrote {} records of {} in {}.\nNext: tocsin init STORE --config {}/tocsin.toml\n"
      "      tocsin watch --store STORE {}/sources\n",
      with_thousands(static_cast<std::int64_t>(written->records)), scenario->constituency, given.out, given.out,
      given.out);
  return 0;
}

}  // namespace

void add_simulate(CLI::App& app, Chosen& chosen) {
  auto given = std::make_shared<Given>();
  CLI::App* command = app.add_subcommand("simulate", "Write the sources of a made-up nation, and the truth apart");
  command->add_option("scenario", given->scenario, "A scenario, such as scenarios/small.toml")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("--out", given->out, "Directory to write to; made if missing")->required();
  command->add_option("--scale", given->scale, "Of every count of the scenario")
      ->check(CLI::Range(1e-6, 100.0))
      ->capture_default_str();
  command->add_option("--seed", given->seed, "Another draw (default: the scenario's)");
  command->add_flag("--pcap", given->pcap, "Also write slice.pcap, the first control connections packet by packet");
  command->callback([=, &chosen] { chosen = [=] { return simulate_nation(*given); }; });
}

}  // namespace tocsin::cli
