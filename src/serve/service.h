// The server with all it needs, until it is told to stop.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "accounts/open_id.h"
#include "base/expected.h"
#include "figures/figure.h"
#include "http/server.h"
#include "pipeline/settings.h"
#include "pipeline/watch.h"
#include "store/sighting_store.h"

namespace tocsin::serve {

struct ServiceOptions {
  ServerOptions server;
  std::string page;  // directory of the page's files; empty: the API alone
  std::optional<OpenIdSettings> open_id;
  std::vector<std::string> watched;  // sources that are read into the store, again and again
  std::chrono::seconds every{60};    // pause between two readings
  std::function<bool()> interrupted = [] { return false; };
};

struct ServiceEvents {
  // Listening on this port; has_accounts: somebody can sign in.
  std::function<void(std::uint16_t port, bool has_accounts)> listening;
  std::function<void(const Expected<WatchReport>& report)> watched;  // after each reading of the sources
};

// Runs until interrupted() says so, which is asked ten times a second.
Expected<void> run_service(SightingStore& store, const Settings& settings, const Catalogue& catalogue,
                           const ServiceOptions& options, const ServiceEvents& events);

}  // namespace tocsin::serve
