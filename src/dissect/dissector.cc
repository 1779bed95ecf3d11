#include "dissect/dissector.h"

#include <fmt/format.h>

#include <deque>
#include <unordered_map>

#include "base/text.h"
#include "dissect/decode.h"
#include "dissect/flow_table.h"
#include "dissect/payload.h"

namespace tocsin {
namespace {

bool is_echo(std::uint8_t protocol, std::uint16_t type) {
  return protocol == kIcmp ? type == 8 || type == 0 : type == 128 || type == 129;
}

FlowKey key_of(const DecodedPacket& packet) {
  Endpoint a = packet.source, b = packet.destination;
  if ((packet.protocol == kIcmp || packet.protocol == kIcmp6) && is_echo(packet.protocol, a.port)) {
    a.port = b.port = packet.icmp_id;
  }
  if (std::pair(b.ip, b.port) < std::pair(a.ip, a.port)) std::swap(a, b);
  return {a.ip, b.ip, a.port, b.port, packet.protocol};
}

// Zeek's connection state from the flags that each side sent.
ConnState state_of(const Flow& flow, bool reset_by_initiator) {
  using enum ConnState;
  if (flow.protocol != kTcp) return flow.responder_packets > 0 ? flow.initiator_packets > 0 ? kSF : kSHR : kS0;
  const auto ours = [&flow](std::uint8_t flag) { return (flow.initiator_flags & flag) != 0; };
  const auto theirs = [&flow](std::uint8_t flag) { return (flow.responder_flags & flag) != 0; };
  const bool syn = ours(kSyn), accepted = theirs(kSyn);
  if (syn && accepted) {
    if (ours(kRst) && (reset_by_initiator || !theirs(kRst))) return kRSTO;
    if (theirs(kRst)) return kRSTR;
    if (ours(kFin) && theirs(kFin)) return kSF;
    return ours(kFin) ? kS2 : theirs(kFin) ? kS3 : kS1;
  }
  if (syn) {
    if (theirs(kRst)) return kREJ;
    if (ours(kRst)) return kRSTOS0;
    if (ours(kFin) && flow.responder_packets == 0) return kSH;
    return flow.responder_packets == 0 ? kS0 : kOTH;
  }
  if (accepted) return theirs(kRst) ? kRSTRH : theirs(kFin) ? kSHR : kOTH;
  return kOTH;
}

struct QueryKey {
  Endpoint client, server;
  std::uint16_t id = 0;
  friend bool operator==(const QueryKey&, const QueryKey&) = default;
};

struct QueryHash {
  std::size_t operator()(const QueryKey& key) const {
    return hash_of(key.client.ip) ^ (hash_of(key.server.ip) * 31) ^
           (static_cast<std::size_t>(key.client.port) << 16 | key.id) * 0x9e3779b97f4a7c15ULL;
  }
};

struct PendingQuery {
  std::string name;
  std::uint16_t type = 0;
  Timestamp time = 0;
  Place place;
  std::uint64_t number = 0;
};

}  // namespace

struct PacketDissector::State {
  explicit State(const DissectorLimits& given)
      : limits(given), table(given, [this](LiveFlow& flow) { ended(flow); }) {}

  void take(const Packet& packet);
  void take_flow(const Packet& packet, const DecodedPacket& decoded);
  void take_dns(const Packet& packet, const DecodedPacket& decoded, std::span<const std::byte> message);
  void take_payload(const Packet& packet, const DecodedPacket& decoded, LiveFlow& live, bool from_initiator);
  void ended(LiveFlow& live);
  void give(const QueryKey& key, const PendingQuery& query, const DnsMessage* answer);
  void give_request(LiveFlow& live, std::uint16_t status);
  void expire_queries(Timestamp now);

