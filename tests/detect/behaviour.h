// What the tests of the behavioural detectors share: flows in short, sightings collected, real data found.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

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

}  // namespace tocsin

#define NEEDS_DATA(name)                                                                    \
  if (!std::filesystem::exists(::tocsin::data_file(name))) {                                \
    if (std::getenv("CI") != nullptr) FAIL() << ::tocsin::data_file(name) << " is missing"; \
    GTEST_SKIP() << ::tocsin::data_file(name) << " is missing";                             \
  }
