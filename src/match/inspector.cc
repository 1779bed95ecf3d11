#include "match/inspector.h"

#include <algorithm>

#include "match/resources.h"
#include "match/state.h"

namespace tocsin::match {

namespace {

std::string_view why_dropped(const stream::Flow& flow) {
  const auto* memory = static_cast<const FlowMemory*>(flow.memory.get());
  return memory != nullptr && memory->dropped_by_firewall ? "firewall flow drop" : "flow drop";
}

}  // namespace

Inspector::Shared::Shared(std::shared_ptr<const rules::RuleSet> set, const Options& given,
                          std::shared_ptr<const rules::RuleSet> firewall_set,
                          std::span<const protocol::Protocol* const> all, CountryOf countries)
    : rules(std::move(set)),
      firewall_rules(std::move(firewall_set)),
      options(given),
      protocols(all),
      country_of(std::move(countries)) {
  resources = make_resources(options, static_cast<bool>(country_of));
  compiled = compile(*rules, firewall_rules.get(), options, *resources, protocols);
  candidates = std::make_unique<Candidates>(compiled, protocols, options.text("mpm-algo") != "none",
                                            options.text("engine.cache-directory"));
  if (candidates->has_failed()) candidates = std::make_unique<Candidates>(compiled, protocols, false);
  faults.insert(faults.end(), compiled.faults.begin(), compiled.faults.end());
  for (const auto& rule : compiled.rules) {
    tags.may_have_hosts |= std::ranges::any_of(rule->rule->tags, [](const auto& tag) { return tag.what != "session"; });
    if (rule->rule->configuration == rules::Rule::Configuration::kPacketHasNoFlow) untracking.push_back(rule.get());
  }
  firewall = std::make_unique<Firewall>(compiled, options, protocols,
                                        firewall_rules != nullptr || options.flag("firewall.enabled", false));
  thresholds = std::make_unique<Thresholds>(compiled, options, faults);
  reputation = Reputation::read(options, faults);
  for (const protocol::Protocol* protocol : protocols) applications.push_back(applications_of(*protocol));
  is_inline = options.flag("stream.inline", false);
  most_alerts = std::max<std::uint64_t>(options.number("packet-alert-max", 15), 1);
  chunk[0] = options.number("stream.reassembly.toserver-chunk-size", 2560);
  chunk[1] = options.number("stream.reassembly.toclient-chunk-size", 2560);
}

Inspector::State::State(std::shared_ptr<Shared> of_all, bool first)
    : shared(std::move(of_all)),
      protocols(shared->protocols),
      country_of(shared->country_of),
      compiled(shared->compiled),
      candidates(shared->candidates.get()),
      firewall(shared->firewall.get()),
      thresholds(shared->thresholds.get()),
      reputation(shared->reputation),
      states(shared->states),
      tags(shared->tags),
      applications(shared->applications),
      is_inline(shared->is_inline),
      is_original(first),
      most_alerts(shared->most_alerts),
      chunk{shared->chunk[0], shared->chunk[1]},
      evaluator(static_cast<std::uint32_t>(shared->options.number("detect.inspection-recursion-limit", 3000))),
      search_memory(candidates->memory()) {
  for (auto& buffers : made) buffers.resize(compiled.buffers.size());
  changed.resize(compiled.buffers.size());
  counters["detect.alert"] = counters["detect.alerts_suppressed"] = counters["detect.alert_queue_overflow"] = 0;
  counters["detect.thresholds.bitmap_alloc_fail"] = counters["detect.thresholds.bitmap_memuse"] = 0;
  if (!is_original) return;
  counters["detect.engines.0.rules_loaded"] = compiled.loaded;
  counters["detect.engines.0.rules_skipped"] = compiled.skipped + shared->rules->skipped;
  counters["detect.engines.0.rules_failed"] = compiled.failed + shared->rules->refused();
}

void Inspector::State::inspect(const packet::Packet& packet, const stream::Followed& followed, Inspection& out) {
  out.clear();
  if (followed.flow != nullptr && followed.flow->verdict == stream::Verdict::kPass) return;
  if (followed.flow != nullptr && followed.flow->verdict == stream::Verdict::kDrop) {
    out.verdict = Inspection::Verdict::kDrop;
    out.drop_reason = why_dropped(*followed.flow);
    return;
  }
  if (compiled.rules.empty() && !firewall->is_on()) return;  // nothing asks, so nothing is kept
  start(packet, followed, out);
  if (now.memory != nullptr) now.is_passed = now.memory->passed_by_firewall;
  if (tags.take(packet, now.memory == nullptr ? nullptr : &now.memory->tags)) out.is_tagged = true;
  look_at_stream();
  const bool is_made = packet.origin == packet::Origin::kFlowEnd;
  if (firewall->is_on() && is_made) {  // no packet of the wire: nothing to drop, and looked into if any packet may be
    now.is_accepted = firewall->policy(Firewall::Table::kFilter).action != rules::Action::kAccept;
  } else if (firewall->is_on()) {
    for (const auto table : {Firewall::Table::kPreFlow, Firewall::Table::kPreStream, Firewall::Table::kFilter})
      if (!now.is_dropped) filter_packet(table);
  }
  if (!now.is_dropped) judge_packets();
  // A packet that was accepted as it is is not looked into.
  if (!now.is_dropped && !now.is_accepted) judge_transactions();
  finish_packet();
  if (firewall->is_on() && out.verdict != Inspection::Verdict::kDrop && out.verdict != Inspection::Verdict::kReject)
    out.verdict = Inspection::Verdict::kAccept;
}

Inspector::Inspector(std::shared_ptr<const rules::RuleSet> rules, const Options& options,
                     std::shared_ptr<const rules::RuleSet> firewall_rules,
                     std::span<const protocol::Protocol* const> protocols, CountryOf country_of)
    : state_(std::make_unique<State>(std::make_shared<Shared>(std::move(rules), options, std::move(firewall_rules),
                                                              protocols, std::move(country_of)),
                                     true)) {}
Inspector::Inspector(std::shared_ptr<Shared> shared) : state_(std::make_unique<State>(std::move(shared), false)) {}
Inspector::~Inspector() = default;

std::unique_ptr<Inspector> Inspector::beside() const {
  return std::unique_ptr<Inspector>(new Inspector(state_->shared));
}

void Inspector::inspect(const packet::Packet& packet, const stream::Followed& followed, Inspection& out) {
  state_->inspect(packet, followed, out);
}

bool Inspector::is_untracked(const packet::Packet& packet) {
  State& state = *state_;
  if (state.shared->untracking.empty()) return false;
  const stream::Followed none;
  Inspection unused;
  state.start(packet, none, unused);
  return std::ranges::any_of(state.shared->untracking, [&](const CompiledRule* rule) {
    return state.holds_header(*rule) && state.holds_conditions(*rule, nullptr);
  });
}

std::string_view Inspector::drop_reason_of(const stream::Flow& flow) const { return why_dropped(flow); }

void Inspector::finish() { state_->shared->resources->save(); }

FlowVariables Inspector::variables_of(const stream::Flow& flow) const {
  FlowVariables variables;
  const auto* memory = static_cast<const FlowMemory*>(flow.memory.get());
  if (memory == nullptr) return variables;
  const auto& names = state_->compiled.bit_names[0];
  for (std::size_t i = 0; i < memory->bits.size() && i < names.size(); ++i)
    if (memory->bits[i]) variables.bits.push_back(names[i]);
  for (std::size_t i = 0; i < memory->integers.size(); ++i)
    if (memory->integers[i]) variables.integers.emplace_back(state_->compiled.integer_names[i], *memory->integers[i]);
  for (const auto& [name, value] : memory->variables) variables.variables.emplace_back(name, value);
  variables.entropies = memory->entropies;
  return variables;
}

std::vector<rules::Fault> Inspector::faults() const { return state_->shared->faults; }

const std::map<std::string, std::uint64_t, std::less<>>& Inspector::counters() const {
  if (state_->is_original) state_->counters["detect.thresholds.bitmap_memuse"] = state_->shared->port_bytes;
  return state_->counters;
}

}  // namespace tocsin::match
