// From packets to flows and the bytes that they carry.
//
// TCP is followed as the receiver would: overlaps by the policy of the target system (Novak and Sturges, "Target-Based
// TCP Stream Reassembly", 2007), windows, retransmissions with other bytes, wrap-around, gaps, pick-up in the middle
// (stream.midstream), one side only (stream.async-oneside). Bytes become readable when they are acknowledged, or at
// once with stream.inline. Memory is bounded for a flow (stream.reassembly.depth, 1 MiB) and in all
// (stream.reassembly.memcap); what does not fit is counted. Events are named as the rule language has them, without
// the keyword: "3whs_ack_in_wrong_dir", "est_packet_out_of_window", "reassembly_overlap_different_data".
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/options.h"
#include "packet/packet.h"
#include "stream/flow.h"
#include "stream/room.h"

namespace tocsin::stream {

// Where one is in a capture.
struct Moment {
  std::uint64_t packet = 0;  // its number among all packets, those within others too
  Timestamp now = 0;         // the newest time so far
};

// What following a packet said.
struct Followed {
  Flow* flow = nullptr;  // null: the packet belongs to none
  Side side = Side::kToServer;
  bool is_established = false;           // both sides were heard before or with this packet
  bool is_stream_established = false;    // TCP: the handshake is whole, or was picked up, now
  bool is_added = false;                 // TCP: the packet's payload was taken into the stream
  std::vector<std::string_view> events;  // of the stream
  bool is_wrong_checksum = false;        // the packet was not taken into the stream
  bool should_drop = false;              // by an exception policy or, inline, by the stream itself
  std::string_view drop_reason;          // as EVE has it: "stream error", "stream urgent" ...
  packet::ExceptionPolicy policy = packet::ExceptionPolicy::kNone;  // that was applied to the packet
};

class Streams {
 public:
  // options: stream.*, flow.*, flow-timeouts.*, host-os-policy.*, vlan.use-for-tracking.
  // room: of all that follow parts of the same capture.
  explicit Streams(const Options& options, std::shared_ptr<Room> room = std::make_shared<Room>());
  ~Streams();

  // Finds the flow, follows TCP, and feeds the application of the flow with what has become readable; then flows that
  // have been silent for too long end. These are follow and expire, one moment being that of each packet.
  Followed take(const packet::Packet& packet);

  // For those that see a part of the packets: each moment is of the whole capture, and expire comes for each.
  Followed follow(const packet::Packet& packet, const Moment& moment);
  void expire(const Moment& moment);
  // Before this time, expire does nothing.
  Timestamp next_expiry() const;

  // Called for each flow that has ended, before it goes. Until then `flush` is called with a packet for each side of a
  // TCP flow in which something may not have been looked at, all bytes being readable by then.
  std::function<void(Flow&)> ended;
  std::function<void(const packet::Packet& packet, const Followed& followed)> flush;
  // Called before a flow ends by expire or finish, with a number above 0. Of all flows that end at one moment, whoever
  // follows them, the one with the lower number goes first.
  std::function<void(std::uint64_t)> ending;
  // All flows end.
  void finish();
  void finish(const Moment& moment);

  // By the names of Suricata's stats: "tcp.sessions", "tcp.reassembly_gap", "flow.total" ...
  const std::map<std::string, std::uint64_t, std::less<>>& counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::stream
