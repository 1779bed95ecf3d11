#include "store/database.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

std::unique_ptr<Database> opened() {
  auto database = Database::open(1);
  EXPECT_TRUE(database) << database.error().message;
  return std::move(*database);
}

Cell answer(const std::string& sql, const std::vector<Cell>& parameters = {}) {
  auto table = opened()->query(sql, parameters);
  EXPECT_TRUE(table) << table.error().message;
  if (!table || table->rows.size() != 1 || table->rows[0].size() != 1) {
    ADD_FAILURE() << sql;
    return std::monostate{};
  }
  return table->rows[0][0];
}

TEST(DatabaseTest, ReadsEveryTypeThatIsNamed) {
  EXPECT_EQ(answer("SELECT NULL"), Cell(std::monostate{}));
  EXPECT_EQ(answer("SELECT NULL::VARCHAR"), Cell(std::monostate{}));
  EXPECT_EQ(answer("SELECT true"), Cell(std::int64_t{1}));
  EXPECT_EQ(answer("SELECT -7::TINYINT"), Cell(std::int64_t{-7}));
  EXPECT_EQ(answer("SELECT 65535::USMALLINT"), Cell(std::int64_t{65535}));
  EXPECT_EQ(answer("SELECT 4294967295::UINTEGER"), Cell(std::int64_t{4294967295}));
  EXPECT_EQ(answer("SELECT 18446744073709551615::UBIGINT"), Cell(18446744073709551615.0));
  EXPECT_EQ(answer("SELECT DATE '1970-01-11'"), Cell(std::int64_t{10}));
  EXPECT_EQ(answer("SELECT TIMESTAMP '1970-01-01 00:00:01'"), Cell(std::int64_t{1000000}));
  EXPECT_EQ(answer("SELECT 1.5::DOUBLE"), Cell(1.5));
  EXPECT_EQ(answer("SELECT 0.25::FLOAT"), Cell(0.25));
  EXPECT_EQ(answer("SELECT 12.34::DECIMAL(9,2)"), Cell(12.34));
  EXPECT_EQ(answer("SELECT 'ä''x'"), Cell(std::string("ä'x")));
  EXPECT_EQ(answer("SELECT 'a string that is longer than twelve bytes'"),
            Cell(std::string("a string that is longer than twelve bytes")));
  EXPECT_EQ(answer("SELECT 'b'::ENUM('a', 'b')"), Cell(std::string("b")));
}

TEST(DatabaseTest, SumsAreIntegersWhereTheyFit) {
  EXPECT_EQ(answer("SELECT sum(x) FROM (VALUES (1), (-3)) t(x)"), Cell(std::int64_t{-2}));
  EXPECT_EQ(answer("SELECT (-9223372036854775808)::HUGEINT"), Cell(std::numeric_limits<std::int64_t>::min()));
  EXPECT_EQ(answer("SELECT 9223372036854775808::HUGEINT"), Cell(9223372036854775808.0));
  EXPECT_EQ(answer("SELECT (-9223372036854775809)::HUGEINT"), Cell(-9223372036854775809.0));
}

TEST(DatabaseTest, UuidsAreAddressesWhereTheColumnSaysSo) {
  EXPECT_EQ(answer("SELECT '00000000-0000-0000-0000-ffffc0000201'::UUID AS actor_ip"), Cell(std::string("192.0.2.1")));
  EXPECT_EQ(answer("SELECT '20010db8-0000-0000-0000-000000000001'::UUID AS x_ip"), Cell(std::string("2001:db8::1")));
  EXPECT_EQ(answer("SELECT 'f0010db8-0000-0000-0000-000000000001'::UUID AS id"),
            Cell(std::string("f0010db8-0000-0000-0000-000000000001")));
}

TEST(DatabaseTest, BindsParameters) {
  EXPECT_EQ(answer("SELECT $1 || $2", {std::string("a'"), std::string("b")}), Cell(std::string("a'b")));
  EXPECT_EQ(answer("SELECT $1::BIGINT + 1", {std::int64_t{4}}), Cell(std::int64_t{5}));
  EXPECT_EQ(answer("SELECT $1 IS NULL", {std::monostate{}}), Cell(std::int64_t{1}));
  EXPECT_FALSE(opened()->query("SELECT $1"));
}

TEST(DatabaseTest, ReadsMoreThanOneChunk) {
  const auto table = opened()->query("SELECT range AS n FROM range(10000) ORDER BY n");
  ASSERT_TRUE(table);
  ASSERT_EQ(table->rows.size(), 10000U);
  EXPECT_EQ(table->rows[9999][0], Cell(std::int64_t{9999}));
  EXPECT_EQ(table->columns, std::vector<std::string>{"n"});
}

TEST(DatabaseTest, ErrorsAreValues) {
  const auto parsed = opened()->query("SELEC");
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().message.find("SELEC"), std::string::npos);
  EXPECT_FALSE(opened()->query("SELECT [1, 2]"));
  EXPECT_FALSE(opened()->query("SELECT 1; SELECT 2"));
}

TEST(DatabaseTest, LiteralsHoldQuotes) {
  EXPECT_EQ(sql_text("it's"), "'it''s'");
  EXPECT_EQ(answer("SELECT " + sql_text("a'b\\\n")), Cell(std::string("a'b\\\n")));
}

TEST(Database, StreamsAnAnswerInChunks) {
  auto database = Database::open(1);
  ASSERT_TRUE(database);
  std::int64_t sum = 0;
  std::size_t chunks = 0;
  const auto streamed = (*database)->stream("SELECT i, 'x' AS t FROM range($1) AS r(i)", {Cell(std::int64_t{100'000})},
                                            [&](const Table& chunk) {
                                              EXPECT_EQ(chunk.columns, (std::vector<std::string>{"i", "t"}));
                                              EXPECT_LE(chunk.rows.size(), 10'000U);
                                              for (const auto& row : chunk.rows) sum += std::get<std::int64_t>(row[0]);
                                              ++chunks;
                                              return Expected<void>();
                                            });
  ASSERT_TRUE(streamed) << streamed.error().message;
  EXPECT_EQ(sum, 100'000LL * 99'999 / 2);
  EXPECT_GT(chunks, 10U);
}

TEST(Database, AStreamEndsWithTheFirstError) {
  auto database = Database::open(1);
  ASSERT_TRUE(database);
  int chunks = 0;
  const auto stop = [&](const Table&) -> Expected<void> {
    ++chunks;
    return failure("enough");
  };
  const auto stopped = (*database)->stream("SELECT * FROM range(100000)", {}, stop);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().message, "enough");
  EXPECT_EQ(chunks, 1);
  const auto go_on = [](const Table&) { return Expected<void>(); };
  EXPECT_FALSE((*database)->stream("SELECT nothing", {}, go_on));
  EXPECT_FALSE((*database)->stream("SELECT $1", {}, go_on));
  EXPECT_FALSE(
      (*database)->stream("SELECT CASE WHEN i = 90000 THEN error('late') END FROM range(100000) AS r(i)", {}, go_on));
  EXPECT_TRUE((*database)->stream("SELECT 1", {}, go_on));
}

}  // namespace
}  // namespace tocsin
