// The two ways of counting agree: what SQL answers, plain C++ counts.
#include "figures/answer_all.h"

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "sightings_table.h"

namespace tocsin {
namespace {

using testing::HasSubstr;

const Catalogue& catalogue() {
  static const Catalogue loaded = [] {
    auto read = Catalogue::load(TOCSIN_SOURCE_DIR "/figures");
    if (!read) throw std::runtime_error(read.error().message);
    return std::move(*read);
  }();
  return loaded;
}

// Figures of a catalogue of one's own.
Catalogue catalogue_of(const std::string& toml) {
  static int made = 0;
  const auto directory = std::filesystem::temp_directory_path() /
                         ("tocsin-answer-all-" + std::to_string(::getpid()) + std::to_string(++made));
  std::filesystem::create_directories(directory);
  std::ofstream(directory / "x.toml") << toml;
  auto read = Catalogue::load(directory.string());
  std::filesystem::remove_all(directory);
  if (!read) throw std::runtime_error(read.error().message);
  return std::move(*read);
}

FigureRequest request(const std::string& id, std::vector<std::string> by = {}, const char* from = "2013-01-01",
                      const char* to = "2013-03-01", const std::string& zone = "UTC") {
  FigureRequest asked;
  asked.id = id;
  asked.by = std::move(by);
  asked.zone = zone;
  asked.period = {*parse_time(from, zone), *parse_time(to, zone)};
  return asked;
}

std::string shown(const Expected<FigureResult>& result) {
  if (!result) return "an error";
  std::string text = fmt::format("{} before {} overlap {}", result->value,
                                 result->previous ? fmt::format("{}", *result->previous) : "none", result->overlap);
  for (const FigureRow& row : result->rows) {
    text += fmt::format("\n{}={} ({:.9})", fmt::join(row.key, "/"), row.value, row.share);
  }
  return text;
}

std::string shown(const FigureRequest& asked) {
  return fmt::format("{} by {} of {} to {} in {}, {}, confidence {}", asked.id, fmt::join(asked.by, ", "),
                     asked.period.from, asked.period.to, asked.zone, asked.measure, static_cast<int>(asked.confidence));
}

class OnePass : public testing::Test {
 protected:
  // Each request answered both ways; the number of those that were.
  std::size_t agree(const Catalogue& figures, const std::vector<FigureRequest>& requests) {
    const auto again = answer_all_over(figures, "sightings", table_.database(), requests, "CZ");
    if (!again) throw std::runtime_error(again.error().message);
    std::size_t answered = 0;
    int differing = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const auto first = answer_over(figures, "sightings", table_.database(), requests[i], "CZ");
      answered += first.has_value();
      const std::string a = shown(first);
      const std::string b = shown((*again)[i]);
      if (a == b) continue;
      EXPECT_EQ(a, b) << shown(requests[i]) << (first ? "" : first.error().message)
                      << ((*again)[i] ? "" : (*again)[i].error().message);
      if (++differing == 5) break;
    }
    return answered;
  }
  // Rows in and around the days when clocks change in Europe, with few of everything, so that all meets.
  void add_random(int rows, unsigned seed) {
    std::mt19937 random(seed);
    const auto one_of = [&](std::vector<std::string> texts) { return texts[random() % texts.size()]; };
    std::string sql;
    for (int i = 0; i < rows; ++i) {
      Row row;
      row.actor = one_of({"203.0.113.1", "203.0.113.2", "203.0.113.3", "2001:db8::1", ""});
      row.target = one_of({"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::2", ""});
      row.seen = fmt::format("2013-{:02}-{:02} {:02}:{:02}:{:02}", 1 + random() % 4, 1 + random() % 28, random() % 24,
                             one_of({"0", "30", "59"}) == "0" ? 0 : random() % 60, random() % 60);
      if (random() % 4 == 0) {
        row.seen = fmt::format("2013-03-{} {}", one_of({"30", "31"}),
                               one_of({"22:59:59", "23:00:00", "00:59:59.999999", "01:00:00", "22:00:00", "21:59:59"}));
      }
      row.actor_country = one_of({"US", "DE", "CZ", ""});
      row.kind = one_of({"botnet-control", "backdoor", "phishing", "defacement", "intrusion", "web-attack", "exploit",
                         "scan", "brute-force", "denial-of-service", "malware-distribution"});
      row.confidence = 1 + static_cast<int>(random() % 3);
      row.count = 1 + static_cast<int>(random() % 20);
      row.actor_inside = row.actor_country == "CZ";
      row.target_inside = random() % 4 != 0;
      row.target_name = one_of({"", "", "www.example", "a.example", "192.0.2.1"});
      row.actor_name = one_of({"", "", "c2.example", "b.example"});
      row.family = one_of({"", "mirai", "o'neil", "zeus"});
      row.sector = one_of({"", "government", "government/tax", "governments", "energy"});
      row.actor_asn = static_cast<int>(random() % 3) * 64500;
      row.port = one_of({"0", "80", "443", "8080"}) == "80" ? 80 : static_cast<int>(random() % 4) * 1000;
      row.detector = one_of({"indicator", "alert", "web-attack", "beacon"});
      table_.add(row);
      // Further rows of the same sighting.
      for (; random() % 3 == 0; table_.add(row)) {
        row.family = one_of({"", "mirai", "zeus"});
        row.confidence = 1 + static_cast<int>(random() % 3);
        row.port = static_cast<int>(random() % 4) * 1000;
      }
    }
    // What a store has as NULL.
    table_.run("UPDATE sightings SET family = NULL WHERE family = '' AND \"count\" % 2 = 0");
    table_.run("UPDATE sightings SET \"group\" = CASE WHEN \"count\" % 3 = 0 THEN 'apt-x' END");
    table_.run("UPDATE sightings SET target_name = NULL WHERE target_name = '' AND \"count\" % 2 = 0");
    table_.run("UPDATE sightings SET actor_name = NULL WHERE actor_name = '' AND \"count\" % 2 = 1");
    table_.run("UPDATE sightings SET actor_asn = NULL WHERE actor_asn = 0 AND \"count\" % 2 = 1");
    table_.run("UPDATE sightings SET target_port = NULL WHERE target_port = 3000");
  }

