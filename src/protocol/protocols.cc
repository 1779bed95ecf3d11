#include "protocol/protocols.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/text.h"
#include "protocol/http.h"
#include "protocol/http2.h"

namespace tocsin::protocol {
namespace {

const std::string* setting(const Options& options, std::string_view protocol, bool is_udp, std::string_view name) {
  const std::string* value =
      options.find(fmt::format("app-layer.protocols.{}.{}.{}", protocol, is_udp ? "udp" : "tcp", name));
  return value ? value : options.find(fmt::format("app-layer.protocols.{}.{}", protocol, name));
}

// "53", "25, 465", "[139, 445]", "1000:2000", "any".
void add_ports(std::string_view list, ProtocolSettings::Of& into) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view part = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    const std::size_t begin = part.find_first_not_of(" []");
    if (begin == std::string_view::npos) continue;
    part = part.substr(begin, part.find_last_not_of(" []") + 1 - begin);
    if (part == "any") {
      into.ports.emplace_back(0, UINT16_MAX);
      continue;
    }
    std::uint16_t low = 0;
    const char* end = part.data() + part.size();
    auto [after, error] = std::from_chars(part.data(), end, low);
    if (error != std::errc{}) continue;
    std::uint16_t high = low;
    if (after != end && (*after == ':' || *after == '-')) {
      high = UINT16_MAX;
      if (after + 1 != end) std::from_chars(after + 1, end, high);
    }
    into.ports.emplace_back(low, high);
  }
}

ProtocolSettings::Of settings_of(const Options& options, const Protocol& protocol, bool is_udp) {
  ProtocolSettings::Of of;
  if (const std::string* value = setting(options, protocol.name(), is_udp, "enabled")) {
    const std::string word = lower(*value);
    of.is_parsed = word != "no" && word != "false" && word != "off" && word != "0" && word != "disabled" &&
                   word != "detection-only";
    of.is_recognised = of.is_parsed || word == "detection-only";
  }
  // A sequence of YAML has its members beside an empty value.
  const std::string* list = setting(options, protocol.name(), is_udp, "detection-ports.dp");
  bool is_list = list != nullptr;
  if (is_list) add_ports(*list, of);
  for (int i = 0; i < 64; ++i) {
    const std::string* one = setting(options, protocol.name(), is_udp, fmt::format("detection-ports.dp.{}", i));
    if (!one) break;
    is_list = true;
    add_ports(*one, of);
  }
  if (!is_list) add_ports(protocol.ports(is_udp), of);
  return of;
}

}  // namespace

ProtocolSettings::ProtocolSettings(const Options& options) : options_(options) {
  for (const bool is_udp : {false, true}) {
    for (const Protocol* protocol : protocols()) all_[is_udp].push_back(settings_of(options, *protocol, is_udp));
  }
}

const ProtocolSettings::Of& ProtocolSettings::of(const Protocol& protocol, bool is_udp) const {
  return all_[is_udp][static_cast<std::size_t>(std::ranges::find(protocols(), &protocol) - protocols().begin())];
}

bool ProtocolSettings::Of::has_port(std::uint16_t port) const {
  return port != 0 &&
         std::ranges::any_of(ports, [port](const auto& range) { return range.first <= port && port <= range.second; });
}

std::span<const Protocol* const> protocols() {
  static const std::vector<const Protocol*> all = {
      &http_protocol(), &http2_protocol(),     &doh2_protocol(),     &tls_protocol(),    &smtp_protocol(),
      &ssh_protocol(),  &ftp_protocol(),       &ftp_data_protocol(), &smb_protocol(),    &dcerpc_protocol(),
      &sip_protocol(),  &pop3_protocol(),      &imap_protocol(),     &telnet_protocol(), &rfb_protocol(),
      &rdp_protocol(),  &irc_protocol(),       &dns_protocol(),      &snmp_protocol(),   &dhcp_protocol(),
      &tftp_protocol(), &quic_protocol(),      &mqtt_protocol(),     &krb5_protocol(),   &modbus_protocol(),
      &ike_protocol(),  &websocket_protocol(), &ldap_protocol(),     &pgsql_protocol(),  &ntp_protocol(),
      &mdns_protocol(), &llmnr_protocol(),
  };
  return all;
}

const Protocol* find_protocol(std::string_view name) {
  const auto all = protocols();
  const auto found = std::ranges::find(all, name, &Protocol::name);
  return found == all.end() ? nullptr : *found;
}

}  // namespace tocsin::protocol
