// ClientHello and ServerHello (RFC 8446, 4.1; RFC 5246, 7.4.1; extensions of RFC 6066, 7301, 8422).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::protocol::tls {

inline constexpr std::uint16_t kSsl2 = 0x0002, kSsl3 = 0x0300, kTls10 = 0x0301, kTls11 = 0x0302, kTls12 = 0x0303,
                               kTls13 = 0x0304, kEarlyTls13 = 0x7f00;

struct Hello {
  std::uint16_t legacy_version = 0;
  std::uint16_t version = 0;  // what is spoken: supported_versions, if it is there
  std::uint16_t highest = 0;  // of all that were named, for JA4
  std::string random, session;
  std::vector<std::uint16_t> ciphers, extensions, groups, signatures;  // without GREASE
  std::vector<std::uint8_t> point_formats;
  std::vector<std::string> alpn;
  std::string sni;
  bool has_sni = false, has_versions = false, has_ticket = false;
  bool is_whole = false;  // read to its end
  std::vector<std::string_view> events;
};

// Never fails: what could be read is there. is_short: a ServerHello of a draft of TLS 1.3, without session and
// compression.
Hello read_hello(std::span<const std::uint8_t> message, bool is_client);

// https://github.com/salesforce/ja3: version, ciphers, extensions, of clients also groups and point formats.
std::string ja3(const Hello& hello, bool is_client);
// https://github.com/FoxIO-LLC/ja4, of a client.
std::string ja4(const Hello& hello, bool is_quic);
std::string md5_text(std::string_view text);

bool is_version(std::uint16_t version);
// "TLS 1.2" as EVE has it.
std::string version_text(std::uint16_t version);
// "1.2" as the keyword tls.version has it; empty: it has no word.
std::string_view version_word(std::uint16_t version);

}  // namespace tocsin::protocol::tls
