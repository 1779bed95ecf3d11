#include "stream/tcp_follower.h"

namespace tocsin::stream {

std::string_view name_of(TcpState state) {
  switch (state) {
    case TcpState::kNone:
      return "none";
    case TcpState::kSynSent:
      return "syn_sent";
    case TcpState::kSynReceived:
      return "syn_recv";
    case TcpState::kEstablished:
      return "established";
    case TcpState::kFinWait1:
      return "fin_wait1";
    case TcpState::kFinWait2:
      return "fin_wait2";
    case TcpState::kTimeWait:
      return "time_wait";
    case TcpState::kLastAck:
      return "last_ack";
    case TcpState::kCloseWait:
      return "close_wait";
    case TcpState::kClosing:
      return "closing";
    case TcpState::kClosed:
      return "closed";
  }
  return "";
}

TcpFollower::TcpFollower(const Settings& settings, const protocol::ProtocolSettings& protocols, Room& room)
    : settings_(settings), protocols_(protocols), hosts_(protocols.options()), memory_(room.bytes) {}

void TcpFollower::event(std::string_view name) {
  followed_->events.push_back(name);
  const auto found = counts_.events.find(name);
  if (found != counts_.events.end()) {
    ++found->second;
  } else {
    counts_.events.emplace(name, 1);
  }
}

bool TcpFollower::bad(std::string_view name) {
  event(name);
  return false;
}

void TcpFollower::enter(TcpState state) {
  if (state == session_->state || is_flush_) return;
  session_->former_state = session_->state;
  session_->state = state;
  if (state >= TcpState::kLastAck && state != TcpState::kCloseWait && state != TcpState::kClosing) {
    flow_->state = FlowState::kClosed;
  } else if (state == TcpState::kTimeWait) {
    flow_->state = FlowState::kClosed;
  } else if (state >= TcpState::kEstablished) {
    flow_->state = FlowState::kEstablished;
  }
}

void TcpFollower::apply(packet::ExceptionPolicy policy, std::string_view target, std::string_view reason, Flow* flow,
                        Followed& followed) {
  using packet::ExceptionPolicy;
  if (policy == ExceptionPolicy::kNone || policy == ExceptionPolicy::kIgnore) return;
  ++counts_.policies[std::string(target) + "." + std::string(packet::name_of(policy))];
  followed.policy = policy;
  if (flow != nullptr) {
    flow->exception_policy[0] = target;
    flow->exception_policy[1] = packet::name_of(policy);
  }
  switch (policy) {
    case ExceptionPolicy::kReject:
    case ExceptionPolicy::kDropFlow:
      if (flow != nullptr && settings_.is_inline) {
        flow->verdict = Verdict::kDrop;
        if (flow->tcp) flow->tcp->application_is_off = true;
      }
      [[fallthrough]];
    case ExceptionPolicy::kDropPacket:
      followed.should_drop = true;
      followed.drop_reason = reason;
      break;
    case ExceptionPolicy::kBypass:
      if (flow != nullptr) flow->is_bypassed = true;
      [[fallthrough]];
    case ExceptionPolicy::kPassFlow:
      if (flow != nullptr) flow->verdict = Verdict::kPass;
      break;
    default:
      break;
  }
}

void TcpFollower::reverse(Flow& flow) {
  std::swap(flow.client, flow.server);
  std::swap(flow.client_port, flow.server_port);
  std::swap(flow.packets[0], flow.packets[1]);
  std::swap(flow.bytes[0], flow.bytes[1]);
  std::swap(flow.least_ttl[0], flow.least_ttl[1]);
  std::swap(flow.most_ttl[0], flow.most_ttl[1]);
  std::swap(flow.tcp_flags[0], flow.tcp_flags[1]);
  if (flow.tcp) std::swap(flow.tcp->halves[0], flow.tcp->halves[1]);
}

void TcpFollower::take(Flow& flow, const packet::Packet& packet, Followed& followed) {
  if (settings_.check_checksums && !packet.transport_checksum_right) {
    ++counts_.wrong_checksums;
    followed.is_wrong_checksum = true;
    return;
  }
  flow_ = &flow;
  packet_ = &packet;
  tcp_ = &packet.tcp;
  followed_ = &followed;
  session_ = flow.tcp.get();
  side_ = followed.side;
  is_flush_ = is_added_ = false;
  if (session_ != nullptr) prune(side_);

  const bool is_right = follow();
  if (session_ == nullptr) {
    session_ = flow.tcp.get();
  }
  flow.tcp_flags[static_cast<int>(side_)] |= tcp_->flags;
  if (session_ != nullptr) {
    Half& half = sender();
    half.readable = settings_.is_inline ? half.bytes.end() : std::min(half.acknowledged_offset(), half.bytes.end());
    if (is_right && session_->state >= TcpState::kEstablished) followed.is_stream_established = true;
    followed.is_added = is_added_;
    if (settings_.bypasses && (client().is_depth_reached || server().is_depth_reached)) flow.is_bypassed = true;
  }
  if (!is_right && settings_.is_inline && settings_.drop_invalid) {
    followed.should_drop = true;
    followed.drop_reason = "stream error";
  }
}

bool TcpFollower::follow() {
  if (session_ != nullptr) {
    sender().flags |= tcp_->flags;
    if (session_->is_one_sided && client().flags != 0 && server().flags != 0) session_->is_one_sided = false;
  }
  if (!tcp_->has(packet::kAck) && tcp_->acknowledgement != 0) event("pkt_broken_ack");
  if (tcp_->has(packet::kUrgent) && settings_.is_inline && settings_.urgent == UrgentPolicy::kDrop) {
    followed_->should_drop = true;
    followed_->drop_reason = "stream urgent";
    return true;
  }
  if (session_ == nullptr || session_->state == TcpState::kNone) {
    const bool is_right = in_none();
    if (session_ != nullptr) sender().flags |= tcp_->flags;
    return is_right;
  }

  bool is_done = is_keep_alive();
  if (!is_done) {
    is_done = is_keep_alive_answer();
    sender().is_kept_alive = false;
  }
  if (!is_done) {
    is_done = is_probe_answer();
    receiver().has_probed = false;
  }
  if (!is_done && !is_shutdown_ack() && !is_window_update()) is_done = is_bad_window_update() || is_outdated_ack();
  if (!is_done) {
    const int again = spurious_retransmission();
    if (again > 0) event("pkt_spurious_retransmission");
    is_done = again == 2;
  }
  if (!is_done && !dispatch(session_->state)) return false;

  // Who sends on was not reset.
  if (!tcp_->has(packet::kRst) && receiver().was_reset) {
    receiver().was_reset = false;
    session_->is_reset = false;
    event("suspected_rst_inject");
  }
  return true;
}

bool TcpFollower::dispatch(TcpState state) {
  switch (state) {
    case TcpState::kNone:
      return true;
    case TcpState::kSynSent:
      return in_syn_sent();
    case TcpState::kSynReceived:
      return in_syn_received();
    case TcpState::kEstablished:
      return in_established();
    case TcpState::kFinWait1:
      return in_fin_wait_1();
    case TcpState::kFinWait2:
      return in_fin_wait_2();
    case TcpState::kTimeWait:
      return in_time_wait();
    case TcpState::kLastAck:
      return in_last_ack();
    case TcpState::kCloseWait:
      return in_close_wait();
    case TcpState::kClosing:
      return in_closing();
    case TcpState::kClosed:
      return in_closed();
  }
  return true;
}

void TcpFollower::finish(Flow& flow, const packet::Packet& packet, Followed& followed,
                         const std::function<void()>& look) {
  flow_ = &flow;
  packet_ = &packet;
  tcp_ = &packet.tcp;
  followed_ = &followed;
  session_ = flow.tcp.get();
  side_ = followed.side;
  is_flush_ = true;
  is_added_ = false;
  if (session_ == nullptr) return;
  ++counts_.pseudo;
  prune(side_);
  followed.is_established = followed.is_stream_established = true;
  feed(side_);
  // Rules look at bytes without holes, so at what lies between two holes by itself.
  Half& half = sender();
  std::vector<std::uint64_t> ends;
  half.bytes.each_block([&](std::uint64_t start, Bytes bytes) {
    if (start + bytes.size() > half.readable) ends.push_back(start + bytes.size());
  });
  if (ends.empty()) look();
  for (const std::uint64_t end : ends) {
    half.readable = end;
    look();
  }
}

bool TcpFollower::starts_anew(const Flow& flow, const packet::Packet& packet, Side side) const {
  const packet::TcpFields& tcp = packet.tcp;
  if (tcp.has(packet::kRst) || tcp.has(packet::kFin) || !tcp.has(packet::kSyn)) return false;
  const TcpSession* session = flow.tcp.get();
  const bool is_done = session == nullptr || session->state >= TcpState::kLastAck || session->state == TcpState::kNone;
  if (!tcp.has(packet::kAck)) {
    if (side == Side::kToServer && session != nullptr) {
      if (session->is_fast_open_ignored) return true;
      if (session->half(Side::kToServer).first == tcp.sequence) return false;
    }
    return is_done;
  }
  if (!settings_.midstream && !settings_.async_oneside) return false;
  if (side == Side::kToClient) {
    if (session == nullptr || session->half(Side::kToClient).first == tcp.sequence) return false;
  }
  return is_done;
}

void TcpFollower::forget(Flow& flow) {
  if (!flow.tcp) return;
  for (Half& half : flow.tcp->halves) memory_ -= half.bytes.memory();
  flow.tcp.reset();
  if (counts_.active > 0) --counts_.active;
}

}  // namespace tocsin::stream
