#define PCRE2_CODE_UNIT_WIDTH 8
#include "match/pattern.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>

namespace tocsin::match {

namespace {

// Where a match is told, of the thread.
pcre2_match_data* match_data() {
  struct Freed {
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  };
  thread_local const std::unique_ptr<pcre2_match_data, Freed> data(pcre2_match_data_create(Found::kMost, nullptr));
  return data.get();
}

}  // namespace

struct Pattern::State {
  pcre2_code* code = nullptr;
  pcre2_match_context* context = nullptr;
  ~State() {
    pcre2_match_context_free(context);
    pcre2_code_free(code);
  }
};

Pattern::Pattern(std::unique_ptr<State> state) : state_(std::move(state)) {}
Pattern::~Pattern() = default;

Expected<std::shared_ptr<const Pattern>> Pattern::make(const rules::Pcre& pcre, std::uint32_t match_limit,
                                                       std::uint32_t recursion_limit) {
  auto state = std::make_unique<State>();
  int error = 0;
  PCRE2_SIZE at = 0;
  state->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pcre.pattern.data()), pcre.pattern.size(), pcre.options(),
                              &error, &at, nullptr);
  if (state->code == nullptr) return failure(fmt::format("the pattern is wrong after {} bytes", at));
  pcre2_jit_compile(state->code, PCRE2_JIT_COMPLETE);  // where it can't, the interpreter answers the same
  state->context = pcre2_match_context_create(nullptr);
  if (state->context == nullptr) return failure("there is no memory for the pattern");
  if (!pcre.without_limit) {
    pcre2_set_match_limit(state->context, match_limit);
    pcre2_set_depth_limit(state->context, recursion_limit);
  }
  return std::shared_ptr<const Pattern>(new Pattern(std::move(state)));
}

Pattern::Answer Pattern::find(Bytes bytes, std::size_t start, Found& found) const {
  if (start > bytes.size()) return Answer::kNotFound;
  static constexpr std::uint8_t kNothing = 0;
  const std::uint8_t* data = bytes.empty() ? &kNothing : bytes.data();
  pcre2_match_data* told = match_data();
  if (told == nullptr) return Answer::kGaveUp;
  const int count = pcre2_match(state_->code, data, bytes.size(), start, 0, told, state_->context);
  if (count == PCRE2_ERROR_NOMATCH) return Answer::kNotFound;
  if (count < 0) return Answer::kGaveUp;
  found.count = count == 0 ? Found::kMost : std::min<std::size_t>(static_cast<std::size_t>(count), Found::kMost);
  const PCRE2_SIZE* places = pcre2_get_ovector_pointer(told);
  for (std::size_t i = 0; i < found.count; ++i) found.groups[i] = {places[2 * i], places[2 * i + 1]};
  return Answer::kFound;
}

}  // namespace tocsin::match
