#include "engine/outputs.h"

#include <charconv>

#include "base/text.h"

namespace tocsin::engine {
namespace {

bool is_on(const Options& options, const std::string& prefix, bool otherwise = true) {
  return options.flag(prefix + ".enabled", otherwise);
}

void read_alert(EveSettings& eve, const Options& options, const std::string& prefix) {
  const auto flag = [&](const char* name, bool& into) { into = options.flag(prefix + "." + name, into); };
  flag("payload", eve.payload);
  flag("payload-printable", eve.payload_printable);
  flag("payload-length", eve.payload_length);
  flag("packet", eve.packet);
  flag("tagged-packets", eve.tagged_packets);
  flag("verdict", eve.verdict);
  flag("http-body", eve.http_body);
  flag("http-body-printable", eve.http_body_printable);
  if (const std::string* metadata = options.find(prefix + ".metadata"); metadata && !metadata->empty()) {
    const bool all = options.flag(prefix + ".metadata", true);
    eve.application = eve.flow = eve.rule_metadata = all;
  }
  flag("metadata.app-layer", eve.application);
  flag("metadata.flow", eve.flow);
  flag("metadata.rule.metadata", eve.rule_metadata);
  flag("metadata.rule.reference", eve.references);
}

void read_drop(EveSettings& eve, const Options& options, const std::string& prefix) {
  eve.drop_alerts = options.flag(prefix + ".alerts", eve.drop_alerts);
  eve.every_drop = options.text(prefix + ".flows") == "all";
  eve.drop_verdict = options.flag(prefix + ".verdict", eve.drop_verdict);
}

void read_anomaly(EveSettings& eve, const Options& options, const std::string& prefix) {
  eve.decode_anomalies = options.flag(prefix + ".types.decode", eve.decode_anomalies);
  eve.stream_anomalies = options.flag(prefix + ".types.stream", eve.stream_anomalies);
  eve.application_anomalies = options.flag(prefix + ".types.applayer", eve.application_anomalies);
  eve.anomaly_packet = options.flag(prefix + ".packethdr", eve.anomaly_packet);
}

void read_files(Outputs& outputs, const Options& options, const std::string& prefix) {
  outputs.magic = outputs.magic || options.flag(prefix + ".force-magic", false);
  outputs.store_all_files = outputs.store_all_files || options.flag(prefix + ".force-filestore", false);
  const auto ask = [&outputs](std::string_view hash) {
    outputs.md5 = outputs.md5 || hash == "md5";
    outputs.sha1 = outputs.sha1 || hash == "sha1";
    outputs.sha256 = outputs.sha256 || hash == "sha256";
  };
  for (const Entry& hash : entries_of(options, prefix + ".force-hash")) ask(hash.name);
}

EveSettings read_eve(Outputs& outputs, const Options& options, const std::string& prefix) {
  EveSettings eve;
  eve.file = options.text(prefix + ".filename", eve.file);
  eve.metadata = options.flag(prefix + ".metadata", true);
  eve.ethernet = options.flag(prefix + ".ethernet", false);
  eve.pcap_file = options.flag(prefix + ".pcap-file", false);
  eve.version = options.flag(prefix + ".suricata-version", false);
  eve.community_id = options.flag(prefix + ".community-id", false);
  eve.community_id_seed = static_cast<std::uint16_t>(options.number(prefix + ".community-id-seed", 0));
  for (const Entry& type : entries_of(options, prefix + ".types")) {
    if (!is_on(options, type.prefix)) continue;
    eve.types.insert(type.name);
    if (type.name == "alert") read_alert(eve, options, type.prefix);
    if (type.name == "drop") read_drop(eve, options, type.prefix);
    if (type.name == "anomaly") read_anomaly(eve, options, type.prefix);
    if (type.name == "files") read_files(outputs, options, type.prefix);
    if (type.name == "stats") eve.zero_counters = options.flag(type.prefix + ".null-values", true);
  }
  return eve;
}

void read_file_store(Outputs& outputs, const Options& options, const std::string& prefix) {
  if (!is_on(options, prefix, false)) return;
  outputs.file_store = options.text(prefix + ".dir", "filestore");
  outputs.sha256 = true;
  read_files(outputs, options, prefix);
}

}  // namespace

std::vector<Entry> entries_of(const Options& options, const std::string& list) {
  std::vector<Entry> entries;
  const auto& all = options.all();
  for (std::size_t i = 0; i < 1000; ++i) {
    const std::string place = list + "." + std::to_string(i);
    const auto below = all.lower_bound(place + ".");
    const bool has_below = below != all.end() && below->first.starts_with(place + ".");
    const std::string* scalar = options.find(place);
    if (has_below) {
      const std::string_view rest = std::string_view(below->first).substr(place.size() + 1);
      const std::string key(rest.substr(0, rest.find('.')));
      entries.push_back({key, place + "." + key});
    } else if (scalar) {
      entries.push_back({*scalar, place});
    } else {
      break;
    }
  }
  return entries;
}

Outputs outputs_of(const Options& options) {
  Outputs outputs;
  for (const Entry& output : entries_of(options, "outputs")) {
    if (output.name == "eve-log" && is_on(options, output.prefix)) {
      EveSettings eve = read_eve(outputs, options, output.prefix);
      outputs.eve.push_back(std::move(eve));
    } else if (output.name == "fast" && is_on(options, output.prefix)) {
      outputs.fast = options.text(output.prefix + ".filename", "fast.log");
    } else if (output.name == "stats" && is_on(options, output.prefix)) {
      outputs.stats = options.text(output.prefix + ".filename", "stats.log");
    } else if (output.name == "file-store") {
      read_file_store(outputs, options, output.prefix);
    }
  }
  for (const Entry& output : entries_of(options, "logging.outputs")) {
    if (output.name != "file" || !is_on(options, output.prefix)) continue;
    if (options.text(output.prefix + ".type") == "json") {
      outputs.engine_log = options.text(output.prefix + ".filename", "suricata.log");
    }
  }
  return outputs;
}

}  // namespace tocsin::engine
