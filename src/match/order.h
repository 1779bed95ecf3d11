// The order in which rules are judged: a pass before a drop before a reject before an alert; what sets a bit before
// what asks it; then priority, then the rule's number.
#pragma once

#include <array>

#include "base/options.h"
#include "rules/rule.h"

namespace tocsin::match {

class Order {
 public:
  // action-order: pass, drop, reject and alert in another order.
  explicit Order(const Options& options);
  bool is_before(const rules::Rule& one, const rules::Rule& other) const;

 private:
  int of_action(rules::Action action) const;
  std::array<int, 4> places_ = {0, 1, 2, 3};  // of pass, drop, reject, alert
};

}  // namespace tocsin::match
