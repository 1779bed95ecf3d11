// IPv6 (RFC 8200) with its extension headers.
#include <array>

#include "packet/bytes.h"
#include "packet/decoding.h"

namespace tocsin::packet {
namespace {

constexpr std::uint8_t kHopOptions = 0, kRouting = 43, kFragmentHeader = 44, kNone = 59, kDestinationOptions = 60,
                       kMobility = 135, kHip = 139, kShim6 = 140;
constexpr std::uint8_t kPad1 = 0, kPadN = 1, kRouterAlert = 5, kJumbo = 0xc2, kHomeAddress = 0xc9;

constexpr std::string_view kTruncated = "ipv6.trunc_exthdr", kInvalidOption = "ipv6.exthdr_invalid_optlen";

IpAddress address_at(Bytes bytes, std::size_t at) {
  std::array<std::uint8_t, 16> address;
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), 16, address.begin());
  return IpAddress(address);
}

}  // namespace

bool Decoder::State::ipv6(Work& packet, Bytes bytes) {
  count(Counter::kSeenIpv6);
  if (!layer(packet)) return false;
  const auto bad = [&](std::string_view name) {
    invalid(packet, name);
    return false;
  };
  if (bytes.size() < 40) return bad("ipv6.pkt_too_small");
  if (bytes[0] >> 4 != 6) return bad("ipv6.wrong_ip_version");
  const std::size_t length = be16(bytes, 4);
  if (bytes.size() < 40 + length) return bad("ipv6.trunc_pkt");

  packet.ip_version = 6;
  packet.source = address_at(bytes, 8);
  packet.destination = address_at(bytes, 24);
  packet.tos = static_cast<std::uint8_t>(be16(bytes, 0) >> 4);
  packet.ttl = bytes[7];
  packet.network_header = bytes.first(40);
  packet.network_extensions = {};
  packet.network_payload = bytes.subspan(40, length);
  const std::uint8_t next = bytes[6];
  const Bytes payload = packet.network_payload;
  switch (next) {
    case kTcp:
    case kUdp:
    case kIcmpV6:
    case kSctp:
    case kGre:
      transport(packet, next, payload);
      return true;
    case kIpInIp:
      packet.protocol = next;
      ip_in_ipv6(packet, 4, payload);
      return true;
    case kIpv6:
      packet.protocol = next;
      ip_in_ipv6(packet, 6, payload);
      return true;
    case kHopOptions:
    case kRouting:
    case kFragmentHeader:
    case kNone:
    case kDestinationOptions:
    case kAh:
    case kEsp:
    case kMobility:
    case kHip:
    case kShim6:
      packet.protocol = kHopOptions;
      ipv6_extensions(packet, payload);
      return true;
    case kIcmp:
      packet.protocol = kHopOptions;
      event(packet, "ipv6.icmpv4");
      return true;
    default:
      packet.protocol = next;
      event(packet, "ipv6.unknown_next_header");
      return true;
  }
}

