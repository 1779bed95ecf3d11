// The words of EVE for times, addresses, protocols and bytes.
#pragma once

#include <string>
#include <string_view>

#include "base/ip_address.h"
#include "base/time.h"
#include "packet/packet.h"

namespace tocsin::engine {

// "2010-01-31T08:00:00.123456+0000"
std::string eve_time(Timestamp time);
// "01/31/2010-08:00:00.123456", of fast.log.
std::string fast_time(Timestamp time);
// "0a"
std::string hex_byte(std::uint8_t byte);
// IPv6 in full, eight groups of four digits, unless it is IPv4.
std::string eve_address(const IpAddress& address);
// "TCP", "IPv6-ICMP"; else the number.
std::string eve_protocol(std::uint8_t protocol);
bool has_ports(std::uint8_t protocol);
// What is not printable ASCII or the end of a line becomes a dot.
std::string printable_ascii(packet::Bytes bytes);
inline packet::Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
// "EN10MB"; "n/a" of others.
std::string_view link_type_name(std::uint32_t link_type);
// Where a packet comes from: "wire/pcap", "gre tunnel", "defrag", "stream (flow timeout)".
std::string_view packet_source(const packet::Packet& packet);

}  // namespace tocsin::engine
