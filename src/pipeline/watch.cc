#include "pipeline/watch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "detect/indicator_set.h"
#include "pipeline/installation.h"

namespace tocsin {
namespace {
namespace fs = std::filesystem;

// Standard input is kept in a file while it is read, so that it is hashed and recognised like any other source.
class Spool {
 public:
  Spool() = default;
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  ~Spool() {
    if (!path_.empty()) unlink(path_.c_str());
  }
  Expected<std::string> take(const std::string& directory, const std::function<bool()>& interrupted) {
    std::string name = directory + "/tocsin-input-XXXXXX";
    const int file = mkstemp(name.data());
    if (file < 0) return failure(fmt::format("{}: {}", directory, std::strerror(errno)));
    path_ = name;
    std::vector<char> buffer(1 << 20);
    std::optional<Error> error;
    while (!error && !interrupted()) {
      const ssize_t got = read(STDIN_FILENO, buffer.data(), buffer.size());
      if (got == 0) break;
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 || write(file, buffer.data(), static_cast<std::size_t>(got)) != got) {
        error = Error{fmt::format("standard input to {}: {}", name, std::strerror(errno))};
      }
    }
    close(file);
    if (error) return std::unexpected(*error);
    return path_;
  }

 private:
  std::string path_;
};

// Puts a sighting where it was, counts it, and hands it on.
class LocatingSink : public SightingSink {
 public:
  LocatingSink(const Locator& locator, const Constituency& constituency, WatchReport& report,
               std::function<void(Sighting&&)> next)
      : locator_(locator), constituency_(constituency), report_(report), next_(std::move(next)) {}

  void sight(Sighting&& sighting) override {
    locate_sighting(sighting, locator_, constituency_);
    ++report_.sightings[{sighting.kind, sighting.confidence}];
    ++count_;
    next_(std::move(sighting));
  }
  std::uint64_t count() const { return count_; }

 private:
  const Locator& locator_;
  const Constituency& constituency_;
  WatchReport& report_;
  std::function<void(Sighting&&)> next_;
  std::uint64_t count_ = 0;
};

struct Prepared {
  std::vector<SourceFile> files;        // those to read
  std::vector<std::size_t> outcome_of;  // index in report.sources of each
  std::vector<std::string> replaces;    // ids of sources in the store that these take the place of
};

void prepare(const Settings& settings, const std::vector<std::string>& paths, const std::string& stdin_path,
             const std::vector<SourceRecord>& known, const WatchOptions& options, WatchReport& report,
             Prepared& prepared) {
  std::set<std::string> seen;
  for (const std::string& path : paths) {
    // A directory may hold the settings and what they name beside its sources.
    if (std::ranges::find(settings.files, fs::absolute(path).lexically_normal().string()) != settings.files.end()) {
      continue;
    }
    SourceOutcome outcome;
    outcome.record.name = path == "-" ? "standard input" : path;
    auto file = identify(path == "-" ? stdin_path : path, known);
    if (!file) {
      outcome.state = SourceOutcome::State::kFailed;
      outcome.error = file.error().message;
      report.sources.push_back(std::move(outcome));
      continue;
    }
    file->record.name = outcome.record.name;
    outcome.record = file->record;
    if (path == "-") outcome.record.path.clear();
    using enum SourceOutcome::State;
    if (!seen.insert(file->record.sha256).second || (file->known && !options.again)) {
      outcome.state = kKnown;
    } else if (file->format == Format::kEmpty) {
      outcome.state = kEmpty;
    } else if (file->format == Format::kUnknown) {
      outcome.state = kUnknownFormat;
    } else {
      outcome.state = file->grown_from ? kGrown : kRead;
      if (file->known) prepared.replaces.push_back(file->record.id);
      if (file->grown_from) prepared.replaces.push_back(*file->grown_from);
      prepared.outcome_of.push_back(report.sources.size());
      prepared.files.push_back(std::move(*file));
    }
    report.sources.push_back(std::move(outcome));
  }
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

// collect → dissect → detect → locate, for the sources prepared; false if interrupted.
Expected<bool> run(const Settings& settings, const WatchOptions& options, const Prepared& prepared, WatchReport& report,
                   const std::function<void(const Batch&)>& seen, const std::function<void(Sighting&&)>& sighted) {
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
  LocatingSink sink(where, constituency, report, sighted);
  Progress progress;
  for (const SourceFile& file : prepared.files) progress.total += file.record.bytes;
  const auto finished = read_in_order(
      prepared.files,
      [&](const Batch& batch) {
        count_observations(batch, report);
        seen(batch);
        time = first_time(batch).value_or(time);
        for (const auto& detector : *detectors) detector->observe(batch, sink);
      },
      [&](std::size_t index, const SourceReader& reader) {
        SourceOutcome& outcome = report.sources[prepared.outcome_of[index]];
        const Skips skips = reader.skips();
        outcome.record.records = reader.records();
        outcome.record.skipped = skips.count();
        outcome.record.skipped_by_reason = skips.by_reason();
        outcome.record.examples = skips.examples();
        outcome.passed_over = reader.passed_over();
      },
      [&](std::uint64_t bytes) {
        progress.bytes = bytes;
        progress.sightings = sink.count();
        options.progress(progress);
        return options.interrupted();
      });
  if (!finished || !*finished) return finished;
  for (const auto& detector : *detectors) detector->finish(sink);
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
  const auto files = walk(paths);
  if (!files) return std::unexpected(files.error());
  auto writer = store.begin();
  if (!writer) return std::unexpected(writer.error());
  const auto known = store.sources();
  if (!known) return std::unexpected(known.error());
  Spool spool;
  std::string spooled;
  if (std::ranges::find(*files, "-") != files->end()) {
    auto path = spool.take(store.directory(), options.interrupted);
    if (!path) return std::unexpected(path.error());
    spooled = *path;
  }
  WatchReport report;
  Prepared prepared;
  prepare(settings, *files, spooled, *known, options, report, prepared);
  if (prepared.files.empty()) return report;
  std::optional<Error> unwritten;
  const auto finished = run(
      settings, options, prepared, report, [](const Batch&) {},
      [&](Sighting&& sighting) {
        if (unwritten) return;
        const SourceRecord& source = prepared.files[sighting.place.source].record;
        std::string evidence = fmt::format("offset={} record={}", sighting.place.offset, sighting.place.record);
        const auto done = (*writer)->append(std::move(sighting), source.id, std::move(evidence));
        if (!done) unwritten = done.error();
      });
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
  const auto files = walk(paths);
  if (!files) return std::unexpected(files.error());
  Spool spool;
  std::string spooled;
  if (std::ranges::find(*files, "-") != files->end()) {
    std::error_code error;
    auto path = spool.take(fs::temp_directory_path(error).string(), options.interrupted);
    if (!path) return std::unexpected(path.error());
    spooled = *path;
  }
  WatchReport report;
  Prepared prepared;
  prepare(settings, *files, spooled, {}, options, report, prepared);
  const auto finished =
      run(settings, options, prepared, report, seen, [&sink](Sighting&& sighting) { sink.sight(std::move(sighting)); });
  if (!finished) return std::unexpected(finished.error());
  report.interrupted = !*finished;
  return report;
}

}  // namespace tocsin
