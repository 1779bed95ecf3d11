#include "serve/accounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <thread>

#include "serve/totp.h"

namespace tocsin::serve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kPassword = "correct horse battery";
const std::string kHere = "192.0.2.1", kElsewhere = "198.51.100.7";

class AccountsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tocsin-accounts-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    database_ = StateDatabase::open(folder_ / "state.db").value();
    open();
  }
  void TearDown() override {
    accounts_.reset();
    database_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open() {
    accounts_ = Accounts::open(*database_, {}, [this] { return clock_.load(); }).value();
  }
  void add(const std::string& name, Role role = Role::kAnalyst, std::optional<std::string> password = kPassword) {
    const auto added = accounts_->add({.name = name, .role = role}, password);
    ASSERT_TRUE(added) << added.error().message;
  }
  std::string session(const std::string& name) { return accounts_->sign_in_trusted(name, kHere).value().session; }
  bool is_in(const std::string& session) { return accounts_->identify(session, rotated_).has_value(); }
  Refusal refusal(const std::string& name, const std::string& password, const std::string& peer = kHere,
                  const std::string& code = "") {
    const auto result = accounts_->sign_in(name, password, code, peer);
    EXPECT_FALSE(result);
    return result ? Refusal::kWrong : result.error();
  }
  std::string last_note() {
    const auto entries = accounts_->audit(0, 1).value();
    return entries.empty() ? "" : entries[0].user + "|" + entries[0].action + "|" + entries[0].what;
  }
  std::string enrol(const std::string& name) {  // returns the secret
    const std::string uri = accounts_->begin_totp(name).value();
    const std::size_t at = uri.find("secret=") + 7;
    const std::string secret = from_base32(uri.substr(at, uri.find('&') - at)).value();
    EXPECT_TRUE(accounts_->confirm_totp(name, code(secret)).value());
    return secret;
  }
  std::string code(const std::string& secret) { return totp_code(secret, clock_ / (30 * kSecond)); }

  std::filesystem::path folder_;
  std::atomic<Timestamp> clock_ = 1'700'000'000 * kSecond;
  std::unique_ptr<StateDatabase> database_;
  std::unique_ptr<Accounts> accounts_;
  std::optional<std::string> rotated_;
};

TEST_F(AccountsTest, KeepsWhatWasAdded) {
  const Account account{.name = "ministry@example.cn",
                        .role = Role::kOrganisation,
                        .organisation = "moe",
                        .email = "soc@example.cn",
                        .language = "zh"};
  ASSERT_TRUE(accounts_->add(account, kPassword));
  add("bob", Role::kOfficer, std::nullopt);
  open();
  const auto found = accounts_->find("ministry@example.cn").value().value();
  EXPECT_EQ(found.role, Role::kOrganisation);
  EXPECT_EQ(found.organisation, "moe");
  EXPECT_EQ(found.email, "soc@example.cn");
  EXPECT_EQ(found.language, "zh");
  EXPECT_TRUE(found.has_password);
  EXPECT_EQ(found.made, clock_);
  EXPECT_FALSE(accounts_->find("bob").value()->has_password);
  EXPECT_EQ(accounts_->list().value().size(), 2u);
  EXPECT_FALSE(accounts_->find("nobody").value());
}

TEST_F(AccountsTest, RefusesWhatCannotBeAnAccount) {
  const auto error = [&](const Account& account, std::optional<std::string> password = kPassword) {
    const auto added = accounts_->add(account, password);
    return added ? "" : added.error().message;
  };
  EXPECT_THAT(error({.name = ""}), HasSubstr("name"));
  EXPECT_THAT(error({.name = "Alice"}), HasSubstr("a-z"));
  EXPECT_THAT(error({.name = std::string(65, 'a')}), HasSubstr("64"));
  EXPECT_THAT(error({.name = "a\nb"}), HasSubstr("\\x0a"));
  EXPECT_THAT(error({.name = "a"}, "short"), HasSubstr("12 to 1,024"));
  EXPECT_THAT(error({.name = "a"}, std::string(1025, 'x')), HasSubstr("1025"));
  EXPECT_THAT(error({.name = "administrator"}, "Administrator"), HasSubstr("name"));
  EXPECT_THAT(error({.name = "a", .role = Role::kOrganisation}), HasSubstr("organisation"));
  EXPECT_THAT(error({.name = "a", .organisation = "moe"}), HasSubstr("organisation"));
  EXPECT_THAT(error({.name = "a", .email = "a\r\nb"}), HasSubstr("email"));
  EXPECT_THAT(error({.name = "a", .language = "fr"}), HasSubstr("en or zh"));
  EXPECT_TRUE(accounts_->list().value().empty());
  add("alice");
  EXPECT_THAT(error({.name = "alice"}), HasSubstr("already"));
}

