// Community ID, version 1 with seed 0 (github.com/corelight/community-id-spec).
#pragma once

#include <string>

#include "base/ip_address.h"

namespace tocsin {

// Ports of ICMP are type (first) and code (second).
std::string community_id(const Endpoint& a, const Endpoint& b, std::uint8_t protocol);

}  // namespace tocsin
