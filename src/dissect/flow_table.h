// Live flows: a bounded pool of plain records, found by a hash that is the same for both directions, and queued by how
// long they may stay silent.
//
// A flow takes one record (192 bytes) and a slot or two of 8 bytes in the table: under 220 MiB for a million. Each lane
// is a list ordered by when its flows were last queued. A flow is queued again only when an eighth of its timeout has
// passed since, so that most packets touch no neighbour in the list; the price is that "oldest" is exact to that
// eighth. The hash is keyed with random numbers (an attacker chooses addresses and ports, and must not choose
// collisions); no result depends on it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <type_traits>
#include <vector>

#include "base/index_table.h"
#include "collect/observation.h"
#include "dissect/conn_state.h"
#include "dissect/decode.h"

namespace tocsin::dissect {

enum class Lane : std::uint8_t { kTcpOpen, kTcpAttempt, kTcpClosed, kUdp, kIcmp, kOther };
inline constexpr std::size_t kLanes = 6;

// Of arrays, [0] is the initiator's.
struct alignas(64) FlowState {
  IpAddress ip[2];
  std::uint16_t port[2] = {0, 0};  // as in PacketKey
  std::uint8_t protocol = 0;
  std::uint8_t kind = 0;
  std::uint16_t id = 0;
  Timestamp last = 0;
  Timestamp queued = 0;
  std::uint8_t flags[2] = {0, 0};
  TcpEnd end[2] = {TcpEnd::kInactive, TcpEnd::kInactive};
  bool isn_known[2] = {false, false};
  bool next_known[2] = {false, false};
  std::uint64_t packets[2] = {0, 0};
  std::uint64_t bytes[2] = {0, 0};
  std::uint32_t isn[2] = {0, 0};
  std::uint32_t next[2] = {0, 0};  // highest sequence number expected
  Timestamp first = 0;
  Place place;
  std::uint32_t hash = 0;
  std::uint32_t request = kNoIndex;  // outstanding HTTP request
  std::uint32_t before = kNoIndex, after = kNoIndex;
  Lane lane = Lane::kOther;
  std::uint8_t first_flags = 0;
  bool flags_known = false;
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
};
static_assert(std::is_trivially_copyable_v<FlowState> && sizeof(FlowState) <= 192);

class FlowTable {
 public:
  explicit FlowTable(std::size_t most);

  std::uint32_t hash_of(const PacketKey& key) const;
  // Two steps of warming the cache for a find() soon to come.
  void prefetch_slot(std::uint32_t hash) const { table_.prefetch(hash); }
  void prefetch_flow(std::uint32_t hash) const {
    const std::uint32_t index = table_.guess(hash);
    if (index == kNoIndex) return;
    const FlowState* flow = &at(index);
    __builtin_prefetch(flow);
    __builtin_prefetch(reinterpret_cast<const char*>(flow) + 64);
  }
  // sender: 0 if the packet comes from the flow's initiator, 1 if from its responder.
  std::uint32_t find(std::uint32_t hash, const PacketKey& key, int& sender) const;
  bool full() const { return table_.size() >= most_; }
  std::size_t size() const { return table_.size(); }
  std::size_t bytes() const { return table_.bytes() + chunks_.size() * kChunk * sizeof(FlowState); }
  // A blank record, not queued yet; only while not full().
  std::uint32_t insert(std::uint32_t hash);
  void erase(std::uint32_t index);
  FlowState& at(std::uint32_t index) { return chunks_[index / kChunk][index % kChunk]; }
  const FlowState& at(std::uint32_t index) const { return chunks_[index / kChunk][index % kChunk]; }

  // To the end of a lane, from whichever it is in.
  void queue(std::uint32_t index, Lane lane, Timestamp now);
  std::uint32_t oldest(Lane lane) const { return lanes_[static_cast<std::size_t>(lane)].head; }
  // The flow that was queued the longest ago in any lane, kNoIndex if there is none.
  std::uint32_t oldest() const;

 private:
  // Six MiB: three huge pages. With small ones, looking up the page costs as much as fetching the record.
  static constexpr std::size_t kChunk = 32768;
  struct Release {
    void operator()(FlowState* records) const { std::free(records); }
  };
  static std::unique_ptr<FlowState[], Release> new_chunk();
  struct Ends {
    std::uint32_t head = kNoIndex, tail = kNoIndex;
  };
  void unlink(std::uint32_t index);

  std::size_t most_;
  std::array<std::uint64_t, 4> keys_{};
  IndexTable table_;
  std::vector<std::unique_ptr<FlowState[], Release>> chunks_;
  std::uint32_t used_ = 0;         // records ever taken from the chunks
  std::uint32_t free_ = kNoIndex;  // list of records given back
  std::array<Ends, kLanes> lanes_{};
};

}  // namespace tocsin::dissect
