// Text from outside, made safe for each medium. Control characters are shown, not sent (base/text.h).
#pragma once

#include <string>
#include <string_view>

namespace tocsin::publish {

// For the content and the quoted attributes of HTML, and for SVG.
std::string html(std::string_view text);
// For running text and table cells of CommonMark with the extensions of GitHub.
std::string markdown(std::string_view text);
// A field of RFC 4180, quoted where it must be. Text that a spreadsheet would run as a formula gets an apostrophe.
std::string csv_text(std::string_view text);

}  // namespace tocsin::publish
