// HTTP/2: buffers of HTTP/1's names where there is the like, and its own (docs.suricata.io, "HTTP2 Keywords").
#pragma once

#include "protocol/transaction.h"

namespace tocsin::protocol {

const Protocol& http2_protocol();

}  // namespace tocsin::protocol
