// Sightings added up: one for each actor, target, kind, rule, hour and source; released in the order of their hours. A
// source that has grown is read anew without the others, so each has a row with the count of its own observations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "detect/sighting.h"

namespace tocsin {

class HourlySightings {
 public:
  // least: of rules that mean something only when seen so often in the hour, by all sources together.
  using Least = std::unordered_map<std::string, std::uint32_t>;
  explicit HourlySightings(Least least = {}) : least_(std::move(least)) {}

  // Held until release(), or until there are so many that those of the earliest hour must go.
  void add(Sighting&& sighting, SightingSink& sink) {
    const Timestamp hour = floor_to(sighting.first_seen, kHour);
    const Hash128 id = id_of(sighting);
    const Key key(hour, Hash128{id.high ^ hash64(sighting.rule), id.low}, sighting.place.source);
    const auto at = held_.find(key);
    if (at == held_.end()) {
      if (held_.size() >= kMost) release_hour(sink);
      held_.emplace(key, std::move(sighting));
      return;
    }
    Sighting& held = at->second;
    held.count += sighting.count;
    if (sighting.confidence > held.confidence) {
      held.confidence = sighting.confidence;
      held.matched = std::move(sighting.matched);
    }
    if (held.cve.empty()) held.cve = std::move(sighting.cve);
    if (held.family.empty()) held.family = std::move(sighting.family);
    if (sighting.first_seen < held.first_seen) {
      held.first_seen = sighting.first_seen;
      held.place = sighting.place;
    }
    if (sighting.last_seen > held.last_seen) held.last_seen = sighting.last_seen;
  }

  void release(SightingSink& sink) {
    while (!held_.empty()) release_hour(sink);
  }

 private:
  using Key = std::tuple<Timestamp, Hash128, std::uint32_t>;  // hour, what, source
  static constexpr std::size_t kMost = 1 << 16;

  void release_hour(SightingSink& sink) {
    const Timestamp hour = std::get<0>(held_.begin()->first);
    while (!held_.empty() && std::get<0>(held_.begin()->first) == hour) release_rows(sink);
  }

  // The first rows, which differ in the source alone.
  void release_rows(SightingSink& sink) {
    const Hash128 what = std::get<1>(held_.begin()->first);
    auto end = held_.begin();
    std::uint64_t count = 0;
    for (; end != held_.end() && std::get<1>(end->first) == what; ++end) count += end->second.count;
    const auto least = least_.find(held_.begin()->second.rule);
    if (least == least_.end() || count >= least->second) {
      for (auto row = held_.begin(); row != end; ++row) sink.sight(std::move(row->second));
    }
    held_.erase(held_.begin(), end);
  }

  Least least_;
  std::map<Key, Sighting> held_;
};

}  // namespace tocsin
