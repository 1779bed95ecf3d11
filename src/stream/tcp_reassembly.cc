// From segments to what the application is fed and rules may look at.
//
// Bytes are readable when the other side has acknowledged them: until then the target may not have got them, and could
// take others. A side's application is so fed while a packet of the other side is in hand; inline, and at the end, at
// once.
#include <algorithm>

#include "stream/tcp_follower.h"

namespace tocsin::stream {
namespace {

using packet::kAck;
using packet::kFin;
using packet::kRst;
using packet::kSyn;
using packet::kUrgent;

// How much is kept of what rules have looked at, so that a segment sent again with other bytes is noticed.
constexpr std::uint64_t kKept = 8192;
constexpr std::uint16_t kMaxUrgent = 65535;

}  // namespace

// Of a side whose segment is in hand.
bool TcpFollower::reassemble(Side side) {
  const TcpState state = session_->state;
  bool feeds_own = false, feeds_other = false;
  if (settings_.is_inline || is_flush_ || tcp_->has(kRst)) {
    feeds_own = true;
  } else if (tcp_->has(kFin) && state > TcpState::kTimeWait) {
    feeds_own = true;
    feeds_other = tcp_->has(kAck);
  } else if (state == TcpState::kClosed) {
    feeds_own = feeds_other = true;
  } else if (session_->is_one_sided) {
    feeds_own = true;
  } else {
    feeds_other = true;
  }
  if (feeds_other) {
    const Side before = side_;
    feed(other(side));
    if (side_ != before) side = other(side);  // the sides have changed places
  }
  Half& half = session_->half(side);
  const bool was_reached = half.is_depth_reached;
  if (length() > 0 && !tcp_->has(kRst) && !session_->application_is_off) {
    if (!insert(half)) {
      apply(settings_.reassembly_policy, "tcp.reassembly", "stream reassembly", flow_, *followed_);
      return false;
    }
    is_added_ = true;
  }
  if (half.is_depth_reached && !was_reached) feeds_own = true;
  if (feeds_own) feed(side);
  return true;
}

// How many bytes of a segment lie within the depth to which the side is followed.
std::uint64_t TcpFollower::fits(Half& half, std::uint32_t sequence, std::uint64_t size) {
  if (settings_.depth == 0) return size;
  if (half.is_depth_reached) return 0;
  const std::int64_t start = static_cast<std::int64_t>(half.base_offset) + distance(half.base, sequence);
  const std::int64_t end = start + static_cast<std::int64_t>(size), depth = static_cast<std::int64_t>(settings_.depth);
  if (end <= 0) return 0;
  if (end <= depth) return size;
  // What lies behind a hole does not say that the side has come so far: anyone may have sent it.
  const std::uint64_t so_far = half.told + half.bytes.from(half.told).size();
  const bool is_behind_hole =
      start > static_cast<std::int64_t>(so_far) && static_cast<std::int64_t>(half.acknowledged_offset()) < depth;
  half.is_depth_reached = !is_behind_hole;
  return 0;
}

bool TcpFollower::insert(Half& half) {
  set_system(half);
  std::uint32_t sequence = tcp_->sequence - half.urgent;
  packet::Bytes bytes = packet_->payload;
  if (tcp_->has(kUrgent) && tcp_->urgent > 0 && tcp_->urgent <= bytes.size() &&
      (settings_.urgent == UrgentPolicy::kOutOfBand || settings_.urgent == UrgentPolicy::kGap)) {
    // The last byte is urgent, and goes to the target's application by another way.
    const bool is_out_of_band = settings_.urgent == UrgentPolicy::kOutOfBand;
    if (half.urgent < kMaxUrgent) {
      if (is_out_of_band) ++half.urgent;
      if (half.urgent == kMaxUrgent) event("reassembly_urgent_oob_limit_reached");
    } else if (settings_.urgent_over_limit == UrgentPolicy::kDrop) {
      followed_->should_drop = true;
      followed_->drop_reason = "stream urgent";
      return true;
    }
    if (is_out_of_band) ++counts_.urgent_bytes;
    const bool is_over = is_out_of_band && half.urgent == kMaxUrgent;
    if (!is_over || settings_.urgent_over_limit != UrgentPolicy::kInline) bytes = bytes.first(bytes.size() - 1);
    if (bytes.empty()) return true;
  }
  bytes = bytes.first(static_cast<std::size_t>(fits(half, sequence, bytes.size())));
  if (half.is_depth_reached) {
    event("reassembly_depth_reached");
    ++counts_.depth_reached;
  }
  if (bytes.empty()) return true;
  const bool is_out_of_memory = (settings_.no_segment_at && packet_->number == settings_.no_segment_at) ||
                                memory_ + bytes.size() > settings_.reassembly_memcap;
  if (is_out_of_memory) {
    ++counts_.segment_memcap;
    event("reassembly_no_segment");
    session_->is_liberal = true;
    return false;
  }
  if (tcp_->has(kSyn) && tcp_->has_fast_open) ++sequence;
  const std::int64_t offset = static_cast<std::int64_t>(half.base_offset) + distance(half.base, sequence);
  if (offset < 0) {
    if (static_cast<std::size_t>(-offset) >= bytes.size()) return true;
    bytes = bytes.subspan(static_cast<std::size_t>(-offset));
  }
  const std::size_t before_size = half.bytes.memory();
  const auto result =
      half.bytes.insert(offset < 0 ? 0 : static_cast<std::uint64_t>(offset), bytes, half.system, settings_.is_inline);
  memory_ += half.bytes.memory() - before_size;
  half.most_blocks = std::max(half.most_blocks, static_cast<std::uint32_t>(half.bytes.blocks()));
  if (result.is_overlap) ++counts_.overlaps;
  if (result.is_different) {
    event("reassembly_overlap_different_data");
    ++counts_.different_overlaps;
  }
  if (result.is_refused) {
    event("reassembly_insert_limit");
    ++counts_.insert_failures;
    session_->is_liberal = true;
  }
  return true;
}

void TcpFollower::feed(Side side) {
  if (session_->application_is_off) return;
  Half& half = session_->half(side);
  const bool is_end = is_flush_ || session_->state == TcpState::kClosed;
  if (!feed_bytes(side, half, is_end)) return;
  if ((session_->state >= TcpState::kClosing || is_flush_ || half.is_depth_reached) && !half.was_ended) {
    half.was_ended = true;
    if (flow_->application) flow_->application->end(side, packet_->time);
  }
}

// False: the application changes, and what follows waits until what was said so far has been judged.
bool TcpFollower::feed_bytes(Side side, Half& half, bool is_end) {
  // At the end what was not acknowledged counts too.
  const bool is_all = settings_.is_inline || (is_flush_ && (session_->state < TcpState::kClosed || session_->is_reset));
  while (true) {
    const std::uint64_t readable = is_all ? half.bytes.end() : std::min(half.acknowledged_offset(), half.bytes.end());
    packet::Bytes bytes = half.bytes.from(half.told);
    if (!bytes.empty()) {
      if (readable <= half.told) return true;
      bytes = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), readable - half.told)));
      if (!flow_->application) {
        flow_->application =
            std::make_unique<protocol::Application>(protocols_, false, flow_->client_port, flow_->server_port);
        if (session_->is_midstream) flow_->application->set_midstream();
        if (announce) announce(*flow_);
      }
      half.told += bytes.size();
      flow_->application->take(side, bytes, packet_->time);
      if (flow_->application->is_reversed) {
        flow_->application->is_reversed = false;
        reverse(*flow_);
        side_ = followed_->side = other(side_);
        return feed_bytes(other(side), session_->half(other(side)), is_end);
      }
      if (flow_->application->is_changing() && !is_flush_) return false;
      continue;
    }
    const auto next = half.bytes.next(half.told);
    if (!next) return true;
    // A hole. What lies in it is lost for sure only if it was acknowledged.
    const std::uint64_t slack = session_->state >= TcpState::kFinWait1 ? 1 : 0;
    if (half.acknowledged_offset() <= half.told + slack) return true;
    const std::uint64_t missing = *next - half.told;
    half.told = *next;
    half.has_gap = true;
    session_->is_liberal = true;
    ++counts_.gaps;
    event("reassembly_seq_gap");
    if (flow_->application) flow_->application->skip(side, missing, packet_->time);
  }
}

