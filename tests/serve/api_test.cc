#include "serve/api.h"

#include <gtest/gtest.h>

namespace tocsin::serve {
namespace {

TEST(Api, LetsWaitOnlyWhatReadsTheStore) {
  for (const char* path : {"/", "/index.html", "/metrics", "/api/v1/health", "/api/v1/openapi.json"}) {
    Request request;
    request.path = path;
    EXPECT_TRUE(Api::is_prompt(request)) << path;
  }
  for (const char* path : {"/api/v1/overview", "/api/v1/sightings/x", "/api/v1/session", "/api/v1/health/x", "/api/"}) {
    Request request;
    request.path = path;
    EXPECT_FALSE(Api::is_prompt(request)) << path;
  }
}

}  // namespace
}  // namespace tocsin::serve
