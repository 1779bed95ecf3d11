// The style sheets of the HTML brief.
#pragma once

#include <string>
#include <string_view>

#include "publish/language.h"

namespace tocsin::publish {

std::string_view style_sheet();
// For A4, with a running head, and at the foot of each page the CSS content `page`.
std::string paper_style_sheet(std::string_view page);
// Of a drawing on paper, which takes nothing from the page.
std::string drawing_style(Language language);

}  // namespace tocsin::publish
