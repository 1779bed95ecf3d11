// Parquet's text and JSON are UTF-8; what comes from outside is bytes.
#pragma once

#include <string>
#include <string_view>

namespace tocsin {

bool is_utf8(std::string_view text);  // RFC 3629: no overlong forms, no surrogates
// The text itself if it is UTF-8; else with each byte that is not part of it as \xNN.
std::string as_utf8(std::string_view text);

}  // namespace tocsin
