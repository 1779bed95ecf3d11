// Many contents searched for at once (Vectorscan).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/expected.h"
#include "match/database_cache.h"
#include "match/search.h"

namespace tocsin::match {

// Memory that searches work in; one for all searchers of a thread.
class SearchMemory {
 public:
  SearchMemory();
  SearchMemory(const SearchMemory& other);  // for as many searchers, of another thread
  SearchMemory& operator=(const SearchMemory&) = delete;
  ~SearchMemory();

 private:
  friend class Searcher;
  struct State;
  std::unique_ptr<State> state_;
};

class Searcher {
 public:
  struct Pattern {
    std::string bytes;
    bool ignore_case = false;
    std::uint32_t rule = 0;
  };
  // cache: where what was compiled is kept; null: it is not.
  static Expected<std::unique_ptr<Searcher>> make(const std::vector<Pattern>& patterns, SearchMemory& memory,
                                                  const DatabaseCache* cache = nullptr);
  ~Searcher();
  // Adds the rules of every content that is in the bytes; a rule may come several times.
  void search(Bytes bytes, SearchMemory& memory, std::vector<std::uint32_t>& rules) const;

 private:
  struct State;
  explicit Searcher(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::match
