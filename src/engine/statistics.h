// Counters by dotted names, as EVE's stats and stats.log have them.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/time.h"

namespace tocsin::engine {

using Counters = std::map<std::string, std::uint64_t, std::less<>>;

struct RuleCounts {
  std::uint64_t loaded = 0, failed = 0, skipped = 0;
};

// The object "stats": names nested by their dots, with rules under detect.engines.
std::string stats_object(const Counters& counters, const RuleCounts& rules, std::uint64_t seconds, bool zeros);
// The lines of stats.log.
std::string stats_text(const Counters& counters, Timestamp now, std::uint64_t seconds);
// All that the engine counts itself, as zero: verdicts, drop reasons.
void add_own_counters(Counters& counters, bool is_inline, bool is_firewall);
// "ips.drop_reason.stream_error" of "stream error", "firewall.drop_reason.rules" of "firewall rules".
std::string drop_reason_counter(std::string_view reason);

}  // namespace tocsin::engine
