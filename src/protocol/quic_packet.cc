#include "protocol/quic_packet.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <memory>

namespace tocsin::protocol::quic {
namespace {

constexpr std::uint32_t kVersion1 = 1, kVersion2 = 0x6b33'43cf;
constexpr std::size_t kKey = 16, kIv = 12, kTag = 16, kSample = 16;
constexpr std::size_t kLongestConnection = 20;

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string hmac(std::string_view key, std::string_view text) {
  unsigned char sum[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), octets(text), text.size(), sum, &size) == nullptr) {
    return {};
  }
  return {reinterpret_cast<const char*>(sum), size};
}

// HKDF-Expand-Label of no context (RFC 8446, 7.1), of at most one block.
std::string expand(std::string_view secret, std::string_view label, std::size_t size) {
  std::string info{static_cast<char>(size >> 8), static_cast<char>(size)};
  info += static_cast<char>(label.size() + 6);
  info += "tls13 ";
  info += label;
  info += '\0';
  info += '\1';
  return hmac(secret, info).substr(0, size);
}

std::string_view salt_of(std::uint32_t version) {
  using namespace std::string_view_literals;
  if (version == kVersion1 || (version >= 0xff00'0021 && version <= 0xff00'0022)) {
    return "\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a"sv;
  }
  if (version == kVersion2) return "\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9"sv;
  if (version >= 0xff00'001d && version <= 0xff00'0020) {
    return "\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99"sv;
  }
  if (version >= 0xff00'0017 && version <= 0xff00'001c) {
    return "\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02"sv;
  }
  return {};
}

}  // namespace

std::uint64_t variable(Reader& reader) {
  const std::uint8_t first = reader.u8();
  std::uint64_t value = first & 0x3f;
  for (int more = (1 << (first >> 6)) - 1; more > 0; --more) value = value << 8 | reader.u8();
  return value;
}

std::optional<Packet> read_packet(Bytes& bytes) {
  Packet packet;
  Reader reader(bytes);
  const std::uint8_t first = reader.u8();
  if (!reader.ok()) return std::nullopt;
  if ((first & 0x80) == 0) {
    packet.whole = bytes;
    bytes = {};
    return packet;
  }
  packet.version = reader.u32();
  packet.destination = text_of(reader.counted8());
  const std::size_t source = reader.counted8().size();
  if (!reader.ok() || packet.destination.size() > kLongestConnection || source > kLongestConnection)
    return std::nullopt;
  if (packet.version == 0) {
    packet.type = Type::kVersionNegotiation;
  } else {
    constexpr Type kTypes[2][4] = {{Type::kInitial, Type::kZeroRtt, Type::kHandshake, Type::kRetry},
                                   {Type::kRetry, Type::kInitial, Type::kZeroRtt, Type::kHandshake}};
    packet.type = kTypes[packet.version == kVersion2][first >> 4 & 3];
  }
  std::size_t length = 0;
  if (packet.type == Type::kRetry || packet.type == Type::kVersionNegotiation) {
    length = reader.left();
  } else {
    if (packet.type == Type::kInitial) reader.skip(static_cast<std::size_t>(variable(reader)));
    const std::uint64_t said = variable(reader);
    if (!reader.ok() || said > reader.left()) return std::nullopt;
    length = static_cast<std::size_t>(said);
  }
  packet.number_at = reader.at();
  packet.whole = bytes.first(packet.number_at + length);
  bytes = bytes.subspan(packet.number_at + length);
  return packet;
}

std::optional<Keys> initial_keys(std::uint32_t version, std::string_view connection, Side side) {
  const std::string_view salt = salt_of(version);
  if (salt.empty()) return std::nullopt;
  const std::string initial = hmac(salt, connection);
  const std::string secret = expand(initial, side == Side::kToServer ? "client in" : "server in", 32);
  const std::string prefix = version == kVersion2 ? "quicv2 " : "quic ";
  return Keys{expand(secret, prefix + "key", kKey), expand(secret, prefix + "iv", kIv),
              expand(secret, prefix + "hp", kKey)};
}

std::optional<std::string> unprotect(const Packet& packet, const Keys& keys, bool is_verified) {
  const std::size_t at = packet.number_at;
  if (packet.whole.size() < at + 4 + kSample || keys.key.size() != kKey || keys.header.size() != kKey) {
    return std::nullopt;
  }
  const Cipher mask_cipher(EVP_CIPHER_CTX_new());
  unsigned char mask[32];
  int size = 0;
  if (!mask_cipher ||
      EVP_EncryptInit_ex(mask_cipher.get(), EVP_aes_128_ecb(), nullptr, octets(keys.header), nullptr) != 1 ||
      EVP_EncryptUpdate(mask_cipher.get(), mask, &size, packet.whole.data() + at + 4, kSample) != 1) {
    return std::nullopt;
  }
  std::string header(text_of(packet.whole.first(at + 4)));
  header[0] = static_cast<char>(header[0] ^ (mask[0] & 0x0f));
  const std::size_t number_size = (static_cast<std::uint8_t>(header[0]) & 3) + 1U;
  std::string nonce = keys.iv;
  for (std::size_t i = 0; i < number_size; ++i) {
    header[at + i] = static_cast<char>(header[at + i] ^ mask[1 + i]);
    nonce[kIv - number_size + i] = static_cast<char>(nonce[kIv - number_size + i] ^ header[at + i]);
  }
  header.resize(at + number_size);
  const Bytes sealed = packet.whole.subspan(at + number_size);
  if (sealed.size() < kTag) return std::nullopt;
  const Bytes text = sealed.first(sealed.size() - kTag);
  std::string tag(text_of(sealed.last(kTag)));
  std::string plain(text.size(), '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new());
  if (!cipher || EVP_DecryptInit_ex(cipher.get(), EVP_aes_128_gcm(), nullptr, octets(keys.key), octets(nonce)) != 1 ||
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, octets(header), static_cast<int>(header.size())) != 1 ||
      EVP_DecryptUpdate(cipher.get(), reinterpret_cast<unsigned char*>(plain.data()), &size, text.data(),
                        static_cast<int>(text.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) != 1) {
    return std::nullopt;
  }
  unsigned char end[32];
  if (is_verified && EVP_DecryptFinal_ex(cipher.get(), end, &size) != 1) return std::nullopt;
  return plain;
}

std::string version_text(std::uint32_t version) {
  if (version == kVersion2) return "v2";
  // Google's, before the standard: "Q046".
  if (version >> 8 == 0x513034 || version == 0x5130'3339) {
    return {static_cast<char>(version >> 24), static_cast<char>(version >> 16), static_cast<char>(version >> 8),
            static_cast<char>(version)};
  }
  return fmt::format("{:x}", version);
}

}  // namespace tocsin::protocol::quic
