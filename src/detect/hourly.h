// Sightings added up: one for each actor, target, kind, rule and hour; released in the order of their hours.
#pragma once

#include <cstddef>
#include <map>
#include <utility>

#include "detect/sighting.h"

namespace tocsin {

class HourlySightings {
 public:
  // Held until release(), or until there are so many that those of the earliest hour must go.
  void add(Sighting&& sighting, SightingSink& sink) {
    const Timestamp hour = floor_to(sighting.first_seen, kHour);
    const Hash128 id = id_of(sighting);
    const std::pair key(hour, Hash128{id.high ^ hash64(sighting.rule), id.low});
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
    for (auto& [key, sighting] : held_) sink.sight(std::move(sighting));
    held_.clear();
  }

 private:
  static constexpr std::size_t kMost = 1 << 16;

  void release_hour(SightingSink& sink) {
    const Timestamp hour = held_.begin()->first.first;
    while (!held_.empty() && held_.begin()->first.first == hour) {
      sink.sight(std::move(held_.begin()->second));
      held_.erase(held_.begin());
    }
  }

  std::map<std::pair<Timestamp, Hash128>, Sighting> held_;
};

}  // namespace tocsin
