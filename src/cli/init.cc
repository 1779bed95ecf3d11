#include <fcntl.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/country_name.h"
#include "cli/command.h"

namespace tocsin::cli {
namespace {

struct InitOptions {
  std::string directory, country, config, name;
};

int init(const InitOptions& options) {
  namespace fs = std::filesystem;
  std::string text;
  std::error_code error;
  if (!options.config.empty()) {
    if (const auto settings = load_settings(options.config); !settings) return fail(settings.error());
    std::ifstream file(options.config);
    std::ostringstream content;
    content << file.rdbuf();
    text = content.str();
    // Its paths stay relative to where it was.
    if (fs::absolute(options.config, error).parent_path().lexically_normal() !=
            fs::absolute(options.directory, error).lexically_normal() &&
        text.find("\ndirectory = ") == std::string::npos && !text.starts_with("directory = ")) {
      std::string quoted;
      for (const char c : fs::absolute(options.config, error).parent_path().lexically_normal().string()) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
      }
      text = fmt::format("# Paths are relative to this directory.\ndirectory = \"{}\"\n\n{}", quoted, text);
    }
  } else {
    const auto country = CountryCode::parse(options.country);
    if (!country) return wrong_usage("--country takes an ISO 3166 alpha-2 code, such as CZ");
    text = default_settings(*country, options.name.empty() ? country_name(*country) : options.name);
  }
  const fs::path settings = fs::path(options.directory) / "tocsin.toml";
  fs::create_directories(options.directory, error);
  if (error) return fail({fmt::format("{}: {}", options.directory, error.message())});
  if (fs::exists(fs::path(options.directory) / "ledger.jsonl", error)) {
    return fail({fmt::format("{}: is a store already; its settings are in {}", options.directory, settings.string())});
  }
  const bool in_place =
      fs::exists(settings, error) && !options.config.empty() && fs::equivalent(settings, options.config, error);
  if (!in_place && fs::exists(settings, error)) {
    return fail({fmt::format("{}: is there already; use it with --config {}", settings.string(), settings.string())});
  }
  if (const auto made = SightingStore::create(options.directory); !made) return fail(made.error());
  if (!in_place) {
    std::ofstream file(settings);
    file << text;
    file.close();
    if (!file) return fail({fmt::format("{}: could not be written", settings.string())});
  }
  fmt::print("Made the store {}. Its settings are in {}.\nNext: tocsin watch --store {} SOURCE…\n", options.directory,
             settings.string(), options.directory);
  return 0;
}

}  // namespace

void add_init(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<InitOptions>();
  CLI::App* command = app.add_subcommand("init", "Make a store with a commented tocsin.toml");
  command->add_option("directory", options->directory, "Where the store shall be")->required();
  auto* country =
      command->add_option("--country", options->country, "Country to protect: ISO 3166 alpha-2, such as CZ");
  auto* config =
      command->add_option("--config", options->config, "Settings to begin with instead")->check(CLI::ExistingFile);
  command->add_option("--name", options->name, "Name of the constituency (default: the country's)");
  country->excludes(config);
  command->callback([=, &chosen] {
    if (options->country.empty() && options->config.empty()) {
      throw CLI::ValidationError("init", "give --country CC or --config FILE");
    }
    chosen = [=] { return init(*options); };
  });
}

}  // namespace tocsin::cli
