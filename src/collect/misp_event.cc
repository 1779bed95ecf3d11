// MISP events (draft-dulaunoy-misp-core-format) as reports: one event, {"response": […]}, a list, or one event a line.
//
// An event is a report only where it says what happened: by a tag of a taxonomy (`rsit:`, `ecsirt:`, `tocsin:kind`) of
// the event or an attribute, or by its title ("phishing", "defacement"). Without one it is a feed of indicators, whose
// attributes are passed over here; the indicators of a MISP event are for the reader of indicators.
//
// Attributes that stand together (in one object, or in the event itself) tell of one thing: hosts, URLs and addresses.
// Where there is one address, it is that of the hosts beside it; where there are several, nothing says which belongs to
// which. MISP's ip-src and ip-dst are both the attacker's ("source of the attacker", "attacker or control server"), but
// for a defacement the address is the site's.
#include "collect/misp_event.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "collect/fields.h"
#include "collect/misp_context.h"
#include "collect/readers.h"
#include "collect/report_fields.h"

namespace tocsin::collect {
namespace {

constexpr std::size_t kMostJson = 128UL << 20;
constexpr std::size_t kLinePeek = 16 << 20;
constexpr std::uint64_t kMostBatchInput = 16 << 20;

// A host, URL or address that an attribute names.
struct Named {
  std::string url, name;
  std::optional<IpAddress> address;
  std::uint16_t port = 0;
};

struct Told {
  Named named;
  const Json* attribute = nullptr;
  std::optional<Kind> kind;  // of its own tags
};

std::optional<Kind> kind_of_title(std::string_view title) {
  const std::string words = lower(title.substr(0, 512));
  for (const auto& [word, kind] : {std::pair{"phish", Kind::kPhishing}, {"deface", Kind::kDefacement}}) {
    if (words.find(word) != std::string::npos) return kind;
  }
  return std::nullopt;
}

// What the attribute names; nullopt for a type that names no place.
std::optional<Named> named_by(std::string_view type, std::string_view value) {
  Named named;
  const std::size_t bar = value.find('|');
  const std::string_view head = trim(value.substr(0, bar));
  const std::string_view tail = bar == std::string_view::npos ? std::string_view() : trim(value.substr(bar + 1));
  if (type == "url" || type == "uri") {
    if (!host_of_url(value)) return std::nullopt;
    named.url = refanged(bounded(value, kMostUrl));
  } else if (type == "domain" || type == "hostname" || type == "hostname|port" || type == "domain|ip") {
    named.name = plain_name(head);
    if (named.name.empty()) return std::nullopt;
    if (type == "hostname|port") named.port = port_of(tail).value_or(0);
    if (type == "domain|ip") named.address = IpAddress::parse(tail);
  } else if (type == "ip-dst" || type == "ip-src" || type == "ip" || type == "ip-dst|port" || type == "ip-src|port") {
    named.address = IpAddress::parse(head);
    if (!named.address) return std::nullopt;
    named.port = port_of(tail).value_or(0);
  } else {
    return std::nullopt;
  }
  return named;
}

class MispEventReader final : public ObservationReader {
 public:
  MispEventReader(InputStream& input, std::uint32_t source) : input_(input), source_(source) {}

  bool read(Batch& batch) override {
    if (!begun_) begin();
    if (!by_line_) {
      document(batch);
      return false;
    }
    const std::size_t enough = batch.size() + kBatchSize;
    const std::uint64_t start = input_.offset();
    while (batch.size() < enough && input_.offset() - start < kMostBatchInput) {
      place_ = {source_, input_.offset(), ++line_number_};
      const auto line = input_.line();
      if (!line) return false;
      if (trim(*line).empty()) continue;
      if (input_.too_long()) {
        bad("line longer than 16 MiB");
      } else {
        take(*line, batch);
      }
    }
    return true;
  }

