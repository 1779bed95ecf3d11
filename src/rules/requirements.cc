#include "match/requirements.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "rules/builder.h"

namespace tocsin::match {
namespace {

using Version = std::array<std::uint64_t, 3>;

// The language that is spoken here.
constexpr Version kVersion = {8, 0, 0};

std::optional<Version> version_of(std::string_view text) {
  Version version{};
  std::size_t at = 0;
  for (const std::string_view part : rules::split(text.substr(0, text.find('-')), '.')) {
    const auto number = rules::parse_number(part);
    if (!number || at == version.size()) return std::nullopt;
    version[at++] = *number;
  }
  return version;
}

// "version >= 7.0.4 < 8", alternatives after |.
bool fits(std::string_view text) {
  for (const std::string_view alternative : rules::split(text, '|')) {
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

Expected<void> requirements_met(const rules::Rule& rule) {
  for (const std::string& requirement : rule.requirements) {
    const std::string_view text = requirement;
    const std::string_view kind = text.substr(0, text.find(' '));
    const std::string_view value = kind.size() == text.size() ? std::string_view() : trim(text.substr(kind.size()));
    bool met = false;
    if (kind == "version")
      met = fits(value);
    else if (kind == "keyword")
      met = rules::find_keyword(value) != nullptr;
    else if (kind == "feature")
      met = value == "geoip" || value == "ja3" || value == "ja4" || value == "hyperscan" ||
            value == "output::file-store" || value == "filestore" || value == "lua";
    if (!met) return failure(fmt::format("the rule requires '{}', which is not here", printable(text, 80)));
  }
  return {};
}

}  // namespace tocsin::match
