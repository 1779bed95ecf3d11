// The ClientHello of TLS (RFC 8446 section 4.1.2) as far as one packet carries it: server name (RFC 6066 section 3) and
// JA3 (github.com/salesforce/ja3: MD5 of version, ciphers, extensions, curves and point formats, without GREASE).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dissect/decode.h"

namespace tocsin::dissect {

struct ClientHello {
  std::string_view server_name;    // into the packet; empty if there is none, or it was cut off
  std::array<char, 32> ja3_hex{};  // valid if has_ja3
  bool has_ja3 = false;            // only of a whole hello
  std::string_view ja3() const { return {ja3_hex.data(), has_ja3 ? ja3_hex.size() : 0}; }
};

inline bool looks_like_client_hello(Bytes payload) {
  return payload.size() >= 6 && byte_at(payload, 0) == 22 && byte_at(payload, 1) == 3 && byte_at(payload, 5) == 1;
}

enum class TlsParse : std::uint8_t { kOk, kCut, kMalformed };
// kCut: the bytes end before the hello does; what was read stands.
TlsParse parse_client_hello(Bytes payload, ClientHello& hello);

}  // namespace tocsin::dissect
