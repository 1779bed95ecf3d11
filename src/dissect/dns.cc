#include <cstring>

#include "dissect/payload.h"

namespace tocsin {
namespace {

class DnsCursor {
 public:
  explicit DnsCursor(std::span<const std::byte> bytes) : bytes_(bytes) {}
  bool has(std::size_t size) const { return size <= bytes_.size() - at_; }
  std::size_t at() const { return at_; }
  void skip(std::size_t size) { at_ += size; }
  std::uint16_t u16() {
    const auto value = static_cast<std::uint16_t>(static_cast<unsigned>(bytes_[at_]) << 8 | static_cast<unsigned>(bytes_[at_ + 1]));
    at_ += 2;
    return value;
  }

  // A name with its compression (RFC 1035 section 4.1.4). Pointers must lead backwards, so that there is no loop.
  bool name(std::string& out) {
    out.clear();
    std::size_t at = at_, limit = bytes_.size(), total = 0;
    bool jumped = false;
    while (at < bytes_.size()) {
      const auto size = static_cast<unsigned>(bytes_[at]);
      if (size == 0) {
        if (!jumped) at_ = at + 1;
        return true;
      }
      if ((size & 0xc0) == 0xc0) {
        if (at + 1 >= bytes_.size()) return false;
        const std::size_t to = (size & 0x3f) << 8 | static_cast<unsigned>(bytes_[at + 1]);
        if (to >= limit || to >= at) return false;
        if (!jumped) at_ = at + 2;
        jumped = true;
        limit = to;
        at = to;
        continue;
      }
      total += size + 1;
      if ((size & 0xc0) != 0 || at + 1 + size > bytes_.size() || total > 255) return false;
      if (!out.empty()) out += '.';
      for (std::size_t i = 0; i < size; ++i) {
        const char letter = static_cast<char>(bytes_[at + 1 + i]);
        if (letter == '.') out += '\\';
        out += letter;
      }
      at += 1 + size;
    }
    return false;
  }

  std::optional<IpAddress> address(std::size_t size) const {
    std::array<std::uint8_t, 16> raw{};
    if (size != 4 && size != 16) return std::nullopt;
    if (size == 4) raw[10] = raw[11] = 0xff;
    std::memcpy(raw.data() + 16 - size, bytes_.data() + at_, size);
    return IpAddress(raw);
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<DnsMessage> parse_dns(std::span<const std::byte> bytes, bool& wrong) {
  DnsCursor cursor(bytes);
  wrong = false;
  if (bytes.size() < 12) {
    wrong = true;
    return std::nullopt;
  }
  DnsMessage message;
  message.id = cursor.u16();
  const unsigned flags = cursor.u16();
  message.answer = (flags & 0x8000) != 0;
  message.code = static_cast<std::int16_t>(flags & 15);
  const unsigned questions = cursor.u16(), answers = cursor.u16();
  cursor.skip(4);
  if (questions == 0) return std::nullopt;
  wrong = true;
  if (questions > 16) return std::nullopt;
  std::string name;
  for (unsigned i = 0; i < questions; ++i) {
    if (!cursor.name(name) || !cursor.has(4)) return std::nullopt;
    const std::uint16_t type = cursor.u16();
    cursor.skip(2);
    if (i > 0) continue;
    message.query = name;
    message.query_type = type;
  }
  wrong = false;
  if (!message.answer) return message;
  // What follows may be cut by the end of the packet: the records before that count.
  constexpr unsigned kMostRecords = 256;
  for (unsigned i = 0; i < answers && i < kMostRecords; ++i) {
    if (!cursor.name(name) || !cursor.has(10)) break;
    const std::uint16_t type = cursor.u16();
    cursor.skip(6);
    const std::size_t size = cursor.u16();
    if (!cursor.has(size)) break;
    const std::size_t end = cursor.at() + size;
    if (type == 1 || type == 28) {
      if (const auto address = cursor.address(size)) message.addresses.push_back(*address);
    } else if (type == 5) {
      if (cursor.name(name)) message.names.push_back(name);
    }
    cursor.skip(end - cursor.at());
  }
  return message;
}

}  // namespace tocsin
