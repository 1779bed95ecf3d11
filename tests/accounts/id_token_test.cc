#include "accounts/id_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "signed_tokens.h"

namespace tocsin::serve {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr std::int64_t kNow = 1'700'000'000;  // seconds

class IdTokenTest : public ::testing::Test {
 protected:
  IdTokenTest() {
    const json set{{"keys", {rsa_.jwk(), ec_.jwk(), ed_.jwk()}}};
    keys_ = JsonWebKeys::parse(set.dump()).value();
  }
  static json claims() {
    return {{"iss", "https://id.example"}, {"aud", "tocsin"}, {"sub", "42"}, {"nonce", "n-1"},
            {"exp", kNow + 300},           {"iat", kNow}};
  }
  static json with(const char* name, const json& value) {
    json out = claims();
    out[name] = value;
    return out;
  }
  static json without(const char* name) {
    json out = claims();
    out.erase(name);
    return out;
  }
  auto check(const std::string& token) const {
    return check_id_token(
        token, keys_, {.issuer = "https://id.example", .audience = "tocsin", .nonce = "n-1", .now = kNow * kSecond});
  }
  std::string refusal(const std::string& token) const {
    const auto checked = check(token);
    return checked ? "accepted" : checked.error().message;
  }
  std::string refusal(const json& claims) const { return refusal(ec_.token(claims)); }

