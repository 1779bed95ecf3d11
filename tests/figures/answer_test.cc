#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sightings_table.h"

namespace tocsin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Catalogue& catalogue() {
  static const Catalogue loaded = [] {
    auto read = Catalogue::load(TOCSIN_SOURCE_DIR "/figures");
    if (!read) throw std::runtime_error(read.error().message);
    return std::move(*read);
  }();
  return loaded;
}

FigureRequest request(const std::string& id, std::vector<std::string> by = {}, const char* from = "2013-01-01",
                      const char* to = "2013-03-01") {
  FigureRequest asked;
  asked.id = id;
  asked.by = std::move(by);
  asked.period = {*parse_time(from), *parse_time(to)};
  return asked;
}

class Answers : public testing::Test {
 protected:
  FigureResult ask(const FigureRequest& asked) {
    auto result = answer_over(catalogue(), "sightings", table_.database(), asked, "CZ");
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(*result);
  }
  double value(const std::string& id) { return ask(request(id)).value; }
  std::string error_of(const FigureRequest& asked) {
    const auto result = answer_over(catalogue(), "sightings", table_.database(), asked, "CZ");
    return result ? "" : result.error().message;
  }
  // "US=2" for each row.
  static std::vector<std::string> shown(const FigureResult& result) {
    std::vector<std::string> rows;
    for (const FigureRow& row : result.rows) rows.push_back(fmt::format("{}={}", fmt::join(row.key, "/"), row.value));
    return rows;
  }

  SightingsTable table_;
};

TEST_F(Answers, EmptyStoreHasZeroAndNoPrevious) {
  const FigureResult result = ask(request("botnet.overseas-servers", {"actor-country"}));
  EXPECT_EQ(result.value, 0);
  EXPECT_EQ(result.previous, std::nullopt);
  EXPECT_TRUE(result.rows.empty());
  EXPECT_EQ(result.overlap, 0);
}

TEST_F(Answers, CountsAHostControlledFromTwoCountriesOnceAndTellsTheOverlap) {
  table_.add({.actor = "203.0.113.1", .target = "192.0.2.1", .actor_country = "US"});
  table_.add({.actor = "203.0.113.2", .target = "192.0.2.1", .actor_country = "US"});
  table_.add({.actor = "203.0.113.3", .target = "192.0.2.1", .actor_country = "DE"});
  table_.add({.actor = "203.0.113.1", .target = "192.0.2.2", .actor_country = "US"});
  const FigureResult hosts = ask(request("botnet.controlled-hosts", {"actor-country"}));
  EXPECT_EQ(hosts.value, 2);
  EXPECT_THAT(shown(hosts), ElementsAre("US=2", "DE=1"));
  EXPECT_EQ(hosts.overlap, 1);
  EXPECT_DOUBLE_EQ(hosts.rows[0].share, 1.0);
  EXPECT_DOUBLE_EQ(hosts.rows[1].share, 0.5);
  const FigureResult servers = ask(request("botnet.overseas-servers", {"actor-country"}));
  EXPECT_EQ(servers.value, 3);
  EXPECT_THAT(shown(servers), ElementsAre("US=2", "DE=1"));
  EXPECT_EQ(servers.overlap, 0);
}

TEST_F(Answers, OverseasNeedsAKnownCountryThatIsNotInside) {
  table_.add({.actor = "203.0.113.1", .actor_country = "US"});
  table_.add({.actor = "203.0.113.2", .actor_country = ""});
  table_.add({.actor = "203.0.113.3", .actor_country = "CZ", .actor_inside = true});
  table_.add({.actor = "203.0.113.4", .actor_country = "US", .target_inside = false});
  EXPECT_EQ(value("botnet.overseas-servers"), 1);
  EXPECT_EQ(value("botnet.domestic-servers"), 1);
  EXPECT_EQ(value("botnet.servers"), 3);
}

// Hashes of 128 bits that take both halves alike would make these one.
TEST_F(Answers, SightingsOfAddressesWithTheSameHalvesInTheOtherOrderAreTwo) {
  table_.add({.actor = "2001:db8:0:1:a001:db8:0:2", .target = "192.0.2.1"});
  table_.add({.actor = "2001:db8:0:2:a001:db8:0:1", .target = "192.0.2.1"});
  EXPECT_EQ(value("any.sightings"), 2);
  table_.add({.actor = "2001:db8::1", .target = "2001:db8:0:1:a001:db8:0:2"});
  table_.add({.actor = "2001:db8::1", .target = "2001:db8:0:2:a001:db8:0:1"});
  EXPECT_EQ(value("any.sightings"), 4);
}

