#include "pipeline/sensitivity.h"

#include <gmock/gmock.h>

#include "scratch.h"

namespace tocsin {
namespace {

// A location database that knows of nothing is enough: what is asked goes wrong before.
TEST(Sensitivity, AFigureThatCannotBeAskedIsAnErrorAndNotLeftOut) {
  Scratch scratch;
  scratch.write("asn-ipv4.csv", "1.0.0.0,1.0.0.255,64500,Example\n");
  const auto locator = Locator::open(scratch.at(""), "");
  ASSERT_TRUE(locator) << locator.error().message;
  ASSERT_TRUE(SightingStore::create(scratch.at("store")));
  const auto store = SightingStore::open(scratch.at("store"));
  ASSERT_TRUE(store);
  {
    auto run = (*store)->begin();
    ASSERT_TRUE(run);
    Sighting sighting;
    sighting.detector = "scan";
    sighting.confidence = Confidence::kProbable;
    sighting.actor.ip = IpAddress::v4(0x01000001);
    sighting.target.ip = IpAddress::v4(0xc0000201);
    sighting.first_seen = sighting.last_seen = *parse_time("2013-01-15");
    ASSERT_TRUE((*run)->append(sighting, "a", "line 1"));
    SourceRecord record;
    record.id = record.name = record.sha256 = "a";
    ASSERT_TRUE((*run)->commit({record}, {}));
  }
  const auto catalogue = Catalogue::load(TOCSIN_SOURCE_DIR "/figures");
  ASSERT_TRUE(catalogue);
  auto database = Database::open(1);
  ASSERT_TRUE(database);
  Brief brief;
  brief.period = {*parse_time("2013-01-01"), *parse_time("2013-02-01")};
  brief.ledger = *(*store)->head();
  const auto ask = [&](const std::string& id) {
    BriefSection section;
    section.figure.value = 1;
    section.figure.definition.id = section.figure.request.id = id;
    section.figure.request.period = brief.period;
    brief.sections = {section};
    return sensitivity_of(brief, *catalogue, **store, **database, **locator, Constituency(ConstituencySpec{}),
                          *load_relays(TOCSIN_SOURCE_DIR "/constituencies/relays.toml", {}));
  };
  const auto good = ask("any.sightings");
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->at(0).without_relays, 1);
  const auto bad = ask("no.such");
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message, testing::HasSubstr("no.such"));
}

}  // namespace
}  // namespace tocsin
