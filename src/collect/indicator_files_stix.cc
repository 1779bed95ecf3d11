// STIX 2.1 bundles (OASIS, STIX Version 2.1, sections 4.7 and 9).
//
// Of a pattern only what one look at one transaction can decide is taken: comparisons by = and IN of addresses, names,
// URLs and file hashes. Each becomes an indicator of its own. Where AND joins comparisons, one of them alone proves
// less than the whole: its confidence is then at most probable, unless the others are hashes of the same file or the
// port of the address. A pattern with NOT, !=, LIKE, MATCHES and the like under AND can't be split so and is skipped.
//
// Everything else in a bundle is knowledge: who uses what. It is counted and named, and joins indicators to families
// and groups through relationships; it never becomes an indicator.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <map>
#include <unordered_map>

#include "base/text.h"
#include "collect/indicator_files_json.h"

namespace tocsin {
namespace {

constexpr std::size_t kMostPattern = 1 << 20;

enum class Term : std::uint8_t { kAddress, kDomain, kUrl, kHash, kPort, kOther };

Term term_of(std::string_view path) {
  if (path == "ipv4-addr:value" || path == "ipv6-addr:value" || path == "network-traffic:dst_ref.value" ||
      path == "network-traffic:src_ref.value") {
    return Term::kAddress;
  }
  if (path == "domain-name:value") return Term::kDomain;
  if (path == "url:value") return Term::kUrl;
  if (path.starts_with("file:hashes.")) return Term::kHash;
  if (path == "network-traffic:dst_port" || path == "network-traffic:src_port") return Term::kPort;
  return Term::kOther;
}

struct Comparison {
  Term term = Term::kOther;
  std::string value;
};

struct Pattern {
  std::vector<Comparison> comparisons;
  bool has_and = false;
  bool unsupported = false;  // something other than equality stands in it
  bool broken = false;
};

class PatternParser {
 public:
  explicit PatternParser(std::string_view text) : rest_(text) {}

  Pattern parse() {
    Pattern pattern;
    std::string token;
    bool quoted = false;
    std::string path;
    bool inside = false;
    while (next(token, quoted)) {
      if (!quoted && token == "[") {
        inside = true;
      } else if (!quoted && token == "]") {
        inside = false;
      } else if (!quoted && (token == "AND" || token == "FOLLOWEDBY")) {
        pattern.has_and = true;
      } else if (!quoted && (token == "OR" || token == "(" || token == ")")) {
        continue;
      } else if (!inside) {
        continue;  // qualifiers: WITHIN, REPEATS, START, STOP
      } else if (!quoted && token == "NOT") {
        pattern.unsupported = true;
      } else {
        path = token;
        if (!comparison(path, pattern)) {
          pattern.broken = true;
          break;
        }
      }
    }
    if (inside || failed_) pattern.broken = true;
    return pattern;
  }

 private:
  bool comparison(const std::string& path, Pattern& pattern) {
    std::string token;
    bool quoted = false;
    if (!next(token, quoted) || quoted) return false;
    bool negated = false;
    if (token == "NOT") {
      negated = true;
      if (!next(token, quoted)) return false;
    }
    const bool equal = token == "=" || token == "==";
    const bool in = token == "IN";
    std::string value;
    if (!next(value, quoted)) return false;
    const Term term = term_of(path);
    if (in) {
      if (quoted || value != "(") return false;
      while (next(value, quoted)) {
        if (!quoted && value == ")") return true;
        if (!quoted && value == ",") continue;
        if (negated)
          pattern.unsupported = true;
        else
          pattern.comparisons.push_back({term, value});
      }
      return false;
    }
    if (!equal || negated) {
      pattern.unsupported = true;
      return token == "!=" || token == "<>" || token == "<" || token == ">" || token == "<=" || token == ">=" ||
             token == "LIKE" || token == "MATCHES" || token == "ISSUBSET" || token == "ISSUPERSET" || equal;
    }
    pattern.comparisons.push_back({term, value});
    return true;
  }

