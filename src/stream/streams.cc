#include "stream/streams.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "stream/flow_end_packet.h"
#include "stream/flow_table.h"
#include "stream/tcp_follower.h"

namespace tocsin::stream {
namespace {

// Announced connections that have not come yet.
constexpr std::size_t kMaxAnnounced = 4096;
constexpr Timestamp kAnnouncedFor = 60 * kSecond;

struct Announced {
  IpAddress from, to;
  std::string_view protocol;
  protocol::Parser::Expected expected;
  Timestamp until = 0;
};

}  // namespace

struct Streams::State {
  State(const Options& given, std::shared_ptr<Room> shared)
      : options(given),
        settings(options),
        protocols(options),
        room(std::move(shared)),
        is_first(room->sharers++ == 0),
        table(settings, *room),
        follower(settings, protocols, *room) {
    follower.announce = [this](Flow& flow) { announce(flow); };
  }

  Followed follow(const packet::Packet& packet, const Moment& at);
  void expire(const Moment& at);
  void finish(const Moment& at);
  Flow* flow_for(const packet::Packet& packet, const Moment& at, Followed& followed);
  Side side_of(const Flow& flow, const packet::Packet& packet) const;
  void count(Flow& flow, const packet::Packet& packet, Side side) const;
  void look_before_change(Flow& flow, Side side);
  void take_datagram(Flow& flow, const packet::Packet& packet, Side& side);
  void collect_announced(Flow& flow);
  void announce(Flow& flow);
  void end(Flow& flow, std::string_view reason);

