#include "publish/report.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <sstream>

#include "base/text.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "pipeline/installation.h"
#include "pipeline/relays.h"
#include "pipeline/sensitivity.h"
#include "pipeline/watch.h"
#include "publish/pdf.h"
#include "publish/signature.h"

namespace tocsin::cli {
namespace {
namespace fs = std::filesystem;

struct ReportCommand {
  std::string directory, out;
  std::vector<std::string> formats = {"md"};
  std::vector<std::string> languages = {"en"};
  bool sensitivity = false;
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

bool for_people(const std::string& format) { return format != "json" && format != "csv"; }

std::string outlines_of_countries() {
  std::ifstream file(share_directory() / "map" / "countries-110m.json");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string rendered(const Brief& brief, const std::string& format, Language language) {
  if (format == "json") return to_json(brief);
  if (format == "csv") return to_csv(brief);
  if (format == "md") return to_markdown(brief, language);
  return to_html(brief, outlines_of_countries(), language, format == "pdf" ? Medium::kPaper : Medium::kScreen);
}

// A file of a brief: brief.html, of several languages brief.en.html, brief.zh.html. JSON and CSV hold all languages.
struct Document {
  std::string name, format;
  Language language = Language::kEnglish;
};

std::vector<Document> documents_of(const ReportCommand& given) {
  std::vector<Document> documents;
  const auto add = [&](Document document) {
    const auto same = [&](const Document& each) { return each.name == document.name; };
    if (std::ranges::none_of(documents, same)) documents.push_back(std::move(document));
  };
  for (const std::string& format : given.formats) {
    for (const std::string& code : given.languages) {
      const bool several = given.languages.size() > 1 && for_people(format);
      add({several ? fmt::format("brief.{}.{}", code, format) : "brief." + format, format,
           language_of(code).value_or(Language::kEnglish)});
    }
  }
  return documents;
}

// Signs what was written. A store that can't be written to has no key to sign with: the brief is good without.
int sign(const ReportCommand& given, const Brief& brief, const std::vector<Document>& documents) {
  const fs::path path = fs::path(given.out) / "brief.sig.json";
  const auto key = SigningKey::in(given.directory);
  if (!key) {
    std::error_code error;
    fs::remove(path, error);  // of an earlier brief
    fmt::print(stderr, "tocsin: the brief is not signed: {}\n", printable(key.error().message, 2000));
    return 0;
  }
  std::vector<std::string> names;
  for (const Document& document : documents) names.push_back(document.name);
  const auto signature = sign_files(*key, given.out, names, brief.ledger);
  if (!signature) return fail(signature.error());
  if (const auto saved = save(path, *signature); !saved) return fail(saved.error());
  fmt::print("{}\n", path.string());
  return 0;
}

int report(const ReportCommand& given) {
  const std::vector<Document> documents = documents_of(given);
  if (given.out.empty()) {
    if (documents.size() != 1) return wrong_usage("several formats or languages need --out DIR");
    if (documents.front().format == "pdf") return wrong_usage("--format pdf needs --out DIR");
  }
  auto open = open_store(given.directory);
  if (!open) return fail(open.error());
  const auto request = given.period.request(*open);
  if (!request) return wrong_usage(request.error().message);
  std::vector<std::string> databases;
  const auto locator = open_locator(open->settings);
  if (locator) {
    for (const auto& database : (*locator)->databases()) {
      databases.push_back(fmt::format("{}: {}", database.version, database.description));
    }
  }
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
    fmt::print("{}", rendered(*brief, documents.front().format, documents.front().language));
    return 0;
  }
  std::error_code error;
  fs::create_directories(given.out, error);
  if (error) return fail({fmt::format("{}: {}", given.out, error.message())});
  const auto write = [&](const Document& document) {
    const fs::path path = fs::path(given.out) / document.name;
    const std::string text = rendered(*brief, document.format, document.language);
    return document.format == "pdf" ? write_pdf(text, path) : save(path, text);
  };
  // PDFs take longest and are made by processes of their own: all at once, while the rest is written.
  std::vector<std::future<Expected<void>>> written;
  for (const Document& document : documents) {
    const auto when = document.format == "pdf" ? std::launch::async : std::launch::deferred;
    written.push_back(std::async(when, write, std::cref(document)));
  }
  for (std::size_t i = 0; i < documents.size(); ++i) {
    if (const auto saved = written[i].get(); !saved) return fail(saved.error());
    fmt::print("{}\n", (fs::path(given.out) / documents[i].name).string());
  }
  return sign(given, *brief, documents);
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