TEST_F(Answers, RefusesToHoldEachRowAgainstThousandsOfSummerTimes) {
  table_.add({.actor = "203.0.113.1"});
  FigureRequest asked = request("any.sightings", {"month"}, "1000-01-01", "9000-01-01");
  EXPECT_EQ(ask(asked).value, 1);
  asked.zone = "America/New_York";
  EXPECT_THAT(error_of(asked), HasSubstr("so long a period"));
  asked.period = {*parse_time("1950-01-01"), *parse_time("2100-01-01")};
  EXPECT_EQ(ask(asked).value, 1);
}

TEST_F(Answers, PeriodsAreHalfOpen) {
  table_.add({.actor = "203.0.113.1", .seen = "2012-12-31 23:59:59.999999"});
  table_.add({.actor = "203.0.113.2", .seen = "2013-01-01 00:00:00"});
  table_.add({.actor = "203.0.113.3", .seen = "2013-02-28 23:59:59.999999"});
  table_.add({.actor = "203.0.113.4", .seen = "2013-03-01 00:00:00"});
  EXPECT_EQ(value("botnet.overseas-servers"), 2);
}

TEST_F(Answers, CountsTheConfidenceAskedForAndAbove) {
  table_.add({.actor = "203.0.113.1", .confidence = 1});
  table_.add({.actor = "203.0.113.2", .confidence = 2});
  table_.add({.actor = "203.0.113.3", .confidence = 3});
  FigureRequest asked = request("botnet.overseas-servers", {"confidence"});
  EXPECT_EQ(ask(asked).value, 2);
  asked.confidence = Confidence::kConfirmed;
  EXPECT_EQ(ask(asked).value, 1);
  asked.confidence = Confidence::kSuspected;
  EXPECT_THAT(shown(ask(asked)), ElementsAre("suspected=1", "probable=1", "confirmed=1"));
}

TEST_F(Answers, PreviousOfWholeMonthsIsAsManyMonthsBefore) {
  table_.add({.actor = "203.0.113.1", .seen = "2012-11-01 00:00:00"});  // in November and December: 61 days, not 59
  table_.add({.actor = "203.0.113.2", .seen = "2012-12-31 00:00:00"});
  table_.add({.actor = "203.0.113.3", .seen = "2013-01-10 00:00:00"});
  EXPECT_EQ(ask(request("botnet.overseas-servers")).previous, 2);
}

TEST_F(Answers, PreviousOfOtherPeriodsIsOfTheSameLength) {
  table_.add({.actor = "203.0.113.1", .seen = "2013-01-04 00:00:00"});
  table_.add({.actor = "203.0.113.2", .seen = "2013-01-03 23:59:59"});
  const auto result = ask(request("botnet.overseas-servers", {}, "2013-01-11", "2013-01-18"));
  EXPECT_EQ(result.previous, 1);
}

TEST_F(Answers, PreviousIsZeroWhereTheStoreReachesFurtherBackAndNoneWhereItDoesNot) {
  table_.add({.actor = "203.0.113.3", .seen = "2013-01-10 00:00:00"});
  EXPECT_EQ(ask(request("botnet.overseas-servers")).previous, std::nullopt);
  table_.add({.seen = "2010-01-01 00:00:00", .kind = "scan", .confidence = 1});
  EXPECT_EQ(ask(request("botnet.overseas-servers")).previous, 0);
}

TEST_F(Answers, AttemptsAreSummedAndSightingsCountedOnce) {
  table_.add({.kind = "exploit", .count = 10});
  table_.add({.seen = "2013-01-15 12:59:59", .kind = "exploit", .count = 5, .port = 80});
  table_.add({.actor = "203.0.113.2", .actor_country = "DE", .kind = "exploit", .count = 100});
  const FigureResult attempts = ask(request("exploit.attempts", {"actor-country"}));
  EXPECT_EQ(attempts.value, 115);
  EXPECT_THAT(shown(attempts), ElementsAre("DE=100", "US=15"));
  EXPECT_EQ(attempts.overlap, 0);
  FigureRequest sightings = request("exploit.attempts", {"actor-country"});
  sightings.measure = "sightings";
  EXPECT_EQ(ask(sightings).value, 2);
  EXPECT_THAT(shown(ask(sightings)), ElementsAre("DE=1", "US=1"));
  sightings.by = {"target-port"};
  EXPECT_EQ(ask(sightings).value, 2);
  EXPECT_THAT(shown(ask(sightings)), ElementsAre("443=2", "80=1"));
  EXPECT_EQ(ask(sightings).overlap, 1);
}

