#include "dissect/decode.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "collect/observation.h"

namespace tocsin::dissect {
namespace {

constexpr int kMostTags = 16;
constexpr int kMostExtensions = 16;

// A step of the way up: what to read next.
enum class Layer : std::uint8_t { kEtherType, kPpp, kMpls, kAnyIp, kIpv4, kIpv6, kNotIp, kShort };

DecodeResult bad(DecodedPacket& packet, const char* fault) {
  packet.fault = fault;
  return DecodeResult::kBad;
}

// Takes the link header off; `type` is the EtherType where the layer is kEtherType.
Layer open_link(std::uint32_t link_type, Bytes& data, std::uint16_t& type) {
  const auto take = [&data](std::size_t size) {
    if (data.size() < size) return false;
    data = data.subspan(size);
    return true;
  };
  const Bytes frame = data;
  switch (link_type) {
    case 1:
      if (!take(14)) return Layer::kShort;
      type = be16(frame, 12);
      return Layer::kEtherType;
    case 0:
    case 108: {
      if (!take(4)) return Layer::kShort;
      // The address family of the capturing host, in its byte order (null) or the network's (loop).
      std::uint32_t family = be32(frame, 0);
      if (family > 0xffff) family = __builtin_bswap32(family);
      if (family == 2) return Layer::kIpv4;
      return family == 10 || family == 24 || family == 28 || family == 30 ? Layer::kIpv6 : Layer::kNotIp;
    }
    case 9:
    case 50:
      return Layer::kPpp;
    case 12:
    case 14:
    case 101:
      return Layer::kAnyIp;
    case 228:
      return Layer::kIpv4;
    case 229:
      return Layer::kIpv6;
    case 219:
      return Layer::kMpls;
    case 113:
      if (!take(16)) return Layer::kShort;
      type = be16(frame, 14);
      return Layer::kEtherType;
    case 276:
      if (!take(20)) return Layer::kShort;
      type = be16(frame, 0);
      return Layer::kEtherType;
    default:
      return Layer::kNotIp;
  }
}

Layer open_ether_type(Bytes& data, std::uint16_t& type) {
  switch (type) {
    case 0x0800:
      return Layer::kIpv4;
    case 0x86dd:
      return Layer::kIpv6;
    case 0x8100:
    case 0x88a8:
    case 0x9100:
    case 0x9200:
      if (data.size() < 4) return Layer::kShort;
      type = be16(data, 2);
      data = data.subspan(4);
      return Layer::kEtherType;
    case 0x8847:
    case 0x8848:
      return Layer::kMpls;
    case 0x8864:
      if (data.size() < 6) return Layer::kShort;
      data = data.subspan(6);
      return Layer::kPpp;
    default:
      break;
  }
  // A length instead of a type: IEEE 802.3 with LLC; SNAP with OUI 0 carries an EtherType again (RFC 1042).
  if (type > 1500 || data.size() < 8 || be32(data, 0) != 0xaaaa0300 || be16(data, 4) != 0) return Layer::kNotIp;
  type = be16(data, 6);
  data = data.subspan(8);
  return Layer::kEtherType;
}

// RFC 1661, with the address and control fields of RFC 1662 and the one-byte protocol both optional.
Layer open_ppp(Bytes& data) {
  if (data.size() >= 2 && be16(data, 0) == 0xff03) data = data.subspan(2);
  if (data.empty()) return Layer::kShort;
  std::uint16_t protocol = byte_at(data, 0);
  std::size_t size = 1;
  if ((protocol & 1) == 0) {
    if (data.size() < 2) return Layer::kShort;
    protocol = be16(data, 0);
    size = 2;
  }
  data = data.subspan(size);
  switch (protocol) {
    case 0x0021:
      return Layer::kIpv4;
    case 0x0057:
      return Layer::kIpv6;
    case 0x0281:
    case 0x0283:
      return Layer::kMpls;
    default:
      return Layer::kNotIp;
  }
}

Layer open_mpls(Bytes& data) {
  for (int i = 0; i < kMostTags; ++i) {
    if (data.size() < 4) return Layer::kShort;
    const bool bottom = (byte_at(data, 2) & 1) != 0;
    data = data.subspan(4);
    if (bottom) return Layer::kAnyIp;
  }
  return Layer::kNotIp;
}

IpAddress v6_at(Bytes data, std::size_t at) {
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), data.data() + at, bytes.size());
  return IpAddress(bytes);
}

