// Where the time of a thread goes, by stage of the packet engine. A thread that has no clock measures nothing: what is
// left is one look at a variable of the thread for each change of stage.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tocsin {

enum class Stage : std::uint8_t { kRead, kDecode, kStream, kProtocols, kPrefilter, kEvaluation, kOutput };
inline constexpr std::array<std::string_view, 7> kStageNames = {"read",      "decode",     "stream", "protocols",
                                                                "prefilter", "evaluation", "output"};

class StageClock {
 public:
  // Of the calling thread; null: nothing is measured.
  static inline constinit thread_local StageClock* of_thread = nullptr;

  StageClock() : since_(now()) {}
  // The stage that was before.
  Stage change(Stage stage) {
    const std::uint64_t time = now();
    ticks[static_cast<std::size_t>(stage_)] += time - since_;
    since_ = time;
    const Stage before = stage_;
    stage_ = stage;
    return before;
  }
  // After waiting for another thread, which is no work.
  void resume() { since_ = now(); }
  std::array<std::uint64_t, kStageNames.size()> ticks{};  // of one unit; only their shares mean something

 private:
  static std::uint64_t now() {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
  }
  std::uint64_t since_;
  Stage stage_ = Stage::kRead;
};

// A stage for as long as this lives; stages lie within each other.
class InStage {
 public:
  explicit InStage(Stage stage) : clock_(StageClock::of_thread) {
    if (clock_ != nullptr) before_ = clock_->change(stage);
  }
  ~InStage() {
    if (clock_ != nullptr) clock_->change(before_);
  }
  InStage(const InStage&) = delete;
  InStage& operator=(const InStage&) = delete;

 private:
  StageClock* clock_;
  Stage before_ = Stage::kRead;
};

}  // namespace tocsin
