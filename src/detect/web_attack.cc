// Attacks on web applications, seen in what was requested.
//
// An injection has to spell its payload in the language that it is injected into: SQL, a shell, a path, JavaScript, an
// expression language. The rules of rules/web-attacks.toml are patterns of that syntax, of addresses that only an
// attacker asks for, and of the names that scanners give themselves, in the tradition of the OWASP Core Rule Set
// (coreruleset.org; Folini and Ristic, "ModSecurity Handbook"). They are matched all at once (Wang et al., "Hyperscan:
// A Fast Multi-pattern Regex Matcher for Modern CPUs", NSDI 2019) on the URI as an application would come to read it,
// decoded twice, and on the user agent, referrer and host.
//
// A request makes one sighting at most, by the rule that says most: an exploit of a known vulnerability before an
// attack in general, that before guessing of passwords, that before a probe; then by confidence. An attempt is an
// attempt whatever was answered: the status stands in `matched`, for a reader. Guessing is a matter of number: such a
// rule has a least count within an hour.
//
// What fools it: a payload in the body, in a cookie or in another header, none of which are logged; encodings past two
// layers or of the application's own (Base64, JSON's \u); syntax that no pattern foresees; beyond 16 KiB of URI. What
// it takes for an attack and is none: a security team's own scan, and a page about attacks whose search is logged.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/text.h"
#include "detect/detector.h"
#include "detect/hourly.h"
#include "detect/request_text.h"
#include "detect/web_attack_rules.h"

namespace tocsin {
namespace {

constexpr std::size_t kMostScanned = 16 * 1024;
constexpr std::size_t kMostShown = 200;
constexpr std::uint32_t kNone = ~0U;

// Header fields repeat: what was found in one is remembered in a slot of its hash.
class Remembered {
 public:
  explicit Remembered(std::size_t slots) : slots_(slots) {}
  // nullptr if not known; then remember is called with the same text.
  const std::vector<std::uint32_t>* recall(std::string_view text) {
    hash_ = hash64(text);
    const Slot& slot = slots_[hash_ % slots_.size()];
    return slot.hash == hash_ && slot.known ? &slot.found : nullptr;
  }
  void remember(const std::vector<std::uint32_t>& found) { slots_[hash_ % slots_.size()] = {hash_, found, true}; }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::vector<std::uint32_t> found;
    bool known = false;
  };
  std::vector<Slot> slots_;
  std::uint64_t hash_ = 0;
};

class WebAttackDetector final : public Detector {
 public:
  explicit WebAttackDetector(WebAttackRules rules) : rules_(std::move(rules)), held_(least_of(rules_)) {}
  std::string_view name() const override { return "web-attack"; }

  void observe(const Batch& batch, SightingSink& sink) override {
    for (const HttpTransaction& http : batch.http) {
      const std::uint32_t rule = rule_for(http);
      if (rule != kNone && !http.client.ip.is_unspecified()) add(http, rules_.rules[rule], sink);
    }
  }
  void finish(SightingSink& sink) override { held_.release(sink); }

 private:
  static HourlySightings::Least least_of(const WebAttackRules& rules) {
    HourlySightings::Least least;
    for (const WebAttackRule& rule : rules.rules) {
      if (rule.least > 1) least[rule.id] = rule.least;
    }
    return least;
  }

  std::uint32_t rule_for(const HttpTransaction& http) {
    found_.clear();
    const std::string_view uri = http.uri.substr(0, kMostScanned);
    if (is_encoded(uri)) {
      decode_uri(uri, plain_, scratch_);
      find(RequestField::kUri, plain_, found_);
      find(RequestField::kRawUri, uri, found_);
    } else {
      find(RequestField::kUri, uri, found_);
    }
    find_in_header(RequestField::kUserAgent, http.user_agent, agents_);
    find_in_header(RequestField::kReferrer, http.referrer, referrers_);
    find_in_header(RequestField::kHost, http.host, hosts_);
    std::uint32_t best = kNone;
    for (const std::uint32_t rule : found_) {
      const std::string& method = rules_.rules[rule].method;
      if (rule < best && (method.empty() || method == http.method)) best = rule;
    }
    return best;
  }

  // Appends the rules whose patterns are in the text and that are for this field.
  void find(RequestField field, std::string_view text, std::vector<std::uint32_t>& found) {
    const std::size_t before = found.size();
    rules_.patterns.find(text, found);
    const auto fresh = found.begin() + static_cast<std::ptrdiff_t>(before);
    found.erase(std::remove_if(fresh, found.end(),
                               [&](std::uint32_t rule) { return (rules_.rules[rule].fields & bit_of(field)) == 0; }),
                found.end());
  }

  void find_in_header(RequestField field, std::string_view text, Remembered& memory) {
    if (text.empty()) return;
    text = text.substr(0, kMostScanned);
    if (const auto* known = memory.recall(text)) {
      found_.insert(found_.end(), known->begin(), known->end());
      return;
    }
    header_found_.clear();
    if (field == RequestField::kReferrer && is_encoded(text)) {
      decode_uri(text, plain_, scratch_);
      text = plain_;
    }
    find(field, text, header_found_);
    memory.remember(header_found_);
    found_.insert(found_.end(), header_found_.begin(), header_found_.end());
  }

  void add(const HttpTransaction& http, const WebAttackRule& rule, SightingSink& sink) {
    Sighting sighting;
    sighting.kind = rule.kind;
    sighting.confidence = rule.confidence;
    sighting.detector = "web-attack";
    sighting.rule = rule.id;
    sighting.actor = {http.client.ip, 0};
    sighting.target = http.server;
    site_of(http.host, sighting.target_name);
    sighting.target_name = printable(sighting.target_name);
    sighting.first_seen = sighting.last_seen = http.time;
    sighting.cve = rule.cve;
    sighting.family = rule.family;
    sighting.place = http.place;
    sighting.matched = fmt::format("{}: {}{}{}", rule.id, printable(http.method, 32), http.method.empty() ? "" : " ",
                                   printable(http.uri, kMostShown));
    if (http.status != 0) sighting.matched += fmt::format(" (status {})", http.status);
    held_.add(std::move(sighting), sink);
  }

  WebAttackRules rules_;
  HourlySightings held_;
  Remembered agents_{4096}, referrers_{4096}, hosts_{1024};
  std::vector<std::uint32_t> found_, header_found_;
  std::string plain_, scratch_;
};

}  // namespace

Expected<std::unique_ptr<Detector>> make_web_attack_detector(const std::string& rules_path) {
  auto rules = read_web_attack_rules(rules_path);
  if (!rules) return std::unexpected(rules.error());
  return std::make_unique<WebAttackDetector>(std::move(*rules));
}

}  // namespace tocsin
