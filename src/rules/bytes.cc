// Numbers and sizes that are read out of a buffer.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "rules/builder.h"

namespace tocsin::rules {
namespace {

// The flags that all of the byte_ keywords share.
struct Flags {
  bool has_endian = false, has_base = false;
  bool take(ByteSource& source, std::string_view word) {
    if (word == "relative") {
      source.relative = true;
    } else if (word == "string") {
      source.from_text = true;
    } else if (word == "big" || word == "little" || word == "dce") {
      if (has_endian) return false;
      has_endian = true;
      source.endian = word == "big" ? Endian::kBig : word == "little" ? Endian::kLittle : Endian::kDce;
    } else if (word == "hex" || word == "dec" || word == "oct") {
      if (has_base) return false;
      has_base = true;
      source.base = word == "hex" ? Base::kHexadecimal : word == "dec" ? Base::kDecimal : Base::kOctal;
    } else {
      return false;
    }
    return true;
  }
};

// "name 5" or "name5" as its number.
std::optional<std::string_view> after_word(std::string_view text, std::string_view word) {
  if (!text.starts_with(word) || text.size() == word.size() || text[word.size()] != ' ') return std::nullopt;
  return trim(text.substr(word.size()));
}

Expected<void> check(Builder& builder, ByteSource& source, std::int64_t most, std::string_view keyword) {
  if (source.endian == Endian::kDce) {
    if (source.from_text || source.base != Base::kNone) return failure("dce excludes string and its base");
    if (const auto limited = builder.restrict_to("dcerpc", keyword); !limited) return limited;
  }
  if (source.base != Base::kNone && !source.from_text) return failure("hex, dec and oct are of numbers with string");
  if (source.from_text && source.base == Base::kNone) source.base = Base::kDecimal;
  if (!source.count.is_variable() && source.count.number > (source.from_text ? most : 8)) {
    return failure(fmt::format("{} reads at most {} bytes{}", keyword, source.from_text ? most : 8,
                               source.from_text ? "" : " without string"));
  }
  return {};
}

Expected<void> unknown(std::string_view word) {
  return failure(fmt::format("'{}' has no place here, or stands twice", printable(word, 80)));
}

Expected<std::uint32_t> mask_of(std::string_view text) {
  std::string whole = lower(text);
  if (!whole.starts_with("0x")) whole = "0x" + whole;
  const auto mask = parse_number(whole, UINT32_MAX);
  if (!mask || *mask == 0) return failure("the bitmask is no hexadecimal number of 32 bits");
  return static_cast<std::uint32_t>(*mask);
}

Expected<void> byte_test(Builder& builder, const Option& option, const Keyword& keyword) {
  const auto parts = split(option.value, ',');
  if (parts.size() < 4) return failure("byte_test is bytes, operator, value, offset, and flags");
  ByteTest test;
  auto count = builder.amount(parts[0], 0, 23);
  if (!count) return std::unexpected(count.error());
  const bool is_text = std::ranges::find(parts, std::string_view("string")) != parts.end();
  if (!count->is_variable() && count->number == 0 && !is_text)
    return failure("byte_test reads at least one byte without string");
  test.source.count = *count;
  std::string_view op = parts[1];
  if (op.starts_with('!')) {
    test.negated = true;
    op = trim(op.substr(1));
  }
  constexpr std::pair<std::string_view, ByteTest::Operator> kOperators[] = {{"<", ByteTest::Operator::kLess},
                                                                            {">", ByteTest::Operator::kGreater},
                                                                            {"=", ByteTest::Operator::kEqual},
                                                                            {"<=", ByteTest::Operator::kLessOrEqual},
                                                                            {">=", ByteTest::Operator::kGreaterOrEqual},
                                                                            {"&", ByteTest::Operator::kAnd},
                                                                            {"^", ByteTest::Operator::kOr},
                                                                            {"", ByteTest::Operator::kEqual}};
  const auto found = std::ranges::find(kOperators, op, &std::pair<std::string_view, ByteTest::Operator>::first);
  if (found == std::end(kOperators) || (op.empty() && !test.negated)) {
    return failure(fmt::format("'{}' is no operator", printable(op, 20)));
  }
  test.op = found->second;
  if (const auto number = parse_number(parts[2])) {
    test.value.number = static_cast<std::int64_t>(*number);
  } else {
    auto value = builder.amount(parts[2], 0, INT64_MAX);
    if (!value) return std::unexpected(value.error());
    test.value = *value;
  }
  auto offset = builder.amount(parts[3], INT32_MIN, INT32_MAX);
  if (!offset) return std::unexpected(offset.error());
  test.source.offset = *offset;
  Flags flags;
  for (std::size_t i = 4; i < parts.size(); ++i) {
    if (flags.take(test.source, parts[i])) continue;
    const auto mask = after_word(parts[i], "bitmask");
    if (!mask) return unknown(parts[i]);
    const auto bits = mask_of(*mask);
    if (!bits) return std::unexpected(bits.error());
    test.source.mask = *bits;
  }
  if (const auto sound = check(builder, test.source, 23, keyword.name); !sound) return sound;
  return builder.add(test);
}

Expected<void> byte_jump(Builder& builder, const Option& option, const Keyword& keyword) {
  const auto parts = split(option.value, ',');
  if (parts.size() < 2) return failure("byte_jump is bytes, offset, and flags");
  ByteJump jump;
  auto count = builder.amount(parts[0], 0, 23), offset = builder.amount(parts[1], -65'535, 65'535);
  if (!count) return std::unexpected(count.error());
  if (!offset) return std::unexpected(offset.error());
  jump.source.count = *count;
  jump.source.offset = *offset;
  Flags flags;
  for (std::size_t i = 2; i < parts.size(); ++i) {
    const std::string_view part = parts[i];
    if (flags.take(jump.source, part)) continue;
    if (part == "align") {
      jump.align = true;
    } else if (part == "from_beginning") {
      jump.from_beginning = true;
    } else if (part == "from_end") {
      jump.from_end = true;
    } else if (const auto by = after_word(part, "multiplier")) {
      const auto number = parse_number(*by, 65'535);
      if (!number || *number == 0) return failure("the multiplier is no number from 1 to 65535");
      jump.multiplier = static_cast<std::uint32_t>(*number);
    } else if (const auto post = after_word(part, "post_offset")) {
      auto amount = builder.amount(*post, -65'535, 65'535);
      if (!amount) return std::unexpected(amount.error());
      jump.post_offset = *amount;
    } else if (const auto mask = after_word(part, "bitmask")) {
      const auto bits = mask_of(*mask);
      if (!bits) return std::unexpected(bits.error());
      jump.source.mask = *bits;
    } else {
      return unknown(part);
    }
  }
  if (jump.from_beginning && jump.from_end) return failure("from_beginning and from_end exclude each other");
  if (jump.from_beginning && jump.source.endian == Endian::kDce) return failure("dce excludes from_beginning");
  if (const auto sound = check(builder, jump.source, 23, keyword.name); !sound) return sound;
  return builder.add(jump);
}

Expected<void> byte_extract(Builder& builder, const Option& option, const Keyword& keyword) {
  const auto parts = split(option.value, ',');
  if (parts.size() < 3) return failure("byte_extract is bytes, offset, name, and flags");
  ByteExtract extract;
  auto count = builder.amount(parts[0], 1, 23), offset = builder.amount(parts[1], -65'535, 65'535);
  if (!count) return std::unexpected(count.error());
  if (!offset) return std::unexpected(offset.error());
  extract.source.count = *count;
  extract.source.offset = *offset;
  const auto variable = builder.new_variable(parts[2]);
  if (!variable) return std::unexpected(variable.error());
  extract.variable = *variable;
  Flags flags;
  for (std::size_t i = 3; i < parts.size(); ++i) {
    if (flags.take(extract.source, parts[i])) continue;
    if (const auto by = after_word(parts[i], "multiplier")) {
      const auto number = parse_number(*by, 65'535);
      if (!number || *number == 0) return failure("the multiplier is no number from 1 to 65535");
      extract.multiplier = static_cast<std::uint32_t>(*number);
    } else if (const auto to = after_word(parts[i], "align")) {
      if (*to != "2" && *to != "4") return failure("align is to 2 or to 4 bytes");
      extract.align = *to == "2" ? 2 : 4;
    } else {
      return unknown(parts[i]);
    }
  }
  const std::int64_t most = extract.source.base == Base::kOctal         ? 23
                            : extract.source.base == Base::kHexadecimal ? 14
                                                                        : 20;
  if (const auto sound = check(builder, extract.source, most, keyword.name); !sound) return sound;
  return builder.add(extract);
}

Expected<void> byte_math(Builder& builder, const Option& option, const Keyword& keyword) {
  ByteMath math;
  Flags flags;
  bool has_bytes = false, has_offset = false, has_op = false, has_operand = false;
  for (const std::string_view part : split(option.value, ',')) {
    if (flags.take(math.source, part)) continue;
    if (const auto bytes = after_word(part, "bytes")) {
      auto amount = builder.amount(*bytes, 1, 10);
      if (!amount) return std::unexpected(amount.error());
      math.source.count = *amount;
      has_bytes = true;
    } else if (const auto at = after_word(part, "offset")) {
      auto amount = builder.amount(*at, -65'535, 65'535);
      if (!amount) return std::unexpected(amount.error());
      math.source.offset = *amount;
      has_offset = true;
    } else if (const auto op = after_word(part, "oper")) {
      constexpr std::string_view kOperators[] = {"+", "-", "*", "/", "<<", ">>"};
      const auto found = std::ranges::find(kOperators, *op);
      if (found == std::end(kOperators)) return failure(fmt::format("'{}' is no operator", printable(*op, 20)));
      math.op = static_cast<ByteMath::Operator>(found - kOperators);
      has_op = true;
    } else if (const auto operand = after_word(part, "rvalue")) {
      auto amount = builder.amount(*operand, 1, UINT32_MAX);
      if (!amount) return std::unexpected(amount.error());
      math.operand = *amount;
      has_operand = true;
    } else if (const auto name = after_word(part, "result")) {
      const auto variable = builder.new_variable(*name);
      if (!variable) return std::unexpected(variable.error());
      math.variable = *variable;
    } else if (const auto endian = after_word(part, "endian")) {
      if ((*endian != "big" && *endian != "little" && *endian != "dce") || !flags.take(math.source, *endian))
        return unknown(part);
    } else if (const auto base = after_word(part, "string")) {
      math.source.from_text = true;
      if ((*base != "hex" && *base != "dec" && *base != "oct") || !flags.take(math.source, *base)) return unknown(part);
    } else if (const auto mask = after_word(part, "bitmask")) {
      const auto bits = mask_of(*mask);
      if (!bits) return std::unexpected(bits.error());
      math.source.mask = *bits;
    } else {
      return unknown(part);
    }
  }
  if (!has_bytes || !has_offset || !has_op || !has_operand || math.variable < 0) {
    return failure("byte_math needs bytes, offset, oper, rvalue and result");
  }
  const bool shifts = math.op == ByteMath::Operator::kShiftLeft || math.op == ByteMath::Operator::kShiftRight;
  if (shifts && !math.source.count.is_variable() && math.source.count.number > 4) {
    return failure("a shift is of at most 4 bytes");
  }
  if (const auto sound = check(builder, math.source, 10, keyword.name); !sound) return sound;
  return builder.add(math);
}

Expected<void> isdataat(Builder& builder, const Option& option, const Keyword&) {
  IsDataAt at;
  std::string_view value = option.value;
  if (value.starts_with('!')) {
    at.negated = true;
    value = trim(value.substr(1));
  }
  const auto parts = split(value, ',');
  auto amount = builder.amount(parts[0], 0, 65'535);
  if (!amount) return std::unexpected(amount.error());
  at.at = *amount;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i] == "relative") {
      at.relative = true;
    } else if (parts[i] == "rawbytes") {
      at.raw = true;
    } else {
      return unknown(parts[i]);
    }
  }
  return builder.add(at);
}

Expected<void> bsize(Builder& builder, const Option& option, const Keyword&) {
  if (!builder.is_open()) return failure("bsize needs a sticky buffer before it");
  auto size = parse_comparison(option.value, UINT64_MAX);
  if (!size) return std::unexpected(size.error());
  return builder.add(BufferSize{*size});
}

Expected<void> base64_decode(Builder& builder, const Option& option, const Keyword&) {
  Base64Decode decode;
  if (!option.value.empty()) {
    for (const std::string_view part : split(option.value, ',')) {
      if (part == "relative") {
        decode.relative = true;
        continue;
      }
      const auto bytes = after_word(part, "bytes"), offset = after_word(part, "offset");
      const auto number = parse_number(bytes ? *bytes : offset ? *offset : "", 65'535);
      if (!number) return unknown(part);
      (bytes ? decode.bytes : decode.offset) = static_cast<std::uint32_t>(*number);
    }
  }
  return builder.add(decode);
}

Expected<void> absent(Builder& builder, const Option& option, const Keyword&) {
  if (!builder.is_open()) return failure("absent needs a sticky buffer before it");
  if (builder.open_buffer()->buffer == "frame") return failure("absent is not of frames");
  if (!builder.open_buffer()->matches.empty()) return failure("absent must follow right after its buffer");
  if (!option.value.empty() && option.value != "or_else") return unknown(option.value);
  return builder.add(Absent{option.value == "or_else"});
}

constexpr Keyword kTable[] = {
    of_bytes("byte_test", byte_test),
    of_bytes("byte_jump", byte_jump),
    of_bytes("byte_extract", byte_extract),
    of_bytes("byte_math", byte_math),
    of_bytes("isdataat", isdataat),
    of_bytes("bsize", bsize),
    of_bytes("absent", absent, Value::kOptional),
    of_bytes("base64_decode", base64_decode, Value::kOptional),
};

}  // namespace

std::span<const Keyword> byte_keywords() { return kTable; }

}  // namespace tocsin::rules
