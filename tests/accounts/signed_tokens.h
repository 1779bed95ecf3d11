// Keys and ID tokens as a provider makes them, and as one should not.
#pragma once

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "accounts/secrets.h"

namespace tocsin::serve {

class SigningKey {
 public:
  enum class Kind { kRsa, kEc, kEd25519 };
  SigningKey(Kind kind, std::string id, unsigned rsa_bits = 2048) : kind_(kind), id_(std::move(id)) {
    EVP_PKEY* key = kind == Kind::kRsa  ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(rsa_bits))
                    : kind == Kind::kEc ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")
                                        : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    key_ = {key, EVP_PKEY_free};
  }
  std::string algorithm() const { return kind_ == Kind::kRsa ? "RS256" : kind_ == Kind::kEc ? "ES256" : "EdDSA"; }
  nlohmann::json jwk() const {
    nlohmann::json out{{"kid", id_}, {"use", "sig"}};
    if (kind_ == Kind::kRsa) {
      out["kty"] = "RSA";
      out["n"] = number(OSSL_PKEY_PARAM_RSA_N, 0);
      out["e"] = number(OSSL_PKEY_PARAM_RSA_E, 0);
    } else if (kind_ == Kind::kEc) {
      out["kty"] = "EC";
      out["crv"] = "P-256";
      out["x"] = number(OSSL_PKEY_PARAM_EC_PUB_X, 32);
      out["y"] = number(OSSL_PKEY_PARAM_EC_PUB_Y, 32);
    } else {
      std::array<unsigned char, 32> raw{};
      std::size_t size = raw.size();
      EVP_PKEY_get_raw_public_key(key_.get(), raw.data(), &size);
      out["kty"] = "OKP";
      out["crv"] = "Ed25519";
      out["x"] = to_base64url({reinterpret_cast<const char*>(raw.data()), size});
    }
    return out;
  }
  std::string sign(const std::string& message) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, nullptr, kind_ == Kind::kEd25519 ? nullptr : EVP_sha256(), nullptr, key_.get());
    const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
    std::string out(1024, '\0');
    std::size_t size = out.size();
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, bytes, message.size());
    EVP_MD_CTX_free(context);
    out.resize(size);
    return kind_ == Kind::kEc ? raw_of(out) : out;
  }
  std::string token(const nlohmann::json& claims, nlohmann::json header = {}) const {
    nlohmann::json all{{"alg", algorithm()}, {"kid", id_}};
    if (header.is_object()) all.update(header);
    const std::string message = to_base64url(all.dump()) + "." + to_base64url(claims.dump());
    return message + "." + to_base64url(sign(message));
  }

 private:
  std::string number(const char* name, int size) const {
    BIGNUM* value = nullptr;
    EVP_PKEY_get_bn_param(key_.get(), name, &value);
    std::string out(static_cast<std::size_t>(size > 0 ? size : BN_num_bytes(value)), '\0');
    BN_bn2binpad(value, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
    BN_free(value);
    return to_base64url(out);
  }
  static std::string raw_of(const std::string& der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    std::string out(64, '\0');
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), reinterpret_cast<unsigned char*>(out.data()), 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), reinterpret_cast<unsigned char*>(out.data()) + 32, 32);
    ECDSA_SIG_free(pair);
    return out;
  }

  Kind kind_;
  std::string id_;
  std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace tocsin::serve
