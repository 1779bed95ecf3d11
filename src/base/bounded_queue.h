// A queue between two threads that holds so many things at most: who is faster waits.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>

namespace tocsin {

template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t most) : most_(most) {}

  // Waits for room. False: nobody takes any more, and the thing is dropped.
  bool push(T&& thing) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return things_.size() < most_ || is_closed_; });
    if (is_closed_) return false;
    things_.push_back(std::move(thing));
    changed_.notify_all();
    return true;
  }
  // Waits for a thing. False: there will be no more.
  bool pop(T& thing) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !things_.empty() || is_ended_ || is_closed_; });
    if (things_.empty() || is_closed_) return false;
    thing = std::move(things_.front());
    things_.pop_front();
    changed_.notify_all();
    return true;
  }
  // By who pushes: that was the last.
  void end() {
    const std::lock_guard lock(mutex_);
    is_ended_ = true;
    changed_.notify_all();
  }
  // By who takes: no more is wanted.
  void close() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();
  }

 private:
  std::size_t most_;
  std::deque<T> things_;
  bool is_ended_ = false, is_closed_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace tocsin
