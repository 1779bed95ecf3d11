// A brief over a real store and the real catalogue, and the ways in which one can be changed afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>

#include "publish/ask.h"
#include "publish/report.h"
#include "sample.h"

namespace tocsin {
namespace {

using Json = nlohmann::ordered_json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Sighting control(const char* actor, const char* country, const char* target, Timestamp time) {
  Sighting sighting;
  sighting.kind = Kind::kBotnetControl;
  sighting.confidence = Confidence::kConfirmed;
  sighting.detector = "indicator";
  sighting.rule = actor;
  sighting.actor = {IpAddress::parse(actor).value(), 443};
  sighting.target = {IpAddress::parse(target).value(), 50'000};
  sighting.first_seen = sighting.last_seen = time;
  sighting.actor_country = CountryCode::parse(country).value();
  sighting.target_country = CountryCode::parse("CZ").value();
  sighting.target_inside = true;
  sighting.count = 22;
  return sighting;
}

class Verify : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() / ("tocsin-publish-" + std::to_string(::getpid()));
    std::filesystem::remove_all(directory_);
    ASSERT_TRUE(SightingStore::create(directory_));
    store_ = std::move(SightingStore::open(directory_).value());
    database_ = std::move(Database::open(2).value());
    catalogue_ = Catalogue::load(TOCSIN_SOURCE_DIR "/figures").value();
    const Timestamp day = sample::at("2024-02-13");
    add("a", {control("198.51.100.7", "US", "147.32.80.37", day + kHour),
              control("198.51.100.8", "US", "147.32.80.38", day + kDay + kHour),
              control("203.0.113.9", "DE", "147.32.80.37", day + kDay)});
    request_.period = {day, day + 2 * kDay};
    request_.confidence = Confidence::kConfirmed;
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  void add(const std::string& source, const std::vector<Sighting>& sightings, std::uint64_t skipped = 0) {
    auto run = std::move(store_->begin().value());
    for (const Sighting& sighting : sightings) ASSERT_TRUE(run->append(sighting, source, "packet 1"));
    SourceRecord record;
    record.id = record.name = record.sha256 = source;
    record.records = 10;
    record.skipped = skipped;
    ASSERT_TRUE(run->commit({record}, {}));
  }
  Brief brief() {
    auto made = compose(catalogue_, *store_, *database_, request_, "Czechia", {"2026-06-17"});
    if (!made) throw std::runtime_error(made.error().message);
    return std::move(*made);
  }
  std::vector<std::string> differences_in(const std::string& json) {
    auto found = differences(json, catalogue_, *store_, *database_);
    if (!found) throw std::runtime_error(found.error().message);
    return std::move(*found);
  }
  // Of the brief after a change to its JSON.
  std::vector<std::string> changed(const std::function<void(Json&)>& change) {
    Json json = Json::parse(to_json(brief()));
    change(json);
    return differences_in(json.dump());
  }

  std::filesystem::path directory_;
  std::unique_ptr<SightingStore> store_;
  std::unique_ptr<Database> database_;
  Catalogue catalogue_;
  FigureRequest request_;
};

TEST_F(Verify, ComposesTheFiguresOfAStore) {
  const Json json = Json::parse(to_json(brief()));
  EXPECT_EQ(json["headline"][0],
            "3 overseas servers controlled hosts of Czechia by Trojans or botnets between 13 and 14 February 2024 "
            "(confirmed); 2 of them (66.7%) were in the United States, the largest point of origin.");
  const Json& figure = json["figures"][0];
  EXPECT_EQ(figure["figure"], "botnet.overseas-servers");
  EXPECT_EQ(figure["value"], 3);
  EXPECT_TRUE(figure["previous"].is_null());
  EXPECT_EQ(figure["trend"], Json::parse(R"([{"day":"2024-02-13","value":1},{"day":"2024-02-14","value":2}])"));
  EXPECT_EQ(json["ledger"]["sequence"], 1);
  EXPECT_EQ(json["sources"][0]["name"], "a");
}

TEST_F(Verify, AnUnchangedBriefHasNoDifferences) { EXPECT_THAT(differences_in(to_json(brief())), IsEmpty()); }

TEST_F(Verify, ABriefOfOtherRowsThanItSaysIsFound) {
  // As if the query had counted rows of all confidences: all of the brief agrees with itself.
  request_.confidence = Confidence::kSuspected;
  Sighting doubtful = control("192.0.2.99", "FR", "147.32.80.39", sample::at("2024-02-13 12:00"));
  doubtful.confidence = Confidence::kSuspected;
  add("b", {doubtful});
  Json json = Json::parse(to_json(brief()));
  json["confidence"] = "confirmed";
  EXPECT_THAT(differences_in(json.dump()),
              testing::IsSupersetOf({"botnet.overseas-servers: 4 in the brief, 3 recomputed",
                                     "botnet.overseas-servers, actor-country FR: 1 in the brief, nothing recomputed",
                                     "botnet.overseas-servers, day 2024-02-13: 2 in the brief, 1 recomputed"}));
}

TEST_F(Verify, AFigureThatStandsManyTimesIsCountedOnceAndTooManyAreRefused) {
  Json json = Json::parse(to_json(brief()));
  const Json figure = json["figures"][0];
  for (int i = 0; i < 3000; ++i) json["figures"].push_back(figure);
  EXPECT_THAT(differences_in(json.dump()), testing::Not(Contains(HasSubstr("botnet.overseas-servers"))));
  for (std::size_t i = 0; i < json["figures"].size(); ++i) json["figures"][i]["figure"] = "a." + std::to_string(i);
  const auto found = differences(json.dump(), catalogue_, *store_, *database_);
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, HasSubstr("at most 1000 different ones"));
}

TEST_F(Verify, WhatIsAddedLaterChangesNoBrief) {
  const std::string json = to_json(brief());
  add("b", {control("192.0.2.77", "FR", "147.32.80.39", sample::at("2024-02-13 12:00"))});
  EXPECT_THAT(differences_in(json), IsEmpty());
  EXPECT_EQ(Json::parse(to_json(brief()))["figures"][0]["value"], 4);
}

TEST_F(Verify, ComparesTheHashOfAnEarlierLineToo) {
  Json json = Json::parse(to_json(brief()));
  add("b", {});
  EXPECT_THAT(differences_in(json.dump()), IsEmpty());
  json["ledger"]["hash"] = "00";
  EXPECT_THAT(differences_in(json.dump()), ElementsAre(HasSubstr("ledger line 1: hash 00 in the brief")));
  json["ledger"]["hash"] = "";
  EXPECT_THAT(differences_in(json.dump()), ElementsAre(HasSubstr("ledger line 1: hash missing in the brief")));
}

TEST_F(Verify, ABriefOfAnEarlierLineHasItsHashAndItsSources) {
  const std::string first = store_->head()->hash;
  add("b", {control("192.0.2.77", "FR", "147.32.80.39", sample::at("2024-02-13 12:00"))}, 5);
  EXPECT_EQ(brief().sections[0].figure.skipped, 5U);
  request_.sequence = 1;
  const Json json = Json::parse(to_json(brief()));
  EXPECT_EQ(json["ledger"]["sequence"], 1);
  EXPECT_EQ(json["ledger"]["hash"], first);
  EXPECT_EQ(json["sources"].size(), 1U);
  EXPECT_EQ(json["figures"][0]["value"], 3);
  EXPECT_EQ(brief().sections[0].figure.skipped, 0U);
  EXPECT_THAT(differences_in(json.dump()), IsEmpty());
}

TEST_F(Verify, ABriefOfAnEmptyStoreStaysVerifiable) {
  request_.sequence = 0;
  const std::string json = to_json(brief());
  EXPECT_EQ(Json::parse(json)["ledger"]["sequence"], 0);
  EXPECT_EQ(Json::parse(json)["figures"][0]["value"], 0);
  EXPECT_THAT(differences_in(json), IsEmpty());
}

TEST_F(Verify, NamesTheFigureAndBothNumbers) {
  EXPECT_THAT(changed([](Json& json) { json["figures"][0]["value"] = 5; }),
              ElementsAre("botnet.overseas-servers: 5 in the brief, 3 recomputed"));
  EXPECT_THAT(changed([](Json& json) { json["figures"][0]["previous"] = 7; }),
              ElementsAre("botnet.overseas-servers, period before: 7 in the brief, not known recomputed"));
  EXPECT_THAT(changed([](Json& json) { json["figures"][0]["rows"][0]["value"] = 1; }),
              ElementsAre("botnet.overseas-servers, actor-country US: 1 in the brief, 2 recomputed"));
  EXPECT_THAT(changed([](Json& json) { json["figures"][0]["rows"].erase(1); }),
              ElementsAre("botnet.overseas-servers, actor-country DE: not in the brief, 1 recomputed"));
  EXPECT_THAT(changed([](Json& json) { json["figures"][0]["rows"][0]["key"]["actor-country"] = "CN"; }),
              ElementsAre("botnet.overseas-servers, actor-country US: not in the brief, 2 recomputed",
                          "botnet.overseas-servers, actor-country CN: 2 in the brief, nothing recomputed"));
  EXPECT_THAT(changed([](Json& json) { json["figures"][0]["trend"][0]["value"] = 9; }),
              ElementsAre("botnet.overseas-servers, day 2024-02-13: 9 in the brief, 1 recomputed"));
  EXPECT_THAT(changed([](Json& json) { json["headline"][0] = "All was quiet."; }),
              ElementsAre(HasSubstr("headline 1: \"All was quiet.\" in the brief, \"3 overseas servers")));
  EXPECT_THAT(changed([](Json& json) { json["figures"][0]["figure"] = "no.such-figure"; }),
              Contains(HasSubstr("no.such-figure: 3 in the brief, not recomputed")));
  EXPECT_THAT(changed([](Json& json) { json["ledger"]["sequence"] = 9; }),
              ElementsAre("the brief was made at line 9 of a ledger; this store's has 1"));
  EXPECT_THAT(changed([](Json& json) { json["ledger"]["hash"] = "00"; }),
              ElementsAre(HasSubstr("ledger line 1: hash")));
}

TEST_F(Verify, AMalformedBriefIsAnErrorThatNamesWhatIsWrong) {
  const auto error_after = [&](const std::function<void(Json&)>& change) {
    Json json = Json::parse(to_json(brief()));
    change(json);
    const auto found = differences(json.dump(), catalogue_, *store_, *database_);
    return found ? "" : found.error().message;
  };
  EXPECT_THAT(error_after([](Json& json) { json["figures"][3]["value"] = "many"; }),
              HasSubstr("figures[3].value: a number was expected"));
  EXPECT_THAT(error_after([](Json& json) { json.erase("ledger"); }), HasSubstr("ledger: is missing"));
  EXPECT_THAT(error_after([](Json& json) { json["period"]["from"] = "yesterday"; }), HasSubstr("period.from: "));
  EXPECT_THAT(error_after([](Json& json) { json["confidence"] = "certain"; }), HasSubstr("confidence: "));
  EXPECT_THAT(error_after([](Json& json) { json["figures"] = 1; }), HasSubstr("figures: an array was expected"));
  EXPECT_THAT(error_after([](Json& json) { json = Json::array(); }), HasSubstr("an object was expected"));
  const auto text = differences("{\"schema\": ", catalogue_, *store_, *database_);
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr("this is not JSON: damaged at byte"));
}

