#include "cli/inspect_rules.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/stages.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "collect/live_capture.h"
#include "collect/reader.h"
#include "engine/engine.h"
#include "pipeline/installation.h"
#include "pipeline/packet_rules.h"

namespace tocsin::cli {
namespace {

// Packets of captures, one after another, as one input.
struct Feed {
  engine::Engine& engine;
  std::uint64_t packets = 0, skipped = 0, bytes = 0;

  Expected<void> take(const std::string& path) {
    auto input = InputStream::open(path);
    if (!input) return std::unexpected(input.error());
    const Format format = recognise((*input)->peek(64 * 1024));
    if (format == Format::kEmpty) return {};
    const auto reader = make_packet_reader(format, **input, 0);
    if (!reader) return failure(fmt::format("{}: is no capture, which rules need, but: {}", path, name_of(format)));
    std::vector<Packet> batch;
    for (bool more = true; more;) {
      more = reader->read(batch);
      take(batch);
    }
    skipped += reader->skips().count();
    for (const std::string& example : reader->skips().examples()) {
      fmt::print(stderr, "tocsin: skipped: {}\n", printable(example, 500));
    }
    if (const auto& fault = (*input)->fault()) return std::unexpected(*fault);
    return {};
  }

  // Until the user has enough of it; what had come by then is taken.
  Expected<void> take_live(LiveCapture& capture, const std::function<void()>& flush) {
    std::vector<Packet> batch;
    std::optional<std::uint64_t> most;
    while (!most || (!batch.empty() && capture.records() < *most)) {
      if (!capture.read(batch)) return failure(capture.fault());
      take(batch);
      engine.settle();  // lines come as the packets do
      flush();
      if (!most && interrupted()) most = capture.counts().received;
    }
    return {};
  }

 private:
  void take(const std::vector<Packet>& batch) {
    for (const Packet& packet : batch) {
      bytes += packet.data.size();
      engine.take(packet.link_type, {reinterpret_cast<const std::uint8_t*>(packet.data.data()), packet.data.size()},
                  packet.time, ++packets);
    }
  }
};

// The files of the logs.
class Logs {
 public:
  Expected<void> open(const std::string& directory, const std::string& eve, const std::vector<std::string>& names) {
    if (!directory.empty()) {
      std::error_code error;
      std::filesystem::create_directories(directory, error);
      if (error) return failure(fmt::format("{}: can't be made: {}", directory, error.message()));
      for (const std::string& name : names) {
        const std::filesystem::path path = std::filesystem::path(directory) / name;
        std::filesystem::create_directories(path.parent_path(), error);
        auto& file = files_[name];
        file.open(path, std::ios::binary);
        if (!file) return failure(fmt::format("{}: can't be written", path.string()));
      }
    }
    if (eve == "-") eve_ = &std::cout;
    if (!eve.empty() && eve != "-") {
      eve_file_.open(eve, std::ios::binary);
      if (!eve_file_) return failure(fmt::format("{}: can't be written", eve));
      eve_ = &eve_file_;
    }
    return {};
  }

  void write(std::string_view log, std::string_view line) {
    if (const auto found = files_.find(log); found != files_.end()) {
      found->second.write(line.data(), static_cast<std::streamsize>(line.size())).put('\n');
    }
    if (eve_ != nullptr && line.starts_with('{')) {
      eve_->write(line.data(), static_cast<std::streamsize>(line.size())).put('\n');
    }
  }

  void flush() {
    for (auto& [name, file] : files_) file.flush();
    if (eve_ != nullptr) eve_->flush();
  }

  Expected<void> close() {
    for (auto& [name, file] : files_) {
      if (!file.flush()) return failure(fmt::format("{}: could not be written whole", name));
    }
    if (eve_ != nullptr && !eve_->flush()) return failure("the events could not be written whole");
    return {};
  }

