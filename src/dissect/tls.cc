#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/hash.h"
#include "dissect/payload.h"

namespace tocsin {
namespace {

class TlsCursor {
 public:
  explicit TlsCursor(std::span<const std::byte> bytes) : bytes_(bytes) {}
  bool has(std::size_t size) const { return size <= bytes_.size() - at_; }
  bool done() const { return at_ == bytes_.size(); }
  unsigned u8() { return static_cast<unsigned>(bytes_[at_++]); }
  unsigned u16() {
    const unsigned high = u8();
    return high << 8 | u8();
  }
  void skip(std::size_t size) { at_ += std::min(size, bytes_.size() - at_); }
  // As much of the next `size` bytes as there is.
  TlsCursor part(std::size_t size) {
    const std::size_t taken = std::min(size, bytes_.size() - at_);
    TlsCursor inner(bytes_.subspan(at_, taken));
    at_ += taken;
    return inner;
  }
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

bool is_grease(unsigned value) { return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 255); }  // RFC 8701

void add(std::string& list, unsigned value) {
  if (is_grease(value)) return;
  if (!list.empty()) list += '-';
  list += fmt::format("{}", value);
}

std::string md5(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_md5(), nullptr);
  return hex(std::span<const std::uint8_t>(digest.data(), size));
}

}  // namespace

std::optional<ClientHello> parse_client_hello(std::span<const std::byte> payload) {
  TlsCursor record(payload);
  if (!record.has(9) || record.u8() != 22 || record.u8() != 3) return std::nullopt;
  record.skip(1);
  const unsigned record_length = record.u16();
  if (record.u8() != 1) return std::nullopt;
  record.skip(1);
  const unsigned length = record.u16();
  bool cut = length + 4 > record_length || !record.has(length);
  TlsCursor hello = record.part(length);
  if (!hello.has(35)) return std::nullopt;
  const unsigned version = hello.u16();
  if (version >> 8 != 3) return std::nullopt;
  hello.skip(32);
  hello.skip(hello.u8());
  ClientHello found;
  std::string ciphers, extensions, groups, formats;
  if (!hello.has(2)) return found;
  TlsCursor suites = hello.part(hello.u16());
  while (suites.has(2)) add(ciphers, suites.u16());
  if (!hello.has(1)) return found;
  hello.skip(hello.u8());
  if (hello.has(2)) {
    const unsigned size = hello.u16();
    cut = cut || !hello.has(size);
    TlsCursor list = hello.part(size);
    while (list.has(4)) {
      const unsigned type = list.u16();
      TlsCursor extension = list.part(list.u16());
      add(extensions, type);
      if (type == 0 && extension.has(5)) {
        extension.skip(2);
        const bool host = extension.u8() == 0;
        const unsigned name = extension.u16();
        // A name that was cut is no name.
        if (host && extension.has(name) && found.server_name.empty()) found.server_name = extension.part(name).text();
      } else if (type == 10 && extension.has(2)) {
        extension.skip(2);
        while (extension.has(2)) add(groups, extension.u16());
      } else if (type == 11 && extension.has(1)) {
        extension.skip(1);
        while (extension.has(1)) {
          const unsigned format = extension.u8();
          formats += fmt::format("{}{}", formats.empty() ? "" : "-", format);
        }
      }
    }
  }
  if (!cut) found.ja3 = md5(fmt::format("{},{},{},{},{}", version, ciphers, extensions, groups, formats));
  return found;
}

}  // namespace tocsin
