#include "collect/judgement.h"

#include <fmt/format.h>

#include <array>

namespace tocsin {
namespace {

struct KindName {
  std::string_view name;
  std::string_view taxonomy;
};
// ENISA Reference Security Incident Taxonomy, machine tags.
constexpr std::array<KindName, kKinds> kKindNames{{
    {"botnet-control", "malicious-code:c2-server"},
    {"backdoor", "intrusions:system-compromise"},
    {"phishing", "fraud:phishing"},
    {"defacement", "information-content-security:unauthorised-information-modification"},
    {"intrusion", "intrusions:application-compromise"},
    {"web-attack", "intrusion-attempts:exploit"},
    {"exploit", "intrusion-attempts:ids-alert"},
    {"scan", "information-gathering:scanner"},
    {"brute-force", "intrusion-attempts:brute-force"},
    {"denial-of-service", "availability:ddos"},
    {"malware-distribution", "malicious-code:malware-distribution"},
}};
constexpr std::array<std::string_view, 4> kConfidenceNames{"", "suspected", "probable", "confirmed"};

}  // namespace

std::string_view name_of(Kind kind) { return kKindNames[static_cast<std::size_t>(kind)].name; }
std::string_view taxonomy_of(Kind kind) { return kKindNames[static_cast<std::size_t>(kind)].taxonomy; }

Expected<Kind> kind_of(std::string_view name) {
  for (std::size_t i = 0; i < kKinds; ++i) {
    if (kKindNames[i].name == name) return static_cast<Kind>(i);
  }
  return failure(
      fmt::format("'{}' is not a kind: they are botnet-control, backdoor, phishing, defacement, intrusion, "
                  "web-attack, exploit, scan, brute-force, denial-of-service, malware-distribution",
                  name));
}

std::string_view name_of(Confidence confidence) { return kConfidenceNames[static_cast<std::size_t>(confidence)]; }

Expected<Confidence> confidence_of(std::string_view name) {
  for (std::size_t i = 1; i < kConfidenceNames.size(); ++i) {
    if (kConfidenceNames[i] == name) return static_cast<Confidence>(i);
  }
  return failure(fmt::format("'{}' is not a confidence: give suspected, probable or confirmed", name));
}

}  // namespace tocsin
