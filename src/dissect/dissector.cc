// The hot path is three passes over a group of packets: decode them all, find where their flows probably are, then use
// them. The processor fetches the flows of the later packets while it works on the earlier ones; with a table larger
// than its caches, that is most of the time.
#include "dissect/dissector.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "dissect/decode.h"
#include "dissect/dns.h"
#include "dissect/flow_table.h"
#include "dissect/fragment_table.h"
#include "dissect/http.h"
#include "dissect/quic.h"
#include "dissect/tls.h"

namespace tocsin {

using namespace dissect;

namespace {

constexpr std::size_t kGroup = 32;
constexpr std::size_t kAhead = 8;   // packets whose bytes are being fetched
constexpr std::size_t kBehind = 8;  // packets whose table slots are being fetched
constexpr Timestamp kSweepEvery = kSecond;
// Times beyond some 36,000 years from the epoch are damage; without them no difference of two overflows.
constexpr Timestamp kFarthest = Timestamp{1} << 60;

bool is_dns_port(std::uint16_t port) { return port == 53 || port == 5353 || port == 5355; }

// Whether the receiver of a flow's first packet is the one who began it.
bool first_is_answer(const DecodedPacket& packet) {
  if (packet.key.protocol != kTcp || !packet.has_flags) return false;
  if ((packet.tcp_flags & kSyn) != 0) return (packet.tcp_flags & kAck) != 0;
  return packet.key.source_port < 1024 && packet.key.destination_port >= 1024;
}

// Distance from b to a in the sequence space (RFC 9293 section 3.4).
std::int32_t after(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b); }

}  // namespace

struct PacketDissector::State {
  explicit State(const DissectorLimits& given)
      : limits(given),
        table(given.flows),
        fragments(given.fragment_age),
        dns(given.dns_queries, given.dns_timeout),
        http(given.http_bytes) {
    timeouts[static_cast<std::size_t>(Lane::kTcpOpen)] = given.tcp_idle;
    timeouts[static_cast<std::size_t>(Lane::kTcpAttempt)] = given.tcp_attempt;
    timeouts[static_cast<std::size_t>(Lane::kTcpClosed)] = given.tcp_closed;
    timeouts[static_cast<std::size_t>(Lane::kUdp)] = given.udp_idle;
    timeouts[static_cast<std::size_t>(Lane::kIcmp)] = given.icmp_idle;
    timeouts[static_cast<std::size_t>(Lane::kOther)] = given.other_idle;
  }

  Timestamp timeout(Lane lane) const { return timeouts[static_cast<std::size_t>(lane)]; }
  void prefetch_flow(std::size_t i) const {
    if (results[i] == DecodeResult::kPacket) table.prefetch_flow(hashes[i]);
  }
  void skip(const Place& place, std::string_view what);
  void take(const Packet& packet, DecodedPacket& decoded, std::uint32_t hash, Batch& out);
  std::uint32_t begin(const Packet& packet, const DecodedPacket& decoded, std::uint32_t hash, int& sender, Batch& out);
  bool is_over(const FlowState& flow, int sender, const DecodedPacket& decoded, Timestamp time) const;
  void end(std::uint32_t index, Batch& out);
  void sweep(Batch& out);
  // Whether the segment carries bytes that were not seen yet.
  static bool follow(FlowState& flow, int sender, const DecodedPacket& decoded);
  static Lane lane_of(const FlowState& flow);
  void read_payload(const Packet& packet, const DecodedPacket& decoded, FlowState& flow, Batch& out);
  void read_dns(const Packet& packet, const DecodedPacket& decoded, std::uint32_t hash, Batch& out);
  void read_hello(const Packet& packet, const DecodedPacket& decoded, Batch& out);

  DissectorLimits limits;
  std::array<Timestamp, kLanes> timeouts{};
  DissectorCounters counters;
  Skips skips;
  FlowTable table;
  FragmentTable fragments;
  DnsMatcher dns;
  HttpMatcher http;
  QuicHellos quic;
  Timestamp now = 0;
  Timestamp next_sweep = 0;
  bool started = false;
  std::array<DecodedPacket, kGroup> group_packets;
  std::array<DecodeResult, kGroup> results{};
  std::array<std::uint32_t, kGroup> hashes{};
};

void PacketDissector::State::skip(const Place& place, std::string_view what) {
  fmt::memory_buffer where;
  fmt::format_to(fmt::appender(where), "packet {}", place.record);
  skips.add({where.data(), where.size()}, what);
}

