// Sets, lists and scripts that rules name, each read once.
#pragma once

#include <memory>
#include <vector>

#include "match/compiled.h"

namespace tocsin::match {

std::unique_ptr<Resources> make_resources(const Options& options, bool has_countries);

}  // namespace tocsin::match