 private:
  // One event a line: the first line is an object and the second begins another.
  void begin() {
    begun_ = true;
    const auto head = input_.peek(kLinePeek);
    const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return;
    const std::string_view first = trim(text.substr(0, end)), rest = trim(text.substr(end, 4096));
    by_line_ = first.size() > 2 && first.ends_with('}') && (rest.empty() || rest.starts_with('{'));
  }

  void document(Batch& batch) {
    place_ = {source_, input_.offset(), 1};
    std::string text;
    for (auto piece = input_.peek(1); !piece.empty() && text.size() <= kMostJson; piece = input_.peek(1)) {
      text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
      input_.consume(piece.size());
    }
    if (text.empty()) return;
    if (text.size() > kMostJson) return bad("a JSON document of more than 128 MiB");
    take(text, batch);
  }

  void bad(std::string_view reason) {
    ++records_;
    skips_.add(fmt::format("{} {}", by_line_ ? "line" : "event", place_.record), reason);
  }

  void take(std::string_view text, Batch& batch) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    const Json json = Json::parse(text.begin(), text.end(), nullptr, false);
    if (json.is_discarded()) return bad("not well-formed JSON, or cut short");
    const Json& response = member(json, "response");
    const Json& list = json.is_array() ? json : response;
    if (!list.is_array())
      return event(member(json, "Event").is_object() ? member(json, "Event") : member(response, "Event"), batch);
    for (const Json& entry : list) {
      event(member(entry, "Event"), batch);
      if (!by_line_) ++place_.record;
    }
  }

  void event(const Json& event, Batch& batch) {
    if (!event.is_object()) return bad("no Event");
    MispContext context;
    take_misp_context(context, event);
    if (!context.kind) context.kind = kind_of_title(text_of(event, "info"));
    Report common;
    common.place = place_;
    common.description = batch.text.keep(bounded(text_of(event, "info"), kMostWords));
    const Json& creator = member(event, "Orgc").is_object() ? member(event, "Orgc") : member(event, "Org");
    common.reporter = batch.text.keep(bounded(text_of(creator, "name"), kMostName));
    common.rule = "misp-event";
    common.family = batch.text.keep(bounded(context.family, kMostName));
    common.group = batch.text.keep(bounded(context.group, kMostName));
    common.tlp = batch.text.keep(context.tlp);
    target_.clear();
    cve_ = {};
    each_group(event, [&](const Json& attributes) { find_target(attributes, batch); });
    common.cve = cve_;
    const auto date = parse_time(text_of(event, "date").substr(0, 10));
    each_group(event, [&](const Json& attributes) {
      group(attributes, context, common, date ? std::optional(*date) : std::nullopt, batch);
    });
  }

  template <typename Visit>
  static void each_group(const Json& event, Visit&& visit) {
    if (member(event, "Attribute").is_array()) visit(member(event, "Attribute"));
    const Json& objects = member(event, "Object");
    if (!objects.is_array()) return;
    for (const Json& object : objects) {
      if (!truth_of(object, "deleted") && member(object, "Attribute").is_array()) visit(member(object, "Attribute"));
    }
  }

  // Whom the event says to be the target, and the first CVE.
  void find_target(const Json& attributes, Batch& batch) {
    for (const Json& attribute : attributes) {
      if (truth_of(attribute, "deleted")) continue;
      const std::string_view type = text_of(attribute, "type"), value = text_of(attribute, "value");
      const std::string relation(text_of(attribute, "object_relation")),
          comment = lower(text_of(attribute, "comment").substr(0, 256));
      const bool says = relation == "target" || relation == "brand" ||
                        text_of(attribute, "category") == "Targeting data" || comment.starts_with("target") ||
                        comment.starts_with("brand");
      if (target_.empty() && (type == "target-org" || (type == "text" && says))) target_ = plain_name(value);
      if (cve_.empty() && type == "vulnerability") cve_ = cve_in(value, false, batch.text);
    }
  }

