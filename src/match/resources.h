// Sets, lists and scripts that rules name, each read once.
#pragma once

#include <memory>
#include <vector>

#include "match/compiled.h"

namespace tocsin::match {

std::unique_ptr<Resources> make_resources(const Options& options, std::vector<rules::Fault>& faults);

}  // namespace tocsin::match
