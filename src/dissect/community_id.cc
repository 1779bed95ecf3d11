#include "dissect/community_id.h"

#include <array>
#include <utility>

#include "base/community_id.h"

namespace tocsin {
namespace {

// The message type that answers, or is answered by, this one: -1 for one-way messages.
int counterpart(std::uint8_t protocol, std::uint16_t type) {
  using Pair = std::pair<std::uint16_t, std::uint16_t>;
  static constexpr std::array<Pair, 5> kV4{{{8, 0}, {13, 14}, {15, 16}, {10, 9}, {17, 18}}};
  static constexpr std::array<Pair, 5> kV6{{{128, 129}, {133, 134}, {135, 136}, {130, 131}, {144, 145}}};
  for (const Pair& pair : protocol == kIcmp ? kV4 : kV6) {
    if (pair.first == type) return pair.second;
    if (pair.second == type) return pair.first;
  }
  if (protocol == kIcmp6 && type == 139) return 140;
  if (protocol == kIcmp6 && type == 140) return 139;
  return -1;
}

}  // namespace

std::string community_id(const Endpoint& source, const Endpoint& destination, std::uint8_t protocol) {
  Endpoint low = source;
  Endpoint high = destination;
  bool one_way = false;
  if (protocol == kIcmp || protocol == kIcmp6) {
    const int answer = counterpart(protocol, source.port);
    one_way = answer < 0;
    if (!one_way) high.port = static_cast<std::uint16_t>(answer);
  }
  if (!one_way && high < low) std::swap(low, high);

  const bool is_v4 = low.ip.is_v4() && high.ip.is_v4();
  const bool has_ports =
      protocol == kTcp || protocol == kUdp || protocol == kIcmp || protocol == kIcmp6 || protocol == 132;
  return community_id({low.ip, low.port}, {high.ip, high.port}, protocol, is_v4, has_ports);
}

}  // namespace tocsin
