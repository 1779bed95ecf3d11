#include "store/sighting_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "store_fixture.h"

namespace tocsin {
namespace {

using testing::HasSubstr;

TEST_F(StoreTest, IsEmptyAtFirst) {
  EXPECT_EQ(rows_at(), 0);
  EXPECT_EQ(store_->head()->sequence, 0U);
  EXPECT_TRUE(store_->segments()->empty());
  EXPECT_FALSE(*store_->has_source(std::string(64, '0')));
  expect_sound();
}

TEST_F(StoreTest, IsNotMadeOverAnotherOrOverFiles) {
  const auto again = SightingStore::create(directory());
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("is a store already"));
  const auto other = scratch_.path() / "other";
  std::filesystem::create_directory(other);
  write_bytes(other / "tocsin.toml", "");
  write_bytes(other / "holiday.jpg", "");
  const auto full = SightingStore::create(other.string());
  ASSERT_FALSE(full);
  EXPECT_THAT(full.error().message, HasSubstr("holiday.jpg"));
  std::filesystem::remove(other / "holiday.jpg");
  EXPECT_TRUE(SightingStore::create(other.string()));
  EXPECT_FALSE(SightingStore::open((scratch_.path() / "nothing").string()));
}

TEST_F(StoreTest, RowsComeBackAsTheyWentIn) {
  Sighting full = sighting_of(3, kTime + 123'456);
  full.kind = Kind::kBotnetControl;
  full.confidence = Confidence::kConfirmed;
  full.actor = {*IpAddress::parse("2001:db8::7"), 65'535};
  full.actor_name = "control.example";
  full.target = {*IpAddress::parse("147.32.80.37"), 1};
  full.target_name = "höst\nwith 'quotes' and a text longer than twelve bytes";
  full.count = 18'000'000'000'000'000'000ULL;
  full.cve = "CVE-2014-0160";
  full.family = "Remcos";
  full.group = "APT1";
  full.tlp = "amber";
  full.matched = "list.txt:12";
  full.actor_country = *CountryCode::parse("US");
  full.target_country = *CountryCode::parse("CZ");
  full.actor_asn = 4'294'967'295;
  full.target_asn = 2852;
  full.target_inside = true;
  full.target_sector = "academic";
  full.target_organisation = "CTU";
  full.target_province = "CZ-10";
  full.location_version = "2026-06-17";
  Sighting bare;
  bare.first_seen = kTime;
  bare.last_seen = kTime;
  auto run = begun();
  ASSERT_TRUE(run->append(full, "a", "packet 7"));
  ASSERT_TRUE(run->append(bare, "a", ""));
  const auto report = run->commit({source_of("a")}, {});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->rows, 2U);
  EXPECT_EQ(report->segments, 1U);
  EXPECT_EQ(report->sequence, 1U);

  const Table table = query("*", "ORDER BY kind");
  EXPECT_THAT(
      table.columns,
      testing::ElementsAre("id", "kind", "detector", "rule", "actor_ip", "actor_port", "actor_name", "actor_country",
                           "actor_asn", "actor_inside", "target_ip", "target_port", "target_name", "target_country",
                           "target_asn", "target_inside", "target_sector", "target_organisation", "target_province",
                           "first_seen", "last_seen", "count", "confidence", "cve", "family", "group", "source",
                           "evidence", "matched", "location_version", "tlp"));
  ASSERT_EQ(table.rows.size(), 2U);
  const auto text = [](const char* value) { return Cell(std::string(value)); };
  const auto number = [](std::int64_t value) { return Cell(value); };
  const Cell null;
  EXPECT_THAT(table.rows[0],
              testing::ElementsAre(
                  testing::_, text("botnet-control"), text("indicator"), text("rule 3"), text("2001:db8::7"),
                  number(65'535), text("control.example"), text("US"), number(4'294'967'295), number(0),
                  text("147.32.80.37"), number(1), Cell(full.target_name), text("CZ"), number(2852), number(1),
                  text("academic"), text("CTU"), text("CZ-10"), number(full.first_seen), number(full.last_seen),
                  Cell(18'000'000'000'000'000'000.0), number(3), text("CVE-2014-0160"), text("Remcos"), text("APT1"),
                  text("a"), text("packet 7"), text("list.txt:12"), text("2026-06-17"), text("amber")));
  EXPECT_THAT(table.rows[1], testing::ElementsAre(testing::_, text("scan"), text(""), text(""), null, number(0), null,
                                                  null, null, number(0), null, number(0), null, null, null, number(0),
                                                  null, null, null, number(kTime), number(kTime), number(1), number(1),
                                                  null, null, null, text("a"), text(""), text(""), text(""), null));
  expect_sound();
}

TEST_F(StoreTest, AnIdInTheStoreIsOneWhereItIsOneInARun) {
  const std::vector<std::string> texts = {"", "a", "ab", "b|", "|"};
  std::set<std::pair<std::uint64_t, std::uint64_t>> ids;
  auto run = begun();
  for (unsigned i = 0; i < 2000; ++i) {
    Sighting sighting = sighting_of(i % 3, kTime + (i % 7) * 20 * kMinute);
    sighting.kind = static_cast<Kind>(i % 2);
    sighting.detector = i % 5 == 0 ? "scan" : "beacon";
    sighting.actor_name = texts[i % texts.size()];
    sighting.target_name = texts[i / 7 % texts.size()];
    sighting.count = i;
    const Hash128 id = id_of(sighting);
    ids.emplace(id.high, id.low);
    ASSERT_TRUE(run->append(sighting, "a", fmt::format("packet {}", i)));
  }
  ASSERT_TRUE(run->commit({source_of("a")}, {}));
  EXPECT_EQ(query("count(DISTINCT id)").rows[0], std::vector<Cell>{static_cast<std::int64_t>(ids.size())});
}

TEST_F(StoreTest, HoldsHostileTextAndTimes) {
  Sighting sighting = sighting_of(0, kTime);
  sighting.first_seen = std::numeric_limits<Timestamp>::max();
  sighting.last_seen = std::numeric_limits<Timestamp>::min();
  sighting.target_name = std::string("a\0b", 3);
  sighting.matched = "\xff\xc0\xafok\xe2\x82";
  SourceRecord source = source_of("s");
  source.name = "/tmp/\xff\xfe\"\\\n{}\x01 name";
  source.path = source.name;
  source.skipped_by_reason["bad \xff reason"] = 7;
  source.examples = {"packet 7: \xf0\x28"};
  auto run = begun();
  ASSERT_TRUE(run->append(sighting, "s", "line 1"));
  ASSERT_TRUE(run->append(sighting_of(1, std::numeric_limits<Timestamp>::min()), "s", "line 2"));
  const auto report = run->commit({source}, {});
  ASSERT_TRUE(report) << report.error().message;
  const auto sources = store_->sources();
  ASSERT_TRUE(sources) << sources.error().message;
  EXPECT_EQ((*sources)[0].name, source.name);
  EXPECT_EQ((*sources)[0].path, source.path);
  EXPECT_EQ((*sources)[0].skipped_by_reason.at("bad \\xff reason"), 7U);
  const Table table = query("target_name, matched, first_seen", "ORDER BY first_seen DESC");
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[0][0], Cell(std::string("a\0b", 3)));
  EXPECT_EQ(table.rows[0][1], Cell(std::string("\\xff\\xc0\\xafok\\xe2\\x82")));
  EXPECT_EQ((*store_->segments())[1].path,
            directory() + "/segments/9999-12-31/" + (*store_->segments())[1].sha256.substr(0, 32) + ".parquet");
  expect_sound();
}

TEST_F(StoreTest, ManyRowsOfManyDaysAreWrittenByDay) {
  auto run = begun();
  constexpr std::uint32_t kRows = 600'000;
  std::int64_t sum = 0;
  for (std::uint32_t i = 0; i < kRows; ++i) {
    const Sighting sighting = sighting_of(i, kTime + (i % 5) * kDay + i);
    sum += static_cast<std::int64_t>(sighting.count);
    ASSERT_TRUE(run->append(sighting, i % 2 == 0 ? "even" : "odd", "x"));
  }
  const auto report = run->commit({source_of("even"), source_of("odd")}, {});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->rows, kRows);
  EXPECT_EQ(rows_at(), kRows);
  EXPECT_EQ(query("sum(count), count(DISTINCT target_ip), count(DISTINCT id)").rows[0],
            (std::vector<Cell>{sum, std::int64_t{kRows}, std::int64_t{kRows}}));
  // Each segment holds the rows of its own day.
  const auto segments = store_->segments();
  ASSERT_TRUE(segments);
  for (const Segment& segment : *segments) {
    auto database = Database::open(1);
    const auto day = (*database)->query(fmt::format(
        "SELECT min(first_seen::DATE)::VARCHAR, max(first_seen::DATE)::VARCHAR, count(*) FROM read_parquet({})",
        sql_text(segment.path)));
    ASSERT_TRUE(day);
    const auto expected = std::filesystem::path(segment.path).parent_path().filename().string();
    EXPECT_EQ(day->rows[0], (std::vector<Cell>{expected, expected, static_cast<std::int64_t>(segment.rows)}));
  }
}

