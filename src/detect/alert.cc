// Alerts of other sensors, understood: a table in rules/alerts.toml says what kind of attack a signature or category
// means, and which side of the alert attacks.
//
// Who sent the packet that fired says little: an infected host's check-in comes from the victim, a control server's
// order from the actor, and both alert. So the table speaks of meaning ("the side outside", "the server") and the
// constituency decides which address that is.
//
// Alerts are added up by actor, target, kind, signature and hour. One that a log has twice (same microsecond, ends and
// signature) counts once; the last million or two are remembered for that. Where the alert tells the HTTP host, it is
// the name of its server's side, whichever side that is to the rule. What fools it: a sensor before a NAT or proxy
// names that as the client; an alert on a DNS question holds the resolver's address in place of the actor's, and the
// sighting then has no actor's address.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/text.h"
#include "detect/detector.h"
#include "detect/hourly.h"
#include "detect/rule_table.h"
#include "detect/seen.h"

namespace tocsin {
namespace {

constexpr std::size_t kRemembered = 1 << 16;
constexpr std::size_t kMostName = 253;
constexpr std::size_t kMostText = 512;  // of a signature, family or CVE that is kept

enum class Side : std::uint8_t { kSource, kDest, kOutside, kServer };

struct Rule {
  std::string sensor;
  std::vector<std::string> signature;  // lower case
  std::vector<std::string> contains;
  std::vector<std::string> category;
  std::string family;
  Kind kind = Kind::kScan;
  Side actor = Side::kSource;
  Confidence confidence = Confidence::kSuspected;
  bool ignore = false;

  bool fits(std::string_view sensor_seen, std::string_view text, std::string_view category_seen) const {
    // The packet engine speaks Suricata's rules.
    return (sensor.empty() || sensor == sensor_seen || (sensor_seen == "tocsin" && sensor == "suricata")) &&
           (signature.empty() ||
            std::ranges::any_of(signature, [&](auto& start) { return text.starts_with(start); })) &&
           (contains.empty() ||
            std::ranges::any_of(contains, [&](auto& part) { return text.find(part) != std::string_view::npos; })) &&
           (category.empty() || std::ranges::find(category, category_seen) != category.end());
  }
};

// Reads the table of rules.
class AlertRules {
 public:
  explicit AlertRules(const std::string& path) : table_(path) {}

  Expected<std::vector<Rule>> read() const {
    std::vector<Rule> rules;
    const auto take = [&](std::string_view, const toml::table& table) -> Expected<void> {
      Expected<Rule> rule = rule_of(table);
      if (!rule) return std::unexpected(rule.error());
      rules.push_back(std::move(*rule));
      return {};
    };
    if (auto read = table_.read({"rule"}, take); !read) return std::unexpected(read.error());
    return rules;
  }

 private:
  Expected<Rule> rule_of(const toml::table& table) const {
    Rule rule;
    bool kind = false, actor = false, confidence = false;
    for (const auto& [key_node, value] : table) {
      const std::string_view key = key_node.str();
      if (key == "signature" || key == "contains" || key == "category") {
        auto texts = table_.texts_of(key, value);
        if (!texts) return std::unexpected(texts.error());
        for (std::string& text : *texts) text = lower(text);
        (key == "signature" ? rule.signature : key == "contains" ? rule.contains : rule.category) = std::move(*texts);
        continue;
      }
      if (key == "ignore") {
        const auto flag = table_.flag_of(key, value);
        if (!flag) return std::unexpected(flag.error());
        rule.ignore = *flag;
        continue;
      }
      const auto text = value.is_string() ? value.value<std::string>() : std::nullopt;
      static constexpr std::array<std::string_view, 5> kTexts{"sensor", "kind", "actor", "confidence", "family"};
      if (std::ranges::find(kTexts, key) == kTexts.end()) {
        return table_.complain(value,
                               fmt::format("\"{}\" is not known in a rule; expected sensor, signature, contains, "
                                           "category, kind, actor, confidence, family or ignore",
                                           key));
      }
      if (!text) return table_.complain(value, fmt::format("{}: expected a text in quotes", key));
      if (key == "sensor") {
        if (*text != "suricata" && *text != "zeek") {
          return table_.complain(value, fmt::format("sensor \"{}\": expected \"suricata\" or \"zeek\"", *text));
        }
        rule.sensor = *text;
      } else if (key == "family") {
        rule.family = *text;
      } else if (key == "kind") {
        const auto parsed = kind_of(*text);
        if (!parsed) return table_.complain(value, fmt::format("kind: {}", parsed.error().message));
        rule.kind = *parsed;
        kind = true;
      } else if (key == "confidence") {
        const auto parsed = confidence_of(*text);
        if (!parsed) return table_.complain(value, fmt::format("confidence: {}", parsed.error().message));
        rule.confidence = *parsed;
        confidence = true;
      } else {
        static constexpr std::array<std::string_view, 4> kSides{"source", "dest", "outside", "server"};
        const auto side = std::ranges::find(kSides, *text);
        if (side == kSides.end()) {
          return table_.complain(value, fmt::format("actor \"{}\": expected source, dest, outside or server", *text));
        }
        rule.actor = static_cast<Side>(side - kSides.begin());
        actor = true;
      }
    }
    if (rule.ignore && (kind || actor || confidence)) {
      return table_.complain(table, "a rule that ignores has no kind, actor or confidence");
    }
    if (!rule.ignore && !(kind && actor && confidence)) {
      return table_.complain(table, "expected kind, actor and confidence, or ignore = true");
    }
    if (rule.sensor.empty() && rule.signature.empty() && rule.contains.empty() && rule.category.empty()) {
      return table_.complain(table, "fits every alert; expected sensor, signature, contains or category");
    }
    return rule;
  }

