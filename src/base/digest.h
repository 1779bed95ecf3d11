// Digests of OpenSSL, each looked up among its providers once a thread: that costs more than a digest of some hundred
// bytes does.
#pragma once

#include <openssl/types.h>

#include <array>
#include <cstdint>
#include <span>

namespace tocsin {

enum class DigestKind : std::uint8_t { kMd5, kSha1, kSha256 };

// Null: this OpenSSL has it not.
const EVP_MD* digest_of(DigestKind kind);

struct DigestValue {
  std::array<std::uint8_t, 32> bytes{};
  std::size_t size = 0;  // 0: it could not be made
  std::span<const std::uint8_t> view() const { return std::span(bytes).first(size); }
};
DigestValue digest(DigestKind kind, std::span<const std::uint8_t> bytes);

}  // namespace tocsin
