#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/text.h"
#include "rules/builder.h"

namespace tocsin::rules {
namespace {

constexpr std::pair<std::span<const Keyword> (*)(), std::string_view> kGroups[] = {
    {meta_keywords, "What a rule says of itself"},
    {payload_keywords, "Contents and what modifies them"},
    {byte_keywords, "Numbers and sizes in a buffer"},
    {pcre_keywords, "Patterns"},
    {buffer_keywords, "Buffers"},
    {transform_keywords, "Transforms of buffers"},
    {header_keywords, "Headers"},
    {flow_keywords, "Flows"},
    {state_keywords, "State"},
    {file_keywords, "Files and lists"},
    {application_keywords, "Application protocols"},
};

using Index = std::unordered_map<std::string_view, const Keyword*>;

Index make_index() {
  Index index;
  for (const auto& [table, title] : kGroups) {
    for (const Keyword& keyword : table()) {
      index.emplace(keyword.name, &keyword);
      for (const std::string_view alias : words_of(keyword.aliases)) index.emplace(alias, &keyword);
    }
  }
  return index;
}

std::string value_of(const Keyword& keyword) {
  if (keyword.value == Value::kNone) return "none";
  std::string text = keyword.quotes == Quotes::kNeeded ? "in quotes"
                     : keyword.most > 0                ? fmt::format("a number up to {}", keyword.most)
                                                       : "text";
  if (keyword.value == Value::kOptional) text += ", or none";
  if (keyword.may_be_negated) text += ", or not";
  return text;
}

}  // namespace

const Keyword* find_keyword(std::string_view name) {
  static const Index index = make_index();
  const auto exact = index.find(name);
  if (exact != index.end()) return exact->second;
  const std::string small = lower(name);
  const auto found = index.find(small);
  return found == index.end() ? nullptr : found->second;
}

std::string keywords_as_markdown() {
  std::string text =
      "# The rule language that is read\n\nThis is what `tocsin rules keywords` prints: every keyword of the language "
      "of "
      "Suricata that `tocsin rules check` understands.\n";
  for (const auto& [table, title] : kGroups) {
    text += fmt::format("\n## {}\n\n| keyword | also called | value | of | side |\n| --- | --- | --- | --- | --- |\n",
                        title);
    for (const Keyword& keyword : table()) {
      std::string aliases;
      for (const std::string_view alias : words_of(keyword.aliases))
        aliases += fmt::format("{}`{}`", aliases.empty() ? "" : ", ", alias);
      text += fmt::format("| `{}` | {} | {} | {} | {} |\n", keyword.name, aliases, value_of(keyword), keyword.protocols,
                          keyword.side == Side::kEither     ? ""
                          : keyword.side == Side::kToServer ? "to the server"
                                                            : "to the client");
    }
  }
  return text;
}

}  // namespace tocsin::rules
