// The order in which rules are judged: a pass before a drop before a reject before an alert; what sets a bit before what
// asks it; then priority, then the rule's number.
#pragma once

#include "rules/rule.h"

namespace tocsin::match {

bool is_before(const rules::Rule& one, const rules::Rule& other);

}  // namespace tocsin::match
