#include "collect/misp_context.h"

#include <fmt/format.h>

#include "base/text.h"
#include "collect/report_fields.h"

namespace tocsin {
namespace {

void set_if_empty(std::string& into, std::string_view value) {
  if (into.empty()) into = value;
}

// name="value" without the quotes.
std::string_view quoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

bool names_group(std::string_view galaxy) {
  return galaxy == "threat-actor" || galaxy == "mitre-intrusion-set" ||
         galaxy == "mitre-enterprise-attack-intrusion-set" || galaxy == "microsoft-activity-group" ||
         galaxy == "360net-threat-actor";
}
bool names_family(std::string_view galaxy) {
  return galaxy == "malpedia" || galaxy == "mitre-malware" || galaxy == "mitre-enterprise-attack-malware" ||
         galaxy == "tool" || galaxy == "mitre-tool" || galaxy == "botnet" || galaxy == "rat" || galaxy == "banker" ||
         galaxy == "ransomware" || galaxy == "stealer" || galaxy == "backdoor" || galaxy == "android" ||
         galaxy == "exploit-kit" || galaxy == "cryptominers";
}

void name_cluster(MispContext& context, std::string_view galaxy, std::string_view value) {
  if (value.empty()) return;
  // MITRE's clusters are "APT1 - G0006".
  if (const std::size_t dash = value.rfind(" - "); dash != std::string_view::npos && galaxy.starts_with("mitre-")) {
    value = value.substr(0, dash);
  }
  if (names_group(galaxy)) set_if_empty(context.group, value);
  if (names_family(galaxy)) set_if_empty(context.family, value);
}

void take_tag(MispContext& context, std::string_view name) {
  if (const auto tlp = tlp_of(name); !tlp.empty() && name.size() > 4 && name[3] == ':') set_if_empty(context.tlp, tlp);
  const std::size_t equals = name.find('=');
  const std::size_t colon = name.find(':');
  if (colon == std::string_view::npos || equals == std::string_view::npos || equals < colon) return;
  const std::string_view space = name.substr(0, colon);
  const std::string_view predicate = name.substr(colon + 1, equals - colon - 1);
  const std::string_view value = quoted(trim(name.substr(equals + 1)));
  if (space == "misp-galaxy") name_cluster(context, predicate, value);
  if (space == "malware" || predicate == "malware-family" || predicate == "malware_family" || predicate == "family") {
    set_if_empty(context.family, value);
  }
  if ((space == "rsit" || space == "ecsirt") && !context.kind) {
    context.kind = collect::kind_in_words(fmt::format("{}:{}", predicate, value));
  }
  if (space == "tocsin" && predicate == "kind") {
    if (const auto kind = kind_of(value)) context.kind = *kind;
  }
}

}  // namespace

void take_misp_context(MispContext& context, const Json& object) {
  for (const Json& galaxy : member(object, "Galaxy")) {
    for (const Json& cluster : member(galaxy, "GalaxyCluster")) {
      name_cluster(context, text_of(galaxy, "type"), text_of(cluster, "value"));
    }
  }
  for (const Json& tag : member(object, "Tag")) take_tag(context, text_of(tag, "name"));
}

}  // namespace tocsin