TEST_F(Answers, ASightingIsOfOneDetectorKindActorTargetAndHour) {
  const Row row{.target_name = "ab", .actor_name = "c"};
  const auto count = [&] {
    FigureRequest all = request("any.sightings", {"kind"});
    const FigureResult by_kind = ask(all);
    all.by = {"family"};
    EXPECT_EQ(ask(all).value, by_kind.value);
    all.by = {};
    EXPECT_EQ(ask(all).value, by_kind.value);
    // The id, as it is shown, tells apart what the count does.
    const auto ids = table_.database().query("SELECT count(DISTINCT " + sighting_id_sql() + ") FROM sightings");
    EXPECT_EQ(ids.value().rows.at(0).at(0), Cell(static_cast<std::int64_t>(by_kind.value)));
    return by_kind.value;
  };
  const auto count_with = [&](auto change) {
    Row other = row;
    change(other);
    table_.add(other);
    return count();
  };
  table_.add(row);
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(count_with([](Row& r) { r.count = 7; }), 1);
  EXPECT_EQ(count_with([](Row& r) { r.port = 80; }), 1);
  EXPECT_EQ(count_with([](Row& r) { r.seen = "2013-01-15 12:59:59.999999"; }), 1);
  EXPECT_EQ(count_with([](Row& r) { r.family = "zeus"; }), 1);
  EXPECT_EQ(count_with([](Row& r) { r.seen = "2013-01-15 13:00:00"; }), 2);
  EXPECT_EQ(count_with([](Row& r) { r.detector = "alert"; }), 3);
  EXPECT_EQ(count_with([](Row& r) { r.kind = "exploit"; }), 4);
  EXPECT_EQ(count_with([](Row& r) { r.actor = "203.0.113.2"; }), 5);
  EXPECT_EQ(count_with([](Row& r) { r.target = "192.0.2.2"; }), 6);
  EXPECT_EQ(count_with([](Row& r) { r.actor_name = ""; }), 7);
  EXPECT_EQ(count_with([](Row& r) { r.target_name = ""; }), 8);
  EXPECT_EQ(count_with([](Row& r) {
              r.actor_name = "ca";
              r.target_name = "b";
            }),
            9);
  EXPECT_EQ(count_with([](Row& r) { r.actor = ""; }), 10);
  table_.run("UPDATE sightings SET actor_name = NULL WHERE actor_name = ''");
  EXPECT_EQ(count(), 10);
}

TEST_F(Answers, WhatSeveralDetectorsSawCountsOnceAsTheMostThatOneSaw) {
  const auto add = [&](const char* detector, int count, const char* target, const char* name, const char* seen) {
    table_.add(
        {.target = target, .seen = seen, .kind = "exploit", .count = count, .target_name = name, .detector = detector});
  };
  // One hour at a name: web-attack saw 3 + 4, alert 5 at another address of it. The name decides: 7.
  add("web-attack", 3, "192.0.2.1", "www.example", "2013-01-15 12:00:00");
  add("web-attack", 4, "192.0.2.1", "www.example", "2013-01-15 12:59:59");
  add("alert", 5, "192.0.2.2", "www.example", "2013-01-15 12:30:00");
  add("alert", 5, "192.0.2.2", "www.example", "2013-01-15 13:00:00");  // another hour: 5
  add("alert", 9, "192.0.2.1", "", "2013-01-15 12:30:00");             // without a name the address: 9
  add("web-attack", 2, "192.0.2.2", "", "2013-01-15 12:30:00");        // another address: 2
  EXPECT_EQ(value("exploit.attempts"), 7 + 5 + 9 + 2);
  // Another actor, and actors without an address, told apart by name: 1 + 1 + 2.
  table_.add({.actor = "203.0.113.9", .kind = "exploit", .target_name = "www.example", .detector = "alert"});
  table_.add({.actor = "", .kind = "exploit", .target_name = "www.example", .actor_name = "a", .detector = "alert"});
  table_.add({.actor = "", .kind = "exploit", .count = 2, .target_name = "www.example", .actor_name = "b"});
  table_.add({.actor = "",
              .kind = "exploit",
              .count = 1,
              .target_name = "www.example",
              .actor_name = "b",
              .detector = "alert"});
  EXPECT_EQ(value("exploit.attempts"), 23 + 4);
  FigureRequest mean = request("exploit.attempts");
  mean.measure = "monthly-mean";
  EXPECT_DOUBLE_EQ(ask(mean).value, 13.5);
}

TEST_F(Answers, DimensionsOfAttemptsStayOutsideAndTheTotalStays) {
  const auto add = [&](const char* detector, int count, int port) {
    table_.add({.kind = "exploit", .count = count, .port = port, .detector = detector});
  };
  add("web-attack", 10, 80);
  add("alert", 4, 80);
  add("alert", 5, 443);
  const FigureResult ports = ask(request("exploit.attempts", {"target-port"}));
  EXPECT_EQ(ports.value, 10);
  EXPECT_THAT(shown(ports), ElementsAre("80=10", "443=5"));
  EXPECT_EQ(ports.overlap, 5);
  const FigureResult detectors = ask(request("exploit.attempts", {"detector"}));
  EXPECT_EQ(detectors.value, 10);
  EXPECT_THAT(shown(detectors), ElementsAre("web-attack=10", "alert=9"));
  EXPECT_EQ(detectors.overlap, 9);
  EXPECT_EQ(value("exploit.attempts"), 10);
}

