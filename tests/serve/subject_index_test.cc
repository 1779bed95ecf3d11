#include "serve/subject_index.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <set>

#include "../store/store_fixture.h"
#include "base/text.h"
#include "figures/plan.h"
#include "serve/lookup_counts.h"
#include "serve/segment_index.h"

namespace tocsin::serve {
namespace {

using What = SubjectIndex::What;

// As text, so that a difference can be read.
std::multiset<std::string> texts_of(const std::vector<SubjectCount>& counts) {
  std::multiset<std::string> all;
  for (const SubjectCount& one : counts) {
    all.insert(fmt::format("{} {} {}{} confidence {} sightings {} count {} from {} to {}", format_day(one.day),
                           one.kind, one.is_actor ? 'a' : '-', one.is_target ? 't' : '-', one.confidence, one.sightings,
                           one.count, format_time(one.first_seen), format_time(one.last_seen)));
  }
  return all;
}

class SubjectIndexTest : public StoreTest {
 protected:
  // Few actors, targets and hours, so that many rows are of one sighting, and networks and families of all sorts.
  void fill(const std::string& source, std::uint32_t days, int rows, unsigned seed) {
    std::mt19937 random(seed);
    const auto run = begun();
    const auto below = [&random](std::uint32_t most) { return static_cast<std::uint32_t>(random() % most); };
    for (int i = 0; i < rows; ++i) {
      const Timestamp time = kTime + below(days) * kDay + below(3) * kHour + below(1000) * kSecond;
      Sighting one = sighting_of(below(3), time);
      one.actor.ip = IpAddress::v4(0xc6336400U + below(5));
      one.target.ip = below(4) == 0 ? one.actor.ip : IpAddress::v4(0x0a000000U + below(5));
      const char* const names[] = {"", "one.example", "two.example"};
      one.actor_name = names[below(3)];
      one.target_name = names[below(3)];
      one.actor_asn = one.actor.ip.as_v4() % 3;
      one.target_asn = one.target.ip.as_v4() % 4;
      one.confidence = static_cast<Confidence>(1 + below(3));
      one.count = below(100);
      const char* const families[] = {"", "Zeus", "ZEUS", "Gh0st; DROP TABLE"};
      one.family = families[one.actor.ip.as_v4() % 4];
      one.group = below(9) == 0 ? "APT" : "";
      one.cve = below(5) == 0 ? "CVE-2012-0158" : "";
      ASSERT_TRUE(run->append(one, source, "packet"));
    }
    ASSERT_TRUE(run->commit({source_of(source)}, {}));
  }
  SubjectIndex::Days days() { return SubjectIndex::days_of(store_->segments().value()).value(); }
  std::multiset<std::string> counted(const SubjectIndex& index, const Subject& subject, Period period,
                                     Confidence least) {
    FigureRequest request;
    request.period = period;
    request.confidence = least;
    const auto counts = counts_of(index, addresses_, **databases_.take(), subject, request, days());
    EXPECT_TRUE(counts) << counts.error().message;
    return counts ? texts_of(*counts) : std::multiset<std::string>{};
  }