  // A string literal comes without quotes and escapes; everything else as it stands.
  bool next(std::string& token, bool& quoted) {
    rest_ = trim(rest_);
    token.clear();
    quoted = false;
    if (rest_.empty()) return false;
    const char first = rest_.front();
    if (first == '\'') {
      quoted = true;
      return string(token);
    }
    if (std::string_view("[](),").find(first) != std::string_view::npos) {
      token = first;
      rest_.remove_prefix(1);
      return true;
    }
    if (std::string_view("=!<>").find(first) != std::string_view::npos) {
      while (!rest_.empty() && std::string_view("=!<>").find(rest_.front()) != std::string_view::npos) {
        token += rest_.front();
        rest_.remove_prefix(1);
      }
      return true;
    }
    // A path may have quoted parts and indices: file:hashes.'SHA-256', x[*].value; t'...' is a time.
    while (!rest_.empty() && std::string_view(" \t\r\n]()=!<>,").find(rest_.front()) == std::string_view::npos) {
      if (rest_.front() == '\'') {
        if (!string(token)) return false;
      } else if (rest_.front() == '[') {
        const std::size_t end = rest_.find(']');
        if (end == std::string_view::npos || end > 16) return fail();
        token += rest_.substr(0, end + 1);
        rest_.remove_prefix(end + 1);
      } else {
        token += rest_.front();
        rest_.remove_prefix(1);
      }
    }
    return !token.empty() || fail();
  }

  bool string(std::string& token) {
    rest_.remove_prefix(1);
    while (!rest_.empty() && rest_.front() != '\'') {
      if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      token += rest_.front();
      rest_.remove_prefix(1);
    }
    if (rest_.empty()) return fail();
    rest_.remove_prefix(1);
    return true;
  }

  bool fail() {
    failed_ = true;
    return false;
  }

