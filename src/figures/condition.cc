// The condition of a definition: a reader of the few forms that a catalogue needs, which writes SQL of its own making.
// Depth and length are bounded, for a catalogue may come from another party.
#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/ip_address.h"
#include "base/text.h"
#include "figures/plan.h"

namespace tocsin::figures {
namespace {

constexpr std::size_t kLongest = 4096;
constexpr int kDeepest = 32;

struct Token {
  enum class Type : std::uint8_t { kEnd, kWord, kText, kNumber, kSymbol } type = Type::kEnd;
  std::string text;  // of a kText: without quotes
  std::size_t column = 0;
};

class ConditionReader {
 public:
  explicit ConditionReader(std::string_view text) : text_(text) {}

  Expected<std::string> read() {
    if (text_.size() > kLongest) return failure(fmt::format("where is longer than {} bytes", kLongest));
    next();
    std::string sql = any();
    if (!error_ && token_.type != Token::Type::kEnd) fail("expected 'and', 'or' or the end");
    if (error_) return failure(*error_);
    return sql;
  }

 private:
  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  void fail(const std::string& what) {
    if (error_) return;
    const std::string found = token_.type == Token::Type::kEnd ? "its end" : "'" + printable(token_.text, 64) + "'";
    error_ = fmt::format("where, column {}: {}, found {}", token_.column + 1, what, found);
  }

  void next() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
    token_ = {Token::Type::kEnd, "", at_};
    if (at_ == text_.size()) return;
    const std::size_t start = at_;
    const char first = text_[at_++];
    if (is_letter(first)) {
      while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
      token_ = {Token::Type::kWord, std::string(text_.substr(start, at_ - start)), start};
    } else if (is_digit(first)) {
      while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
      token_ = {Token::Type::kNumber, std::string(text_.substr(start, at_ - start)), start};
    } else if (first == '\'') {
      std::string value;
      while (true) {
        if (at_ == text_.size()) return fail("a text that begins with ' expected its closing '");
        if (text_[at_] != '\'') {
          value += text_[at_++];
        } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '\'') {
          value += '\'';
          at_ += 2;
        } else {
          break;
        }
      }
      ++at_;
      token_ = {Token::Type::kText, value, start};
    } else {
      const std::string_view two = text_.substr(start, 2);
      if (two == "!=" || two == "<>" || two == "<=" || two == ">=") ++at_;
      token_ = {Token::Type::kSymbol, std::string(text_.substr(start, at_ - start)), start};
    }
  }

  bool take_word(std::string_view word) {
    if (token_.type != Token::Type::kWord || !equals_ignoring_case(token_.text, word)) return false;
    next();
    return true;
  }
  bool take_symbol(std::string_view symbol) {
    if (token_.type != Token::Type::kSymbol || token_.text != symbol) return false;
    next();
    return true;
  }

  std::string any() {
    std::string sql = all();
    while (!error_ && take_word("or")) sql += " OR " + all();
    return "(" + sql + ")";
  }
  std::string all() {
    std::string sql = one();
    while (!error_ && take_word("and")) sql += " AND " + one();
    return sql;
  }
  std::string one() {
    if (error_) return "";
    if (++depth_ > kDeepest) {
      fail(fmt::format("expected at most {} levels", kDeepest));
      return "";
    }
    std::string sql;
    if (take_word("not")) {
      sql = "NOT (" + one() + ")";
    } else if (take_symbol("(")) {
      sql = any();
      if (!take_symbol(")")) fail("expected ')'");
    } else {
      sql = comparison();
    }
    --depth_;
    return sql;
  }

  std::string comparison() {
    const Column* column = token_.type == Token::Type::kWord ? find_column(token_.text) : nullptr;
    if (!column) {
      fail("expected one of the columns " + column_list());
      return "";
    }
    next();
    const std::string name(column->sql);
    if (take_word("is")) {
      const bool negated = take_word("not");
      if (!take_word("null")) fail("expected 'null'");
      return name + (negated ? " IS NOT NULL" : " IS NULL");
    }
    const bool negated = take_word("not");
    if (take_word("in")) {
      if (!take_symbol("(")) fail("expected '('");
      std::string list = literal(*column);
      while (!error_ && take_symbol(",")) list += ", " + literal(*column);
      if (!take_symbol(")")) fail("expected ',' or ')'");
      return name + (negated ? " NOT IN (" : " IN (") + list + ")";
    }
    if (take_word("under")) return (negated ? "NOT " : "") + under(*column);
    if (negated) fail("expected 'in' or 'under'");
    for (const std::string_view symbol : {"=", "!=", "<>", "<=", ">=", "<", ">"}) {
      if (take_symbol(symbol)) {
        return fmt::format("{} {} {}", name, symbol == "!=" ? "<>" : symbol, literal(*column));
      }
    }
    if (column->type == ColumnType::kBoolean) return name;
    fail("expected one of = != < <= > >= in under is");
    return "";
  }

  // The text itself and what lies below it: '0' is the character after '/', so the range holds all that begins with
  // the text and a slash. A range needs no escapes, and a reader of Parquet can pass over pages by it.
  std::string under(const Column& column) {
    std::string_view top = token_.text;
    while (top.ends_with('/')) top.remove_suffix(1);
    if (column.type != ColumnType::kText || token_.type != Token::Type::kText || top.empty()) {
      fail(fmt::format("{} under expected {}", column.name,
                       column.type == ColumnType::kText ? "a text in '…'" : "a column of text"));
      return "";
    }
    const std::string text(top);
    next();
    return fmt::format("({0} = {1} OR ({0} >= {2} AND {0} < {3}))", column.sql, sql_text(text), sql_text(text + "/"),
                       sql_text(text + "0"));
  }

  std::string literal(const Column& column) {
    const Token token = token_;
    const auto wrong = [&](std::string_view expected) {
      fail(fmt::format("{} expected {}", column.name, expected));
      return std::string();
    };
    std::string sql;
    switch (column.type) {
      case ColumnType::kText:
        if (token.type != Token::Type::kText) return wrong("a text in '…'");
        sql = sql_text(token.text);
        break;
      case ColumnType::kInteger: {
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(token.text.data(), token.text.data() + token.text.size(), number);
        if (token.type != Token::Type::kNumber || error != std::errc{}) return wrong("a whole number");
        sql = std::to_string(number);
        break;
      }
      case ColumnType::kBoolean:
        if (token.type == Token::Type::kWord && equals_ignoring_case(token.text, "true")) {
          sql = "true";
        } else if (token.type == Token::Type::kWord && equals_ignoring_case(token.text, "false")) {
          sql = "false";
        } else {
          return wrong("true or false");
        }
        break;
      case ColumnType::kTime: {
        const auto time = token.type == Token::Type::kText ? parse_time(token.text) : failure("");
        if (!time) return wrong("a time as '2013-01-31'");
        sql = time_literal(*time);
        break;
      }
      case ColumnType::kAddress: {
        const auto address = token.type == Token::Type::kText ? IpAddress::parse(token.text) : std::nullopt;
        if (!address) return wrong("an IP address in '…'");
        sql = address_literal(*address);
        break;
      }
    }
    next();
    return sql;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  Token token_;
  std::optional<std::string> error_;
};

}  // namespace

Expected<std::string> condition_sql(std::string_view where) { return ConditionReader(where).read(); }

}  // namespace tocsin::figures