TEST_F(Answers, ShareIsPerCentOfTheWholeFigure) {
  const auto site = [&](const char* name, const char* country, bool inside) {
    table_.add({.actor_country = country, .kind = "phishing", .actor_inside = inside, .actor_name = name});
  };
  site("a.example", "US", false);
  site("b.example", "US", false);
  site("c.example", "DE", false);
  site("d.example", "CZ", true);
  site("e.example", "", false);
  const FigureResult share = ask(request("phishing.overseas-share", {"actor-country"}));
  EXPECT_DOUBLE_EQ(share.value, 60);
  EXPECT_THAT(shown(share), ElementsAre("US=40", "DE=20"));
  EXPECT_DOUBLE_EQ(share.rows[0].share, 2.0 / 3);
  EXPECT_DOUBLE_EQ(value("phishing.overseas-share"), 60);
  EXPECT_DOUBLE_EQ(value("botnet.overseas-share"), 0);  // of nothing
}

TEST_F(Answers, SitesAreNamesOrWithoutANameAddresses) {
  table_.add({.target = "192.0.2.1", .kind = "backdoor", .target_name = "a.example"});
  table_.add({.target = "192.0.2.2", .kind = "backdoor", .target_name = "a.example"});
  table_.add({.target = "192.0.2.2", .kind = "backdoor", .target_name = ""});
  table_.add({.target = "", .kind = "backdoor", .target_name = "b.example"});
  EXPECT_EQ(value("backdoor.sites"), 3);
}

TEST_F(Answers, HostsWithoutAnAddressAreNoHosts) {
  table_.add({.actor = "", .actor_name = "c2.example"});
  EXPECT_EQ(value("botnet.overseas-servers"), 0);
  EXPECT_TRUE(ask(request("botnet.overseas-servers", {"actor-country"})).rows.empty());
}

TEST_F(Answers, MonthlyMeanDividesByTheMonthsOfThePeriod) {
  table_.add({.seen = "2013-01-10 00:00:00", .kind = "web-attack", .count = 100});
  table_.add({.actor = "203.0.113.2", .seen = "2013-01-11 00:00:00", .kind = "web-attack", .count = 20});
  table_.add({.seen = "2013-02-10 00:00:00", .actor_country = "DE", .kind = "web-attack", .count = 60});
  FigureRequest asked = request("web-attack.overseas-attempts", {"actor-country"}, "2013-01-01", "2013-04-01");
  asked.measure = "monthly-mean";
  EXPECT_DOUBLE_EQ(ask(asked).value, 60);
  EXPECT_THAT(shown(ask(asked)), ElementsAre("US=40", "DE=20"));
  FigureRequest hosts = request("web-attack.overseas-hosts", {}, "2013-01-01", "2013-03-01");
  hosts.measure = "monthly-mean";
  EXPECT_DOUBLE_EQ(ask(hosts).value, 1.5);  // two in January, one in February
  hosts.by = {"actor-country"};
  EXPECT_THAT(shown(ask(hosts)), ElementsAre("US=1", "DE=0.5"));
  EXPECT_DOUBLE_EQ(ask(hosts).value, 1.5);
}

TEST_F(Answers, DaysAreThoseOfTheZone) {
  table_.add({.actor = "203.0.113.1", .seen = "2013-01-15 15:59:59"});
  table_.add({.actor = "203.0.113.2", .seen = "2013-01-15 16:00:00"});
  FigureRequest asked = request("botnet.overseas-servers", {"day"});
  EXPECT_THAT(shown(ask(asked)), ElementsAre("2013-01-15=2"));
  for (const char* zone : {"Asia/Shanghai", "+08:00"}) {
    asked.zone = zone;
    EXPECT_THAT(shown(ask(asked)), ElementsAre("2013-01-15=1", "2013-01-16=1")) << zone;
  }
  asked.zone = "-08:00";
  EXPECT_THAT(shown(ask(asked)), ElementsAre("2013-01-15=2"));
}

