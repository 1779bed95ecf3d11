// HTTP/2: buffers of HTTP/1's names where there is the like, and its own (docs.suricata.io, "HTTP2 Keywords").
#pragma once

#include "protocol/transaction.h"

namespace tocsin::protocol {

const Protocol& http2_protocol();
// DNS over HTTPS by HTTP/2 (RFC 8484): what HTTP/2 is found to be when it carries messages of DNS.
const Protocol& doh2_protocol();

}  // namespace tocsin::protocol
