// The condition of a definition as a tree. Its grammar:
//   comparisons `column = 'text'` (also != <> < <= > >=), `column [not] in (a, b)`, `column is [not] null`,
//   `column [not] under 'text'`, a boolean column alone; joined by and, or, not and parentheses.
// The tree is what both ways of counting share: the one writes SQL from it, the other holds rows against it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/expected.h"
#include "base/ip_address.h"
#include "base/time.h"
#include "figures/plan.h"

namespace tocsin::figures {

struct LiteralTime {
  Timestamp time;
};
using Literal = std::variant<std::string, std::uint64_t, bool, LiteralTime, IpAddress>;

struct Condition {
  enum class Type : std::uint8_t {
    kAnd,
    kOr,
    kNot,
    kEqual,
    kUnequal,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual,
    kIn,
    kUnder,  // the text, or what begins with it and a slash; the literal ends in no slash
    kIsNull,
    kIsTrue,  // a boolean column alone
  };
  Type type = Type::kAnd;
  std::vector<Condition> parts;    // of and, or, not
  const Column* column = nullptr;  // of the others
  std::vector<Literal> literals;
};

// Depth and length are bounded, for a catalogue may come from another party. An error names the column in the text.
Expected<Condition> parse_condition(std::string_view where);

}  // namespace tocsin::figures
