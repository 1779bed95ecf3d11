// How connections begin: three packets as a rule, four when both sides begin, fewer when the beginning was not seen.
//
// An attacker may send SYNs and answers that the sensor sees and the target does not take. So none is believed before
// the handshake is whole: those that were replaced are kept, up to a limit, until an acknowledgement tells which it
// was.
#include <algorithm>

#include "stream/tcp_follower.h"

namespace tocsin::stream {
namespace {

using packet::kAck;
using packet::kFin;
using packet::kRst;
using packet::kSyn;

// What is assumed of connections whose beginning was not seen.
constexpr std::uint8_t kLargestScale = 14;

Handshake handshake_of(const packet::Packet& packet) {
  const packet::TcpFields& tcp = packet.tcp;
  Handshake one;
  one.sequence = tcp.sequence;
  one.acknowledgement = tcp.acknowledgement;
  one.window = tcp.window;
  one.has_scale = tcp.window_scale.has_value();
  one.scale = tcp.window_scale.value_or(0);
  one.has_sack = tcp.sack_permitted;
  one.has_timestamp = tcp.timestamps.has_value();
  one.timestamp = tcp.timestamps ? (*tcp.timestamps)[0] : 0;
  one.second = packet.time / kSecond;
  return one;
}

}  // namespace

bool TcpFollower::make_session() {
  if (settings_.no_session_at && packet_->number == settings_.no_session_at) {
    ++counts_.session_memcap;
    apply(settings_.session_policy, "tcp.ssn_memcap", "stream memcap", flow_, *followed_);
    return false;
  }
  flow_->tcp = std::make_unique<TcpSession>();
  session_ = flow_->tcp.get();
  ++counts_.sessions;
  ++counts_.active;
  return true;
}

// Whether what began unseen may be followed.
bool TcpFollower::midstream_allowed() {
  const auto policy = settings_.midstream_policy;
  apply(policy, "tcp.midstream", "stream midstream", flow_, *followed_);
  if (!settings_.midstream) return false;
  return policy == packet::ExceptionPolicy::kIgnore || policy == packet::ExceptionPolicy::kPassFlow;
}

// The timestamps of one packet, of who sent it and of what it echoes.
void TcpFollower::start_timestamps(Half& from, Half& to) {
  if (!tcp_->timestamps) {
    from.timestamp = to.timestamp = 0;
    return;
  }
  from.timestamp = (*tcp_->timestamps)[0];
  to.timestamp = (*tcp_->timestamps)[1];
  session_->has_timestamps = true;
  from.timestamp_second = second();
  from.is_zero_timestamp |= from.timestamp == 0;
  to.is_zero_timestamp |= to.timestamp == 0;
}

bool TcpFollower::in_none() {
  if (tcp_->has(kRst)) return bad("rst_but_no_session");
  if (tcp_->has(kFin)) {
    if (!midstream_allowed() || length() == 0) return bad("fin_but_no_session");
    if (!make_session()) return false;
    ++counts_.midstream;
    enter(TcpState::kFinWait1);
    pick_up();
    return true;
  }
  if (tcp_->has(kSyn) && tcp_->has(kAck)) {
    if (!midstream_allowed() && !(settings_.async_oneside && !settings_.midstream)) return true;
    if (!make_session()) return false;
    ++counts_.midstream;
    // Who answers is the server.
    if (to_server()) {
      reverse(*flow_);
      side_ = other(side_);
      followed_->side = side_;
    }
    enter(TcpState::kSynReceived);
    session_->is_midstream = session_->is_midstream_synack = true;
    session_->is_one_sided = settings_.async_oneside;
    server().start_at(tcp_->sequence);
    server().next = tcp_->sequence + 1;
    server().window = tcp_->window;
    client().start_at(tcp_->acknowledgement - 1);
    client().next = tcp_->acknowledgement;
    client().acknowledged = tcp_->acknowledgement;
    server().acknowledged = tcp_->sequence;
    server().limit = server().acknowledged + server().window;
    if (tcp_->window_scale) {
      client().scale = *tcp_->window_scale;
      server().scale = kLargestScale;
    }
    start_timestamps(server(), client());
    session_->sacks = tcp_->sack_permitted;
    return true;
  }
  if (tcp_->has(kSyn)) {
    if (!make_session()) return false;
    enter(TcpState::kSynSent);
    session_->is_one_sided = settings_.async_oneside;
    client().start_at(tcp_->sequence);
    client().next = tcp_->sequence + 1;
    if (tcp_->timestamps) {
      client().timestamp = (*tcp_->timestamps)[0];
      client().is_zero_timestamp = client().timestamp == 0;
      client().timestamp_second = second();
      client().has_timestamp = true;
    }
    server().window = tcp_->window;
    if (tcp_->window_scale) {
      session_->client_scales = true;
      server().scale = *tcp_->window_scale;
    }
    session_->client_sacks = tcp_->sack_permitted;
    if (tcp_->has_fast_open) {
      session_->is_fast_open = true;
      if (length() > 0) {
        set_next(client(), client().next + length());
        reassemble(Side::kToServer);
        followed_->is_stream_established = true;
      }
    }
    return true;
  }
  if (!tcp_->has(kAck) || !midstream_allowed()) return true;
  if (!make_session()) return false;
  ++counts_.midstream;
  enter(TcpState::kEstablished);
  pick_up();
  return true;
}

// In the middle, or at a FIN with data: whoever was heard first is taken for the client.
void TcpFollower::pick_up() {
  const bool is_fin = tcp_->has(kFin);
  session_->is_midstream = session_->is_midstream_established = true;
  session_->is_one_sided = settings_.async_oneside;
  client().scale = server().scale = kLargestScale;
  client().start_at(tcp_->sequence - 1);
  client().next = after_payload() + (is_fin ? 1 : 0);
  client().window = std::uint32_t{tcp_->window} << kLargestScale;
  client().acknowledged = tcp_->sequence;
  client().limit = client().acknowledged + client().window;
  server().start_at(tcp_->acknowledgement - 1);
  server().next = server().acknowledged = server().limit = tcp_->acknowledgement;
  start_timestamps(client(), server());
  session_->sacks = true;
  reassemble(Side::kToServer);
}

bool TcpFollower::has_wrong_echo() {
  if (to_server() || !tcp_->timestamps) return false;
  const std::uint32_t echo = (*tcp_->timestamps)[1];
  if (client().has_timestamp) return client().timestamp != 0 && echo != 0 && echo != client().timestamp;
  return client().timestamp == 0 && echo != 0;
}

void TcpFollower::apply_syn(const Handshake& syn) {
  if (syn.has_timestamp) {
    client().timestamp_second = syn.second;
    client().timestamp = syn.timestamp;
    client().has_timestamp = true;
  }
  session_->client_scales = syn.has_scale;
  server().scale = syn.has_scale ? syn.scale : std::uint8_t{0};
  server().window = syn.window;
  session_->client_sacks = syn.has_sack;
  client().start_at(syn.sequence);
  client().next = syn.sequence + 1;
}

// A SYN that was replaced, and is the one that this answers.
bool TcpFollower::apply_queued_syn() {
  const std::uint32_t sequence = tcp_->acknowledgement - 1;
  for (const Handshake& syn : session_->queue) {
    const bool is_it = tcp_->timestamps
                           ? syn.has_timestamp && syn.timestamp == (*tcp_->timestamps)[1] && syn.sequence == sequence
                           : settings_.liberal_timestamps && syn.sequence == sequence;
    if (!is_it) continue;
    apply_syn(Handshake(syn));
    return true;
  }
  return false;
}

bool TcpFollower::answers_syn(bool is_wrong_time) {
  const bool is_right = tcp_->acknowledgement == client().first + 1;
  if ((is_right && !is_wrong_time) || apply_queued_syn()) return true;
  return bad(is_right ? "pkt_invalid_timestamp" : "3whs_synack_with_wrong_ack");
}

bool TcpFollower::answers_fast_open(bool is_wrong_time) {
  const bool has_data = tcp_->acknowledgement == client().next, has_none = tcp_->acknowledgement == client().first + 1;
  if (!has_data && has_none && !is_wrong_time) {
    client().next = client().first;
    event("3whs_synack_tfo_data_ignored");
    session_->is_fast_open_ignored = true;
  } else if ((!has_data || is_wrong_time) && !apply_queued_syn()) {
    return bad(has_data || has_none ? "pkt_invalid_timestamp" : "3whs_synack_with_wrong_ack");
  }
  session_->is_fast_open = true;
  return true;
}

bool TcpFollower::in_syn_sent() {
  if (tcp_->has(kSyn) && tcp_->has(kAck)) {
    if (to_server()) return take_four_way_answer();
    const bool is_wrong_time = !settings_.liberal_timestamps && has_wrong_echo();
    const bool is_fast_open = tcp_->has_fast_open || session_->is_fast_open;
    if (!(is_fast_open ? answers_fast_open(is_wrong_time) : answers_syn(is_wrong_time))) return false;
    session_->queue.clear();
    take_answer(handshake_of(*packet_));
    return true;
  }
  if (has_wrong_echo()) return bad("pkt_invalid_timestamp");
  if (tcp_->has(kRst)) {
    if (!is_right_reset()) return false;
    if (to_server()) {
      if (tcp_->sequence != client().first || tcp_->window != 0 || tcp_->acknowledgement != client().first + 1) {
        return true;
      }
    }
    receiver().was_reset = true;
    session_->is_reset = true;
    enter(TcpState::kClosed);
    session_->queue.clear();
    return true;
  }
  if (tcp_->has(kFin)) return true;
  if (tcp_->has(kSyn)) {
    if (to_server()) {
      take_syn_again();
      return true;
    }
    // The other side begins as well (RFC 9293 section 3.5, simultaneous open).
    session_->is_four_way = true;
    server().start_at(tcp_->sequence);
    server().next = tcp_->sequence + 1;
    if (tcp_->timestamps) {
      server().timestamp = (*tcp_->timestamps)[0];
      server().is_zero_timestamp |= server().timestamp == 0;
      server().timestamp_second = second();
      server().has_timestamp = true;
    }
    server().window = tcp_->window;
    session_->client_scales = tcp_->window_scale.has_value();
    server().scale = tcp_->window_scale.value_or(0);
    session_->client_sacks = tcp_->sack_permitted;
    return true;
  }
  if (!tcp_->has(kAck) || !settings_.async_oneside) return true;
  // No answer was seen, and its acknowledgement was: only this side is.
  if (tcp_->sequence != client().next) return bad("3whs_async_wrong_seq");
  session_->is_one_sided = true;
  enter(TcpState::kEstablished);
  session_->queue.clear();
  client().window = tcp_->window;
  client().acknowledged = tcp_->sequence;
  client().limit = client().acknowledged + client().window;
  server().start_at(tcp_->acknowledgement - 1);
  server().next = server().acknowledged = server().limit = tcp_->acknowledgement;
  if (session_->client_scales) client().scale = kLargestScale;
  if (tcp_->timestamps && client().has_timestamp) {
    session_->has_timestamps = true;
    client().has_timestamp = false;
    client().timestamp_second = second();
  } else {
    client().timestamp = 0;
    client().is_zero_timestamp = false;
  }
  session_->sacks |= session_->client_sacks;
  reassemble(Side::kToServer);
  return true;
}

void TcpFollower::take_syn_again() {
  Handshake former;
  former.sequence = client().first;
  former.window = static_cast<std::uint16_t>(server().window);
  former.second = client().timestamp_second;
  former.has_sack = session_->client_sacks;
  former.has_scale = session_->client_scales;
  former.scale = former.has_scale ? server().scale : std::uint8_t{0};
  former.has_timestamp = client().has_timestamp;
  former.timestamp = former.has_timestamp ? client().timestamp : 0;
  const Handshake syn = handshake_of(*packet_);
  const bool is_same = former.sequence == syn.sequence && former.window == syn.window &&
                       former.has_sack == syn.has_sack && former.has_scale == syn.has_scale &&
                       former.scale == syn.scale && former.has_timestamp == syn.has_timestamp &&
                       former.timestamp == syn.timestamp && former.second == syn.second;
  auto& queue = session_->queue;
  if (!is_same) {
    const bool is_known = std::any_of(queue.begin(), queue.end(), [&](const Handshake& one) {
      return former.has_timestamp && one.has_timestamp && one.timestamp == former.timestamp &&
             one.sequence == former.sequence;
    });
    if (!is_known) {
      if (!queue.empty() && queue.size() >= settings_.max_syn_queued) {
        event("3whs_syn_flood");
        queue.erase(queue.begin());
      }
      queue.push_back(former);
    }
  }
  apply_syn(syn);
}

// The server's SYN, as part of a handshake of three.
void TcpFollower::take_answer(const Handshake& answer) {
  enter(TcpState::kSynReceived);
  server().start_at(answer.sequence);
  server().next = answer.sequence + 1;
  client().window = answer.window;
  if (answer.has_timestamp && client().has_timestamp) {
    server().timestamp = answer.timestamp;
    session_->has_timestamps = true;
    server().timestamp_second = answer.second;
    server().is_zero_timestamp |= answer.timestamp == 0;
  } else {
    client().timestamp = server().timestamp = 0;
    client().is_zero_timestamp = false;
  }
  client().acknowledged = answer.acknowledgement;
  server().acknowledged = server().first + 1;
  client().scale = session_->client_scales && answer.has_scale ? answer.scale : std::uint8_t{0};
  session_->sacks = session_->client_sacks && answer.has_sack;
  server().limit = server().acknowledged + server().window;
  client().limit = client().acknowledged + client().window;
  session_->is_four_way = false;
}

// The client's answer to the server's SYN, after its own.
bool TcpFollower::take_four_way_answer() {
  if (!session_->is_four_way) return bad("3whs_synack_in_wrong_direction");
  if (tcp_->acknowledgement != server().first + 1) return bad("4whs_synack_with_wrong_ack");
  if (tcp_->sequence != client().first) return bad("4whs_synack_with_wrong_syn");
  enter(TcpState::kSynReceived);
  client().start_at(tcp_->sequence);
  client().next = tcp_->sequence + 1;
  server().window = tcp_->window;
  if (tcp_->timestamps && server().has_timestamp) {
    client().timestamp = (*tcp_->timestamps)[0];
    session_->has_timestamps = true;
    client().timestamp_second = second();
    client().is_zero_timestamp |= client().timestamp == 0;
  } else {
    client().timestamp = server().timestamp = 0;
    server().is_zero_timestamp = false;
  }
  server().acknowledged = tcp_->acknowledgement;
  client().acknowledged = client().first + 1;
  server().scale = session_->client_scales && tcp_->window_scale ? *tcp_->window_scale : std::uint8_t{0};
  session_->sacks |= session_->client_sacks && tcp_->sack_permitted;
  client().limit = client().acknowledged + client().window;
  server().limit = server().acknowledged + server().window;
  return true;
}

bool TcpFollower::queue_answer() {
  const Handshake answer = handshake_of(*packet_);
  auto& queue = session_->queue;
  const bool is_known = std::any_of(queue.begin(), queue.end(), [&](const Handshake& one) {
    return one.sequence == answer.sequence && one.acknowledgement == answer.acknowledgement &&
           one.window == answer.window && one.timestamp == answer.timestamp && one.scale == answer.scale &&
           one.has_scale == answer.has_scale && one.has_sack == answer.has_sack &&
           one.has_timestamp == answer.has_timestamp;
  });
  if (is_known) return true;
  if (queue.size() >= settings_.max_synack_queued) return bad("3whs_synack_flood");
  queue.insert(queue.begin(), answer);
  return true;
}

bool TcpFollower::in_syn_received() {
  if (tcp_->has(kRst)) {
    if (!is_right_reset()) return false;
    // Some systems hold the connection that a wrong acknowledgement was sent on for none of theirs.
    const auto system = receiver().system;
    if (session_->is_evasion && (system == packet::HostSystem::kLinux || system == packet::HostSystem::kOldLinux ||
                                 system == packet::HostSystem::kSolaris)) {
      return true;
    }
    session_->is_reset = true;
    enter(TcpState::kClosed);
    if (session_->has_timestamps) take_timestamp();
    return true;
  }
  if (tcp_->has(kFin)) {
    if (session_->has_timestamps && !has_right_timestamp()) return false;
    return take_fin();
  }
  if (tcp_->has(kSyn) && tcp_->has(kAck)) {
    if (to_server()) return bad("3whs_synack_toserver_on_syn_recv");
    if (tcp_->acknowledgement != client().acknowledged) return bad("3whs_synack_resend_with_different_ack");
    return tcp_->sequence == server().first || queue_answer();
  }
  if (tcp_->has(kSyn)) {
    if (!to_server()) return bad("3whs_syn_toclient_on_syn_recv");
    if (tcp_->sequence != client().first) return bad("3whs_syn_resend_diff_seq_on_syn_recv");
    return true;
  }
  return !tcp_->has(kAck) || take_handshake_ack();
}

bool TcpFollower::take_handshake_ack() {
  for (const Handshake& answer : session_->queue) {
    if (tcp_->acknowledgement - 1 != answer.sequence || tcp_->sequence != answer.acknowledgement) continue;
    take_answer(Handshake(answer));
    break;
  }
  if (session_->has_timestamps && !has_right_timestamp()) return false;
  const std::uint32_t sequence = tcp_->sequence, ack = tcp_->acknowledgement;

  if (session_->is_four_way && !to_server()) {
    if (sequence != server().next) return bad("4whs_wrong_seq");
    if (!has_right_ack(client())) return bad("4whs_invalid_ack");
    if (session_->has_timestamps) take_timestamp();
    acknowledge(client(), ack);
    set_next(server(), server().next + length());
    client().window = std::uint32_t{tcp_->window} << client().scale;
    client().limit = client().acknowledged + client().window;
    enter(TcpState::kEstablished);
    reassemble(Side::kToClient);
    return true;
  }

  bool has_missed_ack = false;
  if (!to_server() && !session_->is_midstream_synack && !session_->is_fast_open) {
    // The client's acknowledgement was lost, or someone speaks in the server's name.
    if (settings_.is_inline) {
      const bool is_data = length() > 0 && ack == client().acknowledged && sequence == server().next;
      return bad(is_data ? "3whs_ack_data_inject" : "3whs_ack_in_wrong_dir");
    }
    has_missed_ack = true;
  }

  const auto assume_scales = [&] {
    client().scale = server().scale = kLargestScale;
    session_->sacks = true;
  };
  if (sequence == client().next && ack == server().next) {
    if (session_->has_timestamps) take_timestamp();
    acknowledge(server(), ack);
    set_next(client(), client().next + length());
    server().window = std::uint32_t{tcp_->window} << server().scale;
    server().limit = server().acknowledged + server().window;
    if (session_->is_midstream) {
      client().window = std::uint32_t{tcp_->window} << client().scale;
      client().limit = client().acknowledged + client().window;
      if (!session_->is_midstream_synack) assume_scales();
    }
    enter(TcpState::kEstablished);
    if (length() > 0) followed_->is_established = true;
    reassemble(Side::kToServer);
  } else if (settings_.async_oneside && sequence == server().next) {
    session_->is_one_sided = true;
    server().next += length();
    server().acknowledged = sequence;
    client().window = std::uint32_t{tcp_->window} << client().scale;
    client().acknowledged = ack;
    if (session_->has_timestamps) take_timestamp();
    if (session_->is_midstream) {
      server().window = tcp_->window;
      server().limit = server().acknowledged + server().window;
      assume_scales();
    }
    enter(TcpState::kEstablished);
    reassemble(Side::kToClient);
  } else if (sequence == client().next) {
    session_->is_evasion = true;
    return bad("3whs_right_seq_wrong_ack_evasion");
  } else if (!to_server() && !settings_.is_inline && after(sequence, client().next) &&
             after(ack, client().acknowledged)) {
    // More of the server: something was lost.
    if (session_->has_timestamps) take_timestamp();
    acknowledge(client(), ack);
    server().next = after_payload();
    client().limit = client().acknowledged + (std::uint32_t{tcp_->window} << client().scale);
    client().window = tcp_->window;
    server().limit = server().acknowledged + server().window;
    enter(TcpState::kEstablished);
    reassemble(Side::kToClient);
  } else if (after(sequence, client().next) && not_after(sequence, client().limit) && ack == server().next) {
    if (session_->has_timestamps) take_timestamp();
    client().next = after_payload();
    acknowledge(server(), ack);
    server().window = std::uint32_t{tcp_->window} << server().scale;
    server().limit = server().acknowledged + server().window;
    if (session_->is_midstream) {
      client().window = tcp_->window;
      assume_scales();
    }
    enter(TcpState::kEstablished);
    reassemble(Side::kToServer);
  } else if ((has_missed_ack || session_->is_fast_open) && ack == client().acknowledged && sequence == server().next) {
    set_next(server(), after_payload());
    server().window = std::uint32_t{tcp_->window} << server().scale;
    server().limit = server().acknowledged + server().window;
    enter(TcpState::kEstablished);
    reassemble(Side::kToClient);
  } else {
    return bad("3whs_wrong_seq_wrong_ack");
  }
  return true;
}

}  // namespace tocsin::stream
