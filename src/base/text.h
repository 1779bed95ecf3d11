// Text that came from outside, made safe to show; numbers as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin {

// For a terminal or a log line: control characters (also C1, bidirectional overrides and line separators) and
// ill-formed UTF-8 as \xNN or \u{NNNN}; at most `most` bytes of the input are shown.
std::string printable(std::string_view text, std::size_t most = 512);
// "1,287,000"
std::string with_thousands(std::int64_t number);
// "1.3 MB"
std::string with_bytes(std::uint64_t bytes);
std::string_view trim(std::string_view text);
// ASCII only; other bytes as they are.
std::string lower(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace tocsin
