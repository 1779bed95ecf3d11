// Whether JSON text is of MISP events.
#pragma once

#include <string_view>

namespace tocsin::collect {

// From its first bytes: {"Event": …}, {"response": [{"Event": …}]} or [{"Event": …}], with white space anywhere.
bool begins_as_misp_event(std::string_view text);

}  // namespace tocsin::collect
