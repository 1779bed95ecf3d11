// Asking an OpenID Connect provider: one request, within limits. No redirects, no proxy for loopback, 10 s, 1 MiB.
#pragma once

#include <string>

#include "base/expected.h"

namespace tocsin::serve {

// https; http too, but to loopback only, if loopback_http. No user, no fragment, no space or control character.
Expected<void> check_provider_url(const std::string& url, bool loopback_http);
bool is_loopback_http(const std::string& url);

struct ProviderRequest {
  std::string url;
  std::string form;            // POST of application/x-www-form-urlencoded if not empty
  std::string user, password;  // HTTP Basic if user is not empty
  std::string bearer;
  bool loopback_http = false;
};
struct ProviderAnswer {
  long status = 0;
  std::string body;
};
Expected<ProviderAnswer> ask_provider(const ProviderRequest& request);

std::string form_encoded(std::string_view text);

}  // namespace tocsin::serve
