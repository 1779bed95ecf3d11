// The OpenAPI 3.1 document of routes.
#pragma once

#include <string>
#include <vector>

#include "serve/router.h"

namespace tocsin::serve {

std::string openapi(const std::string& title, const std::string& version, const std::string& schemas,
                    const std::vector<Route>& routes);

}  // namespace tocsin::serve
