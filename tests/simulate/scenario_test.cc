#include "simulate/scenario.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "simulate/random.h"

namespace tocsin::simulate {
namespace {

constexpr const char* kWhole = R"(name = "x"
zone = "Asia/Shanghai"
seed = 5
[constituency]
name = "Norlandia"
prefixes = ["240.16.0.0/13"]
[[botnet-control]]
from = "2013-01-01"
to = "2013-03-01"
targets = 100
origins = { US = [10, 60], DE = [3, 70] }
others = [5, 11]
others-in = ["FR", "NL"]
)";

Expected<Scenario> loaded(const std::string& text, double scale = 1) {
  const std::string path = ::testing::TempDir() + "tocsin-scenario.toml";
  std::ofstream(path) << text;
  auto scenario = load_scenario(path, scale);
  std::filesystem::remove(path);
  return scenario;
}

std::string complaint(const std::string& text) {
  const auto scenario = loaded(text);
  if (scenario) return "none";
  const std::string& message = scenario.error().message;
  return message.substr(message.find(".toml") + 5);
}

TEST(Scenario, SpreadsOthersAndPutsTheLargestOriginFirst) {
  const auto scenario = loaded(kWhole);
  ASSERT_TRUE(scenario) << scenario.error().message;
  ASSERT_EQ(scenario->populations.size(), 1U);
  const Population& population = scenario->populations[0];
  EXPECT_EQ(format_time(population.period.from), "2012-12-31T16:00:00Z");
  ASSERT_EQ(population.origins.size(), 4U);
  EXPECT_EQ(population.origins[0].country.text(), "DE");
  EXPECT_EQ(population.origins[2].country.text(), "FR");
  EXPECT_EQ(population.origins[2].actors, 3U);
  EXPECT_EQ(population.origins[2].amount, 6U);
  EXPECT_EQ(population.origins[3].actors, 2U);
}

TEST(Scenario, ScalesCountsAndKeepsOneOfWhatIsThere) {
  const auto scenario = loaded(kWhole, 0.01);
  ASSERT_TRUE(scenario) << scenario.error().message;
  EXPECT_EQ(scenario->populations[0].targets, 1U);
  EXPECT_EQ(scenario->populations[0].origins[0].actors, 1U);
}

TEST(Scenario, NamesLineOfWhatIsWrong) {
  const std::string whole = kWhole;
  EXPECT_EQ(complaint(whole + "wrong = 1\n"), ":14: 'wrong' is not a key of [[botnet-control]]");
  EXPECT_EQ(complaint("[[nonsense]]\n").substr(0, 18), ":1: 'nonsense' is ");
  EXPECT_EQ(complaint(whole + "[[truth]]\nfrom = \"2013-02-01\"\nto = \"2013-01-01\"\n"),
            ":14: expected 'from' and a later 'to', as \"2013-01-01\"");
  EXPECT_EQ(complaint("name = \"x\"\n"), ":1: the table [constituency] with a name is missing");
}

TEST(Scenario, RefusesPartsThatAreNone) {
  const std::string whole = kWhole;
  EXPECT_EQ(complaint("ipv6 = 1.5\n" + whole), ":1: 'ipv6' must be a number from 0 to below 1");
  EXPECT_EQ(complaint("scanners = -1\n" + whole), ":1: 'scanners' must be a whole number");
  EXPECT_EQ(complaint("tor = \"all\"\n" + whole), ":1: 'tor' must be a number from 0 to below 1");
}

// Each pair of a population has one family, and the families are the population.
TEST(ByFamily, DividesActorsAmountsAndTargetsWithoutLoss) {
  for (const double part : {0.0, 0.05, 0.15, 0.5, 0.9}) {
    for (const double scale : {0.1, 0.37, 1.0, 7.0}) {
      const auto scenario = loaded(kWhole, scale);
      ASSERT_TRUE(scenario) << scenario.error().message;
      const Population& whole = scenario->populations[0];
      const auto [v4, v6] = by_family(whole, part);
      EXPECT_FALSE(v4.v6);
      EXPECT_TRUE(v6.v6);
      EXPECT_EQ(v4.amount() + v6.amount(), whole.amount());
      EXPECT_EQ(v4.targets + v6.targets, whole.reached());
      EXPECT_LE(v4.targets, v4.amount());
      EXPECT_LE(v6.targets, v6.amount());
      std::uint64_t actors = 0, all = 0;
      for (const Origin& origin : whole.origins) all += origin.actors;
      for (const Population* of : {&v4, &v6}) {
        for (const Origin& origin : of->origins) {
          actors += origin.actors;
          EXPECT_LE(origin.actors, origin.amount);
          EXPECT_LE(origin.amount, of->targets);
        }
      }
      EXPECT_EQ(actors, all);
    }
  }
}

TEST(ByFamily, GivesIpv6ItsPart) {
  const auto scenario = loaded(kWhole, 100);
  ASSERT_TRUE(scenario) << scenario.error().message;
  const auto [v4, v6] = by_family(scenario->populations[0], 0.2);
  EXPECT_EQ(v6.targets, 2000U);
  EXPECT_EQ(v6.amount(), 2820U);
}

TEST(Shuffle, GivesEachNumberOnce) {
  for (const std::uint64_t size : {1ULL, 2ULL, 10ULL, 618ULL, 1236ULL, 100'003ULL}) {
    const Shuffle shuffle(size);
    std::set<std::uint64_t> seen;
    for (std::uint64_t i = 0; i < size; ++i) seen.insert(shuffle(i));
    EXPECT_EQ(seen.size(), size);
    EXPECT_LT(*seen.rbegin(), size);
  }
}

}  // namespace
}  // namespace tocsin::simulate
