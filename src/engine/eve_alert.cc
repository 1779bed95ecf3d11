#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "base/text.h"
#include "engine/eve_event.h"
#include "engine/eve_text.h"

namespace tocsin::engine {
namespace {

using protocol::EveObject;
using protocol::Side;
using rules::Action;

// Suricata's buffer for a stream's bytes in an alert.
constexpr std::size_t kMostPayload = 4096;

// "{...}" of each object, without braces.
std::string line_of(EveObject& event) { return "{" + event.take() + "}"; }

void add_endpoint(EveObject& event, const char* name, const packet::Packet& packet, bool is_source) {
  event.open(name);
  event.text("ip", eve_address(is_source ? packet.source : packet.destination));
  if (has_ports(packet.protocol)) event.number("port", is_source ? packet.source_port : packet.destination_port);
  event.close();
}

// Each key with the list of its values, in the order in which they come.
void add_rule_metadata(EveObject& event, const rules::Metadata& metadata) {
  if (metadata.pairs.empty()) return;
  event.open("metadata");
  std::vector<std::string_view> done;
  for (const auto& [key, unused] : metadata.pairs) {
    if (std::ranges::find(done, key) != done.end()) continue;
    done.push_back(key);
    std::string name;
    protocol::append_json_text(name, key);
    event.open_list(name.substr(1, name.size() - 2));
    for (const auto& [other, value] : metadata.pairs) {
      if (other == key) event.item(value);
    }
    event.close_list();
  }
  event.close();
}

void add_tunnel(EveObject& event, const packet::Packet& packet) {
  if (packet.outer == nullptr || packet.origin == packet::Origin::kFlowEnd) return;
  const packet::Packet* root = &packet;
  std::uint64_t depth = 0;
  for (; root->outer != nullptr; root = root->outer) {
    if (root->origin == packet::Origin::kTunnel) ++depth;
  }
  event.open("tunnel");
  event.text("src_ip", eve_address(root->source));
  event.number("src_port", root->source_port);
  event.text("dest_ip", eve_address(root->destination));
  event.number("dest_port", root->destination_port);
  event.text("proto", eve_protocol(root->protocol));
  event.number("depth", depth);
  event.number("pcap_cnt", root->number);
  event.text("pkt_src", packet_source(*root));
  event.close();
}

// Bytes of a body by its keyword, for http_body of alerts.
packet::Bytes body_of(const stream::Flow& flow, const protocol::Transaction& transaction, Side side) {
  const protocol::Protocol* protocol = flow.application ? flow.application->protocol() : nullptr;
  if (protocol == nullptr) return {};
  const int field = protocol->field(side == Side::kToServer ? "http.request_body" : "http.response_body");
  if (field < 0) return {};
  const packet::Bytes bytes = transaction.value(field, side, 0).bytes;
  return bytes.first(std::min(bytes.size(), kMostPayload));
}

void add_bodies(EveObject& event, const EveSettings& eve, const stream::Flow& flow,
                const protocol::Transaction& transaction) {
  for (const Side side : {Side::kToServer, Side::kToClient}) {
    const packet::Bytes body = body_of(flow, transaction, side);
    if (body.empty()) continue;
    const std::string name = side == Side::kToServer ? "http_request_body" : "http_response_body";
    if (eve.http_body_printable) event.text(name + "_printable", printable_ascii(body));
    if (eve.http_body) event.text(name, base64(body));
  }
}

void add_transaction(EveObject& event, const EveSettings& eve, const Seen& seen,
                     const protocol::Transaction& transaction) {
  if (eve.application) {
    const std::string members = transaction.eve();
    if (eve.http_body || eve.http_body_printable) {
      // The bodies are members of the object that is last in what the transaction wrote.
      EveObject bodies;
      add_bodies(bodies, eve, *seen.flow(), transaction);
      const std::string text = bodies.take();
      if (!text.empty() && members.ends_with('}')) {
        event.members(members.substr(0, members.size() - 1) + "," + text + "}");
      } else {
        event.members(members);
      }
    } else {
      event.members(members);
    }
  }
  if (eve.rule_metadata) {
    bool is_open = false;
    // Of those that were told the last is still there.
    const auto is_of_side = [&](const auto& file) { return file->side == seen.followed->side; };
    const auto last = std::ranges::find_if(transaction.files.rbegin(), transaction.files.rend(), is_of_side);
    for (const auto& file : transaction.files) {
      if (!is_of_side(file) || (file->is_logged && file != *last)) continue;
      if (!is_open) event.open_list("files");
      is_open = true;
      event.open_item();
      add_file(event, *file, 0);
      event.close();
    }
    if (is_open) event.close_list();
  }
}

// With a note where bytes are missing.
std::string stream_bytes(const Seen& seen) {
  const std::vector<stream::StreamBytes> pieces = seen.flow()->pieces(seen.followed->side);
  std::string text;
  std::uint64_t end = seen.flow()->beginning(seen.followed->side);
  for (const stream::StreamBytes& piece : pieces) {
    if (text.size() >= kMostPayload) break;
    if (piece.offset > end) text += fmt::format("[{} bytes missing]", piece.offset - end);
    const packet::Bytes part = piece.bytes.first(std::min(piece.bytes.size(), kMostPayload - text.size()));
    text.append(reinterpret_cast<const char*>(part.data()), part.size());
    end = piece.end();
  }
  return text;
}

void add_payload(EveObject& event, const EveSettings& eve, const Seen& seen, const match::Alert& alert) {
  if (!eve.payload && !eve.payload_printable && !eve.payload_length) return;
  const packet::Packet& packet = *seen.packet;
  const bool is_stream =
      packet.protocol == packet::kTcp && (alert.is_of_stream || alert.is_of_state) && seen.flow() != nullptr;
  std::string kept;
  packet::Bytes bytes = packet.payload;
  if (is_stream) {
    kept = stream_bytes(seen);
    if (!kept.empty()) bytes = as_bytes(kept);
  }
  if (!is_stream || !bytes.empty()) {
    if (eve.payload) event.text("payload", base64(bytes));
    if (eve.payload_length) event.number("payload_length", bytes.size());
    if (eve.payload_printable) event.text("payload_printable", printable_ascii(bytes));
  }
  event.number("stream", is_stream ? 1 : 0);
}

}  // namespace

void add_packet(EveObject& event, const Seen& seen, std::size_t most) {
  const packet::Packet& packet = *seen.packet;
  // What was put together of fragments has the link layer of the last one.
  const packet::Packet* root = &packet;
  while (root->origin == packet::Origin::kDefragmented && root->outer != nullptr) root = root->outer;
  const bool is_raw = root->origin != packet::Origin::kWire;
  const std::uint32_t link_type = is_raw ? 12 : seen.surroundings->link_type;
  std::string bytes;
  if (root != &packet && !root->network_header.empty()) {
    const auto before = static_cast<std::size_t>(root->network_header.data() - root->frame.data());
    if (before <= root->frame.size()) bytes.assign(reinterpret_cast<const char*>(root->frame.data()), before);
  }
  bytes.append(reinterpret_cast<const char*>(packet.frame.data()), packet.frame.size());
  event.text("packet", base64(as_bytes(std::string_view(bytes).substr(0, most))));
  event.open("packet_info");
  event.number("linktype", link_type);
  event.text("linktype_name", link_type_name(link_type));
  event.close();
}

void add_file(EveObject& event, const protocol::File& file, std::uint64_t file_id) {
  event.text("filename", file.name);
  if (!file.rules.empty()) {
    event.open_list("sid");
    for (const std::uint32_t sid : file.rules) event.item(std::uint64_t{sid});
    event.close_list();
  }
  if (!file.magic.empty()) event.text("magic", file.magic);
  event.flag("gaps", file.has_gaps);
  using State = protocol::File::State;
  event.text("state", file.state == State::kClosed      ? "CLOSED"
                      : file.state == State::kTruncated ? "TRUNCATED"
                      : file.state == State::kError     ? "ERROR"
                                                        : "UNKNOWN");
  if (!file.md5.empty()) event.text("md5", file.md5);
  if (!file.sha1.empty()) event.text("sha1", file.sha1);
  if (!file.sha256.empty()) event.text("sha256", file.sha256);
  const bool is_stored = file_id != 0;
  event.flag("stored", is_stored);
  if (is_stored) {
    event.number("file_id", file_id);
  } else if (file.is_stored) {
    event.flag("storing", true);
  }
  event.number("size", file.size);
  if (file.end > 0) {
    event.number("start", file.start);
    event.number("end", file.end);
  }
  event.number("tx_id", file.transaction);
}

void add_verdict(EveObject& event, const Seen& seen) {
  const PacketVerdict& verdict = seen.verdict;
  event.open("verdict");
  if (verdict.is_rejected) {
    event.text("action", seen.surroundings->is_inline ? "drop" : "alert");
    const Action action = verdict.by != nullptr ? verdict.by->action : Action::kReject;
    event.text("reject_target", action == Action::kRejectTarget ? "to_server"
                                : action == Action::kRejectBoth ? "both"
                                                                : "to_client");
    event.open_list("reject");
    const std::uint8_t protocol = seen.packet->protocol;
    if (protocol == packet::kTcp) {
      event.item("tcp-reset");
    } else if (protocol == packet::kUdp || protocol == packet::kIcmp || protocol == packet::kIcmpV6) {
      event.item("icmp-prohib");
    }
    event.close_list();
  } else if (verdict.is_dropped && seen.surroundings->is_inline) {
    event.text("action", "drop");
  } else if (verdict.is_accepted) {
    event.text("action", "accept");
  } else if (verdict.has_pass) {
    event.text("action", "pass");
  } else {
    event.text("action", "alert");
  }
  event.close();
}

void add_alert(EveObject& event, const EveSettings& eve, const Seen& seen, const match::Alert& alert,
               bool with_metadata) {
  const rules::Rule& rule = *alert.rule;
  const bool is_blocked = is_reject(alert.action) || (alert.action == Action::kDrop && seen.surroundings->is_inline);
  if (alert.transaction != nullptr) event.number("tx_id", alert.transaction->id);
  if (alert.is_transaction_guessed) event.flag("tx_guessed", true);
  event.open("alert");
  event.text("action", is_blocked ? "blocked" : "allowed");
  if (seen.surroundings->is_firewall) event.text("engine", seen.surroundings->is_of_firewall(rule) ? "fw" : "td");
  event.number("gid", rule.metadata.gid);
  event.number("signature_id", rule.metadata.sid);
  event.number("rev", rule.metadata.rev);
  event.text("signature", rule.metadata.message);
  event.text("category", seen.surroundings->category_of(rule));
  event.number("severity", seen.surroundings->priority_of(rule));
  if (with_metadata && !rule.metadata.target.empty() && seen.packet->ip_version != 0) {
    const bool source_is_target = rule.metadata.target == "src_ip";
    add_endpoint(event, "source", *seen.packet, !source_is_target);
    add_endpoint(event, "target", *seen.packet, source_is_target);
  }
  if (with_metadata && eve.references && !rule.metadata.references.empty()) {
    event.open_list("references");
    for (const rules::Reference& reference : rule.metadata.references) {
      const auto found = seen.surroundings->vocabulary->references.find(lower(reference.kind));
      const bool is_known = found != seen.surroundings->vocabulary->references.end();
      event.item((is_known ? found->second : reference.kind + ":") + reference.text);
    }
    event.close_list();
  }
  if (with_metadata && eve.rule_metadata) add_rule_metadata(event, rule.metadata);
  if (!alert.context.empty()) {
    event.open("context");
    event.members(alert.context);
    event.close();
  }
  event.close();
}

std::string alert_line(const EveSettings& eve, const Seen& seen, const match::Alert& alert) {
  EveObject event = begin_event(eve, seen, "alert", Toward::kPacket);
  add_alert(event, eve, seen, alert, true);
  add_tunnel(event, *seen.packet);
  if (const stream::Flow* flow = seen.flow(); flow != nullptr) {
    if (alert.transaction != nullptr) add_transaction(event, eve, seen, *alert.transaction);
    add_application(event, *flow);
    event.text("direction", seen.followed->side == Side::kToServer ? "to_server" : "to_client");
    if (eve.flow) {
      event.open("flow");
      add_flow_counts(event, *flow);
      const bool to_server = seen.followed->side == Side::kToServer;
      const packet::Packet& packet = *seen.packet;
      event.text("src_ip", eve_address(to_server ? packet.source : packet.destination));
      event.text("dest_ip", eve_address(to_server ? packet.destination : packet.source));
      if (has_ports(packet.protocol)) {
        event.number("src_port", to_server ? packet.source_port : packet.destination_port);
        event.number("dest_port", to_server ? packet.destination_port : packet.source_port);
      }
      event.close();
    }
  }
  if (seen.packet->ip_version != 0) add_payload(event, eve, seen, alert);
  if (eve.packet) add_packet(event, seen, std::string::npos);
  if (eve.verdict || seen.surroundings->is_firewall) add_verdict(event, seen);
  return line_of(event);
}

std::string tagged_packet_line(const EveSettings& eve, const Seen& seen) {
  EveObject event = begin_event(eve, seen, "packet", Toward::kPacket);
  add_packet(event, seen, std::string::npos);
  return line_of(event);
}

std::string fast_line(const Seen& seen, const match::Alert& alert) {
  const packet::Packet& packet = *seen.packet;
  const rules::Rule& rule = *alert.rule;
  const bool drops = alert.action == Action::kDrop || is_reject(alert.action);
  const std::string_view action = !drops ? "" : seen.surroundings->is_inline ? "[Drop] " : "[wDrop] ";
  const std::string_view category = seen.surroundings->category_of(rule);
  // Messages are of files of rules: nothing of theirs may look like another line.
  std::string line =
      fmt::format("{}  {}[**] [{}:{}:{}] {} [**] [Classification: {}] [Priority: {}] ", fast_time(packet.time), action,
                  rule.metadata.gid, rule.metadata.sid, rule.metadata.rev, rule.metadata.message,
                  category.empty() ? std::string_view("(null)") : category, seen.surroundings->priority_of(rule));
  std::ranges::replace_if(
      line, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  if (packet.ip_version == 0) {
    std::string hex;
    for (const std::uint8_t byte : packet.frame.first(std::min<std::size_t>(packet.frame.size(), 32))) {
      fmt::format_to(std::back_inserter(hex), " {:02X}", byte);
    }
    return fmt::format("{}[**] [Raw pkt:{}] [pcap file packet: {}]", line, hex, packet.number);
  }
  const bool is_icmp = packet.is_icmp();
  return fmt::format("{}{{{}}} {}:{} -> {}:{}", line, eve_protocol(packet.protocol), eve_address(packet.source),
                     is_icmp ? packet.icmp.type : packet.source_port, eve_address(packet.destination),
                     is_icmp ? packet.icmp.code : packet.destination_port);
}

}  // namespace tocsin::engine
