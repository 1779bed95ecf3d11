// MISP events (the MISP core format, draft-dulaunoy-misp-core-format) and where a JSON document belongs.
#include <fmt/format.h>

#include <array>
#include <string>

#include "base/text.h"
#include "collect/indicator_files_json.h"

namespace tocsin {
namespace {

constexpr std::array<std::string_view, 21> kTypes{
    "ip-dst",         "ip-src",          "ip-dst|port", "ip-src|port",  "domain",        "hostname",
    "hostname|port",  "domain|ip",       "url",         "uri",          "link",          "md5",
    "sha1",           "sha256",          "sha512",      "filename|md5", "filename|sha1", "filename|sha256",
    "malware-sample", "filename|sha512", "ip",
};

// What tags and galaxies say of an event or an attribute; the attribute's own words come before its event's.
struct Context {
  std::string family, group, tlp;
  std::optional<Kind> kind;
};

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

void name_cluster(Context& context, std::string_view galaxy, std::string_view value) {
  if (value.empty()) return;
  // MITRE's clusters are "APT1 - G0006".
  if (const std::size_t dash = value.rfind(" - "); dash != std::string_view::npos && galaxy.starts_with("mitre-")) {
    value = value.substr(0, dash);
  }
  if (names_group(galaxy)) set_if_empty(context.group, value);
  if (names_family(galaxy)) set_if_empty(context.family, value);
}

void take_tag(Context& context, std::string_view name) {
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
    const std::string tag = fmt::format("{}:{}", predicate, value);
    for (std::size_t i = 0; i < kKinds; ++i) {
      if (taxonomy_of(static_cast<Kind>(i)) == tag) context.kind = static_cast<Kind>(i);
    }
  }
  if (space == "tocsin" && predicate == "kind") {
    if (const auto kind = kind_of(value)) context.kind = *kind;
  }
}

void take_context(Context& context, const Json& object) {
  for (const Json& galaxy : member(object, "Galaxy")) {
    for (const Json& cluster : member(galaxy, "GalaxyCluster")) {
      name_cluster(context, text_of(galaxy, "type"), text_of(cluster, "value"));
    }
  }
  for (const Json& tag : member(object, "Tag")) take_tag(context, text_of(tag, "name"));
}

class MispReader {
 public:
  explicit MispReader(IndicatorTaker& taker) : taker_(taker) {}

  void event(const Json& event) {
    ++events_;
    Context context;
    take_context(context, event);
    attributes(member(event, "Attribute"), context);
    for (const Json& object : member(event, "Object")) {
      if (!truth_of(object, "deleted")) attributes(member(object, "Attribute"), context);
    }
  }

  void attributes(const Json& list, const Context& event) {
    if (!list.is_array()) return;
    for (const Json& attribute : list) {
      if (attribute.is_object()) {
        this->attribute(attribute, event);
      } else {
        taker_.skip(0, "an attribute that is no object");
      }
    }
  }

  ~MispReader() {
    if (context_only_ > 0) {
      taker_.report.notes.push_back(
          fmt::format("{} attributes of {} events are context (not to_ids, or of a type that is not matched): kept as "
                      "knowledge",
                      context_only_, events_));
    }
  }
  MispReader(const MispReader&) = delete;
  MispReader& operator=(const MispReader&) = delete;

 private:
  void attribute(const Json& attribute, const Context& event) {
    if (truth_of(attribute, "deleted")) return;
    const std::string_view type = text_of(attribute, "type");
    const std::string_view value = text_of(attribute, "value");
    if (type.empty() || value.empty()) return taker_.skip(0, "an attribute without type or value");
    if (!truth_of(attribute, "to_ids") || std::find(kTypes.begin(), kTypes.end(), type) == kTypes.end()) {
      ++context_only_;
      ++taker_.report.knowledge;
      return;
    }
    Context own;
    take_context(own, attribute);
    Indicator indicator = taker_.start();
    if (!event.family.empty()) indicator.family = event.family;
    if (!own.family.empty()) indicator.family = own.family;
    indicator.group = own.group.empty() ? event.group : own.group;
    if (!event.tlp.empty()) indicator.tlp = event.tlp;
    if (!own.tlp.empty()) indicator.tlp = own.tlp;
    if (const auto kind = own.kind ? own.kind : event.kind) indicator.kind = *kind;

    const std::size_t bar = value.find('|');
    const std::string_view head = trim(value.substr(0, bar));
    const std::string_view tail = bar == std::string_view::npos ? std::string_view() : trim(value.substr(bar + 1));
    if (bar == std::string_view::npos || type == "url" || type == "uri") {
      give(value, indicator);
    } else if (type == "domain|ip") {
      give(head, indicator);
      give(tail, indicator);
    } else if (type == "hostname|port") {
      give(head, indicator);
    } else if (type.starts_with("ip-")) {
      const bool v6 = head.find(':') != std::string_view::npos;
      give(v6 ? fmt::format("[{}]:{}", head, tail) : fmt::format("{}:{}", head, tail), indicator);
    } else {
      give(tail, indicator);
    }
  }

  void give(std::string_view value, Indicator& indicator) { taker_.give(value, indicator, 0); }

  IndicatorTaker& taker_;
  std::uint64_t events_ = 0;
  std::uint64_t context_only_ = 0;
};

}  // namespace

void read_misp(const Json& document, IndicatorTaker& taker) {
  MispReader reader(taker);
  const auto list = [&](const Json& entries) {
    for (const Json& entry : entries) {
      if (member(entry, "Event").is_object()) {
        reader.event(member(entry, "Event"));
      } else {
        taker.skip(0, "an entry without an Event");
      }
    }
  };
  const Json& response = member(document, "response");
  if (document.is_array()) {
    list(document);
  } else if (response.is_array()) {
    list(response);
  } else if (response.is_object()) {
    reader.attributes(member(response, "Attribute"), {});
  } else {
    reader.event(member(document, "Event"));
  }
}

void read_indicator_json(const std::string& text, IndicatorTaker& taker) {
  taker.report.format = "JSON";
  const char* begin = text.data() + (text.starts_with("\xef\xbb\xbf") ? 3 : 0);
  const Json document = Json::parse(begin, text.data() + text.size(), nullptr, false);
  if (document.is_discarded()) return taker.skip(0, "not well-formed JSON, or cut short");
  const bool list = document.is_array() && !document.empty() && member(document.front(), "Event").is_object();
  if (list || member(document, "Event").is_object() || member(document, "response").is_structured()) {
    taker.report.format = "MISP event";
    read_misp(document, taker);
  } else if (member(document, "objects").is_array()) {
    taker.report.format = "STIX 2.1 bundle";
    read_stix(member(document, "objects"), taker);
  } else if (document.is_array() && !document.empty() && !text_of(document.front(), "id").empty()) {
    taker.report.format = "STIX 2.1 bundle";
    read_stix(document, taker);
  } else {
    taker.skip(0, "JSON that is neither a MISP event nor a STIX bundle");
  }
}

}  // namespace tocsin