  DatabasePool databases_;
  SegmentIndex addresses_;
};

Subject of_address(const char* text) {
  const Prefix prefix = Prefix::parse(text).value();
  return {text, "address", figures::within_sql("actor_ip", prefix), figures::within_sql("target_ip", prefix)};
}

const std::vector<Subject> kSubjects = {
    {"AS1", "network", "actor_asn = 1", "target_asn = 1"},
    {"AS2", "network", "actor_asn = 2", "target_asn = 2"},
    {"AS7", "network", "actor_asn = 7", "target_asn = 7"},
    {"Zeus", "family", "family = 'Zeus'", "family = 'Zeus'"},
    {"Gh0st; DROP TABLE", "family", "family = 'Gh0st; DROP TABLE'", "family = 'Gh0st; DROP TABLE'"},
    {"APT", "group", "\"group\" = 'APT'", "\"group\" = 'APT'"},
    {"CVE-2012-0158", "cve", "", "cve = 'CVE-2012-0158'"},
    of_address("198.51.100.1"),
    of_address("10.0.0.2"),
    of_address("203.0.113.9"),
    {"one.example", "name", "actor_name = 'one.example'", "target_name = 'one.example'"},
    {"no.example", "name", "actor_name = 'no.example'", "target_name = 'no.example'"}};

TEST_F(SubjectIndexTest, CountsAsTheRowsDo) {
  fill("a", 3, 1000, 1);
  fill("b", 2, 300, 2);  // some days have two segments
  ASSERT_TRUE(addresses_.follow(store_->segments().value(), databases_));
  SubjectIndex index;
  ASSERT_TRUE(index.follow(days(), databases_, addresses_.frequent(1, 100)));
  ASSERT_TRUE(index.of(What::kAddress, "198.51.100.1", kTime, days().at(kTime), Confidence::kSuspected));
  ASSERT_TRUE(index.of(What::kName, "one.example", kTime, days().at(kTime), Confidence::kSuspected));
  const SubjectIndex nothing;
  for (const Subject& subject : kSubjects) {
    for (const Confidence least : {Confidence::kSuspected, Confidence::kProbable, Confidence::kConfirmed}) {
      for (const Period period : {Period{kTime, kTime + 3 * kDay}, Period{kTime + kHour, kTime + 2 * kDay + kHour},
                                  Period{kTime + kDay, kTime + 2 * kDay}, Period{0, kTime}}) {
        EXPECT_EQ(counted(index, subject, period, least), counted(nothing, subject, period, least))
            << subject.text << " " << static_cast<int>(least) << " from " << format_time(period.from);
      }
    }
  }
  EXPECT_EQ(counted(index, kSubjects[2], {kTime, kTime + 3 * kDay}, Confidence::kSuspected).size(), 0U);
  EXPECT_GT(counted(index, kSubjects[0], {kTime, kTime + 3 * kDay}, Confidence::kSuspected).size(), 9U);
}

TEST_F(SubjectIndexTest, CountsAnOrganisationAtEitherEnd) {
  fill("a", 3, 1000, 1);
  Subject subject{"Ministry", "organisation", "actor_asn = 1 OR actor_asn = 2", "target_name = 'one.example'"};
  const Period period{kTime + kHour, kTime + 2 * kDay};
  const auto found = counted(SubjectIndex(), subject, period, Confidence::kProbable);
  subject.what = "family";  // whose rows are asked for at once
  EXPECT_EQ(found, counted(SubjectIndex(), subject, period, Confidence::kProbable));
  EXPECT_GT(found.size(), 9U);
}

TEST_F(SubjectIndexTest, CountsEachSightingOnce) {
  const auto run = begun();
  for (int i = 0; i < 3; ++i) {
    Sighting one = sighting_of(1, kTime + i * kSecond);
    one.family = "Zeus";
    one.count = 5;
    one.confidence = i == 2 ? Confidence::kConfirmed : Confidence::kSuspected;
    ASSERT_TRUE(run->append(one, "a", "packet"));
  }
  ASSERT_TRUE(run->commit({source_of("a")}, {}));
  SubjectIndex index;
  ASSERT_TRUE(index.follow(days(), databases_));
  const SubjectIndex::Days all_days = days();
  const auto& [day, paths] = *all_days.begin();
  const auto all = index.of(What::kFamily, "Zeus", day, paths, Confidence::kSuspected).value();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].sightings, 1);
  EXPECT_EQ(all[0].count, 15);
  EXPECT_EQ(all[0].confidence, 3);
  EXPECT_EQ(all[0].last_seen, kTime + 3 * kSecond);
  const auto sure = index.of(What::kFamily, "Zeus", day, paths, Confidence::kProbable).value();
  ASSERT_EQ(sure.size(), 1U);
  EXPECT_EQ(sure[0].count, 5);
  EXPECT_EQ(sure[0].first_seen, kTime + 2 * kSecond);
}

TEST_F(SubjectIndexTest, DoesNotAnswerForSegmentsThatItDidNotCount) {
  fill("a", 1, 50, 1);
  SubjectIndex index;
  ASSERT_TRUE(index.follow(days(), databases_));
  EXPECT_EQ(lower(index.spelled(What::kFamily, "zEUS", days()).value()), "zeus");
  EXPECT_EQ(index.spelled(What::kFamily, "unheard", days()), "");
  EXPECT_TRUE(index.of(What::kNetwork, "AS1", kTime, days().at(kTime), Confidence::kSuspected));
  fill("b", 1, 50, 2);
  EXPECT_FALSE(index.of(What::kNetwork, "AS1", kTime, days().at(kTime), Confidence::kSuspected));
  EXPECT_FALSE(index.spelled(What::kFamily, "zeus", days()));
  ASSERT_TRUE(index.follow(days(), databases_));
  EXPECT_TRUE(index.of(What::kNetwork, "AS1", kTime, days().at(kTime), Confidence::kSuspected));
  ASSERT_TRUE(index.follow({}, databases_));
  EXPECT_FALSE(index.of(What::kNetwork, "AS1", kTime, days().at(kTime), Confidence::kSuspected));
  EXPECT_EQ(index.spelled(What::kFamily, "zeus", {}), "");
}

