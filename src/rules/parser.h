// Reads files of rules. One rule that is not understood never stops the rest; nothing throws.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "rules/address.h"
#include "rules/rule.h"

namespace tocsin::rules {

// A rule, continuation lines together, may be as long as this.
inline constexpr std::size_t kLongestRule = 65'536;
inline constexpr std::size_t kMostOptions = 4'096;

struct ClassType {
  std::string description;
  std::uint32_t priority = 3;
};

// What rules refer to without saying it.
struct Vocabulary {
  Variables variables = default_variables();
  std::map<std::string, ClassType, std::less<>> class_types;   // empty: none is asked for
  std::map<std::string, std::string, std::less<>> references;  // kind to the beginning of its address
};

struct Fault {
  std::string file;
  std::uint32_t line = 0, column = 0;  // from 1; columns are bytes
  std::uint32_t sid = 0;               // 0: not known
  std::string message;
  bool is_warning = false;
  std::string text() const;  // file:line:column: sid 123: message
};

struct RuleSet {
  std::vector<Rule> rules;
  std::vector<Fault> faults;  // refusals and warnings, in the order of the files
  std::uint64_t read = 0;     // rules, understood or not
  std::uint64_t skipped = 0;  // not understood, and they require what is not here

  // Of text that is a file's.
  void read_text(std::string_view text, const std::string& file, const Vocabulary& vocabulary);
  Expected<void> read_file(const std::filesystem::path& path, const Vocabulary& vocabulary);
  // After the last file: what rules ask of each other.
  void check_together();
  std::uint64_t refused() const;

 private:
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> seen_;  // gid and sid to the rule
};

}  // namespace tocsin::rules
