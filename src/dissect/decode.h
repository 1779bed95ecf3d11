// From a link-layer frame to the addresses, ports and payload of the IP packet in it.
//
// Link types (tcpdump.org/linktypes): Ethernet 1, PPP 9 and 50, raw IP 12, 14, 101, 228, 229, null 0, loop 108,
// Linux SLL 113 and SLL2 276, MPLS 219. Inside them: 802.1Q and QinQ tags, LLC/SNAP, PPPoE sessions, MPLS labels,
// IPv4 with options (RFC 791), IPv6 with extension headers (RFC 8200), AH (RFC 4302). Tunnels are not entered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/ip_address.h"

namespace tocsin::dissect {

using Bytes = std::span<const std::byte>;

// What makes two packets belong to one flow. Of ICMP queries and their answers, kind is the query's type and id the
// identifier; of any other ICMP message kind is the type and id the code. The ports of ICMP keep roles apart: 1 of who
// asks or tells, 0 of who answers or is told.
struct PacketKey {
  IpAddress source;
  IpAddress destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint8_t protocol = 0;
  std::uint8_t kind = 0;
  std::uint16_t id = 0;
};

enum class DecodeResult : std::uint8_t { kPacket, kLaterFragment, kNotIp, kBad };

struct DecodedPacket {
  PacketKey key;
  std::uint32_t ip_length = 0;       // of the whole IP packet by its header, also when it was cut
  std::uint32_t payload_length = 0;  // by the headers; more than payload.size() when the packet was cut
  std::uint32_t sequence = 0;        // TCP
  std::uint32_t fragment_id = 0;
  Bytes payload;  // above TCP or UDP, as far as captured
  bool first_fragment = false;
  bool has_flags = false;  // the TCP flags were captured
  std::uint8_t tcp_flags = 0;
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  const char* fault = "";  // of kBad: a constant phrase
};

// original_length: of the frame on the wire. A later fragment has addresses, protocol and fragment_id only.
DecodeResult decode(std::uint32_t link_type, Bytes frame, std::uint32_t original_length, DecodedPacket& packet);

inline std::uint8_t byte_at(Bytes bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }
inline std::uint16_t be16(Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}
inline std::uint32_t be32(Bytes bytes, std::size_t at) {
  return static_cast<std::uint32_t>(be16(bytes, at)) << 16 | be16(bytes, at + 2);
}

}  // namespace tocsin::dissect
