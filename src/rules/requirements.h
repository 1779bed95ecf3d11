// What a rule asks of the program that runs it: requires.
#pragma once

#include "base/expected.h"
#include "rules/rule.h"

namespace tocsin::rules {

// An error says what is not met.
Expected<void> requirements_met(const Rule& rule);
// The same of the text of a rule that is not understood: what it requires may be what it is not understood for.
Expected<void> requirements_met(std::string_view rule);

}  // namespace tocsin::rules
