// MISP events (the MISP core format, draft-dulaunoy-misp-core-format) and where a JSON document belongs.
#include <fmt/format.h>

#include <array>
#include <string>

#include "base/text.h"
#include "collect/indicator_files_json.h"
#include "collect/misp_context.h"

namespace tocsin {
namespace {

constexpr std::array<std::string_view, 21> kTypes{
    "ip-dst",         "ip-src",          "ip-dst|port", "ip-src|port",  "domain",        "hostname",
    "hostname|port",  "domain|ip",       "url",         "uri",          "link",          "md5",
    "sha1",           "sha256",          "sha512",      "filename|md5", "filename|sha1", "filename|sha256",
    "malware-sample", "filename|sha512", "ip",
};

class MispReader {
 public:
  explicit MispReader(IndicatorTaker& taker) : taker_(taker) {}

  void event(const Json& event) {
    ++events_;
    MispContext context;
    take_misp_context(context, event);
    attributes(member(event, "Attribute"), context);
    for (const Json& object : member(event, "Object")) {
      if (!truth_of(object, "deleted")) attributes(member(object, "Attribute"), context);
    }
  }

  void attributes(const Json& list, const MispContext& event) {
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
  void attribute(const Json& attribute, const MispContext& event) {
    if (truth_of(attribute, "deleted")) return;
    const std::string_view type = text_of(attribute, "type");
    const std::string_view value = text_of(attribute, "value");
    if (type.empty() || value.empty()) return taker_.skip(0, "an attribute without type or value");
    if (!truth_of(attribute, "to_ids") || std::find(kTypes.begin(), kTypes.end(), type) == kTypes.end()) {
      ++context_only_;
      ++taker_.report.knowledge;
      return;
    }
    MispContext own;
    take_misp_context(own, attribute);
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