TEST_F(SubjectIndexTest, AnswersOnlyForTheAddressesThatItCounted) {
  fill("a", 1, 50, 1);
  SubjectIndex index;
  ASSERT_TRUE(index.follow(days(), databases_, {SegmentIndex::hash_of(IpAddress::v4(0xc6336401U))}));
  const auto known = [&](What what, const char* text) {
    return index.of(what, text, kTime, days().at(kTime), Confidence::kSuspected).has_value();
  };
  EXPECT_TRUE(known(What::kAddress, "198.51.100.1"));
  EXPECT_FALSE(known(What::kAddress, "198.51.100.2"));
  EXPECT_FALSE(known(What::kName, "one.example"));
  EXPECT_TRUE(known(What::kNetwork, "AS1"));
}

TEST_F(SubjectIndexTest, KnowsTheAddressesOfManySegments) {
  const auto run = begun();
  for (std::uint32_t day = 0; day < 4; ++day) {
    for (std::uint32_t i = day; i < 4; ++i) {  // address i is there on i + 1 days
      Sighting one = sighting_of(i, kTime + day * kDay);
      one.actor.ip = IpAddress::v4(0xc6336400U + i);
      one.target.ip = {};
      one.target_name = day == 0 ? "Once.example" : "often.example";
      ASSERT_TRUE(run->append(one, "a", "packet"));
    }
  }
  ASSERT_TRUE(run->commit({source_of("a")}, {}));
  SegmentIndex index;
  ASSERT_TRUE(index.follow(store_->segments().value(), databases_));
  std::vector<std::uint32_t> expected = {SegmentIndex::hash_of(IpAddress::v4(0xc6336402U)),
                                         SegmentIndex::hash_of(IpAddress::v4(0xc6336403U)),
                                         SegmentIndex::hash_of("often.example")};
  std::ranges::sort(expected);
  EXPECT_EQ(index.frequent(3, 10), expected);
  EXPECT_EQ(index.frequent(3, 1), std::vector{SegmentIndex::hash_of(IpAddress::v4(0xc6336403U))});
  EXPECT_TRUE(index.frequent(5, 10).empty());
}

TEST_F(SubjectIndexTest, KeepsNoDayWithAFamilyForEachSighting) {
  const auto run = begun();
  for (std::uint32_t i = 0; i < 100'002; ++i) {
    Sighting one = sighting_of(i, kTime);
    one.family = std::to_string(i);
    ASSERT_TRUE(run->append(one, "a", "packet"));
  }
  ASSERT_TRUE(run->commit({source_of("a")}, {}));
  SubjectIndex index;
  ASSERT_TRUE(index.follow(days(), databases_));
  EXPECT_FALSE(index.of(What::kFamily, "1", kTime, days().at(kTime), Confidence::kSuspected));
  EXPECT_LT(index.bytes(), 1'000'000U);
}

TEST_F(SubjectIndexTest, KnowsTheSegmentsOfANetwork) {
  const auto run = begun();
  for (const auto& [day, actor] : {std::pair(0, "192.0.2.1"), {1, "192.1.2.1"}, {2, "2001:db8:1::1"}}) {
    Sighting one = sighting_of(1, kTime + day * kDay);
    one.actor.ip = IpAddress::parse(actor).value();
    ASSERT_TRUE(run->append(one, "a", "packet"));
  }
  ASSERT_TRUE(run->commit({source_of("a")}, {}));
  const auto segments = store_->segments().value();
  SegmentIndex index;
  std::vector<std::string> paths;
  for (const Segment& segment : segments) paths.push_back(segment.path);
  ASSERT_TRUE(index.follow(segments, databases_));
  const auto found = [&](const char* text) { return index.with(Prefix::parse(text).value(), paths).size(); };
  EXPECT_EQ(found("192.0.2.1"), 1U);
  EXPECT_EQ(found("192.0.2.2"), 0U);
  EXPECT_EQ(found("192.0.2.0/24"), 1U);
  EXPECT_EQ(found("192.0.0.0/16"), 1U);
  EXPECT_EQ(found("192.0.0.0/15"), 3U);  // wider than what it knows
  EXPECT_EQ(found("192.2.0.0/16"), 0U);
  EXPECT_EQ(found("10.0.0.0/16"), 3U);
  EXPECT_EQ(found("2001:db8:1::/48"), 1U);
  EXPECT_EQ(found("2001:db9::/32"), 0U);
}

