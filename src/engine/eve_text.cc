#include "engine/eve_text.h"

#include <fmt/format.h>

#include <array>

namespace tocsin::engine {
namespace {

struct Civil {
  std::int64_t year;
  unsigned month, day;
  std::int64_t hour, minute, second, micros;
};

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
Civil civil_of(Timestamp time) {
  const Timestamp midnight = floor_to(time, kDay);
  const std::int64_t rest = time - midnight;
  const std::int64_t z = midnight / kDay + 719'468;
  const std::int64_t era = (z >= 0 ? z : z - 146'096) / 146'097;
  const auto day_of_era = static_cast<unsigned>(z - era * 146'097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted = (5 * day_of_year + 2) / 153;
  const unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0),
          month,
          day_of_year - (153 * shifted + 2) / 5 + 1,
          rest / kHour,
          rest / kMinute % 60,
          rest / kSecond % 60,
          rest % kSecond};
}

void put_digits(char* at, std::int64_t number, int count) {
  for (int i = count; i-- > 0; number /= 10) at[i] = static_cast<char>('0' + number % 10);
}

}  // namespace

std::string eve_time(Timestamp time) {
  const Civil c = civil_of(time);
  if (c.year < 0 || c.year > 9'999) {
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}+0000", c.year, c.month, c.day, c.hour, c.minute,
                       c.second, c.micros);
  }
  char text[] = "0000-00-00T00:00:00.000000+0000";
  put_digits(text, c.year, 4);
  put_digits(text + 5, c.month, 2);
  put_digits(text + 8, c.day, 2);
  put_digits(text + 11, c.hour, 2);
  put_digits(text + 14, c.minute, 2);
  put_digits(text + 17, c.second, 2);
  put_digits(text + 20, c.micros, 6);
  return {text, sizeof text - 1};
}

std::string fast_time(Timestamp time) {
  const Civil c = civil_of(time);
  return fmt::format("{:02}/{:02}/{:04}-{:02}:{:02}:{:02}.{:06}", c.month, c.day, c.year, c.hour, c.minute, c.second,
                     c.micros);
}

std::string hex_byte(std::uint8_t byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return {kDigits[byte >> 4], kDigits[byte & 15]};
}

std::string eve_address(const IpAddress& address) {
  if (address.is_v4()) return address.text();
  const auto& b = address.bytes();
  std::string text;
  text.reserve(40);
  for (std::size_t i = 0; i < 16; i += 2) {
    if (i > 0) text += ':';
    text += hex_byte(b[i]);
    text += hex_byte(b[i + 1]);
  }
  return text;
}

std::string eve_protocol(std::uint8_t protocol) {
  // IANA, "Protocol Numbers".
  switch (protocol) {
    case 0:
      return "HOPOPT";
    case 1:
      return "ICMP";
    case 2:
      return "IGMP";
    case 3:
      return "GGP";
    case 4:
      return "IP-in-IP";
    case 5:
      return "ST";
    case 6:
      return "TCP";
    case 7:
      return "CBT";
    case 8:
      return "EGP";
    case 9:
      return "IGP";
    case 17:
      return "UDP";
    case 33:
      return "DCCP";
    case 41:
      return "IPv6";
    case 43:
      return "IPv6-Route";
    case 44:
      return "IPv6-Frag";
    case 46:
      return "RSVP";
    case 47:
      return "GRE";
    case 50:
      return "ESP";
    case 51:
      return "AH";
    case 55:
      return "MOBILE";
    case 58:
      return "IPv6-ICMP";
    case 59:
      return "IPv6-NoNxt";
    case 60:
      return "IPv6-Opts";
    case 88:
      return "EIGRP";
    case 89:
      return "OSPF";
    case 94:
      return "OS";
    case 97:
      return "ETHERIP";
    case 98:
      return "ENCAP";
    case 103:
      return "PIM";
    case 108:
      return "IPComp";
    case 112:
      return "VRRP";
    case 113:
      return "PGM";
    case 115:
      return "L2TP";
    case 124:
      return "IS-IS";
    case 132:
      return "SCTP";
    case 133:
      return "FC";
    case 135:
      return "Mobility";
    case 136:
      return "UDPLite";
    case 137:
      return "MPLS-in-IP";
    case 143:
      return "Ethernet";
    default:
      return std::to_string(protocol);
  }
}

bool has_ports(std::uint8_t protocol) {
  return protocol == packet::kTcp || protocol == packet::kUdp || protocol == packet::kSctp;
}

std::string printable_ascii(packet::Bytes bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const std::uint8_t byte : bytes) {
    const bool is_kept = (byte >= 0x20 && byte < 0x7f) || byte == '\n' || byte == '\r';
    text += is_kept ? static_cast<char>(byte) : '.';
  }
  return text;
}

std::string_view link_type_name(std::uint32_t link_type) {
  // By tcpdump.org/linktypes; both numbers of raw IP.
  switch (link_type) {
    case 0:
      return "NULL";
    case 1:
      return "EN10MB";
    case 9:
      return "PPP";
    case 12:
    case 101:
      return "RAW";
    case 104:
      return "C_HDLC";
    case 113:
      return "LINUX_SLL";
    case 228:
      return "IPv4";
    case 229:
      return "IPv6";
    case 276:
      return "LINUX_SLL2";
    default:
      return "n/a";
  }
}

std::string_view packet_source(const packet::Packet& packet) {
  switch (packet.origin) {
    case packet::Origin::kWire:
      return "wire/pcap";
    case packet::Origin::kDefragmented:
      return "defrag";
    case packet::Origin::kFlowEnd:
      return "stream (flow timeout)";
    case packet::Origin::kTunnel:
      break;
  }
  if (packet.carrier == "gre" || packet.carrier.starts_with("erspan")) return "gre tunnel";
  if (packet.carrier == "teredo") return "teredo tunnel";
  if (packet.carrier == "vxlan") return "vxlan encapsulation";
  if (packet.carrier == "geneve") return "geneve encapsulation";
  return packet.outer != nullptr && packet.outer->ip_version == 6 ? "ipv6 tunnel" : "ipv4 tunnel";
}

}  // namespace tocsin::engine