  Streams* owner = nullptr;
  const Options options;
  const Settings settings;
  const protocol::ProtocolSettings protocols;
  std::shared_ptr<Room> room;
  bool is_first;  // of those that share the room
  FlowTable table;
  TcpFollower follower;
  FlowEndPacket end_packet;
  std::deque<Announced> announced;
  Timestamp now = 0;
  Moment moment;                // of take
  const Flow* taken = nullptr;  // the flow of the packet in hand
  std::uint64_t total = 0, tcp = 0, udp = 0, icmp4 = 0, icmp6 = 0, reused = 0, no_memory = 0, spared = 0;
  std::uint64_t ended_states[3] = {0, 0, 0}, bypassed = 0, ended_tcp[11] = {};
  mutable std::map<std::string, std::uint64_t, std::less<>> shown;
};

Streams::Streams(const Options& options, std::shared_ptr<Room> room)
    : state_(std::make_unique<State>(options, std::move(room))) {
  state_->owner = this;
}
Streams::~Streams() = default;

Followed Streams::take(const packet::Packet& packet) {
  Moment& moment = state_->moment;
  ++moment.packet;
  moment.now = std::max(moment.now, packet.time);
  Followed followed = state_->follow(packet, moment);
  state_->expire(moment);
  return followed;
}

Followed Streams::follow(const packet::Packet& packet, const Moment& moment) { return state_->follow(packet, moment); }
void Streams::expire(const Moment& moment) { state_->expire(moment); }
Timestamp Streams::next_expiry() const { return state_->table.next_expiry(); }
void Streams::finish() { state_->finish(state_->moment); }
void Streams::finish(const Moment& moment) { state_->finish(moment); }

void Streams::State::finish(const Moment& at) {
  now = at.now;
  for (Flow* flow : table.all()) {
    if (owner->ending) owner->ending(flow->id);
    end(*flow, "shutdown");
  }
}

Side Streams::State::side_of(const Flow& flow, const packet::Packet& packet) const {
  bool is_to_server = true;
  switch (packet.protocol) {
    case packet::kTcp:
    case packet::kUdp:
    case packet::kSctp:
      is_to_server = packet.source_port != packet.destination_port ? packet.source_port == flow.client_port
                                                                   : packet.source == flow.client;
      break;
    case packet::kIcmp:
    case packet::kIcmpV6:
      is_to_server = packet.source == flow.client;
      break;
    default:
      break;
  }
  return is_to_server ? Side::kToServer : Side::kToClient;
}

// Null: the packet belongs to none, or there is no room for one.
Flow* Streams::State::flow_for(const packet::Packet& packet, const Moment& at, Followed& followed) {
  const auto wanted = flow_of(packet, settings);
  if (!wanted) return nullptr;
  Flow* found = table.find(wanted->key);
  if (found != nullptr && table.is_expired(*found, packet.time)) {
    end(*found, "timeout");
    found = nullptr;
  }
  if (found != nullptr && packet.is_tcp() && follower.starts_anew(*found, packet, side_of(*found, packet))) {
    ++reused;
    end(*found, "tcp_reuse");
    found = nullptr;
  }
  if (found != nullptr) return found;
  if (!wanted->may_begin) return nullptr;
  if (settings.no_flow_at && packet.number == settings.no_flow_at) {
    ++no_memory;
    follower.apply(settings.flow_policy, "flow.memcap", "flow memcap", nullptr, followed);
    return nullptr;
  }
  if (table.is_full()) {
    if (Flow* idlest = table.idlest()) {
      ++spared;
      end(*idlest, "forced");
    }
  }

  Flow& flow = table.add(wanted->key);
  flow.id = at.packet;
  flow.client = packet.source;
  flow.server = packet.destination;
  flow.client_port = packet.source_port;
  flow.server_port = packet.destination_port;
  flow.protocol = packet.protocol;
  flow.ip_version = packet.ip_version;
  if (packet.is_icmp()) {
    flow.icmp_type[0] = packet.icmp.type;
    flow.icmp_code[0] = packet.icmp.code;
  }
  flow.vlan = packet.vlan;
  flow.vlans = packet.vlans;
  flow.first = flow.last = packet.time;
  ++total;
  tcp += packet.protocol == packet::kTcp;
  udp += packet.protocol == packet::kUdp;
  icmp4 += packet.protocol == packet::kIcmp;
  icmp6 += packet.protocol == packet::kIcmpV6;
  return &flow;
}

void Streams::State::count(Flow& flow, const packet::Packet& packet, Side side) const {
  const int at = static_cast<int>(side);
  flow.last = std::max(flow.last, packet.time);
  ++flow.packets[at];
  flow.bytes[at] += packet.frame.size();
  flow.least_ttl[at] = std::min(flow.least_ttl[at], packet.ttl);
  flow.most_ttl[at] = std::max(flow.most_ttl[at], packet.ttl);
  if (packet.is_icmp() && side == Side::kToClient) {
    flow.icmp_type[1] = packet.icmp.type;
    flow.icmp_code[1] = packet.icmp.code;
  }
}

Followed Streams::State::follow(const packet::Packet& packet, const Moment& at) {
  Followed followed;
  now = at.now;
  Flow* flow = flow_for(packet, at, followed);
  taken = flow;
  if (flow != nullptr) {
    followed.flow = flow;
    followed.side = side_of(*flow, packet);
    count(*flow, packet, followed.side);
    const bool is_of_tcp = flow->protocol == packet::kTcp;
    if (flow->state == FlowState::kEstablished ||
        (is_of_tcp && flow->tcp && flow->tcp->state >= TcpState::kEstablished)) {
      followed.is_established = true;
    } else if (!is_of_tcp && flow->packets[0] > 0 && flow->packets[1] > 0) {
      followed.is_established = true;
      flow->state = FlowState::kEstablished;
    }
    if (settings.is_inline && flow->verdict == Verdict::kDrop) {
      // What is dropped has no part in the connection.
    } else if (packet.is_tcp() && is_of_tcp) {
      const bool was_changing = flow->application && flow->application->is_changing();
      follower.take(*flow, packet, followed);
      if (!was_changing && flow->application && flow->application->is_changing())
        look_before_change(*flow, followed.side);
    } else if (packet.is_udp() && flow->protocol == packet::kUdp) {
      take_datagram(*flow, packet, followed.side);
    }
    if (flow->application && std::exchange(flow->application->has_error, false))
      follower.apply(settings.application_policy, "app_layer.error", "applayer error", flow, followed);
    collect_announced(*flow);
    table.touch(*flow, at);
  }
  return followed;
}

void Streams::State::expire(const Moment& at) {
  if (at.now >= table.next_expiry()) {
    now = at.now;
    // The flow of the packet in hand is not silent.
    while (Flow* silent = table.expired(now, taken)) {
      if (owner->ending) owner->ending(table.order_of(*silent));
      end(*silent, "timeout");
    }
  }
  taken = nullptr;
}

// Another protocol follows. What the former one said of either side is judged now, since it goes with its parser.
void Streams::State::look_before_change(Flow& flow, Side side) {
  if (!owner->flush) return;
  for (const Side one : {other(side), side}) {
    Followed followed;
    followed.flow = &flow;
    followed.side = one;
    followed.is_established = followed.is_stream_established = true;
    owner->flush(end_packet.make(flow, one, flow.tcp->half(one).next, now), followed);
  }
}

void Streams::State::take_datagram(Flow& flow, const packet::Packet& packet, Side& side) {
  if (packet.payload.empty()) return;
  if (!flow.application) {
    flow.application = std::make_unique<protocol::Application>(protocols, true, flow.client_port, flow.server_port);
  }
  flow.application->take(side, packet.payload, packet.time);
  if (flow.application->is_reversed) {
    flow.application->is_reversed = false;
    follower.reverse(flow);
    side = other(side);
  }
}

void Streams::State::collect_announced(Flow& flow) {
  if (!flow.application || flow.application->parser() == nullptr) return;
  auto& expected = flow.application->parser()->expected;
  for (auto& one : expected) {
    if (announced.size() >= kMaxAnnounced) announced.pop_front();
    const protocol::Protocol* of = flow.application->protocol();
    Announced next;
    next.from = one.to_server ? flow.client : flow.server;
    next.to = one.to_server ? flow.server : flow.client;
    next.protocol = of != nullptr && of->name() == "ftp" ? std::string_view("ftp-data") : std::string_view();
    next.until = now + kAnnouncedFor;
    next.expected = std::move(one);
    announced.push_back(std::move(next));
  }
  expected.clear();
}

void Streams::State::announce(Flow& flow) {
  while (!announced.empty() && announced.front().until < now) announced.pop_front();
  const auto found = std::find_if(announced.begin(), announced.end(), [&](const Announced& one) {
    return one.to == flow.server && one.from == flow.client && one.expected.port == flow.server_port;
  });
  if (found == announced.end()) return;
  flow.application->expect(found->protocol, found->expected);
  announced.erase(found);
}

void Streams::State::end(Flow& flow, std::string_view reason) {
  flow.end_reason = reason;
  if (flow.tcp) {
    ++ended_tcp[static_cast<std::size_t>(flow.tcp->state)];
    const bool has_bytes = !flow.tcp->halves[0].bytes.is_empty() || !flow.tcp->halves[1].bytes.is_empty();
    if (flow.tcp->state >= TcpState::kEstablished || has_bytes) {
      for (const Side side : {Side::kToServer, Side::kToClient}) {
        Followed followed;
        followed.flow = &flow;
        followed.side = side;
        const packet::Packet& packet = end_packet.make(flow, side, flow.tcp->half(side).next, now);
        follower.finish(flow, packet, followed, [&] {
          if (owner->flush) owner->flush(packet, followed);
        });
      }
    }
  }
  ++ended_states[static_cast<int>(flow.state)];
  bypassed += flow.is_bypassed;
  if (owner->ended) owner->ended(flow);
  follower.forget(flow);
  table.remove(flow);
}

const std::map<std::string, std::uint64_t, std::less<>>& Streams::counters() const {
  const State& state = *state_;
  auto& shown = state.shown;
  const TcpCounts& counts = state.follower.counts();
  shown["tcp.sessions"] = counts.sessions;
  shown["tcp.active_sessions"] = counts.active;
  shown["tcp.ssn_memcap_drop"] = counts.session_memcap;
  shown["tcp.pseudo"] = counts.pseudo;
  shown["tcp.invalid_checksum"] = counts.wrong_checksums;
  shown["tcp.midstream_pickups"] = counts.midstream;
  shown["tcp.pkt_on_wrong_thread"] = 0;
  shown["tcp.ack_unseen_data"] = counts.unseen_acknowledged;
  shown["tcp.segment_memcap_drop"] = counts.segment_memcap;
  shown["tcp.stream_depth_reached"] = counts.depth_reached;
  shown["tcp.reassembly_gap"] = counts.gaps;
  shown["tcp.overlap"] = counts.overlaps;
  shown["tcp.overlap_diff_data"] = counts.different_overlaps;
  shown["tcp.insert_data_normal_fail"] = counts.insert_failures;
  shown["tcp.urgent_oob_data"] = counts.urgent_bytes;
  shown["tcp.reassembly_memuse"] = state.is_first ? state.follower.memory() : 0;
  shown["flow.total"] = state.total;
  shown["flow.active"] = state.table.size();
  shown["flow.tcp"] = state.tcp;
  shown["flow.udp"] = state.udp;
  shown["flow.icmpv4"] = state.icmp4;
  shown["flow.icmpv6"] = state.icmp6;
  shown["flow.tcp_reuse"] = state.reused;
  shown["flow.memcap"] = state.no_memory;
  shown["flow.get_used"] = state.spared;
  shown["flow.end.state.new"] = state.ended_states[0];
  shown["flow.end.state.established"] = state.ended_states[1];
  shown["flow.end.state.closed"] = state.ended_states[2];
  shown["flow.end.state.local_bypassed"] = state.bypassed;
  for (std::size_t i = 0; i < std::size(state.ended_tcp); ++i) {
    shown["flow.end.tcp_state." + std::string(name_of(static_cast<TcpState>(i)))] = state.ended_tcp[i];
  }
  const Settings& settings = state.settings;
  const auto show_policies = [&](packet::ExceptionPolicy policy, std::string_view target, bool of_flow) {
    if (policy == packet::ExceptionPolicy::kIgnore) return;
    for (const std::string_view name : packet::policy_names(of_flow)) {
      shown["exception_policy." + std::string(target) + "." + std::string(name)] = 0;
    }
  };
  show_policies(settings.midstream_policy, "tcp.midstream", true);
  show_policies(settings.session_policy, "tcp.ssn_memcap", true);
  show_policies(settings.reassembly_policy, "tcp.reassembly", true);
  show_policies(settings.flow_policy, "flow.memcap", false);
  show_policies(settings.application_policy, "app_layer.error", true);
  for (const auto& [name, times] : counts.policies) shown["exception_policy." + name] = times;
  if (state.options.flag("stats.stream-events", false)) {
    for (const auto& [name, times] : counts.events) shown["stream." + name] = times;
  }
  return shown;
}

}  // namespace tocsin::stream
