#include "accounts/json_web_keys.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <nlohmann/json.hpp>

#include "accounts/secrets.h"

namespace tocsin::serve {
namespace {

using nlohmann::json;

constexpr std::size_t kMostKeys = 100;

// RFC 9864 names it more exactly.
std::string_view known_name(std::string_view algorithm) { return algorithm == "Ed25519" ? "EdDSA" : algorithm; }

template <auto Free>
struct By {
  void operator()(auto* pointer) const { Free(pointer); }
};
using BigNumber = std::unique_ptr<BIGNUM, By<BN_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, By<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, By<OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, By<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, By<EVP_MD_CTX_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, By<ECDSA_SIG_free>>;
using PublicKey = std::shared_ptr<EVP_PKEY>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
BigNumber number_of(std::string_view bytes) {
  return BigNumber(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

std::string text_at(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}
// Empty if it is missing or not Base64url.
std::string bytes_at(const json& object, const char* name) {
  return from_base64url(text_at(object, name)).value_or("");
}

PublicKey key_of(const char* type, const ParameterBuilder& builder) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return {key, EVP_PKEY_free};
}

PublicKey rsa_key(const json& jwk) {
  const BigNumber modulus = number_of(bytes_at(jwk, "n")), exponent = number_of(bytes_at(jwk, "e"));
  // Fewer than 2,048 bits are too weak (RFC 7518 section 3.3), more than 8,192 or a long exponent only slow.
  const int bits = BN_num_bits(modulus.get());
  if (bits < 2048 || bits > 8192 || BN_is_odd(modulus.get()) == 0) return nullptr;
  if (BN_num_bits(exponent.get()) > 64 || BN_num_bits(exponent.get()) < 2 || BN_is_odd(exponent.get()) == 0) {
    return nullptr;
  }
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
    return nullptr;
  }
  return key_of("RSA", builder);
}

PublicKey ec_key(const json& jwk) {
  const std::string x = bytes_at(jwk, "x"), y = bytes_at(jwk, "y");
  if (text_at(jwk, "crv") != "P-256" || x.size() != 32 || y.size() != 32) return nullptr;
  const std::string point = "\x04" + x + y;  // uncompressed
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
    return nullptr;
  }
  PublicKey key = key_of("EC", builder);
  const KeyContext check(key ? EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr) : nullptr);
  return check && EVP_PKEY_public_check(check.get()) == 1 ? key : nullptr;  // else the point is not on the curve
}

PublicKey ed25519_key(const json& jwk) {
  const std::string x = bytes_at(jwk, "x");
  if (text_at(jwk, "crv") != "Ed25519" || x.size() != 32) return nullptr;
  return {EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(x), x.size()), EVP_PKEY_free};
}

// ES256 signs as r and s of 32 bytes each (RFC 7518 section 3.4); OpenSSL reads them as DER.
std::string der_of(std::string_view signature) {
  if (signature.size() != 64) return {};
  const EcSignature pair(ECDSA_SIG_new());
  BigNumber r = number_of(signature.substr(0, 32)), s = number_of(signature.substr(32));
  if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
  (void)r.release();  // the pair owns them now
  (void)s.release();
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return {};
  std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

bool is_signed(EVP_PKEY* key, std::string_view algorithm, std::string_view message, std::string_view signature) {
  const DigestContext context(EVP_MD_CTX_new());
  const EVP_MD* digest = algorithm == "EdDSA" ? nullptr : EVP_sha256();
  const std::string der = algorithm == "ES256" ? der_of(signature) : std::string(signature);
  return context && !der.empty() && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(der), der.size(), bytes_of(message), message.size()) == 1;
}

}  // namespace

Expected<JsonWebKeys> JsonWebKeys::parse(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object() || !document.contains("keys") || !document["keys"].is_array()) {
    return failure("not a set of keys");
  }
  JsonWebKeys out;
  std::size_t looked_at = 0;
  for (const json& jwk : document["keys"]) {
    if (++looked_at > kMostKeys) break;
    if (!jwk.is_object() || (jwk.contains("use") && text_at(jwk, "use") != "sig")) continue;
    Key key{.id = text_at(jwk, "kid"), .algorithm = {}, .key = {}};
    const std::string type = text_at(jwk, "kty");
    if (type == "RSA") {
      key.algorithm = "RS256";
      key.key = rsa_key(jwk);
    } else if (type == "EC") {
      key.algorithm = "ES256";
      key.key = ec_key(jwk);
    } else if (type == "OKP") {
      key.algorithm = "EdDSA";
      key.key = ed25519_key(jwk);
    }
    if (!key.key || (jwk.contains("alg") && known_name(text_at(jwk, "alg")) != key.algorithm)) continue;
    out.keys_.push_back(std::move(key));
  }
  return out;
}

JsonWebKeys::Verdict JsonWebKeys::verify(std::string_view algorithm, std::string_view id, std::string_view message,
                                         std::string_view signature) const {
  algorithm = known_name(algorithm);
  Verdict verdict = Verdict::kNoSuchKey;
  for (const Key& key : keys_) {
    if (key.algorithm != algorithm || (!id.empty() && key.id != id)) continue;
    if (is_signed(key.key.get(), algorithm, message, signature)) return Verdict::kRight;
    verdict = Verdict::kWrong;
  }
  return verdict;
}

}  // namespace tocsin::serve
