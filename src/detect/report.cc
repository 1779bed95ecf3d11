// What other parties report, taken as they say it: a report becomes a sighting of its kind with the reporter's
// confidence. Phishing is left to the phishing detector, which knows the brands.
//
// Reports are added up by actor, target, kind, rule and hour. The same report often comes twice (a feed is fetched
// again, two files overlap): one that equals an earlier one in everything but its place counts once. The last million
// or two reports are remembered for that, by hashes of 128 bits.
//
// What fools it: a reporter who is wrong; the same event told by two reporters in different words counts twice.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "detect/detector.h"
#include "detect/hourly.h"
#include "detect/seen.h"

namespace tocsin {
namespace {

class ReportDetector final : public Detector {
 public:
  std::string_view name() const override { return "report"; }

  void observe(const Batch& batch, SightingSink& sink) override {
    for (const Report& report : batch.reports) {
      if (report.kind != Kind::kPhishing && is_new(seen_, report)) add(report, sink);
    }
  }
  void finish(SightingSink& sink) override { held_.release(sink); }

 private:
  void add(const Report& report, SightingSink& sink) {
    Sighting sighting;
    sighting.kind = report.kind;
    sighting.confidence = report.confidence;
    sighting.detector = "report";
    sighting.rule = report.rule.empty() ? name_of(report.kind) : report.rule;
    sighting.actor = report.actor;
    sighting.actor_name = report.actor_name;
    sighting.target = report.target;
    sighting.target_name = report.target_name;
    sighting.first_seen = report.first;
    // A report of days counts in the hour in which it begins.
    sighting.last_seen = std::min(report.last, floor_to(report.first, kHour) + kHour - 1);
    sighting.count = report.count;
    sighting.cve = report.cve;
    sighting.family = report.family;
    sighting.group = report.group;
    sighting.tlp = report.tlp;
    sighting.place = report.place;
    sighting.matched =
        fmt::format("reported by {}", report.reporter.empty() ? "another party" : printable(report.reporter, 128));
    if (!report.url.empty()) sighting.matched += ": " + printable(report.url);
    if (!report.description.empty()) sighting.matched += ": " + printable(report.description);
    held_.add(std::move(sighting), sink);
  }

  Seen seen_;
  HourlySightings held_;
};

}  // namespace

std::unique_ptr<Detector> make_report_detector() { return std::make_unique<ReportDetector>(); }

}  // namespace tocsin
