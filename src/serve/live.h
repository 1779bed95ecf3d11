// Follows the ledger: counts as they come, the sensors' health, what must be made anew after a change.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/expected.h"
#include "serve/context.h"

namespace tocsin::serve {

// JSON of schema LiveCounts: sightings by kind, in all the store has. added: since the line before.
Expected<std::string> live_counts(Context& context, std::int64_t added);
// JSON of schema SensorList: one entry a source.
Expected<std::string> sensors(Context& context);

class LedgerFollower {
 public:
  using Broadcast = std::function<void(const std::string& event, const std::string& json)>;
  // Looks at the ledger once a second, in a thread of its own. After each change: cases are gathered, the headline
  // figures of the usual period are answered into the cache, and counts go to the subscribers.
  LedgerFollower(Context& context, Broadcast broadcast);
  ~LedgerFollower();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::serve