Lane PacketDissector::State::lane_of(const FlowState& flow) {
  switch (flow.protocol) {
    case kTcp:
      if (is_closed(flow.end[0], flow.end[1])) return Lane::kTcpClosed;
      return flow.packets[0] > 0 && flow.packets[1] > 0 ? Lane::kTcpOpen : Lane::kTcpAttempt;
    case kUdp:
      return Lane::kUdp;
    case kIcmp:
    case kIcmp6:
      return Lane::kIcmp;
    default:
      return Lane::kOther;
  }
}

void PacketDissector::State::end(std::uint32_t index, Batch& out) {
  FlowState& state = table.at(index);
  http.end(state.request, out);
  Flow& flow = out.flows.emplace_back();
  flow.initiator = {state.ip[0], state.port[0]};
  flow.responder = {state.ip[1], state.port[1]};
  flow.first = state.first;
  flow.last = state.last;
  flow.initiator_packets = state.packets[0];
  flow.responder_packets = state.packets[1];
  flow.initiator_bytes = state.bytes[0];
  flow.responder_bytes = state.bytes[1];
  flow.place = state.place;
  flow.protocol = state.protocol;
  if (state.protocol == kTcp) {
    flow.state = tcp_state(state.end[0], state.end[1]);
  } else {
    flow.state = plain_state(state.packets[0] > 0, state.packets[1] > 0);
  }
  if (state.protocol == kIcmp || state.protocol == kIcmp6) {
    flow.initiator.port = state.icmp_type;
    flow.responder.port = state.icmp_code;
  }
  flow.initiator_flags = state.flags[0];
  flow.responder_flags = state.flags[1];
  flow.first_flags = state.first_flags;
  flow.flags_known = state.flags_known;
  table.erase(index);
}

void PacketDissector::State::sweep(Batch& out) {
  for (std::size_t i = 0; i < kLanes; ++i) {
    const Lane lane = static_cast<Lane>(i);
    for (std::uint32_t index = table.oldest(lane); index != kNoIndex; index = table.oldest(lane)) {
      FlowState& flow = table.at(index);
      if (now - flow.queued < timeouts[i]) break;
      if (now - flow.last >= timeouts[i]) {
        end(index, out);
      } else {
        table.queue(index, lane, now);
      }
    }
  }
  dns.expire(now, out);
}

// Whether the packet, though of the same five-tuple, begins another flow.
bool PacketDissector::State::is_over(const FlowState& flow, int sender, const DecodedPacket& decoded,
                                     Timestamp time) const {
  if (time - flow.last > timeout(flow.lane)) return true;
  if (flow.protocol != kTcp || (decoded.tcp_flags & (kSyn | kAck | kRst)) != kSyn) return false;
  // A SYN repeated is a retransmission; one with another number is a new attempt, also while the old one lives: who
  // reuses a port has forgotten it. A SYN from a side that has not spoken yet may be a simultaneous open.
  if (flow.isn_known[sender]) return flow.isn[sender] != decoded.sequence;
  return flow.end[sender] != TcpEnd::kInactive || is_closed(flow.end[0], flow.end[1]);
}

std::uint32_t PacketDissector::State::begin(const Packet& packet, const DecodedPacket& decoded, std::uint32_t hash,
                                            int& sender, Batch& out) {
  if (table.full()) {
    end(table.oldest(), out);
    ++counters.flows_evicted;
  }
  ++counters.flows;
  const std::uint32_t index = table.insert(hash);
  FlowState& flow = table.at(index);
  sender = first_is_answer(decoded) ? 1 : 0;
  const PacketKey& key = decoded.key;
  flow.ip[sender] = key.source;
  flow.ip[1 - sender] = key.destination;
  flow.port[sender] = key.source_port;
  flow.port[1 - sender] = key.destination_port;
  flow.protocol = key.protocol;
  flow.kind = key.kind;
  flow.id = key.id;
  flow.first = flow.last = packet.time;
  flow.place = packet.place;
  flow.flags_known = decoded.has_flags;
  flow.first_flags = decoded.tcp_flags;
  flow.icmp_type = decoded.icmp_type;
  flow.icmp_code = decoded.icmp_code;
  return index;
}

