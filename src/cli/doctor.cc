#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/base64.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "detect/detector.h"
#include "pipeline/installation.h"
#include "pipeline/watch.h"
#include "publish/signature.h"

namespace tocsin::cli {
namespace {
namespace fs = std::filesystem;

struct Finding {
  std::string what;
  bool good = true;
  std::string detail;
  std::string remedy;
};

constexpr std::uint64_t kLowSpace = 1'000'000'000;

void check_location(const Settings& settings, std::vector<Finding>& findings) {
  const std::string remedy = "install them with scripts/setup, or name a directory in [location] of tocsin.toml";
  const auto locator = open_locator(settings);
  if (!locator) {
    findings.push_back({"location databases", false, locator.error().message, remedy});
    return;
  }
  for (const auto& database : (*locator)->databases()) {
    const auto age = (now() - database.date) / kDay;
    findings.push_back({"location database " + database.version, true,
                        fmt::format("{} ({} days old)", database.description, age), ""});
  }
  for (const std::string& warning : (*locator)->warnings())
    findings.push_back({"location databases", false, warning, remedy});
}

void check_directory(const std::string& what, const fs::path& directory, std::vector<Finding>& findings) {
  std::error_code error;
  fs::path place = directory;
  while (!place.empty() && !fs::exists(place, error) && place != place.parent_path()) place = place.parent_path();
  const bool writable = access(place.c_str(), W_OK) == 0;
  findings.push_back({what, writable, fmt::format("{} is {}writable", directory.string(), writable ? "" : "not "),
                      "give the account that runs tocsin the right to write there"});
  const auto space = fs::space(place, error);
  if (error) return;
  findings.push_back({what + ": free space", space.available > kLowSpace, with_bytes(space.available),
                      "free at least " + with_bytes(kLowSpace)});
}

void check_signing(const fs::path& directory, std::vector<Finding>& findings) {
  std::error_code error;
  if (!fs::exists(directory / kSigningKeyFile, error)) {
    findings.push_back({"key that signs briefs", true, "none yet; the first tocsin report --out makes it", ""});
    return;
  }
  const auto key = SigningKey::in(directory);
  const auto published = public_key_in(directory);
  const bool good = key && published && *published == key->public_key();
  findings.push_back({"key that signs briefs", good,
                      !key         ? key.error().message
                      : !published ? published.error().message
                      : good       ? "public key " + base64(key->public_key())
                                   : "signing.pub is not the public key of signing.key",
                      "restore signing.key and signing.pub from a backup"});
}

void check_weasyprint(std::vector<Finding>& findings) {
  const char* path = std::getenv("PATH");
  std::istringstream directories(path == nullptr ? "" : path);
  std::string found = "not installed: briefs can't be made as PDF";
  for (std::string each; std::getline(directories, each, ':');) {
    const fs::path program = fs::path(each.empty() ? "." : each) / "weasyprint";
    if (access(program.c_str(), X_OK) == 0) {
      found = program.string();
      break;
    }
  }
  // Who wants no PDF needs none, so it is no fault.
  findings.push_back({"WeasyPrint", true, found, ""});
}

int doctor(const std::string& directory, bool json) {
  std::vector<Finding> findings;
  const std::string installed = "install Tocsin again: its files stand below share/tocsin beside bin/";
  if (auto database = Database::open()) {
    const auto version = (*database)->query("SELECT version()");
    const auto parquet =
        (*database)->query("SELECT function_name FROM duckdb_functions() WHERE function_name = 'read_parquet'");
    findings.push_back({"DuckDB", version && parquet && !parquet->rows.empty(),
                        version ? std::get<std::string>(version->rows.at(0).at(0)) : version.error().message,
                        installed});
  } else {
    findings.push_back({"DuckDB", false, database.error().message, installed});
  }
  const auto catalogue = Catalogue::load((share_directory() / "figures").string(),
                                         (share_directory() / "constituencies" / "sectors.toml").string());
  findings.push_back({"catalogue of figures", catalogue.has_value(),
                      catalogue ? fmt::format("{} figures", catalogue->figures().size()) : catalogue.error().message,
                      installed});
  const auto alerts = make_alert_detector((share_directory() / "rules" / "alerts.toml").string(),
                                          [](const IpAddress&) { return false; });
  findings.push_back(
      {"table of alerts", alerts.has_value(), alerts ? "rules/alerts.toml" : alerts.error().message, installed});
  Settings settings;
  const fs::path settings_path = fs::path(directory) / "tocsin.toml";
  std::error_code error;
  if (fs::exists(settings_path, error)) {
    auto loaded = load_settings(settings_path.string());
    findings.push_back({"settings", loaded.has_value(), loaded ? settings_path.string() : loaded.error().message,
                        "mend the line named"});
    if (loaded) settings = std::move(*loaded);
    const auto store = SightingStore::open(directory);
    std::string detail = store ? "" : store.error().message;
    bool good = store.has_value();
    if (store) {
      const auto wrong = (*store)->verify();
      good = wrong && wrong->empty();
      detail = !wrong           ? wrong.error().message
               : wrong->empty() ? "ledger and segments are sound"
                                : fmt::format("{} findings", wrong->size());
    }
    findings.push_back({"store", good, detail, "tocsin verify says what is wrong; restore those files from a backup"});
    check_directory("store directory", directory, findings);
    check_signing(directory, findings);
  }
  check_location(settings, findings);
  check_weasyprint(findings);
  check_directory("cache directory", cache_directory(), findings);
  bool sound = true;
  std::vector<std::vector<std::string>> rows;
  nlohmann::json list = nlohmann::json::array();
  for (const Finding& finding : findings) {
    sound = sound && finding.good;
    rows.push_back({finding.good ? "ok" : "FAIL", finding.what, finding.detail});
    if (!finding.good) rows.push_back({"", "", "remedy: " + finding.remedy});
    list.push_back({{"what", finding.what},
                    {"ok", finding.good},
                    {"detail", finding.detail},
                    {"remedy", finding.good ? "" : finding.remedy}});
  }
  if (json) {
    fmt::print("{}\n", nlohmann::json{{"ok", sound}, {"findings", list}}.dump(
                           2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    fmt::print("{}", table({{""}, {"what"}, {"found"}}, rows));
  }
  return sound ? 0 : 1;
}

}  // namespace

void add_doctor(CLI::App& app, Chosen& chosen) {
  struct Given {
    std::string directory;
    bool json = false;
  };
  auto given = std::make_shared<Given>();
  CLI::App* command = app.add_subcommand("doctor", "Say what of the installation works, and how to mend what doesn't");
  add_store_option(*command, given->directory);
  command->add_flag("--json", given->json, "Print JSON");
  command->callback([=, &chosen] { chosen = [=] { return doctor(given->directory, given->json); }; });
}

}  // namespace tocsin::cli
