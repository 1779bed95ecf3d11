// The packet engine: frames in; flows, transactions, files, anomalies and alerts out as EVE JSON
// (docs.suricata.io, "EVE JSON Format").
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "base/options.h"
#include "match/inspector.h"
#include "packet/packet.h"

namespace tocsin::engine {

struct EngineSettings {
  Options options;  // as in Suricata's configuration
  std::vector<std::filesystem::path> rule_files, firewall_rule_files;
  std::filesystem::path threshold_file, classification_file, reference_file;
  std::filesystem::path directory;  // where files and data sets go; empty: nothing is stored
  bool is_inline = false;           // verdicts are judged as if packets could be dropped
  bool check_checksums = true;
  match::CountryOf country_of;  // for geoip; none: rules with it can't run
  std::string capture;          // name of the file that is read, for logs that ask for it
  unsigned workers = 1;         // threads beside the caller's that share the flows; 1: none
};

// As many as the machine has cores, 8 at most.
unsigned usual_workers();

class Engine {
 public:
  // Bad rules don't stop it; they are told in faults() and in the statistics.
  static Expected<std::unique_ptr<Engine>> make(EngineSettings settings);
  ~Engine();

  // A line, without its end, of one of the logs that the configuration asks for, by file name: "eve.json", "fast.log",
  // "stats.log". The caller's thread calls it, some packets later where there are workers.
  std::function<void(std::string_view log, std::string_view line)> log;
  // Names of all logs, so that one without lines is there, too.
  std::vector<std::string> logs() const;

  void take(std::uint32_t link_type, packet::Bytes frame, Timestamp time, std::uint64_t number);
  // All lines of what was taken are there.
  void settle();
  // The input has ended: all flows end, statistics are written.
  void finish();

  // Of rules: file:line:column: what.
  std::vector<std::string> faults() const;
  // Rules that were not understood, or that can't run.
  std::uint64_t refused() const;
  // By the names of Suricata's stats.
  std::map<std::string, std::uint64_t, std::less<>> counters() const;

 private:
  struct State;
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Reads a suricata.yaml into options: nested names joined by dots, indices of lists as numbers. A list's member that
// is a map of one key ("- eve-log: ...") is also reachable by that key without the index.
Expected<Options> read_configuration(const std::filesystem::path& path);
// Files of rules that a configuration names: "rule-files" below "default-rule-path", and those of its firewall mode.
std::vector<std::filesystem::path> rule_files_of(const Options& options);
std::vector<std::filesystem::path> firewall_rule_files_of(const Options& options);
// What holds where there is no configuration: what Suricata ships.
Options default_options();

}  // namespace tocsin::engine
