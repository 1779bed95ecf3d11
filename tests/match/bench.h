// Rules against made-up packets and flows.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "match/inspector.h"
#include "rules/parser.h"

namespace tocsin::match {

class Bench {
 public:
  explicit Bench(const std::string& text, Options options = {}, const std::string& firewall = {})
      : options_(std::move(options)) {
    const auto read = [](const std::string& from) {
      auto set = std::make_shared<rules::RuleSet>();
      set->read_text(from, "a.rules", {});
      for (const rules::Fault& fault : set->faults) EXPECT_TRUE(fault.is_warning) << fault.text();
      return set;
    };
    inspector = std::make_unique<Inspector>(read(text), options_, firewall.empty() ? nullptr : read(firewall));
    packet.ip_version = 4;
    packet.source = *IpAddress::parse("192.0.2.1");
    packet.destination = *IpAddress::parse("198.51.100.2");
    packet.source_port = 40'000;
    packet.destination_port = 80;
    packet.ttl = 64;
    packet.time = 1'700'000'000 * kSecond;
    header_.resize(20);
  }

  // The rules that spoke of a datagram without a flow.
  std::vector<std::uint32_t> datagram(const std::string& payload) {
    packet.protocol = packet::kUdp;
    return judge(payload, {});
  }
  std::vector<std::uint32_t> judge(const std::string& payload, const stream::Followed& followed) {
    payload_ = payload;
    packet.transport_header = packet::Bytes(header_).first(packet.protocol == packet::kTcp ? 20 : 8);
    packet.payload = {reinterpret_cast<const std::uint8_t*>(payload_.data()), payload_.size()};
    ++packet.number;
    inspector->inspect(packet, followed, inspection);
    std::vector<std::uint32_t> sids;
    for (const Alert& alert : inspection.alerts)
      if (!alert.is_suppressed) sids.push_back(alert.rule->metadata.sid);
    return sids;
  }
  // A packet of a flow of UDP.
  std::vector<std::uint32_t> in_flow(stream::Flow& flow, const std::string& payload,
                                     protocol::Side side = protocol::Side::kToServer) {
    packet.protocol = packet::kUdp;
    flow.protocol = packet::kUdp;
    stream::Followed followed;
    followed.flow = &flow;
    followed.side = side;
    followed.is_established = flow.packets[0] > 0 && flow.packets[1] > 0;
    ++flow.packets[static_cast<int>(side)];
    return judge(payload, followed);
  }

  packet::Packet packet;
  Inspection inspection;
  std::unique_ptr<Inspector> inspector;

 private:
  Options options_;
  std::vector<std::uint8_t> header_;
  std::string payload_;
};

using Sids = std::vector<std::uint32_t>;

// Whether one rule of UDP with these options speaks of a payload.
inline bool speaks(const std::string& options, const std::string& payload) {
  Bench bench("alert udp any any -> any any (" + options + " sid:1;)\n");
  return !bench.datagram(payload).empty();
}

}  // namespace tocsin::match
