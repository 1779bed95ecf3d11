// What rules said of a packet, weighed: thresholds, actions, how much is told; and tags.
#include <algorithm>

#include "base/turns.h"
#include "match/state.h"

namespace tocsin::match {
namespace {

using rules::Action;

bool tells(const rules::Rule& rule, bool is_firewall) {
  if (rule.no_alert) return false;
  if (rule.asks_alert) return true;
  if (std::ranges::find(rule.further_actions, Action::kAlert) != rule.further_actions.end()) return true;
  return !is_firewall && rule.action != Action::kPass && rule.action != Action::kConfig &&
         rule.action != Action::kAccept;
}

// Whether what a rule does to a packet it does to the whole flow.
bool is_of_flow(const CompiledRule& rule, bool of_stream, bool of_state) {
  const std::string& scope = rule.rule->action_scope;
  if (scope == "flow") return true;
  if (!scope.empty()) return false;
  switch (rule.type) {
    case RuleType::kIpOnly:
    case RuleType::kLikeIpOnly:
    case RuleType::kProtocolOnly:
    case RuleType::kApplication:
    case RuleType::kTransaction:
      return true;
    case RuleType::kPacketStream:
    case RuleType::kStream:
      return of_stream || of_state;
    default:
      return false;
  }
}

}  // namespace

void Inspector::State::finish_packet() {
  std::ranges::stable_sort(pending, [](const Pending& a, const Pending& b) {
    if (a.rule->number != b.rule->number) return a.rule->number < b.rule->number;
    if ((a.transaction == nullptr) != (b.transaction == nullptr)) return a.transaction != nullptr;
    return a.transaction != nullptr && a.transaction->id > b.transaction->id;
  });
  Inspection& out = *now.out;
  using Verdict = Inspection::Verdict;
  bool dropped = now.is_dropped;
  std::size_t told = 0;
  for (const Pending& one : pending) {
    const CompiledRule& rule = *one.rule;
    const auto judged = one.is_judged ? Thresholds::Judged() : thresholds->judge(rule, *now.packet, now.memory);
    const Action action = judged.action.value_or(rule.rule->action);
    const auto tag = [&] {
      std::vector<Tagged>* of_flow = now.memory == nullptr ? nullptr : &now.memory->tags;
      for (const rules::Tag& wanted : rule.rule->tags) tags.add(wanted, *now.packet, of_flow);
    };
    if (one.is_judged) tag();
    if (!one.is_judged && judged.answer != Thresholds::Answer::kNo) {
      if (judged.answer == Thresholds::Answer::kTell) tag();
      const bool of_flow = is_of_flow(rule, one.of_stream, one.of_state);
      if (drops(action)) {
        if (!dropped) out.drop_reason = judged.action ? "threshold detection_filter" : "rules";
        dropped = true;
        if (is_reject(action))
          out.verdict = Verdict::kReject;
        else if (out.verdict != Verdict::kReject)
          out.verdict = Verdict::kDrop;
        out.drop_flow = out.drop_flow || of_flow;
      } else if (action == Action::kPass && !dropped) {
        out.verdict = Verdict::kPass;
        out.pass_flow = out.pass_flow || of_flow;
      }
    }
    const bool is_told = judged.answer == Thresholds::Answer::kTell && tells(*rule.rule, rule.is_firewall);
    if (!is_told && drops(action) && judged.answer != Thresholds::Answer::kNo) {
      Alert silent;  // for the log of what was dropped
      silent.rule = rule.rule;
      silent.action = action;
      silent.transaction = one.transaction;
      silent.is_suppressed = true;
      out.alerts.push_back(std::move(silent));
    }
    if (judged.answer != Thresholds::Answer::kTell) {
      ++counters["detect.alerts_suppressed"];
    } else if (action == Action::kPass || tells(*rule.rule, rule.is_firewall)) {
      if (told >= most_alerts) {
        ++counters["detect.alert_queue_overflow"];
        if (rule.is_firewall) ++counters["firewall.discarded_alerts"];
        continue;
      }
      ++told;
      ++counters["detect.alert"];
      if (tells(*rule.rule, rule.is_firewall)) {
        Alert alert;
        alert.rule = rule.rule;
        alert.action = action;
        alert.transaction = one.transaction;
        alert.is_of_stream = one.of_stream;
        alert.is_of_state = one.of_state;
        alert.context = one.context;
        out.alerts.push_back(std::move(alert));
        if (out.verdict == Verdict::kNone) out.verdict = Verdict::kAlert;
      }
      if (action == Action::kPass) break;
    } else if (!rule.is_firewall) {
      ++counters["detect.alerts_suppressed"];
    }
  }
  if (!pending.empty() && thresholds->counts_ports()) {
    wait_for_turn();
    shared->port_bytes = thresholds->port_bytes();
  }
  if (now.flow == nullptr) return;
  if (std::ranges::any_of(out.alerts, [](const Alert& alert) { return !alert.is_suppressed; }))
    now.flow->has_alerts = true;
  for (const Alert& alert : out.alerts) now.flow->is_bypassed |= alert.rule->bypass;
  if (out.pass_flow && now.flow->verdict == stream::Verdict::kNone) now.flow->verdict = stream::Verdict::kPass;
  if (out.drop_flow && now.flow->verdict == stream::Verdict::kNone) now.flow->verdict = stream::Verdict::kDrop;
}

}  // namespace tocsin::match
