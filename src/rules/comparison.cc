#include "rules/comparison.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "base/text.h"

namespace tocsin::rules {
namespace {

using Operator = Comparison::Operator;

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text = trim(text.substr(prefix.size()));
  return true;
}

Expected<Comparison> of_bits(std::string_view text, std::uint64_t most) {
  const std::size_t equals = text.find('=');
  const bool other = equals != std::string_view::npos && equals > 0 && text[equals - 1] == '!';
  if (equals == std::string_view::npos) return failure("a mask needs '=' or '!=' and a number");
  const auto mask = parse_size(trim(text.substr(0, equals - (other ? 1 : 0))), most);
  const auto value = parse_size(trim(text.substr(equals + 1)), most);
  if (!mask || !value) return failure(fmt::format("'&{}' is no mask with its number", printable(text, 80)));
  if ((*value & ~*mask) != 0) return failure("the number has bits that its mask leaves out: it can never match");
  return Comparison{other ? Operator::kOtherBits : Operator::kBits, *mask, *value};
}

}  // namespace

bool Comparison::holds(std::uint64_t number) const {
  switch (op) {
    case Operator::kEqual:
      return number == first;
    case Operator::kNotEqual:
      return number != first;
    case Operator::kLess:
      return number < first;
    case Operator::kLessOrEqual:
      return number <= first;
    case Operator::kGreater:
      return number > first;
    case Operator::kGreaterOrEqual:
      return number >= first;
    case Operator::kBetween:
      return number > first && number < second;
    case Operator::kOutside:
      return number <= first || number >= second;
    case Operator::kBits:
      return (number & first) == second;
    case Operator::kOtherBits:
      return (number & first) != second;
  }
  return false;
}

std::uint64_t Comparison::least() const {
  if (op == Operator::kEqual || op == Operator::kGreaterOrEqual) return first;
  if (op == Operator::kGreater || op == Operator::kBetween) return first + 1;
  return 0;
}

std::uint64_t Comparison::most() const {
  if (op == Operator::kEqual || op == Operator::kLessOrEqual) return first;
  if (op == Operator::kLess) return first - 1;
  if (op == Operator::kBetween) return second - 1;
  return UINT64_MAX;
}

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || number > most) return std::nullopt;
  return number;
}

std::optional<std::int64_t> parse_signed(std::string_view text) {
  const bool minus = text.starts_with('-');
  if (minus || text.starts_with('+')) text.remove_prefix(1);
  const auto number = parse_number(text, INT64_MAX);
  if (!number) return std::nullopt;
  return minus ? -static_cast<std::int64_t>(*number) : static_cast<std::int64_t>(*number);
}

std::optional<std::uint64_t> parse_size(std::string_view text, std::uint64_t most) {
  const std::string small = lower(text);
  std::string_view rest = small;
  int shift = 0;
  constexpr std::pair<std::string_view, int> kUnits[] = {{"kib", 10}, {"kb", 10},  {"mib", 20},
                                                         {"mb", 20},  {"gib", 30}, {"gb", 30}};
  if (!rest.starts_with("0x")) {
    for (const auto& [unit, bits] : kUnits) {
      if (!rest.ends_with(unit)) continue;
      rest.remove_suffix(unit.size());
      shift = bits;
      break;
    }
  }
  const auto number = parse_number(rest, most >> shift);
  if (!number) return std::nullopt;
  return *number << shift;
}

Expected<Comparison> parse_comparison(std::string_view text, std::uint64_t most) {
  text = trim(text);
  const std::string_view whole = text;
  const auto wrong = [&] {
    return failure(
        fmt::format("'{}' is no number from 0 to {}, nor a comparison with one", printable(whole, 80), most));
  };
  const auto one = [&](Operator op) -> Expected<Comparison> {
    const auto number = parse_size(text, most);
    if (!number) return wrong();
    if (op == Operator::kLess && *number == 0) return failure("nothing is less than 0: it can never match");
    if (op == Operator::kGreater && *number == most) return failure(fmt::format("nothing is more than {}", most));
    return Comparison{op, *number, 0};
  };
  if (take(text, ">=")) return one(Operator::kGreaterOrEqual);
  if (take(text, "<=")) return one(Operator::kLessOrEqual);
  if (take(text, ">")) return one(Operator::kGreater);
  if (take(text, "<") && !text.starts_with('>')) return one(Operator::kLess);
  if (take(text, "&")) return of_bits(text, most);
  if (take(text, "!=")) return one(Operator::kNotEqual);
  if (take(text, "=")) return one(Operator::kEqual);
  const bool negated = take(text, "!");
  std::size_t between = text.find("<>"), width = 2;
  if (between == std::string_view::npos) between = text.find('-'), width = 1;
  if (between == std::string_view::npos) return one(negated ? Operator::kNotEqual : Operator::kEqual);
  const auto first = parse_size(trim(text.substr(0, between)), most);
  const auto second = parse_size(trim(text.substr(between + width)), most);
  if (!first || !second) return wrong();
  if (*first >= *second || *second - *first == 1) {
    return failure(fmt::format("no number is between {} and {}, which are themselves left out", *first, *second));
  }
  return Comparison{negated ? Operator::kOutside : Operator::kBetween, *first, *second};
}

}  // namespace tocsin::rules
