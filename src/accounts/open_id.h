// Sign-in by an OpenID Connect provider (OpenID Connect Core 1.0, authorization code flow with PKCE, RFC 7636).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/expected.h"
#include "base/time.h"

namespace tocsin::serve {

struct OpenIdSettings {
  std::string issuer;  // https://…; http only for loopback
  std::string client_id;
  std::string client_secret;    // empty: a public client, which PKCE alone protects
  std::string redirect;         // https://this-server/api/v1/session/oidc/callback
  std::string claim = "email";  // whose value is the name of the account here; "email" must be verified
};

// A TOML file with these keys. It holds a secret: an error if others than its owner can read it.
Expected<OpenIdSettings> load_open_id_settings(const std::string& path);

class OpenId {
 public:
  // Reads the provider's discovery document when it is first needed, and its keys again when one is unknown.
  explicit OpenId(OpenIdSettings settings, std::function<Timestamp()> now = {});
  ~OpenId();
  struct Begin {
    std::string location;  // where the browser is sent
    std::string state;     // also set as a cookie, so that only the same browser can end what it began
  };
  Expected<Begin> begin();
  // The name of the account: the claim's value, of the ID token or else of UserInfo; an email address in small letters.
  // Checks state, code, and the ID token: signature (RS256, ES256, EdDSA), issuer, audience, nonce, times. Each state
  // counts once, for ten minutes; at most 10,000 that came back are remembered. Blocks while the provider is asked, 10
  // s a request at most; an error if too many ask already.
  Expected<std::string> end(std::string_view state, std::string_view cookie_state, std::string_view code);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::serve
