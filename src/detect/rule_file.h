// Reading tables of rules (TOML) that users edit: every complaint names file and line and what was expected.
// Included by .cc files alone.
#pragma once

#include <fmt/format.h>
#include <toml++/toml.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"

namespace tocsin {

inline Expected<toml::table> parse_rule_file(const std::string& path) {
  try {
    return toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    return failure(error.source().begin.line == 0
                       ? fmt::format("{}: {}", path, error.description())
                       : fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
  }
}

inline std::unexpected<Error> complain_of(const std::string& path, const toml::node& node, std::string_view what) {
  return failure(fmt::format("{}:{}: {}", path, node.source().begin.line, what));
}

// A text, or a list of texts; none of them empty.
inline Expected<std::vector<std::string>> rule_texts(const std::string& path, std::string_view key,
                                                     const toml::node& value) {
  std::vector<std::string> texts;
  if (value.is_string()) {
    texts.push_back(value.value<std::string>().value_or(""));
  } else if (const toml::array* array = value.as_array()) {
    for (const toml::node& node : *array)
      texts.push_back(node.is_string() ? node.value<std::string>().value_or("") : "");
  }
  for (const std::string& text : texts) {
    if (text.empty()) texts.clear();
    if (texts.empty()) break;
  }
  if (texts.empty())
    return complain_of(path, value, fmt::format("{}: expected a text in quotes, or a list of them, none empty", key));
  return texts;
}

}  // namespace tocsin