TEST_F(Answers, DaysFollowAZoneThroughItsChangeOfOffset) {
  // Prague is an hour ahead of UTC until 31 March 2013 01:00 UTC, then two.
  table_.add({.actor = "203.0.113.1", .seen = "2013-03-30 22:59:59"});
  table_.add({.actor = "203.0.113.2", .seen = "2013-03-30 23:00:00"});
  table_.add({.actor = "203.0.113.3", .seen = "2013-03-31 21:59:59"});
  table_.add({.actor = "203.0.113.4", .seen = "2013-03-31 22:00:00"});
  FigureRequest asked = request("botnet.overseas-servers", {"day"}, "2013-01-01", "2014-01-01");
  asked.zone = "Europe/Prague";
  EXPECT_THAT(shown(ask(asked)), ElementsAre("2013-03-31=2", "2013-03-30=1", "2013-04-01=1"));
}

TEST_F(Answers, DaysOfAnHourThatTheClockShowsTwiceAreThoseOfTheInstant) {
  // At 03:00 UTC Santiago's clocks went back from midnight to 23:00, so 03:30 UTC is 23:30 of the sixth.
  table_.add({.actor = "203.0.113.1", .seen = "2024-04-07 03:30:00"});
  table_.add({.actor = "203.0.113.2", .seen = "2024-04-07 04:00:00"});
  FigureRequest asked = request("botnet.overseas-servers", {"day"}, "2024-04-07 03:15", "2024-05-01");
  asked.zone = "America/Santiago";
  EXPECT_THAT(shown(ask(asked)), ElementsAre("2024-04-06=1", "2024-04-07=1"));
}

TEST_F(Answers, WeeksBeginOnMondayAndMonthsOnTheFirst) {
  table_.add({.actor = "203.0.113.1", .seen = "2013-01-06 23:59:59"});  // a Sunday
  table_.add({.actor = "203.0.113.2", .seen = "2013-01-07 00:00:00"});
  table_.add({.actor = "203.0.113.3", .seen = "2013-02-01 00:00:00"});
  EXPECT_THAT(shown(ask(request("botnet.overseas-servers", {"week"}))),
              ElementsAre("2012-12-31=1", "2013-01-07=1", "2013-01-28=1"));
  EXPECT_THAT(shown(ask(request("botnet.overseas-servers", {"month"}))), ElementsAre("2013-01=2", "2013-02=1"));
}

TEST_F(Answers, AnOpenPeriodTakesItsEndsFromTheSightings) {
  table_.add({.seen = "2013-01-06 23:59:59"});
  FigureRequest asked;
  asked.id = "botnet.overseas-servers";
  EXPECT_EQ(ask(asked).value, 1);
  asked.by = {"day"};
  asked.zone = "Europe/Prague";
  EXPECT_THAT(shown(ask(asked)), ElementsAre("2013-01-07=1"));
}

TEST_F(Answers, RowsStandByValueThenKeyAndALimitKeepsTheOverlap) {
  table_.add({.actor = "203.0.113.1", .target = "192.0.2.1", .actor_country = "US"});
  table_.add({.actor = "203.0.113.1", .target = "192.0.2.2", .actor_country = "US"});
  table_.add({.actor = "203.0.113.2", .target = "192.0.2.1", .actor_country = "FR"});
  table_.add({.actor = "203.0.113.3", .target = "192.0.2.1", .actor_country = "DE"});
  FigureRequest asked = request("botnet.controlled-hosts", {"actor-country"});
  EXPECT_THAT(shown(ask(asked)), ElementsAre("US=2", "DE=1", "FR=1"));
  asked.limit = 2;
  EXPECT_THAT(shown(ask(asked)), ElementsAre("US=2", "DE=1"));
  EXPECT_EQ(ask(asked).overlap, 2);
}

TEST_F(Answers, SeveralDimensionsMakeOneKey) {
  table_.add({.actor = "203.0.113.1", .actor_asn = 64500, .port = 80});
  table_.add({.actor = "203.0.113.2", .actor_asn = 0, .port = 443});
  EXPECT_THAT(shown(ask(request("botnet.overseas-servers", {"actor-network", "target-port", "actor"}))),
              ElementsAre("AS64500/80/203.0.113.1=1", "/443/203.0.113.2=1"));
}

TEST_F(Answers, EveryDimensionWorks) {
  table_.add({});
  for (const std::string& name : dimension_names()) {
    EXPECT_EQ(ask(request("botnet.overseas-servers", {name})).rows.size(), 1U) << name;
  }
}

TEST_F(Answers, EveryShippedFigureRuns) {
  table_.add({});
  table_.add({.seen = "2012-12-01 00:00:00"});
  for (const FigureDefinition& figure : catalogue().figures()) {
    EXPECT_EQ(error_of(request(figure.id, figure.by)), "") << figure.id;
    EXPECT_EQ(error_of(request(figure.id)), "") << figure.id;
  }
}

