#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "figures/figure.h"

namespace tocsin {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kGood = R"([[figure]]
id = "a.b"
measure = "attempts"
kinds = ["scan"]
unit = "attempts"
title.en = "A"
definition.en = "B"
)";

class CatalogueFiles : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::temp_directory_path() /
            ("tocsin-catalogue-" + std::to_string(std::random_device{}()) + std::to_string(::getpid()));
    directory_ = root_ / "figures";
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ / name, std::ios::binary) << text;
  }
  Expected<Catalogue> load() { return Catalogue::load(directory_.string()); }
  std::string error_of(const std::string& text) {
    write("x.toml", text);
    const auto catalogue = load();
    return catalogue ? "" : catalogue.error().message;
  }

  std::filesystem::path root_, directory_;
};

TEST(ShippedCatalogue, LoadsAndBeginsWithControlServers) {
  const auto catalogue = Catalogue::load(TOCSIN_SOURCE_DIR "/figures");
  ASSERT_TRUE(catalogue) << catalogue.error().message;
  EXPECT_EQ(catalogue->figures().front().id, "botnet.overseas-servers");
  for (const char* id : {"botnet.overseas-servers",
                         "botnet.controlled-hosts",
                         "botnet.domestic-servers",
                         "botnet.overseas-share",
                         "scan.overseas-hosts",
                         "scan.targets",
                         "scan.attempts",
                         "exploit.attempts",
                         "exploit.overseas-hosts",
                         "brute-force.overseas-hosts",
                         "brute-force.attempts",
                         "web-attack.overseas-attempts",
                         "web-attack.overseas-hosts",
                         "backdoor.overseas-hosts",
                         "backdoor.sites",
                         "phishing.sites",
                         "phishing.overseas-share",
                         "intrusion.sites",
                         "malware.families",
                         "indicator.hits",
                         "alert.sightings",
                         "any.top-targets",
                         "any.top-actors",
                         "group.targets",
                         "group.actors",
                         "denial-of-service.targets"}) {
    EXPECT_NE(catalogue->find(id), nullptr) << id;
  }
}

TEST(ShippedCatalogue, CarriesCautionAndBothLanguages) {
  const auto catalogue = Catalogue::load(TOCSIN_SOURCE_DIR "/figures");
  ASSERT_TRUE(catalogue);
  for (const FigureDefinition& figure : catalogue->figures()) {
    for (const char* language : {"en", "zh"}) {
      EXPECT_TRUE(figure.title.contains(language)) << figure.id;
      EXPECT_TRUE(figure.definition.contains(language)) << figure.id;
      EXPECT_TRUE(figure.caution.contains(language)) << figure.id;
    }
  }
}

TEST(ShippedCatalogue, CompilesEveryFigureByItsDimensions) {
  const auto catalogue = Catalogue::load(TOCSIN_SOURCE_DIR "/figures");
  ASSERT_TRUE(catalogue);
  for (const FigureDefinition& figure : catalogue->figures()) {
    FigureRequest request;
    request.id = figure.id;
    request.by = figure.by;
    const auto sql = compile(*catalogue, request, "sightings");
    EXPECT_TRUE(sql) << figure.id << ": " << sql.error().message;
  }
}

TEST_F(CatalogueFiles, ReadsEveryFileBelowInOrderOfRank) {
  write("a.toml", kGood);
  std::filesystem::create_directories(directory_ / "mine");
  write("mine/b.toml", std::string(kGood).replace(15, 5, "\"c.d\"\nrank = 1 #"));
  const auto catalogue = load();
  ASSERT_TRUE(catalogue) << catalogue.error().message;
  ASSERT_EQ(catalogue->figures().size(), 2U);
  EXPECT_EQ(catalogue->figures()[0].id, "c.d");
  EXPECT_EQ(catalogue->find("a.b")->kinds, std::vector<std::string>{"scan"});
  EXPECT_EQ(catalogue->find("nothing"), nullptr);
}

TEST_F(CatalogueFiles, NamesFileAndLineOfASyntaxError) {
  EXPECT_THAT(error_of("# one\n# two\n[[figure]\n"), StartsWith("figures/x.toml:3: "));
}

TEST_F(CatalogueFiles, RefusesUnknownKeysWithTheirLine) {
  EXPECT_THAT(error_of(std::string(kGood) + "actors = \"any\"\n"),
              AllOf(StartsWith("figures/x.toml:8: 'actors' is not a key"), HasSubstr("expected one of id, rank")));
  EXPECT_THAT(error_of("[figures]\n"), StartsWith("figures/x.toml:1: expected [[figure]]"));
}

