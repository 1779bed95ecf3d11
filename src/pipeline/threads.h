// The threads of a run beside the one that detects: one reads some batches ahead of it, one writes some chunks of
// sightings behind it. Each sees everything in the order in which a single thread would.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "base/expected.h"
#include "collect/observation.h"
#include "detect/sighting.h"
#include "pipeline/sources.h"

namespace tocsin {

// Reads the sources in a thread of its own, some batches ahead of who takes them.
class ReadingThread {
 public:
  using Ended = std::function<void(std::size_t, const SourceReader&)>;
  // As read_in_order(). ended is called in that thread; what it writes may be looked at after finish().
  ReadingThread(const std::vector<SourceFile>& files, PacketRules* rules, Ended ended);
  // The reading ends with the batch that is being read.
  ~ReadingThread() { queue_.close(); }
  ReadingThread(const ReadingThread&) = delete;
  ReadingThread& operator=(const ReadingThread&) = delete;

  struct Step {
    Batch batch;
    std::uint64_t bytes = 0;  // read so far
  };
  // The next batch; what was in the step is used again. False at the end.
  bool next(Step& step);
  // Ends the reading, if it has not ended: whether it had, or why it failed; throws what the reading threw.
  Expected<bool> finish();

 private:
  static constexpr std::size_t kMostAhead = 4;
  bool hand_over(Batch& batch, std::uint64_t bytes);

  std::mutex mutex_;
  std::vector<Batch> spare_;  // taken before: their memory serves again
  BoundedQueue<Step> queue_{kMostAhead};
  Expected<bool> result_ = false;  // the thread's until it has ended
  std::exception_ptr thrown_;      // the same
  std::jthread thread_;            // the last: it uses the others
};

// Hands sightings in their order to another sink in a thread of its own.
class SinkThread final : public SightingSink {
 public:
  explicit SinkThread(SightingSink& next);
  // What has not reached the other sink is dropped.
  ~SinkThread() override { queue_.close(); }
  SinkThread(const SinkThread&) = delete;
  SinkThread& operator=(const SinkThread&) = delete;

  void sight(Sighting&& sighting) override;
  // All that was given has reached the other sink when this returns, and nothing more may be given; throws what that
  // one threw.
  void finish();
  // Whether the other sink threw: what is given from then on is dropped.
  bool is_broken() const { return is_broken_; }

 private:
  static constexpr std::size_t kChunk = 1024;
  static constexpr std::size_t kMostBehind = 256;
  void flush();

  std::vector<Sighting> chunk_;
  BoundedQueue<std::vector<Sighting>> queue_{kMostBehind};
  std::exception_ptr thrown_;  // the thread's until it has ended
  std::atomic<bool> is_broken_ = false;
  std::jthread thread_;  // the last: it uses the others
};

}  // namespace tocsin
