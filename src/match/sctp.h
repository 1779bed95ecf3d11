// What a packet of SCTP has (RFC 9260, section 3). The decoder has seen that its chunks are sound.
#pragma once

#include <cstdint>
#include <vector>

#include "packet/packet.h"

namespace tocsin::match {

struct SctpChunk {
  std::uint8_t type = 0;
  packet::Bytes value;  // behind the chunk's own header of four bytes
};
// Nothing of packets of other protocols. No more than are kept of one packet.
std::vector<SctpChunk> sctp_chunks(const packet::Packet& packet);
// What the user said in chunks of data.
std::vector<packet::Bytes> sctp_data(const packet::Packet& packet);

}  // namespace tocsin::match
