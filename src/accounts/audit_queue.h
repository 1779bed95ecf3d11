// Entries of the audit trail on their way to state.db: many are written by one transaction, since each costs a write to
// the disk that takes longer than all else of an answer.
//
// An entry is written some milliseconds after it was added, and in any case when the queue ends. When the writing
// fails, nothing more is taken until what waits was written.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "accounts/accounts.h"
#include "base/expected.h"

namespace tocsin::serve {

class AuditQueue {
 public:
  // write: all of them or none. Called by one thread at a time.
  explicit AuditQueue(std::function<Expected<void>(const std::vector<AuditEntry>&)> write);
  ~AuditQueue();
  AuditQueue(const AuditQueue&) = delete;
  AuditQueue& operator=(const AuditQueue&) = delete;
  // Waits while too many wait. An error if the last ones could not be written.
  Expected<void> add(AuditEntry entry);
  // What was added before is written when this returns.
  Expected<void> flush();

 private:
  void run(const std::stop_token& stop);

  const std::function<Expected<void>(const std::vector<AuditEntry>&)> write_;
  std::mutex writing_;  // taken before mutex_
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<AuditEntry> waiting_;
  std::optional<Error> failed_;
  std::jthread thread_;
};

}  // namespace tocsin::serve