  void group(const Json& attributes, const MispContext& event, const Report& common, std::optional<Timestamp> date,
             Batch& batch) {
    std::vector<Told> told;
    std::vector<IpAddress> addresses;
    bool hosts = false;
    for (const Json& attribute : attributes) {
      ++records_;
      std::optional<Named> named;
      if (attribute.is_object() && !truth_of(attribute, "deleted") &&
          text_of(attribute, "category") != "External analysis")
        named = named_by(text_of(attribute, "type"), text_of(attribute, "value"));
      MispContext own;
      if (named) take_misp_context(own, attribute);
      if (!named || (!own.kind && !event.kind)) {
        ++passed_over_;
        continue;
      }
      hosts |= !named->url.empty() || !named->name.empty();
      if (named->address && std::ranges::find(addresses, *named->address) == addresses.end())
        addresses.push_back(*named->address);
      told.push_back({std::move(*named), &attribute, own.kind ? own.kind : event.kind});
    }
    for (const Told& one : told) {
      const bool address_alone = one.named.url.empty() && one.named.name.empty();
      if (address_alone && hosts) {
        ++passed_over_;  // it is the hosts' beside it, or nothing says whose
        continue;
      }
      Report report = common;
      report.kind = *one.kind;
      fill(report, one, addresses, batch);
      if (take_times(report, *one.attribute, date)) {
        batch.reports.push_back(report);
      } else {
        skips_.add(fmt::format("{} {}", by_line_ ? "line" : "event", place_.record), "an attribute without a time");
      }
    }
  }

  void fill(Report& report, const Told& one, const std::vector<IpAddress>& addresses, Batch& batch) const {
    const bool sites = report.kind == Kind::kDefacement ||
                       (harms_a_site(report.kind) && (!one.named.url.empty() || !one.named.name.empty()));
    Endpoint& side = sites ? report.target : report.actor;
    std::string_view& name = sites ? report.target_name : report.actor_name;
    name = batch.text.keep(one.named.name);
    if (one.named.address) {
      side.ip = *one.named.address;
    } else if (addresses.size() == 1 && (served_by_actor(report.kind) || report.kind == Kind::kDefacement)) {
      side.ip = addresses.front();
    }
    side.port = one.named.port;
    set_url(report, one.named.url, batch.text);
    if (report.target_name.empty()) report.target_name = batch.text.keep(target_);
  }

  static bool take_times(Report& report, const Json& attribute, std::optional<Timestamp> date) {
    const auto time = [&](const char* key) -> std::optional<Timestamp> {
      const Json& value = member(attribute, key);
      if (value.is_number_unsigned() && value.get<std::uint64_t>() < 1ULL << 36)
        return static_cast<Timestamp>(value.get<std::uint64_t>()) * kSecond;
      return time_of(text_of(value));
    };
    auto first = time("first_seen");
    if (!first) first = time("timestamp");
    if (!first) first = date;
    if (!first) return false;
    report.first = report.last = *first;
    if (const auto last = time("last_seen"); last && *last > *first) report.last = *last;
    return true;
  }

  InputStream& input_;
  std::uint32_t source_;
  Place place_;
  std::uint64_t line_number_ = 0;
  bool begun_ = false, by_line_ = false;
  std::string target_;
  std::string_view cve_;
};

}  // namespace

bool begins_as_misp_event(std::string_view text) {
  for (int depth = 0; depth < 8; ++depth) {
    const std::size_t at = text.find_first_not_of(" \t\r\n{[:");
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at);
    if (text.starts_with("\"Event\"")) return trim(text.substr(7, 16)).starts_with(':');
    if (!text.starts_with("\"response\"")) return false;
    text.remove_prefix(10);
  }
  return false;
}

std::unique_ptr<ObservationReader> make_misp_event_reader(InputStream& input, std::uint32_t source) {
  return std::make_unique<MispEventReader>(input, source);
}

}  // namespace tocsin::collect
