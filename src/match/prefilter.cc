#include "match/prefilter.h"

#include <fmt/format.h>
#include <hs/hs.h>

#include <algorithm>
#include <map>
#include <new>

#include "base/hash.h"

namespace tocsin::match {
namespace {

// Enough to tell contents apart; the rest is looked at with the rule.
constexpr std::size_t kLongest = 64;
// Fewer are compiled in no time.
constexpr std::size_t kLeastKept = 500;

// Of all that decides what is compiled.
std::string key_of(const std::vector<const char*>& expressions, const std::vector<std::size_t>& lengths,
                   const std::vector<unsigned>& flags) {
  std::string all = std::string(hs_version()) + '\0';
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    all += std::to_string(flags[i]) + ' ' + std::to_string(lengths[i]) + ' ';
    all.append(expressions[i], lengths[i]);
  }
  return hex(sha256(all));
}

struct Gather {
  const std::vector<std::vector<std::uint32_t>>* rules;
  std::vector<std::uint32_t>* out;
};

int found(unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
  const auto& gather = *static_cast<Gather*>(context);
  const auto& rules = (*gather.rules)[id];
  gather.out->insert(gather.out->end(), rules.begin(), rules.end());
  return 0;
}

}  // namespace

struct SearchMemory::State {
  hs_scratch_t* scratch = nullptr;
  ~State() { hs_free_scratch(scratch); }
};
SearchMemory::SearchMemory() : state_(std::make_unique<State>()) {}
SearchMemory::SearchMemory(const SearchMemory& other) : SearchMemory() {
  if (other.state_->scratch == nullptr) return;
  if (hs_clone_scratch(other.state_->scratch, &state_->scratch) != HS_SUCCESS) throw std::bad_alloc();
}
SearchMemory::~SearchMemory() = default;

struct Searcher::State {
  hs_database_t* database = nullptr;
  std::vector<std::vector<std::uint32_t>> rules;  // by the pattern's number
  ~State() { hs_free_database(database); }
};
Searcher::Searcher(std::unique_ptr<State> state) : state_(std::move(state)) {}
Searcher::~Searcher() = default;

Expected<std::unique_ptr<Searcher>> Searcher::make(const std::vector<Pattern>& patterns, SearchMemory& memory,
                                                   const DatabaseCache* cache) {
  std::map<std::pair<std::string, bool>, std::vector<std::uint32_t>> distinct;
  for (const Pattern& pattern : patterns) {
    std::string bytes = pattern.bytes.substr(0, kLongest);
    if (pattern.ignore_case) {
      for (char& c : bytes) c = static_cast<char>(lower_of(static_cast<std::uint8_t>(c)));
    }
    auto& rules = distinct[{std::move(bytes), pattern.ignore_case}];
    if (rules.empty() || rules.back() != pattern.rule) rules.push_back(pattern.rule);
  }
  auto state = std::make_unique<State>();
  std::vector<const char*> expressions;
  std::vector<std::size_t> lengths;
  std::vector<unsigned> flags, numbers;
  for (const auto& [key, rules] : distinct) {
    expressions.push_back(key.first.data());
    lengths.push_back(key.first.size());
    flags.push_back(HS_FLAG_SINGLEMATCH | (key.second ? static_cast<unsigned>(HS_FLAG_CASELESS) : 0U));
    numbers.push_back(static_cast<unsigned>(numbers.size()));
    state->rules.push_back(rules);
  }
  const bool is_kept = cache != nullptr && expressions.size() >= kLeastKept;
  const std::string key = is_kept ? key_of(expressions, lengths, flags) : std::string();
  if (is_kept) state->database = cache->find(key);
  const bool is_found = state->database != nullptr;
  hs_compile_error_t* error = nullptr;
  if (!is_found && hs_compile_lit_multi(expressions.data(), flags.data(), numbers.data(), lengths.data(),
                                        static_cast<unsigned>(expressions.size()), HS_MODE_BLOCK, nullptr,
                                        &state->database, &error) != HS_SUCCESS) {
    std::string why = error != nullptr && error->message != nullptr ? error->message : "unknown";
    hs_free_compile_error(error);
    return failure(fmt::format("the contents can't be searched at once: {}", why));
  }
  if (is_kept && !is_found) cache->keep(key, state->database);
  if (hs_alloc_scratch(state->database, &memory.state_->scratch) != HS_SUCCESS)
    return failure("there is no memory for searching");
  return std::unique_ptr<Searcher>(new Searcher(std::move(state)));
}

void Searcher::search(Bytes bytes, SearchMemory& memory, std::vector<std::uint32_t>& rules) const {
  Gather gather{&state_->rules, &rules};
  const char* data = reinterpret_cast<const char*>(bytes.data());
  std::size_t left = bytes.size();
  constexpr std::size_t kMost = std::size_t{1} << 30;  // lengths are of 32 bits there
  while (left > 0) {
    const std::size_t part = std::min(left, kMost);
    hs_scan(state_->database, data, static_cast<unsigned>(part), 0, memory.state_->scratch, found, &gather);
    if (part == left) return;
    data += part - kLongest;
    left -= part - kLongest;
  }
}

}  // namespace tocsin::match
