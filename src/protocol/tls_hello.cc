#include "protocol/tls_hello.h"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/reader.h"

namespace tocsin::protocol::tls {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint16_t kServerName = 0, kGroups = 10, kPointFormats = 11, kSignatures = 13, kAlpn = 16, kTicket = 35,
                        kVersions = 43;

// RFC 8701.
bool is_grease(std::uint16_t value) { return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff); }

void raise(Hello& hello, std::uint16_t version) {
  if (!is_grease(version)) hello.highest = std::max(hello.highest, version);
}

// What an extension holds; false: the rest of the hello is not read.
bool read_extension(Hello& hello, std::uint16_t type, Bytes bytes, bool is_client) {
  if (bytes.empty() && type != kTicket) return true;
  Reader reader(bytes);
  switch (type) {
    case kServerName: {
      reader.u16();
      const std::uint8_t kind = reader.u8();
      if (!reader.ok()) break;
      if (kind != 0) {
        hello.events.emplace_back("tls.invalid_sni_type");
        return false;
      }
      const std::uint16_t length = reader.u16();
      if (!reader.ok()) break;
      const Bytes name = reader.bytes(length);
      if (!reader.ok() || length > 255 || length == 0) {
        hello.events.emplace_back("tls.invalid_sni_length");
        return false;
      }
      if (hello.has_sni) {
        hello.events.emplace_back("tls.multiple_sni_extensions");
        return true;
      }
      hello.has_sni = true;
      hello.sni = text_of(name);
      return true;
    }
    case kGroups: {
      Reader groups(reader.counted16());
      while (reader.ok() && groups.left() >= 2) {
        const std::uint16_t group = groups.u16();
        if (!is_grease(group)) hello.groups.push_back(group);
      }
      if (reader.ok() && groups.empty()) return true;
      break;
    }
    case kPointFormats: {
      const Bytes formats = reader.counted8();
      if (!reader.ok()) break;
      hello.point_formats.assign(formats.begin(), formats.end());
      return true;
    }
    case kSignatures: {
      Reader list(reader.counted16());
      if (!reader.ok() || list.left() % 2 != 0) break;
      while (!list.empty()) {
        const std::uint16_t one = list.u16();
        if (!is_grease(one)) hello.signatures.push_back(one);
      }
      return true;
    }
    case kAlpn: {
      Reader list(reader.counted16());
      if (!reader.ok()) break;
      while (!list.empty()) {
        const Bytes name = list.counted8();
        if (!list.ok()) break;
        if (!name.empty() && hello.alpn.size() < 256) hello.alpn.emplace_back(text_of(name));
      }
      return true;
    }
    case kTicket:
      hello.has_ticket = true;
      return true;
    case kVersions: {
      if (!is_client) {
        const std::uint16_t version = reader.u16();
        if (!reader.ok()) break;
        hello.has_versions = true;
        hello.version = version;
        return true;
      }
      const Bytes list = reader.counted8();
      if (!reader.ok() || list.size() < 2) break;
      for (std::size_t i = 0; i + 1 < list.size(); i += 2) {
        const auto version = static_cast<std::uint16_t>(list[i] << 8 | list[i + 1]);
        if (!is_version(version)) continue;
        hello.version = version;
        raise(hello, version);
        break;
      }
      hello.has_versions = true;
      return true;
    }
    default:
      return true;
  }
  hello.events.emplace_back("tls.handshake_invalid_length");
  return false;
}

void read_extensions(Hello& hello, Reader& reader, bool is_client) {
  Bytes all = reader.rest();
  if (all.size() < 2) {
    hello.is_whole = true;
    return;
  }
  Reader extensions(reader.counted16());
  bool is_right = reader.ok();
  while (is_right && !extensions.empty()) {
    const std::uint16_t type = extensions.u16();
    const Bytes bytes = extensions.counted16();
    is_right = extensions.ok();
    if (!is_right) break;
    if (!read_extension(hello, type, bytes, is_client)) break;
    if (!is_grease(type)) hello.extensions.push_back(type);
  }
  if (!is_right) {
    hello.events.emplace_back("tls.handshake_invalid_length");
    return;
  }
  hello.is_whole = true;
}

