#include "pipeline/watch.h"

#include <gtest/gtest.h>

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
  }
  static constexpr int kRows = 20'000;
  Scratch scratch_;
  std::unique_ptr<SightingStore> store_;
  std::string source_;
  Settings settings_;
  WatchOptions options_;
};

// The threads that read and write wait for the one that throws: they must not wait for ever.
TEST_F(Watch, AnExceptionReachesWhoAskedAndTheNextRunIsWhole) {
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
