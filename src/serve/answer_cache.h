// Answers kept as long as the ledger stays as it is: headline figures then cost microseconds and are never stale.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/expected.h"

namespace tocsin::serve {

class AnswerCache {
 public:
  using Answer = std::shared_ptr<const std::string>;
  // bytes: of all answers; the one unused for longest goes first.
  explicit AnswerCache(std::size_t bytes = std::size_t{64} << 20);
  ~AnswerCache();
  // The answer to a question at this head of the ledger, made if it is missing. Of equal questions at the same time one
  // is computed and the others wait. Errors are not kept.
  Expected<Answer> get(const std::string& head, const std::string& question,
                       const std::function<Expected<std::string>()>& make);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::serve
