#include "serve/answer_cache.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>

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
