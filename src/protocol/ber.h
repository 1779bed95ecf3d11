// Elements of ASN.1 in the basic encoding (X.690), with definite lengths: a tag of one byte, a length, and what is in
// it.
#pragma once

#include <optional>

#include "protocol/reader.h"
#include "protocol/transaction.h"

namespace tocsin::protocol::ber {

inline constexpr std::uint8_t kBoolean = 0x01, kInteger = 0x02, kOctets = 0x04, kEnumerated = 0x0a, kSequence = 0x30,
                              kSet = 0x31, kGeneralString = 0x1b;
// Tags of a context, around other elements or not.
constexpr std::uint8_t around(std::uint8_t number) { return static_cast<std::uint8_t>(0xa0 | number); }
constexpr std::uint8_t plain(std::uint8_t number) { return static_cast<std::uint8_t>(0x80 | number); }

struct Element {
  std::uint8_t tag = 0;
  Bytes bytes;
};

// After the tag. false: there is no length, or it is longer than what is left.
inline bool content(Reader& reader, Bytes& bytes) {
  std::size_t length = reader.u8();
  if (length > 0x80) {
    std::size_t count = length & 0x7f;
    if (count > 4) return false;
    for (length = 0; count > 0; --count) length = length << 8 | reader.u8();
  } else if (length == 0x80) {
    return false;
  }
  bytes = reader.bytes(length);
  return reader.ok();
}

// false: there is none, or it is longer than what is left.
inline bool next(Reader& reader, Element& element) {
  element.tag = reader.u8();
  return content(reader, element.bytes);
}

inline std::optional<Bytes> next(Reader& reader, std::uint8_t tag) {
  Element element;
  if (!next(reader, element) || element.tag != tag) return std::nullopt;
  return element.bytes;
}

// Of an integer that fits; of one below nought the two's complement.
inline std::optional<std::int64_t> number_of(Bytes bytes) {
  if (bytes.empty() || bytes.size() > 8) return std::nullopt;
  std::uint64_t value = (bytes[0] & 0x80) != 0 ? UINT64_MAX : 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return static_cast<std::int64_t>(value);
}

// Size of the element with its header at the beginning of bytes, as far as its header is there: 0 if it is not, and
// nothing if it is no sound header.
inline std::optional<std::size_t> size_of(Bytes bytes) {
  if (bytes.size() < 2) return 0;
  std::size_t length = bytes[1];
  if (length < 0x80) return length + 2;
  const std::size_t count = length & 0x7f;
  if (count == 0 || count > 4) return std::nullopt;
  if (bytes.size() < 2 + count) return 0;
  length = 0;
  for (std::size_t i = 0; i < count; ++i) length = length << 8 | bytes[2 + i];
  return length + 2 + count;
}

}  // namespace tocsin::protocol::ber
