// What carries packets: GRE (RFC 2784, RFC 1701, RFC 2637), ERSPAN, VXLAN (RFC 7348), Geneve (RFC 8926), Teredo
// (RFC 4380), GTP-U (3GPP TS 29.281).
#include <algorithm>
#include <charconv>

#include "packet/bytes.h"
#include "packet/decoding.h"

namespace tocsin::packet {
namespace {

constexpr std::uint16_t kEtherIpv4 = 0x0800, kEtherArp = 0x0806, kEtherBridge = 0x6558, kEtherVlan = 0x8100,
                        kEtherIpv6 = 0x86dd, kEtherPpp = 0x880b, kEther8021ad = 0x88a8, kEtherErspan = 0x88be,
                        kEtherQinq = 0x9100;

}  // namespace

bool Decoder::State::Ports::has(std::uint16_t port) const {
  return enabled && (any || std::find(ports.begin(), ports.end(), port) != ports.end());
}

Decoder::State::Ports Decoder::State::ports_of(const Options& options, std::string_view name, bool enabled,
                                               std::uint16_t port) {
  const std::string start = "decoder." + std::string(name);
  Ports ports;
  ports.enabled = options.flag(start + ".enabled", enabled);
  std::string list;
  const std::string ports_name = start + ".ports";
  const auto& all = options.all();
  for (auto at = all.lower_bound(ports_name); at != all.end() && at->first.starts_with(ports_name); ++at) {
    list += at->second + ",";
  }
  // Variables as in the shipped configuration ("$VXLAN_PORTS") are those of the rules.
  std::string_view rest = list;
  if (const std::size_t variable = rest.find('$'); variable != rest.npos) {
    const std::string_view named = rest.substr(variable + 1, rest.find_first_of(", ]\"", variable) - variable - 1);
    list = options.text("vars.port-groups." + std::string(named)) + ",";
    rest = list;
  }
  while (!rest.empty()) {
    const std::size_t first = rest.find_first_of("0123456789a");
    if (first == rest.npos) break;
    rest.remove_prefix(first);
    if (rest.starts_with("any")) {
      ports.any = true;
      break;
    }
    std::uint16_t value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error == std::errc{}) ports.ports.push_back(value);
    rest.remove_prefix(std::max<std::size_t>(1, static_cast<std::size_t>(end - rest.data())));
  }
  if (ports.ports.empty() && !ports.any) {
    if (port) {
      ports.ports.push_back(port);
    } else {
      ports.any = true;
    }
  }
  return ports;
}

bool Decoder::State::tunnel(Work& outer, std::string_view carrier, Layer decode, Bytes bytes, bool must_be_valid) {
  if (outer.layers + 1 >= max_layers) {
    invalid(outer, "too_many_layers");
    return false;
  }
  Work& inner = fresh();
  inner.number = outer.number;
  inner.time = outer.time;
  inner.origin = Origin::kTunnel;
  inner.outer = &outer;
  inner.carrier = carrier;
  inner.depth = static_cast<std::uint8_t>(outer.depth + 1);
  inner.layers = outer.layers + 1;
  inner.frame = bytes;
  if (!(this->*decode)(inner, bytes) || (must_be_valid && inner.is_invalid)) {
    inner.is_dropped = true;
    return false;
  }
  outer.carries_packet = true;
  return true;
}