  inline static const SigningKey rsa_{SigningKey::Kind::kRsa, "r"}, ec_{SigningKey::Kind::kEc, "e"},
      ed_{SigningKey::Kind::kEd25519, "d"};
  JsonWebKeys keys_;
};

TEST_F(IdTokenTest, IsAcceptedUnderEachAlgorithm) {
  for (const SigningKey* key : {&rsa_, &ec_, &ed_}) {
    const auto checked = check(key->token(claims()));
    ASSERT_TRUE(checked) << checked.error().message;
    EXPECT_EQ(json::parse(*checked)["sub"], "42");
  }
  EXPECT_TRUE(check(ed_.token(claims(), {{"alg", "Ed25519"}})));
  EXPECT_TRUE(check(ec_.token(with("aud", {"tocsin"}))));
  json both = with("aud", {"other", "tocsin"});
  both["azp"] = "tocsin";
  EXPECT_TRUE(check(ec_.token(both)));
}

TEST_F(IdTokenTest, NeedsASignatureByAPublishedKey) {
  const std::string good = ec_.token(claims());
  std::string other_claims = to_base64url(with("sub", "1").dump());
  const std::size_t first = good.find('.'), second = good.rfind('.');
  EXPECT_THAT(refusal(good.substr(0, first + 1) + other_claims + good.substr(second)), HasSubstr("wrong signature"));
  EXPECT_THAT(refusal(good.substr(0, second + 1)), HasSubstr("wrong signature"));
  EXPECT_THAT(refusal(good.substr(0, second + 1) + to_base64url(std::string(64, '\0'))), HasSubstr("wrong signature"));
  const SigningKey stranger(SigningKey::Kind::kEc, "e");
  EXPECT_THAT(refusal(stranger.token(claims())), HasSubstr("wrong signature"));
  const auto unknown = check(SigningKey(SigningKey::Kind::kEc, "new").token(claims()));
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(unknown.error().unknown_key);
}

TEST_F(IdTokenTest, IsNotAcceptedUnderNoneOrASharedSecret) {
  const std::string body = to_base64url(claims().dump());
  for (const char* algorithm : {"none", "None", "HS256", "RS512", "PS256", "", "ES256K"}) {
    const std::string header = to_base64url(json{{"alg", algorithm}}.dump());
    EXPECT_THAT(refusal(header + "." + body + "."), HasSubstr("not RS256")) << algorithm;
  }
  // The classic: the public key as the secret of an HMAC.
  const std::string message = to_base64url(json{{"alg", "HS256"}, {"kid", "r"}}.dump()) + "." + body;
  EXPECT_THAT(refusal(message + "." + to_base64url(authenticator(rsa_.jwk().dump(), message))), HasSubstr("not RS256"));
  // A key serves its own algorithm only.
  EXPECT_NE(refusal(rsa_.token(claims(), {{"alg", "ES256"}})), "accepted");
  EXPECT_NE(refusal(ec_.token(claims(), {{"alg", "RS256"}, {"kid", "r"}})), "accepted");
  EXPECT_THAT(refusal(ec_.token(claims(), {{"crit", {"exp"}}})), HasSubstr("extension"));
  EXPECT_THAT(refusal(ec_.token(claims(), {{"kid", 7}})), HasSubstr("name its key"));
}

TEST_F(IdTokenTest, IsOfThisIssuerForThisClientAndThisSignIn) {
  EXPECT_THAT(refusal(with("iss", "https://id.example/")), HasSubstr("issuer"));
  EXPECT_THAT(refusal(without("iss")), HasSubstr("issuer"));
  EXPECT_THAT(refusal(with("aud", "other")), HasSubstr("audience"));
  EXPECT_THAT(refusal(with("aud", json::array())), HasSubstr("audience"));
  EXPECT_THAT(refusal(with("aud", {"tocsin", "other"})), HasSubstr("audience"));
  EXPECT_THAT(refusal(with("aud", {{"tocsin", 1}})), HasSubstr("audience"));
  EXPECT_THAT(refusal(without("aud")), HasSubstr("audience"));
  EXPECT_THAT(refusal(with("azp", "other")), HasSubstr("audience"));
  EXPECT_THAT(refusal(with("azp", nullptr)), HasSubstr("audience"));
  EXPECT_THAT(refusal(with("nonce", "n-2")), HasSubstr("nonce"));
  EXPECT_THAT(refusal(without("nonce")), HasSubstr("nonce"));
  EXPECT_THAT(refusal(without("sub")), HasSubstr("subject"));
  EXPECT_THAT(refusal(with("sub", std::string(256, 'x'))), HasSubstr("subject"));
}

TEST_F(IdTokenTest, IsOfNow) {
  EXPECT_EQ(refusal(with("exp", kNow - 119)), "accepted");
  EXPECT_THAT(refusal(with("exp", kNow - 120)), HasSubstr("expired"));
  EXPECT_THAT(refusal(with("exp", "tomorrow")), HasSubstr("when"));
  EXPECT_THAT(refusal(without("exp")), HasSubstr("when"));
  EXPECT_THAT(refusal(without("iat")), HasSubstr("when"));
  EXPECT_THAT(refusal(with("iat", kNow + 121)), HasSubstr("issued"));
  EXPECT_THAT(refusal(with("iat", kNow - 3601)), HasSubstr("issued"));
  EXPECT_THAT(refusal(with("iat", -1e300)), HasSubstr("issued"));
  EXPECT_THAT(refusal(with("nbf", kNow + 121)), HasSubstr("not valid yet"));
  EXPECT_THAT(refusal(with("nbf", "x")), HasSubstr("not valid yet"));
}

TEST_F(IdTokenTest, MayBeAnything) {
  const std::string deep(20'000, '[');
  for (const std::string& token : {std::string(), std::string("."), std::string(".."), std::string("..."),
                                   std::string("a.b.c"), std::string(1 << 20, 'A'), to_base64url(deep) + "..",
                                   to_base64url("[]") + ".e30.", std::string("\0.\0.\0", 5)}) {
    EXPECT_NE(refusal(token), "accepted");
  }
  EXPECT_THAT(refusal(ec_.token(json::array({1}))), HasSubstr("well-formed"));
  // Signed, and still nothing that may exhaust the stack.
  const std::string message = to_base64url(json{{"alg", "ES256"}, {"kid", "e"}}.dump()) + "." + to_base64url(deep);
  EXPECT_THAT(refusal(message + "." + to_base64url(ec_.sign(message))), HasSubstr("well-formed"));
}

TEST(JsonWebKeysTest, PassesOverWhatCannotBeUsed) {
  const SigningKey good(SigningKey::Kind::kEc, "good");
  json off_curve = good.jwk(), short_point = good.jwk(), encryption = good.jwk(), other_algorithm = good.jwk();
  off_curve["x"] = to_base64url(std::string(32, '\1'));
  short_point["y"] = "AA";
  encryption["use"] = "enc";
  other_algorithm["alg"] = "ES384";
  json even = SigningKey(SigningKey::Kind::kRsa, "x").jwk(), no_exponent = even;
  even["n"] = to_base64url(std::string(256, '\x80'));
  no_exponent["e"] = to_base64url(std::string(1, '\1'));
  const std::vector<json> bad{off_curve,
                              short_point,
                              encryption,
                              other_algorithm,
                              even,
                              no_exponent,
                              SigningKey(SigningKey::Kind::kRsa, "weak", 1024).jwk(),
                              7,
                              json::array(),
                              {{"kty", "oct"}, {"k", "AAAA"}},
                              {{"kty", 3}}};
  json set{{"keys", bad}};
  EXPECT_EQ(JsonWebKeys::parse(set.dump()).value().size(), 0u);
  set["keys"].push_back(good.jwk());
  EXPECT_EQ(JsonWebKeys::parse(set.dump()).value().size(), 1u);
  set["keys"] = std::vector<json>(1000, good.jwk());
  EXPECT_EQ(JsonWebKeys::parse(set.dump()).value().size(), 100u);
  for (const char* text : {"", "[]", "{}", "{\"keys\": 1}", "{\"keys\": [", "\xff"}) {
    EXPECT_FALSE(JsonWebKeys::parse(text)) << text;
  }
}

}  // namespace
}  // namespace tocsin::serve
