#include "pipeline/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <filesystem>
#include <utility>

#include "detect/indicator_set.h"
#include "pipeline/evidence.h"
#include "pipeline/installation.h"
#include "pipeline/packet_rules.h"
#include "pipeline/prepare.h"
#include "pipeline/spool.h"
#include "pipeline/threads.h"

namespace tocsin {
namespace {
namespace fs = std::filesystem;

// Puts a sighting where it was, counts it, and hands it on.
class LocatingSink : public SightingSink {
 public:
  LocatingSink(const Locator& locator, const Constituency& constituency, WatchReport& report,
               std::function<void(Sighting&&)> next)
      : locator_(locator), constituency_(constituency), report_(report), next_(std::move(next)) {}

  void sight(Sighting&& sighting) override {
    locate_sighting(sighting, locator_, constituency_);
    ++report_.sightings[{sighting.kind, sighting.confidence}];
    next_(std::move(sighting));
  }

 private:
  const Locator& locator_;
  const Constituency& constituency_;
  WatchReport& report_;
  std::function<void(Sighting&&)> next_;
};

// Counts what goes through.
class CountingSink : public SightingSink {
 public:
  explicit CountingSink(SightingSink& next) : next_(next) {}
  void sight(Sighting&& sighting) override {
    ++count_;
    next_.sight(std::move(sighting));
  }
  std::uint64_t count() const { return count_; }

 private:
  SightingSink& next_;
  std::uint64_t count_ = 0;
};

// The files of a run; what can be read only once is copied into a directory.
class Inputs {
 public:
  Inputs(const std::vector<std::string>& paths, const std::string& directory,
         const std::function<bool()>& interrupted) {
    for (const std::string& path : paths) {
      NamedInput& input = inputs_.emplace_back();
      input.name = path == "-" ? "standard input" : path;
      input.path = path;
      input.spooled = path == "-" || is_read_once(path);
      if (!input.spooled) continue;
      auto copy = spools_.emplace_back().take(path, directory, interrupted);
      if (copy) {
        input.path = *copy;
      } else {
        input.failure = copy.error();
      }
    }
  }
  const std::vector<NamedInput>& all() const { return inputs_; }

