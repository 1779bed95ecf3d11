#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/stages.h"
#include "base/text.h"
#include "engine/recorder.h"
#include "match/inspector.h"
#include "packet/decoder.h"
#include "rules/config_files.h"
#include "stream/streams.h"

namespace tocsin::engine {
namespace {

using protocol::Side;
using rules::Action;

constexpr std::uint64_t kMostOfStoredFile = 64 << 20;

// Hashes and kinds of files that rules ask about.
void ask_for_files(const rules::RuleSet& set, Options& options) {
  for (const rules::Rule& rule : set.rules) {
    for (const rules::Condition& condition : rule.conditions) {
      const auto* file = std::get_if<rules::FileCondition>(&condition);
      if (file == nullptr) continue;
      for (const auto& [field, option] : {std::pair("md5", "files.md5"), std::pair("sha1", "files.sha1"),
                                          std::pair("sha256", "files.sha256"), std::pair("magic", "files.magic")}) {
        if (file->field.find(field) != std::string_view::npos) options.set(option, "yes");
      }
    }
    for (const rules::BufferMatches& buffer : rule.buffers) {
      if (buffer.buffer.find("magic") != std::string_view::npos) options.set("files.magic", "yes");
    }
  }
}

// What the defragmenter's exception policy does to a packet; false: nothing.
bool policy_of(const packet::Packet& packet, PacketVerdict& verdict) {
  using packet::ExceptionPolicy;
  switch (packet.exception_policy) {
    case ExceptionPolicy::kReject:
    case ExceptionPolicy::kDropFlow:
    case ExceptionPolicy::kDropPacket:
      verdict.is_dropped = true;
      verdict.is_rejected = packet.exception_policy == ExceptionPolicy::kReject;
      verdict.reason = "defrag memcap";
      return true;
    case ExceptionPolicy::kPassFlow:
    case ExceptionPolicy::kPassPacket:
    case ExceptionPolicy::kBypass:
      return true;
    default:
      return false;
  }
}

}  // namespace

struct Engine::State {
  EngineSettings settings;
  rules::Vocabulary vocabulary;
  std::shared_ptr<rules::RuleSet> rules, firewall_rules;
  Surroundings surroundings;
  std::optional<packet::Decoder> decoder;
  std::optional<match::Inspector> inspector;
  std::optional<stream::Streams> streams;
  std::optional<Recorder> recorder;
  Engine* engine = nullptr;

  match::Inspection inspection;
  Counters counters;
  Timestamp began = 0;
  bool has_begun = false;

