#include "pipeline/watch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include "scratch.h"

namespace tocsin {
namespace {

// Report lines, each of which is a sighting.
std::string reports(int count) {
  std::string text = "time,url,brand,ip\n";
  for (int i = 0; i < count; ++i) {
    text += "2013-03-" + std::to_string(10 + i % 20) + "T08:00:00Z,http://login" + std::to_string(i) +
            ".example/,Some Bank,192.0.2." + std::to_string(i % 250) + "\n";
  }
  return text;
}

class Watch : public testing::Test {
 protected:
  Watch() {
    EXPECT_TRUE(SightingStore::create(scratch_.at("store")));
    auto store = SightingStore::open(scratch_.at("store"));
    EXPECT_TRUE(store);
    store_ = std::move(*store);
    source_ = scratch_.write("reports.csv", reports(kRows));
    options_.interrupted = [this] {
      ++batches_;
      return false;
    };
  }
  static constexpr int kRows = 700'000;  // more than a run holds in memory
  Scratch scratch_;
  std::unique_ptr<SightingStore> store_;
  std::string source_;
  Settings settings_;
  WatchOptions options_;
  std::atomic<int> batches_ = 0;
};

TEST_F(Watch, EndsSoonWhenNothingCanBeWritten) {
  const auto whole = watch(*store_, settings_, {source_}, options_);
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->commit.rows, static_cast<std::uint64_t>(kRows));
  const int all = batches_.exchange(0);
  // No segment can be made where a file stands.
  const std::string again = scratch_.write("again.csv", "\n" + reports(kRows));
  std::filesystem::remove_all(scratch_.at("store/segments"));
  scratch_.write("store/segments", "");
  const auto broken = watch(*store_, settings_, {again}, options_);
  EXPECT_FALSE(broken);
  EXPECT_LT(batches_, all);
}

// Each of the threads of a run may throw, were it only for want of memory: the run ends, and says why.
TEST_F(Watch, AnExceptionOfAnyPartReachesWhoAsked) {
  struct Throws : SightingSink {
    void sight(Sighting&&) override { throw std::runtime_error("of the sink"); }
  } throws;
  EXPECT_THROW((void)inspect(settings_, {source_}, options_, throws, [](const Batch&) {}), std::runtime_error);
  options_.progress = [](const Progress&) { throw std::runtime_error("of the progress"); };
  EXPECT_THROW((void)watch(*store_, settings_, {source_}, options_), std::runtime_error);
  options_.progress = [](const Progress&) {};
  const auto after = watch(*store_, settings_, {source_}, options_);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->commit.rows, static_cast<std::uint64_t>(kRows));
}

}  // namespace
}  // namespace tocsin
