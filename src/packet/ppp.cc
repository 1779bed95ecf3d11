// PPP (RFC 1661) and PPP over Ethernet (RFC 2516).
#include "packet/bytes.h"
#include "packet/decoding.h"

namespace tocsin::packet {
namespace {

constexpr std::uint16_t kPppIpv4 = 0x0021, kPppUncompressed = 0x002f, kPppIpv6 = 0x0057;

// Protocols that PPP carries and that say nothing of IP: what links negotiate.
bool is_control(std::uint16_t protocol) {
  switch (protocol) {
    case 0x00fd:  // compressed datagram
    case 0x8021:  // IPCP
    case 0x8057:  // IPv6CP
    case 0x8071:  // CDPCP
    case 0x80fd:  // CCP
    case 0xc021:  // LCP
    case 0xc023:  // PAP
    case 0xc025:  // LQM
    case 0xc029:  // CBCP
    case 0xc223:  // CHAP
      return true;
    default:
      return false;
  }
}

// Other network layers: OSI, XNS, DECnet, AppleTalk, IPX, VJ compressed, bridges, ST-II, Vines, hello, Luxcom, SNS,
// MPLS and their control protocols.
bool is_other_network(std::uint16_t protocol) {
  switch (protocol) {
    case 0x0023:
    case 0x0025:
    case 0x0027:
    case 0x0029:
    case 0x002b:
    case 0x002d:
    case 0x0031:
    case 0x0033:
    case 0x0035:
    case 0x0201:
    case 0x0231:
    case 0x0233:
    case 0x0281:
    case 0x0283:
    case 0x8023:
    case 0x8025:
    case 0x8027:
    case 0x8029:
    case 0x802b:
    case 0x8033:
    case 0x8035:
    case 0x8281:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool Decoder::State::ppp_payload(Work& packet, std::uint16_t protocol, Bytes bytes) {
  const auto too_small = [&](std::string_view name) {
    invalid(packet, name);
    return false;
  };
  switch (protocol) {
    case kPppUncompressed:
      if (bytes.size() < 20) return too_small("ppp.vju_pkt_too_small");
      if (bytes.size() > 65535 || bytes[0] >> 4 != 4) return false;
      return ipv4(packet, bytes);
    case kPppIpv4:
      if (bytes.size() < 20) return too_small("ppp.ip4_pkt_too_small");
      return bytes.size() <= 65535 && ipv4(packet, bytes);
    case kPppIpv6:
      if (bytes.size() < 40) return too_small("ppp.ip6_pkt_too_small");
      return bytes.size() <= 65535 && ipv6(packet, bytes);
    default:
      if (is_control(protocol)) return true;
      if (is_other_network(protocol)) {
        event(packet, "ppp.unsup_proto");
      } else {
        invalid(packet, "ppp.wrong_type");
      }
      return true;
  }
}

bool Decoder::State::ppp(Work& packet, Bytes bytes) {
  count(Counter::kSeenPpp);
  const auto too_small = [&] {
    invalid(packet, "ppp.pkt_too_small");
    return false;
  };
  if (bytes.empty()) return too_small();
  std::size_t at = 0;
  if (bytes[0] == 0xff) {  // address and control of HDLC
    at = 2;
    if (bytes.size() < 3) return too_small();
  }
  const bool is_short = bytes[at] & 1;
  if (bytes.size() < at + (is_short ? 1 : 2)) return too_small();
  if (!layer(packet)) return false;
  if (!is_short) return ppp_payload(packet, be16(bytes, at), bytes.subspan(at + 2));

  const std::uint8_t protocol = bytes[at];
  bytes = bytes.subspan(at + 1);
  bytes = bytes.first(std::min<std::size_t>(bytes.size(), 65535));
  switch (protocol) {
    case kPppIpv4:
    case kPppUncompressed:
      if (bytes.size() < 20) {
        invalid(packet, "ppp.vju_pkt_too_small");
        return false;
      }
      if (protocol == kPppUncompressed) {
        if (bytes[0] >> 4 != 4) return false;
        packet.is_van_jacobson = true;
      }
      return ipv4(packet, bytes);
    case kPppIpv6:
      if (bytes.size() < 40) {
        invalid(packet, "ppp.ip6_pkt_too_small");
        return false;
      }
      return ipv6(packet, bytes);
    default:
      event(packet, "ppp.unsup_proto");
      return true;
  }
}

bool Decoder::State::pppoe_discovery(Work& packet, Bytes bytes) {
  count(Counter::kSeenPppoe);
  if (bytes.size() < 6) {
    invalid(packet, "pppoe.pkt_too_small");
    return false;
  }
  switch (bytes[1]) {
    case 0x07:  // offer
    case 0x09:  // initiation
    case 0x19:  // request
    case 0x65:  // confirmation
    case 0xa7:  // termination
      break;
    default:
      invalid(packet, "pppoe.wrong_code");
      return true;
  }
  if (be16(bytes, 4) > bytes.size() - 6) invalid(packet, "pppoe.malformed_tags");
  return true;
}

bool Decoder::State::pppoe(Work& packet, Bytes bytes) {
  count(Counter::kSeenPppoe);
  if (bytes.size() < 7) {
    invalid(packet, "pppoe.pkt_too_small");
    return false;
  }
  if (be16(bytes, 4) == 0) return true;
  std::size_t header = 7;
  std::uint16_t protocol = bytes[6];
  if ((protocol & 1) == 0) {
    header = 8;
    if (bytes.size() < header) {
      invalid(packet, "pppoe.pkt_too_small");
      return false;
    }
    protocol = be16(bytes, 6);
  }
  ppp_payload(packet, protocol, bytes.subspan(header));
  return true;
}

}  // namespace tocsin::packet
