// The Internet checksum (RFC 1071).
#pragma once

#include "base/ip_address.h"
#include "packet/bytes.h"

namespace tocsin::packet {

// Whether the bytes, their own checksum among them, add up.
bool is_checksum_right(Bytes bytes);
// The same with the pseudo header of the transport (RFC 9293 section 3.1, RFC 8200 section 8.1).
bool is_checksum_right(Bytes segment, const IpAddress& source, const IpAddress& destination, std::uint8_t protocol);
// What a segment whose own checksum is 0 is to have there.
std::uint16_t checksum_of(Bytes segment, const IpAddress& source, const IpAddress& destination, std::uint8_t protocol);

}  // namespace tocsin::packet