TEST(BriefJson, IsReadBackAsItWasWrittenAndSurvivesDamage) {
  const Brief brief = sample::small();
  const std::string json = to_json(brief);
  const auto parsed = publish::parse_brief(json);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->period, brief.period);
  EXPECT_EQ(parsed->figures.size(), 3U);
  // All but the last newline is needed.
  for (std::size_t cut = 0; cut + 1 < json.size(); ++cut) EXPECT_FALSE(publish::parse_brief(json.substr(0, cut)));
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = json;
    for (int i = 0; i < 4; ++i) damaged[random() % damaged.size()] = static_cast<char>(random() % 256);
    (void)publish::parse_brief(damaged);  // must not crash
  }
  EXPECT_FALSE(publish::parse_brief(std::string(1'000'000, '[')));
}

// Checks what the schema requires of `value`, as far as the keywords go that docs/brief.schema.json uses.
void conforms(const Json& value, const Json& schema, const Json& root, const std::string& at) {
  if (schema.contains("$ref")) {
    conforms(value, root.at(Json::json_pointer(schema["$ref"].get<std::string>().substr(1))), root, at);
  }
  if (schema.contains("oneOf")) {
    EXPECT_TRUE(value.is_null() || value.is_string()) << at;
    return;
  }
  if (schema.contains("const")) {
    EXPECT_EQ(value, schema["const"]) << at;
  }
  if (schema.contains("enum")) {
    EXPECT_THAT(schema["enum"], Contains(value)) << at;
  }
  if (schema.contains("type")) {
    std::set<std::string> types;
    if (value.is_object()) types.insert("object");
    if (value.is_array()) types.insert("array");
    if (value.is_string()) types.insert("string");
    if (value.is_null()) types.insert("null");
    if (value.is_number()) types.insert("number");
    if (value.is_number_integer()) types.insert("integer");
    const Json allowed = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
    EXPECT_TRUE(std::ranges::any_of(allowed, [&](const Json& type) { return types.contains(type.get<std::string>()); }))
        << at << " is " << value.type_name();
  }
  if (schema.contains("minimum")) {
    EXPECT_GE(value.get<double>(), schema["minimum"].get<double>()) << at;
  }
  if (schema.contains("required")) {
    for (const Json& name : schema["required"]) EXPECT_TRUE(value.contains(name.get<std::string>())) << at << name;
  }
  if (value.is_object()) {
    for (const auto& [name, member] : value.items()) {
      if (schema.contains("properties") && schema["properties"].contains(name)) {
        conforms(member, schema["properties"][name], root, at + "." + name);
      } else if (schema.contains("additionalProperties")) {
        conforms(member, schema["additionalProperties"], root, at + "." + name);
      } else if (schema.contains("properties")) {
        ADD_FAILURE() << at << "." << name << " is not in the schema";
      }
    }
  }
  if (value.is_array() && schema.contains("items")) {
    for (const Json& item : value) conforms(item, schema["items"], root, at + "[]");
  }
}

TEST(BriefJson, ConformsToItsSchema) {
  std::ifstream file(TOCSIN_SOURCE_DIR "/docs/brief.schema.json");
  const Json schema = Json::parse(file);
  for (const Brief& brief : {sample::small(), sample::article(), Brief{}}) {
    conforms(Json::parse(to_json(brief)), schema, schema, "brief");
  }
}

}  // namespace
}  // namespace tocsin
