#include "serve/answer_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

namespace tocsin::serve {
namespace {

TEST(AnswerCache, MakesAnAnswerOnceForAHead) {
  AnswerCache cache;
  int made = 0;
  const auto make = [&]() -> Expected<std::string> { return std::to_string(++made); };
  EXPECT_EQ(**cache.get("head", "question", make), "1");
  EXPECT_EQ(**cache.get("head", "question", make), "1");
  EXPECT_EQ(**cache.get("head", "another", make), "2");
  EXPECT_EQ(**cache.get("next", "question", make), "3");
}

TEST(AnswerCache, ComputesOnceWhatManyAskAtOnce) {
  AnswerCache cache;
  std::atomic<int> made = 0;
  std::latch under_way(1), go(1);
  const auto make = [&]() -> Expected<std::string> {
    if (++made == 1) under_way.count_down();
    go.wait();
    return "answer";
  };
  std::vector<std::jthread> askers;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 8; ++i) {
    askers.emplace_back([&] { answered += **cache.get("head", "question", make) == "answer" ? 1 : 0; });
    under_way.wait();
  }
  go.count_down();
  askers.clear();
  EXPECT_EQ(answered, 8);
  EXPECT_EQ(made, 1);
}

TEST(RowsCache, HoldsNoMoreThanItsShare) {
  RowsCache cache(100'000);
  int made = 0;
  const auto make = [&]() -> Expected<Table> {
    ++made;
    return Table{{"text"}, {{Cell(std::string(60'000, 'x'))}}};
  };
  for (const char* question : {"a", "a", "b", "a"}) EXPECT_TRUE(cache.get("head", question, make));
  EXPECT_EQ(made, 3);  // the second pushed out the first
}

TEST(AnswerCache, AsksAgainAfterAnExceptionRatherThanWaitingForEver) {
  AnswerCache cache;
  const auto throws = []() -> Expected<std::string> { throw std::runtime_error("broken"); };
  EXPECT_THROW((void)cache.get("head", "question", throws), std::runtime_error);
  // Not std::async: its future would wait for a thread that never ends.
  std::promise<std::string> answered;
  std::thread([&cache, &answered] {
    answered.set_value(**cache.get("head", "question", []() -> Expected<std::string> { return "whole"; }));
  }).detach();
  auto answer = answered.get_future();
  ASSERT_EQ(answer.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(answer.get(), "whole");
}

}  // namespace
}  // namespace tocsin::serve