TEST_F(Answers, HostileTextIsOnlyText) {
  const std::string hostile = "x'; DROP TABLE sightings; --\x01\xff\"";
  EXPECT_THAT(error_of(request(hostile)), HasSubstr("no figure"));
  EXPECT_THAT(error_of(request("botnet.overseas-servers", {hostile})), HasSubstr("is not a dimension"));
  FigureRequest asked = request("botnet.overseas-servers", {"day"});
  asked.zone = hostile;
  EXPECT_NE(error_of(asked), "");
  asked.zone = "UTC";
  asked.measure = hostile;
  EXPECT_THAT(error_of(asked), HasSubstr("is not a measure"));
  table_.add({.family = "x'; DROP TABLE sightings; --"});
  FigureRequest row = request("botnet.overseas-servers");
  row.only.keys = {{"family", "x'; DROP TABLE sightings; --"}};
  auto traced = trace_over(catalogue(), "sightings", table_.database(), row);
  ASSERT_TRUE(traced) << traced.error().message;
  EXPECT_EQ(traced->rows.size(), 1U);
  for (const auto& [name, code] : std::map<std::string, std::string>{{"actor", hostile},
                                                                     {"target-port", "80 OR 1=1"},
                                                                     {"actor-network", "AS1;"},
                                                                     {"day", "2013-01-01'"},
                                                                     {"month", "2013-1"},
                                                                     {"confidence", "9"},
                                                                     {hostile, ""}}) {
    row.only.keys = {{name, code}};
    EXPECT_FALSE(trace_over(catalogue(), "sightings", table_.database(), row)) << name;
    EXPECT_NE(error_of(row), "") << name;
  }
  EXPECT_EQ(value("botnet.overseas-servers"), 1);
}

TEST_F(Answers, RefusesPeriodsThatAreEmptyAndDimensionsTwice) {
  EXPECT_THAT(error_of(request("scan.attempts", {}, "2013-01-01", "2013-01-01")), HasSubstr("period is empty"));
  EXPECT_THAT(error_of(request("scan.attempts", {"day", "day"})), HasSubstr("twice"));
}

TEST_F(Answers, TraceGivesTheSightingsOfARow) {
  table_.add({.actor = "203.0.113.1", .seen = "2013-01-15 23:30:00"});
  table_.add({.actor = "203.0.113.2", .seen = "2013-01-16 00:30:00", .actor_country = "DE"});
  table_.add({.actor = "203.0.113.3", .kind = "scan"});
  const auto rows = [&](std::map<std::string, std::string> keys, const char* zone = "UTC") {
    FigureRequest row = request("botnet.overseas-servers");
    row.only.keys = std::move(keys);
    row.zone = zone;
    const auto traced = trace_over(catalogue(), "sightings", table_.database(), row);
    if (!traced) throw std::runtime_error(traced.error().message);
    std::vector<std::string> actors;
    for (const auto& cells : traced->rows) actors.push_back(std::get<std::string>(cells[5]));
    return actors;
  };
  EXPECT_THAT(rows({}), ElementsAre("203.0.113.1", "203.0.113.2"));
  EXPECT_THAT(rows({{"actor-country", "DE"}}), ElementsAre("203.0.113.2"));
  EXPECT_THAT(rows({{"actor", "203.0.113.1"}}), ElementsAre("203.0.113.1"));
  EXPECT_THAT(rows({{"day", "2013-01-15"}}), ElementsAre("203.0.113.1"));
  EXPECT_THAT(rows({{"day", "2013-01-16"}}, "Asia/Shanghai"), ElementsAre("203.0.113.1", "203.0.113.2"));
  EXPECT_THAT(rows({{"month", "2013-01"}, {"actor-network", "AS64500"}, {"family", ""}, {"target-port", "443"}}),
              ElementsAre("203.0.113.1", "203.0.113.2"));
  EXPECT_THAT(rows({{"week", "2013-01-14"}, {"confidence", "probable"}}), ElementsAre("203.0.113.1", "203.0.113.2"));
}

TEST_F(Answers, CountsOnlyWhatItIsNarrowedTo) {
  table_.add({.actor = "203.0.113.1", .target = "192.0.2.1"});
  table_.add({.actor = "203.0.113.1", .target = "192.0.2.200"});
  table_.add({.actor = "203.0.113.2", .target = "192.0.2.2", .actor_country = "DE"});
  FigureRequest asked = request("botnet.controlled-hosts");
  asked.only.keys = {{"actor-country", "US"}};
  EXPECT_EQ(ask(asked).value, 2);
  asked.only.keys.clear();
  asked.only.organisation = "Bank's";
  EXPECT_EQ(ask(asked).value, 0);
  asked.only.networks = {*Prefix::parse("192.0.2.0/25")};
  EXPECT_EQ(ask(asked).value, 2);
  asked.only.networks.push_back(*Prefix::parse("203.0.113.1"));  // its hosts as actors
  EXPECT_EQ(ask(asked).value, 3);
  EXPECT_EQ(trace_over(catalogue(), "sightings", table_.database(), asked)->rows.size(), 3U);
  // What was told for nobody else's eyes is not passed on.
  ASSERT_TRUE(table_.database().query("UPDATE sightings SET tlp = 'red' WHERE actor_country = 'DE'"));
  EXPECT_EQ(ask(asked).value, 2);
}