  Expected<void> read_rules();
  void take_packet(const packet::Packet& packet);
  void look_at(const packet::Packet& packet, const stream::Followed& followed);
  void judge(Seen& seen);
  void mark_inspected(const stream::Followed& followed);
  void count(const Seen& seen);
  Counters all_counters() const;
  RuleCounts rule_counts() const;
  void tell_faults();
};

Expected<void> Engine::State::read_rules() {
  vocabulary.variables = rules::variables_of(settings.options);
  if (!settings.classification_file.empty()) {
    if (const auto read = rules::read_classification(settings.classification_file, vocabulary); !read) return read;
  }
  if (!settings.reference_file.empty()) {
    if (const auto read = rules::read_references(settings.reference_file, vocabulary); !read) return read;
  }
  const auto read_all = [this](const std::vector<std::filesystem::path>& files, rules::RuleSet& set) -> Expected<void> {
    for (const auto& file : files) {
      if (const auto read = set.read_file(file, vocabulary); !read) return read;
    }
    set.check_together();
    for (rules::Rule& rule : set.rules) {
      if (rule.metadata.priority) continue;
      const auto found = vocabulary.class_types.find(rule.metadata.class_type);
      if (found != vocabulary.class_types.end()) rule.metadata.priority = found->second.priority;
    }
    ask_for_files(set, settings.options);
    return {};
  };
  rules = std::make_shared<rules::RuleSet>();
  if (const auto read = read_all(settings.rule_files, *rules); !read) return read;
  if (!settings.firewall_rule_files.empty()) {
    firewall_rules = std::make_shared<rules::RuleSet>();
    if (const auto read = read_all(settings.firewall_rule_files, *firewall_rules); !read) return read;
  }
  return {};
}

Expected<std::unique_ptr<Engine>> Engine::make(EngineSettings settings) {
  auto state = std::make_unique<State>();
  state->settings = std::move(settings);
  EngineSettings& own = state->settings;
  Outputs outputs = outputs_of(own.options);
  const auto ask = [&own](bool is_asked, const char* option) {
    if (is_asked) own.options.set(option, "yes");
  };
  ask(outputs.md5, "files.md5");
  ask(outputs.sha1, "files.sha1");
  ask(outputs.sha256, "files.sha256");
  ask(outputs.magic, "files.magic");
  if (!own.check_checksums) own.options.set("stream.checksum-validation", "no");
  const bool is_firewall = !own.firewall_rule_files.empty();
  if (own.is_inline) own.options.set("engine.inline", "yes");
  if (own.is_inline && own.options.text("stream.inline", "auto") == "auto") own.options.set("stream.inline", "yes");
  if (!own.directory.empty() && !own.options.find("default-data-dir")) {
    own.options.set("default-data-dir", own.directory.string());
  }
  if (!own.threshold_file.empty()) own.options.set("threshold-file", own.threshold_file.string());
  if (const auto read = state->read_rules(); !read) return std::unexpected(read.error());

  std::unique_ptr<FileStore> store;
  if (!outputs.file_store.empty() && !own.directory.empty()) {
    const std::uint64_t most = own.options.number("outputs.file-store.stream-depth", 0);
    store = std::make_unique<FileStore>(own.directory / outputs.file_store, outputs.store_all_files,
                                        most == 0 ? kMostOfStoredFile : most);
  }
  State& s = *state;
  s.surroundings.is_inline = own.is_inline;
  s.surroundings.is_firewall = is_firewall;
  s.surroundings.capture = own.capture;
  s.surroundings.vocabulary = &s.vocabulary;
  s.surroundings.firewall_rules = s.firewall_rules.get();
  s.recorder.emplace(std::move(outputs), std::move(store));
  s.decoder.emplace(own.options);
  s.inspector.emplace(s.rules, own.options, s.firewall_rules, protocol::protocols(), own.country_of);
  s.surroundings.inspector = &*s.inspector;
  s.streams.emplace(own.options);
  s.streams->flush = [&s](const packet::Packet& packet, const stream::Followed& followed) {
    s.look_at(packet, followed);
  };
  s.streams->ended = [&s](stream::Flow& flow) {
    // What was never complete is told now.
    const InStage stage(Stage::kOutput);
    stream::Followed followed;
    followed.flow = &flow;
    packet::Packet last;
    last.time = s.surroundings.now;
    last.origin = packet::Origin::kFlowEnd;
    last.ip_version = flow.ip_version;
    last.protocol = flow.protocol;
    last.source = flow.client;
    last.destination = flow.server;
    last.source_port = flow.client_port;
    last.destination_port = flow.server_port;
    last.vlan = flow.vlan;
    last.vlans = flow.vlans;
    Seen seen;
    seen.surroundings = &s.surroundings;
    seen.packet = &last;
    seen.followed = &followed;
    if (flow.verdict != stream::Verdict::kDrop) s.recorder->transactions(seen, true);
    s.recorder->flow(s.surroundings, flow);
  };
  add_own_counters(s.counters, own.is_inline, is_firewall);
  auto engine = std::unique_ptr<Engine>(new Engine(std::move(state)));
  s.engine = engine.get();
  s.recorder->write = [&s](std::string_view log, std::string_view line) {
    if (s.engine->log) s.engine->log(log, line);
  };
  return engine;
}

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

void Engine::take(std::uint32_t link_type, packet::Bytes frame, Timestamp time, std::uint64_t number) {
  State& s = *state_;
  if (!s.has_begun) {
    s.began = time;
    s.has_begun = true;
    s.tell_faults();
  }
  s.surroundings.link_type = link_type;
  s.surroundings.now = time;
  const InStage stage(Stage::kDecode);
  s.decoder->decode(link_type, frame, time, number, [&s](const packet::Packet& packet) { s.take_packet(packet); });
}

void Engine::State::take_packet(const packet::Packet& packet) {
  const InStage stage(Stage::kStream);
  look_at(packet, streams->take(packet));
}

void Engine::State::judge(Seen& seen) {
  PacketVerdict& verdict = seen.verdict;
  stream::Flow* flow = seen.followed->flow;
  if (seen.followed->should_drop && settings.is_inline) {
    verdict.is_dropped = true;
    verdict.reason = seen.followed->drop_reason;
  }
  if (seen.inspection == nullptr) return;
  const match::Inspection& said = *seen.inspection;
  using Judged = match::Inspection::Verdict;
  if (said.verdict == Judged::kDrop || said.verdict == Judged::kReject) {
    verdict.is_dropped = true;
    verdict.is_rejected = said.verdict == Judged::kReject;
    if (verdict.reason.empty()) verdict.reason = said.drop_reason.empty() ? "rules" : said.drop_reason;
  }
  verdict.is_accepted = said.verdict == Judged::kAccept;
  for (const match::Alert& alert : said.alerts) {
    if (verdict.by == nullptr && rules::drops(alert.action)) verdict.by = &alert;
    if (alert.action == Action::kPass) verdict.has_pass = true;
  }
  if (flow == nullptr) return;
  // The first that says something of the whole flow wins, but for an accepted one, which may still be dropped.
  const bool is_open = flow->verdict == stream::Verdict::kNone || flow->verdict == stream::Verdict::kAccept;
  if (said.drop_flow && is_open) {
    flow->verdict = stream::Verdict::kDrop;
  } else if (said.pass_flow && is_open) {
    flow->verdict = stream::Verdict::kPass;
  } else if (said.accept_flow && flow->verdict == stream::Verdict::kNone) {
    flow->verdict = stream::Verdict::kAccept;
  }
  for (const match::Alert& alert : said.alerts) {
    if (!alert.is_suppressed && alert.action != Action::kPass && !alert.rule->no_alert) flow->has_alerts = true;
  }
}

void Engine::State::mark_inspected(const stream::Followed& followed) {
  stream::Flow* flow = followed.flow;
  if (flow == nullptr || !flow->application || flow->application->parser() == nullptr) return;
  for (const auto& transaction : flow->application->parser()->transactions) {
    if (transaction->is_complete(followed.side)) transaction->is_inspected[static_cast<int>(followed.side)] = true;
  }
}

void Engine::State::look_at(const packet::Packet& packet, const stream::Followed& followed) {
  Seen seen;
  seen.surroundings = &surroundings;
  seen.packet = &packet;
  seen.followed = &followed;
  stream::Flow* flow = followed.flow;
  const bool was_dropped = flow != nullptr && flow->verdict == stream::Verdict::kDrop;
  const bool is_passed = flow != nullptr && (flow->verdict == stream::Verdict::kPass || flow->is_bypassed);
  // What a dropped flow did not say is not asked for at its end.
  if (was_dropped && packet.origin == packet::Origin::kFlowEnd) return;
  if (was_dropped) {
    seen.verdict.is_dropped = true;
    const bool by_exception = followed.should_drop && !followed.drop_reason.empty();
    seen.verdict.reason = by_exception ? followed.drop_reason : inspector->drop_reason_of(*flow);
    if (!by_exception && !flow->exception_policy[0].empty()) seen.verdict.reason = "exception policy flow drop";
  } else if (policy_of(packet, seen.verdict)) {
    // Neither passed nor dropped packets of the defragmenter are looked at.
  } else if (is_passed) {
    seen.verdict.is_accepted = surroundings.is_firewall;
  } else {
    const InStage stage(Stage::kEvaluation);
    inspection.clear();
    inspector->inspect(packet, followed, inspection);
    seen.inspection = &inspection;
    judge(seen);
  }
  mark_inspected(followed);
  count(seen);
  const InStage stage(Stage::kOutput);
  recorder->packet(seen);
  recorder->transactions(seen, false);
}

void Engine::State::count(const Seen& seen) {
  if (!settings.is_inline || seen.packet->origin == packet::Origin::kFlowEnd) return;
  const PacketVerdict& verdict = seen.verdict;
  const bool by_firewall = verdict.reason.starts_with("firewall");
  const auto add = [this](const char* name) { ++counters[name]; };
  if (verdict.is_dropped) {
    const bool is_rejected = verdict.is_rejected;
    if (surroundings.is_firewall && by_firewall) {
      add(is_rejected ? "firewall.rejected" : "firewall.blocked");
    } else {
      if (surroundings.is_firewall) add("firewall.accepted");
      add(is_rejected ? "ips.rejected" : "ips.blocked");
    }
    ++counters[drop_reason_counter(verdict.reason)];
  } else if (surroundings.is_firewall) {
    if (verdict.is_accepted) {
      add("firewall.accepted");
      add("ips.accepted");
    }
  } else {
    add("ips.accepted");
  }
}

Counters Engine::State::all_counters() const {
  Counters all = counters;
  for (const auto* part : {&decoder->counters(), &streams->counters(), &inspector->counters(), &recorder->counters()}) {
    for (const auto& [name, value] : *part) all[name] += value;
  }
  all["file_store.fs_errors"] = recorder->files_not_stored();
  return all;
}

RuleCounts Engine::State::rule_counts() const {
  RuleCounts counts;
  std::uint64_t cant_run = 0;
  for (const rules::Fault& fault : inspector->faults()) cant_run += fault.is_warning ? 0 : 1;
  for (const auto& set : {rules, firewall_rules}) {
    if (!set) continue;
    counts.loaded += set->rules.size();
    counts.failed += set->refused();
  }
  counts.loaded -= std::min(counts.loaded, cant_run);
  counts.failed += cant_run;
  return counts;
}

void Engine::State::tell_faults() {
  const auto tell = [this](const rules::Fault& fault) {
    recorder->engine_message(surroundings.now, fault.is_warning ? "Warning" : "Error", fault.text());
  };
  for (const auto& set : {rules, firewall_rules}) {
    if (!set) continue;
    for (const rules::Fault& fault : set->faults) tell(fault);
  }
  for (const rules::Fault& fault : inspector->faults()) tell(fault);
}

void Engine::finish() {
  State& s = *state_;
  const InStage stage(Stage::kStream);
  s.streams->finish();
  s.inspector->finish();
  s.recorder->statistics(s.surroundings, s.all_counters(), s.rule_counts(), s.began);
}

std::vector<std::string> Engine::logs() const { return state_->recorder->logs(); }

std::vector<std::string> Engine::faults() const {
  std::vector<std::string> told;
  for (const auto& set : {state_->rules, state_->firewall_rules}) {
    if (!set) continue;
    for (const rules::Fault& fault : set->faults) told.push_back(fault.text());
  }
  for (const rules::Fault& fault : state_->inspector->faults()) told.push_back(fault.text());
  return told;
}

std::uint64_t Engine::refused() const { return state_->rule_counts().failed; }

std::map<std::string, std::uint64_t, std::less<>> Engine::counters() const { return state_->all_counters(); }

}  // namespace tocsin::engine
