#include "detect/rule_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace tocsin {

Expected<toml::table> RuleTable::parse() const {
  try {
    return toml::parse_file(path_);
  } catch (const toml::parse_error& error) {
    return failure(error.source().begin.line == 0
                       ? fmt::format("{}: {}", path_, error.description())
                       : fmt::format("{}:{}: {}", path_, error.source().begin.line, error.description()));
  }
}

Expected<void> RuleTable::read(const std::vector<std::string_view>& names, const Take& take) const {
  const auto parsed = parse();
  if (!parsed) return std::unexpected(parsed.error());
  const toml::table& file = *parsed;
  for (const auto& [key, value] : file) {
    if (std::ranges::find(names, key.str()) == names.end())
      return complain(value,
                      fmt::format("\"{}\" is not known here; expected [[{}]]", key.str(), fmt::join(names, "]], [[")));
  }
  bool any = false;
  for (const std::string_view name : names) {
    if (!file.contains(name)) continue;
    const toml::node& list = *file.get(name);
    if (list.as_array() == nullptr) return complain(list, fmt::format("expected tables that begin with [[{}]]", name));
    for (const toml::node& node : *list.as_array()) {
      if (node.as_table() == nullptr)
        return complain(node, fmt::format("expected a table that begins with [[{}]]", name));
      if (auto taken = take(name, *node.as_table()); !taken) return taken;
      any = true;
    }
  }
  if (!any) return failure(fmt::format("{}:1: no rules; expected tables that begin with [[{}]]", path_, names.front()));
  return {};
}

std::unexpected<Error> RuleTable::complain(const toml::node& node, std::string_view what) const {
  return complain_at(node.source().begin.line, what);
}

std::unexpected<Error> RuleTable::complain_at(std::uint32_t line, std::string_view what) const {
  return failure(fmt::format("{}:{}: {}", path_, line, what));
}

Expected<std::string> RuleTable::text_of(std::string_view key, const toml::node& value) const {
  const std::string text = value.is_string() ? value.value_or(std::string()) : std::string();
  if (text.empty()) return complain(value, fmt::format("{}: expected a text in quotes, not empty", key));
  return text;
}

Expected<std::vector<std::string>> RuleTable::texts_of(std::string_view key, const toml::node& value) const {
  std::vector<std::string> texts;
  if (value.is_string()) {
    texts.push_back(value.value_or(std::string()));
  } else if (const toml::array* array = value.as_array()) {
    for (const toml::node& node : *array) texts.push_back(node.is_string() ? node.value_or(std::string()) : "");
  }
  if (texts.empty() || std::ranges::any_of(texts, &std::string::empty))
    return complain(value, fmt::format("{}: expected a text in quotes, or a list of them, none empty", key));
  return texts;
}

Expected<bool> RuleTable::flag_of(std::string_view key, const toml::node& value) const {
  if (!value.is_boolean()) return complain(value, fmt::format("{}: expected true or false", key));
  return value.value_or(false);
}

Expected<std::uint32_t> RuleTable::number_of(std::string_view key, const toml::node& value) const {
  const std::int64_t number = value.is_integer() ? value.value_or(std::int64_t{0}) : 0;
  if (number < 1 || number > 1'000'000)
    return complain(value, fmt::format("{}: expected a whole number from 1 to 1000000", key));
  return static_cast<std::uint32_t>(number);
}

}  // namespace tocsin
