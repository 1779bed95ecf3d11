#include <gmock/gmock.h>

#include <thread>

#include "accounts_fixture.h"

namespace tocsin::serve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

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
  // Also when another program disables it.
  ASSERT_TRUE(is_in(bob));
  ASSERT_TRUE(database_->query("UPDATE accounts SET disabled = 1 WHERE name = 'bob'"));
  EXPECT_FALSE(is_in(bob));
  ASSERT_TRUE(database_->query("UPDATE accounts SET disabled = 0 WHERE name = 'bob'"));
  ASSERT_TRUE(accounts_->remove("alice"));
  EXPECT_TRUE(accounts_->tokens("alice").value().empty());
  EXPECT_TRUE(is_in(bob));
  for (const auto& changed : {accounts_->change({.name = "nobody"}), accounts_->set_password("nobody", kPassword),
                              accounts_->remove("nobody"), accounts_->remove_totp("nobody")}) {
    ASSERT_FALSE(changed);
    EXPECT_THAT(changed.error().message, HasSubstr("there is no account nobody"));
  }
}

TEST_F(AccountsTest, RevokesTokensWithThePassword) {
  add("alice");
  add("bob");
  const std::string token = accounts_->make_token("alice", "cron", {"read"}, clock_ + kDay).value();
  const std::string other = accounts_->make_token("bob", "cron", {"read"}, clock_ + kDay).value();
  EXPECT_FALSE(accounts_->set_password("alice", "short"));
  EXPECT_TRUE(accounts_->identify_token(token));
  ASSERT_TRUE(accounts_->set_password("alice", "another long password"));
  EXPECT_FALSE(accounts_->identify_token(token));
  EXPECT_TRUE(accounts_->tokens("alice").value().empty());
  EXPECT_TRUE(accounts_->identify_token(other));
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

TEST_F(AccountsTest, NotesSoonAndLosesNothing) {
  ASSERT_TRUE(accounts_->note_soon("alice", kHere, "see", "\x1b[2J"));
  EXPECT_EQ(last_note(), "alice|see|\\x1b[2J");  // who reads the trail sees what was noted before
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 1000; ++n) EXPECT_TRUE(accounts_->note_soon("bob", kHere, "see", std::to_string(n)));
      });
    }
  }
  const auto changes = [&] { return integer_of(database_->query("SELECT count(*) FROM audit").value()[0][0]); };
  ASSERT_TRUE(accounts_->note_soon("bob", kHere, "see", "last"));
  accounts_.reset();
  EXPECT_EQ(changes(), 8002);
  open();
  // When it can't be written, that is said, and what was taken is kept until it can.
  ASSERT_TRUE(database_->script("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END"));
  ASSERT_TRUE(accounts_->note_soon("carol", kHere, "see", "1"));
  EXPECT_FALSE(accounts_->audit(0, 1));
  EXPECT_THAT(accounts_->note_soon("carol", kHere, "see", "2").error().message, HasSubstr("full"));
  ASSERT_TRUE(database_->script("DROP TRIGGER full"));
  EXPECT_EQ(last_note(), "carol|see|1");
  EXPECT_TRUE(accounts_->note_soon("carol", kHere, "see", "3"));
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
