// Hashes: SHA-256 (FIPS 180-4) where tampering must show, XXH3 where speed counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tocsin {

using Digest = std::array<std::uint8_t, 32>;

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text) { update(std::as_bytes(std::span(text))); }
  // The digest of what came so far; more may follow.
  Digest digest() const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

Digest sha256(std::string_view text);
// Lower-case hexadecimal.
std::string hex(std::span<const std::uint8_t> bytes);

struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend constexpr auto operator<=>(const Hash128&, const Hash128&) = default;
};
// XXH3, the same on every machine.
std::uint64_t hash64(std::string_view text, std::uint64_t seed = 0);
Hash128 hash128(std::string_view text);
// 32 bits of a hash that all of its bits are in.
inline std::uint32_t folded(std::uint64_t hash) { return static_cast<std::uint32_t>(hash ^ hash >> 32); }

}  // namespace tocsin
