#include "rules/protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace tocsin::rules {
namespace {

constexpr std::array<std::string_view, 46> kApplications = {"http1",
                                                            "http2",
                                                            "doh2",
                                                            "dns",
                                                            "tls",
                                                            "smtp",
                                                            "ftp",
                                                            "ftp-data",
                                                            "ssh",
                                                            "smb",
                                                            "dcerpc",
                                                            "imap",
                                                            "jabber",
                                                            "irc",
                                                            "modbus",
                                                            "enip",
                                                            "dnp3",
                                                            "nfs",
                                                            "ntp",
                                                            "tftp",
                                                            "ike",
                                                            "krb5",
                                                            "quic",
                                                            "dhcp",
                                                            "sip",
                                                            "rfb",
                                                            "mqtt",
                                                            "pgsql",
                                                            "telnet",
                                                            "websocket",
                                                            "ldap",
                                                            "mdns",
                                                            "llmnr",
                                                            "rdp",
                                                            "snmp",
                                                            "pop3",
                                                            "bittorrent-dht",
                                                            "template",
                                                            "msn",
                                                            "sdp",
                                                            "ikev2",
                                                            "bgp",
                                                            "cip",
                                                            "opc",
                                                            "file-hosts",
                                                            "unknown"};

Applications bit_of(std::string_view name) {
  const auto at = std::ranges::find(kApplications, name);
  return at == kApplications.end() ? 0 : Applications{1} << (at - kApplications.begin());
}

Applications set_of(std::string_view name) {
  const Applications own = bit_of(name);
  if (name == "http") return bit_of("http1") | bit_of("http2") | bit_of("doh2");
  if (name == "dns" || name == "http2") return own | bit_of("doh2");
  if (name == "dcerpc") return own | bit_of("smb");
  if (name == "ikev2") return bit_of("ike");
  if (name == "sdp") return bit_of("sip");
  return own;
}

struct Named {
  std::string_view name;
  Transport transport;
};
constexpr std::array<Named, 19> kTransports = {{{"ip", Transport::kAny},
                                                {"tcp", Transport::kTcp},
                                                {"tcp-pkt", Transport::kTcpPacket},
                                                {"tcp-stream", Transport::kTcpStream},
                                                {"udp", Transport::kUdp},
                                                {"icmp", Transport::kIcmp},
                                                {"icmpv4", Transport::kIcmpV4},
                                                {"icmpv6", Transport::kIcmpV6},
                                                {"sctp", Transport::kSctp},
                                                {"igmp", Transport::kIgmp},
                                                {"ipv4", Transport::kIpV4},
                                                {"ip4", Transport::kIpV4},
                                                {"ipv6", Transport::kIpV6},
                                                {"ip6", Transport::kIpV6},
                                                {"pkthdr", Transport::kPacketHeader},
                                                {"ether", Transport::kEthernet},
                                                {"arp", Transport::kArp},
                                                {"any", Transport::kAny},
                                                {"dec-event", Transport::kPacketHeader}}};

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '_' || letter == '-' ||
           letter == '.';
  });
}

}  // namespace

std::optional<Applications> applications_of(std::string_view names) {
  Applications set = 0;
  while (!names.empty()) {
    const std::size_t space = names.find(' ');
    const Applications of_name = set_of(names.substr(0, space));
    if (of_name == 0) return std::nullopt;
    set |= of_name;
    names = space == std::string_view::npos ? std::string_view() : names.substr(space + 1);
  }
  return set;
}

bool is_application(std::string_view name) { return set_of(name) != 0 && name != "unknown"; }

std::string names_of(Applications set) {
  std::string names;
  for (std::size_t bit = 0; bit < kApplications.size(); ++bit) {
    if ((set >> bit & 1) == 0) continue;
    if (!names.empty()) names += ' ';
    names += kApplications[bit];
  }
  return names;
}

Expected<Protocol> parse_protocol(std::string_view text) {
  Protocol protocol;
  protocol.name = lower(text.substr(0, text.find(':')));
  if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    protocol.hook = text.substr(colon + 1);
    if (protocol.hook.starts_with('<')) {
      protocol.accepts_before = true;
      protocol.hook.erase(0, 1);
    }
    const std::size_t second = protocol.hook.find(':');  // of HTTP/2: a stream's state
    const std::string_view hook = protocol.hook;
    if (!is_word(hook.substr(0, second)) || (second != std::string::npos && !is_word(hook.substr(second + 1)))) {
      return failure(fmt::format("'{}' is no hook of a protocol", printable(protocol.hook, 80)));
    }
  }
  const auto transport = std::ranges::find(kTransports, std::string_view(protocol.name), &Named::name);
  if (transport != kTransports.end()) {
    protocol.transport = transport->transport;
    return protocol;
  }
  if (is_application(protocol.name)) {
    protocol.applications = set_of(protocol.name);
    protocol.is_application = true;
    return protocol;
  }
  unsigned number = 0;
  const char* end = protocol.name.data() + protocol.name.size();
  const auto [stop, error] = std::from_chars(protocol.name.data(), end, number);
  if (error == std::errc() && stop == end && number <= 255) {
    protocol.transport = Transport::kOther;
    protocol.number = static_cast<std::uint8_t>(number);
    return protocol;
  }
  return failure(fmt::format("'{}' is no protocol that rules can be of", printable(text, 80)));
}

}  // namespace tocsin::rules
