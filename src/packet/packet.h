// One packet, taken apart down to its payload. A frame becomes several: what a tunnel carries is a packet of its own
// that knows its outer one, and so is a datagram put together of its fragments.
//
// Spans point into the frame, or into memory of the decoder that lives until the next frame.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/time.h"
#include "packet/exception_policy.h"

namespace tocsin::packet {

using Bytes = std::span<const std::uint8_t>;

// Values of the IP protocol field (IANA).
inline constexpr std::uint8_t kIcmp = 1, kIgmp = 2, kIpInIp = 4, kTcp = 6, kUdp = 17, kIpv6 = 41, kGre = 47, kEsp = 50,
                              kAh = 51, kIcmpV6 = 58, kSctp = 132;

// Flags of TCP (RFC 9293, RFC 3168).
inline constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kPush = 8, kAck = 16, kUrgent = 32, kEce = 64, kCwr = 128;

enum class Origin : std::uint8_t {
  kWire,
  kTunnel,        // carried in outer
  kDefragmented,  // of several fragments; outer is the last of them
  kFlowEnd        // made by the engine when a flow ends, so that what has come since is looked at
};

struct TcpFields {
  std::uint32_t sequence = 0, acknowledgement = 0;
  std::uint16_t window = 0, urgent = 0;
  std::uint8_t flags = 0;
  std::optional<std::uint16_t> mss;
  std::optional<std::uint8_t> window_scale;
  std::optional<std::array<std::uint32_t, 2>> timestamps;  // value, echo
  bool sack_permitted = false;
  std::array<std::array<std::uint32_t, 2>, 4> sack{};
  std::uint8_t sacks = 0;
  bool has_fast_open = false, has_md5 = false, has_ao = false;  // RFC 7413, RFC 2385, RFC 5925
  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};

struct IcmpFields {
  std::uint8_t type = 0, code = 0;
  std::optional<std::uint16_t> id, sequence;
  std::uint32_t mtu = 0;  // of "packet too big"
  Bytes embedded;         // the packet that an error is about, from its IP header on
};

struct Packet {
  std::uint64_t number = 0;  // of the frame in its capture, from 1
  Timestamp time = 0;
  Origin origin = Origin::kWire;
  const Packet* outer = nullptr;
  std::string_view carrier;  // of kTunnel: "gre", "ipv4", "ipv6", "vxlan", "geneve", "teredo", "gtp"
  std::uint8_t depth = 0;    // how many tunnels are around it
  // Its payload is a packet of its own: rules on payload are not for this one.
  bool carries_packet = false;

  Bytes frame;     // as captured; of other origins: from the IP header on
  Bytes ethernet;  // its 14 bytes, if there are any
  std::uint16_t ether_type = 0;
  std::array<std::uint16_t, 3> vlan{};  // identifiers, outermost first
  std::uint8_t vlans = 0;

  std::uint8_t ip_version = 0;  // 0: not IP, or not understood
  Bytes network_header;         // with options; of IPv6 the 40 bytes, extensions come in network_extensions
  Bytes network_extensions;
  IpAddress source, destination;
  std::uint8_t ttl = 0, tos = 0;
  std::uint32_t ip_id = 0;
  std::uint16_t fragment_offset = 0;  // in bytes
  bool more_fragments = false, dont_fragment = false, reserved_bit = false;
  bool is_fragment() const { return fragment_offset != 0 || more_fragments; }
  std::vector<std::uint8_t> ip_options;  // types, in order
  std::uint8_t protocol = 0;             // of what follows all of IP's headers
  Bytes network_payload;                 // after IP's headers, as long as the header says and as far as captured

  Bytes transport_header;  // empty: none understood
  std::uint16_t source_port = 0, destination_port = 0;
  TcpFields tcp;    // of TCP
  IcmpFields icmp;  // of both ICMPs
  Bytes payload;    // above a transport that is understood; else empty (of other protocols see network_payload)
  bool network_checksum_right = true, transport_checksum_right = true;

  // Names of decode events, as the rule language has them: "ipv4.hlen_too_small", "tcp.opt_invalid_len".
  std::vector<std::string_view> events;
  // Of memory that ran out while it was taken apart; its reason is "defrag memcap".
  ExceptionPolicy exception_policy = ExceptionPolicy::kNone;
  // Some of it is against its protocol's rules. Its flow is known as far as transport_header is.
  bool is_invalid = false;

  bool is_tcp() const { return protocol == kTcp && !transport_header.empty(); }
  bool is_udp() const { return protocol == kUdp && !transport_header.empty(); }
  bool is_icmp() const { return (protocol == kIcmp || protocol == kIcmpV6) && !transport_header.empty(); }
};

}  // namespace tocsin::packet
