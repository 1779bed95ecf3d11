// Community ID version 1 (github.com/corelight/community-id-spec): "1:" and the Base64 of a SHA-1 over a five-tuple,
// the same in every tool that knows it. Which end is the lower, and what stands for the ports of ICMP, is the caller's
// to say.
#pragma once

#include <cstdint>
#include <string>

#include "base/ip_address.h"

namespace tocsin {

struct CommunityEnd {
  IpAddress ip;
  std::uint16_t port = 0;
};
std::string community_id(const CommunityEnd& low, const CommunityEnd& high, std::uint8_t protocol, bool is_v4,
                         bool has_ports, std::uint16_t seed = 0);

}  // namespace tocsin
