#include "match/firewall.h"

#include <algorithm>
#include <tuple>

#include "base/text.h"

namespace tocsin::match {
namespace {

constexpr std::uint32_t kPacketPolicy = 2'201'000, kApplicationPolicy = 2'201'001;

rules::Action action_of(std::string_view name, rules::Action otherwise) {
  if (name == "accept") return rules::Action::kAccept;
  if (name == "drop") return rules::Action::kDrop;
  if (name == "reject" || name == "rejectsrc") return rules::Action::kReject;
  if (name == "rejectdst") return rules::Action::kRejectTarget;
  if (name == "rejectboth") return rules::Action::kRejectBoth;
  return otherwise;
}

}  // namespace

std::unique_ptr<Policy> Firewall::read_policy(const Options& options, const std::string& name, rules::Action action,
                                              const std::string& scope, bool of_application) const {
  auto policy = std::make_unique<Policy>();
  policy->action = action;
  policy->scope = scope;
  for (int i = 0; i < 8; ++i) {
    const std::string* found = options.find("firewall.policies." + name + "." + std::to_string(i));
    if (found == nullptr) break;
    const std::string text = lower(trim(*found));
    if (text == "alert") {
      policy->tells = true;
    } else if (text == "pass:flow") {
      policy->passes_flow = true;
    } else {
      const std::size_t colon = std::min(text.find(':'), text.size());
      policy->action = action_of(std::string_view(text).substr(0, colon), action);
      if (colon < text.size()) policy->scope = text.substr(colon + 1);
    }
  }
  policy->text = std::make_unique<rules::Rule>();
  policy->text->action = policy->action;
  policy->text->action_scope = policy->scope;
  if (policy->tells) policy->text->further_actions.push_back(rules::Action::kAlert);
  policy->text->metadata.sid = of_application ? kApplicationPolicy : kPacketPolicy;
  policy->text->metadata.rev = 1;
  policy->text->metadata.priority = 3;
  policy->text->metadata.message =
      of_application ? "SURICATA FW default app policy" : "SURICATA FW default packet policy";
  policy->rule.rule = policy->text.get();
  policy->rule.number = UINT32_MAX;
  policy->rule.is_firewall = true;
  return policy;
}

Firewall::Firewall(const Compiled& compiled, const Options& options,
                   std::span<const protocol::Protocol* const> protocols, bool is_on)
    : is_on_(is_on) {
  if (!is_on_) return;
  using rules::Action;
  packet_policies_.push_back(read_policy(options, "packet.pre-flow", Action::kAccept, "hook", false));
  packet_policies_.push_back(read_policy(options, "packet.pre-stream", Action::kAccept, "hook", false));
  packet_policies_.push_back(read_policy(options, "packet.filter", Action::kDrop, "packet", false));
  other_ = read_policy(options, "", Action::kDrop, "flow", true);
  for (std::size_t i = 0; i < protocols.size(); ++i) {
    const std::string name(protocols[i]->name() == "http" ? "http1" : protocols[i]->name());
    for (const Side side : {Side::kToServer, Side::kToClient}) {
      const auto steps = protocols[i]->steps(side);
      for (std::size_t step = 0; step < steps.size(); ++step) {
        std::string key(steps[step]);
        std::ranges::replace(key, '_', '-');
        const Key place{static_cast<int>(i), side, static_cast<int>(step)};
        const std::string section = "app." + name + ".";
        const bool has_dashes = options.find("firewall.policies." + section + key + ".0") != nullptr;
        steps_[place].policy =
            read_policy(options, section + (has_dashes ? key : std::string(steps[step])), Action::kDrop, "flow", true);
      }
    }
  }
  for (const auto& rule : compiled.rules) {
    if (!rule->is_firewall) continue;
    if (rule->hooks.empty()) {
      const Table table = rule->hook == "pre_flow"     ? Table::kPreFlow
                          : rule->hook == "pre_stream" ? Table::kPreStream
                                                       : Table::kFilter;
      packets_[static_cast<int>(table)].push_back(rule.get());
      continue;
    }
    for (const auto& [protocol, hook] : rule->hooks) {
      const auto at = std::ranges::find(protocols, protocol) - protocols.begin();
      steps_[Key{static_cast<int>(at), hook.first, hook.second}].rules.push_back(rule.get());
    }
  }
}

const std::vector<const CompiledRule*>& Firewall::rules(int protocol, Side side, int step) const {
  static const std::vector<const CompiledRule*> kNone;
  const auto found = steps_.find(Key{protocol, side, step});
  return found == steps_.end() ? kNone : found->second.rules;
}

const Policy& Firewall::policy(int protocol, Side side, int step) const {
  const auto found = steps_.find(Key{protocol, side, step});
  return found == steps_.end() || !found->second.policy ? *other_ : *found->second.policy;
}

}  // namespace tocsin::match
