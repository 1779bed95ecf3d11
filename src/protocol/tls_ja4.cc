// JA4 of a client's hello: https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md
#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"
#include "base/hash.h"
#include "protocol/tls_hello.h"

namespace tocsin::protocol::tls {
namespace {

std::string digest_text(DigestKind kind, std::string_view text) {
  return hex(digest(kind, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size())).view());
}

std::string hex_list(std::vector<std::uint16_t> numbers, bool sorted) {
  if (sorted) std::ranges::sort(numbers);
  std::string text;
  for (const std::uint16_t number : numbers) text += fmt::format("{}{:04x}", text.empty() ? "" : ",", number);
  return text;
}

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

std::string alpn_mark(const std::vector<std::string>& alpn) {
  if (alpn.empty() || alpn.front().empty()) return "00";
  const std::string& name = alpn.front();
  const auto first = static_cast<std::uint8_t>(name.front()), last = static_cast<std::uint8_t>(name.back());
  if (name.size() == 2 && first == last && (first & 0x0f) == 0x0a) return "00";
  if (is_alphanumeric(name.front()) && is_alphanumeric(name.back())) return {name.front(), name.back()};
  return fmt::format("{:x}{:x}", first >> 4, last & 0xf);
}

std::string_view version_mark(std::uint16_t version) {
  switch (version) {
    case kTls13:
      return "13";
    case kTls12:
      return "12";
    case kTls11:
      return "11";
    case kTls10:
      return "10";
    case kSsl3:
      return "s3";
    default:
      return "00";
  }
}

}  // namespace

std::string md5_text(std::string_view text) { return digest_text(DigestKind::kMd5, text); }

std::string ja4(const Hello& hello, bool is_quic) {
  std::vector<std::uint16_t> extensions = hello.extensions;
  const bool names = std::ranges::find(extensions, 0) != extensions.end();
  std::erase_if(extensions, [](std::uint16_t type) { return type == 0 || type == 16; });
  const std::string rest = hex_list(extensions, true) + "_" + hex_list(hello.signatures, false);
  return fmt::format("{}{}{}{:02}{:02}{}_{}_{}", is_quic ? 'q' : 't', version_mark(hello.highest), names ? 'd' : 'i',
                     std::min<std::size_t>(hello.ciphers.size(), 99),
                     std::min<std::size_t>(hello.extensions.size(), 99), alpn_mark(hello.alpn),
                     digest_text(DigestKind::kSha256, hex_list(hello.ciphers, true)).substr(0, 12),
                     digest_text(DigestKind::kSha256, rest).substr(0, 12));
}

}  // namespace tocsin::protocol::tls
