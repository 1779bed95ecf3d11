#include "stream/flow.h"

#include <algorithm>

#include "stream/tcp_session.h"

namespace tocsin::stream {

StreamBytes Flow::stream(Side side) const {
  if (!tcp) return {};
  const Half& half = tcp->half(side);
  StreamBytes found{half.beginning, {}};
  if (half.readable <= half.beginning) return found;
  std::uint64_t start = half.bytes.start_of_block_before(half.readable);
  if (start < half.readable) {  // as a rule
    start = std::max(start, half.beginning);
    return {start, half.bytes.from(start).first(static_cast<std::size_t>(half.readable - start))};
  }
  for (const StreamBytes& piece : pieces(side)) {
    if (piece.offset < half.readable) found = piece;
  }
  return found;
}

std::vector<StreamBytes> Flow::pieces(Side side) const {
  std::vector<StreamBytes> found;
  if (!tcp) return found;
  const Half& half = tcp->half(side);
  half.bytes.each_block([&](std::uint64_t start, Bytes block) {
    if (start < half.beginning) {
      const std::uint64_t gone = std::min<std::uint64_t>(half.beginning - start, block.size());
      block = block.subspan(static_cast<std::size_t>(gone));
      start += gone;
    }
    if (!block.empty()) found.push_back({start, block});
  });
  return found;
}

std::uint64_t Flow::beginning(Side side) const { return tcp ? tcp->half(side).beginning : 0; }

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

std::array<std::uint32_t, 2> Flow::sent() const {
  if (!tcp) return {};
  return {tcp->halves[0].next - tcp->halves[0].first, tcp->halves[1].next - tcp->halves[1].first};
}

Flow::Flow() = default;
Flow::~Flow() = default;

}  // namespace tocsin::stream
