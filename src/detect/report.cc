// What other parties report, taken as they say it: a report becomes a sighting of its kind with the reporter's
// confidence. Phishing is left to the phishing detector, which knows the brands.
//
// Reports are added up by actor, target, kind, rule and hour. The same report often comes twice (a feed is fetched
// again, two files overlap): one that equals an earlier one in everything but its place counts once. The last million
// or two reports are remembered for that, by hashes of 128 bits.
//
// What fools it: a reporter who is wrong; the same event told by two reporters in different words counts twice.
#include "base/text.h"
#include "detect/detector.h"
#include "detect/hourly.h"
#include "detect/reported.h"
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
    Sighting sighting = sighting_of(report);
    sighting.detector = "report";
    sighting.rule = report.rule.empty() ? name_of(report.kind) : report.rule;
    sighting.actor_name = report.actor_name;
    sighting.target_name = report.target_name;
    if (!report.description.empty()) sighting.matched += ": " + printable(report.description);
    held_.add(std::move(sighting), sink);
  }

  Seen seen_;
  HourlySightings held_;
};

}  // namespace

std::unique_ptr<Detector> make_report_detector() { return std::make_unique<ReportDetector>(); }

}  // namespace tocsin