TEST_F(Answers, JsonHasWholeNumbersAndSurvivesBytesThatAreNoText) {
  table_.add({.target = "192.0.2.1"});
  FigureResult result = ask(request("botnet.controlled-hosts", {"actor-country"}));
  const auto json = nlohmann::json::parse(to_json(result));
  EXPECT_EQ(json["figure"], "botnet.controlled-hosts");
  EXPECT_EQ(json["from"], "2013-01-01T00:00:00Z");
  EXPECT_EQ(json["to"], "2013-03-01T00:00:00Z");
  EXPECT_EQ(json["confidence"], "probable");
  EXPECT_TRUE(json["value"].is_number_integer());
  EXPECT_TRUE(json["previous"].is_null());
  EXPECT_EQ(json["rows"][0]["key"]["actor-country"], "US");
  EXPECT_EQ(json["rows"][0]["value"], 1);
  result.rows[0].key[0] = "\xff\xfe";
  result.constituency = "\xc3\x28";
  EXPECT_TRUE(nlohmann::json::accept(to_json(result)));
}

TEST_F(Answers, SegmentsByDayGiveWhatTheWholeRelationGives) {
  table_.add({.actor = "203.0.113.1", .seen = "2012-12-31 23:59:59.999999"});
  table_.add({.actor = "203.0.113.2", .seen = "2013-01-01 00:00:00"});
  table_.add({.actor = "203.0.113.3", .target = "192.0.2.2", .seen = "2013-01-01 12:00:00", .actor_country = "DE"});
  table_.add({.actor = "203.0.113.4", .seen = "2013-01-02 08:00:00"});
  table_.add({.actor = "203.0.113.5", .seen = "2013-01-03 00:00:00"});
  const auto scratch = std::filesystem::temp_directory_path() / ("tocsin-segments-" + std::to_string(::getpid()));
  const auto root = scratch / "kind=scan";  // a name that is no column
  std::vector<Segment> segments;
  for (const char* day : {"2012-12-31", "2013-01-01", "2013-01-02", "2013-01-03"}) {
    std::filesystem::create_directories(root / day);
    segments.emplace_back().path = (root / day / "it's.parquet").string();
    table_.run(
        fmt::format("COPY (SELECT * FROM sightings WHERE CAST(first_seen AS DATE) = '{}') TO {} (FORMAT parquet)", day,
                    sql_text(segments.back().path)));
  }
  for (const auto& [from, to] : std::vector<std::pair<const char*, const char*>>{
           {"2013-01-01", "2013-01-03"},                 // whole days
           {"2013-01-01", "2013-01-02 08:00"},           // a whole day and the edge of one
           {"2013-01-01 12:00", "2013-01-01 12:01"},     // edges alone
           {"2012-12-31 12:00", "2013-01-03 00:00:01"},  // edges on both sides
           {"2014-01-01", "2014-01-02"},                 // nothing
           {"2013-01-02", "2013-02-01"}}) {
    for (const std::string dimension : {"actor-country", "day", "actor"}) {
      const FigureRequest asked = request("botnet.overseas-servers", {dimension}, from, to);
      const auto whole = ask(asked);
      const auto split = answer_over(catalogue(), segments, table_.database(), asked, "CZ");
      ASSERT_TRUE(split) << split.error().message;
      EXPECT_EQ(split->value, whole.value) << from << " " << to;
      EXPECT_EQ(split->previous, whole.previous) << from << " " << to;
      EXPECT_EQ(shown(*split), shown(whole)) << from << " " << to;
    }
  }
  segments.front().path = "elsewhere.parquet";
  EXPECT_FALSE(answer_over(catalogue(), segments, table_.database(), request("scan.attempts"), "CZ"));
  std::filesystem::remove_all(scratch);
}

