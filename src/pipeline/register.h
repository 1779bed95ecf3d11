// The register of organisations and networks, as CSV.
#pragma once

#include <string>
#include <vector>

#include "base/expected.h"
#include "locate/constituency.h"

namespace tocsin {

// Appends the entries of a file: a header with name, sector, province, contact, domains and prefixes in any order (the
// last two with blanks between several). An entry without a name says the province of a network. Anything wrong is an
// error with file and line, since what is missing here would be missing from every figure.
Expected<void> read_register(const std::string& path, std::vector<Organisation>& into);

}  // namespace tocsin
