#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/text.h"
#include "cli/command.h"
#include "publish/report.h"

namespace tocsin::cli {
namespace {

int verify(const std::string& directory, const std::string& brief, bool json) {
  auto open = open_store(directory);
  if (!open) return fail(open.error());
  const auto findings = open->store->verify();
  if (!findings) return fail(findings.error());
  std::vector<std::string> wrong;
  if (!brief.empty() && findings->empty()) {
    std::ifstream file(brief, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) return fail({fmt::format("{}: can't be read", brief)});
    const auto found = differences(text.str(), open->catalogue, *open->store, *open->database);
    if (!found) return fail({fmt::format("{}: {}", brief, found.error().message)});
    wrong = *found;
  }
  const bool sound = findings->empty() && wrong.empty();
  if (json) {
    nlohmann::json list = nlohmann::json::array();
    for (const StoreFinding& finding : *findings) list.push_back({{"where", finding.where}, {"what", finding.what}});
    for (const std::string& difference : wrong) list.push_back({{"where", brief}, {"what", difference}});
    fmt::print("{}\n", nlohmann::json{{"sound", sound}, {"findings", list}}.dump(
                           2, ' ', false, nlohmann::json::error_handler_t::replace));
    return sound ? 0 : 1;
  }
  for (const StoreFinding& finding : *findings)
    fmt::print("{}: {}\n", printable(finding.where), printable(finding.what));
  for (const std::string& difference : wrong) fmt::print("{}: {}\n", printable(brief), printable(difference));
  if (!sound) return 1;
  const auto head = open->store->head();
  if (!head) return fail(head.error());
  fmt::print("The store is sound: ledger line {}, {}.\n", head->sequence, head->hash.empty() ? "empty" : head->hash);
  if (!brief.empty()) fmt::print("Every figure of {} is what the segments say.\n", printable(brief));
  return 0;
}

}  // namespace

void add_verify(CLI::App& app, Chosen& chosen) {
  struct Given {
    std::string directory, brief;
    bool json = false;
  };
  auto given = std::make_shared<Given>();
  CLI::App* command =
      app.add_subcommand("verify", "Check the ledger and the segments, and recompute a brief from them");
  command->add_option("brief", given->brief, "A brief as JSON, to compare with")->check(CLI::ExistingFile);
  add_store_option(*command, given->directory);
  command->add_flag("--json", given->json, "Print JSON");
  command->callback([=, &chosen] { chosen = [=] { return verify(given->directory, given->brief, given->json); }; });
}

}  // namespace tocsin::cli
