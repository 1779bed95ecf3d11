// What a client of RDP says of itself and its machine.
#pragma once

#include <cstdint>
#include <span>

#include "protocol/eve_object.h"

namespace tocsin::protocol::rdp {

// Members "client" and "channels" of an MCS Connect-Initial PDU (T.125 with the client data blocks of MS-RDPBCGR
// 2.2.1.3); none of what can't be read.
void add_client(EveObject& event, std::span<const std::uint8_t> connect_initial);

}  // namespace tocsin::protocol::rdp