  SightingsTable table_;
};

TEST_F(OnePass, AnEmptyStoreIsZeroBothWays) {
  EXPECT_EQ(agree(catalogue(), {request("botnet.overseas-servers", {"actor-country"}), request("exploit.attempts")}),
            2U);
}

TEST_F(OnePass, EveryFigureByEveryDimensionAgrees) {
  add_random(600, 1);
  std::vector<FigureRequest> requests;
  for (const FigureDefinition& figure : catalogue().figures()) {
    requests.push_back(request(figure.id));
    for (const std::string& name : dimension_names()) requests.push_back(request(figure.id, {name}));
  }
  EXPECT_EQ(agree(catalogue(), requests), requests.size());
}

TEST_F(OnePass, PeriodsAndZonesAgreeAlsoWhereClocksChange) {
  add_random(600, 2);
  std::vector<FigureRequest> requests;
  for (const char* zone : {"UTC", "Europe/Prague", "Asia/Shanghai", "-08:00", "America/Havana", "America/Sao_Paulo",
                           "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"}) {
    for (const auto& [from, to] :
         std::vector<std::pair<const char*, const char*>>{{"2013-01-01", "2013-05-01"},
                                                          {"2013-03-01", "2013-04-01"},
                                                          {"2013-03-31", "2013-04-01"},
                                                          {"2013-03-31 01:30", "2013-03-31 09:30"},
                                                          {"2013-02-10", "2013-04-20 07:15"},
                                                          {"2020-01-01", "2020-02-01"}}) {
      for (const char* id : {"botnet.controlled-hosts", "exploit.attempts", "scan.attempts", "botnet.overseas-share"}) {
        if (!catalogue().find(id)) continue;
        for (const char* by : {"day", "week", "month", "actor-country"}) {
          requests.push_back(request(id, {by}, from, to, zone));
        }
        if (catalogue().find(id)->measure == "share") continue;
        requests.push_back(request(id, {"month"}, from, to, zone));
        requests.back().measure = "monthly-mean";
      }
    }
  }
  EXPECT_EQ(agree(catalogue(), requests), requests.size());
}

TEST_F(OnePass, MeasuresConfidencesLimitsAndSeveralDimensionsAgree) {
  add_random(600, 3);
  std::vector<FigureRequest> requests;
  for (const FigureDefinition& figure : catalogue().figures()) {
    for (const Confidence confidence : {Confidence::kSuspected, Confidence::kProbable, Confidence::kConfirmed}) {
      FigureRequest asked = request(figure.id, {"actor-country", "target-port"});
      asked.confidence = confidence;
      requests.push_back(asked);
      asked.limit = 3;
      requests.push_back(asked);
      if (figure.measure == "share") continue;
      for (const char* measure : {"monthly-mean", "sightings", "attempts", "distinct-actors", "distinct-targets"}) {
        asked.measure = measure;
        requests.push_back(asked);
      }
      asked.measure = "monthly-mean";
      asked.period = {};
      requests.push_back(asked);
      asked.period.to = *parse_time("2013-03-15");
      requests.push_back(asked);
    }
    requests.push_back(request(figure.id, {"day", "actor", "target", "detector"}));
    requests.push_back(request(figure.id, {"family", "target-sector"}));
    requests.back().period = {};
  }
  agree(catalogue(), requests);
}

TEST_F(OnePass, WhatTheCatalogueCanSayAgrees) {
  add_random(600, 4);
  std::string toml;
  std::vector<FigureRequest> requests;
  const auto figure = [&](const std::string& id, const std::string& rest) {
    toml += "[[figure]]\nid = \"" + id + "\"\nunit = \"x\"\ntitle.en = \"a\"\ndefinition.en = \"b\"\n" + rest + "\n";
    requests.push_back(request(id, {"actor-country"}));
    requests.push_back(request(id));
  };
  int number = 0;
  for (const char* where : {"family = 'mirai'",
                            "family != 'mirai'",
                            "not family = 'mirai'",
                            "not (family = 'mirai' or target_port = 80)",
                            "family in ('mirai', 'zeus') and target_port not in (80, 1000)",
                            "family is null or family < 'n'",
                            "not (family is null) and target_port >= 1000",
                            "family not in ('mirai') or target_port <= 80",
                            "target_sector under 'government'",
                            "target_sector not under 'government/tax/'",
                            "actor_ip = '203.0.113.2' or target_ip > '192.0.2.1'",
                            "target_inside",
                            "not target_inside",
                            "actor_inside = false and target_inside = true",
                            "first_seen >= '2013-02-01' and first_seen < '2013-02-20'",
                            "count > 10 or not count != 3",
                            "kind = 'scan' or detector = 'alert' and rule = 'rule'",
                            "(kind = 'scan' or detector = 'alert') and not (target_port is null)",
                            "not (target_port > 80 and family = 'x')",
                            "actor_asn in (64500) or group = 'apt-x'",
                            "target_name under '192.0.2.1' or actor_name = ''"}) {
    figure(fmt::format("w.{}", ++number), fmt::format("measure = \"attempts\"\nwhere = \"\"\"{}\"\"\"", where));
  }
  for (const char* measure : {"distinct actors", "distinct targets"}) {
    for (const char* count : {"address", "name", "name+address", "address+name"}) {
      figure(fmt::format("c.{}", ++number), fmt::format("measure = \"{}\"\ncount = \"{}\"", measure, count));
    }
  }
  for (const char* side : {"overseas", "constituency", "domestic", "any"}) {
    figure(fmt::format("s.{}", ++number), fmt::format("measure = \"sightings\"\nactor = \"{}\"", side));
    figure(fmt::format("t.{}", ++number), fmt::format("measure = \"monthly mean\"\ntarget = \"{}\"", side));
  }
  const int whole = number;
  for (const char* measure : {"distinct actors", "distinct targets", "sightings", "attempts"}) {
    figure(fmt::format("of.{}", ++number), fmt::format("measure = \"{}\"\ntarget = \"constituency\"", measure));
    figure(fmt::format("share.{}", number),
           fmt::format("measure = \"share\"\nof = \"of.{}\"\nwhere = \"family = 'mirai'\"", number));
  }
  EXPECT_EQ(number, whole + 4);
  EXPECT_EQ(agree(catalogue_of(toml), requests), requests.size());
}

TEST_F(OnePass, ManyPartsOfOneEventAgree) {
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    table_.add({.kind = "exploit",
                .count = 1 + static_cast<int>(random() % 9),
                .port = static_cast<int>(random() % 40),
                .detector = random() % 2 ? "alert" : "web-attack"});
  }
  EXPECT_EQ(agree(catalogue(), {request("exploit.attempts", {"target-port"}), request("exploit.attempts", {"detector"}),
                                request("exploit.attempts")}),
            3U);
}

