// A store's key. signing.key holds the 32 bytes of the seed (RFC 8032 section 5.1.5) in hexadecimal; all else follows
// from it. It appears whole or not at all, and of two processes that make it at once both use the first one's: the file
// is written under another name and linked, which fails if the name is taken.
#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>

#include "base/base64.h"
#include "base/hash.h"
#include "base/text.h"
#include "publish/signature.h"
#include "store/files.h"

namespace tocsin {
namespace {
namespace fs = std::filesystem;

static_assert(crypto_sign_SEEDBYTES == 32 && crypto_sign_SECRETKEYBYTES == 64 && crypto_sign_PUBLICKEYBYTES == 32);

using Seed = std::array<std::uint8_t, 32>;

// DER of SubjectPublicKeyInfo before the 32 bytes: RFC 8410 section 4.
constexpr std::array<std::uint8_t, 12> kDerHead{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
constexpr std::string_view kPemBegin = "-----BEGIN PUBLIC KEY-----";
constexpr std::string_view kPemEnd = "-----END PUBLIC KEY-----";
constexpr std::size_t kLargestKeyFile = 4096;

std::string pem_of(const PublicKey& key) {
  std::array<std::uint8_t, kDerHead.size() + 32> der{};
  std::ranges::copy(kDerHead, der.begin());
  std::ranges::copy(key, der.begin() + kDerHead.size());
  return fmt::format("{}\n{}\n{}\n", kPemBegin, base64(der), kPemEnd);
}

// With O_EXCL; false if the name is taken.
Expected<bool> write_new(const fs::path& path, const std::string& text, mode_t mode) {
  const fs::path temporary = fmt::format("{}.{}", path.string(), ::getpid());
  ::unlink(temporary.c_str());
  {
    const FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!file.is_open()) return std::unexpected(store::system_error("write", path, errno));
    const ssize_t written = ::write(file.number(), text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size()) || ::fsync(file.number()) != 0) {
      const int number = errno;
      ::unlink(temporary.c_str());
      return std::unexpected(store::system_error("write", path, number));
    }
  }
  const bool linked = ::link(temporary.c_str(), path.c_str()) == 0;
  const int number = errno;
  ::unlink(temporary.c_str());
  if (!linked && number != EEXIST) return std::unexpected(store::system_error("write", path, number));
  return linked;
}

Expected<Seed> read_seed(const fs::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open()) return std::unexpected(store::system_error("open", path, errno));
  struct stat found {};
  if (::fstat(file.number(), &found) != 0 || !S_ISREG(found.st_mode)) {
    return failure(fmt::format("{}: is no file", path.string()));
  }
  if ((found.st_mode & 077) != 0) {
    return failure(
        fmt::format("{}: others can read the key that signs briefs; chmod 600 it, and if it may have been "
                    "copied, remove it and signing.pub so that a new one is made",
                    path.string()));
  }
  std::array<char, 80> text{};
  const ssize_t size = ::read(file.number(), text.data(), text.size());
  Seed seed{};
  std::size_t bytes = 0;
  const char* end = nullptr;
  const bool read = size >= 64 && sodium_hex2bin(seed.data(), seed.size(), text.data(), 64, nullptr, &bytes, &end) == 0;
  sodium_memzero(text.data(), text.size());
  const bool whole = size == 64 || size == 65;  // with its newline
  if (!read || !whole || bytes != seed.size()) {
    return failure(
        fmt::format("{}: is damaged: 64 hexadecimal digits were expected; restore it from a backup, or "
                    "remove it and signing.pub so that a new one is made",
                    path.string()));
  }
  return seed;
}

}  // namespace

SigningKey::SigningKey(const Seed& seed) { crypto_sign_seed_keypair(public_key_.data(), secret_.data(), seed.data()); }

SigningKey::~SigningKey() { sodium_memzero(secret_.data(), secret_.size()); }

std::array<std::uint8_t, 64> SigningKey::sign(std::string_view text) const {
  std::array<std::uint8_t, 64> signature{};
  crypto_sign_detached(signature.data(), nullptr, reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                       secret_.data());
  return signature;
}

Expected<SigningKey> SigningKey::in(const fs::path& directory) {
  if (sodium_init() < 0) return failure("libsodium could not be made ready");
  const fs::path path = directory / kSigningKeyFile;
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) {
    Seed fresh{};
    randombytes_buf(fresh.data(), fresh.size());
    std::string text = hex(fresh) + "\n";
    const auto written = write_new(path, text, 0600);
    sodium_memzero(text.data(), text.size());
    sodium_memzero(fresh.data(), fresh.size());
    if (!written) return std::unexpected(written.error());
  }
  auto seed = read_seed(path);
  if (!seed) return std::unexpected(seed.error());
  SigningKey key(*seed);
  sodium_memzero(seed->data(), seed->size());
  const fs::path beside = directory / kPublicKeyFile;
  if (!fs::exists(beside, error)) {
    if (const auto written = write_new(beside, pem_of(key.public_key()), 0644); !written) {
      return std::unexpected(written.error());
    }
  }
  return key;
}

Expected<PublicKey> parse_public_key(std::string_view text) {
  text = trim(text);
  const bool pem = text.starts_with(kPemBegin) && text.ends_with(kPemEnd);
  if (pem) text = text.substr(kPemBegin.size(), text.size() - kPemBegin.size() - kPemEnd.size());
  std::array<std::uint8_t, 64> bytes{};
  std::size_t size = 0;
  const bool read = text.size() <= kLargestKeyFile &&
                    sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), " \r\n\t", &size, nullptr,
                                      sodium_base64_VARIANT_ORIGINAL) == 0;
  const std::size_t head = pem ? kDerHead.size() : 0;
  PublicKey key{};
  if (!read || size != head + key.size() || (pem && !std::equal(kDerHead.begin(), kDerHead.end(), bytes.begin()))) {
    return failure("is no Ed25519 public key: 32 bytes in Base64, or PEM, were expected");
  }
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(head), key.size(), key.begin());
  return key;
}

Expected<PublicKey> public_key_from(const std::string& text_or_path) {
  std::error_code error;
  if (!fs::is_regular_file(text_or_path, error)) {
    auto key = parse_public_key(text_or_path);
    if (!key) return failure(fmt::format("{}: {}", printable(text_or_path, 120), key.error().message));
    return key;
  }
  std::ifstream file(text_or_path, std::ios::binary);
  std::string text(kLargestKeyFile, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  auto key = parse_public_key(text);
  if (!key) return failure(fmt::format("{}: {}", text_or_path, key.error().message));
  return key;
}

Expected<std::optional<PublicKey>> public_key_in(const fs::path& directory) {
  const fs::path path = directory / kPublicKeyFile;
  std::error_code error;
  if (!fs::exists(path, error)) return std::nullopt;
  const auto key = public_key_from(path.string());
  if (!key) return std::unexpected(key.error());
  return *key;
}

}  // namespace tocsin
