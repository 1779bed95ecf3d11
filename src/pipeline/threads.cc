#include "pipeline/threads.h"

#include <utility>

namespace tocsin {

ReadingThread::ReadingThread(const std::vector<SourceFile>& files, PacketRules* rules, Ended ended)
    : thread_([this, &files, rules, ended = std::move(ended)] {
        try {
          result_ = read_in_order(
              files, rules, [this](Batch& batch, std::uint64_t bytes) { return hand_over(batch, bytes); }, ended);
        } catch (...) {
          thrown_ = std::current_exception();
        }
        queue_.end();
      }) {}

bool ReadingThread::hand_over(Batch& batch, std::uint64_t bytes) {
  Step step{.batch = {}, .bytes = bytes};
  {
    const std::scoped_lock lock(mutex_);
    if (!spare_.empty()) {
      step.batch = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  std::swap(step.batch, batch);
  return queue_.push(std::move(step));
}

bool ReadingThread::next(Step& step) {
  {
    const std::scoped_lock lock(mutex_);
    spare_.push_back(std::move(step.batch));
  }
  return queue_.pop(step);
}

Expected<bool> ReadingThread::finish() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
  if (thrown_) std::rethrow_exception(thrown_);
  return result_;
}

SinkThread::SinkThread(SightingSink& next)
    : thread_([this, &next] {
        std::vector<Sighting> chunk;
        while (queue_.pop(chunk)) {
          if (thrown_) continue;  // whoever gives more must not wait for ever
          try {
            for (Sighting& sighting : chunk) next.sight(std::move(sighting));
          } catch (...) {
            thrown_ = std::current_exception();
            is_broken_ = true;
          }
        }
      }) {}

void SinkThread::sight(Sighting&& sighting) {
  chunk_.push_back(std::move(sighting));
  if (chunk_.size() == kChunk) flush();
}

void SinkThread::flush() {
  if (!chunk_.empty()) queue_.push(std::exchange(chunk_, {}));
}

void SinkThread::finish() {
  flush();
  queue_.end();
  if (thread_.joinable()) thread_.join();
  if (thrown_) std::rethrow_exception(thrown_);
}

}  // namespace tocsin