bool PacketDissector::State::follow(FlowState& flow, int sender, const DecodedPacket& decoded) {
  if (!decoded.has_flags) return false;
  flow.flags[sender] |= decoded.tcp_flags;
  if ((decoded.tcp_flags & kSyn) != 0 && !flow.isn_known[sender]) {
    flow.isn_known[sender] = true;
    flow.isn[sender] = decoded.sequence;
  }
  advance(flow.end[sender], flow.end[1 - sender], decoded.tcp_flags);
  if (decoded.payload_length == 0) return false;
  const std::uint32_t past = decoded.sequence + decoded.payload_length + ((decoded.tcp_flags & kSyn) != 0 ? 1 : 0);
  if (flow.next_known[sender] && after(past, flow.next[sender]) <= 0) return false;
  flow.next_known[sender] = true;
  flow.next[sender] = past;
  return true;
}

void PacketDissector::State::take(const Packet& packet, DecodedPacket& decoded, std::uint32_t hash, Batch& out) {
  int sender = 0;
  std::uint32_t index = table.find(hash, decoded.key, sender);
  if (index != kNoIndex && is_over(table.at(index), sender, decoded, packet.time)) {
    end(index, out);
    index = kNoIndex;
  }
  const bool is_new = index == kNoIndex;
  if (is_new) index = begin(packet, decoded, hash, sender, out);
  FlowState& flow = table.at(index);
  ++flow.packets[sender];
  flow.bytes[sender] += decoded.ip_length;
  flow.first = std::min(flow.first, packet.time);
  flow.last = std::max(flow.last, packet.time);
  const bool has_news = flow.protocol != kTcp || follow(flow, sender, decoded);
  const Lane lane = lane_of(flow);
  if (is_new || lane != flow.lane || now - flow.queued > timeout(lane) / 8) table.queue(index, lane, now);
  if (has_news && !decoded.payload.empty()) read_payload(packet, decoded, flow, out);
}

void PacketDissector::State::read_payload(const Packet& packet, const DecodedPacket& decoded, FlowState& flow,
                                          Batch& out) {
  const PacketKey& key = decoded.key;
  if (is_dns_port(key.source_port) || is_dns_port(key.destination_port)) {
    read_dns(packet, decoded, flow.hash, out);
    return;
  }
  const Bytes payload = decoded.payload;
  const Endpoint source{key.source, key.source_port};
  const Endpoint destination{key.destination, key.destination_port};
  if (flow.protocol == kUdp && looks_like_quic(payload) && source == Endpoint{flow.ip[0], flow.port[0]}) {
    quic.take(payload, source, destination, packet.time, packet.place, out);
  }
  if (flow.protocol != kTcp) return;
  if (looks_like_client_hello(payload)) {
    read_hello(packet, decoded, out);
  } else if (looks_like_http(payload)) {
    HttpRequest request;
    if (const std::uint16_t status = parse_status(payload)) {
      http.answer(status, source, flow.request, out);
    } else if (parse_request(payload, request)) {
      http.ask(request, source, destination, packet.time, packet.place, flow.request, out);
    }
  }
}

void PacketDissector::State::read_dns(const Packet& packet, const DecodedPacket& decoded, std::uint32_t hash,
                                      Batch& out) {
  const PacketKey& key = decoded.key;
  if (key.protocol != kUdp && key.protocol != kTcp) return;
  const Endpoint source{key.source, key.source_port};
  const Endpoint destination{key.destination, key.destination_port};
  const auto message = [&](Bytes bytes, bool whole) {
    const DnsParse parsed =
        dns.take(bytes, whole, source, destination, key.protocol, packet.time, packet.place, hash, out);
    if (parsed != DnsParse::kMalformed) return true;
    ++counters.dns_malformed;
    skip(packet.place, "malformed DNS message");
    return false;
  };
  Bytes payload = decoded.payload;
  if (key.protocol == kUdp) {
    message(payload, payload.size() == decoded.payload_length && !decoded.first_fragment);
    return;
  }
  // Over TCP a length goes before each message (RFC 1035 section 4.2.2). The rest of one that goes on in the next
  // segment cannot be told from a beginning without reassembly: only what claims a sane header is taken.
  while (payload.size() >= 2 + 12) {
    const std::size_t length = be16(payload, 0);
    if (length < 12 || be16(payload, 6) == 0 || be16(payload, 6) > 4) return;
    const bool whole = payload.size() - 2 >= length;
    const Bytes bytes = payload.subspan(2, std::min(length, payload.size() - 2));
    if (!message(bytes, whole) || !whole) return;
    payload = payload.subspan(2 + length);
  }
}

