// Random keys, and how they are written and kept: 256 random bits as Base64url (RFC 4648 section 5, no padding), of
// which only the SHA-256 is stored. With so much entropy nothing slower is needed.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tocsin::serve {

inline constexpr std::size_t kKeyCharacters = 43;  // of 256 bits

std::string random_bytes(std::size_t count);
std::string random_key();
std::string to_base64url(std::string_view bytes);
// None if it has padding, other characters, or bits that no byte needs.
std::optional<std::string> from_base64url(std::string_view text);
// What is stored of a key: hexadecimal.
std::string stored_form(std::string_view key);
// HMAC-SHA-256 (RFC 2104) under a key of 32 bytes; 32 bytes.
std::string authenticator(std::string_view key, std::string_view message);
// In a time that does not tell where they differ.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace tocsin::serve
