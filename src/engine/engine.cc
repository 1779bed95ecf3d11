#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "base/stages.h"
#include "base/text.h"
#include "engine/crew.h"
#include "engine/recorder.h"
#include "engine/worker.h"
#include "match/inspector.h"
#include "packet/decoder.h"
#include "rules/config_files.h"
#include "stream/streams.h"

namespace tocsin::engine {
namespace {

constexpr std::uint64_t kMostOfStoredFile = 64 << 20;
constexpr std::uint64_t kMostOfAllStoredFiles = std::uint64_t{512} << 20;  // that are not whole yet

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

}  // namespace

struct Engine::State {
  EngineSettings settings;
  rules::Vocabulary vocabulary;
  std::shared_ptr<rules::RuleSet> rules, firewall_rules;
  Surroundings surroundings;
  Outputs outputs;
  std::shared_ptr<stream::Room> room = std::make_shared<stream::Room>();
  std::shared_ptr<FileStore::Numbers> stored = std::make_shared<FileStore::Numbers>();
  std::unique_ptr<match::Inspector> inspector;  // that all others are made beside
  std::optional<packet::Decoder> decoder;
  std::optional<Recorder> recorder;  // of what is of no packet
  std::unique_ptr<Worker> worker;    // if there is one
  std::unique_ptr<Crew> crew;        // else
  Engine* engine = nullptr;

  Counters counters;
  stream::Moment moment;
  Timestamp began = 0;
  bool has_begun = false;

  Expected<void> read_rules();
  std::unique_ptr<Worker> make_worker() const;
  Counters all_counters();
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

unsigned usual_workers() { return std::clamp(std::thread::hardware_concurrency(), 1U, 8U); }

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

  State& s = *state;
  s.surroundings.is_inline = own.is_inline;
  s.surroundings.is_firewall = is_firewall;
  s.surroundings.capture = own.capture;
  s.surroundings.vocabulary = &s.vocabulary;
  s.surroundings.firewall_rules = s.firewall_rules.get();
  s.outputs = std::move(outputs);
  s.recorder.emplace(s.outputs, nullptr);
  s.decoder.emplace(own.options);
  s.inspector =
      std::make_unique<match::Inspector>(s.rules, own.options, s.firewall_rules, protocol::protocols(), own.country_of);
  add_own_counters(s.counters, own.is_inline, is_firewall);
  auto engine = std::unique_ptr<Engine>(new Engine(std::move(state)));
  s.engine = engine.get();
  const auto write = [&s](std::string_view log, std::string_view line) {
    if (s.engine->log) s.engine->log(log, line);
  };
  s.recorder->write = write;
  if (own.workers <= 1) {
    s.worker = s.make_worker();
    s.worker->write = write;
  } else {
    s.crew = std::make_unique<Crew>(*s.decoder, own.workers, [&s] { return s.make_worker(); });
    s.crew->write = write;
  }
  return engine;
}

std::unique_ptr<Worker> Engine::State::make_worker() const {
  std::unique_ptr<FileStore> store;
  const Options& options = settings.options;
  if (!outputs.file_store.empty() && !settings.directory.empty()) {
    const std::uint64_t most = options.number("outputs.file-store.stream-depth", 0);
    store = std::make_unique<FileStore>(settings.directory / outputs.file_store, outputs.store_all_files,
                                        most == 0 ? kMostOfStoredFile : most,
                                        kMostOfAllStoredFiles / std::max(settings.workers, 1U), stored);
  }
  return std::make_unique<Worker>(options, surroundings, inspector->beside(),
                                  std::make_unique<Recorder>(outputs, std::move(store)), room);
}

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

void Engine::take(std::uint32_t link_type, packet::Bytes frame, Timestamp time, std::uint64_t number) {
  State& s = *state_;
  s.surroundings.now = time;
  s.surroundings.link_type = link_type;
  if (!s.has_begun) {
    s.began = time;
    s.has_begun = true;
    s.tell_faults();
  }
  if (s.crew) return s.crew->take(link_type, frame, time, number);
  const InStage stage(Stage::kDecode);
  s.decoder->decode(link_type, frame, time, number, [&](const packet::Packet& packet) {
    ++s.moment.packet;
    s.moment.now = std::max(s.moment.now, packet.time);
    s.worker->take(packet, link_type, s.moment);
  });
}

void Engine::settle() {
  if (state_->crew) state_->crew->settle();
}

Counters Engine::State::all_counters() {
  if (crew) crew->settle();
  Counters all = counters;
  for (const auto* part : {&decoder->counters(), &inspector->counters()}) {
    for (const auto& [name, value] : *part) all[name] += value;
  }
  if (worker) worker->add_counters(all);
  if (crew) crew->add_counters(all);
  all["file_store.fs_errors"] = stored->failures;
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
  std::uint64_t understood = 0;  // but requires what is not here
  for (const rules::Fault& fault : inspector->faults()) understood += fault.message.starts_with("the rule requires");
  counts.skipped = understood;
  for (const auto& set : {rules, firewall_rules}) counts.skipped += set ? set->skipped : 0;
  counts.loaded -= std::min(counts.loaded, cant_run + understood);
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
  const Surroundings& last = s.surroundings;
  if (s.crew) s.crew->finish(last.now, last.link_type);
  if (s.worker) s.worker->finish(last.now, last.link_type, s.moment);
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
