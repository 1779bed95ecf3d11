// Flows by what their packets have in common: addresses, ports or what takes their place, protocol, VLANs.
//
// Who sends packets chooses the keys, so hashing has a random seed; and can begin any number of flows, so there is a
// limit, beyond which those go that have been silent for longest, unanswered ones first.
#pragma once

#include <functional>
#include <limits>
#include <list>
#include <unordered_map>
#include <utility>

#include "stream/flow.h"
#include "stream/room.h"
#include "stream/settings.h"
#include "stream/streams.h"

namespace tocsin::stream {

struct FlowKey {
  // Ends in order, so that both directions have one key.
  IpAddress low, high;
  std::uint32_t low_port = 0, high_port = 0;
  std::array<std::uint16_t, 3> vlan{};
  std::uint8_t protocol = 0, depth = 0;
  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

// The key of a packet that belongs to a flow; an ICMP error belongs to that of the packet in it.
struct PacketFlow {
  FlowKey key;
  bool may_begin = true;  // errors don't
};
std::optional<PacketFlow> flow_of(const packet::Packet& packet, const Settings& settings);
// The addresses of a packet's flow, in order: those of the packet in it, of an ICMP error.
std::pair<IpAddress, IpAddress> ends_of(const packet::Packet& packet);

class FlowTable {
 public:
  FlowTable(const Settings& settings, Room& room);
  ~FlowTable();

  Flow* find(const FlowKey& key);
  // The new flow takes part of the key; the table must not be full.
  Flow& add(const FlowKey& key);
  bool is_full() const { return room_.flows.load(std::memory_order_relaxed) >= most_; }
  // Its state or its time has changed.
  void touch(Flow& flow, const Moment& moment);
  bool is_expired(const Flow& flow, Timestamp now) const;
  // Of those whose time is over, but for one, the first; null: there is none. What counts is when they were touched, by
  // a time that never goes back: so it is no matter which other flows are in the table.
  Flow* expired(Timestamp now, const Flow* but);
  // Before this time there is none.
  Timestamp next_expiry() const { return soonest_; }
  // Where it stands among those that expire at the same time, in all tables.
  std::uint64_t order_of(const Flow& flow) const;
  // The one that can best be spared; null: the table is empty.
  Flow* idlest();
  void remove(Flow& flow);
  std::size_t size() const { return index_.size(); }
  std::vector<Flow*> all();

 private:
  // What the table gives away as a flow is one of these, so that a flow is found in its list without being looked for.
  struct Entry : Flow {
    FlowKey key;
    std::size_t list = 0;
    Moment touched;
    std::list<Entry>::iterator place;
  };
  using Entries = std::list<Entry>;
  struct Hash {
    std::uint64_t seed;
    std::size_t operator()(const FlowKey& key) const;
  };
  // A list for each protocol and state: within one, whoever was silent for longest is first.
  static constexpr std::size_t kProtocols = 4, kStates = 4;
  std::size_t list_of(const Flow& flow) const;
  Timestamp timeout_of(std::size_t list) const;

  const Settings& settings_;
  Room& room_;
  std::size_t most_;
  Timestamp soonest_ = std::numeric_limits<Timestamp>::max();
  std::array<Entries, kProtocols * kStates> lists_;
  std::unordered_map<FlowKey, Entries::iterator, Hash> index_;
};

}  // namespace tocsin::stream