TEST_F(SubjectIndexTest, KnowsTheSegmentsOfAValue) {
  const auto run = begun();
  for (std::uint32_t day = 0; day < 3; ++day) {
    Sighting one = sighting_of(1, kTime + day * kDay);
    one.target_sector = day == 0 ? "energy/oil" : "";
    one.target_organisation = day == 1 ? "Works" : "";
    one.target.port = static_cast<std::uint16_t>(8000 + day);
    one.actor_asn = 64500 + day;
    ASSERT_TRUE(run->append(one, "a", "packet"));
  }
  ASSERT_TRUE(run->commit({source_of("a")}, {}));
  const auto segments = store_->segments().value();
  std::vector<std::string> paths;
  for (const Segment& segment : segments) paths.push_back(segment.path);
  SegmentIndex index;
  const auto found = [&](const char* column, const char* value) {
    return index.with_value(column, value, paths).size();
  };
  EXPECT_EQ(found("target_organisation", "Works"), 3U);  // nothing is known yet
  ASSERT_TRUE(index.follow(segments, databases_));
  EXPECT_EQ(found("target_organisation", "Works"), 1U);
  EXPECT_EQ(found("target_organisation", "works"), 0U);
  EXPECT_EQ(found("target_sector", "energy/oil"), 1U);
  EXPECT_EQ(found("target_sector", "energy"), 1U);
  EXPECT_EQ(found("target_sector", "oil"), 0U);
  EXPECT_EQ(found("target_port", "8002"), 1U);
  EXPECT_EQ(found("target_port", "8003"), 0U);
  EXPECT_EQ(found("actor_asn", "64501"), 1U);
  EXPECT_EQ(found("target_asn", "8002"), 0U);
  EXPECT_EQ(found("matched", "anything"), 3U);  // of a column that it does not know
}

// The segments are gone when they are asked for a second time: what is known then was kept.
TEST_F(SubjectIndexTest, KeepsWhatItFoundFromStartToStart) {
  fill("a", 3, 500, 1);
  const auto segments = store_->segments().value();
  const auto all = days();
  const std::vector<std::uint32_t> frequent = {SegmentIndex::hash_of(IpAddress::v4(0xc6336401U))};
  const std::filesystem::path kept = std::filesystem::path(store_->directory()) / "kept";
  SegmentIndex found(kept), again(kept), damaged(kept);
  SubjectIndex counted(kept), recounted(kept), spoilt(kept);
  ASSERT_TRUE(found.follow(segments, databases_));
  ASSERT_TRUE(counted.follow(all, databases_, frequent));
  for (const Segment& segment : segments) ASSERT_TRUE(std::filesystem::remove(segment.path));
  ASSERT_TRUE(again.follow(segments, databases_));
  ASSERT_TRUE(recounted.follow(all, databases_, frequent));
  EXPECT_EQ(again.bytes(), found.bytes());
  EXPECT_GT(again.bytes(), 0U);
  EXPECT_EQ(again.frequent(1, 100), found.frequent(1, 100));
  const auto texts = [&](const SubjectIndex& index, What what, const char* text, Timestamp day) {
    const auto counts = index.of(what, text, day, all.at(day), Confidence::kProbable);
    return counts ? texts_of(*counts) : std::multiset<std::string>{"not counted"};
  };
  for (const auto& [day, paths] : all) {
    for (const auto& [what, text] : {std::pair(What::kNetwork, "AS1"),
                                     {What::kFamily, "ZEUS"},
                                     {What::kCve, "CVE-2012-0158"},
                                     {What::kAddress, "198.51.100.1"}}) {
      EXPECT_EQ(texts(recounted, what, text, day), texts(counted, what, text, day)) << text;
      EXPECT_FALSE(texts(recounted, what, text, day).contains("not counted")) << text;
    }
  }
  // What is not as it was kept is read from the segments, which are not there.
  for (const auto& file : std::filesystem::directory_iterator(kept)) {
    std::filesystem::resize_file(file.path(), std::filesystem::file_size(file.path()) - 1);
  }
  EXPECT_FALSE(damaged.follow(segments, databases_));
  EXPECT_FALSE(spoilt.follow(all, databases_, frequent));
}

TEST_F(SubjectIndexTest, KeepsNothingOfSegmentsThatAreGone) {
  fill("a", 3, 500, 1);
  const std::filesystem::path kept = std::filesystem::path(store_->directory()) / "kept";
  SegmentIndex index(kept);
  SubjectIndex subjects(kept);
  ASSERT_TRUE(index.follow(store_->segments().value(), databases_));
  ASSERT_TRUE(subjects.follow(days(), databases_));
  EXPECT_FALSE(std::filesystem::is_empty(kept));
  ASSERT_TRUE(index.follow({}, databases_));
  ASSERT_TRUE(subjects.follow({}, databases_));
  for (const auto& file : std::filesystem::directory_iterator(kept)) EXPECT_EQ(file.path().extension(), ".frequent");
}

}  // namespace
}  // namespace tocsin::serve
