// The API's routes, by what they are about.
#pragma once

#include <functional>
#include <string>

#include "serve/context.h"
#include "serve/router.h"

namespace tocsin::serve {

void add_session_routes(Router& router, Context& context);   // sign-in, second factor, tokens
void add_user_routes(Router& router, Context& context);      // accounts, audit trail
void add_figure_routes(Router& router, Context& context);    // status, catalogue, figures, overview
void add_sighting_routes(Router& router, Context& context);  // sightings, evidence, look-up
void add_case_routes(Router& router, Context& context);      // cases, an organisation's own view
void add_brief_routes(Router& router, Context& context);
void add_live_routes(Router& router, Context& context);  // live counts, sensors, health

// A handler that needs the context.
inline std::function<Response(const Call&)> bound(Context& context, Response (*handler)(Context&, const Call&)) {
  return [&context, handler](const Call& call) { return handler(context, call); };
}

// The members of components/schemas of the OpenAPI document.
std::string schemas();

}  // namespace tocsin::serve
