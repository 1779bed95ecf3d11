#include <gmock/gmock.h>

#include <mutex>
#include <thread>
#include <vector>

#include "accounts_fixture.h"

namespace tocsin::serve {
namespace {

using ::testing::ElementsAre;

class SignInTest : public AccountsTest {};

TEST_F(SignInTest, SignsInWithTheRightPasswordOnly) {
  add("alice", Role::kOfficer);
  const auto in = accounts_->sign_in("Alice", kPassword, "", kHere);
  ASSERT_TRUE(in);
  EXPECT_EQ(in->identity.user, "alice");
  EXPECT_EQ(in->identity.role, Role::kOfficer);
  EXPECT_EQ(in->session.size(), 43u);
  EXPECT_EQ(last_note(), "alice|sign-in|by password");
  const auto who = accounts_->identify(in->session, rotated_);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->user, "alice");
  EXPECT_EQ(who->csrf, in->identity.csrf);
  EXPECT_THAT(who->scopes, ElementsAre("read", "write"));
  EXPECT_FALSE(rotated_);
  EXPECT_EQ(refusal("alice", kPassword + "!"), Refusal::kWrong);
  EXPECT_EQ(last_note(), "alice|sign-in|failed: wrong password");
  EXPECT_EQ(refusal("alice", ""), Refusal::kWrong);
  EXPECT_EQ(refusal("alice", std::string(1'000'000, 'x')), Refusal::kWrong);
}

TEST_F(SignInTest, SaysNoMoreOfUnknownNamesThanOfWrongPasswords) {
  add("no-password", Role::kAnalyst, std::nullopt);
  EXPECT_EQ(refusal("hunter2 typed as the name", kPassword), Refusal::kWrong);
  EXPECT_EQ(last_note(), "|sign-in|failed: unknown name");
  EXPECT_EQ(refusal(std::string(100'000, 'a'), kPassword), Refusal::kWrong);
  EXPECT_EQ(refusal("no-password", ""), Refusal::kWrong);
  add("off");
  ASSERT_TRUE(accounts_->change({.name = "off", .disabled = true}));
  EXPECT_EQ(refusal("off", "wrong password"), Refusal::kWrong);
  EXPECT_EQ(refusal("off", kPassword), Refusal::kDisabled);
}

TEST_F(SignInTest, SlowsWhoGuessesAndNobodyElse) {
  add("alice");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(refusal("alice", "wrong password"), Refusal::kWrong);
  EXPECT_EQ(refusal("alice", kPassword), Refusal::kTooOften);
  EXPECT_EQ(last_note(), "alice|sign-in|too many attempts");
  EXPECT_EQ(refusal("alice", kPassword), Refusal::kTooOften);
  EXPECT_TRUE(accounts_->sign_in("alice", kPassword, "", kElsewhere));
  clock_ += kMinute;
  EXPECT_TRUE(accounts_->sign_in("alice", kPassword, "", kHere));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(refusal("alice", "wrong password"), Refusal::kWrong);
  EXPECT_TRUE(accounts_->sign_in("alice", kPassword, "", kHere));
}

TEST_F(SignInTest, HashesFewPasswordsAtOnce) {
  std::atomic<int> wrong = 0, too_often = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 64; ++i) {
      threads.emplace_back([&, i] {
        const auto result = accounts_->sign_in("nobody", kPassword, "", "198.51.100." + std::to_string(i));
        ++(result.error() == Refusal::kWrong ? wrong : too_often);
      });
    }
  }
  EXPECT_GE(wrong, 2);
  EXPECT_EQ(wrong + too_often, 64);
  EXPECT_GT(too_often, 0);
  // Who was turned away for that has lost no try.
  for (int i = 0; i < 4; ++i) EXPECT_EQ(refusal("nobody", kPassword, "198.51.100.0"), Refusal::kWrong);
}

TEST_F(SignInTest, EndsSignInsByTime) {
  add("alice");
  const std::string idle = session("alice");
  clock_ += 29 * kMinute;
  EXPECT_TRUE(is_in(idle));
  clock_ += 31 * kMinute;
  EXPECT_FALSE(is_in(idle));
  std::string used = session("alice");
  for (int i = 0; i < 12 * 6 - 1; ++i) {
    clock_ += 10 * kMinute;
    ASSERT_TRUE(is_in(used)) << i;
    used = rotated_.value_or(used);
  }
  clock_ += 10 * kMinute;
  EXPECT_FALSE(is_in(used));
}

TEST_F(SignInTest, RotatesWithoutLosingAnybody) {
  add("alice");
  const auto in = accounts_->sign_in_trusted("alice", kHere).value();
  clock_ += 15 * kMinute;
  ASSERT_TRUE(is_in(in.session));
  ASSERT_TRUE(rotated_);
  const std::string next = *rotated_;
  EXPECT_NE(next, in.session);
  // The answer was lost: the old one comes again, even later, and is told the same.
  clock_ += 5 * kMinute;
  ASSERT_TRUE(is_in(in.session));
  EXPECT_EQ(rotated_, next);
  const auto who = accounts_->identify(next, rotated_);
  ASSERT_TRUE(who);
  EXPECT_FALSE(rotated_);
  EXPECT_EQ(who->csrf, in.identity.csrf);
  clock_ += 59 * kSecond;
  EXPECT_TRUE(is_in(in.session));
  clock_ += kSecond;
  EXPECT_FALSE(is_in(in.session));
  EXPECT_TRUE(is_in(next));
}

TEST_F(SignInTest, RotatesOnceWhenRequestsRunSideBySide) {
  add("alice");
  const std::string key = session("alice");
  clock_ += 20 * kMinute;
  std::mutex mutex;
  std::vector<std::string> told;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        std::optional<std::string> rotated;
        EXPECT_TRUE(accounts_->identify(key, rotated));
        const std::lock_guard lock(mutex);
        if (rotated) told.push_back(*rotated);
      });
    }
  }
  ASSERT_FALSE(told.empty());
  for (const std::string& next : told) EXPECT_EQ(next, told.front());
  EXPECT_TRUE(is_in(told.front()));
}

