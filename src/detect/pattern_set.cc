#include "detect/pattern_set.h"

#include <hs/hs.h>

#include <algorithm>

namespace tocsin {

struct PatternSet::Compiled {
  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    hs_free_scratch(scratch);
    hs_free_database(database);
  }
  hs_database_t* database = nullptr;
  hs_scratch_t* scratch = nullptr;
};

PatternSet::PatternSet() = default;
PatternSet::PatternSet(PatternSet&&) noexcept = default;
PatternSet& PatternSet::operator=(PatternSet&&) noexcept = default;
PatternSet::~PatternSet() = default;

std::expected<PatternSet, PatternError> PatternSet::compile(const std::vector<Pattern>& patterns) {
  PatternSet set;
  if (patterns.empty()) return set;
  std::vector<const char*> expressions;
  std::vector<unsigned> flags, ids;
  for (const Pattern& pattern : patterns) {
    expressions.push_back(pattern.expression.c_str());
    ids.push_back(pattern.id);
    flags.push_back(HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH | (pattern.case_sensitive ? 0U : HS_FLAG_CASELESS));
  }
  set.compiled_ = std::make_unique<Compiled>();
  hs_compile_error_t* error = nullptr;
  if (hs_compile_multi(expressions.data(), flags.data(), ids.data(), static_cast<unsigned>(patterns.size()),
                       HS_MODE_BLOCK, nullptr, &set.compiled_->database, &error) != HS_SUCCESS) {
    PatternError wrong{error->expression < 0 ? 0U : static_cast<std::size_t>(error->expression), error->message};
    hs_free_compile_error(error);
    return std::unexpected(std::move(wrong));
  }
  if (hs_alloc_scratch(set.compiled_->database, &set.compiled_->scratch) != HS_SUCCESS) {
    return std::unexpected(PatternError{0, "no memory to match patterns in"});
  }
  return set;
}

void PatternSet::find(std::string_view text, std::vector<std::uint32_t>& found) const {
  if (compiled_ == nullptr || text.empty()) return;
  const auto on_match = [](unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
    static_cast<std::vector<std::uint32_t>*>(context)->push_back(id);
    return 0;
  };
  hs_scan(compiled_->database, text.data(), static_cast<unsigned>(text.size()), 0, compiled_->scratch, on_match,
          &found);
}

}  // namespace tocsin
