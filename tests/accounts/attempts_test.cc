#include "accounts/attempts.h"

#include <gtest/gtest.h>

#include <string>

namespace tocsin::serve {
namespace {

constexpr Timestamp kStart = 1'700'000'000 * kSecond;
using Leave = Attempts::Leave;

int allowed(Attempts& attempts, std::string_view name, std::string_view peer, Timestamp now, int tries) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += attempts.take(name, peer, now) == Leave::kGo;
  return count;
}

TEST(AttemptsTest, SlowThePairAndLetItTryAgainLater) {
  Attempts attempts;
  EXPECT_EQ(allowed(attempts, "alice", "192.0.2.1", kStart, 20), 5);
  EXPECT_EQ(allowed(attempts, "alice", "192.0.2.1", kStart + kMinute, 20), 1);
  EXPECT_EQ(allowed(attempts, "alice", "192.0.2.1", kStart + kHour, 20), 5);
  EXPECT_EQ(allowed(attempts, "alice", "192.0.2.2", kStart, 1), 1);
  EXPECT_EQ(allowed(attempts, "bob", "192.0.2.1", kStart, 1), 1);
}

TEST(AttemptsTest, SlowTheAddressWhateverTheName) {
  Attempts attempts;
  int count = 0;
  for (int i = 0; i < 100; ++i) count += allowed(attempts, "name" + std::to_string(i), "192.0.2.1", kStart, 1);
  EXPECT_EQ(count, 30);
}

TEST(AttemptsTest, TakeANetworkOfIpv6AsOneAddress) {
  Attempts attempts;
  int count = 0;
  for (int i = 0; i < 100; ++i) {
    count += allowed(attempts, "alice", "2001:db8:0:1::" + std::to_string(i), kStart, 1);
  }
  EXPECT_EQ(count, 5);
  EXPECT_EQ(allowed(attempts, "alice", "2001:db8:0:2::1", kStart, 1), 1);
}

TEST(AttemptsTest, TellOfARefusalOnceAMinute) {
  Attempts attempts;
  EXPECT_EQ(allowed(attempts, "alice", "192.0.2.1", kStart, 5), 5);
  EXPECT_EQ(attempts.take("alice", "192.0.2.1", kStart), Leave::kStopAndTell);
  EXPECT_EQ(attempts.take("alice", "192.0.2.1", kStart + kSecond), Leave::kStop);
}

TEST(AttemptsTest, ForgetWhatWasRight) {
  Attempts attempts;
  EXPECT_EQ(allowed(attempts, "alice", "192.0.2.1", kStart, 4), 4);
  attempts.clear("alice", "192.0.2.1", kStart);
  EXPECT_EQ(allowed(attempts, "alice", "192.0.2.1", kStart, 20), 5);
  attempts.give_back("alice", "192.0.2.1", kStart);
  EXPECT_EQ(allowed(attempts, "alice", "192.0.2.1", kStart, 20), 1);
}

TEST(AttemptsTest, StayBoundedAndUsable) {
  const auto peer = [](unsigned i) {
    return std::to_string(i >> 16) + "." + std::to_string((i >> 8) & 255) + ".7." + std::to_string(i & 255);
  };
  for (const Timestamp pace : {Timestamp{0}, kHour}) {
    Attempts attempts;
    for (unsigned i = 0; i < 33'000; ++i) ASSERT_EQ(attempts.take("alice", peer(i), kStart + i * pace), Leave::kGo);
    EXPECT_LE(attempts.size(), 65'536u);
    EXPECT_EQ(allowed(attempts, "bob", "192.0.2.9", kStart + 33'000 * pace, 20), 5);
  }
}

TEST(AttemptsTest, SlowCodesOfAnAccount) {
  Attempts attempts;
  int count = 0;
  for (int i = 0; i < 50; ++i) count += attempts.take_code("alice", kStart) == Leave::kGo;
  EXPECT_EQ(count, 20);
  EXPECT_EQ(attempts.take_code("bob", kStart), Leave::kGo);
  attempts.give_back_code("alice", kStart);
  EXPECT_EQ(attempts.take_code("alice", kStart), Leave::kGo);
}

}  // namespace
}  // namespace tocsin::serve