TEST_F(SignInTest, SignsOutByTheNewKeyAndByTheOld) {
  add("alice");
  for (const bool by_old : {false, true}) {
    const std::string key = session("alice");
    clock_ += 15 * kMinute;
    ASSERT_TRUE(is_in(key));
    const std::string next = rotated_.value();
    accounts_->sign_out(by_old ? key : next);
    EXPECT_FALSE(is_in(key));
    EXPECT_FALSE(is_in(next));
  }
  for (const std::string& hostile : {std::string(), std::string(43, '\''), std::string(100'000, 'a')}) {
    accounts_->sign_out(hostile);
    EXPECT_FALSE(is_in(hostile));
  }
}

TEST_F(SignInTest, BoundsTheSignInsOfAnAccount) {
  add("alice");
  const std::string first = session("alice");
  for (int i = 0; i < 32; ++i) {
    clock_ += kSecond;
    session("alice");
  }
  EXPECT_FALSE(is_in(first));
  EXPECT_EQ(integer_of(database_->query("SELECT count(*) FROM sign_ins").value()[0][0]), 32);
}

TEST_F(SignInTest, GoesOnInOneSessionAfterAChangeOfPassword) {
  add("alice");
  const std::string first = session("alice"), second = session("alice");
  const std::string token = accounts_->make_token("alice", "cron", {"read"}, clock_ + kDay).value();
  EXPECT_FALSE(accounts_->change_password("alice", "short", kHere));
  EXPECT_TRUE(is_in(first));
  const auto changed = accounts_->change_password("alice", "another long password", kHere);
  ASSERT_TRUE(changed);
  EXPECT_FALSE(is_in(first));
  EXPECT_FALSE(is_in(second));
  EXPECT_TRUE(is_in(changed->session));
  EXPECT_FALSE(accounts_->identify_token(token));
  EXPECT_EQ(last_note(), "alice|sign-in|by a new password");
  EXPECT_EQ(refusal("alice", kPassword), Refusal::kWrong);
  EXPECT_TRUE(accounts_->sign_in("alice", "another long password", "", kElsewhere));
}

TEST_F(SignInTest, ProvesTheOwnerByThePresentPassword) {
  add("alice");
  const std::string secret = enrol("alice");
  const std::string key = session("alice");
  const Identity alice = accounts_->identify(key, rotated_).value();
  EXPECT_TRUE(accounts_->prove(alice, kPassword, kHere));  // without a code: it is asked for to take the factor away
  for (int i = 0; i < 5; ++i) EXPECT_EQ(accounts_->prove(alice, "", kHere).error(), Refusal::kWrong);
  EXPECT_EQ(last_note(), "alice|password.check|failed: wrong password");
  EXPECT_EQ(accounts_->prove(alice, kPassword, kHere).error(), Refusal::kTooOften);
  EXPECT_EQ(refusal("alice", kPassword), Refusal::kTooOften);  // they count as those of a sign-in
  clock_ += 2 * kMinute;
  EXPECT_TRUE(accounts_->prove(alice, kPassword, kHere));
  EXPECT_EQ(integer_of(database_->query("SELECT count(*) FROM sign_ins").value()[0][0]), 1);
}

TEST_F(SignInTest, ProvesTheOwnerWithoutPasswordByAFreshSession) {
  add("open", Role::kAnalyst, std::nullopt);
  std::string key = session("open");
  clock_ += 10 * kMinute;
  Identity open = accounts_->identify(key, rotated_).value();
  EXPECT_TRUE(accounts_->prove(open, "", kHere));
  clock_ += 6 * kMinute;
  open = accounts_->identify(key, rotated_).value();
  ASSERT_TRUE(rotated_);  // a new key makes no new session
  EXPECT_EQ(accounts_->prove(open, kPassword, kHere).error(), Refusal::kTooOld);
  key = *rotated_;
  open = accounts_->identify(key, rotated_).value();
  EXPECT_EQ(accounts_->prove(open, "", kHere).error(), Refusal::kTooOld);
  add("alice");
  open = accounts_->identify(session("alice"), rotated_).value();
  EXPECT_EQ(accounts_->prove(open, "", kHere).error(), Refusal::kWrong);  // it has a password
  open.user = "nobody";
  EXPECT_EQ(accounts_->prove(open, "", kHere).error(), Refusal::kWrong);
}

TEST_F(SignInTest, AsksForTheSecondFactorOnceItWasConfirmed) {
  add("alice");
  ASSERT_TRUE(accounts_->begin_totp("alice"));
  EXPECT_FALSE(accounts_->confirm_totp("alice", "000000").value());
  EXPECT_TRUE(accounts_->sign_in("alice", kPassword, "", kHere));
  const std::string secret = enrol("alice");
  EXPECT_TRUE(accounts_->find("alice").value()->has_totp);
  EXPECT_EQ(refusal("alice", kPassword), Refusal::kNeedsCode);
  EXPECT_EQ(refusal("alice", kPassword, kHere, code(secret)), Refusal::kWrong);  // used to confirm
  clock_ += kMinute;
  const std::string now = code(secret);
  EXPECT_EQ(refusal("alice", "wrong password", kHere, now), Refusal::kWrong);
  EXPECT_TRUE(accounts_->sign_in("alice", kPassword, now, kHere));
  EXPECT_EQ(refusal("alice", kPassword, kHere, now), Refusal::kWrong);
  EXPECT_EQ(last_note(), "alice|sign-in|failed: wrong code");
  // Beginning anew takes nothing away until it is confirmed.
  ASSERT_TRUE(accounts_->begin_totp("alice"));
  EXPECT_EQ(refusal("alice", kPassword), Refusal::kNeedsCode);
  ASSERT_TRUE(accounts_->remove_totp("alice"));
  EXPECT_TRUE(accounts_->sign_in("alice", kPassword, "", kHere));
  EXPECT_FALSE(accounts_->confirm_totp("alice", "000000"));
}

TEST_F(SignInTest, CountsWrongCodesAsWrongPasswords) {
  add("alice");
  const std::string secret = enrol("alice");
  clock_ += kMinute;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(refusal("alice", kPassword), Refusal::kNeedsCode);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(refusal("alice", kPassword, kHere, "abcdef"), Refusal::kWrong);
  EXPECT_EQ(refusal("alice", kPassword, kHere, code(secret)), Refusal::kTooOften);
  // Also those from many addresses.
  for (int i = 0; i < 15; ++i) {
    EXPECT_EQ(refusal("alice", kPassword, "203.0.113." + std::to_string(i), "abcdef"), Refusal::kWrong);
  }
  EXPECT_EQ(refusal("alice", kPassword, kElsewhere, code(secret)), Refusal::kTooOften);
  clock_ += 5 * kMinute;
  EXPECT_TRUE(accounts_->sign_in("alice", kPassword, code(secret), kElsewhere));
}

TEST_F(SignInTest, TakesACodeOnceAlsoSideBySide) {
  add("alice");
  const std::string secret = enrol("alice");
  clock_ += kMinute;
  std::atomic<int> in = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&, i] {
        in += accounts_->sign_in("alice", kPassword, code(secret), "198.51.100." + std::to_string(i)).has_value();
      });
    }
  }
  EXPECT_EQ(in, 1);
}

}  // namespace
}  // namespace tocsin::serve