void PacketDissector::State::read_hello(const Packet& packet, const DecodedPacket& decoded, Batch& out) {
  ClientHello hello;
  const TlsParse parsed = parse_client_hello(decoded.payload, hello);
  if (parsed == TlsParse::kMalformed) {
    ++counters.tls_malformed;
    skip(packet.place, "malformed TLS ClientHello");
    return;
  }
  TlsHandshake& handshake = out.tls.emplace_back();
  handshake.client = {decoded.key.source, decoded.key.source_port};
  handshake.server = {decoded.key.destination, decoded.key.destination_port};
  handshake.time = packet.time;
  handshake.place = packet.place;
  handshake.server_name = out.text.keep(hello.server_name);
  handshake.ja3 = out.text.keep(hello.ja3());
}

PacketDissector::PacketDissector(DissectorLimits limits) : state_(std::make_unique<State>(limits)) {}
PacketDissector::~PacketDissector() = default;
PacketDissector::PacketDissector(PacketDissector&&) noexcept = default;
PacketDissector& PacketDissector::operator=(PacketDissector&&) noexcept = default;

void PacketDissector::dissect(std::span<const Packet> packets, Batch& out) {
  State& s = *state_;
  while (!packets.empty()) {
    const std::span<const Packet> group = packets.first(std::min(packets.size(), kGroup));
    const std::size_t packets_left = packets.size();
    packets = packets.subspan(group.size());
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (i + kAhead < packets_left) __builtin_prefetch(group.data()[i + kAhead].data.data());
      if (i >= kBehind) s.prefetch_flow(i - kBehind);
      DecodedPacket& decoded = s.group_packets[i];
      s.results[i] = decode(group[i].link_type, group[i].data, group[i].original_length, decoded);
      if (group[i].time > kFarthest || group[i].time < -kFarthest) {
        s.results[i] = DecodeResult::kBad;
        decoded.fault = "impossible time";
      }
      switch (s.results[i]) {
        case DecodeResult::kPacket:
          if (decoded.first_fragment) s.fragments.remember(decoded, group[i].time);
          break;
        case DecodeResult::kLaterFragment:
          ++s.counters.fragments;
          if (s.fragments.claim(decoded, group[i].time)) {
            s.results[i] = DecodeResult::kPacket;
            decoded.payload = {};
          } else {
            ++s.counters.fragments_unclaimed;
          }
          break;
        case DecodeResult::kNotIp:
          ++s.counters.not_ip;
          break;
        case DecodeResult::kBad:
          ++s.counters.bad;
          s.skip(group[i].place, decoded.fault);
          break;
      }
      if (s.results[i] != DecodeResult::kPacket) continue;
      s.hashes[i] = s.table.hash_of(decoded.key);
      s.table.prefetch_slot(s.hashes[i]);
    }
    for (std::size_t i = group.size() - std::min(kBehind, group.size()); i < group.size(); ++i) s.prefetch_flow(i);
    for (std::size_t i = 0; i < group.size(); ++i) {
      ++s.counters.packets;
      if (s.results[i] != DecodeResult::kPacket) continue;
      s.now = s.started ? std::max(s.now, group[i].time) : group[i].time;
      if (!std::exchange(s.started, true) || s.now >= s.next_sweep) {
        s.sweep(out);
        s.next_sweep = s.now + kSweepEvery;
      }
      s.take(group[i], s.group_packets[i], s.hashes[i], out);
    }
  }
  s.counters.dns_evicted = s.dns.given_up();
}

void PacketDissector::finish(Batch& out) {
  State& s = *state_;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    for (std::uint32_t index = s.table.oldest(static_cast<Lane>(lane)); index != kNoIndex;
         index = s.table.oldest(static_cast<Lane>(lane))) {
      s.end(index, out);
    }
  }
  s.dns.finish(out);
  s.fragments.clear();
  s.quic.clear();
  s.started = false;
  s.next_sweep = 0;
}

const Skips& PacketDissector::skips() const { return state_->skips; }
const DissectorCounters& PacketDissector::counters() const { return state_->counters; }
std::size_t PacketDissector::live_flows() const { return state_->table.size(); }
std::size_t PacketDissector::flow_bytes() const { return state_->table.bytes(); }

}  // namespace tocsin