// The type of the query of which an ICMP message is query or answer; -1 if it is neither.
int query_type(std::uint8_t protocol, std::uint8_t type) {
  if (protocol == kIcmp) {
    switch (type) {
      case 0:
      case 8:
        return 8;
      case 13:
      case 14:
        return 13;
      case 15:
      case 16:
        return 15;
      case 17:
      case 18:
        return 17;
      default:
        return -1;
    }
  }
  return type == 128 || type == 129 ? 128 : -1;
}

DecodeResult open_icmp(Bytes data, DecodedPacket& packet) {
  if (data.size() < 2) return bad(packet, "truncated transport header");
  PacketKey& key = packet.key;
  packet.icmp_type = byte_at(data, 0);
  packet.icmp_code = byte_at(data, 1);
  const int query = query_type(key.protocol, packet.icmp_type);
  if (query < 0) {
    key.kind = packet.icmp_type;
    key.id = packet.icmp_code;
    key.source_port = 1;
    key.destination_port = 0;
    return DecodeResult::kPacket;
  }
  key.kind = static_cast<std::uint8_t>(query);
  key.id = data.size() >= 6 ? be16(data, 4) : std::uint16_t{0};
  const bool asks = packet.icmp_type == query;
  key.source_port = asks ? 1 : 0;
  key.destination_port = asks ? 0 : 1;
  return DecodeResult::kPacket;
}

// data: the captured part of the IP payload; length: all of it.
DecodeResult open_transport(Bytes data, std::uint32_t length, DecodedPacket& packet) {
  PacketKey& key = packet.key;
  key.source_port = key.destination_port = 0;
  switch (key.protocol) {
    case kTcp: {
      if (data.size() < 4) return bad(packet, "truncated transport header");
      key.source_port = be16(data, 0);
      key.destination_port = be16(data, 2);
      if (length < 20 && !packet.first_fragment) return bad(packet, "bad TCP header length");
      if (data.size() < 14) return DecodeResult::kPacket;
      const std::size_t header = static_cast<std::size_t>(byte_at(data, 12) >> 4) * 4;
      if (header < 20 || header > length) return bad(packet, "bad TCP header length");
      packet.sequence = be32(data, 4);
      packet.tcp_flags = byte_at(data, 13) & 0x3f;
      packet.has_flags = true;
      packet.payload_length = length - static_cast<std::uint32_t>(header);
      packet.payload = data.subspan(std::min(header, data.size()));
      return DecodeResult::kPacket;
    }
    case kUdp:
    case 132:  // SCTP
    case 136:  // UDP-Lite
      if (data.size() < 4) return bad(packet, "truncated transport header");
      key.source_port = be16(data, 0);
      key.destination_port = be16(data, 2);
      if (length < 8 && !packet.first_fragment) return bad(packet, "truncated transport header");
      if (key.protocol == kUdp && data.size() >= 8) {
        // A length of 0 is a jumbogram's (RFC 2675); one beyond the packet is a fragment's or a lie.
        std::uint32_t datagram = be16(data, 4);
        if (datagram < 8 || datagram > length) datagram = std::max(length, 8U);
        packet.payload_length = datagram - 8;
        packet.payload = data.subspan(8, std::min<std::size_t>(data.size() - 8, packet.payload_length));
      }
      return DecodeResult::kPacket;
    case kIcmp:
    case kIcmp6:
      return open_icmp(data, packet);
    default:
      return DecodeResult::kPacket;
  }
}

DecodeResult open_ipv4(Bytes data, std::uint32_t original, DecodedPacket& packet) {
  if (data.size() < 20) return bad(packet, "truncated IP header");
  if (byte_at(data, 0) >> 4 != 4) return bad(packet, "bad IP header");
  const std::size_t header = static_cast<std::size_t>(byte_at(data, 0) & 15) * 4;
  // A total length of 0 is what segmentation offload leaves in captures on the sending host.
  std::uint32_t total = be16(data, 2);
  if (total == 0) total = original;
  if (header < 20 || total < header) return bad(packet, "bad IP header");
  packet.ip_length = total;
  packet.key.source = IpAddress::v4(be32(data, 12));
  packet.key.destination = IpAddress::v4(be32(data, 16));
  packet.key.protocol = byte_at(data, 9);
  if (data.size() < header) return bad(packet, "truncated IP header");
  const std::uint16_t fragment = be16(data, 6);
  packet.fragment_id = be16(data, 4);
  if ((fragment & 0x1fff) != 0) return DecodeResult::kLaterFragment;
  packet.first_fragment = (fragment & 0x2000) != 0;
  data = data.first(std::min<std::size_t>(data.size(), total)).subspan(header);
  return open_transport(data, total - static_cast<std::uint32_t>(header), packet);
}

