// The keyword tag: packets of a flow or a host that are told for a while after a rule spoke.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/keyed_hash.h"
#include "packet/packet.h"
#include "rules/condition.h"

namespace tocsin::match {

// Until when.
struct Tagged {
  enum class Metric : std::uint8_t { kPackets, kBytes, kSeconds } metric = Metric::kPackets;
  std::uint32_t count = 0;
  Timestamp until = 0;
  std::uint64_t packets = 0, bytes = 0;  // that were seen since
  // Counts the packet; false: it is over.
  bool takes(const packet::Packet& packet);
};

// Those of hosts, of all workers; of these there are as many as strangers like, so there is a limit, beyond which none
// are added.
class Tags {
 public:
  // Of a rule that spoke of the packet; of_flow: those of its flow, null if it has none.
  void add(const rules::Tag& wanted, const packet::Packet& packet, std::vector<Tagged>* of_flow);
  // Whether the packet is told because of what was added before.
  bool take(const packet::Packet& packet, std::vector<Tagged>* of_flow);
  bool may_have_hosts = false;  // a rule tags hosts

 private:
  void let_go(Timestamp now);
  std::unordered_map<IpAddress, std::vector<Tagged>, KeyedHash> hosts_;
};

}  // namespace tocsin::match
