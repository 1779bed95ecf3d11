#include "dissect/decode.h"

#include <array>
#include <cstring>

#include "collect/observation.h"

namespace tocsin {
namespace {

using Bytes = std::span<const std::byte>;

unsigned u8(Bytes bytes, std::size_t at) { return static_cast<unsigned>(bytes[at]); }
unsigned u16(Bytes bytes, std::size_t at) { return u8(bytes, at) << 8 | u8(bytes, at + 1); }
std::uint32_t u32(Bytes bytes, std::size_t at) { return static_cast<std::uint32_t>(u16(bytes, at)) << 16 | u16(bytes, at + 2); }

Decoded transport(Bytes bytes, std::uint32_t length, DecodedPacket& out) {
  const std::size_t captured = bytes.size();
  const auto payload_after = [&](std::size_t header) {
    out.payload_length = length > header ? length - static_cast<std::uint32_t>(header) : 0;
    out.payload = header < captured ? bytes.subspan(header) : Bytes();
  };
  switch (out.protocol) {
    case kTcp: {
      if (captured < 4) return Decoded::kTruncated;
      out.source.port = static_cast<std::uint16_t>(u16(bytes, 0));
      out.destination.port = static_cast<std::uint16_t>(u16(bytes, 2));
      if (captured < 14) return Decoded::kTruncated;
      out.seq = u32(bytes, 4);
      out.ack = u32(bytes, 8);
      const std::size_t header = u8(bytes, 12) / 16 * 4;
      out.flags = static_cast<std::uint8_t>(u8(bytes, 13) & 0x3f);
      if (header < 20 || header > length) return Decoded::kBad;
      payload_after(header);
      return Decoded::kGood;
    }
    case kUdp:
      if (captured < 4) return Decoded::kTruncated;
      out.source.port = static_cast<std::uint16_t>(u16(bytes, 0));
      out.destination.port = static_cast<std::uint16_t>(u16(bytes, 2));
      payload_after(8);
      return Decoded::kGood;
    case 132:  // SCTP has its ports where UDP has them
      if (captured >= 4) {
        out.source.port = static_cast<std::uint16_t>(u16(bytes, 0));
        out.destination.port = static_cast<std::uint16_t>(u16(bytes, 2));
      }
      return Decoded::kGood;
    case kIcmp:
    case kIcmp6:
      if (captured < 2) return Decoded::kTruncated;
      out.source.port = static_cast<std::uint16_t>(u8(bytes, 0));
      out.destination.port = static_cast<std::uint16_t>(u8(bytes, 1));
      if (captured >= 6) out.icmp_id = static_cast<std::uint16_t>(u16(bytes, 4));
      payload_after(8);
      return Decoded::kGood;
    default:
      payload_after(0);
      return Decoded::kGood;
  }
}

Decoded ipv4(Bytes bytes, DecodedPacket& out) {
  if (bytes.size() < 20) return Decoded::kTruncated;
  const std::size_t header = (u8(bytes, 0) & 15) * 4;
  std::uint32_t length = u16(bytes, 2);
  if (length == 0) length = static_cast<std::uint32_t>(bytes.size());  // segmentation offload
  if (header < 20 || length < header) return Decoded::kBad;
  out.protocol = static_cast<std::uint8_t>(u8(bytes, 9));
  out.source.ip = IpAddress::v4(u32(bytes, 12));
  out.destination.ip = IpAddress::v4(u32(bytes, 16));
  out.length = length;
  const unsigned fragment = u16(bytes, 6);
  out.fragment_id = u16(bytes, 4);
  out.first_fragment = (fragment & 0x2000) != 0 && (fragment & 0x1fff) == 0;
  out.fragment = (fragment & 0x1fff) != 0;
  if (bytes.size() < header) return Decoded::kTruncated;
  bytes = bytes.subspan(0, std::min<std::size_t>(bytes.size(), length));  // padding of the frame goes
  if (out.fragment) return Decoded::kGood;
  return transport(bytes.subspan(header), length - static_cast<std::uint32_t>(header), out);
}

Decoded ipv6(Bytes bytes, DecodedPacket& out) {
  if (bytes.size() < 40) return Decoded::kTruncated;
  std::array<std::uint8_t, 16> address;
  std::memcpy(address.data(), bytes.data() + 8, 16);
  out.source.ip = IpAddress(address);
  std::memcpy(address.data(), bytes.data() + 24, 16);
  out.destination.ip = IpAddress(address);
  std::uint32_t left = u16(bytes, 4);
  out.length = left + 40;
  if (left == 0) left = static_cast<std::uint32_t>(bytes.size() - 40);  // jumbogram or offload
  unsigned next = u8(bytes, 6);
  bytes = bytes.subspan(40, std::min<std::size_t>(bytes.size() - 40, left));
  for (int headers = 0; headers < 16; ++headers) {
    out.protocol = static_cast<std::uint8_t>(next);
    std::size_t size = 0;
    if (next == 0 || next == 43 || next == 60 || next == 135) {  // hop-by-hop, routing, destination, mobility
      if (bytes.size() < 8) return Decoded::kTruncated;
      size = (u8(bytes, 1) + 1) * 8;
    } else if (next == 51) {  // authentication header
      if (bytes.size() < 8) return Decoded::kTruncated;
      size = (u8(bytes, 1) + 2) * 4;
    } else if (next == 44) {  // fragment
      if (bytes.size() < 8) return Decoded::kTruncated;
      size = 8;
      const unsigned offset = u16(bytes, 2);
      out.fragment = (offset & 0xfff8) != 0;
      out.first_fragment = !out.fragment && (offset & 1) != 0;
      out.fragment_id = u32(bytes, 4);
    } else if (next == 59) {
      return Decoded::kGood;
    } else {
      return transport(bytes, left, out);
    }
    next = u8(bytes, 0);
    if (size > left) return Decoded::kBad;
    if (size > bytes.size()) return Decoded::kTruncated;
    bytes = bytes.subspan(size);
    left -= static_cast<std::uint32_t>(size);
    if (out.fragment) {
      out.protocol = static_cast<std::uint8_t>(next);
      return Decoded::kGood;
    }
  }
  return Decoded::kBad;
}

Decoded network(Bytes bytes, DecodedPacket& out) {
  if (bytes.empty()) return Decoded::kTruncated;
  const unsigned version = u8(bytes, 0) >> 4;
  return version == 4 ? ipv4(bytes, out) : version == 6 ? ipv6(bytes, out) : Decoded::kNotIp;
}

// From an EtherType on, through tags and labels.
Decoded ethertype(unsigned type, Bytes bytes, DecodedPacket& out) {
  for (int layers = 0; layers < 16; ++layers) {
    switch (type) {
      case 0x0800:
        return bytes.empty() ? Decoded::kTruncated : u8(bytes, 0) >> 4 == 4 ? ipv4(bytes, out) : Decoded::kBad;
      case 0x86dd:
        return bytes.empty() ? Decoded::kTruncated : u8(bytes, 0) >> 4 == 6 ? ipv6(bytes, out) : Decoded::kBad;
      case 0x8100:
      case 0x88a8:
      case 0x9100:
      case 0x9200:
        if (bytes.size() < 4) return Decoded::kTruncated;
        type = u16(bytes, 2);
        bytes = bytes.subspan(4);
        break;
      case 0x8847:
      case 0x8848:
        while (true) {
          if (bytes.size() < 4) return Decoded::kTruncated;
          const bool bottom = (u8(bytes, 2) & 1) != 0;
          bytes = bytes.subspan(4);
          if (bottom) return network(bytes, out);
        }
      case 0x8864: {
        if (bytes.size() < 8) return Decoded::kTruncated;
        const unsigned protocol = u16(bytes, 6);
        bytes = bytes.subspan(8);
        return protocol == 0x0021 || protocol == 0x0057 ? network(bytes, out) : Decoded::kNotIp;
      }
      default:
        return Decoded::kNotIp;
    }
  }
  return Decoded::kBad;
}

}  // namespace

Decoded decode(const Packet& packet, DecodedPacket& out) {
  const Bytes bytes = packet.data;
  const auto need = [&bytes](std::size_t size) { return bytes.size() >= size; };
  switch (packet.link_type) {
    case 1:  // Ethernet
      return need(14) ? ethertype(u16(bytes, 12), bytes.subspan(14), out) : Decoded::kTruncated;
    case 113:  // Linux cooked, version 1
      return need(16) ? ethertype(u16(bytes, 14), bytes.subspan(16), out) : Decoded::kTruncated;
    case 276:  // Linux cooked, version 2
      return need(20) ? ethertype(u16(bytes, 0), bytes.subspan(20), out) : Decoded::kTruncated;
    case 12:
    case 14:
    case 101:
    case 228:
    case 229:  // raw IP
      return network(bytes, out);
    case 0:
    case 108:  // null and loopback: the address family in some byte order is told by what follows
      return need(4) ? network(bytes.subspan(4), out) : Decoded::kTruncated;
    case 9:
    case 50: {  // PPP, with or without HDLC framing
      const std::size_t skip = need(2) && u16(bytes, 0) == 0xff03 ? 2 : 0;
      if (!need(skip + 2)) return Decoded::kTruncated;
      const unsigned protocol = u16(bytes, skip);
      return protocol == 0x0021 || protocol == 0x0057 ? network(bytes.subspan(skip + 2), out) : Decoded::kNotIp;
    }
    case 51:  // PPPoE session
      return ethertype(0x8864, bytes, out);
    case 219:  // MPLS
      return ethertype(0x8847, bytes, out);
    default:
      return Decoded::kLink;
  }
}

}  // namespace tocsin
