// How a rule compares a number of the traffic: "80", "!80", ">=80", "10-20", "10<>20", "&0xc0=0x80".
// https://docs.suricata.io/en/latest/rules/integer-keywords.html
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/expected.h"

namespace tocsin::rules {

struct Comparison {
  enum class Operator : std::uint8_t {
    kEqual,
    kNotEqual,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual,
    kBetween,   // first < number < second
    kOutside,   // number <= first or number >= second
    kBits,      // number & first == second
    kOtherBits  // number & first != second
  };
  Operator op = Operator::kEqual;
  std::uint64_t first = 0, second = 0;

  bool holds(std::uint64_t number) const;
  // The least and the most number for which it can hold; of kOutside and kNotEqual: of all numbers.
  std::uint64_t least() const;
  std::uint64_t most() const;
  friend bool operator==(const Comparison&, const Comparison&) = default;
};

// most: the largest number that the field can have. An error says what is wrong, without place.
Expected<Comparison> parse_comparison(std::string_view text, std::uint64_t most);

// Decimal, or hexadecimal after 0x; nothing but the number.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most = UINT64_MAX);
// The same, also with a leading minus sign.
std::optional<std::int64_t> parse_signed(std::string_view text);
// A number with an optional unit of 1024s: "10kb", "1MiB".
std::optional<std::uint64_t> parse_size(std::string_view text, std::uint64_t most = UINT64_MAX);

}  // namespace tocsin::rules
