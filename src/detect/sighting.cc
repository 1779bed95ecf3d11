#include "detect/sighting.h"

#include <fmt/format.h>

namespace tocsin {

Hash128 id_of(const Sighting& s) {
  return hash128(fmt::format("{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}", s.detector, name_of(s.kind), s.actor.ip.text(),
                             s.actor_name, s.target.ip.text(), s.target_name, floor_to(s.first_seen, kHour) / kHour));
}

}  // namespace tocsin
