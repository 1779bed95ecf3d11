// IPv4 (RFC 791) with its options.
#include "packet/bytes.h"
#include "packet/checksum.h"
#include "packet/decoding.h"

namespace tocsin::packet {
namespace {

// Types of options (IANA).
constexpr std::uint8_t kEnd = 0, kNop = 1, kRecordRoute = 7, kQuickStart = 25, kTimestamp = 68, kSecurity = 130,
                       kLooseRoute = 131, kExtendedSecurity = 133, kCipso = 134, kStream = 136, kStrictRoute = 137,
                       kRouterAlert = 148;

constexpr std::string_view kInvalidLength = "ipv4.opt_invalid_len", kMalformed = "ipv4.opt_malformed";

// What is wrong with a route: type, length, pointer, addresses.
std::string_view fault_of_route(Bytes option) {
  if (option.size() < 3) return kInvalidLength;
  const std::uint8_t pointer = option[2];
  if (pointer < 4 || pointer % 4 != 0 || pointer > option.size() + 1) return kMalformed;
  return {};
}

// type, length, pointer, overflow and flag, records
std::string_view fault_of_timestamp(Bytes option) {
  if (option.size() < 5) return kInvalidLength;
  const std::uint8_t pointer = option[2], flag = option[3] & 15;
  if (pointer < 5) return kMalformed;
  const int record = flag == 1 || flag == 3 ? 8 : 4;
  if ((pointer - 5) % record != 0 || pointer > option.size() + 1) return kMalformed;
  return {};
}

// type, length, domain of interpretation, tags (FIPS 188)
std::string_view fault_of_cipso(Bytes option) {
  if (option.size() < 10) return kInvalidLength;
  Bytes tags = option.subspan(6);
  while (!tags.empty()) {
    if (tags.size() < 2) return kMalformed;
    const std::uint8_t type = tags[0], length = tags[1];
    if (length > tags.size() || length < 4) return kMalformed;
    if (type != 1 && type != 2 && type != 5 && type != 6 && type != 7) return kMalformed;
    if (type != 7 && tags[2] != 0) return kMalformed;
    tags = tags.subspan(length);
  }
  return {};
}

std::string_view fault_of(Bytes option) {
  switch (option[0]) {
    case kRecordRoute:
    case kLooseRoute:
    case kStrictRoute:
      return fault_of_route(option);
    case kTimestamp:
      return fault_of_timestamp(option);
    case kCipso:
      return fault_of_cipso(option);
    case kQuickStart:
      return option.size() < 8 ? kInvalidLength : "";
    case kSecurity:
    case kExtendedSecurity:
      return option.size() < 3 ? kInvalidLength : "";
    case kStream:
    case kRouterAlert:
      return option.size() != 4 ? kInvalidLength : "";
    default:
      return "ipv4.opt_invalid";
  }
}

}  // namespace

bool Decoder::State::ipv4_options(Work& packet, Bytes options) {
  if (options.size() % 8 != 0) event(packet, "ipv4.opt_pad_required");
  std::uint64_t seen[4] = {0, 0, 0, 0};
  while (!options.empty()) {
    const std::uint8_t type = options[0];
    if (type == kEnd) {
      packet.ip_options.push_back(type);
      break;
    }
    if (type == kNop) {
      packet.ip_options.push_back(type);
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2) {
      event(packet, "ipv4.opt_eol_required");
      break;
    }
    const std::uint8_t length = options[1];
    if (length > options.size() || length < 2) {
      invalid(packet, kInvalidLength);
      return false;
    }
    const Bytes option = options.first(length);
    options = options.subspan(length);
    std::uint64_t& word = seen[type / 64];
    const std::uint64_t bit = std::uint64_t{1} << (type % 64);
    if (word & bit) {
      event(packet, "ipv4.opt_duplicate");
      continue;
    }
    const std::string_view fault = fault_of(option);
    if (fault.empty()) {
      word |= bit;
      packet.ip_options.push_back(type);
    } else if (fault == "ipv4.opt_invalid") {
      event(packet, fault);
    } else {
      invalid(packet, fault);
    }
  }
  return true;
}

bool Decoder::State::ipv4(Work& packet, Bytes bytes) {
  count(Counter::kSeenIpv4);
  if (!layer(packet)) return false;
  const auto bad = [&](std::string_view name) {
    invalid(packet, name);
    return false;
  };
  if (bytes.size() < 20) return bad("ipv4.pkt_too_small");
  if (bytes[0] >> 4 != 4) return bad("ipv4.wrong_ip_version");
  const std::size_t header = std::size_t{bytes[0] & 15u} * 4, length = be16(bytes, 2);
  if (header < 20) return bad("ipv4.hlen_too_small");
  if (length < header) return bad("ipv4.iplen_smaller_than_hlen");
  if (bytes.size() < length) return bad("ipv4.trunc_pkt");
  bytes = bytes.first(length);

  packet.source = IpAddress::v4(be32(bytes, 12));
  packet.destination = IpAddress::v4(be32(bytes, 16));
  packet.ip_options.clear();
  if (header > 20 && !ipv4_options(packet, bytes.subspan(20, header - 20))) return false;
  packet.ip_version = 4;
  packet.network_header = bytes.first(header);
  packet.network_extensions = {};
  packet.network_payload = bytes.subspan(header);
  packet.tos = bytes[1];
  packet.ip_id = be16(bytes, 4);
  const std::uint16_t fragment_bits = be16(bytes, 6);
  packet.reserved_bit = fragment_bits & 0x8000;
  packet.dont_fragment = fragment_bits & 0x4000;
  packet.more_fragments = fragment_bits & 0x2000;
  packet.fragment_offset = static_cast<std::uint16_t>((fragment_bits & 0x1fff) * 8);
  packet.ttl = bytes[8];
  packet.protocol = bytes[9];
  packet.network_checksum_right = is_checksum_right(packet.network_header);

  if (packet.is_fragment()) {
    Fragment part;
    part.version = 4;
    part.protocol = packet.protocol;
    part.id = packet.ip_id;
    part.header = packet.network_header;
    part.offset = packet.fragment_offset;
    part.more = packet.more_fragments;
    part.data = packet.network_payload;
    fragment(packet, part);
    return true;
  }
  const Bytes payload = packet.network_payload;
  switch (packet.protocol) {
    case 0:
      if (packet.is_van_jacobson) tcp(packet, payload);
      return true;
    case kIcmp:
      icmp_v4(packet, payload);
      return true;
    case kIcmpV6:
      invalid(packet, "ipv4.icmpv6");
      return true;
    case kIpv6:
      if (tunnel(packet, "ipv4", &State::ipv6, payload)) count(Counter::kSeenIpv6InIpv4);
      return true;
    case kIpInIp:
      if (tunnel(packet, "ipv4", &State::ipv4, payload)) count(Counter::kSeenIpv4InIpv4);
      return true;
    case kIgmp:
      igmp(packet, payload);
      return true;
    case kTcp:
    case kUdp:
    case kSctp:
    case kGre:
    case kEsp:
      transport(packet, packet.protocol, payload);
      return true;
    default:
      count(Counter::kSeenUnknownProtocol);
      event(packet, "ipv4.unknown_protocol");
      return true;
  }
}

void Decoder::State::transport(Work& packet, std::uint8_t protocol, Bytes bytes) {
  packet.protocol = protocol;
  switch (protocol) {
    case kTcp:
      return tcp(packet, bytes);
    case kUdp:
      return udp(packet, bytes);
    case kSctp:
      return sctp(packet, bytes);
    case kGre:
      return gre(packet, bytes);
    case kEsp:
      return esp(packet, bytes);
    case kIcmpV6:
      return icmp_v6(packet, bytes);
    default:
      return;
  }
}

// A fragment of either family. What it completes is a packet of its own.
void Decoder::State::fragment(Work& packet, const Fragment& part) {
  Fragment whole = part;
  whole.source = packet.source;
  whole.destination = packet.destination;
  whole.depth = packet.depth;
  whole.vlan = packet.vlan;
  whole.time = packet.time;
  whole.number = packet.number;
  const bool is_v6 = part.version == 6;
  Defragmented result = defragmenter.take(whole);
  if (result.is_too_large) event(packet, is_v6 ? "ipv6.frag_pkt_too_large" : "ipv4.frag_pkt_too_large");
  if (result.is_ignored) event(packet, is_v6 ? "ipv6.frag_ignored" : "ipv4.frag_ignored");
  if (result.is_overlap) event(packet, is_v6 ? "ipv6.frag_overlap" : "ipv4.frag_overlap");
  packet.exception_policy = result.policy;
  if (!result.is_whole) return;

  if (memory->datagrams_used == memory->datagrams.size()) memory->datagrams.emplace_back();
  std::vector<std::uint8_t>& datagram = memory->datagrams[memory->datagrams_used++];
  datagram = std::move(result.datagram);
  memory->datagram_bytes += datagram.size();
  Work& rebuilt = fresh();
  rebuilt.number = packet.number;
  rebuilt.time = packet.time;
  rebuilt.origin = Origin::kDefragmented;
  rebuilt.outer = &packet;
  rebuilt.depth = packet.depth;
  rebuilt.frame = datagram;
  rebuilt.ethernet = packet.ethernet;
  rebuilt.ether_type = packet.ether_type;
  rebuilt.vlan = packet.vlan;
  rebuilt.vlans = packet.vlans;
  rebuilt.layers = packet.layers - 1;
  rebuilt.is_dropped = !(is_v6 ? ipv6(rebuilt, datagram) : ipv4(rebuilt, datagram));
}

}  // namespace tocsin::packet
