// How much a brief's figures would change under other assumptions.
#pragma once

#include <vector>

#include "base/expected.h"
#include "locate/constituency.h"
#include "locate/locator.h"
#include "pipeline/relays.h"
#include "publish/report.h"

namespace tocsin {

// For each figure of the brief that counts something: what it would be with the other location database (the one
// nearest to that of the period), without relays as actors, and with suspected sightings. The database engine holds a
// table of addresses afterwards.
Expected<std::vector<SensitivityRow>> sensitivity_of(const Brief& brief, const Catalogue& catalogue,
                                                     const SightingStore& store, Database& database,
                                                     const Locator& locator, const Constituency& constituency,
                                                     const Relays& relays);

}  // namespace tocsin
