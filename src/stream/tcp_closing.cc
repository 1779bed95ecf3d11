// Connections that one side or both have closed (RFC 9293 section 3.6). The names of states are those of the client: it
// waits for the close that it was told of, or the server has closed first.
#include "stream/tcp_follower.h"

namespace tocsin::stream {
namespace {

using packet::kAck;
using packet::kFin;
using packet::kRst;
using packet::kSyn;

}  // namespace

// What all these states say of a packet that is no FIN and no acknowledgement. Empty: it is one of these.
std::optional<bool> TcpFollower::take_other() {
  if (tcp_->has(kRst)) {
    if (!is_right_reset()) return false;
    session_->is_reset = true;
    enter(TcpState::kClosed);
    return take_reset();
  }
  const bool is_fin_first = session_->state != TcpState::kClosing;
  if (tcp_->has(kSyn) && !(is_fin_first && tcp_->has(kFin))) return bad("shutdown_syn_resend");
  if (session_->has_timestamps && (tcp_->has(kFin) || tcp_->has(kAck)) && !has_right_timestamp()) return false;
  return std::nullopt;
}

// The window, the acknowledgement and the bytes of a packet that was found right.
bool TcpFollower::take_rest(bool is_retransmission, std::uint32_t slack) {
  Half& to = receiver();
  if (!is_retransmission) to.window = std::uint32_t{tcp_->window} << to.scale;
  if (session_->has_timestamps) take_timestamp();
  if (before(to.next - slack, tcp_->acknowledgement) && tcp_->has(kAck)) to.next = tcp_->acknowledgement;
  if (tcp_->has(kAck)) acknowledge(to, tcp_->acknowledgement);
  reassemble(side_);
  return true;
}

bool TcpFollower::is_in_window() {
  return not_after(after_payload(), sender().limit) || session_->is_midstream || session_->is_one_sided;
}

bool TcpFollower::in_fin_wait_1() {
  if (const auto done = take_other()) return *done;
  Half& from = sender();
  Half& to = receiver();
  const std::uint32_t sequence = tcp_->sequence, ack = tcp_->acknowledgement;
  // The server's next number counts its FIN.
  const std::uint32_t expected = to_server() ? from.next : from.next - 1;
  bool is_again = is_retransmission(from);
  if (tcp_->has(kFin)) {
    const bool has_ack = tcp_->has(kAck);
    if (!is_again) {
      if (has_ack && !to_server() && from.next - 1 == sequence && to.acknowledged == ack) {
        is_again = true;
      } else if (before(sequence, from.next - 1) || after(sequence, from.acknowledged + from.window)) {
        return bad("fin1_fin_wrong_seq");
      }
    }
    if (!has_right_ack(to)) return bad("fin1_invalid_ack");
    if (!is_again) enter(has_ack ? TcpState::kTimeWait : TcpState::kClosing);
    if (has_ack && !to_server() && is_again) {
      if (session_->has_timestamps) take_timestamp();
      reassemble(side_);
      return true;
    }
    if (sequence == (has_ack ? expected : from.next - 1)) set_next(from, after_payload());
    return take_rest(is_again, 1);
  }
  if (!tcp_->has(kAck)) return true;
  if (!has_right_ack(to)) return bad("fin1_invalid_ack");
  bool has_window = !is_again;
  if (to_server() && ack != to.next) has_window = false;
  if (has_window) {
    if (!is_in_window()) return bad("fin1_ack_wrong_seq");
    if (sequence == expected) enter(TcpState::kFinWait2);
    to.window = std::uint32_t{tcp_->window} << to.scale;
  }
  if (session_->has_timestamps) take_timestamp();
  if (before(to.next - 1, ack)) to.next = ack;
  if (sequence == expected) set_next(from, after_payload());
  acknowledge(to, ack);
  take_sack(to);
  widen(to);
  reassemble(side_);
  return true;
}

bool TcpFollower::in_fin_wait_2() {
  if (const auto done = take_other()) return *done;
  Half& from = sender();
  Half& to = receiver();
  const std::uint32_t sequence = tcp_->sequence, ack = tcp_->acknowledgement;
  if (tcp_->has(kFin)) {
    const bool is_again = (sequence == from.next - 1 && ack == to.acknowledged) || is_retransmission(from);
    if (!is_again && (before(sequence, from.next) || after(sequence, from.acknowledged + from.window))) {
      return bad("fin2_fin_wrong_seq");
    }
    if (!has_right_ack(to)) return bad("fin2_invalid_ack");
    if (!is_again) {
      enter(TcpState::kTimeWait);
      if (to_server() && from.next == sequence) set_next(from, after_payload());
    }
    return take_rest(is_again, 0);
  }
  if (!tcp_->has(kAck)) return true;
  const bool is_again = is_retransmission(from);
  if (!has_right_ack(to)) return bad("fin2_invalid_ack");
  if (!is_again) {
    if (!is_in_window()) return bad("fin2_ack_wrong_seq");
    to.window = std::uint32_t{tcp_->window} << to.scale;
  }
  if (session_->has_timestamps) take_timestamp();
  if (from.next == sequence) set_next(from, after_payload());
  acknowledge(to, ack);
  take_sack(to);
  widen(to);
  reassemble(side_);
  return true;
}

bool TcpFollower::in_closing() {
  if (const auto done = take_other()) return *done;
  if (!tcp_->has(kAck)) return true;
  const bool is_again = is_retransmission(sender());
  if (tcp_->sequence != sender().next) return bad("closing_ack_wrong_seq");
  if (!has_right_ack(receiver())) return bad("closing_invalid_ack");
  if (!is_again) enter(TcpState::kTimeWait);
  return take_rest(is_again, 0);
}

bool TcpFollower::in_close_wait() {
  if (const auto done = take_other()) return *done;
  Half& from = sender();
  if (!tcp_->has(kFin) && !tcp_->has(kAck)) return true;
  const bool is_again = is_retransmission(from);
  const bool is_ahead = after(tcp_->sequence, from.acknowledged + from.window);
  if (tcp_->has(kFin)) {
    if (!is_again && (before(tcp_->sequence, from.next) || is_ahead)) return bad("closewait_fin_out_of_window");
    if (!has_right_ack(receiver())) return bad("closewait_invalid_ack");
    if (!is_again && !to_server()) enter(TcpState::kLastAck);
    return take_rest(is_again, 0);
  }
  if (length() > 0 && not_after(after_payload(), from.acknowledged)) return bad("closewait_pkt_before_last_ack");
  if (is_ahead) return bad("closewait_ack_out_of_window");
  if (!has_right_ack(receiver())) return bad("closewait_invalid_ack");
  if (tcp_->sequence == from.next) set_next(from, after_payload());
  return take_rest(is_again, 0);
}

bool TcpFollower::in_last_ack() {
  if (!tcp_->has(kRst) && tcp_->has(kFin)) return true;
  if (const auto done = take_other()) return *done;
  if (!tcp_->has(kAck) || !to_server()) return true;
  const bool is_again = is_retransmission(client());
  if (!has_right_ack(server())) return bad("lastack_invalid_ack");
  const std::uint32_t sequence = tcp_->sequence;
  if (!is_again && !before(sequence, client().next)) {
    if (sequence != client().next && sequence != client().next + 1) return bad("lastack_ack_wrong_seq");
    enter(TcpState::kClosed);
  }
  return take_rest(is_again, 0);
}

bool TcpFollower::in_time_wait() {
  if (!tcp_->has(kRst) && tcp_->has(kFin)) return true;
  if (const auto done = take_other()) return *done;
  if (!tcp_->has(kAck)) return true;
  Half& from = sender();
  const std::uint32_t sequence = tcp_->sequence;
  const bool is_again = is_retransmission(from);
  const bool is_expected = sequence == from.next || sequence == (to_server() ? from.next + 1 : from.next - 1);
  if (!is_again && !is_expected) {
    if (!to_server() && length() > 0 && sequence == from.acknowledged) return true;
    return bad("timewait_ack_wrong_seq");
  }
  if (!has_right_ack(receiver())) return bad("timewait_invalid_ack");
  if (!is_again) enter(TcpState::kClosed);
  return take_rest(is_again, 0);
}

// One that goes on sending after it was reset did not get the reset, or it was not from whom it seemed to be.
bool TcpFollower::in_closed() {
  if (tcp_->has(kRst) || sender().was_reset || !receiver().was_reset) return true;
  const TcpState former = session_->former_state;
  if (!dispatch(former)) return false;
  if (session_->state == TcpState::kClosed) session_->state = former;
  return true;
}

}  // namespace tocsin::stream