TEST_F(StoreTest, NothingIsThereBeforeTheCommitOrWithoutIt) {
  {
    auto run = begun();
    ASSERT_TRUE(run->append(sighting_of(0, kTime), "a", "x"));
    EXPECT_EQ(rows_at(), 0);
  }
  EXPECT_EQ(rows_at(), 0);
  auto run = begun();
  EXPECT_EQ(commit(*run, "b", 3).sequence, 1U);
  EXPECT_EQ(rows_at(), 3);
  EXPECT_EQ(run->commit({}, {})->sequence, 1U);  // nothing to say, no line
  EXPECT_EQ(commit(*run, "c", 0).sequence, 2U);  // a source without sightings was read all the same
  EXPECT_TRUE(*store_->has_source(source_of("c").sha256));
}

TEST_F(StoreTest, ASecondWriterIsRefused) {
  auto run = begun();
  const auto second = store_->begin();
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("another writer (process " + std::to_string(::getpid())));
  const pid_t child = ::fork();
  if (child == 0) {
    auto other = SightingStore::open(directory());
    ::_exit(other && !(*other)->begin() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  run.reset();
  EXPECT_TRUE(store_->begin());
}

TEST_F(StoreTest, ReplacedSourcesVanishAndThePastStays) {
  auto run = begun();
  commit(*run, "a", 10);
  commit(*run, "b", 20);
  for (std::uint32_t i = 0; i < 30; ++i) {
    ASSERT_TRUE(run->append(sighting_of(i, kTime), i < 12 ? "c" : "d", "x"));
  }
  ASSERT_TRUE(run->commit({source_of("c"), source_of("d")}, {}));
  EXPECT_EQ(rows_at(), 60);
  // 'a' alone in its segment, 'c' beside 'd' in one.
  const CommitReport report = commit(*run, "grown", 40, kTime, {"a", "c"});
  EXPECT_EQ(report.retired, 2U);
  EXPECT_EQ(report.segments, 2U);
  EXPECT_EQ(rows_at(), 20 + 18 + 40);
  const Table table = query("source, count(*)", "GROUP BY source ORDER BY source");
  EXPECT_EQ(table.rows, (std::vector<std::vector<Cell>>{{std::string("b"), std::int64_t{20}},
                                                        {std::string("d"), std::int64_t{18}},
                                                        {std::string("grown"), std::int64_t{40}}}));
  EXPECT_FALSE(*store_->has_source(source_of("a").sha256));
  EXPECT_TRUE(*store_->has_source(source_of("d").sha256));
  EXPECT_EQ(store_->sources()->size(), 3U);
  EXPECT_EQ(rows_at(0), 0);
  EXPECT_EQ(rows_at(1), 10);
  EXPECT_EQ(store_->sources(0)->size(), 0U);
  EXPECT_EQ(store_->sources(1)->at(0).id, "a");
  EXPECT_EQ(store_->head(0)->hash, std::string(64, '0'));
  EXPECT_EQ(store_->head(4)->hash, store_->head()->hash);
  EXPECT_NE(store_->head(3)->hash, store_->head()->hash);
  EXPECT_FALSE(store_->head(5));
  EXPECT_EQ(rows_at(2), 30);
  EXPECT_EQ(rows_at(3), 60);
  EXPECT_EQ(rows_at(4), 78);
  EXPECT_FALSE(store_->from_clause(5));
  expect_sound();
}

TEST_F(StoreTest, TheSameRowsMayComeBack) {
  auto run = begun();
  commit(*run, "a", 10);
  const CommitReport report = commit(*run, "a", 10, kTime, {"a"});
  EXPECT_EQ(report.retired, 1U);
  EXPECT_EQ(rows_at(), 10);
  EXPECT_EQ(store_->sources()->size(), 1U);
  EXPECT_EQ(rows_at(1), 10);
  expect_sound();
}

TEST_F(StoreTest, ClosedDaysAreCompacted) {
  auto run = begun();
  for (int i = 0; i < 10; ++i) {
    const std::string source = "s" + std::to_string(i);
    for (std::uint32_t n = 0; n < 5; ++n) {
      ASSERT_TRUE(run->append(sighting_of(n, kTime), source, "x"));
      ASSERT_TRUE(run->append(sighting_of(n, kTime + kDay), source, "x"));
      if (i < 8) {
        ASSERT_TRUE(run->append(sighting_of(n, kTime - kDay), source, "x"));
      }
    }
    ASSERT_TRUE(run->commit({source_of(source)}, {}));
  }
  EXPECT_EQ(store_->segments()->size(), 28U);
  const Table before = query("*", "ORDER BY ALL");
  const auto compacted = run->compact();
  ASSERT_TRUE(compacted) << compacted.error().message;
  EXPECT_EQ(store_->head()->sequence, 11U);
  EXPECT_EQ(store_->segments()->size(), 19U);  // ten of a closed day became one; eight are few; the newest day grows
  EXPECT_EQ(query("*", "ORDER BY ALL").rows, before.rows);
  EXPECT_EQ(store_->segments(10)->size(), 28U);
  EXPECT_EQ(rows_at(10), rows_at(11));
  EXPECT_EQ(store_->sources()->size(), 10U);
  ASSERT_TRUE(run->compact());
  EXPECT_EQ(store_->head()->sequence, 11U);
  commit(*run, "new", 1, kTime, {"s0"});  // of a compacted segment too
  EXPECT_EQ(rows_at(), 10 * 5 * 2 + 8 * 5 - 15 + 1);
  expect_sound();
}

TEST_F(StoreTest, ReadersInAnotherProcessSeeWholeCommits) {
  constexpr std::uint64_t kCommits = 25;
  const pid_t child = ::fork();
  if (child == 0) {
    auto store = SightingStore::open(directory());
    auto run = store ? (*store)->begin() : failure("");
    if (!run) ::_exit(1);
    for (std::uint64_t i = 0; i < kCommits; ++i) {
      for (std::uint32_t n = 0; n < 10; ++n) {
        if (!(*run)->append(sighting_of(n, kTime + (n % 3) * kDay), "s", "x")) ::_exit(2);
      }
      if (!(*run)->commit({source_of("s" + std::to_string(i))}, {})) ::_exit(3);
    }
    ::_exit(0);
  }
  std::uint64_t seen = 0;
  std::size_t between = 0;
  while (seen < kCommits) {
    const auto head = store_->head();
    ASSERT_TRUE(head) << head.error().message;
    ASSERT_GE(head->sequence, seen);
    seen = head->sequence;
    if (seen > 0 && seen < kCommits) ++between;
    if (seen > 0) {
      ASSERT_EQ(rows_at(seen), static_cast<std::int64_t>(seen * 10));
    }
    expect_sound();
    if (::waitpid(child, nullptr, WNOHANG) != 0) break;
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_GT(between, 0U);
  EXPECT_EQ(rows_at(), static_cast<std::int64_t>(kCommits * 10));
}

}  // namespace
}  // namespace tocsin