  RuleTable table_;
};

bool resolver_port(std::uint16_t port) { return port == 53 || port == 853; }

class AlertDetector final : public Detector {
 public:
  AlertDetector(std::vector<Rule> rules, InsideTest inside) : rules_(std::move(rules)), inside_(std::move(inside)) {}
  std::string_view name() const override { return "alert"; }

  void observe(const Batch& batch, SightingSink& sink) override {
    for (const Alert& alert : batch.alerts) add(alert, sink);
  }
  void finish(SightingSink& sink) override { held_.release(sink); }

 private:
  // The rule that fits, nullptr if none does. Sensors repeat themselves: what was found is remembered.
  const Rule* rule_for(const Alert& alert) {
    const std::uint64_t seen = hash64(alert.signature, hash64(alert.category, hash64(alert.sensor)));
    if (const auto at = found_.find(seen); at != found_.end()) return at->second;
    const std::string text = lower(alert.signature), category = lower(alert.category);
    const auto rule = std::ranges::find_if(rules_, [&](const Rule& r) { return r.fits(alert.sensor, text, category); });
    if (found_.size() >= kRemembered) found_.clear();
    return found_[seen] = rule == rules_.end() || rule->ignore ? nullptr : &*rule;
  }

  bool source_acts(Side side, const Endpoint& source, const Endpoint& dest) const {
    if (side == Side::kSource || side == Side::kDest) return side == Side::kSource;
    const bool source_inside = inside_(source.ip), dest_inside = inside_(dest.ip);
    if (source_inside != dest_inside) return dest_inside;
    return side == Side::kOutside || (source.port != 0 && source.port < dest.port);
  }

  void add(const Alert& alert, SightingSink& sink) {
    const Rule* rule = rule_for(alert);
    if (rule == nullptr || !is_new(seen_, alert)) return;
    const Endpoint& source = alert.client_is_source ? alert.client : alert.server;
    const Endpoint& dest = alert.client_is_source ? alert.server : alert.client;
    const bool from_source = source_acts(rule->actor, source, dest);
    Sighting sighting;
    sighting.actor = from_source ? source : dest;
    sighting.target = from_source ? dest : source;
    if (rule->actor == Side::kServer && resolver_port(sighting.actor.port)) sighting.actor = {};
    if (sighting.actor.ip.is_unspecified() && sighting.target.ip.is_unspecified()) return;
    // The source is the client, unless the alert says otherwise.
    const bool server_acts = from_source != alert.client_is_source;
    (server_acts ? sighting.actor_name : sighting.target_name) = printable(alert.host.substr(0, kMostName));
    sighting.kind = rule->kind;
    sighting.confidence = rule->confidence;
    sighting.detector = "alert";
    sighting.rule = alert.signature.empty() ? fmt::format("sid {}", alert.signature_id)
                                            : std::string(alert.signature.substr(0, kMostText));
    sighting.first_seen = sighting.last_seen = alert.time;
    sighting.cve = alert.cve.substr(0, kMostText);
    sighting.family = alert.malware_family.empty() ? rule->family : alert.malware_family.substr(0, kMostText);
    sighting.place = alert.place;
    sighting.matched = fmt::format("{}: {}", alert.sensor, sighting.rule);
    if (alert.signature_id != 0) sighting.matched += fmt::format(" (sid {})", alert.signature_id);
    if (!alert.message.empty()) sighting.matched += ": " + printable(alert.message, kMostText);
    held_.add(std::move(sighting), sink);
  }

  std::vector<Rule> rules_;
  InsideTest inside_;
  std::unordered_map<std::uint64_t, const Rule*> found_;
  Seen seen_;
  HourlySightings held_;
};

}  // namespace

Expected<std::unique_ptr<Detector>> make_alert_detector(const std::string& rules_path, InsideTest inside) {
  auto rules = AlertRules(rules_path).read();
  if (!rules) return std::unexpected(rules.error());
  return std::make_unique<AlertDetector>(std::move(*rules), std::move(inside));
}

}  // namespace tocsin