TEST_F(AccountsTest, StoresNeitherPasswordsNorKeys) {
  add("alice");
  const std::string key = accounts_->sign_in("alice", kPassword, "", kHere).value().session;
  const std::string token = accounts_->make_token("alice", "cron", {"read"}, clock_ + kDay).value();
  ASSERT_TRUE(database_->query("PRAGMA wal_checkpoint(TRUNCATE)"));
  std::string all;
  for (const char* table : {"accounts", "sign_ins", "tokens", "audit"}) {
    const auto rows = database_->query(std::string("SELECT * FROM ") + table).value();
    for (const auto& row : rows) {
      for (const auto& cell : row) all += text_of(cell) + "\n";
    }
  }
  EXPECT_THAT(all, HasSubstr("$argon2id$v=19$m=65536,t=3,p=1$"));
  for (const std::string& secret : {kPassword, key, token, token.substr(4)}) {
    EXPECT_EQ(all.find(secret), std::string::npos);
  }
}

TEST_F(AccountsTest, SignsInWithTheRightPasswordOnly) {
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

TEST_F(AccountsTest, SaysNoMoreOfUnknownNamesThanOfWrongPasswords) {
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

TEST_F(AccountsTest, SlowsWhoGuessesAndNobodyElse) {
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

TEST_F(AccountsTest, HashesFewPasswordsAtOnce) {
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

TEST_F(AccountsTest, EndsSignInsByTime) {
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

TEST_F(AccountsTest, RotatesWithoutLosingAnybody) {
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

TEST_F(AccountsTest, RotatesOnceWhenRequestsRunSideBySide) {
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

TEST_F(AccountsTest, SignsOutByTheNewKeyAndByTheOld) {
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

TEST_F(AccountsTest, EndsSignInsWhenAnAccountChanges) {
  add("alice");
  add("bob");
  const std::string bob = session("bob");
  std::string alice = session("alice");
  ASSERT_TRUE(accounts_->change({.name = "alice", .email = "a@example.org", .language = "zh"}));
  EXPECT_TRUE(is_in(alice));
  ASSERT_TRUE(accounts_->change({.name = "alice", .role = Role::kPress}));
  EXPECT_FALSE(is_in(alice));
  alice = session("alice");
  ASSERT_TRUE(accounts_->set_password("alice", "another long password"));
  EXPECT_FALSE(is_in(alice));
  EXPECT_EQ(refusal("alice", kPassword), Refusal::kWrong);
  EXPECT_TRUE(accounts_->sign_in("alice", "another long password", "", kHere));
  alice = session("alice");
  const std::string token = accounts_->make_token("alice", "cron", {"read"}, clock_ + kDay).value();
  ASSERT_TRUE(accounts_->change({.name = "alice", .role = Role::kPress, .disabled = true}));
  EXPECT_FALSE(is_in(alice));
  EXPECT_FALSE(accounts_->identify_token(token));
  EXPECT_THAT(accounts_->sign_in_trusted("alice", kHere).error().message, HasSubstr("disabled"));
  EXPECT_THAT(accounts_->sign_in_trusted("nobody", kHere).error().message, HasSubstr("no account"));
  ASSERT_TRUE(accounts_->remove("alice"));
  EXPECT_TRUE(accounts_->tokens("alice").value().empty());
  EXPECT_TRUE(is_in(bob));
  for (const auto& changed : {accounts_->change({.name = "nobody"}), accounts_->set_password("nobody", kPassword),
                              accounts_->remove("nobody"), accounts_->remove_totp("nobody")}) {
    ASSERT_FALSE(changed);
    EXPECT_THAT(changed.error().message, HasSubstr("there is no account nobody"));
  }
}

TEST_F(AccountsTest, BoundsTheSignInsOfAnAccount) {
  add("alice");
  const std::string first = session("alice");
  for (int i = 0; i < 32; ++i) {
    clock_ += kSecond;
    session("alice");
  }
  EXPECT_FALSE(is_in(first));
  EXPECT_EQ(integer_of(database_->query("SELECT count(*) FROM sign_ins").value()[0][0]), 32);
}

TEST_F(AccountsTest, KeepsTheLastAdministrator) {
  add("root", Role::kAdministrator);
  add("second", Role::kAdministrator);
  ASSERT_TRUE(accounts_->change({.name = "second", .role = Role::kAdministrator, .disabled = true}));
  EXPECT_EQ(accounts_->administrators().value(), 1u);
  EXPECT_FALSE(accounts_->remove("root"));
  EXPECT_FALSE(accounts_->change({.name = "root", .role = Role::kOfficer}));
  EXPECT_FALSE(accounts_->change({.name = "root", .role = Role::kAdministrator, .disabled = true}));
  EXPECT_EQ(accounts_->find("root").value()->role, Role::kAdministrator);
  ASSERT_TRUE(accounts_->change({.name = "second", .role = Role::kAdministrator}));
  EXPECT_TRUE(accounts_->remove("root"));
}

TEST_F(AccountsTest, WritesSeldom) {
  add("alice");
  const std::string key = session("alice");
  const std::string token = accounts_->make_token("alice", "cron", {"read"}, clock_ + kDay).value();
  const auto changes = [&] { return integer_of(database_->query("SELECT total_changes()").value()[0][0]); };
  clock_ += kMinute;
  ASSERT_TRUE(is_in(key));
  ASSERT_TRUE(accounts_->identify_token(token));
  EXPECT_EQ(accounts_->find("alice").value()->last_seen, clock_);
  EXPECT_EQ(accounts_->tokens("alice").value()[0].last_used, clock_);
  const std::int64_t before = changes();
  for (int i = 0; i < 59; ++i) {
    clock_ += kSecond;
    ASSERT_TRUE(is_in(key));
    ASSERT_TRUE(accounts_->identify_token(token));
  }
  EXPECT_EQ(changes(), before);
}

TEST_F(AccountsTest, AsksForTheSecondFactorOnceItWasConfirmed) {
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

TEST_F(AccountsTest, CountsWrongCodesAsWrongPasswords) {
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

TEST_F(AccountsTest, TakesACodeOnceAlsoSideBySide) {
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

TEST_F(AccountsTest, KnowsTokensUntilTheyExpireOrAreRemoved) {
  add("alice", Role::kOfficer);
  add("bob");
  const std::string token = accounts_->make_token("alice", "cron", {"write", "read", "read"}, clock_ + kDay).value();
  EXPECT_EQ(token.size(), 47u);
  EXPECT_TRUE(token.starts_with("tcs_"));
  const auto who = accounts_->identify_token(token);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->user, "alice");
  EXPECT_EQ(who->role, Role::kOfficer);
  EXPECT_TRUE(who->by_token);
  EXPECT_EQ(who->csrf, "");
  EXPECT_THAT(who->scopes, ElementsAre("read", "write"));
  EXPECT_FALSE(is_in(token));
  EXPECT_FALSE(accounts_->identify_token(token.substr(4)));
  EXPECT_FALSE(accounts_->identify_token("tcs_" + std::string(43, 'A')));
  const std::string id = accounts_->tokens("alice").value()[0].id;
  EXPECT_EQ(token.find(id), std::string::npos);
  EXPECT_FALSE(accounts_->remove_token("bob", id));
  EXPECT_TRUE(accounts_->identify_token(token));
  EXPECT_TRUE(accounts_->remove_token("alice", id));
  EXPECT_FALSE(accounts_->identify_token(token));
  const std::string brief = accounts_->make_token("alice", "brief", {"read"}, clock_ + kMinute).value();
  clock_ += kMinute;
  EXPECT_FALSE(accounts_->identify_token(brief));
}

TEST_F(AccountsTest, RefusesTokensThatMakeNoSense) {
  add("alice");
  EXPECT_FALSE(accounts_->make_token("nobody", "cron", {"read"}, clock_ + kDay));
  EXPECT_FALSE(accounts_->make_token("alice", "", {"read"}, clock_ + kDay));
  EXPECT_FALSE(accounts_->make_token("alice", "a\nb", {"read"}, clock_ + kDay));
  EXPECT_FALSE(accounts_->make_token("alice", "cron", {}, clock_ + kDay));
  EXPECT_FALSE(accounts_->make_token("alice", "cron", {"read", "admin"}, clock_ + kDay));
  EXPECT_FALSE(accounts_->make_token("alice", "cron", {"read"}, clock_));
  EXPECT_FALSE(accounts_->make_token("alice", "cron", {"read"}, clock_ + 1000 * kDay));
  EXPECT_TRUE(accounts_->tokens("alice").value().empty());
}

TEST_F(AccountsTest, OnlyAddsToTheAuditTrail) {
  ASSERT_TRUE(accounts_->note("alice", kHere, "brief.publish", "3"));
  ASSERT_TRUE(accounts_->note("alice\n", "\x1b[2J", "case.close", std::string("a\0b\xff\n2 rows", 11)));
  for (const char* attack : {"UPDATE audit SET user = 'bob'", "DELETE FROM audit",
                             "INSERT OR REPLACE INTO audit VALUES (1, 0, '', '', '', '')",
                             "REPLACE INTO audit VALUES (1, 0, '', '', '', '')"}) {
    EXPECT_THAT(database_->query(attack).error().message, HasSubstr("only added to")) << attack;
  }
  const auto entries = accounts_->audit(0, 10).value();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].number, 1u);
  EXPECT_EQ(entries[1].action, "brief.publish");
  EXPECT_EQ(entries[1].what, "3");
  EXPECT_EQ(entries[0].user, "alice\\x0a");
  EXPECT_EQ(entries[0].peer, "\\x1b[2J");
  EXPECT_EQ(entries[0].what, "a\\x00b\\xff\\x0a2 rows");
  EXPECT_EQ(accounts_->audit(2, 10).value().size(), 1u);
  EXPECT_EQ(accounts_->audit(0, 1).value()[0].number, 2u);
  EXPECT_TRUE(accounts_->audit(1, 10).value().empty());
}

}  // namespace
}  // namespace tocsin::serve
