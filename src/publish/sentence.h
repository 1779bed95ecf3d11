// A figure's sentence: the template of the catalogue with its numbers in it.
#pragma once

#include <string>

#include "figures/figure.h"

namespace tocsin::publish {

// Plain text with its full stop. remark: put in parentheses after the period ("confirmed"); empty for none.
std::string sentence(const FigureResult& figure, const std::string& remark = "");

}  // namespace tocsin::publish
