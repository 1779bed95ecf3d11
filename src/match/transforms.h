// What is done to a buffer's bytes before rules look at them.
// https://docs.suricata.io/en/latest/rules/transforms.html
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/expected.h"
#include "match/pattern.h"
#include "rules/match.h"

namespace tocsin::match {

// One transform, its argument understood. It changes `bytes` in place.
class Change {
 public:
  static Expected<Change> make(const rules::Transform& transform);
  void apply(std::string& bytes) const { apply_(bytes); }

 private:
  std::function<void(std::string&)> apply_;
};

using Changes = std::vector<Change>;

Expected<Changes> make_changes(std::span<const rules::Transform> transforms);

}  // namespace tocsin::match
