// One line as a JSON object by simdjson On-Demand, which reads a line once, in order, and builds nothing.
#pragma once

#include <simdjson.h>

#include <cstring>
#include <string>
#include <string_view>

namespace tocsin::collect {

class JsonLine {
 public:
  // The views that the object gives live until the next call.
  simdjson::error_code open(std::string_view line, simdjson::ondemand::object& object) {
    if (buffer_.size() < line.size() + simdjson::SIMDJSON_PADDING)
      buffer_.resize(line.size() + line.size() / 2 + simdjson::SIMDJSON_PADDING);
    std::memcpy(buffer_.data(), line.data(), line.size());
    std::memset(buffer_.data() + line.size(), ' ', simdjson::SIMDJSON_PADDING);
    if (const auto error = parser_.iterate(buffer_.data(), line.size(), buffer_.size()).get(document_)) return error;
    return document_.get_object().get(object);
  }
  // After the last field: nothing may follow the object.
  bool ended() { return document_.current_location().error() == simdjson::OUT_OF_BOUNDS; }

 private:
  std::string buffer_;
  simdjson::ondemand::parser parser_;
  simdjson::ondemand::document document_;
};

// A string's text, or a number or a truth value as it is written; empty for null, an array or an object.
inline simdjson::error_code text_of(simdjson::ondemand::value value, std::string_view& text) {
  simdjson::ondemand::json_type type;
  if (const auto error = value.type().get(type)) return error;
  switch (type) {
    case simdjson::ondemand::json_type::string:
      return value.get_string().get(text);
    case simdjson::ondemand::json_type::number:
    case simdjson::ondemand::json_type::boolean:
      text = value.raw_json_token();
      while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
      return simdjson::SUCCESS;
    default:
      text = {};
      return simdjson::SUCCESS;
  }
}

// Calls take(key, value) for each field; it returns an error_code.
template <typename Take>
simdjson::error_code each_field(simdjson::ondemand::object& object, Take&& take) {
  for (auto result : object) {
    simdjson::ondemand::field field;
    if (const auto error = std::move(result).get(field)) return error;
    std::string_view key;
    if (const auto error = field.unescaped_key().get(key)) return error;
    if (const auto error = take(key, field.value())) return error;
  }
  return simdjson::SUCCESS;
}

// The same for a value that may be an object; another value has no fields.
template <typename Take>
simdjson::error_code each_field(simdjson::ondemand::value value, Take&& take) {
  simdjson::ondemand::json_type type;
  if (const auto error = value.type().get(type)) return error;
  if (type != simdjson::ondemand::json_type::object) return simdjson::SUCCESS;
  simdjson::ondemand::object object;
  if (const auto error = value.get_object().get(object)) return error;
  return each_field(object, take);
}

// Calls take(value) for each element of an array, or once for a value that is none.
template <typename Take>
simdjson::error_code each_element(simdjson::ondemand::value value, Take&& take) {
  simdjson::ondemand::json_type type;
  if (const auto error = value.type().get(type)) return error;
  if (type != simdjson::ondemand::json_type::array) return take(value);
  simdjson::ondemand::array array;
  if (const auto error = value.get_array().get(array)) return error;
  for (auto result : array) {
    simdjson::ondemand::value element;
    if (const auto error = std::move(result).get(element)) return error;
    if (const auto error = take(element)) return error;
  }
  return simdjson::SUCCESS;
}

}  // namespace tocsin::collect
