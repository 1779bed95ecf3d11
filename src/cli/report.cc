#include "publish/report.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/command.h"
#include "cli/terminal.h"
#include "pipeline/installation.h"
#include "pipeline/watch.h"

namespace tocsin::cli {
namespace {
namespace fs = std::filesystem;

struct ReportCommand {
  std::string directory, out;
  std::vector<std::string> formats = {"md"};
  PeriodOptions period;
};

Expected<void> save(const fs::path& path, const std::string& text) {
  const fs::path temporary = path.string() + ".tmp";
  std::ofstream file(temporary, std::ios::binary);
  file << text;
  file.close();
  std::error_code error;
  if (file) fs::rename(temporary, path, error);
  if (!file || error) return failure(fmt::format("{}: could not be written", path.string()));
  return {};
}

int report(const ReportCommand& given) {
  auto open = open_store(given.directory);
  if (!open) return fail(open.error());
  const auto request = given.period.request(*open);
  if (!request) return wrong_usage(request.error().message);
  std::vector<std::string> databases;
  if (const auto locator = open_locator(open->settings)) {
    for (const auto& database : (*locator)->databases()) {
      databases.push_back(fmt::format("{}: {}", database.version, database.description));
    }
  }
  const auto brief =
      compose(open->catalogue, *open->store, *open->database, *request, open->settings.constituency.name, databases);
  if (!brief) return fail(brief.error());
  const auto rendered = [&](const std::string& format) -> std::string {
    if (format == "json") return to_json(*brief);
    if (format == "csv") return to_csv(*brief);
    if (format == "md") return to_markdown(*brief);
    std::ifstream file(share_directory() / "map" / "countries-110m.json");
    std::ostringstream map;
    map << file.rdbuf();
    return to_html(*brief, map.str());
  };
  if (given.out.empty()) {
    if (given.formats.size() != 1) return wrong_usage("several formats need --out DIR");
    fmt::print("{}", rendered(given.formats.front()));
    return 0;
  }
  std::error_code error;
  fs::create_directories(given.out, error);
  if (error) return fail({fmt::format("{}: {}", given.out, error.message())});
  for (const std::string& format : given.formats) {
    const fs::path path = fs::path(given.out) / ("brief." + format);
    if (const auto saved = save(path, rendered(format)); !saved) return fail(saved.error());
    fmt::print("{}\n", path.string());
  }
  return 0;
}

}  // namespace

void add_report(CLI::App& app, Chosen& chosen) {
  auto given = std::make_shared<ReportCommand>();
  CLI::App* command = app.add_subcommand("report", "Publish the brief of a period");
  add_store_option(*command, given->directory);
  given->period.add_to(*command);
  command->add_option("--format", given->formats, "html, md, json, csv; several with commas")
      ->delimiter(',')
      ->check(CLI::IsMember({"html", "md", "json", "csv"}))
      ->capture_default_str();
  command->add_option("--out", given->out, "Directory for brief.html, brief.md, …; without it, to standard output");
  command->callback([=, &chosen] { chosen = [=] { return report(*given); }; });
}

}  // namespace tocsin::cli
