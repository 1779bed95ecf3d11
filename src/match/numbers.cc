#include "match/numbers.h"

#include <algorithm>
#include <array>
#include <bit>

namespace tocsin::match {
namespace {

int digit_of(std::uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return 99;
}

int letter_of_base64(std::uint8_t c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool is_space(std::uint8_t c) { return c == ' ' || (c >= 9 && c <= 13); }

// As strtoull reads: white space, a sign, for hexadecimal an optional 0x, digits. Too large is no number.
std::optional<ReadNumber> read_digits(Bytes text, unsigned base) {
  std::size_t at = 0;
  while (at < text.size() && is_space(text[at])) ++at;
  bool minus = false;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) minus = text[at++] == '-';
  if (base == 16 && at + 2 < text.size() && text[at] == '0' && (text[at + 1] | 32) == 'x' &&
      digit_of(text[at + 2]) < 16)
    at += 2;
  const std::size_t first = at;
  std::uint64_t value = 0;
  for (; at < text.size() && digit_of(text[at]) < static_cast<int>(base); ++at) {
    const auto digit = static_cast<std::uint64_t>(digit_of(text[at]));
    if (value > (UINT64_MAX - digit) / base) return std::nullopt;
    value = value * base + digit;
  }
  if (at == first) return std::nullopt;
  return ReadNumber{minus ? 0 - value : value, 0, at};
}

}  // namespace

std::optional<ReadNumber> read_number(Bytes buffer, const rules::ByteSource& source, std::int64_t count,
                                      std::int64_t offset, std::size_t base, bool dce_is_little) {
  if (buffer.empty() || count < 0 || count > 23 || (!source.from_text && count > 8)) return std::nullopt;
  const auto size = static_cast<std::int64_t>(buffer.size());
  if (offset < -(std::int64_t{1} << 40) || offset > (std::int64_t{1} << 40)) return std::nullopt;
  const std::int64_t from = offset + (source.relative ? static_cast<std::int64_t>(base) : 0);
  if (from < 0 || from > size) return std::nullopt;
  // As many digits as there are.
  if (source.from_text && count == 0) count = std::min<std::int64_t>(size - from, 23);
  if (count > size - from) return std::nullopt;
  if (source.relative && count > 0 && from >= size) return std::nullopt;
  const Bytes part = buffer.subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(count));
  if (source.from_text) {
    const unsigned radix = source.base == rules::Base::kHexadecimal ? 16 : source.base == rules::Base::kOctal ? 8 : 10;
    auto number = read_digits(part, radix);
    if (number) number->begin = static_cast<std::size_t>(from);
    return number;
  }
  const bool little =
      source.endian == rules::Endian::kLittle || (source.endian == rules::Endian::kDce && dce_is_little);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < part.size(); ++i) value = value << 8 | part[little ? part.size() - 1 - i : i];
  return ReadNumber{value, static_cast<std::size_t>(from), part.size()};
}

std::uint64_t masked(std::uint64_t value, std::uint32_t mask) {
  return mask == 0 ? value : (value & mask) >> std::countr_zero(mask);
}

std::string decode_base64(Bytes bytes, bool lenient) {
  std::string out;
  out.reserve(bytes.size() / 4 * 3 + 3);
  std::array<int, 4> group{};  // -1: the sign of padding
  std::size_t letters = 0;
  const auto put = [&] {
    letters = 0;
    if (group[0] < 0 || group[1] < 0) return false;
    out += static_cast<char>(group[0] << 2 | group[1] >> 4);
    if (group[2] < 0) return true;
    out += static_cast<char>(group[1] << 4 | group[2] >> 2);
    if (group[3] >= 0) out += static_cast<char>(group[2] << 6 | group[3]);
    return true;
  };
  for (const std::uint8_t c : bytes) {
    const int value = letter_of_base64(c);
    if (value < 0 && c != '=') {
      if (!lenient) break;
      continue;
    }
    group[letters++] = value;
    if (letters == 4 && !put()) return {};
  }
  if (letters == 0 || lenient) return out;
  while (letters < 4) group[letters++] = -1;
  return put() ? out : std::string();
}

}  // namespace tocsin::match
