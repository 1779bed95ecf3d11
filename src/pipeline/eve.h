// Observations and sightings as Suricata EVE JSON lines (docs.suricata.io, "EVE JSON Format").
#pragma once

#include <ostream>

#include "collect/observation.h"
#include "detect/sighting.h"

namespace tocsin {

class EveWriter : public SightingSink {
 public:
  // out: nullptr writes nothing.
  explicit EveWriter(std::ostream* out) : out_(out) {}
  void write(const Batch& batch);
  void sight(Sighting&& sighting) override;  // as an alert, with the sighting's fields under "tocsin"

 private:
  std::ostream* out_;
};

}  // namespace tocsin
