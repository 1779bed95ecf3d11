#include "accounts/totp.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

#include "accounts/secrets.h"

namespace tocsin::serve {
namespace {

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr Timestamp kStep = 30 * kSecond;

}  // namespace

std::string totp_code(std::string_view secret, std::int64_t step, unsigned digits) {
  std::array<unsigned char, 8> message{};
  for (unsigned i = 0; i < 8; ++i) {
    message[i] = static_cast<unsigned char>(static_cast<std::uint64_t>(step) >> (56 - 8 * i));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned size = 0;
  HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()), message.data(), message.size(), sum.data(), &size);
  const std::size_t at = sum[19] & 0xfU;
  const std::uint32_t number = (sum[at] & 0x7fU) << 24U | static_cast<std::uint32_t>(sum[at + 1]) << 16U |
                               static_cast<std::uint32_t>(sum[at + 2]) << 8U | sum[at + 3];
  std::uint32_t modulus = 1;
  for (unsigned i = 0; i < digits; ++i) modulus *= 10;
  return fmt::format("{:0{}}", number % modulus, digits);
}

std::optional<std::int64_t> totp_step_of(std::string_view secret, std::string_view code, Timestamp now,
                                         std::int64_t used) {
  const std::int64_t current = floor_to(now, kStep) / kStep;
  std::optional<std::int64_t> found;
  for (std::int64_t step = current + 1; step >= current - 1; --step) {
    if (same_secret(totp_code(secret, step), code) && step > used) found = step;
  }
  return found;
}

std::string to_base32(std::string_view bytes) {
  std::string out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char byte : bytes) {
    bits = bits << 8U | static_cast<unsigned char>(byte);
    for (count += 8; count >= 5; count -= 5) out += kBase32[(bits >> (count - 5)) & 31U];
  }
  if (count > 0) out += kBase32[(bits << (5 - count)) & 31U];
  return out;
}

std::optional<std::string> from_base32(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char character : text) {
    const std::size_t value = kBase32.find(character);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 5U | static_cast<std::uint32_t>(value);
    if ((count += 5) >= 8) out += static_cast<char>(bits >> (count -= 8));
  }
  return out;
}

std::string totp_uri(std::string_view secret_base32, std::string_view account) {
  std::string label;
  for (const char character : account) {
    const bool is_plain = (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') ||
                          std::string_view(".-_").find(character) != std::string_view::npos;
    if (is_plain) {
      label += character;
    } else {
      label += fmt::format("%{:02X}", static_cast<unsigned char>(character));
    }
  }
  return fmt::format("otpauth://totp/Tocsin:{}?secret={}&issuer=Tocsin&algorithm=SHA1&digits=6&period=30", label,
                     secret_base32);
}

}  // namespace tocsin::serve
