// The style sheet of the HTML brief.
#pragma once

#include <string_view>

namespace tocsin::publish {

std::string_view style_sheet();

}  // namespace tocsin::publish
