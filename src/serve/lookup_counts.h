// How often a subject was seen: added up from what days have of it, and from rows where those were not counted.
#pragma once

#include <string>
#include <vector>

#include "base/expected.h"
#include "figures/figure.h"
#include "serve/context.h"
#include "serve/lookup.h"
#include "serve/segment_index.h"
#include "serve/subject_index.h"

namespace tocsin::serve {

// The days of the period that may have the subject, each with all of its segments.
Expected<SubjectIndex::Days> days_with(Context& context, const Subject& subject, const FigureRequest& request);
// Of these segments, those that may have the subject.
std::vector<std::string> paths_with(const SegmentIndex& index, const Subject& subject,
                                    const std::vector<std::string>& paths);
// In no order; rows are asked of the database where the index does not know.
Expected<std::vector<SubjectCount>> counts_of(const SubjectIndex& subjects, const SegmentIndex& index,
                                              Database& database, const Subject& subject, const FigureRequest& request,
                                              const SubjectIndex::Days& days);
// FROM and WHERE of a subject's rows in some segments.
std::string rows_sql(const Subject& subject, const FigureRequest& request, const std::vector<std::string>& paths);
// A subject's condition for one end, which is never NULL.
std::string end_sql(const std::string& condition);

}  // namespace tocsin::serve
