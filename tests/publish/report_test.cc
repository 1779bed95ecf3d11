#include "publish/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "publish/ask.h"
#include "publish/calendar.h"
#include "publish/chart.h"
#include "publish/escape.h"
#include "publish/map.h"
#include "publish/prose.h"
#include "publish/sentence.h"
#include "publish/words.h"
#include "sample.h"

namespace tocsin {
namespace {

using namespace publish;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

std::string world() {
  std::ifstream file(TOCSIN_SOURCE_DIR "/packages/node_modules/world-atlas/countries-110m.json");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Brief hostile() {
  Brief brief = sample::article();
  const std::string bad = "<script>alert(1)</script>|`x`[a](http://evil.example)\x1b[2J\n\"'&";
  FigureResult& figure = brief.sections[0].figure;
  figure.definition.by = figure.request.by = {"family"};
  figure.rows = {{{bad}, 4000, 0.6}, {{"=cmd|' /C calc'!A0"}, 2000, 0.3}, {{""}, 747, 0.1}};
  brief.sources[0].name = bad;
  brief.sources[0].skipped_by_reason[bad] = 1;
  brief.sources[0].examples = {bad};
  brief.location_databases = {bad};
  brief.constituency = bad;
  for (BriefSection& section : brief.sections) section.figure.constituency = bad;
  return brief;
}

TEST(Words, NumbersReadAsPeopleWriteThem) {
  EXPECT_EQ(number_text(1287000, english()), "1,287,000");
  EXPECT_EQ(number_text(12.25, english()), "12.3");
  EXPECT_EQ(number_text(0.01, english()), "under 0.1");
  EXPECT_EQ(share_text(0.629, english()), "62.9%");
  EXPECT_EQ(share_text(1, english()), "100%");
  EXPECT_EQ(share_text(0.9999, english()), "over 99.9%");
  EXPECT_EQ(share_text(0.00001, english()), "under 0.1%");
  EXPECT_EQ(share_cell(0.12, english()), "12.0%");
}

TEST(Words, ChangeIsToldOnlyWhenThePeriodBeforeIsKnown) {
  const FigureDefinition hosts = sample::servers();
  EXPECT_EQ(change_text(6747, std::nullopt, hosts, english()), "");
  EXPECT_EQ(change_text(6747, 5990, hosts, english()), "Up 12.6% from 5,990 in the period before");
  EXPECT_EQ(change_text(50, 100, hosts, english()), "Down 50% from 100 in the period before");
  EXPECT_EQ(change_text(5, 5, hosts, english()), "Unchanged from 5 in the period before");
  EXPECT_EQ(change_text(5, 0, hosts, english()), "Up from none in the period before");
  EXPECT_EQ(change_text(4, 3, hosts, english()), "Up from 3 in the period before");
  EXPECT_EQ(change_text(900, 100, hosts, english()), "9 times the 100 of the period before");
  FigureDefinition share = hosts;
  share.unit = "%";
  EXPECT_EQ(change_text(73.1, 70, share, english()), "Up 3.1 percentage points from 70% in the period before");
}

TEST(Words, PeriodsAreNamedByTheCalendarOfTheirZone) {
  const auto in = [](const char* from, const char* to, const std::string& zone = "UTC") {
    return period_in_text({parse_time(from, zone).value(), parse_time(to, zone).value()}, zone, english());
  };
  EXPECT_EQ(in("2013-01-01", "2013-02-01"), "in January 2013");
  EXPECT_EQ(in("2013-01-01", "2013-03-01"), "in January and February 2013");
  EXPECT_EQ(in("2012-09-01", "2013-03-01"), "between September 2012 and February 2013");
  EXPECT_EQ(in("2012", "2013"), "in 2012");
  EXPECT_EQ(in("2024-02-13", "2024-02-14"), "on 13 February 2024");
  EXPECT_EQ(in("2024-02-13", "2024-02-15"), "between 13 and 14 February 2024");
  EXPECT_EQ(in("2024-02-28", "2024-03-02"), "between 28 February and 1 March 2024");
  EXPECT_EQ(in("2024-02-13 08:00", "2024-02-13 09:30"), "between 13 February 2024 08:00 and 09:30 UTC");
  EXPECT_EQ(in("2013-01-01", "2013-02-01", "+08:00"), "in January 2013 (+08:00 time)");
  // Santiago's clocks skip the midnight with which 8 September begins, and show the last hour of 6 April twice.
  EXPECT_EQ(in("2024-09-08", "2024-09-09", "America/Santiago"), "on 8 September 2024 (America/Santiago time)");
  EXPECT_EQ(in("2024-04-06", "2024-04-08", "America/Santiago"), "between 6 and 7 April 2024 (America/Santiago time)");
  const auto instants = [](const char* from, const char* to, const char* zone) {
    return period_in_text({parse_time(from).value(), parse_time(to).value()}, zone, english());
  };
  EXPECT_EQ(instants("2024-04-07T03:30Z", "2024-04-07T05:00Z", "America/Santiago"),
            "between 6 April 2024 23:30 and 7 April 2024 01:00 (America/Santiago time)");
  EXPECT_EQ(period_in_text({}, "UTC", english()), "in all that was read");
  EXPECT_EQ(period_in_text({parse_time("2024-02-13").value(), Period{}.to}, "UTC", english()),
            "since 13 February 2024");
  EXPECT_EQ(period_title({parse_time("2024-02-13").value(), parse_time("2024-02-15").value()}, "UTC", english()),
            "13–14 February 2024");
}

TEST(Words, CountriesHaveTheirNamesAndArticles) {
  EXPECT_EQ(country_name("CZ", english()), "Czechia");
  EXPECT_EQ(english().country_in_text("US"), "the United States");
  EXPECT_EQ(english().country_in_text("JP"), "Japan");
  EXPECT_EQ(country_name("XK", english()), "Kosovo");
  EXPECT_EQ(country_of_numeric(840), "US");
  EXPECT_EQ(country_of_numeric(203), "CZ");
  EXPECT_EQ(country_of_numeric(1), "");  // the world is no country
  EXPECT_EQ(country_of_name("czechia"), "CZ");
  EXPECT_EQ(country_of_name("Finance sector"), "");
}

TEST(Sentence, SaysTheNumbersTheConfidenceAndThePlace) {
  const Brief brief = sample::small();
  EXPECT_EQ(sentence(brief.sections[0].figure, english(), "confirmed"),
            "1 overseas server controlled hosts of Czechia by Trojans or botnets between 13 and 14 February 2024 "
            "(confirmed); 1 of them was in the United States, the largest point of origin.");
}

TEST(Sentence, LeavesOutTheLargestWhereThereIsNone) {
  const Brief brief = sample::small();
  FigureResult figure = brief.sections[0].figure;
  figure.rows.clear();
  EXPECT_EQ(sentence(figure, english()),
            "1 overseas server controlled hosts of Czechia by Trojans or botnets between 13 and 14 February 2024.");
  figure.rows = {{{""}, 1, 1}};
  EXPECT_THAT(sentence(figure, english()), Not(HasSubstr("largest")));
  figure.definition.sentence["en"] = "{top.key} was the malware family sighted most in {period}.";
  EXPECT_EQ(sentence(figure, english()),
            "Overseas servers that control hosts of the constituency between 13 and 14 February 2024: 1.");
}

TEST(Sentence, TellsATieAsOne) {
  FigureResult figure = sample::small().sections[0].figure;
  figure.value = 2;
  figure.rows = {{{"DE"}, 1, 0.5}, {{"US"}, 1, 0.5}};
  EXPECT_THAT(sentence(figure, english()),
              HasSubstr("1 of them (50%) was in Germany, as many as in the United States."));
  figure.value = 3;
  figure.rows.push_back({{"JP"}, 1, 1.0 / 3});
  EXPECT_THAT(sentence(figure, english()), HasSubstr("as many as in each of several others."));
}

TEST(Sentence, LeavesAFieldItDoesNotKnowAndAnOpenBraceAsTheyAre) {
  FigureResult figure = sample::small().sections[0].figure;
  figure.definition.sentence["en"] = "{value} {wrong} {value|host|hosts} {open";
  EXPECT_EQ(sentence(figure, english()), "1 {wrong} host {open");
}

TEST(Prose, TheMostImportantFigureWithAValueComesFirst) {
  Brief brief = sample::article();
  std::rotate(brief.sections.begin(), brief.sections.begin() + 2, brief.sections.end());
  const Prose prose = prose_of(brief, english());
  EXPECT_EQ(prose.title, "Attacks on China");
  ASSERT_EQ(prose.headline.size(), 3U);
  EXPECT_THAT(prose.headline[0], HasSubstr("Trojans or botnets"));
  EXPECT_THAT(prose.cautions[0], StartsWith("Location is not attribution: "));
  EXPECT_THAT(prose_of(sample::small(), english()).nothing,
              HasSubstr("Nothing was seen of: overseas hosts that scanned."));
}

TEST(Prose, ABriefOfNothingSaysSo) {
  Brief brief = sample::small();
  brief.sections.erase(brief.sections.begin(), brief.sections.begin() + 2);
  EXPECT_THAT(prose_of(brief, english()).headline,
              ElementsAre("Nothing of what this brief counts was seen between 13 and 14 February 2024 (confirmed)."));
  EXPECT_THAT(to_html(brief, world(), Language::kEnglish), Not(HasSubstr("<svg")));
  EXPECT_THAT(to_markdown(Brief{}, Language::kEnglish),
              HasSubstr("Nothing of what this brief counts was seen in all that was read"));
  EXPECT_THAT(to_html(Brief{}, "", Language::kEnglish), HasSubstr("the constituency"));
  EXPECT_EQ(to_csv(Brief{}), "figure,dimension,key,value,share,title_en,title_zh\r\n");
}

TEST(Html, IsSelfContainedAndComplete) {
  const std::string page = to_html(sample::article(), world(), Language::kEnglish);
  for (const char* part :
       {"<!doctype html>", "<html lang=\"en\">", "prefers-color-scheme: dark", "@media print", "role=\"img\"",
        "scope=\"col\"", "scope=\"row\"", "Location is not attribution", "6,747 overseas servers", "CC BY 4.0",
        "2 truncated header", "svg class=\"map\"", "United States: 2,194", "What is not seen"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  for (const char* part : {"<script", "src=", "href=", "url(", "@import", "http://", "https://"}) {
    EXPECT_THAT(page, Not(HasSubstr(part)));
  }
}

TEST(Html, EscapesWhatComesFromOutside) {
  const std::string page = to_html(hostile(), world(), Language::kEnglish);
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("\x1b")));
}

TEST(Markdown, AlignsTables) {
  const std::string text = to_markdown(sample::article(), Language::kEnglish);
  EXPECT_THAT(text, HasSubstr("| United States     | 2,194 | 32.5% |\n| Japan             |   810 | 12.0% |"));
  EXPECT_THAT(text, HasSubstr("The 20 largest of 29 rows"));
}

TEST(Markdown, EscapesWhatComesFromOutside) {
  const std::string text = to_markdown(hostile(), Language::kEnglish);
  EXPECT_THAT(text, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("\x1b")), Not(HasSubstr("|`")),
                          HasSubstr("\\|\\`x\\`\\[a\\](http\\://evil.example)")));
}

TEST(Csv, GuardsAgainstFormulasAndQuotesAsRfc4180Says) {
  EXPECT_EQ(csv_text("plain"), "plain");
  EXPECT_EQ(csv_text("a,\"b\""), "\"a,\"\"b\"\"\"");
  for (const char* formula : {"=1+1", "+1", "-1", "@x", "\tx", "\rx"}) {
    EXPECT_THAT(csv_text(formula), StartsWith("'")) << formula;
  }
  const std::string csv = to_csv(hostile());
  EXPECT_THAT(csv, HasSubstr(",'=cmd|' /C calc'!A0,2000,0.3,Overseas servers"));
  std::istringstream lines(csv);
  for (std::string line; std::getline(lines, line);) EXPECT_THAT(line, testing::EndsWith("\r"));
}

TEST(Charts, FillDaysWithoutARow) {
  const Brief brief = sample::small();
  const auto days = days_of(brief.sections[0].trend, brief.period, "UTC");
  ASSERT_EQ(days.size(), 2U);
  EXPECT_EQ(days[1].day, "2024-02-14");
  EXPECT_EQ(days[1].value, 0);
  EXPECT_THAT(days_of({{{"not a day"}, 1, 1}}, brief.period, "UTC"), IsEmpty());
  EXPECT_THAT(days_of({{{"0001-01-01"}, 1, 1}, {{"2024-01-01"}, 1, 1}}, {}, "UTC"), IsEmpty());
}

TEST(Map, DrawsEveryOriginOrNamesIt) {
  if (world().empty()) GTEST_SKIP() << "packages/ is not installed";
  FigureResult figure = sample::article().sections[0].figure;
  figure.rows.push_back({{"ZQ"}, 3, 0});
  figure.rows.push_back({{""}, 2, 0});
  const WorldMap map = world_map(figure, world(), "CN", "map", english());
  for (const char* place : {"United States: 2,194", "Singapore: 160", "Malta: 1", "Kosovo: 1", "Russia: 322"}) {
    EXPECT_THAT(map.svg, HasSubstr(place));
  }
  EXPECT_THAT(map.svg, HasSubstr("class=\"home\""));
  EXPECT_EQ(map.absent, "ZQ: 3; country not known: 2");
  EXPECT_THAT(map.legend, HasSubstr("500–2,194"));
}

TEST(Map, IsLeftOutWhenItsOutlinesAreDamaged) {
  const FigureResult figure = sample::article().sections[0].figure;
  const std::string small =
      R"({"type":"Topology","objects":{"countries":{"type":"GeometryCollection","geometries":[{"type":"Polygon",)"
      R"("arcs":[[0,-1,99]],"id":"840","properties":{"name":"x"}}]}},"arcs":[[[0,0],[10,0],[0,10]]],)"
      R"("transform":{"scale":[1,1],"translate":[0,0]}})";
  EXPECT_THAT(world_map(figure, small, "", "map", english()).svg, HasSubstr("United States"));
  for (std::size_t cut = 0; cut < small.size(); ++cut) {
    EXPECT_EQ(world_map(figure, small.substr(0, cut), "", "map", english()).svg, "");
  }
  for (std::size_t at = 0; at < small.size(); ++at) {  // must not crash, whatever it draws
    std::string changed = small;
    changed[at] = changed[at] == '9' ? '-' : '9';
    world_map(figure, changed, "", "map", english());
  }
}

}  // namespace
}  // namespace tocsin
