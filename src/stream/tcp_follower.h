// Follows TCP connections, packet by packet (RFC 9293), and feeds their applications.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "stream/room.h"
#include "stream/settings.h"
#include "stream/streams.h"
#include "stream/tcp_session.h"

namespace tocsin::stream {

struct TcpCounts {
  std::uint64_t sessions = 0, active = 0, session_memcap = 0, pseudo = 0, wrong_checksums = 0, midstream = 0,
                unseen_acknowledged = 0, segment_memcap = 0, depth_reached = 0, gaps = 0, overlaps = 0,
                different_overlaps = 0, insert_failures = 0, urgent_bytes = 0;
  std::map<std::string, std::uint64_t, std::less<>> events, policies;
};

class TcpFollower {
 public:
  TcpFollower(const Settings& settings, const protocol::ProtocolSettings& protocols, Room& room);

  // Fills what `followed` says of the stream. Its side may change: the flow may turn out to be the other way round.
  void take(Flow& flow, const packet::Packet& packet, Followed& followed);
  // No more will come of a side: all that has come becomes readable, and `look` is called for each piece of it.
  void finish(Flow& flow, const packet::Packet& packet, Followed& followed, const std::function<void()>& look);
  // Whether a packet of the same addresses and ports begins another connection.
  bool starts_anew(const Flow& flow, const packet::Packet& packet, Side side) const;
  void forget(Flow& flow);
  // Client and server change places.
  void reverse(Flow& flow);

  // What happens to a packet, and its flow, when the engine can't do its work on it.
  void apply(packet::ExceptionPolicy policy, std::string_view target, std::string_view reason, Flow* flow,
             Followed& followed);

  // Called when a flow gets its application, before it is fed.
  std::function<void(Flow& flow)> announce;

  const TcpCounts& counts() const { return counts_; }
  std::uint64_t memory() const { return memory_; }

 private:
  using Fields = packet::TcpFields;

  // Of the packet in hand.
  bool to_server() const { return side_ == Side::kToServer; }
  Half& sender() { return session_->half(side_); }
  Half& receiver() { return session_->half(other(side_)); }
  Half& client() { return session_->half(Side::kToServer); }
  Half& server() { return session_->half(Side::kToClient); }
  std::uint32_t length() const { return static_cast<std::uint32_t>(packet_->payload.size()); }
  std::uint32_t after_payload() const { return tcp_->sequence + length(); }
  std::int64_t second() const { return packet_->time / kSecond; }
  void event(std::string_view name);
  bool bad(std::string_view name);  // an event; false
  void enter(TcpState state);

  bool follow();
  bool dispatch(TcpState state);
  // Each state's function: false if the packet is not one of the connection.
  bool in_none();
  bool in_syn_sent();
  bool in_syn_received();
  bool in_established();
  bool in_fin_wait_1();
  bool in_fin_wait_2();
  bool in_closing();
  bool in_close_wait();
  bool in_last_ack();
  bool in_time_wait();
  bool in_closed();

  // tcp_handshake.cc
  bool make_session();
  void pick_up();
  void start_timestamps(Half& from, Half& to);
  bool has_wrong_echo();
  bool answers_syn(bool is_wrong_time);
  bool answers_fast_open(bool is_wrong_time);
  bool apply_queued_syn();
  void apply_syn(const Handshake& syn);
  void take_syn_again();
  void take_answer(const Handshake& answer);
  bool take_four_way_answer();
  bool queue_answer();
  bool take_handshake_ack();
  bool midstream_allowed();

  // tcp_established.cc
  bool take_data();
  bool take_fin();
  bool take_reset();  // of a connection that was established
  bool is_retransmission(const Half& half);
  bool is_keep_alive();
  bool is_keep_alive_answer();
  bool is_probe_answer();
  bool is_shutdown_ack();
  bool is_window_update();
  bool is_bad_window_update();
  bool is_outdated_ack();
  int spurious_retransmission();

  // tcp_closing.cc
  std::optional<bool> take_other();
  bool take_rest(bool is_retransmission, std::uint32_t slack);
  bool is_in_window();

  // tcp_checks.cc
  void set_system(Half& half);
  bool has_right_ack(Half& half);  // of what the half sent
  bool is_right_reset();
  bool has_right_timestamp();
  bool take_timestamp();
  void acknowledge(Half& half, std::uint32_t acknowledgement);
  void set_next(Half& half, std::uint32_t next);
  void widen(Half& half);
  void take_sack(Half& half);

  // tcp_reassembly.cc
  bool reassemble(Side side);
  bool insert(Half& half);
  void feed(Side side);
  bool feed_bytes(Side side, Half& half, bool is_end);
  void prune(Side side);
  std::uint64_t fits(Half& half, std::uint32_t sequence, std::uint64_t size);

  const Settings& settings_;
  const protocol::ProtocolSettings& protocols_;
  packet::HostPolicy hosts_;
  TcpCounts counts_;
  std::atomic<std::uint64_t>& memory_;  // of all who follow

  Flow* flow_ = nullptr;
  const packet::Packet* packet_ = nullptr;
  const Fields* tcp_ = nullptr;
  Followed* followed_ = nullptr;
  TcpSession* session_ = nullptr;
  Side side_ = Side::kToServer;
  bool is_flush_ = false, is_added_ = false;
};

}  // namespace tocsin::stream
