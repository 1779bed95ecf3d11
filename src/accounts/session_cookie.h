// Cookies of the sign-in (RFC 6265bis): not readable by scripts, sent to this host alone.
#pragma once

#include <string>
#include <string_view>

namespace tocsin::serve {

// Over TLS the name's prefix makes browsers refuse one that another host set.
inline std::string_view session_cookie_name(bool secure) { return secure ? "__Host-tocsin" : "tocsin"; }
inline std::string_view state_cookie_name(bool secure) { return secure ? "__Host-tocsin-state" : "tocsin-state"; }

// value empty: the cookie is removed.
inline std::string session_cookie(std::string_view value, bool secure) {
  std::string cookie = std::string(session_cookie_name(secure)) + "=" + std::string(value);
  cookie += "; Path=/; HttpOnly; SameSite=Strict";
  if (secure) cookie += "; Secure";
  if (value.empty()) cookie += "; Max-Age=0";
  return cookie;
}

// Lax, for the provider's page leads back here.
inline std::string state_cookie(std::string_view value, bool secure) {
  std::string cookie = std::string(state_cookie_name(secure)) + "=" + std::string(value);
  cookie += "; Path=/; HttpOnly; SameSite=Lax; Max-Age=" + std::string(value.empty() ? "0" : "600");
  if (secure) cookie += "; Secure";
  return cookie;
}

}  // namespace tocsin::serve