  std::string_view rest_;
  bool failed_ = false;
};

struct KnownMarking {
  std::string_view id;
  std::string_view tlp;
};
// The fixed ids of TLP 1 (STIX 2.1 section 7.2.1.4) and of TLP 2.0 (OASIS extension definition).
constexpr std::array<KnownMarking, 9> kMarkings{{
    {"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", "clear"},
    {"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", "green"},
    {"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", "amber"},
    {"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "red"},
    {"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", "clear"},
    {"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "green"},
    {"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", "amber"},
    {"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", "amber+strict"},
    {"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", "red"},
}};

bool is_group(std::string_view type) { return type == "intrusion-set" || type == "threat-actor" || type == "campaign"; }

class StixReader {
 public:
  StixReader(const Json& objects, IndicatorTaker& taker) : objects_(objects), taker_(taker) {}

  void read() {
    for (const Json& object : objects_) {
      const std::string_view id = text_of(object, "id");
      if (!id.empty()) by_id_.emplace(id, &object);
      if (text_of(object, "type") == "relationship" && !truth_of(object, "revoked")) {
        out_[text_of(object, "source_ref")].push_back(&object);
        in_[text_of(object, "target_ref")].push_back(&object);
      }
    }
    for (const Json& object : objects_) {
      const std::string_view type = text_of(object, "type");
      if (type.empty()) {
        taker_.skip(text_of(object, "id"), "an object without a type");
      } else if (type == "indicator") {
        indicator(object);
      } else if (type != "relationship" && type != "marking-definition" && type != "extension-definition" &&
                 type != "identity") {
        know(object, type);
      }
    }
    write_notes();
  }

 private:
  void know(const Json& object, std::string_view type) {
    ++taker_.report.knowledge;
    auto& names = knowledge_[std::string(type)];
    ++names.first;
    if (names.second.size() < 12) {
      const std::string_view name = text_of(object, "name");
      names.second.push_back(printable(name.empty() ? text_of(object, "id") : name, 64));
    }
  }

  void indicator(const Json& object) {
    const std::string_view id = text_of(object, "id");
    const std::string_view language = text_of(object, "pattern_type");
    const std::string_view text = text_of(object, "pattern");
    if (truth_of(object, "revoked")) return know(object, "revoked indicator");
    if (!language.empty() && language != "stix") return know(object, "indicator in another pattern language");
    for (const Json& type : member(object, "indicator_types")) {
      if (text_of(type) == "benign") return know(object, "benign indicator");
    }
    if (text.empty()) return taker_.skip(id, "an indicator without a pattern");
    if (text.size() > kMostPattern) return taker_.skip(id, "a pattern of more than 1 MiB");
    const Pattern pattern = PatternParser(text).parse();
    if (pattern.broken) return taker_.skip(id, "a pattern that can't be parsed");
    if (pattern.unsupported && pattern.has_and)
      return taker_.skip(id, "a pattern with comparisons other than equality");

    Indicator result = taker_.start();
    const Related& known = related(id);
    if (!known.family.empty()) result.family = known.family;
    result.group = known.group;
    if (!times(object, result.valid)) return taker_.skip(id, "not a time");
    if (const auto tlp = marking(object); !tlp.empty()) result.tlp = tlp;
    if (const Json& confidence = member(object, "confidence"); confidence.is_number_integer()) {
      const auto number = confidence.get<std::int64_t>();
      result.confidence = number < 30   ? Confidence::kSuspected
                          : number < 70 ? Confidence::kProbable
                                        : Confidence::kConfirmed;
    }
    for (const Json& label : member(object, "labels")) {
      if (const auto kind = kind_of(lower(text_of(label)))) result.kind = *kind;
    }
    give(pattern, result, id);
  }

  void give(const Pattern& pattern, Indicator& result, std::string_view id) {
    std::string port;
    std::size_t others = 0, hashes = 0, addresses = 0;
    for (const Comparison& comparison : pattern.comparisons) {
      if (comparison.term == Term::kPort) port = comparison.value;
      if (comparison.term == Term::kHash) ++hashes;
      if (comparison.term == Term::kAddress) ++addresses;
      if (comparison.term != Term::kPort && comparison.term != Term::kHash) ++others;
    }
    const bool one_address = pattern.has_and && addresses == 1 && others == 1 && !port.empty();
    const bool one_file = others == 0 && hashes > 0;
    if (pattern.has_and && !one_address && !one_file) {
      result.confidence = std::min(result.confidence, Confidence::kProbable);
    }
    bool given = false;
    for (const Comparison& comparison : pattern.comparisons) {
      if (comparison.term == Term::kPort || comparison.term == Term::kOther) continue;
      given = true;
      std::string value = comparison.value;
      if (comparison.term == Term::kAddress && one_address) {
        value = value.find(':') == std::string::npos ? fmt::format("{}:{}", value, port)
                                                     : fmt::format("[{}]:{}", value, port);
      }
      const std::uint64_t before = taker_.report.skips.count();
      if (!taker_.give(value, result, 0) && before == taker_.report.skips.count()) taker_.skip(id, "not a value");
    }
    if (!given) taker_.skip(id, "a pattern on nothing that is matched (addresses, names, URLs, hashes)");
  }

  struct Related {
    std::string_view family, group;
  };

  // Each id and each malware is looked up once: many indicators may share one that has many relationships.
  const Related& related(std::string_view id) {
    const auto [at, fresh] = related_.try_emplace(id);
    if (fresh) relate(id, at->second.family, at->second.group);
    return at->second;
  }

  void relate(std::string_view id, std::string_view& family, std::string_view& group) {
    const Json* malware = nullptr;
    const auto own = out_.find(id);
    if (own == out_.end()) return;
    for (const Json* relationship : own->second) {
      if (text_of(*relationship, "relationship_type") != "indicates") continue;
      const auto target = by_id_.find(text_of(*relationship, "target_ref"));
      if (target == by_id_.end()) continue;
      const std::string_view type = text_of(*target->second, "type");
      const std::string_view name = text_of(*target->second, "name");
      if (is_group(type) && group.empty()) group = name;
      if ((type == "malware" || type == "tool") && family.empty()) {
        family = name;
        malware = target->second;
      }
    }
    // Malware that one group alone uses points at that group.
    if (!group.empty() || malware == nullptr) return;
    const std::string_view malware_id = text_of(*malware, "id");
    const auto [at, fresh] = only_users_.try_emplace(malware_id);
    if (fresh) at->second = only_user_of(malware_id);
    group = at->second;
  }

  std::string_view only_user_of(std::string_view malware) const {
    const auto users = in_.find(malware);
    if (users == in_.end()) return {};
    std::string_view only;
    for (const Json* relationship : users->second) {
      if (text_of(*relationship, "relationship_type") != "uses") continue;
      const auto user = by_id_.find(text_of(*relationship, "source_ref"));
      if (user == by_id_.end() || !is_group(text_of(*user->second, "type"))) continue;
      const std::string_view name = text_of(*user->second, "name");
      if (!only.empty() && only != name) return {};
      only = name;
    }
    return only;
  }

  static bool times(const Json& object, Period& valid) {
    for (const auto& [name, into] : {std::pair{"valid_from", &valid.from}, std::pair{"valid_until", &valid.to}}) {
      const std::string_view text = text_of(object, name);
      if (text.empty()) continue;
      const auto time = parse_time(text);
      if (!time) return false;
      *into = *time;
    }
    return true;
  }

  std::string_view marking(const Json& object) const {
    for (const Json& reference : member(object, "object_marking_refs")) {
      const std::string_view id = text_of(reference);
      for (const KnownMarking& known : kMarkings) {
        if (known.id == id) return known.tlp;
      }
      const auto definition = by_id_.find(id);
      if (definition == by_id_.end()) continue;
      for (const std::string_view text :
           {text_of(member(*definition->second, "definition"), "tlp"), text_of(*definition->second, "name")}) {
        if (const auto tlp = tlp_of(text); !tlp.empty()) return tlp;
      }
    }
    return {};
  }

  void write_notes() {
    std::string groups;
    for (const auto& [type, names] : knowledge_) {
      if (!is_group(type)) continue;
      for (const std::string& name : names.second) groups += (groups.empty() ? "" : ", ") + name;
    }
    for (const auto& [type, names] : knowledge_) {
      std::string list;
      for (const std::string& name : names.second) list += (list.empty() ? "" : ", ") + name;
      if (names.first > names.second.size()) list += fmt::format(" and {} more", names.first - names.second.size());
      taker_.report.notes.push_back(groups.empty() || is_group(type)
                                        ? fmt::format("knowledge: {} {}: {}", names.first, type, list)
                                        : fmt::format("knowledge of {}: {} {}: {}", groups, names.first, type, list));
    }
    if (taker_.report.indicators == 0 && !knowledge_.empty()) {
      taker_.report.notes.push_back(
          fmt::format("no indicator in the bundle: nothing of it is matched, {} objects are knowledge{}",
                      taker_.report.knowledge, groups.empty() ? "" : " of group " + groups));
    }
  }

  const Json& objects_;
  IndicatorTaker& taker_;
  std::unordered_map<std::string_view, const Json*> by_id_;
  std::unordered_map<std::string_view, std::vector<const Json*>> out_, in_;
  std::unordered_map<std::string_view, Related> related_;              // by id of an indicator
  std::unordered_map<std::string_view, std::string_view> only_users_;  // the one group that uses a malware, by its id
  std::map<std::string, std::pair<std::size_t, std::vector<std::string>>> knowledge_;
};

}  // namespace

void read_stix(const Json& objects, IndicatorTaker& taker) { StixReader(objects, taker).read(); }

}  // namespace tocsin
