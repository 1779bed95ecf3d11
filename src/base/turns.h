// For workers who each do some of the steps of a sequence, at the same time, and now and then something that must come
// out as if all had been done in order: before it, a worker waits until all others are done with the steps before.
//
//   turns.come_to(worker, step);    // all before this step is done
//   ... wait_for_turn(); touch what all share ...
//
// Whoever is at the earliest step waits for nobody. Until the worker goes on, no other has its turn.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace tocsin {

class Turns {
 public:
  explicit Turns(std::size_t workers);

  // Neither goes back. Of one step, parts may be done by several workers; the part 0 is of one alone, and comes first.
  void come_to(std::size_t worker, std::uint64_t step, std::uint64_t part = 0);
  void wait(std::size_t worker);

 private:
  struct alignas(64) Place {
    std::atomic<std::uint64_t> step{0}, part{0};
    std::uint64_t own_step = 0, own_part = 0;  // the same, of the worker alone
    bool has_turn = false;
  };
  bool is_before(const Place& mine, const Place& other) const;

  std::size_t workers_;
  std::unique_ptr<Place[]> places_;
};

// Of the worker that the calling thread is; a thread that is none waits for nothing.
struct Turn {
  Turns* turns = nullptr;
  std::size_t worker = 0;
  static inline constinit thread_local const Turn* of_thread = nullptr;
};
inline void wait_for_turn() {
  if (const Turn* turn = Turn::of_thread) turn->turns->wait(turn->worker);
}

}  // namespace tocsin
