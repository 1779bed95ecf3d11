#include "accounts/state_database.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace tocsin::serve {
namespace {

class StateDatabaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tocsin-state-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ / "state.db";
    database_ = StateDatabase::open(path_).value();
    ASSERT_TRUE(database_->script("CREATE TABLE t (a INTEGER, b TEXT, c REAL) STRICT"));
  }
  void TearDown() override {
    database_.reset();
    std::filesystem::remove_all(folder_);
  }
  std::int64_t count() { return integer_of(database_->query("SELECT count(*) FROM t").value()[0][0]); }
  static unsigned mode(const std::filesystem::path& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
  }

  std::filesystem::path folder_, path_;
  std::unique_ptr<StateDatabase> database_;
};

TEST_F(StateDatabaseTest, GivesBackWhatItWasGiven) {
  const std::string hostile("'); DROP TABLE t; --\0\xff", 23);
  ASSERT_TRUE(database_->query("INSERT INTO t VALUES (?1, ?2, ?3)", {std::int64_t{-7}, hostile, 1.5}));
  ASSERT_TRUE(database_->query("INSERT INTO t VALUES (?1, ?2, ?3)", {std::monostate{}, std::string(), 0.0}));
  const auto rows = database_->query("SELECT a, b, c FROM t ORDER BY rowid").value();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0], (StateRow{std::int64_t{-7}, hostile, 1.5}));
  EXPECT_EQ(rows[1], (StateRow{std::monostate{}, std::string(), 0.0}));
}

TEST_F(StateDatabaseTest, RefusesWhatIsNotOneStatementWithItsParameters) {
  EXPECT_FALSE(database_->query("INSERT INTO t VALUES (1, '', 0); DELETE FROM t"));
  EXPECT_FALSE(database_->query(""));
  EXPECT_FALSE(database_->query("SELEKT 1"));
  EXPECT_FALSE(database_->query("SELECT ?1"));
  EXPECT_FALSE(database_->query("SELECT ?1", {std::int64_t{1}, std::int64_t{2}}));
  const auto error = database_->query("INSERT INTO t (a) VALUES ('text')");
  ASSERT_FALSE(error);
  EXPECT_NE(error.error().message.find(path_.string()), std::string::npos);
  EXPECT_EQ(count(), 0);
}

TEST_F(StateDatabaseTest, UndoesATransactionThatFailsOrThrows) {
  const auto insert = [&] { return database_->query("INSERT INTO t (a) VALUES (1)"); };
  EXPECT_FALSE(database_->transaction([&]() -> Expected<void> {
    EXPECT_TRUE(insert());
    return failure("no");
  }));
  EXPECT_THROW((void)database_->transaction([&]() -> Expected<void> {
    EXPECT_TRUE(insert());
    throw std::runtime_error("no");
  }),
               std::runtime_error);
  EXPECT_EQ(count(), 0);
  EXPECT_TRUE(database_->transaction([&]() -> Expected<void> {
    EXPECT_TRUE(insert());
    EXPECT_FALSE(database_->transaction([&]() -> Expected<void> {
      EXPECT_TRUE(insert());
      return failure("only the inner one");
    }));
    return {};
  }));
  EXPECT_EQ(count(), 1);
}

TEST_F(StateDatabaseTest, KeepsTransactionsOfThreadsAndConnectionsApart) {
  ASSERT_TRUE(database_->query("INSERT INTO t (a) VALUES (0)"));
  const auto other = StateDatabase::open(path_).value();
  const auto add = [](StateDatabase& database) {
    for (int i = 0; i < 50; ++i) {
      const auto done = database.transaction([&]() -> Expected<void> {
        const auto rows = database.query("SELECT a FROM t");
        if (!rows) return std::unexpected(rows.error());
        const auto set = database.query("UPDATE t SET a = ?1", {integer_of((*rows)[0][0]) + 1});
        if (!set) return std::unexpected(set.error());
        return {};
      });
      EXPECT_TRUE(done) << done.error().message;
    }
  };
  {
    std::jthread one([&] { add(*database_); }), two([&] { add(*database_); }), three([&] { add(*other); });
  }
  EXPECT_EQ(integer_of(database_->query("SELECT a FROM t").value()[0][0]), 150);
}

TEST_F(StateDatabaseTest, IsNobodyElses) {
  ASSERT_TRUE(database_->query("INSERT INTO t (a) VALUES (1)"));
  EXPECT_EQ(mode(path_), 0600u);
  EXPECT_EQ(mode(path_.string() + "-wal"), 0600u);
  // Also one that another command made.
  const auto theirs = folder_ / "theirs.db";
  std::ofstream(theirs).close();
  std::filesystem::permissions(theirs, std::filesystem::perms(0644));
  const auto opened = StateDatabase::open(theirs);
  ASSERT_TRUE(opened);
  EXPECT_EQ(mode(theirs), 0600u);
}

TEST_F(StateDatabaseTest, SaysWhatItCannotOpen) {
  EXPECT_FALSE(StateDatabase::open((folder_ / "missing" / "state.db").string()));
  const auto junk = folder_ / "junk.db";
  std::ofstream(junk) << std::string(4096, 'x');
  EXPECT_FALSE(StateDatabase::open(junk));
}

}  // namespace
}  // namespace tocsin::serve
