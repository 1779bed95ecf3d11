// Detectors: batches of observations in, sightings out. Deterministic for a given order of input; state is bounded.
// A sighting's first and last seen lie within one hour (UTC): a detector gives one a hour, with the count of that
// hour, so that sums over sightings count nothing twice.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "collect/observation.h"
#include "detect/sighting.h"

namespace tocsin {

class Detector {
 public:
  virtual ~Detector() = default;
  virtual std::string_view name() const = 0;
  virtual void observe(const Batch& batch, SightingSink& sink) = 0;
  // The input has ended: judge what is held.
  virtual void finish(SightingSink& sink) = 0;
};

// Whether an address belongs to those protected.
using InsideTest = std::function<bool(const IpAddress&)>;

class IndicatorSet;  // detect/indicator_set.h

std::unique_ptr<Detector> make_indicator_detector(std::shared_ptr<const IndicatorSet> indicators, InsideTest inside);
std::unique_ptr<Detector> make_beacon_detector(InsideTest inside);
std::unique_ptr<Detector> make_scan_detector(InsideTest inside);
// rules_path: rules/alerts.toml, the table from signature and category to kind.
Expected<std::unique_ptr<Detector>> make_alert_detector(const std::string& rules_path, InsideTest inside);
// What other parties report, taken as they say it; phishing is left to the phishing detector.
std::unique_ptr<Detector> make_report_detector();
// brands: files of protected brands, as constituencies/brands.toml describes them.
Expected<std::unique_ptr<Detector>> make_phishing_detector(const std::vector<std::string>& brands);
// marks_path: rules/defacement.toml. baseline: files (WARC) of pages known to be clean.
Expected<std::unique_ptr<Detector>> make_defacement_detector(const std::string& marks_path,
                                                             const std::vector<std::string>& baseline);
// marks_path: rules/web-shells.toml.
Expected<std::unique_ptr<Detector>> make_web_shell_detector(const std::string& marks_path);
// rules_path: rules/web-attacks.toml.
Expected<std::unique_ptr<Detector>> make_web_attack_detector(const std::string& rules_path);

}  // namespace tocsin
