#include "detect/pattern_set.h"

#include <hs/hs.h>

#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace tocsin {

struct PatternSet::Compiled {
  explicit Compiled(const std::vector<Pattern>& from) : patterns(from) {}
  std::expected<void, std::string> compile();
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    hs_free_scratch(scratch);
    hs_free_database(database);
  }
  std::vector<Pattern> patterns;
  hs_database_t* database = nullptr;
  hs_scratch_t* scratch = nullptr;
};

namespace {

unsigned flags_of(const Pattern& pattern) {
  return HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH | (pattern.case_sensitive ? 0U : HS_FLAG_CASELESS);
}

}  // namespace

std::expected<void, std::string> PatternSet::Compiled::compile() {
  std::vector<const char*> expressions;
  std::vector<unsigned> flags, ids;
  for (const Pattern& pattern : patterns) {
    expressions.push_back(pattern.expression.c_str());
    ids.push_back(pattern.id);
    flags.push_back(flags_of(pattern));
  }
  hs_compile_error_t* error = nullptr;
  if (hs_compile_multi(expressions.data(), flags.data(), ids.data(), static_cast<unsigned>(patterns.size()),
                       HS_MODE_BLOCK, nullptr, &database, &error) != HS_SUCCESS) {
    std::string message = error->message;
    hs_free_compile_error(error);
    return std::unexpected(std::move(message));
  }
  if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS) throw std::bad_alloc();
  return {};
}

PatternSet::PatternSet() = default;
PatternSet::PatternSet(PatternSet&&) noexcept = default;
PatternSet& PatternSet::operator=(PatternSet&&) noexcept = default;
PatternSet::~PatternSet() = default;

std::expected<PatternSet, PatternError> PatternSet::compile(const std::vector<Pattern>& patterns) {
  PatternSet set;
  if (patterns.empty()) return set;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    hs_expr_info_t* info = nullptr;
    hs_compile_error_t* error = nullptr;
    if (hs_expression_info(patterns[i].expression.c_str(), flags_of(patterns[i]), &info, &error) != HS_SUCCESS) {
      PatternError wrong{i, error->message};
      hs_free_compile_error(error);
      return std::unexpected(std::move(wrong));
    }
    const bool may_be_empty = info->min_width == 0;
    std::free(info);  // the library's allocator unless another was set
    // Whether a pattern matches nothing at all, which is refused, only compiling tells.
    if (!may_be_empty) continue;
    Compiled alone({patterns[i]});
    if (auto compiled = alone.compile(); !compiled) return std::unexpected(PatternError{i, compiled.error()});
  }
  set.compiled_ = std::make_unique<Compiled>(patterns);
  return set;
}

void PatternSet::find(std::string_view text, std::vector<std::uint32_t>& found) const {
  if (compiled_ == nullptr || text.empty()) return;
  const auto on_match = [](unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
    static_cast<std::vector<std::uint32_t>*>(context)->push_back(id);
    return 0;
  };
  if (compiled_->scratch == nullptr) {
    if (auto compiled = compiled_->compile(); !compiled) {
      throw std::runtime_error("patterns could not be compiled together: " + compiled.error());
    }
  }
  hs_scan(compiled_->database, text.data(), static_cast<unsigned>(text.size()), 0, compiled_->scratch, on_match,
          &found);
}

}  // namespace tocsin
