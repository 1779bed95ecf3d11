// Threads that take work from a queue which cannot grow without bound.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tocsin::serve {

class WorkerPool {
 public:
  WorkerPool(std::size_t threads, std::size_t most_waiting);
  ~WorkerPool();  // as stop()
  // False if most_waiting wait already, or it stops; then the work is not done.
  bool submit(std::function<void()> work);
  // Waits for the work under way; what still waits is dropped.
  void stop();

 private:
  void run();

  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  std::size_t free_ = 0;  // threads that wait for work
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace tocsin::serve
