// Which logs a configuration asks for, and how they are to be.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/options.h"

namespace tocsin::engine {

// One eve-log.
struct EveSettings {
  std::string file = "eve.json";
  std::set<std::string, std::less<>> types;  // that are written, by the names of the configuration: "alert", "http"

  bool metadata = true, ethernet = false, pcap_file = false, community_id = false, version = false;
  std::uint16_t community_id_seed = 0;

  // Of alerts.
  bool payload = false, payload_printable = false, payload_length = false, packet = false, tagged_packets = true;
  bool verdict = false, references = false, http_body = false, http_body_printable = false;
  bool application = true, flow = true, rule_metadata = true;
  // Of drops.
  bool drop_alerts = false, every_drop = false, drop_verdict = false;
  // Of anomalies.
  bool decode_anomalies = false, stream_anomalies = false, application_anomalies = true, anomaly_packet = false;
  // Of statistics.
  bool zero_counters = true;

  bool has(std::string_view type) const { return types.contains(type); }
};

struct Outputs {
  std::vector<EveSettings> eve;
  std::string fast, stats;  // files; empty: none
  std::string engine_log;   // of what the engine says, one JSON object a line; empty: none
  std::string file_store;   // directory; empty: none
  bool store_all_files = false;
  bool md5 = false, sha1 = false, sha256 = false, magic = false;  // of all files
};

Outputs outputs_of(const Options& options);
// The members of a list as its indices have them: "types.0", "types.1" ...; those of maps of one key come with it.
struct Entry {
  std::string name;    // the scalar, or the map's key
  std::string prefix;  // of what is below the key, without a dot at the end
};
std::vector<Entry> entries_of(const Options& options, const std::string& list);

}  // namespace tocsin::engine