// Before a packet of a side: what its rules have looked at is let go.
void TcpFollower::prune(Side side) {
  Half& half = session_->half(side);
  const bool has_parser = flow_->application && flow_->application->parser() != nullptr;
  std::uint64_t seen = 1;
  if (has_parser && !flow_->application->parser()->transactions.empty()) {
    const auto& last = *flow_->application->parser()->transactions.back();
    seen = last.id * 2 + (last.is_complete(side) ? 3 : 2);
  }
  const std::uint64_t chunk = settings_.chunk[static_cast<int>(side)];
  if (half.readable >= half.looked + chunk || seen != half.transactions_seen || session_->state >= TcpState::kLastAck) {
    half.transactions_seen = seen;
    half.looked = std::max(half.looked, std::min(half.readable, std::max(half.told, half.base_offset)));
  }
  // Rules look in chunks, and at no less than that.
  const std::uint64_t kept = memory_ > settings_.reassembly_memcap / 2 ? chunk : std::max(kKept, chunk);
  const std::uint64_t done = std::min({half.readable, half.told, half.acknowledged_offset()});
  if (done > kept && done - kept > half.beginning) {
    half.beginning = done - kept;
    const std::size_t before_size = half.bytes.memory();
    half.bytes.let_go(half.beginning);
    memory_ -= before_size - half.bytes.memory();
    half.base += static_cast<std::uint32_t>(half.beginning - half.base_offset);
    half.base_offset = half.beginning;
  }
}

}  // namespace tocsin::stream
