// Community ID version 1 (github.com/corelight/community-id-spec), seed 0: "1:" and the Base64 of a SHA-1 over the
// ordered five-tuple, the same in every tool that knows it.
#pragma once

#include <cstdint>
#include <string>

#include "base/ip_address.h"
#include "collect/observation.h"

namespace tocsin {

// Ports of ICMP: type and code, as of one message.
std::string community_id(const Endpoint& source, const Endpoint& destination, std::uint8_t protocol);
inline std::string community_id(const Flow& flow) {
  return community_id(flow.initiator, flow.responder, flow.protocol);
}

}  // namespace tocsin