  DissectorLimits limits;
  DissectorCounts counts;
  Skips skips;
  Batch* out = nullptr;
  FlowTable table;
  std::unordered_map<QueryKey, PendingQuery, QueryHash> queries;
  std::deque<std::pair<QueryKey, std::uint64_t>> query_order;
  std::uint64_t query_number = 0;
  Timestamp latest = 0;
};

void PacketDissector::State::ended(LiveFlow& live) {
  if (live.request) give_request(live, 0);
  live.flow.state = state_of(live.flow, live.reset_by_initiator);
  out->flows.push_back(live.flow);
}

void PacketDissector::State::give_request(LiveFlow& live, std::uint16_t status) {
  const PendingRequest& request = *live.request;
  HttpTransaction http;
  http.client = live.flow.initiator;
  http.server = live.flow.responder;
  http.time = request.time;
  http.place = request.place;
  http.method = out->text.keep(request.method);
  http.uri = out->text.keep(request.uri);
  http.host = out->text.keep(request.host);
  http.user_agent = out->text.keep(request.user_agent);
  http.referrer = out->text.keep(request.referrer);
  http.status = status;
  out->http.push_back(http);
  live.request.reset();
}

void PacketDissector::State::give(const QueryKey& key, const PendingQuery& query, const DnsMessage* answer) {
  DnsTransaction dns;
  dns.client = key.client;
  dns.server = key.server;
  dns.time = query.time;
  dns.place = query.place;
  dns.query = out->text.keep(query.name);
  dns.query_type = query.type;
  if (answer != nullptr) {
    dns.response_code = answer->code;
    dns.addresses = answer->addresses;
    for (const std::string& name : answer->names) dns.names.push_back(out->text.keep(name));
  }
  out->dns.push_back(std::move(dns));
}

void PacketDissector::State::expire_queries(Timestamp now) {
  while (!query_order.empty()) {
    const auto& [key, number] = query_order.front();
    const auto found = queries.find(key);
    const bool current = found != queries.end() && found->second.number == number;
    if (current && queries.size() <= limits.dns_queries && found->second.time + limits.datagram >= now) break;
    if (current) {
      give(key, found->second, nullptr);
      queries.erase(found);
    }
    query_order.pop_front();
  }
}

void PacketDissector::State::take_dns(const Packet& packet, const DecodedPacket& decoded,
                                      std::span<const std::byte> bytes) {
  bool wrong = false;
  const auto message = parse_dns(bytes, wrong);
  if (wrong) skips.add(fmt::format("packet {}", packet.place.record), "malformed DNS message");
  if (!message) return;
  QueryKey key{decoded.source, decoded.destination, message->id};
  if (message->answer) std::swap(key.client, key.server);
  auto found = queries.find(key);
  if (message->answer) {
    PendingQuery query{message->query, message->query_type, packet.time, packet.place, 0};
    if (found != queries.end()) {
      if (equals_ignoring_case(found->second.name, message->query)) {
        query = std::move(found->second);
        queries.erase(found);
      }
    }
    give(key, query, &*message);
    return;
  }
  if (found != queries.end()) {
    if (found->second.name == message->query && found->second.type == message->query_type) return;  // asked again
    give(key, found->second, nullptr);
    queries.erase(found);
  }
  queries.emplace(key, PendingQuery{message->query, message->query_type, packet.time, packet.place, ++query_number});
  query_order.emplace_back(key, query_number);
}

void PacketDissector::State::take_payload(const Packet& packet, const DecodedPacket& decoded, LiveFlow& live,
                                          bool from_initiator) {
  const auto bytes = decoded.payload;
  if (decoded.protocol == kUdp) {
    const auto is = [&](std::uint16_t port) { return decoded.source.port == port || decoded.destination.port == port; };
    if (is(53) || is(5353) || is(5355)) take_dns(packet, decoded, bytes);
    return;
  }
  if (decoded.protocol != kTcp || bytes.size() < 12) return;
  const auto first = static_cast<unsigned char>(bytes[0]);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (first == 22) {
    const auto hello = parse_client_hello(bytes);
    if (!hello) return;
    TlsHandshake tls;
    tls.client = decoded.source;
    tls.server = decoded.destination;
    tls.time = packet.time;
    tls.place = packet.place;
    tls.server_name = out->text.keep(hello->server_name);
    tls.ja3 = out->text.keep(hello->ja3);
    out->tls.push_back(tls);
  } else if (first >= 'A' && first <= 'U') {
    if (!from_initiator && live.request) {
      if (const auto status = parse_http_status(text)) give_request(live, *status);
      return;
    }
    const auto request = from_initiator ? parse_http_request(text) : std::nullopt;
    if (!request) return;
    if (live.request) give_request(live, 0);
    live.request = std::make_unique<PendingRequest>(
        PendingRequest{std::string(request->method), std::string(request->uri), std::string(request->host),
                       std::string(request->user_agent), std::string(request->referrer), packet.time, packet.place});
  } else if (decoded.source.port == 53 || decoded.destination.port == 53) {
    const std::size_t length = static_cast<std::size_t>(bytes[0]) << 8 | static_cast<std::size_t>(bytes[1]);
    if (length >= 12 && length + 2 <= bytes.size()) take_dns(packet, decoded, bytes.subspan(2, length));
  }
}

void PacketDissector::State::take_flow(const Packet& packet, const DecodedPacket& decoded) {
  const FlowKey key = key_of(decoded);
  const bool tcp = decoded.protocol == kTcp;
  const std::uint8_t flags = decoded.flags;
  const bool opening = tcp && (flags & (kSyn | kAck)) == kSyn;
  LiveFlow* live = table.find(key);
  if (live != nullptr && opening && live->timeout == Timeout::kClosed) {  // the ports are used again
    table.end(*live);
    live = nullptr;
  }
  if (live == nullptr) {
    live = &table.add(key, tcp ? Timeout::kAttempt : Timeout::kDatagram);
    Flow& flow = live->flow;
    flow.protocol = decoded.protocol;
    flow.first = flow.last = packet.time;
    flow.place = packet.place;
    flow.first_flags = flags;
    flow.flags_known = tcp;
    flow.initiator = decoded.source;
    flow.responder = decoded.destination;
    // An answer seen without its question, or the middle of a connection seen first from the server.
    const bool answer = tcp && (flags & (kSyn | kAck)) == (kSyn | kAck);
    const bool middle = tcp && (flags & kSyn) == 0 && decoded.source.port < 1024 && decoded.destination.port >= 1024;
    if (answer || middle) std::swap(flow.initiator, flow.responder);
    if (decoded.protocol == kIcmp || decoded.protocol == kIcmp6) {
      const bool reply = decoded.source.port == (decoded.protocol == kIcmp ? 0 : 129);
      if (reply) {
        flow.initiator = {decoded.destination.ip, static_cast<std::uint16_t>(decoded.protocol == kIcmp ? 8 : 128)};
        flow.responder = {decoded.source.ip, 0};
      }
    }
  }
  Flow& flow = live->flow;
  const bool icmp = decoded.protocol == kIcmp || decoded.protocol == kIcmp6;
  const bool from_initiator =
      icmp ? decoded.source.ip == flow.initiator.ip &&
                 (decoded.source.ip != decoded.destination.ip || decoded.source.port == flow.initiator.port)
           : decoded.source == flow.initiator;
  flow.last = std::max(flow.last, packet.time);
  if (from_initiator) {
    ++flow.initiator_packets;
    flow.initiator_bytes += decoded.length;
    flow.initiator_flags |= flags;
  } else {
    ++flow.responder_packets;
    flow.responder_bytes += decoded.length;
    flow.responder_flags |= flags;
  }
  if (tcp && (flags & kRst) != 0 && from_initiator && (flow.responder_flags & kRst) == 0) live->reset_by_initiator = true;
  Timeout timeout = Timeout::kDatagram;
  if (tcp) {
    const bool both_fin = (flow.initiator_flags & flow.responder_flags & kFin) != 0;
    const bool reset = ((flow.initiator_flags | flow.responder_flags) & kRst) != 0;
    const bool answered = flow.initiator_packets > 0 && flow.responder_packets > 0;
    timeout = both_fin || reset ? Timeout::kClosed : answered ? Timeout::kEstablished : Timeout::kAttempt;
  }
  table.touch(*live, timeout);
  if (!decoded.payload.empty()) take_payload(packet, decoded, *live, from_initiator);
}

void PacketDissector::State::take(const Packet& packet) {
  ++counts.packets;
  DecodedPacket decoded;
  const Decoded result = decode(packet, decoded);
  // Time runs forwards only, so that one packet with a wrong clock does not end every flow: steps of more than a day
  // are not believed for timeouts.
  if (packet.time > latest && (latest == 0 || packet.time - latest < kDay)) latest = packet.time;
  else if (packet.time > latest + kDay) latest += kSecond;
  table.expire(latest);
  if (!queries.empty()) expire_queries(latest);
  switch (result) {
    case Decoded::kGood:
      if (decoded.fragment) {
        ++counts.fragments;
        decoded.source.port = decoded.destination.port = 0;
      }
      take_flow(packet, decoded);
      break;
    case Decoded::kNotIp:
      ++counts.not_ip;
      break;
    case Decoded::kTruncated:
      skips.add(fmt::format("packet {}", packet.place.record), "headers cut short");
      break;
    case Decoded::kBad:
      skips.add(fmt::format("packet {}", packet.place.record), "headers contradict themselves");
      break;
    case Decoded::kLink:
      skips.add(fmt::format("packet {}", packet.place.record), fmt::format("link type {} is not known", packet.link_type));
      break;
  }
}

PacketDissector::PacketDissector(DissectorLimits limits) : state_(std::make_unique<State>(limits)) {}
PacketDissector::~PacketDissector() = default;
PacketDissector::PacketDissector(PacketDissector&&) noexcept = default;
PacketDissector& PacketDissector::operator=(PacketDissector&&) noexcept = default;

void PacketDissector::dissect(std::span<const Packet> packets, Batch& out) {
  state_->out = &out;
  for (const Packet& packet : packets) state_->take(packet);
  state_->counts.flows_evicted = state_->table.evicted();
}

void PacketDissector::finish(Batch& out) {
  state_->out = &out;
  while (!state_->query_order.empty()) {
    const auto& [key, number] = state_->query_order.front();
    const auto found = state_->queries.find(key);
    if (found != state_->queries.end() && found->second.number == number) {
      state_->give(key, found->second, nullptr);
      state_->queries.erase(found);
    }
    state_->query_order.pop_front();
  }
  state_->table.end_all();
}

const Skips& PacketDissector::skips() const { return state_->skips; }
const DissectorCounts& PacketDissector::counts() const { return state_->counts; }

}  // namespace tocsin
