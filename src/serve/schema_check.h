// Checks one value of a query or path against the JSON Schema of its parameter.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::serve {

// Keywords that are checked: type (string, integer, number, boolean), enum, pattern, minimum, maximum, minLength,
// maxLength (in characters), format date-time and date. Where there is a pattern without maxLength, it is 256.
class SchemaCheck {
 public:
  // Throws std::invalid_argument for what is not such a schema, or has keywords that would be promised and not checked.
  explicit SchemaCheck(const std::string& schema);
  ~SchemaCheck();
  SchemaCheck(SchemaCheck&&) noexcept;
  SchemaCheck& operator=(SchemaCheck&&) noexcept;
  // What is wrong with a value: "is not a whole number"; none if nothing is.
  std::optional<std::string> wrong(std::string_view value) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::serve
