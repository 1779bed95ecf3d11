// How sure a judgement is, and what kind of thing was done.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/expected.h"

namespace tocsin {

// suspected: behaviour alone; probable: behaviour corroborated, or a listing nobody vouches for; confirmed: a verified
// indicator, signature or report.
enum class Confidence : std::uint8_t { kSuspected = 1, kProbable = 2, kConfirmed = 3 };
std::string_view name_of(Confidence confidence);
Expected<Confidence> confidence_of(std::string_view name);

// The kinds of DESIGN: one name each, with its class in the eCSIRT/ENISA Reference Incident Classification Taxonomy.
enum class Kind : std::uint8_t {
  kBotnetControl,
  kBackdoor,
  kPhishing,
  kDefacement,
  kIntrusion,
  kWebAttack,
  kExploit,
  kScan,
  kBruteForce,
  kDenialOfService,
  kMalwareDistribution,
};
inline constexpr std::size_t kKinds = 11;
std::string_view name_of(Kind kind);      // "botnet-control"
std::string_view taxonomy_of(Kind kind);  // "malicious-code:c2-server"
Expected<Kind> kind_of(std::string_view name);

}  // namespace tocsin