 private:
  std::deque<Spool> spools_;
  std::vector<NamedInput> inputs_;
};

// The files of paths, but for the settings and what they name: a directory may hold these beside its sources.
Expected<std::vector<std::string>> sources_at(const std::vector<std::string>& paths, const Settings& settings) {
  auto files = walk(paths);
  if (!files) return files;
  std::erase_if(*files, [&settings](const std::string& path) {
    return std::ranges::find(settings.files, fs::absolute(path).lexically_normal().string()) != settings.files.end();
  });
  return files;
}

void count_observations(const Batch& batch, WatchReport& report) {
  report.observations["flows"] += batch.flows.size();
  report.observations["dns"] += batch.dns.size();
  report.observations["http"] += batch.http.size();
  report.observations["tls"] += batch.tls.size();
  report.observations["alerts"] += batch.alerts.size();
  report.observations["reports"] += batch.reports.size();
  report.observations["pages"] += batch.pages.size();
}

// collect → dissect → detect → locate, for the sources prepared; false if interrupted. Three threads, each some steps
// ahead of the next: one reads, this one detects, and, if write_apart, one locates and writes. Each sees everything in
// the same order as if there were one.
Expected<bool> run(const Settings& settings, const WatchOptions& options, const Prepared& prepared, WatchReport& report,
                   const std::function<void(const Batch&)>& seen, const std::function<void(Sighting&&)>& sighted,
                   bool write_apart) {
  auto locator = open_locator(settings);
  if (!locator) return std::unexpected(locator.error());
  for (const std::string& warning : (*locator)->warnings()) report.warnings.push_back(warning);
  const Constituency constituency(settings.constituency);
  const bool by_location = !settings.constituency.countries.empty() || !settings.constituency.as_numbers.empty();
  const Locator& where = **locator;
  // Whether an address is inside is asked for the time of the batch that is observed.
  Timestamp time = 0;
  const InsideTest inside = [&constituency, &where, by_location, &time](const IpAddress& ip) {
    if (constituency.has_prefix_of(ip)) return true;
    if (!by_location) return false;
    const Location location = where.locate(ip, time);
    return constituency.contains(ip, location.country, location.asn);
  };
  auto detectors = make_detectors(settings, options, inside, report.indicators);
  if (!detectors) return std::unexpected(detectors.error());
  LocatingSink located(where, constituency, report, sighted);
  std::optional<SinkThread> writer;
  if (write_apart) writer.emplace(located);
  CountingSink sink(write_apart ? static_cast<SightingSink&>(*writer) : located);
  Progress progress;
  for (const SourceFile& file : prepared.files) progress.total += file.record.bytes;
  std::unique_ptr<PacketRules> rules;
  if (auto files = settings.rules; !files.empty() || !options.rules.empty()) {
    files.insert(files.end(), options.rules.begin(), options.rules.end());
    auto made = PacketRules::make(
        files, settings.constituency,
        [&where](const IpAddress& ip, Timestamp at) { return std::string(where.locate(ip, at).country.text()); },
        report.warnings);
    if (!made) return std::unexpected(made.error());
    rules = std::move(*made);
  }
  ReadingThread reading(prepared.files, rules.get(), [&](std::size_t index, const SourceReader& reader) {
    SourceOutcome& outcome = report.sources[prepared.outcome_of[index]];
    const Skips skips = reader.skips();
    outcome.record.records = reader.records();
    outcome.record.skipped = skips.count();
    outcome.record.skipped_by_reason = skips.by_reason();
    outcome.record.examples = skips.examples();
    outcome.passed_over = reader.passed_over();
  });
  ReadingThread::Step step;
  bool is_interrupted = false;
  while (!is_interrupted && !(writer && writer->is_broken()) && reading.next(step)) {
    count_observations(step.batch, report);
    seen(step.batch);
    time = first_time(step.batch).value_or(time);
    for (const auto& detector : *detectors) detector->observe(step.batch, sink);
    progress.bytes = step.bytes;
    progress.sightings = sink.count();
    options.progress(progress);
    is_interrupted = options.interrupted();
  }
  const auto finished = reading.finish();
  if (writer && writer->is_broken()) writer->finish();
  if (!finished) return finished;
  if (is_interrupted) return false;
  for (const auto& detector : *detectors) detector->finish(sink);
  if (writer) writer->finish();
  return true;
}

}  // namespace

bool WatchReport::skipped() const {
  const auto bad = [](const SourceOutcome& s) {
    return s.record.skipped > 0 || s.state == SourceOutcome::State::kFailed ||
           s.state == SourceOutcome::State::kUnknownFormat;
  };
  return std::ranges::any_of(sources, bad) ||
         std::ranges::any_of(indicators, [](const IndicatorFileReport& r) { return r.skips.count() > 0; });
}

Expected<std::unique_ptr<Locator>> open_locator(const Settings& settings) {
  const std::string directory =
      settings.location_directory.empty() ? (share_directory() / "location").string() : settings.location_directory;
  return Locator::open(directory, cache_directory().string());
}

Expected<std::vector<std::unique_ptr<Detector>>> make_detectors(const Settings& settings, const WatchOptions& options,
                                                                InsideTest inside,
                                                                std::vector<IndicatorFileReport>& reports) {
  std::vector<std::unique_ptr<Detector>> detectors;
  std::optional<Error> error;
  const auto add = [&](auto made) {
    if (made) {
      detectors.push_back(std::move(*made));
    } else if (!error) {
      error = made.error();
    }
  };
  auto indicators = settings.indicators;
  indicators.insert(indicators.end(), options.indicators.begin(), options.indicators.end());
  if (!indicators.empty()) {
    auto set = load_indicators(indicators, reports);
    if (!set) return std::unexpected(set.error());
    detectors.push_back(make_indicator_detector(std::move(*set), inside));
  }
  const auto rules = [](const char* name) { return (share_directory() / "rules" / name).string(); };
  add(make_alert_detector(rules("alerts.toml"), inside));
  detectors.push_back(make_report_detector());
  auto brands = settings.brands;
  brands.push_back((share_directory() / "constituencies" / "brands.toml").string());
  add(make_phishing_detector(brands));
  add(make_defacement_detector(rules("defacement.toml"), settings.baseline));
  add(make_web_attack_detector(rules("web-attacks.toml")));
  add(make_web_shell_detector(rules("web-shells.toml")));
  detectors.push_back(make_scan_detector(inside));
  detectors.push_back(make_beacon_detector(inside));
  if (error) return std::unexpected(*error);
  return detectors;
}

Expected<WatchReport> watch(SightingStore& store, const Settings& settings, const std::vector<std::string>& paths,
                            const WatchOptions& options) {
  const auto files = sources_at(paths, settings);
  if (!files) return std::unexpected(files.error());
  auto writer = store.begin();
  if (!writer) return std::unexpected(writer.error());
  const auto known = store.sources();
  if (!known) return std::unexpected(known.error());
  const Inputs inputs(*files, store.directory(), options.interrupted);
  WatchReport report;
  const Prepared prepared = prepare(inputs.all(), *known, options.again, report);
  if (prepared.files.empty()) return report;
  std::optional<Error> unwritten;
  // What cannot be written is not worth reading on for.
  std::atomic<bool> is_unwritten = false;
  WatchOptions until_unwritten = options;
  until_unwritten.interrupted = [&] { return is_unwritten || options.interrupted(); };
  const auto finished = run(
      settings, until_unwritten, prepared, report, [](const Batch&) {},
      [&](Sighting&& sighting) {
        if (unwritten) return;
        const SourceRecord& source = prepared.files[sighting.place.source].record;
        std::string evidence = evidence_text(sighting.place);
        const auto done = (*writer)->append(std::move(sighting), source.id, std::move(evidence));
        if (done) return;
        unwritten = done.error();
        is_unwritten = true;
      },
      true);
  if (!finished) return std::unexpected(finished.error());
  if (unwritten) return std::unexpected(*unwritten);
  if (!*finished) {
    report.interrupted = true;
    return report;
  }
  std::vector<SourceRecord> records;
  for (const std::size_t outcome : prepared.outcome_of) records.push_back(report.sources[outcome].record);
  auto commit = (*writer)->commit(records, prepared.replaces);
  if (!commit) return std::unexpected(commit.error());
  report.commit = *commit;
  if (const auto compacted = (*writer)->compact(); !compacted) report.warnings.push_back(compacted.error().message);
  return report;
}

Expected<WatchReport> inspect(const Settings& settings, const std::vector<std::string>& paths,
                              const WatchOptions& options, SightingSink& sink,
                              const std::function<void(const Batch&)>& seen) {
  const auto files = sources_at(paths, settings);
  if (!files) return std::unexpected(files.error());
  std::error_code error;
  const Inputs inputs(*files, fs::temp_directory_path(error).string(), options.interrupted);
  WatchReport report;
  const Prepared prepared = prepare(inputs.all(), {}, options.again, report);
  const auto finished = run(
      settings, options, prepared, report, seen, [&sink](Sighting&& sighting) { sink.sight(std::move(sighting)); },
      false);
  if (!finished) return std::unexpected(finished.error());
  report.interrupted = !*finished;
  return report;
}

}  // namespace tocsin
