#include "accounts/audit_queue.h"

#include <chrono>
#include <iterator>
#include <utility>

namespace tocsin::serve {
namespace {

constexpr std::size_t kMost = 4096;
constexpr std::chrono::milliseconds kGathering{5}, kAgain{1000};

}  // namespace

AuditQueue::AuditQueue(std::function<Expected<void>(const std::vector<AuditEntry>&)> write)
    : write_(std::move(write)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

AuditQueue::~AuditQueue() {
  thread_.request_stop();
  thread_.join();
  (void)flush();
}

Expected<void> AuditQueue::add(AuditEntry entry) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failed_ || waiting_.size() < kMost; });
  if (failed_) return std::unexpected(*failed_);
  waiting_.push_back(std::move(entry));
  changed_.notify_all();
  return {};
}

Expected<void> AuditQueue::flush() {
  const std::lock_guard writing(writing_);
  std::vector<AuditEntry> batch;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(waiting_);
  }
  if (batch.empty()) return {};
  auto written = write_(batch);
  const std::lock_guard lock(mutex_);
  if (written) {
    failed_.reset();
  } else {
    failed_ = written.error();
    waiting_.insert(waiting_.begin(), std::make_move_iterator(batch.begin()), std::make_move_iterator(batch.end()));
  }
  changed_.notify_all();
  return written;
}

void AuditQueue::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return !waiting_.empty(); })) return;
      // Others come meanwhile.
      const auto time = failed_ ? kAgain : kGathering;
      changed_.wait_for(lock, stop, time, [] { return false; });
    }
    (void)flush();
  }
}

}  // namespace tocsin::serve
