// Many patterns matched at once (Vectorscan). They are regular expressions of PCRE's syntax without look-around and
// back references, and match bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"

namespace tocsin {

struct Pattern {
  std::string expression;
  std::uint32_t id = 0;  // of what it stands for; several patterns may share it
  bool case_sensitive = false;
};

// Which pattern does not compile, and why.
struct PatternError {
  std::size_t pattern = 0;
  std::string message;
};

class PatternSet {
 public:
  PatternSet();
  PatternSet(PatternSet&&) noexcept;
  PatternSet& operator=(PatternSet&&) noexcept;
  ~PatternSet();

  // Checks each pattern. The set is compiled when it is first asked, which for hundreds takes a second that a run
  // without requests need not wait; should it fail then (they are too much together), that is thrown.
  static std::expected<PatternSet, PatternError> compile(const std::vector<Pattern>& patterns);
  bool empty() const { return compiled_ == nullptr; }
  // Appends the ids of the patterns that are in the text, in no order, perhaps more than once. Not for two threads.
  void find(std::string_view text, std::vector<std::uint32_t>& found) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace tocsin
