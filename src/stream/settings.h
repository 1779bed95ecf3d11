// The options of streams, read once.
#pragma once

#include "base/options.h"
#include "base/time.h"
#include "packet/exception_policy.h"

namespace tocsin::stream {

enum class UrgentPolicy : std::uint8_t { kInline, kDrop, kOutOfBand, kGap };

struct Timeouts {
  Timestamp fresh = 0, established = 0, closed = 0, bypassed = 0;
};

struct Settings {
  explicit Settings(const Options& options);

  bool is_inline = false, midstream = false, async_oneside = false, check_checksums = true, drop_invalid = true;
  bool liberal_timestamps = true, vlan_matters = true, recursion_matters = true, bypasses = false;
  std::uint64_t depth = 0;  // 0: no limit
  std::uint64_t reassembly_memcap = 0, flow_memcap = 0, chunk[2] = {0, 0};
  std::size_t max_syn_queued = 0, max_synack_queued = 0;
  UrgentPolicy urgent = UrgentPolicy::kOutOfBand, urgent_over_limit = UrgentPolicy::kOutOfBand;
  packet::ExceptionPolicy midstream_policy{}, session_policy{}, reassembly_policy{}, application_policy{},
      flow_policy{};
  // Packets at which memory is said to be used up; 0: none.
  std::uint64_t no_flow_at = 0, no_session_at = 0, no_segment_at = 0;
  Timeouts tcp, udp, icmp, other;
};

}  // namespace tocsin::stream
