// Connections that carry data.
#include "stream/tcp_follower.h"

namespace tocsin::stream {
namespace {

using packet::kAck;
using packet::kFin;
using packet::kRst;
using packet::kSyn;

}  // namespace

bool TcpFollower::in_established() {
  if (tcp_->has(kRst)) {
    if (!is_right_reset()) return false;
    session_->is_reset = true;
    enter(TcpState::kClosed);
    sender().next = after_payload() + (to_server() ? 0 : 1);
    receiver().next = tcp_->acknowledgement;
    sender().window = std::uint32_t{tcp_->window} << sender().scale;
    return take_reset();
  }
  if (tcp_->has(kFin)) {
    if (session_->has_timestamps && !has_right_timestamp()) return false;
    return take_fin();
  }
  if (tcp_->has(kSyn) && tcp_->has(kAck)) {
    if (to_server()) return bad("est_synack_toserver");
    if (tcp_->acknowledgement != client().acknowledged) return bad("est_synack_resend_with_different_ack");
    if (tcp_->sequence != server().first) return bad("est_synack_resend_with_diff_seq");
    if (session_->is_confirmed) return bad("est_synack_resend");
    return true;  // the server has not got the last packet of the handshake
  }
  if (tcp_->has(kSyn)) {
    if (!to_server()) return bad("est_syn_toclient");
    return bad(tcp_->acknowledgement != client().first ? "est_syn_resend_diff_seq" : "est_syn_resend");
  }
  if (!tcp_->has(kAck)) return true;
  if (session_->has_timestamps && !has_right_timestamp()) return false;
  if (!to_server()) session_->is_confirmed = true;
  // What is wrong with it is told, and no more: it does not end the connection.
  take_data();
  return true;
}

bool TcpFollower::take_data() {
  Half& from = sender();
  Half& to = receiver();
  const std::uint32_t sequence = tcp_->sequence, ack = tcp_->acknowledgement, end = after_payload();
  if (to.has_probed && ack == to.next + 1) {
    event("est_ack_zwp_data");
  } else if (!has_right_ack(to)) {
    return bad("est_invalid_ack");
  }
  if (!to_server() && session_->is_midstream && session_->is_midstream_established) {
    from.window = std::uint32_t{tcp_->window} << from.scale;
    from.limit = from.acknowledged + from.window;
    session_->is_midstream_established = false;
  }

  const bool is_keep_alive = length() <= 1 && sequence == from.next - 1;
  if (!is_keep_alive && before(end, from.acknowledged)) {
    if (session_->is_one_sided) {
      acknowledge(from, sequence);
    } else if (to_server() && settings_.async_oneside && session_->is_midstream &&
               (from.next == sequence || from.acknowledged == from.first + 1)) {
      acknowledge(from, sequence);
      session_->is_one_sided = true;
    } else if (!after(from.acknowledged, from.next) || !after(end, from.next)) {
      // But for bytes that were acknowledged and not seen.
      return bad("est_pkt_before_last_ack");
    }
  }
  if (length() == 1 && sequence == from.next && from.window == 0) {  // a probe of a closed window
    from.has_probed = true;
    reassemble(side_);
    return true;
  }
  if (not_before(end, from.next)) set_next(from, end);
  if (!not_after(end, from.limit) && !session_->is_midstream && !session_->is_one_sided) {
    return bad("est_packet_out_of_window");
  }
  to.window = std::uint32_t{tcp_->window} << to.scale;
  acknowledge(to, ack);
  if (!session_->is_one_sided && after(to.acknowledged, to.next)) ++counts_.unseen_acknowledged;
  if (session_->has_timestamps) take_timestamp();
  take_sack(to);
  widen(to);
  reassemble(side_);
  return true;
}

bool TcpFollower::take_reset() {
  if (tcp_->has(kAck) && has_right_ack(receiver())) acknowledge(receiver(), tcp_->acknowledgement);
  acknowledge(sender(), tcp_->sequence);
  if (session_->has_timestamps) take_timestamp();
  reassemble(side_);
  return true;
}

bool TcpFollower::take_fin() {
  Half& from = sender();
  Half& to = receiver();
  if (!has_right_ack(to)) return bad("fin_invalid_ack");
  if (before(tcp_->sequence, from.acknowledged) || after(after_payload(), from.limit)) {
    return bad("fin_out_of_window");
  }
  if (to_server() && tcp_->has(kSyn)) return bad("fin_syn");
  enter(to_server() ? TcpState::kCloseWait : TcpState::kFinWait1);
  from.next = after_payload() + (to_server() ? 0 : 1);
  to.window = std::uint32_t{tcp_->window} << to.scale;
  if (session_->has_timestamps) take_timestamp();
  if (before(to.next, tcp_->acknowledgement)) to.next = tcp_->acknowledgement;
  if (tcp_->has(kAck)) acknowledge(to, tcp_->acknowledgement);
  reassemble(side_);
  return true;
}

bool TcpFollower::is_keep_alive() {
  if (length() > 1 || tcp_->has(kSyn) || tcp_->has(kFin) || tcp_->has(kRst)) return false;
  if (tcp_->acknowledgement != receiver().acknowledged || tcp_->sequence != sender().next - 1) return false;
  sender().is_kept_alive = true;
  return true;
}

bool TcpFollower::is_keep_alive_answer() {
  if (length() > 0 || tcp_->has(kSyn) || tcp_->has(kFin) || tcp_->has(kRst) || tcp_->window == 0) return false;
  Half& to = receiver();
  if ((std::uint32_t{tcp_->window} << to.scale) != to.window || !to.is_kept_alive ||
      tcp_->acknowledgement != to.acknowledged || tcp_->sequence != sender().next) {
    return false;
  }
  to.is_kept_alive = false;
  return true;
}

bool TcpFollower::is_probe_answer() {
  constexpr std::uint8_t kFlags = kAck | kSyn | kFin | kRst;
  const Half& to = receiver();
  return session_->state >= TcpState::kEstablished && length() == 0 && (tcp_->flags & kFlags) == kAck &&
         to.has_probed && tcp_->window == 0 && to.window == 0 && tcp_->sequence == sender().next &&
         tcp_->acknowledgement == to.acknowledged;
}

bool TcpFollower::is_shutdown_ack() {
  const TcpState state = session_->state;
  if (state != TcpState::kTimeWait && state != TcpState::kCloseWait && state != TcpState::kLastAck) return false;
  return tcp_->flags == kAck && length() == 0 && tcp_->sequence == sender().next + 1 &&
         tcp_->acknowledgement == receiver().next + 1;
}

bool TcpFollower::is_window_update() {
  if (session_->state < TcpState::kEstablished || length() > 0 || tcp_->window == 0) return false;
  if (tcp_->has(kSyn) || tcp_->has(kFin) || tcp_->has(kRst)) return false;
  const Half& to = receiver();
  return (std::uint32_t{tcp_->window} << to.scale) != to.window && tcp_->acknowledgement == to.acknowledged &&
         tcp_->sequence == sender().next;
}

// A window that shrinks by more than was sent, in a packet that is ahead of what was seen.
bool TcpFollower::is_bad_window_update() {
  if (session_->state < TcpState::kEstablished || session_->state == TcpState::kClosed) return false;
  if (tcp_->has(kSyn) || tcp_->has(kFin) || tcp_->has(kRst)) return false;
  const Half& to = receiver();
  const std::uint32_t window = std::uint32_t{tcp_->window} << to.scale;
  if (window >= to.window) return false;
  const std::uint32_t shrunk = to.window - window;
  if (shrunk <= length() || !after(tcp_->acknowledgement, to.next) || !after(tcp_->sequence, sender().next)) {
    return false;
  }
  // Somewhat more is usual, unless the window is small.
  constexpr std::uint32_t kSmall = 1024, kMargin = 32;
  const std::uint32_t expected = tcp_->acknowledgement - to.acknowledged + (window > kSmall ? kMargin : 0);
  if (shrunk <= expected) return false;
  event("pkt_bad_window_update");
  return true;
}

bool TcpFollower::is_outdated_ack() {
  constexpr std::uint8_t kFlags = kAck | kSyn | kFin | kRst;
  if (session_->state < TcpState::kEstablished || length() != 0 || (tcp_->flags & kFlags) != kAck) return false;
  const Half& to = receiver();
  if (tcp_->sequence != sender().next || !before(tcp_->acknowledgement, to.acknowledged)) return false;
  for (std::size_t i = 0; i < tcp_->sacks; ++i) {
    if (after(tcp_->sack[i][1], to.acknowledged)) return false;
  }
  return true;
}

bool TcpFollower::is_retransmission(const Half& half) {
  if (length() == 0) return false;
  const std::uint32_t end = after_payload();
  const bool is_again = (before(tcp_->sequence, half.acknowledged) && after(end, half.acknowledged)) ||
                        not_after(end, half.acknowledged) || not_after(end, half.next);
  if (is_again) event("pkt_retransmission");
  return is_again;
}

// 2: of bytes that are no longer looked at. 1: of bytes that were acknowledged.
int TcpFollower::spurious_retransmission() {
  if (length() == 0) return 0;
  const Half& from = sender();
  const std::uint32_t end = after_payload();
  const std::uint32_t looked = from.base + static_cast<std::uint32_t>(from.looked - from.base_offset);
  if (!session_->application_is_off && not_after(end, looked)) return 2;
  return not_after(end, from.acknowledged) ? 1 : 0;
}

}  // namespace tocsin::stream