TEST_F(CatalogueFiles, SaysWhatWasExpectedOfAValue) {
  const std::string good = kGood;
  EXPECT_THAT(error_of(good + "actor = \"abroad\"\n"), StartsWith("figures/x.toml:8: actor expected one of overseas"));
  EXPECT_THAT(error_of(good + "by = [\"planet\"]\n"), StartsWith("figures/x.toml:8: by expected dimensions"));
  EXPECT_THAT(error_of(good + "by = 5\n"), StartsWith("figures/x.toml:8: by expected a list"));
  EXPECT_THAT(error_of(good + "rank = \"first\"\n"), StartsWith("figures/x.toml:8: rank expected a whole number"));
  EXPECT_THAT(error_of(good + "caution = \"text\"\n"), StartsWith("figures/x.toml:8: caution expected texts by"));
  EXPECT_THAT(error_of(good + "of = \"a.b\"\n"), HasSubstr("is not a share"));
  EXPECT_THAT(error_of(good + "where = \"evil = 1\"\n"),
              AllOf(StartsWith("figures/x.toml:8: where, column 1: expected one of the columns"), HasSubstr("'evil'")));
  EXPECT_THAT(error_of("[[figure]]\nid = \"a.b\"\n"), StartsWith("figures/x.toml:1: a.b expected a measure"));
  EXPECT_THAT(error_of("[[figure]]\nid = \"'; drop\"\n"), StartsWith("figures/x.toml:2: id expected"));
}

TEST_F(CatalogueFiles, RefusesAnIdTwiceAndAShareOfNothing) {
  EXPECT_THAT(error_of(std::string(kGood) + kGood),
              AllOf(StartsWith("figures/x.toml:8: a.b is defined already at figures/x.toml:1")));
  EXPECT_THAT(error_of("[[figure]]\nid = \"a.s\"\nmeasure = \"share\"\nof = \"a.z\"\nunit = \"%\"\ntitle.en = \"A\"\n"
                       "definition.en = \"B\"\n"),
              StartsWith("figures/x.toml:4: of expected the id of a figure that counts"));
}

TEST_F(CatalogueFiles, SurvivesBeingCutAtEveryByteAndRandomBytes) {
  const std::string good =
      std::string(kGood) + "where = \"family = 'a' and (target_port in (1, 2) or not cve is null)\"\n";
  ASSERT_EQ(error_of(good), "");
  for (std::size_t size = 0; size < good.size(); ++size) error_of(good.substr(0, size));
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::string bytes = good;
    for (int i = 0; i < 4; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    error_of(bytes);
  }
}

TEST_F(CatalogueFiles, SaysThatADirectoryIsMissing) {
  const auto catalogue = Catalogue::load((root_ / "none").string());
  ASSERT_FALSE(catalogue);
  EXPECT_THAT(catalogue.error().message, HasSubstr("expected the directory of the catalogue"));
}

TEST_F(CatalogueFiles, LimitsTheDepthOfConditions) {
  EXPECT_THAT(error_of(std::string(kGood) + "where = \"" + std::string(1000, '(') + "\"\n"), HasSubstr("levels"));
  std::string nots;
  for (int i = 0; i < 900; ++i) nots += "not ";
  EXPECT_THAT(error_of(std::string(kGood) + "where = \"" + nots + "\"\n"), HasSubstr("levels"));
}

TEST(Sectors, AreNamedInBothLanguages) {
  const auto catalogue =
      Catalogue::load(TOCSIN_SOURCE_DIR "/figures", TOCSIN_SOURCE_DIR "/constituencies/sectors.toml");
  ASSERT_TRUE(catalogue) << catalogue.error().message;
  const SectorNames& names = *catalogue->figures().front().sectors;
  EXPECT_EQ(names.at("finance/banking").at("en"), "Banks");
  EXPECT_EQ(names.at("finance/banking").at("zh"), "银行");
  for (const auto& [code, texts] : names) EXPECT_EQ(texts.size(), 2U) << code;
}

TEST(Sectors, AFileThatIsWrongIsAnErrorWithItsLine) {
  const auto path = std::filesystem::temp_directory_path() / fmt::format("tocsin-sectors-{}.toml", ::getpid());
  for (const char* text : {"[sectors]\nenergy = [\"Energy\"]\n", "[sectors]\nenergy = \"Energy\"\n",
                           "[sectors]\nenergy = [\"Energy\", 3]\n", "[sectors]\nenergy = [\n"}) {
    std::ofstream(path) << text;
    const auto catalogue = Catalogue::load(TOCSIN_SOURCE_DIR "/figures", path.string());
    ASSERT_FALSE(catalogue) << text;
    EXPECT_THAT(catalogue.error().message, testing::HasSubstr(".toml:")) << text;
  }
  std::filesystem::remove(path);
  EXPECT_FALSE(Catalogue::load(TOCSIN_SOURCE_DIR "/figures", path.string()));
}

}  // namespace
}  // namespace tocsin
