// What the tests of the behavioural detectors share: flows in short, sightings collected, real data found.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "detect/detector.h"

namespace tocsin {

struct Collected final : SightingSink {
  void sight(Sighting&& sighting) override { all.push_back(std::move(sighting)); }
  std::vector<Sighting> all;
};

inline IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

inline InsideTest within(std::string_view prefix) {
  return [network = Prefix::parse(prefix).value()](const IpAddress& address) { return network.contains(address); };
}

inline Flow flow(Timestamp time, Endpoint initiator, Endpoint responder, ConnState state = ConnState::kSF,
                 std::uint8_t protocol = kTcp) {
  Flow flow;
  flow.initiator = initiator;
  flow.responder = responder;
  flow.first = flow.last = time;
  flow.initiator_packets = 1;
  flow.initiator_bytes = 60;
  flow.state = state;
  flow.protocol = protocol;
  return flow;
}

inline std::vector<Sighting> sightings(Detector& detector, const Batch& batch) {
  Collected sink;
  detector.observe(batch, sink);
  detector.finish(sink);
  return sink.all;
}

inline std::string data_file(const std::string& name) {
  const char* set = std::getenv("TOCSIN_DATA");
  return (set != nullptr ? std::string(set) : std::string(TOCSIN_SOURCE_DIR "/../shared/data")) + "/" + name;
}

inline std::vector<std::string> fields_of(const std::string& line, char separator) {
  std::vector<std::string> fields;
  std::istringstream in(line);
  for (std::string field; std::getline(in, field, separator);) fields.push_back(field);
  return fields;
}

inline std::uint16_t number(const std::string& text) { return static_cast<std::uint16_t>(std::stoul("0" + text)); }

// The first value of that key in a line of JSON, without quotes; nothing is unescaped.
inline std::string json_field(const std::string& line, const std::string& key) {
  const std::size_t at = line.find("\"" + key + "\":");
  if (at == std::string::npos) return {};
  const std::size_t from = line.find_first_not_of(" \"", at + key.size() + 3);
  return from == std::string::npos ? std::string() : line.substr(from, line.find_first_of("\",}", from) - from);
}

inline std::vector<Flow> zeek_flows(const std::string& path) {
  std::vector<Flow> flows;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    std::vector<std::string> f;
    if (line.starts_with('{')) {
      f.resize(20);
      const std::pair<std::size_t, const char*> keys[] = {
          {0, "ts"},    {2, "id.orig_h"},   {3, "id.orig_p"},  {4, "id.resp_h"},      {5, "id.resp_p"},
          {6, "proto"}, {11, "conn_state"}, {16, "orig_pkts"}, {17, "orig_ip_bytes"}, {18, "resp_pkts"}};
      for (const auto& [at, key] : keys) f[at] = json_field(line, key);
    } else {
      f = fields_of(line, '\t');
    }
    Flow one = flow(parse_epoch(f[0]).value(), {ip(f[2]), number(f[3])}, {ip(f[4]), number(f[5])}, conn_state_of(f[11]),
                    f[6] == "tcp"   ? kTcp
                    : f[6] == "udp" ? kUdp
                                    : kIcmp);
    one.initiator_packets = number(f[16]);
    one.responder_packets = number(f[18]);
    one.initiator_bytes = std::stoull("0" + f[17]);
    flows.push_back(one);
  }
  return flows;
}

// Argus: REQ and S_ are unanswered, a reset from the other side alone is a refusal.
inline std::vector<Flow> argus_flows(const std::string& path) {
  std::vector<Flow> flows;
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    const auto f = fields_of(line, ',');
    const auto from = IpAddress::parse(f[3]), to = IpAddress::parse(f[6]);
    if (!from || !to || (f[2] != "tcp" && f[2] != "udp")) continue;
    const std::string& state = f[8];
    const bool silent = state == "S0" || state == "REQ" || state == "S_" || state == "INT";
    const bool refused = state == "S_RA" || state == "S_R";
    std::string time = f[0];
    std::ranges::replace(time, '/', '-');
    Flow one = flow(parse_time(time).value(), {*from, number(f[4])}, {*to, number(f[7])},
                    silent    ? ConnState::kS0
                    : refused ? ConnState::kREJ
                              : ConnState::kSF,
                    f[2] == "tcp" ? kTcp : kUdp);
    one.initiator_bytes = std::stoull("0" + f[13]);
    one.responder_packets = silent ? 0 : refused ? 1 : 5;
    flows.push_back(one);
  }
  return flows;
}

}  // namespace tocsin

#define NEEDS_DATA(name)                                                                    \
  if (!std::filesystem::exists(::tocsin::data_file(name))) {                                \
    if (std::getenv("CI") != nullptr) FAIL() << ::tocsin::data_file(name) << " is missing"; \
    GTEST_SKIP() << ::tocsin::data_file(name) << " is missing";                             \
  }
