// From a captured frame to addresses, ports and payload: link layers, tunnels of the link (VLAN, PPPoE, MPLS), IPv4 and
// IPv6 with their extension headers. Nothing outside the captured bytes is read.
#pragma once

#include <cstdint>
#include <span>

#include "base/ip_address.h"
#include "collect/reader.h"

namespace tocsin {

enum class Decoded : std::uint8_t {
  kGood,
  kNotIp,      // ARP and other protocols: nothing wrong
  kTruncated,  // less than the headers was captured
  kBad,        // headers that contradict themselves
  kLink,       // a link type that is not known
};

struct DecodedPacket {
  Endpoint source, destination;  // ports of ICMP: type in source, code in destination
  std::uint8_t protocol = 0;
  std::uint8_t flags = 0;        // of TCP
  bool fragment = false;         // not the first one: no ports
  bool first_fragment = false;
  std::uint32_t fragment_id = 0;
  std::uint16_t icmp_id = 0;     // of echo and the like
  std::uint32_t seq = 0, ack = 0;
  std::uint32_t length = 0;      // of the IP packet, as its header says
  std::uint32_t payload_length = 0;  // of the transport's payload, as the headers say
  std::span<const std::byte> payload;  // as much as was captured of it
};

Decoded decode(const Packet& packet, DecodedPacket& out);

}  // namespace tocsin
