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
  policy->text = std::make_unique<rules::Rule>();
  policy->action = action;
  policy->scope = scope;
  for (int i = 0; i < 8; ++i) {
    const std::string* found = options.find("firewall.policies." + name + "." + std::to_string(i));
    if (found == nullptr) break;
    const std::string text = lower(trim(*found));
    if (text == "alert") {
      policy->tells = true;
    } else if (text == "pass" || text.starts_with("pass:")) {
      policy->text->further_actions.push_back(rules::Action::kPass);
      policy->text->pass_scope = text.substr(std::min<std::size_t>(text.size(), 5));
    } else {
      const std::size_t colon = std::min(text.find(':'), text.size());
      policy->action = action_of(std::string_view(text).substr(0, colon), action);
      if (colon < text.size()) policy->scope = text.substr(colon + 1);
    }
  }
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
      const Key place{static_cast<int>(at), hook.first, hook.second};
      if (rule->rule->protocol.accepts_before) accept_before(*rule, protocol, place);
      steps_[place].rules.push_back(rule.get());
    }
  }
}

// The steps before that of a rule are accepted wherever its header fits.
void Firewall::accept_before(const CompiledRule& rule, const protocol::Protocol* protocol, const Key& place) {
  const auto [index, side, last] = place;
  for (int step = 0; step < last; ++step) {
    auto made = std::make_unique<Policy>();
    made->text = std::make_unique<rules::Rule>();
    const rules::Rule& from = *rule.rule;
    made->text->action = rules::Action::kAccept;
    made->text->action_scope = "hook";
    made->text->protocol = from.protocol;
    made->text->source = from.source;
    made->text->target = from.target;
    made->text->source_ports = from.source_ports;
    made->text->target_ports = from.target_ports;
    made->text->direction = from.direction;
    made->text->metadata.sid = from.metadata.sid;
    CompiledRule& accepts = made->rule;
    accepts.rule = made->text.get();
    accepts.number = UINT32_MAX;
    accepts.is_firewall = true;
    accepts.type = RuleType::kTransaction;
    accepts.protocols = rule.protocols;
    accepts.any_protocol = rule.any_protocol;
    accepts.ip_version = rule.ip_version;
    accepts.is_both_ways = rule.is_both_ways;
    accepts.side = rule.side;
    accepts.needs_flow = rule.needs_flow;
    accepts.hooks[protocol] = {side, step};
    steps_[Key{index, side, step}].rules.push_back(&accepts);
    accepted_before_.push_back(std::move(made));
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
