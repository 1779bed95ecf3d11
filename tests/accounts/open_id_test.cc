#include "accounts/open_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "accounts/provider_http.h"
#include "scripted_provider.h"
#include "signed_tokens.h"

namespace tocsin::serve {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class OpenIdTest : public ::testing::Test {
 protected:
  OpenIdTest() {
    const std::string at = provider_.issuer();
    discovery_ = {{"issuer", at},
                  {"authorization_endpoint", at + "/authorize?tenant=1"},
                  {"token_endpoint", at + "/token"},
                  {"userinfo_endpoint", at + "/me"},
                  {"jwks_uri", at + "/keys"}};
    discover();
    publish(key_);
  }
  void discover() { provider_.answer("/.well-known/openid-configuration", {.body = discovery_.dump()}); }
  void publish(const SigningKey& key) { provider_.answer("/keys", {.body = json{{"keys", {key.jwk()}}}.dump()}); }
  OpenId client(const std::string& claim = "email") {
    return OpenId({.issuer = provider_.issuer(),
                   .client_id = "tocsin",
                   .client_secret = "s3cret",
                   .redirect = "https://tocsin.example/callback",
                   .claim = claim},
                  [this] { return clock_; });
  }
  static std::string parameter(const std::string& location, const std::string& name) {
    const std::size_t at = location.find("&" + name + "=");
    if (at == std::string::npos) return {};
    const std::size_t from = at + name.size() + 2;
    return location.substr(from, location.find('&', from) - from);
  }
  json claims(const OpenId::Begin& begun) {
    return {{"iss", provider_.issuer()},
            {"aud", "tocsin"},
            {"sub", "42"},
            {"nonce", parameter(begun.location, "nonce")},
            {"exp", clock_ / kSecond + 300},
            {"iat", clock_ / kSecond},
            {"email", "Alice@Example.org"},
            {"email_verified", true}};
  }
  void give(const std::string& id_token) {
    provider_.answer("/token", {.body = json{{"id_token", id_token}, {"access_token", "at"}}.dump()});
  }
  static std::string result(const Expected<std::string>& ended) { return ended ? *ended : ended.error().message; }