TEST_F(Answers, AConditionOfTheCatalogueSelects) {
  const auto directory = std::filesystem::temp_directory_path() / ("tocsin-where-" + std::to_string(::getpid()));
  std::filesystem::create_directories(directory);
  const auto count = [&](const std::string& where) {
    std::ofstream(directory / "x.toml") << "[[figure]]\nid = \"a.b\"\nmeasure = \"sightings\"\nunit = \"x\"\n"
                                           "title.en = \"a\"\ndefinition.en = \"b\"\nwhere = \"\"\"" +
                                               where + "\"\"\"\n";
    const auto own = Catalogue::load(directory.string());
    if (!own) return own.error().message;
    const auto result = answer_over(*own, "sightings", table_.database(), request("a.b"), "CZ");
    return result ? std::to_string(static_cast<int>(result->value)) : result.error().message;
  };
  table_.add({.actor = "203.0.113.1", .family = "o'neil", .port = 80});
  table_.add({.actor = "203.0.113.2", .family = "mirai", .port = 443});
  EXPECT_EQ(count("family = 'o''neil'"), "1");
  EXPECT_EQ(count("family = 'mirai' or target_port = 80"), "2");
  EXPECT_EQ(count("not (family = 'mirai' or target_port = 80)"), "0");
  EXPECT_EQ(count("family = 'mirai' and target_port in (80, 8080)"), "0");
  EXPECT_EQ(count("target_port not in (80)"), "1");
  EXPECT_EQ(count("actor_ip = '203.0.113.2' and target_inside"), "1");
  EXPECT_EQ(count("target_inside = false"), "0");
  EXPECT_EQ(count("first_seen >= '2013-01-15' and cve is not null and count != 5"), "2");
  EXPECT_EQ(count("family under 'mirai'"), "1");
  EXPECT_THAT(count("family under mirai"), HasSubstr("under expected a text"));
  EXPECT_THAT(count("family under ''"), HasSubstr("under expected a text"));
  EXPECT_THAT(count("target_port under '4'"), HasSubstr("under expected a column of text"));
  EXPECT_THAT(count("family = mirai"), HasSubstr("family expected a text"));
  EXPECT_THAT(count("family = 'mirai"), HasSubstr("closing"));
  EXPECT_THAT(count("family like 'm%'"), HasSubstr("expected one of = !="));
  EXPECT_THAT(count("count(id) > 1"), HasSubstr("expected one of ="));
  EXPECT_THAT(count("family = 'a' ; drop table sightings"), HasSubstr("expected 'and', 'or' or the end"));
  int hour = 0;
  for (const char* sector : {"government", "government/tax", "governments", "government0", "government/"}) {
    table_.add({.seen = fmt::format("2013-01-16 {:02}:00:00", hour++), .sector = sector});
  }
  EXPECT_EQ(count("target_sector under 'government'"), "3");
  EXPECT_EQ(count("target_sector under 'government/'"), "3");
  EXPECT_EQ(count("target_sector under 'government/tax'"), "1");
  EXPECT_EQ(count("target_sector not under 'government'"), "4");
  EXPECT_EQ(count("not target_sector under 'government' and family = ''"), "2");
  EXPECT_EQ(count("target_sector under 'gov%'"), "0");
  EXPECT_EQ(count("target_sector under 'it''s; drop table sightings'"), "0");
  std::filesystem::remove_all(directory);
}

TEST_F(Answers, AShareOfAttemptsIsOfTheAttemptsThatTheWholeCounts) {
  const auto directory = std::filesystem::temp_directory_path() / ("tocsin-share-" + std::to_string(::getpid()));
  std::filesystem::create_directories(directory);
  std::ofstream(directory / "x.toml")
      << "[[figure]]\nid = \"a.all\"\nmeasure = \"attempts\"\nunit = \"x\"\ntitle.en = \"a\"\n"
         "definition.en = \"b\"\n[[figure]]\nid = \"a.share\"\nmeasure = \"share\"\nof = \"a.all\"\n"
         "where = \"family = 'mirai'\"\nunit = \"%\"\ntitle.en = \"a\"\ndefinition.en = \"b\"\n";
  const auto own = Catalogue::load(directory.string());
  std::filesystem::remove_all(directory);
  ASSERT_TRUE(own) << own.error().message;
  table_.add({.count = 6, .family = "mirai"});
  table_.add({.count = 4, .family = ""});
  table_.add({.count = 3, .family = "mirai", .detector = "alert"});
  table_.add({.count = 8, .family = "other", .detector = "alert"});
  table_.add({.actor = "203.0.113.5", .actor_country = "DE", .count = 9, .family = ""});
  const auto share = answer_over(*own, "sightings", table_.database(), request("a.share", {"actor-country"}), "CZ");
  ASSERT_TRUE(share) << share.error().message;
  EXPECT_DOUBLE_EQ(share->value, 30);  // 6 of 11 + 9
  EXPECT_THAT(shown(*share), ElementsAre("US=30"));
  EXPECT_EQ(share->overlap, 0);
  const auto all = answer_over(*own, "sightings", table_.database(), request("a.all"), "CZ");
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->value, 20);
}

}  // namespace
}  // namespace tocsin
