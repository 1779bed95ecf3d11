// What a rule asks of the program that runs it: requires.
#pragma once

#include "base/expected.h"
#include "rules/rule.h"

namespace tocsin::match {

// An error says what is not met.
Expected<void> requirements_met(const rules::Rule& rule);

}  // namespace tocsin::match
