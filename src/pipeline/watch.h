// The pipeline: from sources into the store, or into a sink without one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/expected.h"
#include "detect/detector.h"
#include "locate/locator.h"
#include "pipeline/settings.h"
#include "pipeline/sources.h"
#include "store/sighting_store.h"

namespace tocsin {

struct Progress {
  std::uint64_t bytes = 0;  // of the sources read
  std::uint64_t total = 0;  // of all of them
  std::uint64_t sightings = 0;
};

struct WatchOptions {
  std::vector<std::pair<std::string, IndicatorDefaults>> indicators;  // beside those of the settings
  std::vector<std::string> rules;                                     // the same
  bool again = false;  // judge sources anew that were read before; their sightings are replaced
  std::function<void(const Progress&)> progress = [](const Progress&) {};
  std::function<bool()> interrupted = [] { return false; };
};

// What became of one source.
struct SourceOutcome {
  SourceRecord record;
  enum class State { kRead, kKnown, kGrown, kUnknownFormat, kEmpty, kFailed } state = State::kRead;
  std::string beginning_of;  // kKnown: the longer source that has all of this one; empty if it is this one itself
  std::uint64_t passed_over = 0;
  std::string error;
};

struct WatchReport {
  std::vector<SourceOutcome> sources;
  std::vector<IndicatorFileReport> indicators;
  std::map<std::string, std::uint64_t> observations;  // "flows", "dns", "http", "tls", "alerts", "reports", "pages"
  std::map<std::pair<Kind, Confidence>, std::uint64_t> sightings;
  std::vector<std::string> warnings;
  CommitReport commit;
  bool interrupted = false;
  // Anything of the input that was not taken: exit status 3.
  bool skipped() const;
};

// The databases of settings, or of the installation.
Expected<std::unique_ptr<Locator>> open_locator(const Settings& settings);

// The detectors, in the order in which they see each batch.
Expected<std::vector<std::unique_ptr<Detector>>> make_detectors(const Settings& settings, const WatchOptions& options,
                                                                InsideTest inside,
                                                                std::vector<IndicatorFileReport>& reports);

// Reads the sources to their end; all that they show is committed at once, or nothing is.
Expected<WatchReport> watch(SightingStore& store, const Settings& settings, const std::vector<std::string>& paths,
                            const WatchOptions& options);

// The same without a store: sightings go to sink, batches also to seen.
Expected<WatchReport> inspect(const Settings& settings, const std::vector<std::string>& paths,
                              const WatchOptions& options, SightingSink& sink,
                              const std::function<void(const Batch&)>& seen);

}  // namespace tocsin
