#include "dissect/tls.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace tocsin::dissect {
namespace {

// A reader that remembers whether it ran off the end.
class Cursor {
 public:
  explicit Cursor(Bytes bytes) : bytes_(bytes) {}
  std::size_t left() const { return bytes_.size(); }
  bool failed() const { return failed_; }
  std::uint32_t number(std::size_t size) {
    std::uint32_t value = 0;
    for (const std::byte b : take(size)) value = value << 8 | static_cast<std::uint8_t>(b);
    return value;
  }
  Bytes take(std::size_t size) {
    if (size > bytes_.size()) {
      failed_ = true;
      size = bytes_.size();
    }
    const Bytes taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }

 private:
  Bytes bytes_;
  bool failed_ = false;
};

bool is_grease(std::uint32_t value) { return (value & 0x0f0f) == 0x0a0a && (value >> 8) == (value & 0xff); }

class Ja3Text {
 public:
  void number(std::uint32_t value) {
    if (!first_) text_ += '-';
    first_ = false;
    char digits[8];
    const auto end = std::to_chars(digits, digits + sizeof digits, value);
    text_.append(digits, end.ptr);
  }
  void field() {
    text_ += ',';
    first_ = true;
  }
  void numbers(Bytes list, std::size_t width) {
    Cursor cursor(list);
    while (cursor.left() >= width) {
      const std::uint32_t value = cursor.number(width);
      if (width == 1 || !is_grease(value)) number(value);
    }
  }
  void hex(std::array<char, 32>& into) const {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(text_.data(), text_.size(), digest.data(), &size, EVP_md5(), nullptr);
    for (std::size_t i = 0; i < 16; ++i) {
      into[2 * i] = "0123456789abcdef"[digest[i] >> 4];
      into[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
  }
  void reset() {
    text_.clear();
    first_ = true;
  }

 private:
  std::string text_;
  bool first_ = true;
};

std::string_view server_name_of(Bytes extension) {
  Cursor list(extension);
  list.number(2);
  while (list.left() > 3) {
    const std::uint32_t type = list.number(1);
    const Bytes name = list.take(list.number(2));
    if (list.failed()) return {};
    if (type == 0) return {reinterpret_cast<const char*>(name.data()), name.size()};
  }
  return {};
}

}  // namespace

TlsParse parse_client_hello(Bytes payload, ClientHello& hello) {
  hello = ClientHello{};
  if (!looks_like_client_hello(payload)) return TlsParse::kMalformed;
  const std::size_t record = be16(payload, 3);
  if (record < 4) return TlsParse::kMalformed;
  Bytes body = payload.subspan(5);
  body = body.first(std::min(body.size(), record));
  if (body.size() < 4) return TlsParse::kCut;
  const std::size_t length = static_cast<std::size_t>(byte_at(body, 1)) << 16 | be16(body, 2);
  body = body.subspan(4);
  const bool cut = body.size() < length;
  body = body.first(std::min(body.size(), length));
  const TlsParse off_the_end = cut ? TlsParse::kCut : TlsParse::kMalformed;

  // Kept from one hello to the next for its memory.
  thread_local Ja3Text ja3;
  ja3.reset();
  Cursor cursor(body);
  ja3.number(cursor.number(2));
  cursor.take(32);
  cursor.take(cursor.number(1));
  const Bytes ciphers = cursor.take(cursor.number(2));
  cursor.take(cursor.number(1));
  if (cursor.failed()) return off_the_end;
  ja3.field();
  ja3.numbers(ciphers, 2);
  ja3.field();
  Bytes curves;
  Bytes points;
  if (cursor.left() > 0) {
    Cursor extensions(cursor.take(cursor.number(2)));
    while (extensions.left() > 0) {
      const std::uint32_t type = extensions.number(2);
      const Bytes extension = extensions.take(extensions.number(2));
      if (extensions.failed()) return off_the_end;
      if (!is_grease(type)) ja3.number(type);
      if (type == 0 && hello.server_name.empty()) hello.server_name = server_name_of(extension);
      if (type == 10 && extension.size() >= 2) curves = extension.subspan(2);
      if (type == 11 && !extension.empty()) points = extension.subspan(1);
    }
    if (cursor.failed()) return off_the_end;
  }
  if (cut) return TlsParse::kCut;
  ja3.field();
  ja3.numbers(curves, 2);
  ja3.field();
  ja3.numbers(points, 1);
  ja3.hex(hello.ja3_hex);
  hello.has_ja3 = true;
  return TlsParse::kOk;
}

}  // namespace tocsin::dissect
