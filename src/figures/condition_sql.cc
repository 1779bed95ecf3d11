// A condition's tree as SQL: nothing of the catalogue's text is copied into it but as an escaped literal.
#include <fmt/format.h>

#include "figures/condition.h"

namespace tocsin::figures {
namespace {

struct LiteralWriter {
  std::string operator()(const std::string& text) const { return sql_text(text); }
  std::string operator()(std::uint64_t number) const { return std::to_string(number); }
  std::string operator()(bool truth) const { return truth ? "true" : "false"; }
  std::string operator()(const LiteralTime& time) const { return time_literal(time.time); }
  std::string operator()(const IpAddress& address) const { return address_literal(address); }
};

std::string literals_of(const Condition& condition) {
  std::string list;
  for (const Literal& literal : condition.literals) {
    list += (list.empty() ? "" : ", ") + std::visit(LiteralWriter(), literal);
  }
  return list;
}

// '0' is the character after '/', so the range holds all that begins with the text and a slash. A range needs no
// escapes, and a reader of Parquet can pass over pages by it.
std::string under(const Condition& condition) {
  const auto& text = std::get<std::string>(condition.literals.front());
  return fmt::format("({0} = {1} OR ({0} >= {2} AND {0} < {3}))", condition.column->sql, sql_text(text),
                     sql_text(text + "/"), sql_text(text + "0"));
}

std::string written(const Condition& condition) {
  using Type = Condition::Type;
  const auto joined = [&](std::string_view word) {
    std::string sql;
    for (const Condition& part : condition.parts) sql += (sql.empty() ? "(" : std::string(word)) + written(part);
    return sql + ")";
  };
  const auto compared = [&](std::string_view symbol) {
    return fmt::format("{} {} {}", condition.column->sql, symbol, literals_of(condition));
  };
  switch (condition.type) {
    case Type::kAnd:
      return joined(" AND ");
    case Type::kOr:
      return joined(" OR ");
    case Type::kNot:
      return "(NOT " + written(condition.parts.front()) + ")";
    case Type::kEqual:
      return compared("=");
    case Type::kUnequal:
      return compared("<>");
    case Type::kLess:
      return compared("<");
    case Type::kLessOrEqual:
      return compared("<=");
    case Type::kGreater:
      return compared(">");
    case Type::kGreaterOrEqual:
      return compared(">=");
    case Type::kIn:
      return fmt::format("{} IN ({})", condition.column->sql, literals_of(condition));
    case Type::kUnder:
      return under(condition);
    case Type::kIsNull:
      return fmt::format("({} IS NULL)", condition.column->sql);
    case Type::kIsTrue:
      return std::string(condition.column->sql);
  }
  return "false";
}

}  // namespace

Expected<std::string> condition_sql(std::string_view where) {
  const auto condition = parse_condition(where);
  if (!condition) return std::unexpected(condition.error());
  return "(" + written(*condition) + ")";
}

}  // namespace tocsin::figures