void Decoder::State::gre(Work& packet, Bytes bytes) {
  count(Counter::kSeenGre);
  if (bytes.size() < 4) return invalid(packet, "gre.pkt_too_small");
  if (!layer(packet)) return;
  const std::uint8_t flags = bytes[0], more = bytes[1];
  const bool has_checksum = flags & 0x80, has_routing = flags & 0x40, has_key = flags & 0x20,
             has_sequence = flags & 0x10, is_strict = flags & 0x08, has_recursion = flags & 0x07,
             has_flags = more & 0xf8;
  const std::uint16_t protocol = be16(bytes, 2);
  std::size_t header = 4;
  packet.transport_header = bytes.first(4);
  switch (more & 7) {
    case 0:
      if (has_recursion) return invalid(packet, "gre.version0_recur");
      if (has_flags) return invalid(packet, "gre.version0_flags");
      header += (has_key ? 4u : 0u) + (has_sequence ? 4u : 0u) + (has_checksum || has_routing ? 4u : 0u);
      if (header > bytes.size()) return invalid(packet, "gre.version0_hdr_too_big");
      while (has_routing) {
        if (header + 4 > bytes.size()) return invalid(packet, "gre.version0_malformed_sre_hdr");
        const std::uint16_t family = be16(bytes, header);
        const std::uint8_t length = bytes[header + 3];
        header += 4;
        if (family == 0 && length == 0) break;
        header += length;
        if (header > bytes.size()) return invalid(packet, "gre.version0_malformed_sre_hdr");
      }
      break;
    case 1:
      if (has_checksum) return invalid(packet, "gre.version1_chksum");
      if (has_routing) return invalid(packet, "gre.version1_route");
      if (is_strict) return invalid(packet, "gre.version1_ssr");
      if (has_recursion) return invalid(packet, "gre.version1_recur");
      if (more & 0x78) return invalid(packet, "gre.version1_flags");
      if (protocol != kEtherPpp) return invalid(packet, "gre.version1_wrong_protocol");
      if (!has_key) return invalid(packet, "gre.version1_no_key");
      header += 4 + (has_sequence ? 4u : 0u) + (more & 0x80 ? 4u : 0u);
      if (header > bytes.size()) return invalid(packet, "gre.version1_hdr_too_big");
      if (be16(bytes, 4) == 0) return;  // an acknowledgement without payload
      break;
    default:
      return invalid(packet, "gre.wrong_version");
  }
  packet.transport_header = bytes.first(header);
  const Bytes carried = bytes.subspan(header);
  switch (protocol) {
    case kEtherIpv4:
      tunnel(packet, "gre", &State::ipv4, carried);
      break;
    case kEtherIpv6:
      tunnel(packet, "gre", &State::ipv6, carried);
      break;
    case kEtherPpp:
      tunnel(packet, "gre", &State::ppp, carried);
      break;
    case kEtherVlan:
      tunnel(packet, "gre", &State::vlan, carried);
      break;
    case kEtherErspan:  // type II has a sequence number, type I none
      tunnel(packet, "gre", has_sequence ? &State::erspan : &State::erspan_1, carried);
      break;
    case kEtherBridge:
      tunnel(packet, "gre", &State::ethernet, carried);
      break;
    case kEtherArp:
      tunnel(packet, "gre", &State::arp, carried);
      break;
    default:
      break;
  }
}

bool Decoder::State::erspan_1(Work& packet, Bytes bytes) {
  count(Counter::kSeenErspan);
  return ethernet(packet, bytes);
}

bool Decoder::State::erspan(Work& packet, Bytes bytes) {
  count(Counter::kSeenErspan);
  if (bytes.size() < 8) {
    event(packet, "erspan.header_too_small");
    return false;
  }
  if (!layer(packet)) return false;
  const std::uint16_t first = be16(bytes, 0), vlan_id = first & 0x0fff;
  if (first >> 12 != 1) {
    event(packet, "erspan.unsupported_version");
    return false;
  }
  if (vlan_id > 0) {
    if (packet.vlans >= packet.vlan.size()) {
      event(packet, "erspan.too_many_vlan_layers");
      return false;
    }
    packet.vlan[packet.vlans++] = vlan_id;
  }
  return ethernet(packet, bytes.subspan(8));
}

