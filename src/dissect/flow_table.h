// The live flows of a dissector: an open-addressed index over a slab, and a list a class of timeout, in the order of
// last packets. 200 bytes a flow and 4 to 8 for the index.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "collect/observation.h"
#include "dissect/decode.h"
#include "dissect/dissector.h"

namespace tocsin {

// Both ends in one order, so that a flow has one key from either side.
struct FlowKey {
  IpAddress low, high;
  std::uint16_t low_port = 0, high_port = 0;
  std::uint8_t protocol = 0;
  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

struct PendingRequest {
  std::string method, uri, host, user_agent, referrer;
  Timestamp time = 0;
  Place place;
};

enum class Timeout : std::uint8_t { kClosed, kAttempt, kEstablished, kDatagram };
inline constexpr std::size_t kTimeouts = 4;
inline constexpr std::uint32_t kNone = 0xffffffff;

struct LiveFlow {
  FlowKey key;
  Flow flow;
  std::unique_ptr<PendingRequest> request;
  std::uint32_t previous = kNone, next = kNone;
  Timeout timeout = Timeout::kDatagram;
  bool reset_by_initiator = false;
  bool used = false;
};

class FlowTable {
 public:
  using Ended = std::function<void(LiveFlow&)>;
  FlowTable(const DissectorLimits& limits, Ended ended);
  // The flow of a key; nullptr if there is none.
  LiveFlow* find(const FlowKey& key);
  // A new one, which must not be there; lets the oldest go if the table is full.
  LiveFlow& add(const FlowKey& key, Timeout timeout);
  // Moves a flow to the end of the list of its (new) timeout.
  void touch(LiveFlow& flow, Timeout timeout);
  void end(LiveFlow& flow);
  // Ends what has been idle for longer than its timeout.
  void expire(Timestamp now);
  void end_all();
  std::uint64_t evicted() const { return evicted_; }

 private:
  static std::uint64_t hash(const FlowKey& key);
  std::uint32_t slot_of(const FlowKey& key) const;
  void grow();
  void unlink(std::uint32_t index);
  void link(std::uint32_t index, Timeout timeout);
  std::uint32_t index_of(const LiveFlow& flow) const;

  static constexpr std::size_t kSlab = 4096;
  LiveFlow& at(std::uint32_t index) { return slabs_[index / kSlab][index % kSlab]; }
  const LiveFlow& at(std::uint32_t index) const { return slabs_[index / kSlab][index % kSlab]; }

  std::size_t most_;
  std::array<Timestamp, kTimeouts> after_;
  Ended ended_;
  std::vector<std::unique_ptr<LiveFlow[]>> slabs_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> slots_;
  std::size_t count_ = 0;
  std::array<std::uint32_t, kTimeouts> heads_, tails_;
  std::uint64_t evicted_ = 0;
};

}  // namespace tocsin
