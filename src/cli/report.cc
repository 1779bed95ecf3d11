#include "publish/report.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "base/text.h"
#include "cli/command.h"
#include "pipeline/installation.h"
#include "pipeline/publication.h"
#include "pipeline/relays.h"
#include "pipeline/sensitivity.h"
#include "pipeline/watch.h"

namespace tocsin::cli {
namespace {

struct ReportCommand {
  std::string directory, out;
  std::vector<std::string> formats = {"md"};
  std::vector<std::string> languages = {"en"};
  bool sensitivity = false;
  PeriodOptions period;
};

int report(const ReportCommand& given) {
  const std::vector<BriefDocument> documents = documents_of(given.formats, given.languages);
  if (given.out.empty()) {
    if (documents.size() != 1) return wrong_usage("several formats or languages need --out DIR");
    if (documents.front().format == "pdf") return wrong_usage("--format pdf needs --out DIR");
  }
  auto open = open_store(given.directory);
  if (!open) return fail(open.error());
  const auto request = given.period.request(*open);
  if (!request) return wrong_usage(request.error().message);
  const auto locator = open_locator(open->settings);
  const auto databases = locator ? described((*locator)->databases()) : std::vector<std::string>{};
  auto brief =
      compose(open->catalogue, *open->store, *open->database, *request, open->settings.constituency.name, databases);
  if (!brief) return fail(brief.error());
  if (given.sensitivity) {
    if (!locator) return fail(locator.error());
    const auto relays = load_relays(relays_file().string(), open->settings.relays);
    if (!relays) return fail(relays.error());
    auto rows = sensitivity_of(*brief, open->catalogue, *open->store, *open->database, **locator,
                               Constituency(open->settings.constituency), *relays);
    if (!rows) return fail(rows.error());
    brief->sensitivity = std::move(*rows);
  }
  if (given.out.empty()) {
    fmt::print("{}", rendered(*brief, documents.front()));
    return 0;
  }
  const auto written = write_documents(*brief, documents, given.out, [&](const std::string& name) {
    fmt::print("{}\n", (std::filesystem::path(given.out) / name).string());
  });
  if (!written) return fail(written.error());
  // A store that can't be written to has no key to sign with: the brief is good without.
  if (const auto is_signed = sign_documents(*brief, documents, given.out, given.directory); !is_signed) {
    fmt::print(stderr, "tocsin: the brief is not signed: {}\n", printable(is_signed.error().message, 2000));
    return 0;
  }
  fmt::print("{}\n", (std::filesystem::path(given.out) / "brief.sig.json").string());
  return 0;
}

}  // namespace

void add_report(CLI::App& app, Chosen& chosen) {
  auto given = std::make_shared<ReportCommand>();
  CLI::App* command = app.add_subcommand("report", "Publish the brief of a period");
  add_store_option(*command, given->directory);
  given->period.add_to(*command);
  command->add_option("--format", given->formats, "html, pdf, md, json, csv; several with commas")
      ->delimiter(',')
      ->check(CLI::IsMember({"html", "pdf", "md", "json", "csv"}))
      ->capture_default_str();
  command->add_option("--lang", given->languages, "en, zh; several with commas give brief.en.html, brief.zh.html, …")
      ->delimiter(',')
      ->check(CLI::IsMember({"en", "zh"}))
      ->capture_default_str();
  command->add_option("--out", given->out,
                      "Directory for brief.html, brief.md, … and their signature; without it, to standard output");
  command->add_flag("--sensitivity", given->sensitivity,
                    "Add what the figures would be with the other location database, without relays and hosting, and "
                    "with suspected sightings");
  command->callback([=, &chosen] { chosen = [=] { return report(*given); }; });
}

}  // namespace tocsin::cli
