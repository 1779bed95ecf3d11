#include "dissect/community_id.h"

#include <openssl/evp.h>

#include <array>
#include <optional>
#include <vector>

#include "collect/observation.h"

namespace tocsin {
namespace {

// The type that answers an ICMP type, from the specification's tables; nothing for one-way messages.
std::optional<std::uint16_t> icmp_answer(std::uint16_t type, bool six) {
  struct Pair {
    std::uint16_t ask, answer;
  };
  static constexpr Pair four_pairs[] = {{8, 0}, {13, 14}, {15, 16}, {17, 18}, {10, 9}};
  static constexpr Pair six_pairs[] = {{128, 129}, {133, 134}, {135, 136}, {130, 131}, {144, 145}};
  const auto find = [type](const auto& pairs) -> std::optional<std::uint16_t> {
    for (const Pair& pair : pairs) {
      if (pair.ask == type) return pair.answer;
      if (pair.answer == type) return pair.ask;
    }
    return std::nullopt;
  };
  return six ? find(six_pairs) : find(four_pairs);
}

}  // namespace

std::string community_id(const Endpoint& a, const Endpoint& b, std::uint8_t protocol) {
  Endpoint first = a, second = b;
  bool one_way = false;
  if (protocol == kIcmp || protocol == kIcmp6) {
    const auto answer = icmp_answer(first.port, protocol == kIcmp6);
    if (answer) {
      second.port = *answer;
    } else {
      one_way = true;
    }
  }
  if (!one_way && std::pair(first.ip, first.port) > std::pair(second.ip, second.port)) std::swap(first, second);
  std::vector<std::uint8_t> bytes{0, 0};
  const auto add = [&bytes](const IpAddress& ip) {
    const auto& all = ip.bytes();
    bytes.insert(bytes.end(), all.begin() + (ip.is_v4() ? 12 : 0), all.end());
  };
  add(first.ip);
  add(second.ip);
  bytes.push_back(protocol);
  bytes.push_back(0);
  for (const std::uint16_t port : {first.port, second.port}) {
    bytes.push_back(static_cast<std::uint8_t>(port >> 8));
    bytes.push_back(static_cast<std::uint8_t>(port));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::array<unsigned char, 64> encoded{};
  const int length = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(size));
  return "1:" + std::string(reinterpret_cast<const char*>(encoded.data()), static_cast<std::size_t>(length));
}

}  // namespace tocsin
