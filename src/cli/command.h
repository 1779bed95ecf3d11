// The commands of the program: each adds itself to the command line. A command's function gives the exit status:
// 0 done; 1 could not be done; 2 wrong usage; 3 done, but some input was skipped.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/expected.h"
#include "base/time.h"
#include "collect/indicator.h"
#include "figures/figure.h"
#include "pipeline/settings.h"
#include "store/sighting_store.h"

namespace CLI {
class App;
}

namespace tocsin::cli {

// Set by the command that the user chose; main calls it.
using Chosen = std::function<int()>;

void add_init(CLI::App& app, Chosen& chosen);
void add_watch(CLI::App& app, Chosen& chosen);
void add_inspect(CLI::App& app, Chosen& chosen);
void add_figure(CLI::App& app, Chosen& chosen);
void add_report(CLI::App& app, Chosen& chosen);
void add_trace(CLI::App& app, Chosen& chosen);
void add_verify(CLI::App& app, Chosen& chosen);
void add_locate(CLI::App& app, Chosen& chosen);
void add_simulate(CLI::App& app, Chosen& chosen);
void add_doctor(CLI::App& app, Chosen& chosen);
void add_serve(CLI::App& app, Chosen& chosen);
void add_user(CLI::App& app, Chosen& chosen);
void add_rules(CLI::App& app, Chosen& chosen);

// "tocsin: MESSAGE" on standard error; gives 1.
int fail(const Error& error);
int wrong_usage(const std::string& message);  // gives 2

// The store of --store, else of TOCSIN_STORE, else the working directory.
void add_store_option(CLI::App& command, std::string& directory);

// A store with its settings and the catalogue, opened for reading.
struct OpenStore {
  std::unique_ptr<SightingStore> store;
  Settings settings;
  Catalogue catalogue;
  std::unique_ptr<Database> database;
};
Expected<OpenStore> open_store(const std::string& directory);

// --from --to --zone --confidence, as commands that ask figures take them. Without --from and --to: the days that the
// store has sightings of.
struct PeriodOptions {
  std::string from, to, zone, confidence = "probable";
  void add_to(CLI::App& command);
  Expected<FigureRequest> request(OpenStore& store) const;
};

}  // namespace tocsin::cli