template <typename Number>
std::string joined(const std::vector<Number>& numbers, std::string_view format, char between) {
  std::string text;
  for (const Number number : numbers) {
    if (!text.empty()) text += between;
    text += fmt::format(fmt::runtime(format), number);
  }
  return text;
}

}  // namespace

Hello read_hello(Bytes message, bool is_client) {
  Hello hello;
  Reader reader(message);
  const auto fails = [&hello] { hello.events.emplace_back("tls.handshake_invalid_length"); };
  hello.legacy_version = hello.version = reader.u16();
  if (!reader.ok()) {
    fails();
    return hello;
  }
  raise(hello, hello.legacy_version);
  const bool is_early = !is_client && (hello.version == kTls13 || hello.version >> 8 == 0x7f);
  if (hello.version == kTls13 || (hello.version >= 0x7f01 && hello.version < 0x7f10)) hello.version = kEarlyTls13;
  hello.random = text_of(reader.bytes(32));
  if (!is_early) hello.session = text_of(reader.counted8());
  if (!reader.ok()) {
    fails();
    return hello;
  }
  const Bytes ciphers = is_client ? reader.counted16() : reader.bytes(2);
  if (!reader.ok() || ciphers.size() % 2 != 0) {
    fails();
    return hello;
  }
  for (std::size_t i = 0; i < ciphers.size(); i += 2) {
    const auto cipher = static_cast<std::uint16_t>(ciphers[i] << 8 | ciphers[i + 1]);
    if (!is_grease(cipher)) hello.ciphers.push_back(cipher);
  }
  if (is_client) {
    reader.counted8();
  } else if (!is_early) {
    reader.u8();
  }
  if (!reader.ok()) {
    fails();
    return hello;
  }
  read_extensions(hello, reader, is_client);
  return hello;
}

std::string ja3(const Hello& hello, bool is_client) {
  std::string text = fmt::format("{},{},{}", hello.legacy_version, joined(hello.ciphers, "{}", '-'),
                                 joined(hello.extensions, "{}", '-'));
  if (is_client) {
    text += fmt::format(",{},{}", joined(hello.groups, "{}", '-'), joined(hello.point_formats, "{}", '-'));
  }
  return text;
}

bool is_version(std::uint16_t version) {
  return (version >= kSsl3 && version <= kTls13) || (version >= 0x7f10 && version <= 0x7f1c) ||
         (version >= 0xfb17 && version <= 0xfb1a) || version == kEarlyTls13 || version == 0x7e02;
}

std::string version_text(std::uint16_t version) {
  switch (version) {
    case 0:
      return "UNDETERMINED";
    case kSsl2:
      return "SSLv2";
    case kSsl3:
      return "SSLv3";
    case kTls10:
      return "TLSv1";
    case kTls11:
      return "TLS 1.1";
    case kTls12:
      return "TLS 1.2";
    case kTls13:
      return "TLS 1.3";
    case kEarlyTls13:
      return "TLS 1.3 draft-<16";
    default:
      break;
  }
  if (version >= 0x7f10 && version <= 0x7f1c) return fmt::format("TLS 1.3 draft-{}", version & 0xff);
  if (version >= 0xfb17 && version <= 0xfb1a) return fmt::format("TLS 1.3 draft-{}-fb", version & 0xff);
  return fmt::format("0x{:04x}", version);
}

std::string_view version_word(std::uint16_t version) {
  switch (version) {
    case kSsl2:
      return "sslv2";
    case kSsl3:
      return "sslv3";
    case kTls10:
      return "1.0";
    case kTls11:
      return "1.1";
    case kTls12:
      return "1.2";
    case kTls13:
      return "1.3";
    default:
      return version >> 8 == 0x7f ? "1.3" : "";
  }
}

}  // namespace tocsin::protocol::tls