DecodeResult open_ipv6(Bytes data, std::uint32_t original, DecodedPacket& packet) {
  if (data.size() < 40) return bad(packet, "truncated IP header");
  if (byte_at(data, 0) >> 4 != 6) return bad(packet, "bad IP header");
  std::uint32_t length = be16(data, 4);
  if (length == 0 && original > 40) length = original - 40;  // a jumbogram, or offload
  packet.ip_length = length + 40;
  packet.key.source = v6_at(data, 8);
  packet.key.destination = v6_at(data, 24);
  std::uint8_t next = byte_at(data, 6);
  data = data.subspan(40);
  data = data.first(std::min<std::size_t>(data.size(), length));
  for (int i = 0; i < kMostExtensions; ++i) {
    std::size_t size = 0;
    bool later = false;
    switch (next) {
      case 0:    // hop-by-hop options
      case 43:   // routing
      case 60:   // destination options
      case 135:  // mobility
        if (data.size() < 8) return bad(packet, "truncated IPv6 extension header");
        size = (static_cast<std::size_t>(byte_at(data, 1)) + 1) * 8;
        break;
      case 51:  // authentication header: in units of 4, less 2
        if (data.size() < 8) return bad(packet, "truncated IPv6 extension header");
        size = (static_cast<std::size_t>(byte_at(data, 1)) + 2) * 4;
        break;
      case 44:
        if (data.size() < 8) return bad(packet, "truncated IPv6 extension header");
        size = 8;
        packet.fragment_id = be32(data, 4);
        later = (be16(data, 2) & 0xfff8) != 0;
        packet.first_fragment = !later && (be16(data, 2) & 1) != 0;
        break;
      default:
        packet.key.protocol = next;
        return open_transport(data, length, packet);
    }
    if (size > data.size()) return bad(packet, "truncated IPv6 extension header");
    next = byte_at(data, 0);
    data = data.subspan(size);
    length -= static_cast<std::uint32_t>(size);
    if (later) {
      packet.key.protocol = next;
      return DecodeResult::kLaterFragment;
    }
  }
  return bad(packet, "too many IPv6 extension headers");
}

}  // namespace

DecodeResult decode(std::uint32_t link_type, Bytes frame, std::uint32_t original_length, DecodedPacket& packet) {
  packet = DecodedPacket{};
  Bytes data = frame;
  std::uint16_t type = 0;
  Layer layer = open_link(link_type, data, type);
  for (int i = 0; i < kMostTags; ++i) {
    const auto taken = static_cast<std::uint32_t>(frame.size() - data.size());
    const std::uint32_t rest =
        std::max(original_length > taken ? original_length - taken : 0U, static_cast<std::uint32_t>(data.size()));
    switch (layer) {
      case Layer::kEtherType:
        layer = open_ether_type(data, type);
        break;
      case Layer::kPpp:
        layer = open_ppp(data);
        break;
      case Layer::kMpls:
        layer = open_mpls(data);
        break;
      case Layer::kAnyIp:
        if (data.empty()) {
          layer = Layer::kShort;
        } else {
          const int version = byte_at(data, 0) >> 4;
          layer = version == 4 ? Layer::kIpv4 : version == 6 ? Layer::kIpv6 : Layer::kNotIp;
        }
        break;
      case Layer::kIpv4:
        return open_ipv4(data, rest, packet);
      case Layer::kIpv6:
        return open_ipv6(data, rest, packet);
      case Layer::kNotIp:
        return DecodeResult::kNotIp;
      case Layer::kShort:
        return bad(packet, "truncated link header");
    }
  }
  return DecodeResult::kNotIp;
}

}  // namespace tocsin::dissect
