// Lines about packets and transactions other than alerts: drops, anomalies, variables, transactions, files.
#include "engine/eve_event.h"
#include "engine/eve_text.h"

namespace tocsin::engine {
namespace {

using protocol::EveObject;
using protocol::Side;

std::string line_of(EveObject& event) { return "{" + event.take() + "}"; }

std::uint64_t big_endian(packet::Bytes bytes, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count && at + i < bytes.size(); ++i) value = value << 8 | bytes[at + i];
  return value;
}

void add_network(EveObject& event, const packet::Packet& packet) {
  const packet::Bytes header = packet.network_header;
  if (packet.ip_version == 4) {
    event.number("len", big_endian(header, 2, 2));
    event.number("tos", packet.tos);
    event.number("ttl", packet.ttl);
    event.number("ipid", packet.ip_id);
  } else if (packet.ip_version == 6) {
    event.number("len", big_endian(header, 4, 2));
    event.number("tc", packet.tos);
    event.number("hoplimit", packet.ttl);
    event.number("flowlbl", big_endian(header, 0, 4) & 0xfffff);
  }
}

void add_transport(EveObject& event, const packet::Packet& packet) {
  const packet::TcpFields& tcp = packet.tcp;
  if (packet.is_tcp()) {
    event.number("tcpseq", tcp.sequence);
    event.number("tcpack", tcp.acknowledgement);
    event.number("tcpwin", tcp.window);
    event.flag("syn", tcp.has(packet::kSyn));
    event.flag("ack", tcp.has(packet::kAck));
    event.flag("psh", tcp.has(packet::kPush));
    event.flag("rst", tcp.has(packet::kRst));
    event.flag("urg", tcp.has(packet::kUrgent));
    event.flag("fin", tcp.has(packet::kFin));
    event.number("tcpres", packet.transport_header.size() > 12 ? packet.transport_header[12] & 15 : 0);
    event.number("tcpurgp", tcp.urgent);
  } else if (packet.is_udp()) {
    event.number("udplen", big_endian(packet.transport_header, 4, 2));
  } else if (packet.is_icmp()) {
    event.number("icmp_id", packet.icmp.id.value_or(0));
    event.number("icmp_seq", packet.icmp.sequence.value_or(0));
  }
}

// The protocols whose log tells of the packet, not of the flow.
bool is_told_as_packet(std::string_view protocol) {
  constexpr std::string_view kNames[] = {"tftp", "krb5", "quic",           "sip",  "rfb", "websocket", "mdns", "rdp",
                                         "ike",  "nfs",  "bittorrent-dht", "llmnr"};
  for (const std::string_view name : kNames) {
    if (name == protocol) return true;
  }
  return false;
}

}  // namespace

std::string drop_line(const EveSettings& eve, const Seen& seen) {
  EveObject event = begin_event(eve, seen, "drop", Toward::kPacket);
  if (seen.flow() != nullptr) {
    event.text("direction", seen.followed->side == Side::kToServer ? "to_server" : "to_client");
  }
  event.open("drop");
  add_network(event, *seen.packet);
  add_transport(event, *seen.packet);
  if (!seen.verdict.reason.empty()) event.text("reason", seen.verdict.reason);
  event.close();
  if (eve.drop_verdict || seen.surroundings->is_firewall) add_verdict(event, seen);
  if (eve.drop_alerts && seen.verdict.by != nullptr) add_alert(event, eve, seen, *seen.verdict.by, false);
  return line_of(event);
}

std::string packet_anomaly_line(const EveSettings& eve, const Seen& seen, bool is_decode, std::string_view name) {
  EveObject event = begin_event(eve, seen, "anomaly", Toward::kPacket);
  event.open("anomaly");
  event.text("type", is_decode ? "decode" : "stream");
  event.text("event", (is_decode ? "decoder." : "stream.") + std::string(name));
  event.close();
  if (eve.anomaly_packet) add_packet(event, seen, 32);
  return line_of(event);
}

std::string application_anomaly_line(const EveSettings& eve, const Seen& seen, const protocol::Transaction* transaction,
                                     std::string_view name) {
  EveObject event = begin_event(eve, seen, "anomaly", Toward::kPacket);
  if (transaction != nullptr) event.number("tx_id", transaction->id);
  const protocol::Application* application = seen.flow()->application.get();
  const protocol::Protocol* protocol = application != nullptr ? application->protocol() : nullptr;
  event.open("anomaly");
  event.text("app_proto", protocol != nullptr ? protocol->name() : std::string_view("unknown"));
  event.text("type", "applayer");
  // Without the protocol's name, and as the layer itself writes it.
  std::string short_name(name.substr(name.find('.') == std::string_view::npos ? 0 : name.find('.') + 1));
  if (transaction == nullptr) {
    for (char& c : short_name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  event.text("event", short_name);
  event.text("layer", transaction != nullptr ? "proto_parser" : "proto_detect");
  event.close();
  return line_of(event);
}

std::string metadata_line(const EveSettings& eve, const Seen& seen) {
  EveObject event = begin_event(eve, seen, "metadata", Toward::kPacket);
  if (!eve.metadata) add_metadata(event, *seen.surroundings, seen.flow(), seen.inspection);
  return line_of(event);
}

std::string transaction_line(const EveSettings& eve, const Seen& seen, std::string_view type,
                             const protocol::Transaction& transaction, std::string_view members) {
  const protocol::Protocol* protocol = seen.flow()->application->protocol();
  const bool as_packet = protocol != nullptr && is_told_as_packet(protocol->name());
  EveObject event = begin_event(eve, seen, type, as_packet ? Toward::kPacket : Toward::kFlow);
  event.number("tx_id", transaction.id);
  event.members(members);
  return line_of(event);
}

std::string file_line(const EveSettings& eve, const Seen& seen, const protocol::Transaction& transaction,
                      const protocol::File& file, std::uint64_t file_id) {
  EveObject event =
      begin_event(eve, seen, "fileinfo", file.side == Side::kToServer ? Toward::kServer : Toward::kClient);
  event.members(transaction.eve());
  const protocol::Protocol* protocol = seen.flow()->application->protocol();
  event.text("app_proto", protocol != nullptr ? protocol->name() : std::string_view("unknown"));
  event.open("fileinfo");
  add_file(event, file, file_id);
  event.close();
  return line_of(event);
}

}  // namespace tocsin::engine
