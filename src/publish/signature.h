// Signs the files of a brief, and checks them: docs/brief-signature.md says what is signed, byte by byte.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "store/sighting_store.h"

namespace tocsin {

inline constexpr std::string_view kSigningKeyFile = "signing.key";  // in the store's directory
inline constexpr std::string_view kPublicKeyFile = "signing.pub";   // beside it, PEM

using PublicKey = std::array<std::uint8_t, 32>;  // Ed25519, RFC 8032

// Wiped from memory when it goes.
class SigningKey {
 public:
  // The key in a store's directory, made there (mode 0600) if there is none. An error if others than the owner can
  // read it, or if it is damaged.
  static Expected<SigningKey> in(const std::filesystem::path& directory);
  SigningKey(const SigningKey&) = default;
  SigningKey& operator=(const SigningKey&) = default;
  ~SigningKey();

  const PublicKey& public_key() const { return public_key_; }
  std::array<std::uint8_t, 64> sign(std::string_view text) const;

 private:
  explicit SigningKey(const std::array<std::uint8_t, 32>& seed);
  std::array<std::uint8_t, 64> secret_{};
  PublicKey public_key_{};
};

// PEM (SubjectPublicKeyInfo, RFC 8410), or its 32 bytes in Base64.
Expected<PublicKey> parse_public_key(std::string_view text);
// As parse_public_key, or the name of a file that holds it.
Expected<PublicKey> public_key_from(const std::string& text_or_path);
// Of a store; none if it has signed nothing yet.
Expected<std::optional<PublicKey>> public_key_in(const std::filesystem::path& directory);

struct SignedFile {
  std::string name;    // without directories
  std::string sha256;  // lower-case hexadecimal
};

struct BriefSignature {
  PublicKey public_key{};
  std::vector<SignedFile> files;  // by name
  SightingStore::Head ledger;
  std::array<std::uint8_t, 64> signature{};
};

// What is signed.
std::string signed_text(const std::vector<SignedFile>& files, const SightingStore::Head& ledger);
// The text of brief.sig.json for files in a directory. An error names a file that can't be read.
Expected<std::string> sign_files(const SigningKey& key, const std::filesystem::path& directory,
                                 std::vector<std::string> names, const SightingStore::Head& ledger);
Expected<BriefSignature> parse_signature(const std::string& json);

// "brief.sig.json" of "brief.json".
std::filesystem::path signature_path_of(const std::filesystem::path& brief);

struct SignatureCheck {
  std::vector<std::string> wrong;    // empty: all that is there is as it was signed
  std::vector<std::string> missing;  // signed, but not beside the brief
  PublicKey public_key{};
};
// Checks the brief's JSON and all that was signed with it. known: the key that must have signed.
Expected<SignatureCheck> check_signature(const std::filesystem::path& brief, const std::optional<PublicKey>& known);

}  // namespace tocsin
