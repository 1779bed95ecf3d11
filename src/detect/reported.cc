#include "detect/reported.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace tocsin {

Sighting sighting_of(const Report& report) {
  Sighting sighting;
  sighting.kind = report.kind;
  sighting.confidence = report.confidence;
  sighting.actor = report.actor;
  sighting.target = report.target;
  sighting.first_seen = report.first;
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
  return sighting;
}

}  // namespace tocsin