TEST_F(OnePass, SegmentsAreReadDayByDay) {
  add_random(400, 6);
  const auto root = std::filesystem::temp_directory_path() / ("tocsin-answered-" + std::to_string(::getpid()));
  std::vector<Segment> segments;
  for (Timestamp day = *parse_time("2013-01-01"); day < *parse_time("2013-05-01"); day += kDay) {
    const std::string name = format_day(day);
    std::filesystem::create_directories(root / name);
    for (const int half : {0, 1}) {
      segments.emplace_back().path = (root / name / fmt::format("{}.parquet", half)).string();
      segments.back().rows = 1;
      table_.run(
          fmt::format("COPY (SELECT * FROM sightings WHERE CAST(first_seen AS DATE) = '{}' AND \"count\" % 2 = "
                      "{}) TO {} (FORMAT parquet)",
                      name, half, sql_text(segments.back().path)));
    }
  }
  std::vector<FigureRequest> requests;
  for (const FigureDefinition& figure : catalogue().figures()) {
    requests.push_back(request(figure.id, {"day"}, "2013-03-15", "2013-04-15", "Europe/Prague"));
    requests.push_back(request(figure.id, figure.by, "2013-02-03 07:00", "2013-04-01"));
  }
  const auto again = answer_all_over(catalogue(), segments, table_.database(), requests, "CZ");
  ASSERT_TRUE(again) << again.error().message;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(shown(answer_over(catalogue(), segments, table_.database(), requests[i], "CZ")), shown((*again)[i]))
        << shown(requests[i]);
  }
  std::ofstream(segments[100].path, std::ios::trunc) << "PAR1 is cut short";
  EXPECT_FALSE(answer_all_over(catalogue(), segments, table_.database(), requests, "CZ"));
  std::filesystem::remove(segments[100].path);
  EXPECT_FALSE(answer_all_over(catalogue(), segments, table_.database(), requests, "CZ"));
  segments.front().path = "elsewhere.parquet";
  EXPECT_FALSE(answer_all_over(catalogue(), segments, table_.database(), requests, "CZ"));
  std::filesystem::remove_all(root);
}

