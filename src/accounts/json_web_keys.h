// A provider's public keys (JSON Web Key, RFC 7517 and 7518; Ed25519 by RFC 8037) and what they sign (RFC 7515).
// A key is bound to one algorithm by its type: RSA to RS256, P-256 to ES256, Ed25519 to EdDSA (also named
// Ed25519, RFC 9864).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"

struct evp_pkey_st;

namespace tocsin::serve {

class JsonWebKeys {
 public:
  // {"keys": [...]}. Keys of other kinds, too weak ones and broken ones are passed over; at most 100 are looked at.
  static Expected<JsonWebKeys> parse(std::string_view text);
  enum class Verdict { kRight, kWrong, kNoSuchKey };
  // id empty: any key of the algorithm.
  Verdict verify(std::string_view algorithm, std::string_view id, std::string_view message,
                 std::string_view signature) const;
  std::size_t size() const { return keys_.size(); }

 private:
  struct Key {
    std::string id, algorithm;
    std::shared_ptr<evp_pkey_st> key;
  };
  std::vector<Key> keys_;
};

}  // namespace tocsin::serve
