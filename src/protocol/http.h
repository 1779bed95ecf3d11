// HTTP/1 by LibHTP, with Suricata's limits and ways to look at it: what each buffer of a rule holds, which files there
// are, what is an event (docs.suricata.io, "HTTP Keywords", "Suricata.yaml": libhtp).
//
// Beside the buffers there are the numbers "urilen" (of the decoded URI) and "urilen.raw".
#pragma once

#include "protocol/transaction.h"

namespace tocsin::protocol {

const Protocol& http_protocol();

}  // namespace tocsin::protocol
