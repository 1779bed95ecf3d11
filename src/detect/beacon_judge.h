// The judgement of one pair's events: is there a rhythm? The measures are told in beacon.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "collect/observation.h"

namespace tocsin::beacon {

inline constexpr std::size_t kLeastEvents = 10;

// A connection.
struct Event {
  Timestamp time = 0;
  Place place;
  std::uint32_t size = 0;
  std::uint16_t port = 0;
  bool failed = false;
};

struct Verdict {
  bool beacon = false;
  bool failing = false;
  bool uniform = false;
  std::size_t events = 0;
  double score = 0;
  double median = 0;     // seconds
  double deviation = 0;  // seconds, median absolute
};

// Sorts the events and drops the continued records of one connection, so that what is left can be counted.
void settle(std::vector<Event>& events, std::uint8_t protocol);

// events: settled, not empty.
Verdict judge(const std::vector<Event>& events, bool sizes_known);

// The score from which so many events are a beacon.
double threshold(std::size_t events);

}  // namespace tocsin::beacon
