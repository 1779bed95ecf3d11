#include "stream/flow_table.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "base/hash.h"
#include "packet/bytes.h"

namespace tocsin::stream {
namespace {

// What a flow costs at least, with its connection and what rules keep of it.
constexpr std::size_t kFlowCost = 1024, kLeastFlows = 1024;

std::uint64_t random_seed() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

// The ICMP type that answers another; 0 for those that have none, as Suricata counts them.
std::uint8_t answer_of(std::uint8_t protocol, std::uint8_t type) {
  static constexpr std::uint8_t kV4[][2] = {{8, 0}, {13, 14}, {15, 16}, {10, 9}, {17, 18}};
  static constexpr std::uint8_t kV6[][2] = {{128, 129}, {135, 136}, {133, 134}, {130, 131}, {139, 140},
                                            {144, 145}, {146, 147}, {148, 149}, {151, 152}, {157, 158}};
  const auto look = [type](const auto& pairs) -> std::uint8_t {
    for (const auto& pair : pairs) {
      if (pair[0] == type) return pair[1];
      if (pair[1] == type) return pair[0];
    }
    return 0;
  };
  return protocol == packet::kIcmp ? look(kV4) : look(kV6);
}

void set_ends(FlowKey& key, const IpAddress& source, std::uint32_t source_port, const IpAddress& destination,
              std::uint32_t destination_port) {
  const bool is_in_order = source < destination || (source == destination && source_port <= destination_port);
  key.low = is_in_order ? source : destination;
  key.high = is_in_order ? destination : source;
  key.low_port = is_in_order ? source_port : destination_port;
  key.high_port = is_in_order ? destination_port : source_port;
}

// By the packet in "destination unreachable". False: it does not say.
bool set_embedded(FlowKey& key, Bytes embedded) {
  if (embedded.size() < 20) return false;
  const std::uint8_t protocol = embedded[9];
  if (protocol != packet::kTcp && protocol != packet::kUdp) return false;
  if (embedded.size() < (protocol == packet::kTcp ? 24 : 28)) return false;
  key.protocol = protocol;
  set_ends(key, IpAddress::v4(packet::be32(embedded, 12)), packet::be16(embedded, 20),
           IpAddress::v4(packet::be32(embedded, 16)), packet::be16(embedded, 22));
  return true;
}

bool is_icmp_error(std::uint8_t type) { return type == 3 || type == 4 || type == 5 || type == 11 || type == 12; }

}  // namespace

std::optional<PacketFlow> flow_of(const packet::Packet& packet, const Settings& settings) {
  if (packet.ip_version == 0) return std::nullopt;
  PacketFlow result;
  FlowKey& key = result.key;
  key.protocol = packet.protocol;
  key.depth = settings.recursion_matters ? packet.depth : std::uint8_t{0};
  if (settings.vlan_matters) key.vlan = packet.vlan;
  std::uint32_t source_port = 0, destination_port = 0;
  switch (packet.protocol) {
    case packet::kTcp:
    case packet::kUdp:
    case packet::kSctp:
      if (packet.transport_header.empty()) return std::nullopt;
      source_port = packet.source_port;
      destination_port = packet.destination_port;
      break;
    case packet::kIcmp:
      if (packet.transport_header.empty()) return std::nullopt;
      result.may_begin = !is_icmp_error(packet.icmp.type);
      if (packet.icmp.type == 3 && set_embedded(key, packet.icmp.embedded)) return result;
      source_port = packet.icmp.type;
      destination_port = answer_of(packet.protocol, packet.icmp.type);
      break;
    case packet::kIcmpV6:
      if (packet.transport_header.empty()) return std::nullopt;
      source_port = packet.icmp.type | std::uint32_t{packet.icmp.code} << 8;
      destination_port = answer_of(packet.protocol, packet.icmp.type);
      break;
    case packet::kEsp:
      if (packet.transport_header.size() < 4) return std::nullopt;
      // Each direction has its own.
      key.low = packet.source;
      key.high = packet.destination;
      key.low_port = packet::be32(packet.transport_header, 0);
      return result;
    case packet::kIpInIp:
    case packet::kIpv6:
      if (packet.is_fragment() || (packet.ip_version == 6 && !packet.carries_packet)) return std::nullopt;
      break;
    default:
      return std::nullopt;
  }
  set_ends(key, packet.source, source_port, packet.destination, destination_port);
  return result;
}

std::pair<IpAddress, IpAddress> ends_of(const packet::Packet& packet) {
  FlowKey key;
  const bool is_of_other = packet.protocol == packet::kIcmp && !packet.transport_header.empty() &&
                           packet.icmp.type == 3 && set_embedded(key, packet.icmp.embedded);
  if (is_of_other) return {key.low, key.high};
  return std::minmax(packet.source, packet.destination);
}

std::size_t FlowTable::Hash::operator()(const FlowKey& key) const {
  char bytes[16 + 16 + 4 + 4 + 6 + 2];
  char* at = bytes;
  const auto put = [&](const void* from, std::size_t size) {
    std::memcpy(at, from, size);
    at += size;
  };
  put(key.low.bytes().data(), 16);
  put(key.high.bytes().data(), 16);
  put(&key.low_port, 4);
  put(&key.high_port, 4);
  put(key.vlan.data(), 6);
  *at++ = static_cast<char>(key.protocol);
  *at++ = static_cast<char>(key.depth);
  return hash64(std::string_view(bytes, sizeof bytes), seed);
}

FlowTable::FlowTable(const Settings& settings, Room& room)
    : settings_(settings),
      room_(room),
      most_(std::max(kLeastFlows, static_cast<std::size_t>(settings.flow_memcap / kFlowCost))),
      index_(0, Hash{random_seed()}) {}

FlowTable::~FlowTable() { room_.flows -= index_.size(); }

Flow* FlowTable::find(const FlowKey& key) {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &*found->second;
}

Flow& FlowTable::add(const FlowKey& key) {
  Entry& entry = lists_[0].emplace_back();
  entry.key = key;
  entry.place = std::prev(lists_[0].end());
  if (index_.insert_or_assign(key, entry.place).second) ++room_.flows;
  return entry;
}

std::size_t FlowTable::list_of(const Flow& flow) const {
  std::size_t protocol = 3;
  if (flow.protocol == packet::kTcp) protocol = 0;
  if (flow.protocol == packet::kUdp) protocol = 1;
  if (flow.protocol == packet::kIcmp || flow.protocol == packet::kIcmpV6) protocol = 2;
  return protocol * kStates + (flow.is_bypassed ? 3 : static_cast<std::size_t>(flow.state));
}

Timestamp FlowTable::timeout_of(std::size_t list) const {
  const Timeouts* of_protocol[kProtocols] = {&settings_.tcp, &settings_.udp, &settings_.icmp, &settings_.other};
  const Timeouts& timeouts = *of_protocol[list / kStates];
  switch (list % kStates) {
    case 0:
      return timeouts.fresh;
    case 1:
      return timeouts.established;
    case 2:
      return timeouts.closed;
    default:
      return timeouts.bypassed;
  }
}

void FlowTable::touch(Flow& flow, const Moment& moment) {
  auto& entry = static_cast<Entry&>(flow);
  const std::size_t list = list_of(flow);
  lists_[list].splice(lists_[list].end(), lists_[entry.list], entry.place);
  entry.list = list;
  entry.touched = moment;
  soonest_ = std::min(soonest_, moment.now + timeout_of(list));
}

bool FlowTable::is_expired(const Flow& flow, Timestamp now) const {
  return now >= flow.last + timeout_of(list_of(flow));
}

Flow* FlowTable::expired(Timestamp now, const Flow* but) {
  Timestamp soonest = std::numeric_limits<Timestamp>::max();
  for (std::size_t list = 0; list < lists_.size(); ++list) {
    if (lists_[list].empty()) continue;
    Entry& first = lists_[list].front();
    const Timestamp end = first.touched.now + timeout_of(list);
    if (now >= end && &first != but) return &first;
    soonest = std::min(soonest, end);
  }
  soonest_ = soonest;
  return nullptr;
}

std::uint64_t FlowTable::order_of(const Flow& flow) const {
  const auto& entry = static_cast<const Entry&>(flow);
  return static_cast<std::uint64_t>(entry.list) << 60 | entry.touched.packet;
}

Flow* FlowTable::idlest() {
  // By state: closed, new, bypassed, established.
  for (const std::size_t state : {2u, 0u, 3u, 1u}) {
    Flow* found = nullptr;
    for (std::size_t protocol = 0; protocol < kProtocols; ++protocol) {
      Entries& list = lists_[protocol * kStates + state];
      if (!list.empty() && (found == nullptr || list.front().last < found->last)) found = &list.front();
    }
    if (found != nullptr) return found;
  }
  return nullptr;
}

void FlowTable::remove(Flow& flow) {
  const auto& entry = static_cast<Entry&>(flow);
  room_.flows -= index_.erase(entry.key);
  lists_[entry.list].erase(entry.place);
}

std::vector<Flow*> FlowTable::all() {
  std::vector<Flow*> flows;
  flows.reserve(index_.size());
  for (Entries& list : lists_) {
    for (Entry& entry : list) flows.push_back(&entry);
  }
  std::sort(flows.begin(), flows.end(), [](const Flow* a, const Flow* b) { return a->id < b->id; });
  return flows;
}

}  // namespace tocsin::stream
