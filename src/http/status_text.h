// Names of statuses (RFC 9110 section 15).
#pragma once

#include <string_view>

namespace tocsin::serve {

std::string_view status_text(unsigned status);  // "Not Found"; of an unknown one, that of its class

}  // namespace tocsin::serve
