// Rules on packets, and on the bytes of streams.
#include <algorithm>
#include <utility>

#include "match/sctp.h"
#include "match/state.h"
#include "protocol/eve_object.h"

namespace tocsin::match {
namespace {

bool any_of(const rules::AddressSet& set, const IpAddress& address) { return set.contains(address); }

Bytes packet_bytes(PacketBuffer buffer, const packet::Packet& packet) {
  const auto header = [&](std::uint8_t protocol) {
    return packet.protocol == protocol ? packet.transport_header : Bytes();
  };
  switch (buffer) {
    case PacketBuffer::kEthernet:
      return packet.ethernet;
    case PacketBuffer::kIpV4:
      return packet.ip_version == 4 ? packet.network_header : Bytes();
    case PacketBuffer::kIpV6: {
      if (packet.ip_version != 6) return {};
      // With its extensions, which lie right behind it.
      const Bytes& more = packet.network_extensions;
      const bool adjoins = !more.empty() && packet.network_header.data() + packet.network_header.size() == more.data();
      return adjoins ? Bytes(packet.network_header.data(), packet.network_header.size() + more.size())
                     : packet.network_header;
    }
    case PacketBuffer::kTcp:
      return header(packet::kTcp);
    case PacketBuffer::kUdp:
      return header(packet::kUdp);
    case PacketBuffer::kIcmpV4:
      return header(packet::kIcmp);
    case PacketBuffer::kIcmpV6:
      return header(packet::kIcmpV6);
    case PacketBuffer::kIgmp:
      return packet.protocol == packet::kIgmp ? packet.network_payload : Bytes();
    case PacketBuffer::kSctp:
      return packet.protocol == packet::kSctp ? packet.network_payload : Bytes();
    case PacketBuffer::kSctpData:
      return {};  // there may be several
    case PacketBuffer::kSource:
    case PacketBuffer::kTarget: {
      const auto& bytes = (buffer == PacketBuffer::kSource ? packet.source : packet.destination).bytes();
      if (packet.ip_version == 4) return Bytes(bytes).subspan(12);
      return packet.ip_version == 6 ? Bytes(bytes) : Bytes();
    }
    case PacketBuffer::kOther:
      break;
  }
  return {};
}

}  // namespace

void Inspector::State::start(const packet::Packet& packet, const stream::Followed& followed, Inspection& out) {
  now = {};
  ++packets;
  now.packet = &packet;
  now.followed = &followed;
  now.flow = followed.flow;
  now.side = followed.side;
  now.out = &out;
  now.context.packet = &packet;
  now.context.followed = &followed;
  now.context.country_of = country_of ? &country_of : nullptr;
  now.context.reputation = &reputation;
  pending.clear();
  if (now.flow == nullptr) return;
  if (!now.flow->memory) now.flow->memory = std::make_unique<FlowMemory>();
  now.memory = static_cast<FlowMemory*>(now.flow->memory.get());
  now.context.memory = now.memory;
  const protocol::Application* application = now.flow->application.get();
  if (application == nullptr) return;
  const protocol::Protocol* known[3] = {application->protocol(), application->protocol_of(Side::kToServer),
                                        application->protocol_of(Side::kToClient)};
  now.context.protocol_was_found_now =
      !std::ranges::equal(known, now.memory->known) || now.memory->had_failed != application->has_failed();
  std::ranges::copy(known, now.memory->known);
  now.memory->had_failed = application->has_failed();
  // Of TCP each side is found out by itself, with its first bytes.
  bool& was_told = now.memory->was_found[static_cast<int>(now.side)];
  if (packet.is_tcp() && !was_told && (application->protocol() != nullptr || application->has_failed()) &&
      now.flow->stream(now.side).end() > 0) {
    was_told = now.context.protocol_was_found_now = true;
  }
  const auto found = std::ranges::find(protocols, application->protocol());
  if (found != protocols.end()) {
    now.protocol = static_cast<int>(found - protocols.begin());
    now.applications = applications[static_cast<std::size_t>(now.protocol)];
  }
}

// A stream is looked at when enough has come, when the application has come to an end of something, and at its end.
void Inspector::State::look_at_stream() {
  if (now.memory == nullptr || now.flow->tcp == nullptr) return;
  const int side = static_cast<int>(now.side);
  const stream::StreamBytes all = now.flow->stream(now.side);
  std::uint64_t from = std::max(now.memory->looked_at[side], all.offset);
  if (from >= all.end()) return;
  std::uint64_t completed = now.memory->completed[side];
  if (now.flow->application && now.flow->application->parser() != nullptr) {
    for (const auto& one : now.flow->application->parser()->transactions)
      if (one->is_complete(now.side)) completed = std::max(completed, one->id + 1);
  }
  const bool was_triggered = completed > now.memory->completed[side];
  const bool is_end = now.packet->origin == packet::Origin::kFlowEnd || now.packet->tcp.has(packet::kRst) ||
                      now.flow->state == stream::FlowState::kClosed;
  if (is_inline) {
    if (now.packet->payload.empty() && !is_end) return;
    const std::uint64_t back = std::max(chunk[side], std::uint64_t{now.packet->payload.size()});
    from = std::min(from, all.end() > back ? std::max(all.offset, all.end() - back) : all.offset);
  } else if (!is_end && !was_triggered && all.end() - from < chunk[side]) {
    return;
  }
  now.memory->completed[side] = completed;
  now.memory->looked_at[side] = all.end();
  now.stream = {all.bytes.subspan(static_cast<std::size_t>(from - all.offset)), from, is_end, true};
  now.has_stream = !now.stream.bytes.empty();
}

bool Inspector::State::holds_header(const CompiledRule& rule) const {
  const packet::Packet& packet = *now.packet;
  if (rule.of_arp) return packet.ether_type == 0x0806;
  if (rule.of_ethernet) return !packet.ethernet.empty();
  if (rule.ip_version != 0 && packet.ip_version != rule.ip_version) return false;
  if (packet.ip_version == 0) return rule.any_protocol && rule.type == RuleType::kEventOnly;
  if (!rule.any_protocol && !rule.protocols[packet.protocol]) return false;
  const rules::Rule& text = *rule.rule;
  if (text.same_ip && packet.source != packet.destination) return false;
  const bool has_ports =
      packet.protocol == packet::kTcp || packet.protocol == packet::kUdp || packet.protocol == packet::kSctp;
  const auto fits = [&](const IpAddress& source, std::uint16_t source_port, const IpAddress& target,
                        std::uint16_t target_port) {
    const auto port_fits = [&](const rules::PortSet& ports, std::uint16_t port) {
      if (ports.is_any()) return true;
      return has_ports && !packet.is_fragment() && ports.contains(port);
    };
    return port_fits(text.target_ports, target_port) && port_fits(text.source_ports, source_port) &&
           any_of(text.target, target) && any_of(text.source, source);
  };
  return fits(packet.source, packet.source_port, packet.destination, packet.destination_port) ||
         (rule.is_both_ways && fits(packet.destination, packet.destination_port, packet.source, packet.source_port));
}

bool Inspector::State::holds_flow(const CompiledRule& rule) const {
  if (rule.needs_flow && now.flow == nullptr) return false;
  const rules::FlowCondition& flow = rule.rule->flow;
  if (now.flow != nullptr && !rule.is_transactional && !is_of(rule.side, now.side)) return false;
  using Stage = rules::FlowCondition::State;
  if (flow.state == Stage::kEstablished && !now.followed->is_established) return false;
  if (flow.state == Stage::kNotEstablished && now.followed->is_established) return false;
  using Fragments = rules::FlowCondition::Fragments;
  const bool is_rebuilt = now.packet->origin == packet::Origin::kDefragmented;
  if (flow.fragments == Fragments::kOnly && !is_rebuilt) return false;
  return flow.fragments != Fragments::kNone || !is_rebuilt;
}

bool Inspector::State::holds_conditions(const CompiledRule& rule, TransactionMemory* transaction) {
  now.context.is_protocol_only = rule.type == RuleType::kProtocolOnly;
  for (const PacketCondition& condition : rule.packet_conditions)
    if (!condition.test(*condition.condition, now.context)) return false;
  return std::ranges::all_of(rule.asks, [&](const StateCondition& state) {
    return states.holds(state, *now.packet, now.memory, transaction);
  });
}

Bytes Inspector::State::packet_buffer(int number) {
  const Buffer& buffer = compiled.buffers[static_cast<std::size_t>(number)];
  const Bytes bytes = packet_bytes(buffer.packet_buffer, *now.packet);
  if (bytes.empty() || buffer.changes.empty()) return bytes;
  Changed& one = changed[static_cast<std::size_t>(number)];
  if (one.when != packets) {
    one.when = packets;
    one.bytes.assign(text_of(bytes));
    for (const Change& change : buffer.changes) change.apply(one.bytes);
  }
  return bytes_of(one.bytes);
}

bool Inspector::State::holds_packet_checks(const CompiledRule& rule, bool& of_stream) {
  for (const Check& check : rule.packet_checks) {
    const Buffer& buffer = compiled.buffers[static_cast<std::size_t>(check.buffer)];
    if (buffer.packet_buffer == PacketBuffer::kSctpData && buffer.where == Where::kPacketBuffer) {
      if (!holds_sctp_data(check, buffer)) return false;
      continue;
    }
    if (buffer.where == Where::kPacketBuffer) {
      if (packet_bytes(buffer.packet_buffer, *now.packet).empty()) {
        if (check.asks_absent || check.absent_suffices) continue;
        return false;
      }
      if (check.asks_absent) return false;
      if (!evaluator.holds(check.program, {packet_buffer(check.buffer), 0, true, true})) return false;
      continue;
    }
    if (rule.on_stream && now.has_stream && evaluator.holds(check.program, now.stream)) {
      of_stream = true;
      continue;
    }
    if (rule.rule->flow.packets == rules::FlowCondition::Packets::kOnlyStream) return false;
    if (rule.on_stream && !rule.on_packet && now.followed->is_added) return false;  // what comes with the stream
    if (now.packet->payload.empty() || !evaluator.holds(check.program, {now.packet->payload, 0, true, true}))
      return false;
  }
  return true;
}

bool Inspector::State::holds_sctp_data(const Check& check, const Buffer& buffer) {
  const auto all = sctp_data(*now.packet);
  if (all.empty()) return check.asks_absent || check.absent_suffices;
  return !check.asks_absent && std::ranges::any_of(all, [&](Bytes data) {
    if (buffer.changes.empty()) return evaluator.holds(check.program, {data, 0, true, true});
    std::string bytes(text_of(data));
    for (const Change& change : buffer.changes) change.apply(bytes);
    return evaluator.holds(check.program, {bytes_of(bytes), 0, true, true});
  });
}

bool Inspector::State::judge_packet(const CompiledRule& rule, bool& of_stream) {
  if (rule.needs_payload && now.packet->payload.empty() && !now.has_stream) return false;
  const bool is_made = now.packet->origin == packet::Origin::kFlowEnd;
  if (is_made && (rule.type == RuleType::kPacket || rule.needs_real_packet)) return false;
  if (rule.rule->protocol.applications != rules::kAllApplications &&
      (rule.rule->protocol.applications & now.applications) == 0)
    return false;
  evaluator.start_rule();
  return holds_header(rule) && holds_flow(rule) && holds_conditions(rule, nullptr) &&
         holds_packet_checks(rule, of_stream);
}

void Inspector::State::judge_packets() {
  const packet::Packet& packet = *now.packet;
  named.clear();
  const bool is_first = now.memory == nullptr || !now.memory->was_seen[static_cast<int>(now.side)];
  const bool is_made = packet.origin == packet::Origin::kFlowEnd;
  if (is_first && !is_made) {
    const auto& addresses = candidates->of_addresses();
    named.insert(named.end(), addresses.begin(), addresses.end());
  }
  if (!packet.events.empty() || !now.followed->events.empty()) {
    const auto& events = candidates->of_events();
    named.insert(named.end(), events.begin(), events.end());
  }
  const auto& always = candidates->of_packets(packet);
  named.insert(named.end(), always.begin(), always.end());
  candidates->search_payload(packet, now.side, packet.payload, search_memory, named);
  if (now.has_stream) candidates->search_payload(packet, now.side, now.stream.bytes, search_memory, named);
  for (const BufferSearch& search : candidates->packet_searches()) {
    const Bytes bytes = packet_buffer(search.buffer);
    if (!bytes.empty()) Candidates::search(search, bytes, search_memory, named);
  }
  std::ranges::sort(named);
  named.erase(std::unique(named.begin(), named.end()), named.end());
  for (const std::uint32_t number : named) {
    const CompiledRule& rule = *compiled.rules[number];
    if (rule.is_firewall || now.is_passed) continue;
    bool of_stream = false;
    if (judge_packet(rule, of_stream)) matched(rule, nullptr, nullptr, of_stream);
  }
  if (now.memory != nullptr) now.memory->was_seen[static_cast<int>(now.side)] = true;
}

void Inspector::State::matched(const CompiledRule& rule, protocol::Transaction* transaction, TransactionMemory* memory,
                               bool of_stream) {
  if (transaction != nullptr && rule.rule->configuration == rules::Rule::Configuration::kTransactionIsNotLogged)
    transaction->is_logged = true;
  for (const StateCondition& change : rule.sets) states.change(change, *now.packet, now.memory, memory);
  using Of = rules::Pcre::Capture::Of;
  const std::string* key = nullptr;  // that was captured with the name "key": of the value with the name "value"
  std::string of_alert;
  for (const Captured& captured : evaluator.captured()) {
    const std::string& name = captured.capture->name;
    if (captured.capture->of == Of::kAlert) {
      if (!of_alert.empty()) of_alert += ',';
      protocol::append_json_text(of_alert, name);
      of_alert += ':';
      protocol::append_json_text(of_alert, captured.value);
    } else if (captured.capture->of == Of::kPacket) {
      if (name == "key")
        key = &captured.value;
      else if (name == "value" && key != nullptr)
        now.out->packet_variables.emplace_back(*std::exchange(key, nullptr), captured.value);
      else
        now.out->packet_variables.emplace_back(name, captured.value);
    } else if (now.memory != nullptr &&
               (now.memory->variables.size() < 1024 ||
                now.memory->variables.find(captured.capture->name) != now.memory->variables.end()))
      now.memory->variables[captured.capture->name] = captured.value;
  }
  std::string context = evaluator.context;
  if (memory != nullptr) {  // of what was found with other packets too
    const auto& contexts = memory->sides[static_cast<int>(now.side)].contexts;
    const auto found = contexts.find(rule.number);
    if (found != contexts.end()) context = found->second;
  }
  if (!of_alert.empty()) context += (context.empty() ? "" : ",") + of_alert;
  pending.push_back({&rule, transaction, of_stream, transaction != nullptr, std::move(context), false});
}

}  // namespace tocsin::match
