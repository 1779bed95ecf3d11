// A sighting: one judgement, that a detector saw this actor do this kind of thing to this target, then, this often.
#pragma once

#include <cstdint>
#include <string>

#include "base/country_code.h"
#include "base/hash.h"
#include "base/ip_address.h"
#include "base/time.h"
#include "collect/indicator.h"
#include "collect/observation.h"

namespace tocsin {

struct Sighting {
  Kind kind = Kind::kScan;
  Confidence confidence = Confidence::kSuspected;
  std::string detector;  // "indicator", "beacon", "scan", "alert"
  std::string rule;      // what in the detector fired: signature, indicator value, "tcp-syn-vertical"
  Endpoint actor;
  std::string actor_name;
  Endpoint target;  // unspecified address: no single one (a horizontal scan names the first)
  std::string target_name;
  Timestamp first_seen = 0;
  Timestamp last_seen = 0;
  std::uint64_t count = 1;  // of what the detector counts: flows, queries, probes, alerts
  std::string cve;
  std::string family;
  std::string group;
  std::string tlp;
  Place place;          // first evidence
  std::string matched;  // what matched, for people: "family X, list.txt:12" or "22 connections every 3.1 s ± 0.4 s"

  // Filled by the locating stage.
  CountryCode actor_country, target_country;
  std::uint32_t actor_asn = 0, target_asn = 0;       // 0: unknown
  bool actor_inside = false, target_inside = false;  // of the constituency
  std::string target_sector;
  std::string target_organisation;
  std::string target_province;
  std::string location_version;
};

// 128 bits of detector, actor, target and hour (and kind), the same on every machine.
Hash128 id_of(const Sighting& sighting);

class SightingSink {
 public:
  virtual ~SightingSink() = default;
  virtual void sight(Sighting&& sighting) = 0;
};

}  // namespace tocsin
