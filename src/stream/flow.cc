#include "stream/flow.h"

#include <algorithm>

#include "stream/tcp_session.h"

namespace tocsin::stream {

StreamBytes Flow::stream(Side side) const {
  if (!tcp) return {};
  const Half& half = tcp->half(side);
  // Behind a hole that was passed, rules look at what comes after it.
  const std::uint64_t end = half.readable;
  if (end <= half.beginning) return {half.beginning, {}};
  const std::uint64_t start = std::max(half.beginning, half.bytes.start_of_block_before(end));
  if (start >= end) return {end, {}};
  return {start, half.bytes.from(start).first(static_cast<std::size_t>(end - start))};
}

Flow::TcpSummary Flow::tcp_summary() const {
  TcpSummary summary;
  if (!tcp) return summary;
  summary.state = name_of(tcp->state);
  for (std::size_t i = 0; i < 2; ++i) {
    summary.has_gap[i] = tcp->halves[i].has_gap;
    summary.most_regions[i] = tcp->halves[i].most_blocks;
  }
  return summary;
}

Flow::Flow() = default;
Flow::~Flow() = default;

}  // namespace tocsin::stream
