// How much a brief's figures would change under other assumptions.
#pragma once

#include <string>
#include <vector>

#include "base/expected.h"
#include "locate/constituency.h"
#include "locate/locator.h"
#include "publish/report.h"

namespace tocsin {

// For each figure of the brief that counts something: what it would be with the other location database (the one
// nearest to that of the period), without actors in the networks of relays_path (constituencies/relays.toml) or marked
// as anonymous proxies, and with suspected sightings. The database engine holds a table of addresses afterwards.
Expected<std::vector<SensitivityRow>> sensitivity_of(const Brief& brief, const Catalogue& catalogue,
                                                     const SightingStore& store, Database& database,
                                                     const Locator& locator, const Constituency& constituency,
                                                     const std::string& relays_path);

}  // namespace tocsin
