#include "serve/schema_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <stdexcept>
#include <vector>

#include "base/time.h"

namespace tocsin::serve {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostForPattern = 256;  // std::regex takes stack by the length

std::size_t characters_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool has_shape(std::string_view text, std::string_view shape) {  // '0' stands for any digit
  if (text.size() < shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (shape[i] == '0' ? !digit : text[i] != shape[i]) return false;
  }
  return true;
}

// RFC 3339 section 5.6
bool is_date_time(std::string_view text) {
  if (!has_shape(text, "0000-00-00T00:00:00") || !parse_time(text)) return false;
  text.remove_prefix(19);
  if (text.starts_with('.')) {
    const std::size_t end = text.find_first_not_of("0123456789", 1);
    if (end == 1 || end == std::string_view::npos) return false;
    text.remove_prefix(end);
  }
  return text == "Z" || (text.size() == 6 && (has_shape(text, "+00:00") || has_shape(text, "-00:00")));
}

bool is_date(std::string_view text) {
  return text.size() == 10 && has_shape(text, "0000-00-00") && parse_time(text).has_value();
}

}  // namespace

struct SchemaCheck::State {
  std::string type = "string";
  std::vector<std::string> among;
  std::optional<std::regex> pattern;
  std::string pattern_text, format;
  std::optional<double> least, most;
  std::size_t least_length = 0;
  std::optional<std::size_t> most_length;

  explicit State(const Json& schema) {
    static const std::set<std::string> kOnlyTold{"description", "title",    "default",   "examples",
                                                 "example",     "$comment", "deprecated"};
    static const std::set<std::string> kTypes{"string", "integer", "number", "boolean"};
    for (const auto& [keyword, value] : schema.items()) {
      if (keyword == "type") {
        type = value.get<std::string>();
        if (!kTypes.contains(type)) throw std::invalid_argument("type '" + type + "' of a parameter");
      } else if (keyword == "enum") {
        for (const Json& one : value) among.push_back(one.is_string() ? one.get<std::string>() : one.dump());
      } else if (keyword == "pattern") {
        pattern_text = value.get<std::string>();
        pattern.emplace(pattern_text, std::regex::ECMAScript);
      } else if (keyword == "minimum") {
        least = value.get<double>();
      } else if (keyword == "maximum") {
        most = value.get<double>();
      } else if (keyword == "minLength") {
        least_length = value.get<std::size_t>();
      } else if (keyword == "maxLength") {
        most_length = value.get<std::size_t>();
      } else if (keyword == "format") {
        format = value.get<std::string>();
        if (format != "date-time" && format != "date") throw std::invalid_argument("format '" + format + "'");
      } else if (!kOnlyTold.contains(keyword)) {
        throw std::invalid_argument("keyword '" + keyword + "'");
      }
    }
    if (pattern && !most_length) most_length = kMostForPattern;
  }

  std::optional<std::string> out_of_range(double number) const {
    if (least && number < *least) return fmt::format("is less than {}", *least);
    if (most && number > *most) return fmt::format("is more than {}", *most);
    return std::nullopt;
  }

  std::optional<std::string> wrong_text(std::string_view value) const {
    const std::size_t length = characters_of(value);
    if (length < least_length) return fmt::format("is shorter than {} characters", least_length);
    if (most_length && length > *most_length) return fmt::format("is longer than {} characters", *most_length);
    if (pattern && !std::regex_search(value.begin(), value.end(), *pattern)) {
      return "does not match " + pattern_text;
    }
    if (format == "date-time" && !is_date_time(value)) return "is not a time such as 2013-02-01T00:00:00Z";
    if (format == "date" && !is_date(value)) return "is not a date such as 2013-02-01";
    return std::nullopt;
  }
};

SchemaCheck::SchemaCheck(const std::string& schema) {
  try {
    const Json parsed = Json::parse(schema.empty() ? "{}" : schema);
    if (!parsed.is_object()) throw std::invalid_argument("not an object");
    state_ = std::make_unique<State>(parsed);
  } catch (const std::exception& error) {
    throw std::invalid_argument("schema " + schema + ": " + error.what());
  }
}

SchemaCheck::~SchemaCheck() = default;
SchemaCheck::SchemaCheck(SchemaCheck&&) noexcept = default;
SchemaCheck& SchemaCheck::operator=(SchemaCheck&&) noexcept = default;

std::optional<std::string> SchemaCheck::wrong(std::string_view value) const {
  const State& state = *state_;
  if (!state.among.empty() && std::ranges::find(state.among, value) == state.among.end()) {
    return fmt::format("is none of {}", fmt::join(state.among, ", "));
  }
  if (state.type == "string") return state.wrong_text(value);
  if (state.type == "boolean") {
    if (value == "true" || value == "false") return std::nullopt;
    return "is neither true nor false";
  }
  if (state.type == "integer") {
    const std::optional<std::int64_t> number = number_of<std::int64_t>(value);
    if (!number) return "is not a whole number";
    return state.out_of_range(static_cast<double>(*number));
  }
  const std::optional<double> number = number_of<double>(value);
  if (!number || !std::isfinite(*number)) return "is not a number";
  return state.out_of_range(*number);
}

}  // namespace tocsin::serve