void Decoder::State::ipv6_extensions(Work& packet, Bytes bytes) {
  const Bytes all = bytes;
  std::uint8_t next = packet.network_header[6];
  // Where the field lies that says of which type the header in hand is, from the IP header on.
  std::size_t next_at = 6;
  bool has_routing = false, has_hop = false, has_authentication = false, has_fragment = false;
  int destinations = 0;
  while (true) {
    packet.network_extensions = all.first(all.size() - bytes.size());
    packet.network_payload = bytes;
    if (next == kNone) {
      if (!bytes.empty()) event(packet, "ipv6.data_after_none_header");
      return;
    }
    if (bytes.size() < 2) return invalid(packet, kTruncated);
    std::size_t length = 8 + std::size_t{bytes[1]} * 8;
    switch (next) {
      case kTcp:
      case kUdp:
      case kIcmpV6:
      case kSctp:
      case kEsp:
        return transport(packet, next, bytes);
      case kRouting:
        packet.protocol = next;
        if (length > bytes.size()) return invalid(packet, kTruncated);
        if (has_routing) {
          event(packet, "ipv6.exthdr_dupl_rh");
        } else if (bytes[2] == 0) {
          event(packet, "ipv6.rh_type_0");
        }
        has_routing = true;
        break;
      case kHopOptions:
        packet.protocol = next;
        if (length > bytes.size()) return invalid(packet, kTruncated);
        if (has_hop) {
          event(packet, "ipv6.exthdr_dupl_hh");
        } else {
          ipv6_options(packet, next, bytes.subspan(2, length - 2));
        }
        has_hop = true;
        break;
      case kDestinationOptions:
        packet.protocol = next;
        if (length > bytes.size()) return invalid(packet, kTruncated);
        if (destinations == 2) {  // one before a routing header, one before the transport
          event(packet, "ipv6.exthdr_dupl_dh");
        } else {
          ipv6_options(packet, next, bytes.subspan(2, length - 2));
          ++destinations;
        }
        break;
      case kFragmentHeader: {
        packet.protocol = next;
        length = 8;
        if (length > bytes.size()) return invalid(packet, kTruncated);
        if (bytes[1] != 0) event(packet, "ipv6.fh_non_zero_reserved_field");
        if (has_fragment) {
          event(packet, "ipv6.exthdr_dupl_fh");
          break;
        }
        has_fragment = true;
        const std::uint16_t field = be16(bytes, 2);
        packet.ip_id = be32(bytes, 4);
        packet.fragment_offset = field & 0xfff8;
        packet.more_fragments = field & 1;
        if (!packet.is_fragment()) {
          event(packet, "ipv6.exthdr_useless_fh");
          break;
        }
        if (packet.more_fragments && bytes.size() % 8 != 0) event(packet, "ipv6.frag_invalid_length");
        Fragment part;
        part.version = 6;
        part.id = packet.ip_id;
        const std::uint8_t* start = packet.network_header.data();
        part.header = Bytes(start, static_cast<std::size_t>(bytes.data() - start));
        part.next_header_at = next_at;
        part.next_header = bytes[0];
        part.offset = packet.fragment_offset;
        part.more = packet.more_fragments;
        part.data = bytes.subspan(length);
        packet.network_payload = part.data;
        return fragment(packet, part);
      }
      case kAh:
        packet.protocol = next;
        length = 12 + (bytes[1] > 0 ? (std::size_t{bytes[1]} - 1) * 4 : 0);
        if (length > bytes.size()) return invalid(packet, kTruncated);
        if (be16(bytes, 2) != 0) event(packet, "ipv6.exthdr_ah_res_not_null");
        if (has_authentication) event(packet, "ipv6.exthdr_dupl_ah");
        has_authentication = true;
        break;
      case kIpInIp:
        packet.protocol = next;
        return ip_in_ipv6(packet, 4, bytes);
      case kIcmp:
        return event(packet, "ipv6.icmpv4");
      case kMobility:
      case kHip:
      case kShim6:
        if (length > bytes.size()) return invalid(packet, kTruncated);
        break;
      default:
        packet.protocol = next;
        return event(packet, "ipv6.unknown_next_header");
    }
    next_at = static_cast<std::size_t>(bytes.data() - packet.network_header.data());
    next = bytes[0];
    bytes = bytes.subspan(length);
  }
}

bool Decoder::State::ipv6_options(Work& packet, std::uint8_t kind, Bytes options) {
  const bool is_hop = kind == kHopOptions;
  bool has_padding = false, has_other = false;
  while (!options.empty()) {
    const std::uint8_t type = options[0];
    if (type == kPad1) {
      has_padding = true;
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || std::size_t{options[1]} + 2 > options.size()) {
      invalid(packet, kInvalidOption);
      break;
    }
    const std::uint8_t length = options[1];
    std::size_t least = 0;
    if (type == kPadN) {
      has_padding = true;
      if (length == 0) event(packet, "ipv6.zero_len_padn");
    } else if (type == kRouterAlert) {
      least = 2;
    } else if (type == kJumbo) {
      least = 4;
    } else if (type == kHomeAddress) {
      least = 16;
    } else {
      event(packet, is_hop ? "ipv6.hopopts_unknown_opt" : "ipv6.dstopts_unknown_opt");
      has_other = true;
    }
    if (length < least) {
      invalid(packet, kInvalidOption);
      break;
    }
    has_other |= type == kRouterAlert || type == kHomeAddress;
    options = options.subspan(std::size_t{length} + 2);
  }
  if (has_padding && !has_other) event(packet, is_hop ? "ipv6.hopopts_only_padding" : "ipv6.dstopts_only_padding");
  return true;
}

void Decoder::State::ip_in_ipv6(Work& packet, int version, Bytes bytes) {
  if (bytes.size() < (version == 4 ? 20 : 40)) {
    return invalid(packet, version == 4 ? "ipv6.ipv4_in_ipv6_too_small" : "ipv6.ipv6_in_ipv6_too_small");
  }
  if (bytes[0] >> 4 != version) {
    return invalid(packet, version == 4 ? "ipv6.ipv4_in_ipv6_wrong_version" : "ipv6.ipv6_in_ipv6_wrong_version");
  }
  if (version == 4) {
    if (tunnel(packet, "ipv6", &State::ipv4, bytes)) count(Counter::kSeenIpv4InIpv6);
  } else {
    if (tunnel(packet, "ipv6", &State::ipv6, bytes)) count(Counter::kSeenIpv6InIpv6);
  }
}

}  // namespace tocsin::packet