 private:
  std::map<std::string, std::ofstream, std::less<>> files_;
  std::ofstream eve_file_;
  std::ostream* eve_ = nullptr;
};

// A file that the configuration names and that is there, else ours.
std::filesystem::path configured(const Options& options, const char* name, const std::filesystem::path& otherwise) {
  const std::filesystem::path path = options.text(name);
  std::error_code error;
  if (!path.empty() && std::filesystem::is_regular_file(path, error)) return path;
  return otherwise;
}

Expected<engine::EngineSettings> settings_of(const RulesInspection& given) {
  engine::EngineSettings settings;
  settings.options = engine::default_options();
  if (!given.configuration.empty()) {
    auto read = engine::read_configuration(given.configuration);
    if (!read) return std::unexpected(read.error());
    settings.options = std::move(*read);
  }
  for (const std::string& setting : given.settings) {
    const std::size_t equals = setting.find('=');
    if (equals == 0 || equals == std::string::npos) return failure("--set needs NAME=VALUE: " + setting);
    settings.options.set(std::string(trim(setting.substr(0, equals))), std::string(trim(setting.substr(equals + 1))));
  }
  // As for Suricata, before what the configuration says.
  if (const char* version = std::getenv("SURICATA_EVE_DNS_VERSION")) {
    settings.options.set("outputs.eve-log.types.dns.version", version);
  }
  const auto all = [](const std::vector<std::string>& names, std::vector<std::filesystem::path>& into) {
    for (const std::string& name : names) into.emplace_back(name);
  };
  all(given.rules, settings.rule_files);
  all(given.firewall_rules, settings.firewall_rule_files);
  // Those of the configuration, where none are given.
  const auto add = [](const std::vector<std::filesystem::path>& files, std::vector<std::filesystem::path>& into) {
    for (const auto& file : files) {
      std::error_code error;
      if (std::filesystem::is_regular_file(file, error)) {
        into.push_back(file);
      } else {
        fmt::print(stderr, "tocsin: {}: no such file of rules\n", printable(file.string()));
      }
    }
  };
  if (given.rules.empty() && !given.configuration.empty())
    add(engine::rule_files_of(settings.options), settings.rule_files);
  if (given.firewall_rules.empty() && settings.options.flag("firewall.enabled", false)) {
    add(engine::firewall_rule_files_of(settings.options), settings.firewall_rule_files);
  }
  const std::filesystem::path own = share_directory() / "rules";
  settings.classification_file = configured(settings.options, "classification-file", own / "classification.config");
  settings.reference_file = configured(settings.options, "reference-config-file", own / "reference.config");
  settings.threshold_file = configured(settings.options, "threshold-file", {});
  settings.directory = given.output;
  settings.country_of = countries_when_asked();
  settings.is_inline = given.is_inline;
  if (given.cache != "none") {
    const auto directory = given.cache.empty() ? cache_directory() / "rules" : std::filesystem::path(given.cache);
    settings.options.set("engine.cache-directory", directory.string());
  }
  settings.workers = given.workers > 0 ? given.workers : engine::usual_workers();
  settings.check_checksums = given.checksums != "none";
  return settings;
}

// Shares of the time, in the order of the stages.
void tell_stages(const StageClock& clock, double ready, double read, std::uint64_t bytes) {
  std::uint64_t all = 0;
  for (const std::uint64_t ticks : clock.ticks) all += ticks;
  std::string text;
  for (std::size_t i = 0; i < kStageNames.size(); ++i) {
    fmt::format_to(std::back_inserter(text), "{} {:.1f}%{}", kStageNames[i],
                   100.0 * static_cast<double>(clock.ticks[i]) / static_cast<double>(std::max<std::uint64_t>(all, 1)),
                   i + 1 < kStageNames.size() ? ", " : "");
  }
  fmt::print(stderr, "tocsin: ready in {:.3f} s, read in {:.3f} s, {} bytes\ntocsin: time by stage: {}\n", ready, read,
             bytes, text);
}

}  // namespace

void RulesInspection::add_to(CLI::App& command) {
  const std::string group = "Rules of Suricata on captures";
  command.add_option("--rules", rules, "A file of rules; may be given again")
      ->check(CLI::ExistingFile)
      ->group(group)
      ->allow_extra_args(false);
  command.add_option("--firewall-rules", firewall_rules, "A file of firewall rules; may be given again")
      ->check(CLI::ExistingFile)
      ->group(group)
      ->allow_extra_args(false);
  command.add_option("--config", configuration, "A suricata.yaml (default: what Suricata ships)")
      ->check(CLI::ExistingFile)
      ->group(group);
  command.add_option("--set", settings, "NAME=VALUE: a setting of suricata.yaml, as stream.midstream=true")
      ->group(group)
      ->allow_extra_args(false);
  command.add_option("--checksums", checksums, "all: packets with a wrong checksum are left out of streams; none: not")
      ->check(CLI::IsMember({"all", "none"}))
      ->group(group);
  command.add_flag("--ips", is_inline, "Judge as if packets could be dropped")->group(group);
  command.add_flag("--strict", is_strict, "End with 1 when a rule is not understood or can't run")->group(group);
  command
      .add_option("--cache", cache,
                  "Directory where compiled contents are kept (default: the user's cache; none: nowhere)")
      ->group(group);
  command
      .add_option("--interface", interface, "Packets of this interface as they come, until Ctrl-C; needs CAP_NET_RAW")
      ->group(group);
  command
      .add_option("--fanout", fanout,
                  "A number that processes have in common which share an interface: each gets a part of the flows")
      ->check(CLI::Range(1, 65535))
      ->needs("--interface")
      ->group(group);
  command
      .add_option("--workers", workers,
                  "Threads that share the flows (default: as many as there are cores, 8 at most; 1: no other thread)")
      ->check(CLI::Range(1, 64))
      ->group(group);
  command.add_flag("--stages", tells_stages, "Tell on standard error where the time went, by stage")->group(group);
  command.add_option("--output", output, "Directory for all logs and files: eve.json, fast.log, stats.log ...")
      ->group(group);
}

int RulesInspection::run(const std::vector<std::string>& sources, const std::string& eve, bool json) const {
  const auto began = std::chrono::steady_clock::now();
  auto chosen = settings_of(*this);
  if (!chosen) return fail(chosen.error());
  chosen->capture = sources.empty() ? interface : sources.front();
  auto made = engine::Engine::make(std::move(*chosen));
  if (!made) return fail(made.error());
  engine::Engine& engine = **made;
  const std::vector<std::string> faults = engine.faults();
  for (const std::string& fault : faults) fmt::print(stderr, "tocsin: {}\n", printable(fault, 2000));
  if (is_strict && engine.refused() > 0) {
    return fail({fmt::format("{} rules are not understood or can't run", engine.refused())});
  }
  const auto made_ready = std::chrono::steady_clock::now();
  StageClock clock;
  if (tells_stages) StageClock::of_thread = &clock;
  Logs logs;
  if (const auto opened = logs.open(output, eve, engine.logs()); !opened) return fail(opened.error());
  std::uint64_t alerts = 0;
  engine.log = [&](std::string_view log, std::string_view line) { logs.write(log, line); };
  Feed feed{engine};
  bool is_cut = false;
  std::string lost;  // what a live capture lost
  if (!interface.empty()) {
    catch_interrupts();
    auto capture = LiveCapture::open({.interface = interface, .fanout_group = fanout});
    if (!capture) return fail(capture.error());
    fmt::print(stderr, "tocsin: reading {}; Ctrl-C ends\n", printable(interface, 64));
    if (const auto taken = feed.take_live(**capture, [&] { logs.flush(); }); !taken) {
      fail(taken.error());
      is_cut = true;
    }
    lost = fmt::format(", {} dropped by the kernel", (*capture)->counts().dropped);
  }
  for (const std::string& source : sources) {
    if (const auto taken = feed.take(source); !taken) {
      fail(taken.error());
      if (feed.packets == 0) return 1;
      is_cut = true;
    }
  }
  engine.finish();
  if (const auto closed = logs.close(); !closed) return fail(closed.error());
  if (tells_stages) {
    StageClock::of_thread = nullptr;
    const std::chrono::duration<double> ready = made_ready - began,
                                        read = std::chrono::steady_clock::now() - made_ready;
    tell_stages(clock, ready.count(), read.count(), feed.bytes);
  }
  const auto counters = engine.counters();
  const auto counted = [&counters](std::string_view name) {
    const auto found = counters.find(name);
    return found == counters.end() ? 0 : found->second;
  };
  alerts = counted("detect.alert");
  if (const std::uint64_t wrong = counted("tcp.invalid_checksum"); checksums != "none" && wrong > feed.packets / 10) {
    fmt::print(stderr,
               "tocsin: {} of {} packets have a wrong checksum and were left out of streams, as those have that were "
               "captured where they were sent: --checksums none takes them\n",
               wrong, feed.packets);
  }
  if (eve != "-") {
    if (json) {
      fmt::print("{}\n", nlohmann::json{{"packets", feed.packets},
                                        {"skipped", feed.skipped},
                                        {"alerts", alerts},
                                        {"rules_refused", engine.refused()}}
                             .dump());
    } else {
      fmt::print("{} packets{}, {} alerts; {} rules refused, {} records skipped\n",
                 with_thousands(static_cast<std::int64_t>(feed.packets)), lost,
                 with_thousands(static_cast<std::int64_t>(alerts)), engine.refused(), feed.skipped);
    }
  }
  return is_cut || feed.skipped > 0 || engine.refused() > 0 ? 3 : 0;
}

}  // namespace tocsin::cli
