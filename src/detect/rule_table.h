// Tables of rules in TOML that users edit. Every complaint names file and line and what was expected.
#pragma once

#include <toml++/toml.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"

namespace tocsin {

class RuleTable {
 public:
  explicit RuleTable(std::string path) : path_(std::move(path)) {}

  Expected<toml::table> parse() const;
  // Calls take for each table of the lists; names are theirs ("rule"). Anything else in the file is an error.
  using Take = std::function<Expected<void>(std::string_view name, const toml::table& table)>;
  Expected<void> read(const std::vector<std::string_view>& names, const Take& take) const;

  std::unexpected<Error> complain(const toml::node& node, std::string_view what) const;
  std::unexpected<Error> complain_at(std::uint32_t line, std::string_view what) const;
  // Neither may be empty; texts_of also takes a single text.
  Expected<std::string> text_of(std::string_view key, const toml::node& value) const;
  Expected<std::vector<std::string>> texts_of(std::string_view key, const toml::node& value) const;
  Expected<bool> flag_of(std::string_view key, const toml::node& value) const;
  Expected<std::uint32_t> number_of(std::string_view key, const toml::node& value) const;

 private:
  std::string path_;
};

}  // namespace tocsin
