// What a rule looks for in a buffer, in the order it was written: the order matters, since "relative" means from the
// end of the match before.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rules/comparison.h"

namespace tocsin::rules {

// A number in the rule, or the place in Rule::variables of one that byte_extract or byte_math finds in the traffic.
struct Amount {
  std::int64_t number = 0;
  int variable = -1;
  bool is_variable() const { return variable >= 0; }
  friend bool operator==(const Amount&, const Amount&) = default;
};

// What content is searched first, over all rules at once.
struct FastPattern {
  bool only = false;
  std::uint16_t offset = 0, length = 0;  // length 0: the whole content
};

struct Content {
  std::string bytes;
  bool negated = false, ignore_case = false, raw = false, at_start = false, at_end = false;
  std::optional<Amount> offset, depth, distance, within;
  std::optional<FastPattern> fast_pattern;
  std::optional<std::string> replacement;
  bool is_relative() const { return distance || within; }
};

// Options of a pattern, as letters after it have them.
struct Pcre {
  struct Capture {
    enum class Of : std::uint8_t { kPacket, kFlow, kAlert } of;
    std::string name;
  };
  std::string pattern;
  bool negated = false, relative = false, raw = false;
  bool ignore_case = false, multi_line = false, dot_all = false, extended = false, anchored = false,
       dollar_at_end_only = false, ungreedy = false, without_limit = false;
  std::vector<Capture> captures;
  std::uint32_t options() const;  // for pcre2_compile()
};

enum class Endian : std::uint8_t { kBig, kLittle, kDce };
enum class Base : std::uint8_t { kNone, kOctal, kDecimal, kHexadecimal };  // kNone: bytes, not digits

struct ByteSource {
  Amount count, offset;
  bool relative = false, from_text = false;
  Endian endian = Endian::kBig;
  Base base = Base::kNone;
  std::uint32_t mask = 0;  // 0: none
};

struct ByteTest {
  enum class Operator : std::uint8_t { kLess, kGreater, kEqual, kLessOrEqual, kGreaterOrEqual, kAnd, kOr };
  ByteSource source;
  Operator op = Operator::kEqual;
  bool negated = false;
  Amount value;
};

struct ByteJump {
  ByteSource source;
  std::uint32_t multiplier = 1;
  Amount post_offset;
  bool align = false, from_beginning = false, from_end = false;
};

struct ByteExtract {
  ByteSource source;
  int variable = -1;
  std::uint32_t multiplier = 1;
  std::uint8_t align = 0;
};

struct ByteMath {
  enum class Operator : std::uint8_t { kAdd, kSubtract, kMultiply, kDivide, kShiftLeft, kShiftRight };
  ByteSource source;
  Operator op = Operator::kAdd;
  Amount operand;
  int variable = -1;
};

struct IsDataAt {
  Amount at;
  bool negated = false, relative = false, raw = false;
};

struct BufferSize {
  Comparison size;
};

struct Base64Decode {
  std::uint32_t bytes = 0, offset = 0;  // bytes 0: all
  bool relative = false;
};

// That the buffer is not there; or_else: or else what follows holds.
struct Absent {
  bool or_else = false;
};

struct Entropy {
  Comparison::Operator op = Comparison::Operator::kEqual;
  double first = 0, second = 0;
  std::uint32_t bytes = 0, offset = 0;
};

struct DatasetMatch {
  enum class Command : std::uint8_t { kIsSet, kIsNotSet, kSet, kUnset };
  Command command = Command::kIsSet;
  std::string name, type, load, save, state, format;
  std::string value_key, array_key, context_key;  // of a set whose values are JSON
  std::uint32_t memcap = 0, hash_size = 0;
  bool subdomains = false;  // what is below a domain of the set is in it too
};

struct DataReputation {
  std::string name, type, load;
  Comparison score;
};

struct LuaScript {
  std::string file;
  bool negated = false;
};

using Match = std::variant<Content, Pcre, ByteTest, ByteJump, ByteExtract, ByteMath, IsDataAt, BufferSize, Base64Decode,
                           Absent, Entropy, DatasetMatch, DataReputation, LuaScript>;

// What is done to a buffer's bytes before they are looked at.
struct Transform {
  std::string_view name;  // as in the table of keywords
  std::string argument;
  friend bool operator==(const Transform&, const Transform&) = default;
};

enum class Side : std::uint8_t { kEither, kToServer, kToClient };

struct BufferMatches {
  std::string_view buffer;  // its keyword's name; "payload": the bytes of the packet or the stream
  std::string argument;     // of frame
  Side side = Side::kEither;
  std::vector<Transform> transforms;
  std::vector<Match> matches;
};

inline constexpr std::string_view kPayload = "payload";

}  // namespace tocsin::rules
