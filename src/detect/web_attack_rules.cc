#include "detect/web_attack_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <set>

#include "detect/rule_table.h"

namespace tocsin {
namespace {

constexpr std::array<std::string_view, kRequestFields> kFields{"uri", "raw-uri", "user-agent", "referrer", "host"};

struct Written {
  WebAttackRule rule;
  std::vector<std::string> patterns;
  std::vector<std::uint32_t> lines;  // of the patterns
  bool case_sensitive = false;
};

int weight(Kind kind) {
  switch (kind) {
    case Kind::kExploit:
      return 0;
    case Kind::kScan:
      return 3;
    case Kind::kBruteForce:
      return 2;
    default:
      return 1;
  }
}

class Reader {
 public:
  explicit Reader(const std::string& path) : table_(path) {}

  Expected<WebAttackRules> read() {
    const auto taken =
        table_.read({"rule"}, [this](std::string_view, const toml::table& table) { return take(table); });
    if (!taken) return std::unexpected(taken.error());
    std::ranges::stable_sort(written_, [](const Written& a, const Written& b) {
      const int left = weight(a.rule.kind), right = weight(b.rule.kind);
      return left != right ? left < right : a.rule.confidence > b.rule.confidence;
    });
    WebAttackRules rules;
    std::vector<Pattern> patterns;
    std::vector<std::pair<const Written*, std::uint32_t>> from;  // and line
    for (std::uint32_t i = 0; i < written_.size(); ++i) {
      const Written& one = written_[i];
      rules.rules.push_back(one.rule);
      for (std::size_t p = 0; p < one.patterns.size(); ++p) {
        patterns.push_back({one.patterns[p], i, one.case_sensitive});
        from.emplace_back(&one, one.lines[p]);
      }
    }
    auto compiled = PatternSet::compile(patterns);
    if (!compiled) {
      const std::size_t at = compiled.error().pattern;
      const auto& [one, line] = from[at];
      return table_.complain_at(line, fmt::format("pattern of {} \"{}\": {}", one->rule.id, patterns[at].expression,
                                                  compiled.error().message));
    }
    rules.patterns = std::move(*compiled);
    return rules;
  }

 private:
  Expected<void> take(const toml::table& table) {
    Written one;
    for (const auto& [key, value] : table) {
      if (auto taken = take_key(key.str(), value, one); !taken) return taken;
    }
    if (one.rule.id.empty()) return table_.complain(table, "a rule without id");
    if (!ids_.insert(one.rule.id).second)
      return table_.complain(table, fmt::format("id \"{}\": another rule has it already", one.rule.id));
    if (one.patterns.empty()) return table_.complain(table, "a rule without pattern");
    if (one.rule.fields == 0) one.rule.fields = bit_of(RequestField::kUri);
    if (one.rule.kind == Kind::kExploit && one.rule.cve.empty())
      return table_.complain(table, "kind exploit: expected the cve of the one vulnerability that it exploits");
    written_.push_back(std::move(one));
    return {};
  }

  Expected<void> take_key(std::string_view key, const toml::node& value, Written& one) {
    if (key == "pattern" || key == "field") {
      auto texts = table_.texts_of(key, value);
      if (!texts) return std::unexpected(texts.error());
      if (key == "pattern") {
        one.patterns = std::move(*texts);
        const toml::array* list = value.as_array();
        for (std::size_t i = 0; i < one.patterns.size(); ++i) {
          one.lines.push_back((list == nullptr ? value : *list->get(i)).source().begin.line);
        }
        return {};
      }
      for (const std::string& text : *texts) {
        const auto at = std::ranges::find(kFields, text);
        if (at == kFields.end())
          return table_.complain(
              value, fmt::format("field \"{}\": expected uri, raw-uri, user-agent, referrer or host", text));
        one.rule.fields |= bit_of(static_cast<RequestField>(at - kFields.begin()));
      }
      return {};
    }
    if (key == "least") {
      const auto number = table_.number_of(key, value);
      if (!number) return std::unexpected(number.error());
      one.rule.least = *number;
      return {};
    }
    if (key == "case_sensitive") {
      const auto flag = table_.flag_of(key, value);
      if (!flag) return std::unexpected(flag.error());
      one.case_sensitive = *flag;
      return {};
    }
    static constexpr std::array<std::string_view, 6> kTexts{"id", "kind", "confidence", "cve", "family", "method"};
    if (std::ranges::find(kTexts, key) == kTexts.end())
      return table_.complain(value,
                             fmt::format("\"{}\" is not known in a rule; expected id, kind, confidence, pattern, "
                                         "field, method, cve, family, least or case_sensitive",
                                         key));
    auto text = table_.text_of(key, value);
    if (!text) return std::unexpected(text.error());
    return take_text(key, *text, value, one.rule);
  }

  Expected<void> take_text(std::string_view key, std::string& text, const toml::node& value, WebAttackRule& rule) {
    if (key == "kind") {
      static constexpr std::array<Kind, 4> kKnown{Kind::kWebAttack, Kind::kExploit, Kind::kScan, Kind::kBruteForce};
      const auto kind = kind_of(text);
      if (!kind || std::ranges::find(kKnown, *kind) == kKnown.end())
        return table_.complain(value,
                               fmt::format("kind \"{}\": expected web-attack, exploit, scan or brute-force", text));
      rule.kind = *kind;
    } else if (key == "confidence") {
      const auto confidence = confidence_of(text);
      if (!confidence) return table_.complain(value, fmt::format("confidence: {}", confidence.error().message));
      rule.confidence = *confidence;
    } else if (key == "cve" && !text.starts_with("CVE-")) {
      return table_.complain(value, fmt::format("cve \"{}\": expected one such as \"CVE-2021-44228\"", text));
    } else {
      (key == "id" ? rule.id : key == "cve" ? rule.cve : key == "family" ? rule.family : rule.method) = std::move(text);
    }
    return {};
  }

  RuleTable table_;
  std::vector<Written> written_;
  std::set<std::string> ids_;
};

}  // namespace

Expected<WebAttackRules> read_web_attack_rules(const std::string& path) { return Reader(path).read(); }

}  // namespace tocsin
