#include "base/turns.h"

#include <chrono>
#include <thread>

#include "base/stages.h"

namespace tocsin {

Turns::Turns(std::size_t workers) : workers_(workers), places_(std::make_unique<Place[]>(workers)) {}

void Turns::come_to(std::size_t worker, std::uint64_t step, std::uint64_t part) {
  Place& place = places_[worker];
  place.has_turn = false;
  place.own_part = part;
  if (step != place.own_step) {
    // In this order, so that nobody sees the new step with the part of the one before.
    place.part.store(0, std::memory_order_relaxed);
    place.step.store(step, std::memory_order_release);
    place.own_step = step;
  }
  if (part != 0) place.part.store(part, std::memory_order_release);
}

// Whether what the worker does now is before all that the other will do.
bool Turns::is_before(const Place& mine, const Place& other) const {
  const std::uint64_t step = other.step.load(std::memory_order_acquire);
  if (step != mine.own_step) return mine.own_step < step;
  return mine.own_part == 0 || mine.own_part < other.part.load(std::memory_order_acquire);
}

void Turns::wait(std::size_t worker) {
  Place& mine = places_[worker];
  if (mine.has_turn) return;
  for (std::size_t i = 0; i < workers_; ++i) {
    if (i == worker) continue;
    for (unsigned tries = 0; !is_before(mine, places_[i]); ++tries) {
      if (tries < 64) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
      } else if (tries < 256) {
        std::this_thread::yield();
      } else {
        std::this_thread::sleep_for(std::chrono::microseconds(20));
      }
    }
  }
  if (StageClock::of_thread != nullptr) StageClock::of_thread->resume();
  mine.has_turn = true;
}

}  // namespace tocsin
