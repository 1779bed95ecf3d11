#include "engine/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "engine/eve_text.h"

namespace tocsin::engine {
namespace {

// Names apart at their dots, but for two dots in a row, which are none.
std::vector<std::string_view> parts_of(std::string_view name) {
  std::vector<std::string_view> parts;
  std::size_t from = 0;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    parts.push_back(name.substr(from, dot - from));
    from = dot + 1;
  }
  parts.push_back(name.substr(from));
  return parts;
}

struct Tree {
  std::map<std::string, Tree, std::less<>> below;
  std::uint64_t value = 0;
  bool has_value = false;

  void write(std::string& out, const RuleCounts* rules) const {
    out += '{';
    bool first = true;
    if (rules != nullptr) {
      out += fmt::format(R"("engines":[{{"id":0,"rules_loaded":{},"rules_failed":{},"rules_skipped":{}}}])",
                         rules->loaded, rules->failed, rules->skipped);
      first = false;
    }
    for (const auto& [name, tree] : below) {
      fmt::format_to(std::back_inserter(out), "{}\"{}\":", first ? "" : ",", name);
      first = false;
      if (tree.has_value) {
        out += std::to_string(tree.value);
      } else {
        tree.write(out, nullptr);
      }
    }
    out += '}';
  }
};

}  // namespace

std::string stats_object(const Counters& counters, const RuleCounts& rules, std::uint64_t seconds, bool zeros) {
  Tree root;
  for (const auto& [name, value] : counters) {
    if ((value == 0 && !zeros) || name.starts_with("detect.engines.")) continue;
    Tree* at = &root;
    for (const std::string_view part : parts_of(name)) at = &at->below[std::string(part)];
    at->value = value;
    at->has_value = true;
  }
  std::string out = fmt::format("{{\"uptime\":{}", seconds);
  root.below.try_emplace("detect");
  for (const auto& [name, tree] : root.below) {
    fmt::format_to(std::back_inserter(out), ",\"{}\":", name);
    if (tree.has_value) {
      out += std::to_string(tree.value);
    } else {
      tree.write(out, name == "detect" ? &rules : nullptr);
    }
  }
  return out + "}";
}

std::string stats_text(const Counters& counters, Timestamp now, std::uint64_t seconds) {
  const std::string rule(110, '-');
  std::string text =
      fmt::format("{0}\nDate: {1} (uptime: {2}d, {3:02}h {4:02}m {5:02}s)\n{0}\n", rule, fast_time(now).substr(0, 19),
                  seconds / 86'400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
  text += fmt::format("{:<45} | {:<25} | {:<}\n{}\n", "Counter", "TM Name", "Value", rule);
  for (const auto& [name, value] : counters) {
    if (value != 0) text += fmt::format("{:<45} | {:<25} | {}\n", name, "Total", value);
  }
  text.pop_back();
  return text;
}

std::string drop_reason_counter(std::string_view reason) {
  constexpr std::string_view kFirewall = "firewall ";
  const bool is_firewall = reason.starts_with(kFirewall);
  std::string name(is_firewall ? reason.substr(kFirewall.size()) : reason);
  std::ranges::replace(name, ' ', '_');
  return (is_firewall ? "firewall.drop_reason." : "ips.drop_reason.") + name;
}

void add_own_counters(Counters& counters, bool is_inline, bool is_firewall) {
  if (!is_inline) return;
  for (const char* name : {"ips.accepted", "ips.blocked", "ips.rejected", "ips.replaced"}) counters[name] = 0;
  for (const char* reason :
       {"decode error", "defrag error", "defrag memcap", "flow memcap", "flow drop", "exception policy flow drop",
        "stream error", "stream memcap", "stream midstream", "stream urgent", "stream reassembly", "applayer error",
        "applayer memcap", "rules", "threshold detection_filter", "nfq error", "tunnel packet drop"}) {
    counters[drop_reason_counter(reason)] = 0;
  }
  if (!is_firewall) return;
  for (const char* name : {"firewall.accepted", "firewall.blocked", "firewall.rejected", "firewall.discarded_alerts"})
    counters[name] = 0;
  for (const char* reason : {"firewall rules", "firewall default packet policy", "firewall default app policy",
                             "firewall pre stream hook", "firewall pre flow hook", "firewall flow drop"}) {
    counters[drop_reason_counter(reason)] = 0;
  }
}

}  // namespace tocsin::engine
