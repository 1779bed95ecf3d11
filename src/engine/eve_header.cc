#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/community_id.h"
#include "engine/eve_event.h"
#include "engine/eve_text.h"

namespace tocsin::engine {
namespace {

using protocol::EveObject;
using protocol::Side;

// Whether source and destination change places.
bool is_swapped(const Seen& seen, Toward toward) {
  if (toward == Toward::kPacket || seen.flow() == nullptr) return false;
  const Side wanted = toward == Toward::kClient ? Side::kToClient : Side::kToServer;
  return seen.followed->side != wanted;
}

void add_vlans(EveObject& event, const std::array<std::uint16_t, 3>& vlan, std::uint8_t count) {
  if (count == 0) return;
  event.open_list("vlan");
  for (std::uint8_t i = 0; i < std::min<std::uint8_t>(count, 3); ++i) event.item(std::uint64_t{vlan[i]});
  event.close_list();
}

// As Suricata has it: with ports of all protocols, and the types of both sides for those of ICMP.
std::string community_id(const stream::Flow& flow, std::uint16_t seed) {
  const bool is_icmp = flow.protocol == packet::kIcmp || flow.protocol == packet::kIcmpV6;
  const std::uint16_t client_port = is_icmp ? flow.icmp_type[0] : flow.client_port;
  const std::uint16_t server_port = is_icmp ? flow.icmp_type[1] : flow.server_port;
  const bool in_order = flow.client < flow.server || (flow.client == flow.server && client_port < server_port);
  const CommunityEnd client{flow.client, client_port}, server{flow.server, server_port};
  return tocsin::community_id(in_order ? client : server, in_order ? server : client, flow.protocol,
                              flow.ip_version == 4, true, seed);
}

std::string mac(const std::uint8_t* b) {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", b[0], b[1], b[2], b[3], b[4], b[5]);
}

void add_ethernet(EveObject& event, const packet::Packet& packet, bool swapped) {
  if (packet.ethernet.size() < 14) return;
  event.open("ether");
  event.number("ether_type", packet.ether_type);
  event.text("src_mac", mac(packet.ethernet.data() + (swapped ? 0 : 6)));
  event.text("dest_mac", mac(packet.ethernet.data() + (swapped ? 6 : 0)));
  event.close();
}

}  // namespace

EveObject begin_event(const EveSettings& eve, const Seen& seen, std::string_view type, Toward toward) {
  const packet::Packet& packet = *seen.packet;
  EveObject event;
  event.text("timestamp", eve_time(packet.time));
  if (seen.flow() != nullptr) event.number("flow_id", seen.flow()->id);
  if (packet.number != 0 && packet.origin != packet::Origin::kFlowEnd) event.number("pcap_cnt", packet.number);
  event.text("event_type", type);
  add_vlans(event, packet.vlan, packet.vlans);
  const bool swapped = is_swapped(seen, toward);
  if (packet.ip_version != 0) {
    const bool ports = has_ports(packet.protocol);
    event.text("src_ip", eve_address(swapped ? packet.destination : packet.source));
    if (ports) event.number("src_port", swapped ? packet.destination_port : packet.source_port);
    event.text("dest_ip", eve_address(swapped ? packet.source : packet.destination));
    if (ports) event.number("dest_port", swapped ? packet.source_port : packet.destination_port);
    event.text("proto", eve_protocol(packet.protocol));
    event.number("ip_v", packet.ip_version);
    if (packet.is_icmp()) {
      event.number("icmp_type", packet.icmp.type);
      event.number("icmp_code", packet.icmp.code);
    }
  }
  event.text("pkt_src", packet_source(packet));
  if (eve.version) event.text("suricata_version", "9.0.0");
  if (eve.metadata) add_metadata(event, *seen.surroundings, seen.flow(), seen.inspection);
  if (eve.ethernet) add_ethernet(event, packet, swapped);
  if (eve.community_id && seen.flow() != nullptr) {
    event.text("community_id", community_id(*seen.flow(), eve.community_id_seed));
  }
  if (eve.pcap_file) event.text("pcap_filename", seen.surroundings->capture);
  return event;
}

void add_application(EveObject& event, const stream::Flow& flow) {
  if (!flow.application) return;
  const protocol::Application& application = *flow.application;
  const protocol::Protocol* known = application.protocol();
  if (known != nullptr) {
    event.text("app_proto", known->name());
  } else if (application.has_failed()) {
    event.text("app_proto", "failed");
  }
  const auto add = [&](const char* name, const protocol::Protocol* other) {
    if (other != nullptr && other != known) event.text(name, other->name());
  };
  add("app_proto_ts", application.protocol_of(Side::kToServer));
  add("app_proto_tc", application.protocol_of(Side::kToClient));
  add("app_proto_orig", application.original());
}

void add_flow_counts(EveObject& event, const stream::Flow& flow) {
  event.number("pkts_toserver", flow.packets[0]);
  event.number("pkts_toclient", flow.packets[1]);
  event.number("bytes_toserver", flow.bytes[0]);
  event.number("bytes_toclient", flow.bytes[1]);
  event.text("start", eve_time(flow.first));
}

void add_tcp_flags(EveObject& event, std::uint8_t flags) {
  constexpr std::pair<std::uint8_t, const char*> kNames[] = {
      {packet::kSyn, "syn"}, {packet::kFin, "fin"},    {packet::kRst, "rst"}, {packet::kPush, "psh"},
      {packet::kAck, "ack"}, {packet::kUrgent, "urg"}, {packet::kEce, "ecn"}, {packet::kCwr, "cwr"}};
  for (const auto& [flag, name] : kNames) {
    if ((flags & flag) != 0) event.flag(name, true);
  }
}

void add_metadata(EveObject& event, const Surroundings& surroundings, const stream::Flow* of,
                  const match::Inspection* inspection) {
  constexpr std::string_view kId = "traffic/id/", kLabel = "traffic/label/";
  match::FlowVariables variables;
  if (of != nullptr && of->memory != nullptr) variables = surroundings.inspector->variables_of(*of);
  const match::FlowVariables* flow = &variables;
  const bool has_flow =
      (!flow->bits.empty() || !flow->integers.empty() || !flow->variables.empty() || !flow->entropies.empty());
  const bool has_packet = inspection != nullptr && !inspection->packet_variables.empty();
  if (!has_flow && !has_packet) return;
  if (has_flow) {
    const auto starts = [](std::string_view prefix) {
      return [prefix](const std::string& bit) { return bit.starts_with(prefix); };
    };
    const bool has_id = std::ranges::any_of(flow->bits, starts(kId));
    const bool has_label = std::ranges::any_of(flow->bits, starts(kLabel));
    const auto add = [&](const char* name, std::string_view prefix) {
      event.open_list(name);
      for (const std::string& bit : flow->bits) {
        if (bit.starts_with(prefix)) event.item(std::string_view(bit).substr(prefix.size()));
      }
      event.close_list();
    };
    if (has_id || has_label) {
      event.open("traffic");
      if (has_id) add("id", kId);
      if (has_label) add("label", kLabel);
      event.close();
    }
  }
  event.open("metadata");
  // A key may have come from the network.
  const auto key_of = [](std::string_view key) {
    std::string text;
    protocol::append_json_text(text, printable_ascii(as_bytes(key)));
    return text.substr(1, text.size() - 2);
  };
  const auto add_pairs = [&](const char* name, const std::vector<std::pair<std::string, std::string>>& pairs) {
    if (pairs.empty()) return;
    event.open_list(name);
    for (const auto& [key, value] : pairs) {
      event.open_item();
      event.text(key_of(key), printable_ascii(as_bytes(value)));
      event.close();
    }
    event.close_list();
  };
  if (has_flow) {
    const auto is_plain = [&](const std::string& bit) { return !bit.starts_with(kId) && !bit.starts_with(kLabel); };
    if (std::ranges::any_of(flow->bits, is_plain)) {
      event.open_list("flowbits");
      for (const std::string& bit : flow->bits) {
        if (is_plain(bit)) event.item(bit);
      }
      event.close_list();
    }
    if (!flow->integers.empty()) {
      event.open("flowints");
      for (const auto& [name, value] : flow->integers) event.number(key_of(name), value);
      event.close();
    }
    if (!flow->entropies.empty()) {
      event.open("entropy");
      for (const auto& [name, value] : flow->entropies) event.raw(key_of(name), fmt::format("{}", value));
      event.close();
    }
    add_pairs("flowvars", flow->variables);
  }
  if (has_packet) add_pairs("pktvars", inspection->packet_variables);
  event.close();
}

std::string event_type_of(std::string_view protocol) {
  if (protocol == "http2") return "http";
  if (protocol == "doh2") return "dns";
  std::string type(protocol);
  std::ranges::replace(type, '-', '_');
  return type;
}

}  // namespace tocsin::engine
