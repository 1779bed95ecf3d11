// The lines of a flow that has ended.
#include <algorithm>

#include "engine/eve_event.h"
#include "engine/eve_text.h"

namespace tocsin::engine {
namespace {

using protocol::EveObject;
using protocol::Side;

EveObject begin_flow(const EveSettings& eve, const Surroundings& surroundings, const stream::Flow& flow,
                     const char* type, Side side) {
  const bool is_client = side == Side::kToServer;
  EveObject event;
  event.text("timestamp", eve_time(surroundings.now));
  event.number("flow_id", flow.id);
  event.text("event_type", type);
  if (flow.vlans > 0) {
    event.open_list("vlan");
    for (std::uint8_t i = 0; i < std::min<std::uint8_t>(flow.vlans, 3); ++i) event.item(std::uint64_t{flow.vlan[i]});
    event.close_list();
  }
  const bool ports = has_ports(flow.protocol);
  event.text("src_ip", eve_address(is_client ? flow.client : flow.server));
  if (ports) event.number("src_port", is_client ? flow.client_port : flow.server_port);
  event.text("dest_ip", eve_address(is_client ? flow.server : flow.client));
  if (ports) event.number("dest_port", is_client ? flow.server_port : flow.client_port);
  event.number("ip_v", flow.ip_version);
  event.text("proto", eve_protocol(flow.protocol));
  if (flow.protocol == packet::kIcmp || flow.protocol == packet::kIcmpV6) {
    const int first = is_client ? 0 : 1;
    event.number("icmp_type", flow.icmp_type[first]);
    event.number("icmp_code", flow.icmp_code[first]);
    if (is_client && std::string_view(type) == "flow" && flow.packets[1] > 0) {
      event.number("response_icmp_type", flow.icmp_type[1]);
      event.number("response_icmp_code", flow.icmp_code[1]);
    }
  }
  if (eve.pcap_file) event.text("pcap_filename", surroundings.capture);
  return event;
}

void add_times(EveObject& event, const stream::Flow& flow) {
  event.text("end", eve_time(flow.last));
  const std::int64_t age = floor_to(flow.last, kSecond) / kSecond - floor_to(flow.first, kSecond) / kSecond;
  event.number("age", static_cast<std::uint64_t>(std::max<std::int64_t>(0, age)));
}

}  // namespace

std::string flow_line(const EveSettings& eve, const Surroundings& surroundings, const stream::Flow& flow,
                      std::uint64_t transactions) {
  EveObject event = begin_flow(eve, surroundings, flow, "flow", Side::kToServer);
  add_application(event, flow);
  event.open("flow");
  add_flow_counts(event, flow);
  add_times(event, flow);
  event.text("state", flow.is_bypassed                                ? "bypassed"
                      : flow.state == stream::FlowState::kClosed      ? "closed"
                      : flow.state == stream::FlowState::kEstablished ? "established"
                                                                      : "new");
  if (flow.is_bypassed) event.text("bypass", "local");
  event.text("reason", flow.end_reason.empty() ? std::string_view("unknown") : flow.end_reason);
  event.flag("alerted", flow.has_alerts);
  if (flow.verdict == stream::Verdict::kDrop) event.text("action", "drop");
  if (flow.verdict == stream::Verdict::kAccept) event.text("action", "accept");
  if (flow.verdict == stream::Verdict::kPass) event.text("action", "pass");
  if (!flow.exception_policy[0].empty()) {
    event.open_list("exception_policy");
    event.open_item();
    event.text("target", flow.exception_policy[0]);
    event.text("policy", flow.exception_policy[1]);
    event.close();
    event.close_list();
  }
  if (transactions > 0) event.number("tx_cnt", transactions);
  event.close();
  if (eve.metadata) add_metadata(event, surroundings, &flow, nullptr);
  if (flow.protocol == packet::kTcp) {
    const auto summary = flow.tcp_summary();
    event.open("tcp");
    const std::uint8_t both = flow.tcp_flags[0] | flow.tcp_flags[1];
    event.text("tcp_flags", hex_byte(both));
    event.text("tcp_flags_ts", hex_byte(flow.tcp_flags[0]));
    event.text("tcp_flags_tc", hex_byte(flow.tcp_flags[1]));
    add_tcp_flags(event, both);
    if (!summary.state.empty()) {
      event.text("state", summary.state);
      if (summary.has_gap[1]) event.flag("tc_gap", true);
      if (summary.has_gap[0]) event.flag("ts_gap", true);
      event.number("ts_max_regions", summary.most_regions[0]);
      event.number("tc_max_regions", summary.most_regions[1]);
    }
    event.close();
  }
  return "{" + event.take() + "}";
}

std::string netflow_line(const EveSettings& eve, const Surroundings& surroundings, const stream::Flow& flow, Side side,
                         std::uint64_t transactions) {
  EveObject event = begin_flow(eve, surroundings, flow, "netflow", side);
  const auto i = static_cast<std::size_t>(side);
  const protocol::Protocol* protocol = nullptr;
  if (flow.application) {
    protocol = flow.application->protocol_of(side);
    if (protocol == nullptr) protocol = flow.application->protocol();
  }
  event.text("app_proto", protocol != nullptr ? protocol->name() : std::string_view("unknown"));
  event.open("netflow");
  event.number("pkts", flow.packets[i]);
  event.number("bytes", flow.bytes[i]);
  event.text("start", eve_time(flow.first));
  add_times(event, flow);
  if (flow.packets[i] > 0) {
    event.number("min_ttl", flow.least_ttl[i]);
    event.number("max_ttl", flow.most_ttl[i]);
  }
  if (transactions > 0) event.number("tx_cnt", transactions);
  event.close();
  if (flow.protocol == packet::kTcp) {
    event.open("tcp");
    event.text("tcp_flags", hex_byte(flow.tcp_flags[i]));
    add_tcp_flags(event, flow.tcp_flags[i]);
    event.close();
  }
  return "{" + event.take() + "}";
}

}  // namespace tocsin::engine
