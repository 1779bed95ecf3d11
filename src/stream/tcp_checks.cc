// Whether what a packet says can be true: acknowledgements, resets, timestamps (RFC 7323).
#include <algorithm>

#include "stream/tcp_follower.h"

namespace tocsin::stream {
namespace {

using packet::HostSystem;

// After so long a silence timestamps may have wrapped around.
constexpr std::int64_t kTimestampsExpire = 24 * 86400;
constexpr std::size_t kMaxSacks = 64;

bool allows_zero_timestamp(HostSystem system) {
  return system == HostSystem::kOldLinux || system == HostSystem::kWindows || system == HostSystem::kWindows2003 ||
         system == HostSystem::kVista || system == HostSystem::kSolaris;
}

}  // namespace

void TcpFollower::set_system(Half& half) {
  if (half.has_system) return;
  half.has_system = true;
  half.system = hosts_.of(packet_->destination);
  if (half.system == HostSystem::kBsdRight) half.system = HostSystem::kBsd;
  if (half.system == HostSystem::kOldSolaris) half.system = HostSystem::kSolaris;
}

bool TcpFollower::has_right_ack(Half& half) {
  if (!tcp_->has(packet::kAck)) return true;
  const std::uint32_t ack = tcp_->acknowledgement;
  if (after(ack, half.acknowledged) && not_after(ack, half.limit)) return true;
  if (ack == half.acknowledged) return true;
  if (before(ack, half.acknowledged)) {
    if (half.window == 0 || !before(ack, half.acknowledged - half.window)) return true;
    return bad("pkt_invalid_ack");
  }
  if (session_->is_one_sided) return true;
  if (session_->state == TcpState::kSynSent && !to_server() && tcp_->has(packet::kRst) && ack == half.first + 1) {
    return true;
  }
  return bad("pkt_invalid_ack");
}

bool TcpFollower::is_right_reset() {
  if (session_->is_liberal) return true;
  if (session_->has_timestamps && !has_right_timestamp()) return false;
  if (length() > 0) event("rst_with_data");
  Half& from = sender();
  Half& to = receiver();
  set_system(to);
  if (tcp_->has(packet::kAck) && tcp_->acknowledgement != 0 && !has_right_ack(to)) return bad("rst_invalid_ack");
  // Signed ones can't be checked; who sends on was not reset.
  if (tcp_->has_md5 || tcp_->has_ao) to.was_reset = true;

  const std::uint32_t sequence = tcp_->sequence;
  if (session_->is_one_sided) return not_before(sequence, from.next);
  switch (to.system) {
    case HostSystem::kHpux11:
      return not_before(sequence, from.next);
    case HostSystem::kOldLinux:
    case HostSystem::kLinux:
    case HostSystem::kSolaris:
      return not_before(after_payload(), from.acknowledged) && before(sequence, from.next + from.window);
    default:
      return sequence == from.next;
  }
}

bool TcpFollower::has_right_timestamp() {
  if (!tcp_->timestamps) return true;
  Half& from = sender();
  Half& to = receiver();
  set_system(to);
  const std::uint32_t time = (*tcp_->timestamps)[0];
  std::uint32_t last = from.timestamp;
  std::int64_t last_second = from.timestamp_second;
  bool is_checked = true;
  const bool is_next = from.next == tcp_->sequence;
  if (from.is_zero_timestamp) {
    if (to.system == HostSystem::kLinux || to.system == HostSystem::kWindows2003) {
      is_checked = false;
    } else if ((to.system == HostSystem::kOldLinux || to.system == HostSystem::kWindows ||
                to.system == HostSystem::kVista) &&
               is_next) {
      last = time;
      is_checked = false;
    }
  }
  if (to.system == HostSystem::kHpux11 && !is_next) is_checked = false;
  if (time == 0 && !allows_zero_timestamp(to.system)) return bad("pkt_invalid_timestamp");
  if (!is_checked) return true;
  const std::uint32_t slack = to.system == HostSystem::kLinux || settings_.liberal_timestamps ? 1 : 0;
  if (last_second == 0 && session_->is_midstream) last_second = second();
  const bool is_silent_long = second() > last_second + kTimestampsExpire;
  const bool is_bad = distance(last, time + slack) < 0 || (from.timestamp != 0 && is_silent_long);
  if (is_bad && !(is_next && is_silent_long)) return bad("pkt_invalid_timestamp");
  return true;
}

bool TcpFollower::take_timestamp() {
  Half& from = sender();
  Half& to = receiver();
  set_system(to);
  if (!tcp_->timestamps) {
    if (to.system == HostSystem::kSolaris) session_->has_timestamps = false;
    return true;
  }
  const std::uint32_t time = (*tcp_->timestamps)[0];
  const bool is_next = from.next == tcp_->sequence;
  bool is_checked = true;
  if (from.is_zero_timestamp) {
    if (to.system == HostSystem::kLinux || to.system == HostSystem::kWindows2003) {
      session_->has_timestamps = false;
      is_checked = false;
    } else if (to.system == HostSystem::kOldLinux || to.system == HostSystem::kWindows ||
               to.system == HostSystem::kVista) {
      from.is_zero_timestamp = false;
      if (is_next) {
        from.timestamp = time;
        is_checked = false;
      }
    }
  }
  if (to.system == HostSystem::kHpux11 && !is_next) is_checked = false;
  if (time == 0 && !allows_zero_timestamp(to.system)) return bad("pkt_invalid_timestamp");
  if (!is_checked) return true;
  const std::uint32_t slack = to.system == HostSystem::kLinux || settings_.liberal_timestamps ? 1 : 0;
  if (from.timestamp_second == 0 && session_->is_midstream) from.timestamp_second = second();
  const bool is_silent_long = second() > from.timestamp_second + kTimestampsExpire;
  if (distance(from.timestamp, time + slack) < 0 || (from.timestamp != 0 && is_silent_long)) {
    if (!is_next || !is_silent_long) return bad("pkt_invalid_timestamp");
    from.timestamp = time;
  } else if (is_next) {
    from.timestamp = time;
  }
  from.timestamp_second = second();
  return true;
}

void TcpFollower::acknowledge(Half& half, std::uint32_t acknowledgement) {
  if (!after(acknowledgement, half.acknowledged) || !after(acknowledgement, half.base)) return;
  half.acknowledged = acknowledgement;
  std::erase_if(half.sacked, [&](const auto& range) { return not_after(range.second, acknowledgement); });
  if (!half.sacked.empty() && before(half.sacked.front().first, acknowledgement)) {
    half.sacked.front().first = acknowledgement;
  }
}

void TcpFollower::set_next(Half& half, std::uint32_t next) {
  half.next = next;
  if (session_->is_one_sided && after(half.next, half.acknowledged)) half.acknowledged = half.next;
}

void TcpFollower::widen(Half& half) {
  std::uint32_t sacked = 0;
  for (const auto& [start, end] : half.sacked) sacked += end - start;
  const std::uint32_t limit = half.acknowledged + half.window + sacked;
  if (after(limit, half.limit)) half.limit = limit;
}

void TcpFollower::take_sack(Half& half) {
  for (std::size_t i = 0; i < tcp_->sacks; ++i) {
    auto [start, end] = tcp_->sack[i];
    if (not_after(end, half.acknowledged) || after(end, half.limit) || !before(start, end)) continue;
    if (before(start, half.acknowledged)) start = half.acknowledged;
    auto& ranges = half.sacked;
    auto at =
        std::find_if(ranges.begin(), ranges.end(), [&](const auto& range) { return !before(range.second, start); });
    while (at != ranges.end() && not_after(at->first, end)) {
      if (before(at->first, start)) start = at->first;
      if (after(at->second, end)) end = at->second;
      at = ranges.erase(at);
    }
    if (ranges.size() < kMaxSacks) ranges.insert(at, {start, end});
  }
}

}  // namespace tocsin::stream
