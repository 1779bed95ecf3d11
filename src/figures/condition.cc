#include "figures/condition.h"

#include <fmt/format.h>

#include <charconv>
#include <initializer_list>
#include <optional>
#include <utility>

#include "base/text.h"

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

  Expected<Condition> read() {
    if (text_.size() > kLongest) return failure(fmt::format("where is longer than {} bytes", kLongest));
    next();
    Condition condition = any();
    if (!error_ && token_.type != Token::Type::kEnd) fail("expected 'and', 'or' or the end");
    if (error_) return failure(*error_);
    return condition;
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

  // What is joined by one word; alone, it is itself.
  template <typename Part>
  Condition joined(Condition::Type type, std::string_view word, Part part) {
    Condition first = part();
    if (error_ || !take_word(word)) return first;
    Condition whole;
    whole.type = type;
    whole.parts.push_back(std::move(first));
    do whole.parts.push_back(part());
    while (!error_ && take_word(word));
    return whole;
  }
  Condition any() {
    return joined(Condition::Type::kOr, "or", [this] { return all(); });
  }
  Condition all() {
    return joined(Condition::Type::kAnd, "and", [this] { return one(); });
  }
  static Condition negated_of(bool negated, Condition condition) {
    if (!negated) return condition;
    Condition whole;
    whole.type = Condition::Type::kNot;
    whole.parts.push_back(std::move(condition));
    return whole;
  }
  Condition one() {
    if (error_) return {};
    if (++depth_ > kDeepest) {
      fail(fmt::format("expected at most {} levels", kDeepest));
      return {};
    }
    Condition condition;
    if (take_word("not")) {
      condition = negated_of(true, one());
    } else if (take_symbol("(")) {
      condition = any();
      if (!take_symbol(")")) fail("expected ')'");
    } else {
      condition = comparison();
    }
    --depth_;
    return condition;
  }

  Condition comparison() {
    Condition condition;
    condition.column = token_.type == Token::Type::kWord ? find_column(token_.text) : nullptr;
    if (!condition.column) {
      fail("expected one of the columns " + column_list());
      return {};
    }
    next();
    const Column& column = *condition.column;
    if (take_word("is")) {
      const bool negated = take_word("not");
      if (!take_word("null")) fail("expected 'null'");
      condition.type = Condition::Type::kIsNull;
      return negated_of(negated, std::move(condition));
    }
    const bool negated = take_word("not");
    if (take_word("in")) {
      condition.type = Condition::Type::kIn;
      if (!take_symbol("(")) fail("expected '('");
      condition.literals.push_back(literal(column));
      while (!error_ && take_symbol(",")) condition.literals.push_back(literal(column));
      if (!take_symbol(")")) fail("expected ',' or ')'");
      return negated_of(negated, std::move(condition));
    }
    if (take_word("under")) {
      condition.type = Condition::Type::kUnder;
      condition.literals.push_back(top_of(column));
      return negated_of(negated, std::move(condition));
    }
    if (negated) fail("expected 'in' or 'under'");
    using Type = Condition::Type;
    for (const auto& [symbol, type] :
         std::initializer_list<std::pair<std::string_view, Type>>{{"=", Type::kEqual},
                                                                  {"!=", Type::kUnequal},
                                                                  {"<>", Type::kUnequal},
                                                                  {"<=", Type::kLessOrEqual},
                                                                  {">=", Type::kGreaterOrEqual},
                                                                  {"<", Type::kLess},
                                                                  {">", Type::kGreater}}) {
      if (take_symbol(symbol)) {
        condition.type = type;
        condition.literals.push_back(literal(column));
        return condition;
      }
    }
    condition.type = Type::kIsTrue;
    if (column.type != ColumnType::kBoolean) fail("expected one of = != < <= > >= in under is");
    return condition;
  }

  // The text of `under`.
  Literal top_of(const Column& column) {
    std::string_view top = token_.text;
    while (top.ends_with('/')) top.remove_suffix(1);
    if (column.type != ColumnType::kText || token_.type != Token::Type::kText || top.empty()) {
      fail(fmt::format("{} under expected {}", column.name,
                       column.type == ColumnType::kText ? "a text in '…'" : "a column of text"));
      return "";
    }
    std::string text(top);
    next();
    return text;
  }

  Literal literal(const Column& column) {
    const Token token = token_;
    const auto wrong = [&](std::string_view expected) {
      fail(fmt::format("{} expected {}", column.name, expected));
      return Literal();
    };
    Literal read;
    switch (column.type) {
      case ColumnType::kText:
        if (token.type != Token::Type::kText) return wrong("a text in '…'");
        read = token.text;
        break;
      case ColumnType::kInteger: {
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(token.text.data(), token.text.data() + token.text.size(), number);
        if (token.type != Token::Type::kNumber || error != std::errc{}) return wrong("a whole number");
        read = number;
        break;
      }
      case ColumnType::kBoolean:
        if (token.type != Token::Type::kWord) return wrong("true or false");
        if (!equals_ignoring_case(token.text, "true") && !equals_ignoring_case(token.text, "false")) {
          return wrong("true or false");
        }
        read = equals_ignoring_case(token.text, "true");
        break;
      case ColumnType::kTime: {
        const auto time = token.type == Token::Type::kText ? parse_time(token.text) : failure("");
        if (!time) return wrong("a time as '2013-01-31'");
        read = LiteralTime{*time};
        break;
      }
      case ColumnType::kAddress: {
        const auto address = token.type == Token::Type::kText ? IpAddress::parse(token.text) : std::nullopt;
        if (!address) return wrong("an IP address in '…'");
        read = *address;
        break;
      }
    }
    next();
    return read;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  Token token_;
  std::optional<std::string> error_;
};

}  // namespace

Expected<Condition> parse_condition(std::string_view where) { return ConditionReader(where).read(); }

}  // namespace tocsin::figures
