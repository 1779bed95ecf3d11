// EVE's object "dns", version 3 or, if so set, 2 (docs.suricata.io, "EVE JSON Format", "Event type: DNS").
#pragma once

#include <string>

#include "protocol/dns_message.h"

namespace tocsin::protocol::dns {

std::string eve(const Message& message, bool is_request, std::uint64_t transaction, int version);

}  // namespace tocsin::protocol::dns
