#include "pipeline/threads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <numeric>

#include "scratch.h"

namespace tocsin {
namespace {

using testing::ElementsAre;

TEST(BoundedQueue, GivesInOrderAndAfterItsEndWhatIsLeft) {
  BoundedQueue<int> queue(3);
  for (const int number : {1, 2, 3}) EXPECT_TRUE(queue.push(int{number}));
  queue.end();
  std::vector<int> taken;
  for (int number = 0; queue.pop(number);) taken.push_back(number);
  EXPECT_THAT(taken, ElementsAre(1, 2, 3));
}

TEST(BoundedQueue, HoldsNoMoreThanItMay) {
  BoundedQueue<int> queue(2);
  std::atomic<int> pushed = 0;
  std::jthread giver([&] {
    while (pushed < 100 && queue.push(int{pushed})) ++pushed;
    queue.end();
  });
  while (pushed < 2) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(pushed, 2);
  int number = -1, expected = 0;
  while (queue.pop(number)) EXPECT_EQ(number, expected++);
  EXPECT_EQ(expected, 100);
}

TEST(BoundedQueue, LetsGoOfWhoWaitsForRoomWhenNobodyTakes) {
  BoundedQueue<int> queue(1);
  std::atomic<bool> was_taken = true;
  {
    const std::jthread giver([&] {
      queue.push(1);
      was_taken = queue.push(2);  // waits, for ever if nobody closes
    });
    queue.close();
  }
  EXPECT_FALSE(was_taken);
  int number = 0;
  EXPECT_FALSE(queue.pop(number));
}

struct Collected final : SightingSink {
  void sight(Sighting&& sighting) override { counts.push_back(sighting.count); }
  std::vector<std::uint64_t> counts;
};

TEST(SinkThread, HandsOnEverySightingInOrder) {
  Collected collected;
  SinkThread sink(collected);
  std::vector<std::uint64_t> given(50'001);
  std::iota(given.begin(), given.end(), 0);
  for (const std::uint64_t count : given) {
    Sighting sighting;
    sighting.count = count;
    sink.sight(std::move(sighting));
  }
  sink.finish();
  EXPECT_EQ(collected.counts, given);
}

class Reading : public testing::Test {
 protected:
  // A log of so many lines, one a second from `first` on.
  SourceFile log(const std::string& name, int first, int lines) {
    std::string text;
    for (int i = first; i < first + lines; ++i) {
      text += "192.0.2.1 - - [01/Mar/2013:" + two(i / 3600) + ":" + two(i / 60 % 60) + ":" + two(i % 60) +
              " +0000] \"GET /" + name + " HTTP/1.1\" 200 5 \"-\" \"-\"\n";
    }
    auto file = identify(scratch_.write(name, text), {});
    EXPECT_TRUE(file);
    return *file;
  }
  static std::string two(int number) {
    return {static_cast<char>('0' + number / 10), static_cast<char>('0' + number % 10)};
  }

  Scratch scratch_;
};

TEST_F(Reading, GivesTheSameBatchesAsOneThread) {
  const std::vector<SourceFile> files{log("late", 20'000, 9'000), log("early", 0, 30'000), log("within", 5'000, 100)};
  using Seen = std::vector<std::pair<std::string, Timestamp>>;
  const auto look = [](const Batch& batch, Seen& seen) {
    for (const HttpTransaction& http : batch.http) seen.emplace_back(http.uri, http.time);
  };
  Seen alone, apart;
  std::map<std::size_t, std::uint64_t> records;
  ASSERT_TRUE(read_in_order(
      files, nullptr,
      [&](Batch& batch, std::uint64_t) {
        look(batch, alone);
        return true;
      },
      [](std::size_t, const SourceReader&) {}));
  ReadingThread reading(files, nullptr,
                        [&](std::size_t index, const SourceReader& reader) { records[index] = reader.records(); });
  for (ReadingThread::Step step; reading.next(step);) look(step.batch, apart);
  const auto finished = reading.finish();
  ASSERT_TRUE(finished);
  EXPECT_TRUE(*finished);
  EXPECT_EQ(apart.size(), 39'100U);
  EXPECT_EQ(apart, alone);
  EXPECT_EQ(records, (std::map<std::size_t, std::uint64_t>{{0, 9'000}, {1, 30'000}, {2, 100}}));
}

TEST_F(Reading, EndsWhenNobodyTakesAnyMore) {
  const std::vector<SourceFile> files{log("long", 0, 80'000)};
  bool is_ended = false;
  {
    ReadingThread reading(files, nullptr, [&](std::size_t, const SourceReader&) { is_ended = true; });
    ReadingThread::Step step;
    ASSERT_TRUE(reading.next(step));
    const auto finished = reading.finish();
    ASSERT_TRUE(finished);
    EXPECT_FALSE(*finished);
  }
  EXPECT_FALSE(is_ended);
}

TEST_F(Reading, SaysWhatCouldNotBeOpened) {
  const std::vector<SourceFile> files{log("first", 0, 10), log("gone", 100, 10)};
  std::filesystem::remove(scratch_.at("gone"));
  ReadingThread reading(files, nullptr, [](std::size_t, const SourceReader&) {});
  int batches = 0;
  for (ReadingThread::Step step; reading.next(step);) ++batches;
  EXPECT_EQ(batches, 1);
  const auto finished = reading.finish();
  ASSERT_FALSE(finished);
  EXPECT_THAT(finished.error().message, testing::HasSubstr("gone"));
}

}  // namespace
}  // namespace tocsin
