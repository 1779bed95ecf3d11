#include "pipeline/relocate.h"

#include <gtest/gtest.h>

#include "scratch.h"

namespace tocsin {
namespace {

class Relocate : public testing::Test {
 protected:
  void SetUp() override {
    scratch_.write("asn-ipv4.csv", "1.0.0.0,1.0.0.255,64500,Example\n");
    locator_ = std::move(Locator::open(scratch_.at(""), "").value());
    ASSERT_TRUE(SightingStore::create(scratch_.at("store")));
    store_ = std::move(SightingStore::open(scratch_.at("store")).value());
  }
  void add(const std::string& source, std::uint32_t rows, Timestamp time) {
    auto run = std::move(store_->begin().value());
    for (std::uint32_t i = 0; i < rows; ++i) {
      Sighting sighting;
      sighting.detector = "scan";
      sighting.actor.ip = IpAddress::v4(0x01000000U + i % 256);
      sighting.target.ip = IpAddress::v4(0xc0000200U + i % 256);
      sighting.first_seen = sighting.last_seen = time + i * kMinute;
      ASSERT_TRUE(run->append(sighting, source, "line " + std::to_string(i)));
    }
    SourceRecord record;
    record.id = record.name = record.sha256 = source;
    ASSERT_TRUE(run->commit({record}, {}));
  }
  std::int64_t number(const std::string& what, SightingStore::Position position = {}) {
    auto database = std::move(Database::open(1).value());
    const auto table = database->query("SELECT " + what + " FROM " + store_->from_clause(position).value());
    return std::get<std::int64_t>(table.value().rows.at(0).at(0));
  }

  Scratch scratch_;
  std::unique_ptr<Locator> locator_;
  std::unique_ptr<SightingStore> store_;
  Constituency constituency_{ConstituencySpec{}};
};

TEST_F(Relocate, IsOneCommitOfAllSources) {
  const Timestamp time = parse_time("2024-02-13").value();
  add("a", 5000, time);
  add("b", 3000, time);
  add("empty", 0, time);
  const std::string same =
      "CAST(hash(string_agg(CAST(id AS VARCHAR) || evidence || source || first_seen, '' ORDER BY "
      "source, id, evidence)) % 1000000007 AS BIGINT)";
  const std::int64_t before = number(same);
  EXPECT_EQ(number("count(*) FILTER (actor_asn = 64500)"), 0);
  const auto rows = relocate(*store_, *locator_, constituency_, -1);
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(*rows, 8000U);
  EXPECT_EQ(store_->head()->sequence, 4U);
  EXPECT_EQ(number("count(*)"), 8000);
  EXPECT_EQ(number("count(*) FILTER (actor_asn = 64500)"), 8000);
  EXPECT_EQ(number(same), before);
  EXPECT_EQ(number("count(*) FILTER (actor_asn = 64500)", 3), 0);
  EXPECT_EQ(store_->sources()->size(), 3U);
  EXPECT_TRUE(store_->verify()->empty());
}

TEST_F(Relocate, AnEmptyStoreGetsNoCommit) {
  EXPECT_EQ(relocate(*store_, *locator_, constituency_, -1).value(), 0U);
  EXPECT_EQ(store_->head()->sequence, 0U);
}

TEST_F(Relocate, ADamagedSegmentLeavesTheStoreAsItWas) {
  const Timestamp time = parse_time("2024-02-13").value();
  add("a", 10, time);
  add("b", 10, time + 10 * kDay);
  const std::string path = store_->segments()->back().path;
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  EXPECT_FALSE(relocate(*store_, *locator_, constituency_, -1));
  EXPECT_EQ(store_->head()->sequence, 2U);
}

}  // namespace
}  // namespace tocsin
