// What an analyst sees first: the headline figures of a period, where attacks come from, what is new.
#pragma once

#include <string>

#include "base/expected.h"
#include "figures/figure.h"
#include "serve/context.h"

namespace tocsin::serve {

// JSON of schema Overview: every number is an answer of the catalogue.
Expected<std::string> overview(Context& context, const FigureRequest& request);
// JSON of schema Figure, from the cache or put into it.
Expected<AnswerCache::Answer> cached_figure(Context& context, const FigureRequest& request);
// The same of overview().
Expected<AnswerCache::Answer> cached_overview(Context& context, const FigureRequest& request);

}  // namespace tocsin::serve