  Timestamp clock_ = 1'700'000'000 * kSecond;
  ScriptedProvider provider_;
  json discovery_;
  inline static const SigningKey key_{SigningKey::Kind::kEc, "e"};
};

TEST_F(OpenIdTest, SendsTheBrowserWithStateNonceAndChallenge) {
  OpenId open_id = client();
  const auto one = open_id.begin().value(), two = open_id.begin().value();
  EXPECT_THAT(one.location, StartsWith(provider_.issuer() +
                                       "/authorize?tenant=1&response_type=code&client_id=tocsin&"
                                       "redirect_uri=https%3A%2F%2Ftocsin.example%2Fcallback&scope=openid%20email&"));
  EXPECT_EQ(parameter(one.location, "state"), one.state);
  EXPECT_EQ(parameter(one.location, "nonce").size(), 43u);
  EXPECT_EQ(parameter(one.location, "code_challenge").size(), 43u);
  EXPECT_EQ(parameter(one.location, "code_challenge_method"), "S256");
  for (const char* name : {"state", "nonce", "code_challenge"}) {
    EXPECT_NE(parameter(one.location, name), parameter(two.location, name));
  }
  EXPECT_EQ(provider_.requests("/.well-known/openid-configuration"), 1);
}

TEST_F(OpenIdTest, GivesTheNameOfTheClaim) {
  OpenId open_id = client();
  const auto begun = open_id.begin().value();
  give(key_.token(claims(begun)));
  EXPECT_EQ(result(open_id.end(begun.state, begun.state, "a code&x=1")), "alice@example.org");
  const std::string asked = provider_.last_request();  // for the keys
  EXPECT_THAT(asked, HasSubstr("GET /keys"));
  EXPECT_EQ(provider_.requests("/me"), 0);
}

TEST_F(OpenIdTest, CountsEachStateOnceForTheBrowserThatBeganIt) {
  OpenId open_id = client();
  const auto begun = open_id.begin().value(), other = open_id.begin().value();
  give(key_.token(claims(begun)));
  EXPECT_THAT(result(open_id.end(begun.state, other.state, "c")), HasSubstr("another browser"));
  EXPECT_THAT(result(open_id.end(begun.state, "", "c")), HasSubstr("another browser"));
  std::string forged = begun.state;
  forged[20] = forged[20] == 'A' ? 'B' : 'A';
  for (const std::string& hostile : {std::string(), forged, std::string(86, 'A'), std::string(100'000, 'A')}) {
    EXPECT_FALSE(open_id.end(hostile, hostile, "c"));
  }
  OpenId restarted = client();
  EXPECT_THAT(result(restarted.end(begun.state, begun.state, "c")), HasSubstr("not begun here"));
  EXPECT_EQ(provider_.requests("/token"), 0);
  EXPECT_TRUE(open_id.end(begun.state, begun.state, "c"));
  EXPECT_THAT(result(open_id.end(begun.state, begun.state, "c")), HasSubstr("already"));
  clock_ += 10 * kMinute;
  EXPECT_THAT(result(open_id.end(other.state, other.state, "c")), HasSubstr("too long"));
  EXPECT_EQ(provider_.requests("/token"), 1);
}

TEST_F(OpenIdTest, RefusesWhatAProviderMustNotSay) {
  OpenId open_id = client();
  const auto attempt = [&](const std::function<std::string(const json&)>& make) {
    const auto begun = open_id.begin().value();
    give(make(claims(begun)));
    return result(open_id.end(begun.state, begun.state, "c"));
  };
  const auto with = [&](const char* name, const json& value) {
    return attempt([&](json claims) {
      claims[name] = value;
      return key_.token(claims);
    });
  };
  EXPECT_THAT(with("nonce", "another"), HasSubstr("nonce"));
  EXPECT_THAT(with("aud", "another"), HasSubstr("audience"));
  EXPECT_THAT(with("iss", "https://evil.example"), HasSubstr("issuer"));
  EXPECT_THAT(with("exp", 1), HasSubstr("expired"));
  EXPECT_THAT(with("email_verified", false), HasSubstr("not verified"));
  EXPECT_THAT(with("email_verified", "true"), HasSubstr("not verified"));
  EXPECT_THAT(with("email", 7), HasSubstr("not a text"));
  EXPECT_THAT(attempt([](const json& claims) {
                return to_base64url(R"({"alg":"none"})") + "." + to_base64url(claims.dump()) + ".";
              }),
              HasSubstr("not RS256"));
  EXPECT_THAT(attempt([](const json& claims) { return SigningKey(SigningKey::Kind::kEc, "e").token(claims); }),
              HasSubstr("wrong signature"));
}

TEST_F(OpenIdTest, ReadsKeysAgainWhenOneIsUnknownButNotForEveryToken) {
  OpenId open_id = client();
  const auto attempt = [&](const SigningKey& key) {
    const auto begun = open_id.begin().value();
    give(key.token(claims(begun)));
    return open_id.end(begun.state, begun.state, "c").has_value();
  };
  EXPECT_TRUE(attempt(key_));
  const SigningKey next(SigningKey::Kind::kEd25519, "next");
  publish(next);
  EXPECT_FALSE(attempt(next));  // read less than a minute ago
  EXPECT_EQ(provider_.requests("/keys"), 1);
  clock_ += kMinute;
  EXPECT_TRUE(attempt(next));
  EXPECT_EQ(provider_.requests("/keys"), 2);
  EXPECT_FALSE(attempt(key_));
}

TEST_F(OpenIdTest, AsksUserInfoForWhatTheTokenDoesNotSay) {
  OpenId open_id = client("preferred_username");
  const auto attempt = [&](const json& about) {
    const auto begun = open_id.begin().value();
    give(key_.token(claims(begun)));
    provider_.answer("/me", {.body = about.dump()});
    return result(open_id.end(begun.state, begun.state, "c"));
  };
  EXPECT_EQ(attempt({{"sub", "42"}, {"preferred_username", "alice"}}), "alice");
  EXPECT_THAT(provider_.last_request(), HasSubstr("Authorization: Bearer at\r\n"));
  EXPECT_THAT(attempt({{"sub", "43"}, {"preferred_username", "alice"}}), HasSubstr("unusable"));
  EXPECT_THAT(attempt({{"preferred_username", "alice"}}), HasSubstr("unusable"));
  EXPECT_THAT(attempt({{"sub", "42"}}), HasSubstr("does not say"));
  EXPECT_THAT(attempt(json::array()), HasSubstr("unusable"));
}

TEST_F(OpenIdTest, RefusesADiscoveryDocumentThatLeadsAstray) {
  const json good = discovery_;
  const auto attempt = [&](const char* name, const json& value) {
    discovery_ = good;
    discovery_[name] = value;
    discover();
    OpenId open_id = client();
    const auto begun = open_id.begin();
    return begun ? "accepted" : begun.error().message;
  };
  EXPECT_THAT(attempt("issuer", "https://other.example"), HasSubstr("another issuer"));
  for (const char* name : {"authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"}) {
    for (const json& url : std::initializer_list<json>{
             "http://192.0.2.1/", "file:///etc/passwd", "https://a.example/\r\nX: y", "https://u:p@a.example/",
             "javascript:1", "https://a.example/#x", "http://localhost.evil.example/", "http://127.0.0.1@evil.example/",
             "gopher://127.0.0.1/"}) {
      EXPECT_THAT(attempt(name, url), HasSubstr("unusable")) << name << " " << url;
    }
  }
  EXPECT_THAT(attempt("token_endpoint", 7), HasSubstr("unusable"));
  EXPECT_THAT(attempt("token_endpoint_auth_methods_supported", {"private_key_jwt"}), HasSubstr("neither"));
  EXPECT_THAT(attempt("token_endpoint_auth_methods_supported", {{"client_secret_basic", 1}}), HasSubstr("neither"));
  EXPECT_EQ(attempt("extra", 1), "accepted");
}

TEST_F(OpenIdTest, BoundsWhatItReads) {
  const auto attempt = [&](ScriptedProvider::Answer answer) {
    provider_.answer("/.well-known/openid-configuration", std::move(answer));
    OpenId open_id = client();
    const auto begun = open_id.begin();
    return begun ? "accepted" : begun.error().message;
  };
  EXPECT_THAT(attempt({.body = std::string(2 << 20, ' ') + discovery_.dump()}), HasSubstr("too much"));
  EXPECT_NE(attempt({.body = discovery_.dump(), .header = "X: " + std::string(90'000, 'x') + "\r\n"}), "accepted");
  EXPECT_THAT(attempt({.body = std::string(500'000, '[')}), HasSubstr("not a JSON object"));
  EXPECT_THAT(attempt({.status = 302, .body = "", .header = "Location: " + provider_.issuer() + "/keys\r\n"}),
              HasSubstr("status 302"));
  EXPECT_EQ(provider_.requests("/keys"), 0);
}

TEST_F(OpenIdTest, LeavesAProviderThatFailedAloneForAWhile) {
  provider_.answer("/.well-known/openid-configuration", {.status = 500, .body = ""});
  OpenId open_id = client();
  EXPECT_FALSE(open_id.begin());
  EXPECT_FALSE(open_id.begin());
  EXPECT_EQ(provider_.requests("/.well-known/openid-configuration"), 1);
  discover();
  clock_ += 10 * kSecond;
  EXPECT_TRUE(open_id.begin());
}

TEST_F(OpenIdTest, SaysWhyTheProviderGaveNoTokensWithoutItsControlCharacters) {
  OpenId open_id = client();
  const auto begun = open_id.begin().value();
  provider_.answer("/token", {.status = 400, .body = json{{"error", "invalid_grant\x1b[2J\n"}}.dump()});
  const std::string said = result(open_id.end(begun.state, begun.state, "c"));
  EXPECT_THAT(said, HasSubstr("invalid_grant\\x1b[2J\\x0a"));
  const std::string asked = provider_.last_request();
  EXPECT_THAT(asked, HasSubstr("Authorization: Basic dG9jc2luOnMzY3JldA=="));
  EXPECT_THAT(asked, HasSubstr("grant_type=authorization_code&code=c&"));
  EXPECT_THAT(asked, HasSubstr("&code_verifier="));
  EXPECT_THAT(asked, Not(HasSubstr("&client_secret=")));
}

TEST(ProviderUrlTest, IsHttpsOrLoopback) {
  EXPECT_TRUE(check_provider_url("https://id.example/realms/a?b=c", false));
  EXPECT_FALSE(check_provider_url("http://127.0.0.1:8080/", false));
  for (const char* url : {"http://127.0.0.1:8080/", "http://localhost/", "http://[::1]:9/"}) {
    EXPECT_TRUE(check_provider_url(url, true)) << url;
    EXPECT_TRUE(is_loopback_http(url)) << url;
  }
  for (const char* url : {"http://10.0.0.1/", "http://[::2]/", "http://0.0.0.0/", "", "https://", "//id.example"}) {
    EXPECT_FALSE(check_provider_url(url, true)) << url;
  }
}

}  // namespace
}  // namespace tocsin::serve
