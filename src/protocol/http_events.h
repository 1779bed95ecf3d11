// What LibHTP warns of, by Suricata's names of events.
#pragma once

#include <string_view>

namespace tocsin::protocol {

// The event of a message; empty: it is none. is_request: on whose side it was said, where the text does not tell.
std::string_view http_event(std::string_view message, bool is_request);

}  // namespace tocsin::protocol
