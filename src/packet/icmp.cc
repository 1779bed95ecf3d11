// ICMP (RFC 792), ICMPv6 (RFC 4443) and IGMP (RFC 3376).
#include "packet/bytes.h"
#include "packet/checksum.h"
#include "packet/decoding.h"

namespace tocsin::packet {

void Decoder::State::embedded(Work& packet, int version, Bytes bytes) {
  if (bytes.size() < (version == 4 ? 20 : 40)) {
    return invalid(packet, version == 4 ? "icmpv4.ipv4_trunc_pkt" : "icmpv6.ipv6_trunc_pkt");
  }
  if (bytes[0] >> 4 != version) {
    return invalid(packet, version == 4 ? "icmpv4.ipv4_unknown_ver" : "icmpv6.ipv6_unknown_version");
  }
  packet.icmp.embedded = bytes;
}

void Decoder::State::icmp_v4(Work& packet, Bytes bytes) {
  count(Counter::kSeenIcmpV4);
  if (bytes.size() < 8) return invalid(packet, "icmpv4.pkt_too_small");
  const std::uint8_t type = bytes[0], code = bytes[1];
  packet.icmp.type = type;
  packet.icmp.code = code;
  packet.transport_checksum_right = is_checksum_right(bytes);
  std::size_t header = 8;
  const auto check_code = [&](int largest) {
    if (code > largest) event(packet, "icmpv4.unknown_code");
    return code <= largest;
  };
  const auto query = [&] {
    packet.icmp.id = be16(bytes, 4);
    packet.icmp.sequence = be16(bytes, 6);
    check_code(0);
  };
  const auto error = [&](int largest) {
    if (check_code(largest) && bytes.size() > 8) embedded(packet, 4, bytes.subspan(8));
  };
  switch (type) {
    case 0:   // echo reply
    case 8:   // echo
    case 15:  // information request
    case 16:
    case 17:  // address mask
    case 18:
      query();
      break;
    case 3:  // unreachable
      error(15);
      break;
    case 4:  // source quench
      if (check_code(0)) embedded(packet, 4, bytes.subspan(8));
      break;
    case 5:  // redirect
      error(3);
      break;
    case 11:  // time exceeded
      error(1);
      break;
    case 12:  // parameter problem
      error(0);
      break;
    case 13:  // timestamp
    case 14:
      query();
      if (bytes.size() < 20) {
        event(packet, "icmpv4.ipv4_trunc_pkt");
      } else {
        header = 20;
      }
      break;
    case 9: {  // router advertisement
      const std::size_t addresses = std::size_t{bytes[4]} * bytes[5] * 4;
      if (bytes.size() < header + addresses) {
        event(packet, "icmpv4.ipv4_trunc_pkt");
      } else {
        header += addresses;
      }
      break;
    }
    default:
      event(packet, "icmpv4.unknown_type");
  }
  packet.transport_header = bytes.first(header);
  packet.payload = bytes.subspan(header);
}

void Decoder::State::icmp_v6(Work& packet, Bytes bytes) {
  count(Counter::kSeenIcmpV6);
  if (bytes.size() < 8) return invalid(packet, "icmpv6.pkt_too_small");
  const std::uint8_t type = bytes[0], code = bytes[1];
  packet.icmp.type = type;
  packet.icmp.code = code;
  packet.transport_checksum_right = is_checksum_right(bytes, packet.source, packet.destination, kIcmpV6);
  // Of messages that are no error and no echo, what follows the checksum is their payload, and of the header too.
  std::size_t header = 4;
  const auto check_code = [&](int largest) {
    if (code > largest) event(packet, "icmpv6.unknown_code");
    return code <= largest;
  };
  const auto error = [&](int largest) {
    if (!check_code(largest)) return;
    embedded(packet, 6, bytes.subspan(8));
    header = 8;
  };
  switch (type) {
    case 1:  // unreachable
      error(6);
      break;
    case 2:  // packet too big
      if (code == 0) packet.icmp.mtu = be32(bytes, 4);
      error(0);
      break;
    case 3:  // time exceeded
      error(1);
      break;
    case 4:  // parameter problem
      error(2);
      break;
    case 128:  // echo
    case 129:
      if (check_code(0)) {
        packet.icmp.id = be16(bytes, 4);
        packet.icmp.sequence = be16(bytes, 6);
        header = 8;
      }
      break;
    case 130:  // multicast listeners
    case 131:
    case 132:
      check_code(0);
      if (packet.ttl != 1) event(packet, "icmpv6.mld_message_with_invalid_hl");
      break;
    case 138:  // router renumbering
      if (code != 255) check_code(2);
      break;
    case 139:  // node information
    case 140:
      check_code(2);
      break;
    case 150:  // mobility experiments, multicast routers
    case 151:
    case 152:
    case 153:
      break;
    case 155:  // RPL
      if ((code > 3 && code < 128) || code > 132) event(packet, "icmpv6.unknown_code");
      break;
    default:
      if ((type >= 133 && type <= 149) || type == 154 || (type >= 156 && type <= 159)) {
        check_code(0);
      } else if (type == 100 || type == 101 || type == 200 || type == 201) {
        event(packet, "icmpv6.experimentation_type");
      } else if ((type > 4 && type < 127) || type >= 160) {
        event(packet, "icmpv6.unassigned_type");
      } else {
        event(packet, "icmpv6.unknown_type");
      }
  }
  packet.transport_header = bytes.first(8);
  packet.payload = bytes.subspan(header);
}

void Decoder::State::igmp(Work& packet, Bytes bytes) {
  constexpr std::uint8_t kQuery = 0x11, kReport3 = 0x22;
  count(Counter::kSeenIgmp);
  if (bytes.size() < 8) return invalid(packet, "igmp.pkt_too_small");
  packet.transport_checksum_right = is_checksum_right(bytes);
  std::size_t header = 8;
  if (bytes[0] == kQuery && bytes.size() >= 12) {
    const std::size_t sources = be16(bytes, 10);
    header = 12 + sources * 4;
    if (sources > (65535 - 24 - 12) / 4) return invalid(packet, "igmp.malformed");
    if (bytes.size() < header) return invalid(packet, "igmp.v3_pkt_too_small");
  } else if (bytes[0] == kReport3) {
    for (unsigned left = be16(bytes, 6); left > 0; --left) {
      if (bytes.size() - header < 8) return invalid(packet, "igmp.v3_pkt_too_small");
      const std::size_t record = 8 + std::size_t{bytes[header + 1]} * 4 + std::size_t{be16(bytes, header + 2)} * 4;
      if (bytes.size() - header < record) return invalid(packet, "igmp.malformed");
      header += record;
    }
  }
  packet.transport_header = bytes.first(header);
  packet.payload = bytes.subspan(header);
}

}  // namespace tocsin::packet
