// Sightings of which there is one for a key, hour and source, whatever rules it was seen by; released in the order of
// hours. Sources have rows of their own because one that has grown is read anew without the others.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "detect/sighting.h"

namespace tocsin {

class MergedSightings {
 public:
  // Held until release(), or until there are so many that those of the earliest hour must go.
  void add(const Hash128& what, Sighting&& sighting, SightingSink& sink) {
    const Key key(floor_to(sighting.first_seen, kHour), what, sighting.place.source);
    if (const auto found = held_.find(key); found != held_.end()) return merge(found->second, std::move(sighting));
    if (held_.size() >= kMost) release_hour(sink);
    held_.emplace(key, std::move(sighting));
  }

  void release(SightingSink& sink) {
    while (!held_.empty()) release_hour(sink);
  }

 private:
  using Key = std::tuple<Timestamp, Hash128, std::uint32_t>;  // hour, what, source
  static constexpr std::size_t kMost = 1 << 16;
  static constexpr std::size_t kMostMatched = 1024;

  void release_hour(SightingSink& sink) {
    const Timestamp hour = std::get<0>(held_.begin()->first);
    while (!held_.empty() && std::get<0>(held_.begin()->first) == hour) {
      sink.sight(std::move(held_.begin()->second));
      held_.erase(held_.begin());
    }
  }

  static void merge(Sighting& held, Sighting&& more) {
    held.count += more.count;
    if (held.matched.size() < kMostMatched && held.matched.find(more.matched) == std::string::npos)
      held.matched += "; " + more.matched;
    if (more.confidence > held.confidence) {
      held.confidence = more.confidence;
      held.rule = std::move(more.rule);
      held.tlp = std::move(more.tlp);
    }
    if (held.actor.port == 0) held.actor.port = more.actor.port;
    if (held.group.empty()) held.group = std::move(more.group);
    if (held.family.empty()) held.family = std::move(more.family);
    if (more.first_seen < held.first_seen) {
      held.first_seen = more.first_seen;
      held.place = more.place;
    }
    held.last_seen = std::max(held.last_seen, more.last_seen);
  }

  std::map<Key, Sighting> held_;
};

}  // namespace tocsin
