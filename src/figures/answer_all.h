// Many figures in one pass, another way than answer(): see answer_all.cc.
#pragma once

#include <string>
#include <vector>

#include "base/expected.h"
#include "figures/figure.h"

namespace tocsin {

// What answer() gives for each request, in their order; one that can't be answered is an error of its own. All are
// counted in one pass over the store, and must be of one position of its ledger. request.only is not known here: what
// is narrowed is an error. No other query may run on the database meanwhile.
Expected<std::vector<Expected<FigureResult>>> answer_all(const Catalogue& catalogue, const SightingStore& store,
                                                         Database& database, const std::vector<FigureRequest>& requests,
                                                         const std::string& constituency);
// The same over Parquet files in directories named by the day (UTC) of their rows; skipped stays 0.
Expected<std::vector<Expected<FigureResult>>> answer_all_over(const Catalogue& catalogue,
                                                              const std::vector<Segment>& segments, Database& database,
                                                              const std::vector<FigureRequest>& requests,
                                                              const std::string& constituency);
// The same over any relation that has the columns of a sighting.
Expected<std::vector<Expected<FigureResult>>> answer_all_over(const Catalogue& catalogue,
                                                              const std::string& from_clause, Database& database,
                                                              const std::vector<FigureRequest>& requests,
                                                              const std::string& constituency);

}  // namespace tocsin
