// Layers below IP.
#include "packet/bytes.h"
#include "packet/decoding.h"

namespace tocsin::packet {
namespace {

// EtherTypes (IEEE).
constexpr std::uint16_t kEtherIpv4 = 0x0800, kEtherArp = 0x0806, kEtherVlan = 0x8100, kEtherIpv6 = 0x86dd,
                        kEtherMpls = 0x8847, kEtherMplsMulticast = 0x8848, kEtherPppoeDiscovery = 0x8863,
                        kEtherPppoe = 0x8864, kEther8021ad = 0x88a8, kEther8021ah = 0x88e7, kEtherDce = 0x8903,
                        kEtherVntag = 0x8926, kEtherEtag = 0x893f, kEtherNsh = 0x894f, kEtherQinq = 0x9100;

constexpr std::size_t kEthernetHeader = 14;

// Address families of 4 and 24 … 30 as the systems that write the null link layer count them.
bool is_ipv6_family(std::uint32_t family) {
  return family == 10 || family == 23 || family == 24 || family == 26 || family == 28 || family == 30;
}

}  // namespace

bool Decoder::State::link(Work& packet, std::uint32_t type, Bytes bytes) {
  switch (type) {
    case 1:  // Ethernet
      return ethernet(packet, bytes);
    case 9:   // PPP
    case 50:  // PPP in HDLC-like framing
      return ppp(packet, bytes);
    case 12:
    case 14:
    case 101:  // IP
    case 228:  // IPv4
    case 229:  // IPv6
      count(Counter::kSeenRaw);
      if (bytes.size() < 20) {
        invalid(packet, "ipv4.pkt_too_small");
        return false;
      }
      if (bytes.size() > 65535) return false;
      if (bytes[0] >> 4 == 4) return ipv4(packet, bytes);
      if (bytes[0] >> 4 == 6) return ipv6(packet, bytes);
      event(packet, "ipraw.invalid_ip_version");
      return true;
    case 0:      // BSD loopback, in the writer's byte order
    case 108: {  // OpenBSD loopback, in network byte order
      count(Counter::kSeenNull);
      if (bytes.size() < 4) {
        invalid(packet, "ltnull.pkt_too_small");
        return false;
      }
      const std::uint32_t big = be32(bytes, 0), family = big > 0xffff ? __builtin_bswap32(big) : big;
      if (bytes.size() - 4 > 65535) return false;
      if (family == 2) return ipv4(packet, bytes.subspan(4));
      if (is_ipv6_family(family)) return ipv6(packet, bytes.subspan(4));
      event(packet, "ltnull.unsupported_type");
      return true;
    }
    case 113:  // Linux cooked
      count(Counter::kSeenSll);
      if (bytes.size() < 16) {
        invalid(packet, "sll.pkt_too_small");
        return false;
      }
      if (!layer(packet)) return false;
      network(packet, be16(bytes, 14), bytes.subspan(16));
      return true;
    case 276:  // Linux cooked, version 2
      count(Counter::kSeenSll2);
      if (bytes.size() < 20) {
        invalid(packet, "sll2.pkt_too_small");
        return false;
      }
      if (!layer(packet)) return false;
      network(packet, be16(bytes, 0), bytes.subspan(20));
      return true;
    case 104:  // Cisco HDLC
      count(Counter::kSeenChdlc);
      if (bytes.size() < 4) {
        invalid(packet, "chdlc.pkt_too_small");
        return false;
      }
      if (!layer(packet)) return false;
      network(packet, be16(bytes, 2), bytes.subspan(4));
      return true;
    case 219:  // MPLS
      return mpls(packet, bytes);
    default:
      return false;
  }
}

bool Decoder::State::ethernet(Work& packet, Bytes bytes) {
  count(Counter::kSeenEthernet);
  if (bytes.size() < kEthernetHeader) {
    invalid(packet, "ethernet.pkt_too_small");
    return false;
  }
  if (!layer(packet)) return false;
  packet.ethernet = bytes.first(kEthernetHeader);
  network(packet, be16(bytes, 12), bytes.subspan(kEthernetHeader));
  return true;
}

// False: of an unknown type.
bool Decoder::State::network(Work& packet, std::uint16_t ether_type, Bytes bytes) {
  packet.ether_type = ether_type;
  const Bytes datagram = bytes.first(std::min<std::size_t>(bytes.size(), 65535));
  switch (ether_type) {
    case kEtherIpv4:
      ipv4(packet, datagram);
      return true;
    case kEtherIpv6:
      ipv6(packet, datagram);
      return true;
    case kEtherPppoe:
      pppoe(packet, bytes);
      return true;
    case kEtherPppoeDiscovery:
      pppoe_discovery(packet, bytes);
      return true;
    case kEtherVlan:
    case kEther8021ad:
    case kEtherQinq:
      if (packet.vlans >= packet.vlan.size()) {
        event(packet, "vlan.too_many_layers");
      } else {
        vlan(packet, bytes);
      }
      return true;
    case kEther8021ah:
      count(Counter::kSeen8021ah);
      if (bytes.size() < 18) {
        invalid(packet, "ieee8021ah.header_too_small");
      } else if (layer(packet)) {
        network(packet, be16(bytes, 16), bytes.subspan(18));
      }
      return true;
    case kEtherArp:
      arp(packet, bytes);
      return true;
    case kEtherMpls:
    case kEtherMplsMulticast:
      mpls(packet, bytes);
      return true;
    case kEtherDce:
      if (bytes.size() < 16) {
        invalid(packet, "dce.pkt_too_small");
      } else {
        ethernet(packet, bytes.subspan(2));
      }
      return true;
    case kEtherEtag:
      tag(packet, Counter::kSeenEtag, 8, "etag.header_too_small", "etag.unknown_type", bytes);
      return true;
    case kEtherVntag:
      tag(packet, Counter::kSeenVntag, 6, "vntag.header_too_small", "vntag.unknown_type", bytes);
      return true;
    case kEtherNsh:
      nsh(packet, bytes);
      return true;
    default:
      count(Counter::kSeenUnknownEtherType);
      event(packet, "ethernet.unknown_ethertype");
      return false;
  }
}

bool Decoder::State::vlan(Work& packet, Bytes bytes) {
  count(packet.vlans == 0 ? Counter::kSeenVlan : packet.vlans == 1 ? Counter::kSeenQinq : Counter::kSeenQinqinq);
  if (bytes.size() < 4) {
    invalid(packet, "vlan.header_too_small");
    return false;
  }
  if (!layer(packet)) return false;
  if (packet.vlans >= packet.vlan.size()) {
    event(packet, "vlan.too_many_layers");
    return false;
  }
  packet.vlan[packet.vlans++] = be16(bytes, 0) & 0x0fff;
  if (network(packet, be16(bytes, 2), bytes.subspan(4))) return true;
  invalid(packet, "vlan.unknown_type");
  return false;
}

// A tag whose last two bytes say what follows.
bool Decoder::State::tag(Work& packet, Counter counter, std::size_t length, std::string_view too_small,
                         std::string_view unknown, Bytes bytes) {
  count(counter);
  if (bytes.size() < length) {
    invalid(packet, too_small);
    return false;
  }
  if (!layer(packet)) return false;
  if (network(packet, be16(bytes, length - 2), bytes.subspan(length))) return true;
  invalid(packet, unknown);
  return false;
}

bool Decoder::State::arp(Work& packet, Bytes bytes) {
  count(Counter::kSeenArp);
  const auto bad = [&](std::string_view name) {
    invalid(packet, name);
    return false;
  };
  if (bytes.size() < 8) return bad("arp.pkt_too_small");
  if (!layer(packet)) return false;
  if (be16(bytes, 0) != 1) return bad("arp.unsupported_hardware");
  if (be16(bytes, 2) != kEtherIpv4) return bad("arp.unsupported_protocol");
  if (bytes.size() < 28) return bad("arp.invalid_pkt");
  if (bytes[4] != 6) return bad("arp.invalid_hardware_size");
  if (bytes[5] != 4) return bad("arp.invalid_protocol_size");
  const std::uint16_t operation = be16(bytes, 6);
  if (operation < 1 || operation > 4) return bad("arp.unsupported_opcode");
  return true;
}

bool Decoder::State::mpls(Work& packet, Bytes bytes) {
  count(Counter::kSeenMpls);
  if (!layer(packet)) return false;
  std::uint32_t entry = 0;
  do {
    if (bytes.size() < 4) {
      invalid(packet, "mpls.header_too_small");
      return false;
    }
    entry = be32(bytes, 0);
    bytes = bytes.subspan(4);
  } while ((entry & 0x100) == 0);
  const std::uint32_t label = entry >> 12;
  const bool fits = bytes.size() <= 65535;
  if (label == 0) return fits && ipv4(packet, bytes);
  if (label == 2) return fits && ipv6(packet, bytes);
  if (label < 15) {
    event(packet, label == 1   ? "mpls.bad_label_router_alert"
                  : label == 3 ? "mpls.bad_label_implicit_null"
                               : "mpls.bad_label_reserved");
    return true;
  }
  if (bytes.size() < 4) {
    invalid(packet, "mpls.pkt_too_small");
    return false;
  }
  switch (bytes[0] >> 4) {
    case 4:
      if (!fits) return false;
      ipv4(packet, bytes);
      return true;
    case 6:
      if (!fits) return false;
      ipv6(packet, bytes);
      return true;
    case 0:  // the control word of a pseudo wire (RFC 4385)
      ethernet(packet, bytes.subspan(4));
      return true;
    default:
      invalid(packet, "mpls.unknown_payload_type");
      return true;
  }
}

bool Decoder::State::nsh(Work& packet, Bytes bytes) {
  count(Counter::kSeenNsh);
  if (bytes.size() < 8) {
    invalid(packet, "nsh.header_too_small");
    return false;
  }
  if (!layer(packet)) return false;
  const std::uint16_t first = be16(bytes, 0);
  if (first >> 14 != 0) {
    event(packet, "nsh.unsupported_version");
    return true;
  }
  const std::size_t length = std::size_t{first & 0x3fu} * 4;
  const std::uint8_t kind = bytes[2], next = bytes[3];
  if (length >= bytes.size()) {
    invalid(packet, "nsh.bad_header_length");
    return false;
  }
  if (kind == 0 || kind == 15) {
    event(packet, "nsh.reserved_type");
    return true;
  }
  if (kind == 1 && length != 24) {
    invalid(packet, "nsh.bad_header_length");
    return false;
  }
  if (kind != 1 && kind != 2) {
    event(packet, "nsh.unsupported_type");
    return true;
  }
  const Bytes rest = bytes.subspan(length);
  switch (next) {
    case 1:
      return rest.size() <= 65535 && ipv4(packet, rest);
    case 2:
      return rest.size() <= 65535 && ipv6(packet, rest);
    case 3:
      return ethernet(packet, rest);
    case 5:
      return mpls(packet, rest);
    default:
      event(packet, "nsh.unknown_payload");
      return true;
  }
}

}  // namespace tocsin::packet
