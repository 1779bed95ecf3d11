#include "rules/requirements.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "rules/builder.h"

namespace tocsin::rules {
namespace {

using Version = std::array<std::uint64_t, 3>;

// The language that is spoken here.
constexpr Version kVersion = {9, 0, 0};

std::optional<Version> version_of(std::string_view text) {
  Version version{};
  std::size_t at = 0;
  for (const std::string_view part : split(text.substr(0, text.find('-')), '.')) {
    const auto number = parse_number(part);
    if (!number || at == version.size()) return std::nullopt;
    version[at++] = *number;
  }
  return version;
}

// "version >= 7.0.4 < 8", alternatives after |.
bool fits(std::string_view text) {
  for (const std::string_view alternative : split(text, '|')) {
    bool all = true;
    std::string_view rest = alternative;
    while (!rest.empty() && all) {
      constexpr std::string_view kOperators[] = {">=", "<=", ">", "<"};
      const auto* op = std::ranges::find_if(kOperators, [&](std::string_view one) { return rest.starts_with(one); });
      if (op == std::end(kOperators)) return false;
      rest = trim(rest.substr(op->size()));
      const std::size_t end = std::min(rest.find_first_of(" <>="), rest.size());
      const auto version = version_of(rest.substr(0, end));
      if (!version) return false;
      rest = trim(rest.substr(end));
      all = *op == ">="   ? kVersion >= *version
            : *op == "<=" ? kVersion <= *version
            : *op == ">"  ? kVersion > *version
                          : kVersion < *version;
    }
    if (all) return true;
  }
  return false;
}

}  // namespace

namespace {

Expected<void> is_met(std::string_view text) {
  const std::string_view kind = text.substr(0, text.find(' '));
  const std::string_view value = kind.size() == text.size() ? std::string_view() : trim(text.substr(kind.size()));
  bool met = false;
  if (kind == "version")
    met = fits(value);
  else if (kind == "keyword")
    met = find_keyword(value) != nullptr;
  else if (kind == "feature")
    met = value == "geoip" || value == "ja3" || value == "ja4" || value == "hyperscan" ||
          value == "output::file-store" || value == "filestore" || value == "lua";
  if (!met) return failure(fmt::format("the rule requires '{}', which is not here", printable(text, 80)));
  return {};
}

}  // namespace

Expected<void> requirements_met(const Rule& rule) {
  for (const std::string& requirement : rule.requirements) {
    if (auto met = is_met(requirement); !met) return met;
  }
  return {};
}

Expected<void> requirements_met(std::string_view rule) {
  constexpr std::string_view kName = "requires:";
  for (std::size_t at = rule.find(kName); at != std::string_view::npos; at = rule.find(kName, at + 1)) {
    const std::size_t before = at == 0 ? std::string_view::npos : rule.find_last_not_of(" \t", at - 1);
    if (before == std::string_view::npos || (rule[before] != '(' && rule[before] != ';')) continue;
    const std::string_view value = rule.substr(at + kName.size());
    for (const std::string_view part : split(value.substr(0, value.find(';')), ',')) {
      if (auto met = is_met(part); !met) return met;
    }
  }
  return {};
}

}  // namespace tocsin::rules
