#include "base/community_id.h"

#include <array>

#include "base/base64.h"
#include "base/digest.h"

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
  return "1:" + base64(digest(DigestKind::kSha1, std::span(input).first(size)).view());
}

}  // namespace tocsin