bool Decoder::State::vxlan(Work& packet, Bytes bytes) {
  if (bytes.size() < 8 + 14) return false;
  if (!layer(packet)) return false;
  if ((bytes[0] & 0x08) == 0) return false;
  if (vxlan_strict && ((bytes[0] & 0xf7) != 0 || bytes[1] != 0 || be16(bytes, 2) != 0 || bytes[7] != 0)) return false;
  count(Counter::kSeenVxlan);
  switch (be16(bytes, 8 + 12)) {
    case kEtherArp:
    case kEtherIpv4:
    case kEtherIpv6:
    case kEtherVlan:
    case kEther8021ad:
    case kEtherQinq:
      tunnel(packet, "vxlan", &State::ethernet, bytes.subspan(8));
      break;
    default:
      invalid(packet, "vxlan.unknown_payload_type");
  }
  return true;
}

bool Decoder::State::geneve(Work& packet, Bytes bytes) {
  if (bytes.size() < 8) return false;
  if (!layer(packet)) return false;
  const std::size_t options = std::size_t{bytes[0] & 0x3fu} * 4, header = 8 + options;
  if (bytes.size() < header || bytes[0] >> 6 != 0 || (bytes[1] & 0x3f) != 0 || bytes[7] != 0) return false;
  std::size_t at = 8;
  while (at < header) {
    if (at + 4 > header) return false;
    at += 4 + std::size_t{bytes[at + 3] & 0x1fu} * 4;
  }
  if (at != header) return false;
  count(Counter::kSeenGeneve);
  const Bytes carried = bytes.subspan(header);
  switch (be16(bytes, 2)) {
    case kEtherIpv4:
      tunnel(packet, "geneve", &State::ipv4, carried);
      break;
    case kEtherIpv6:
      tunnel(packet, "geneve", &State::ipv6, carried);
      break;
    case kEtherBridge:
      tunnel(packet, "geneve", &State::ethernet, carried);
      break;
    case kEtherArp:
      break;
    default:
      invalid(packet, "geneve.unknown_payload_type");
  }
  return true;
}

// Nothing says that a datagram is Teredo: it is if all of it is a whole IPv6 packet.
bool Decoder::State::teredo(Work& packet, Bytes bytes) {
  constexpr std::size_t kOrigin = 8;
  if (bytes.size() < 40) return false;
  if (bytes[0] == 0) {
    if (bytes[1] != 0 || bytes.size() < kOrigin + 40) return false;
    bytes = bytes.subspan(kOrigin);
  }
  if (bytes[0] >> 4 != 6) return false;
  const std::size_t length = be16(bytes, 4);
  const std::uint8_t next = bytes[6], hops = bytes[7];
  if (hops == 0 || (next == 0 && length < 8) || bytes.size() != 40 + length) return false;
  if (!tunnel(packet, "teredo", &State::ipv6, bytes, true)) return false;
  count(Counter::kSeenTeredo);
  return true;
}

bool Decoder::State::gtp(Work& packet, Bytes bytes) {
  constexpr std::uint8_t kUserData = 255;
  // version 1, GTP and not GTP'
  if (bytes.size() < 8 || bytes[0] >> 5 != 1 || (bytes[0] & 0x10) == 0 || bytes[1] != kUserData) return false;
  const std::size_t length = be16(bytes, 2);
  if (bytes.size() < 8 + length) return false;
  bytes = bytes.first(8 + length);
  std::size_t header = 8;
  if (bytes[0] & 7) {  // sequence number, N-PDU number, type of the first extension
    if (bytes.size() < 12) return false;
    header = 12;
    std::uint8_t next = bytes[0] & 4 ? bytes[11] : 0;
    while (next != 0) {
      if (header >= bytes.size()) return false;
      const std::size_t extension = std::size_t{bytes[header]} * 4;
      if (extension == 0 || header + extension > bytes.size()) return false;
      next = bytes[header + extension - 1];
      header += extension;
    }
  }
  bytes = bytes.subspan(header);
  if (bytes.empty()) return false;
  const bool is_ip = bytes[0] >> 4 == 4 ? tunnel(packet, "gtp", &State::ipv4, bytes, true)
                                        : bytes[0] >> 4 == 6 && tunnel(packet, "gtp", &State::ipv6, bytes, true);
  if (is_ip) count(Counter::kSeenGtp);
  return is_ip;
}

}  // namespace tocsin::packet
