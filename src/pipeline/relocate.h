// Sightings of a store located again: with another database, or after the constituency has changed.
#pragma once

#include <cstdint>
#include <string>

#include "base/expected.h"
#include "locate/locator.h"
#include "store/sighting_store.h"

namespace tocsin {

// database: an index of the locator's, or -1 for the one of each sighting's time. One commit replaces the
// rows of all sources, or none; the former ones stay answerable at their ledger position. Gives how many rows were
// written.
Expected<std::uint64_t> relocate(SightingStore& store, const Locator& locator, const Constituency& constituency,
                                 int database);

}  // namespace tocsin