TEST_F(OnePass, AWrongRequestIsAnErrorOfItsOwn) {
  table_.add({});
  FigureRequest wrong_zone = request("scan.attempts", {"day"});
  wrong_zone.zone = "Middle/Earth";
  FigureRequest wrong_measure = request("scan.attempts");
  wrong_measure.measure = "x'; DROP TABLE sightings; --";
  const auto results =
      answer_all_over(catalogue(), "sightings", table_.database(),
                      {request("no.such"), request("scan.attempts", {"x"}), request("scan.attempts", {"day", "day"}),
                       request("scan.attempts", {}, "2013-01-01", "2013-01-01"), wrong_zone, wrong_measure,
                       request("botnet.controlled-hosts")},
                      "CZ");
  ASSERT_TRUE(results) << results.error().message;
  const auto error = [&](std::size_t i) { return (*results)[i] ? "" : (*results)[i].error().message; };
  EXPECT_THAT(error(0), HasSubstr("no figure"));
  EXPECT_THAT(error(1), HasSubstr("is not a dimension"));
  EXPECT_THAT(error(2), HasSubstr("twice"));
  EXPECT_THAT(error(3), HasSubstr("period is empty"));
  EXPECT_THAT(error(4), HasSubstr("time zone"));
  EXPECT_THAT(error(5), HasSubstr("is not a measure"));
  ASSERT_TRUE((*results)[6]);
  EXPECT_EQ((*results)[6]->value, 1);
}

TEST_F(OnePass, ARelationWithOtherColumnsIsAnError) {
  table_.run("CREATE TABLE others AS SELECT * REPLACE (CAST(\"count\" AS VARCHAR) AS \"count\") FROM sightings");
  for (const char* name : {"others", "nothing"}) {
    EXPECT_FALSE(answer_all_over(catalogue(), name, table_.database(), {request("exploit.attempts")}, "CZ")) << name;
  }
}

}  // namespace
}  // namespace tocsin
