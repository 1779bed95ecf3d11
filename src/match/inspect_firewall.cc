// Packets and transactions against firewall rules.
#include <algorithm>

#include "match/state.h"

namespace tocsin::match {
namespace {

bool accepts(const CompiledRule& rule) { return rule.rule->action == rules::Action::kAccept; }

bool is_drop(rules::Action action) {
  return action != rules::Action::kAccept && action != rules::Action::kAlert && action != rules::Action::kPass;
}

Inspection::Verdict verdict_of(rules::Action action) {
  return action == rules::Action::kDrop ? Inspection::Verdict::kDrop : Inspection::Verdict::kReject;
}

}  // namespace

// Whether a rule that matches may speak now: below the count of its detection_filter it is as if it did not match.
bool Inspector::State::may_act(const CompiledRule& rule) {
  if (rule.number == UINT32_MAX) return true;  // of no file: it has no threshold
  return thresholds->judge(rule, *now.packet, now.memory).answer != Thresholds::Answer::kNo;
}

void Inspector::State::drop_by_firewall(rules::Action action, const std::string& scope, std::string_view reason) {
  now.out->verdict = verdict_of(action);
  now.out->drop_reason = reason;
  now.is_dropped = true;
  if (scope != "flow" || now.flow == nullptr) return;
  now.out->drop_flow = true;
  now.flow->verdict = stream::Verdict::kDrop;
  if (now.memory != nullptr) now.memory->dropped_by_firewall = true;
}

void Inspector::State::accept_flow() {
  now.out->accept_flow = true;
  if (now.memory != nullptr) now.memory->accepted_by_firewall = true;
}

// Detection rules are not asked about the packet, or about any more of the flow.
void Inspector::State::pass(const CompiledRule& rule) {
  const auto& further = rule.rule->further_actions;
  if (std::ranges::find(further, rules::Action::kPass) == further.end()) return;
  now.is_passed = true;
  if (rule.rule->pass_scope == "flow" && now.memory != nullptr) now.memory->passed_by_firewall = true;
}

void Inspector::State::tell_policy(const Policy& policy, const protocol::Transaction* transaction) {
  if (!is_drop(policy.action)) pass(policy.rule);
  if (!policy.tells) return;
  pending.push_back({&policy.rule, transaction, false, transaction != nullptr, {}, true});
}

// The tables of packets. What is accepted by a hook goes on to the next.
void Inspector::State::filter_packet(Firewall::Table table) {
  const auto& list = firewall->rules(table);
  const bool is_filter = table == Firewall::Table::kFilter;
  if (!is_filter && list.empty()) return;
  if (now.memory != nullptr && now.memory->accepted_by_firewall) return;
  const std::string_view reason = table == Firewall::Table::kPreFlow     ? "firewall pre flow hook"
                                  : table == Firewall::Table::kPreStream ? "firewall pre stream hook"
                                                                         : "firewall rules";
  for (const CompiledRule* rule : list) {
    if (rule->hook == "flow_start" && now.memory != nullptr && now.memory->was_seen[static_cast<int>(now.side)])
      continue;
    bool of_stream = false;
    if (!judge_packet(*rule, of_stream) || !may_act(*rule)) continue;
    const std::size_t before = pending.size();
    matched(*rule, nullptr, nullptr, of_stream);
    for (std::size_t i = before; i < pending.size(); ++i) pending[i].is_judged = true;
    const std::string& scope = rule->rule->action_scope;
    if (is_drop(rule->rule->action)) {
      drop_by_firewall(rule->rule->action, scope, reason);
      return;
    }
    if (!accepts(*rule)) continue;
    pass(*rule);
    if (scope == "packet" || scope == "flow") now.is_accepted = true;
    if (scope == "flow") accept_flow();
    return;
  }
  const Policy& policy = firewall->policy(table);
  if (is_drop(policy.action)) {
    drop_by_firewall(policy.action, policy.scope, is_filter ? "firewall default packet policy" : reason);
  } else {
    if (policy.scope == "packet" || policy.scope == "flow") now.is_accepted = true;
    if (policy.scope == "flow") accept_flow();
  }
  tell_policy(policy, nullptr);
}

// What the default policy of a step says; true: the next step is looked at.
bool Inspector::State::apply_policy(const protocol::Transaction& transaction, TransactionMemory::OfSide& memory,
                                    int step) {
  const Policy& policy = firewall->policy(now.protocol, now.side, step);
  tell_policy(policy, &transaction);
  if (is_drop(policy.action)) {
    drop_by_firewall(policy.action, policy.scope, "firewall default app policy");
    return false;
  }
  if (policy.scope == "flow") accept_flow();
  if (policy.scope == "tx") memory.firewall_accepted = true;
  return policy.scope == "hook";
}

void Inspector::State::filter_transaction(protocol::Transaction& transaction, TransactionMemory& memory) {
  TransactionMemory::OfSide& of_side = memory.sides[static_cast<int>(now.side)];
  if (of_side.firewall_accepted || now.memory->accepted_by_firewall) return;
  const int last = static_cast<int>(protocols[static_cast<std::size_t>(now.protocol)]->steps(now.side).size()) - 1;
  if (last < 0) return;
  const int progress = std::min<int>(transaction.progress[static_cast<int>(now.side)], last);
  for (int step = of_side.firewall_step; step <= progress; ++step) {
    bool is_decided = false, goes_on = false, was_accepted = false;
    for (const CompiledRule* rule : firewall->rules(now.protocol, now.side, step)) {
      const Answer answer = judge_rule(*rule, transaction, memory);
      const RuleProgress* so_far = find_progress(of_side.rules, rule->number);
      if (answer != Answer::kYes) {
        // Part of it is there: until the rest has come or can't come any more, the step is accepted.
        const bool is_partial =
            answer == Answer::kNo && so_far != nullptr && so_far->found != 0 && !transaction.is_complete(now.side);
        if (is_partial && accepts(*rule)) return;
        continue;
      }
      const bool is_new = so_far == nullptr || !so_far->was_told;
      if (is_new && !may_act(*rule)) continue;
      if (is_new) {
        pending.push_back({rule, &transaction, false, true, {}, true});
        for (const StateCondition& change : rule->sets) states.change(change, *now.packet, now.memory, &memory);
        if (RuleProgress* own = find_progress(of_side.rules, rule->number)) own->was_told = true;
      }
      const std::string& scope = rule->rule->action_scope;
      if (!is_new && accepts(*rule) && scope == "hook" && step < progress) {
        // It accepted the step while it lasted; now that it is over, rules behind it see all of it.
        was_accepted = true;
        continue;
      }
      if (is_drop(rule->rule->action)) {
        drop_by_firewall(rule->rule->action, scope, "firewall rules");
        return;
      }
      if (!accepts(*rule)) continue;
      pass(*rule);
      is_decided = true;
      goes_on = scope == "hook";
      if (scope == "flow") accept_flow();
      if (scope == "tx") of_side.firewall_accepted = true;
      break;
    }
    if (!is_decided && was_accepted) is_decided = goes_on = true;
    if (!is_decided) goes_on = apply_policy(transaction, of_side, step);
    if (!goes_on) return;
    of_side.firewall_step = std::min(step + 1, progress);
  }
}

}  // namespace tocsin::match
