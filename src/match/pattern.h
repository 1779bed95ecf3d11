// A pattern (pcre), compiled to machine code where the machine can.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/expected.h"
#include "match/search.h"
#include "rules/match.h"

namespace tocsin::match {

// Where the whole and the captures were found; pairs of begin and end.
struct Found {
  static constexpr std::size_t kMost = 10;
  std::array<std::array<std::size_t, 2>, kMost> groups{};
  std::size_t count = 0;
};

class Pattern {
 public:
  // Limits bound the work of one match, so that no input makes it last: Suricata's pcre.match-limit and -recursion.
  static Expected<std::shared_ptr<const Pattern>> make(const rules::Pcre& pcre, std::uint32_t match_limit,
                                                       std::uint32_t recursion_limit);
  ~Pattern();
  enum class Answer : std::uint8_t { kFound, kNotFound, kGaveUp };
  Answer find(Bytes bytes, std::size_t start, Found& found) const;

 private:
  struct State;
  explicit Pattern(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::match
