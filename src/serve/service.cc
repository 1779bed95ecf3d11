#include "serve/service.h"

#include <condition_variable>
#include <exception>
#include <filesystem>
#include <thread>

#include "accounts/accounts.h"
#include "accounts/state_database.h"
#include "base/hash.h"
#include "pipeline/installation.h"
#include "serve/api.h"
#include "serve/briefs.h"
#include "serve/cases.h"
#include "serve/live.h"

namespace tocsin::serve {
namespace {

constexpr std::size_t kMostRows = std::size_t{32} << 20;  // bytes of single sightings that are kept

// By a store of its own. What goes wrong with a source, be it by an exception, must not end the server.
Expected<WatchReport> read_sources(const std::string& directory, const Settings& settings,
                                   const std::vector<std::string>& sources, const WatchOptions& options) {
  try {
    auto store = SightingStore::open(directory);
    if (!store) return std::unexpected(store.error());
    return watch(**store, settings, sources, options);
  } catch (const std::exception& error) {
    return failure(error.what());
  }
}

// Reads the sources again and again.
std::jthread watcher_of(const std::string& directory, const Settings& settings, const ServiceOptions& options,
                        const ServiceEvents& events) {
  return std::jthread([&, directory](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any woken;
    while (!stop.stop_requested()) {
      WatchOptions watch_options;
      watch_options.interrupted = [&stop] { return stop.stop_requested(); };
      events.watched(read_sources(directory, settings, options.watched, watch_options));
      std::unique_lock lock(mutex);
      woken.wait_for(lock, stop, options.every, [] { return false; });
    }
  });
}

}  // namespace

Expected<void> run_service(SightingStore& store, const Settings& settings, const Catalogue& catalogue,
                           const ServiceOptions& options, const ServiceEvents& events) {
  auto state = StateDatabase::open(store.directory() + "/state.db");
  if (!state) return std::unexpected(state.error());
  auto accounts = Accounts::open(**state);
  if (!accounts) return std::unexpected(accounts.error());
  auto cases = Cases::open(**state);
  if (!cases) return std::unexpected(cases.error());
  auto briefs = Briefs::open(**state, store.directory());
  if (!briefs) return std::unexpected(briefs.error());
  const auto locator = open_locator(settings);
  if (!locator) return std::unexpected(locator.error());
  const Constituency constituency(settings.constituency);
  std::optional<OpenId> open_id;
  if (options.open_id) open_id.emplace(*options.open_id);
  std::shared_ptr<const Assets> assets;
  if (!options.page.empty()) {
    auto loaded = Assets::load(options.page);
    if (!loaded) return std::unexpected(loaded.error());
    assets = std::make_shared<const Assets>(std::move(*loaded));
  }
  DatabasePool databases;
  AnswerCache answers;
  RowsCache rows(kMostRows);
  // Each store's own.
  std::error_code no_path;
  const auto place = std::filesystem::weakly_canonical(store.directory(), no_path).string();
  const auto kept = cache_directory() / "serve" / hex(sha256(place)).substr(0, 32);
  SegmentIndex index(kept);
  SubjectIndex subjects(kept);
  Context context{.store = store,
                  .settings = settings,
                  .catalogue = catalogue,
                  .locator = **locator,
                  .constituency = constituency,
                  .state = **state,
                  .accounts = **accounts,
                  .cases = **cases,
                  .briefs = **briefs,
                  .open_id = open_id ? &*open_id : nullptr,
                  .databases = databases,
                  .answers = answers,
                  .rows = rows,
                  .index = index,
                  .subjects = subjects};
  const Api api(context, assets);
  auto server = Server::listen(
      options.server, [&api](const Request& request) { return api.handle(request); },
      [&api](const Request& request) { return api.knows(request); }, Api::is_prompt);
  if (!server) return std::unexpected(server.error());
  context.server_counts = [&server] { return (*server)->counts(); };
  const auto administrators = (*accounts)->administrators();
  if (!administrators) return std::unexpected(administrators.error());
  events.listening((*server)->port(), *administrators > 0);

  const LedgerFollower follower(
      context, [&server](const std::string& event, const std::string& json) { (*server)->broadcast(event, json); });
  std::jthread watcher;
  if (!options.watched.empty()) watcher = watcher_of(store.directory(), settings, options, events);
  const std::jthread stopper([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && !options.interrupted())
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    (*server)->stop();
  });
  (*server)->run();
  return {};
}

}  // namespace tocsin::serve
