#include "detect/sighting.h"

#include <fmt/format.h>

namespace tocsin {

// For merging in a run. The id that a store shows is of the same parts, but made by SQL of the columns: see
// store/segment_columns.cc.
Hash128 id_of(const Sighting& s) {
  fmt::memory_buffer text;
  const auto add = [&text](std::string_view part) {
    text.append(part.data(), part.data() + part.size());
    text.push_back('\x1f');
  };
  add(s.detector);
  add(name_of(s.kind));
  add(s.actor.ip.text());
  add(s.actor_name);
  add(s.target.ip.text());
  add(s.target_name);
  const fmt::format_int hour(floor_to(s.first_seen, kHour) / kHour);
  text.append(hour.data(), hour.data() + hour.size());
  return hash128({text.data(), text.size()});
}

}  // namespace tocsin
