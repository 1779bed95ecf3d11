#include "base/community_id.h"

#include <openssl/evp.h>

#include <array>

#include "base/base64.h"

namespace tocsin {

std::string community_id(const CommunityEnd& low, const CommunityEnd& high, std::uint8_t protocol, bool is_v4,
                         bool has_ports, std::uint16_t seed) {
  std::array<std::uint8_t, 40> input{};
  std::size_t size = 0;
  const auto put16 = [&](std::uint16_t value) {
    input[size++] = static_cast<std::uint8_t>(value >> 8);
    input[size++] = static_cast<std::uint8_t>(value);
  };
  put16(seed);
  for (const CommunityEnd* end : {&low, &high}) {
    for (std::size_t i = is_v4 ? 12 : 0; i < 16; ++i) input[size++] = end->ip.bytes()[i];
  }
  input[size++] = protocol;
  input[size++] = 0;
  if (has_ports) {
    put16(low.port);
    put16(high.port);
  }
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned digest_size = 0;
  EVP_Digest(input.data(), size, digest.data(), &digest_size, EVP_sha1(), nullptr);
  return "1:" + base64(std::span(digest).first(digest_size));
}

}  // namespace tocsin
