// The brief in Chinese: what its grammar does, and that nothing of English is left in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "publish/prose.h"
#include "publish/sentence.h"
#include "publish/words.h"
#include "sample.h"

namespace tocsin {
namespace {

using namespace publish;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(ChineseWords, LargeNumbersAreInTenThousandsAndHundredMillions) {
  EXPECT_EQ(chinese().count(6747), "6747");
  EXPECT_EQ(chinese().count(12'345), "1.23万");
  EXPECT_EQ(chinese().count(1'287'000), "128.7万");
  EXPECT_EQ(chinese().count(1'900'000), "190万");
  EXPECT_EQ(chinese().count(99'999'999), "1亿");
  EXPECT_EQ(chinese().count(120'000'000), "1.2亿");
  EXPECT_EQ(english().count(1'287'000), "1.287 million");
  EXPECT_EQ(english().count(999'999'999), "1 billion");
  EXPECT_EQ(english().count(999'999), "999,999");
  EXPECT_EQ(english().count(100'000'000), "100 million");
}

TEST(ChineseWords, PeriodsAreDates) {
  const auto in = [](const char* from, const char* to, const std::string& zone = "UTC") {
    return period_in_text({parse_time(from, zone).value(), parse_time(to, zone).value()}, zone, chinese());
  };
  EXPECT_EQ(in("2013-01-01", "2013-03-01"), "2013年1月1日至2月28日");
  EXPECT_EQ(in("2013-01-01", "2013-02-01"), "2013年1月");
  EXPECT_EQ(in("2012", "2013"), "2012年");
  EXPECT_EQ(in("2024-02-13", "2024-02-14"), "2024年2月13日");
  EXPECT_EQ(in("2024-02-13", "2024-02-15"), "2024年2月13日至14日");
  EXPECT_EQ(in("2023-12-30", "2024-01-03"), "2023年12月30日至2024年1月2日");
  EXPECT_EQ(in("2024-02-13 08:00", "2024-02-13 09:30"), "2024年2月13日08:00至09:30（UTC）");
  EXPECT_EQ(in("2013-01-01", "2013-02-01", "Asia/Shanghai"), "2013年1月（北京时间）");
  EXPECT_EQ(period_in_text({}, "UTC", chinese()), "在已读取的全部数据中");
}

TEST(ChineseWords, ChangeNamesThePeriodBefore) {
  const FigureDefinition hosts = sample::servers();
  EXPECT_EQ(change_text(6747, 5990, hosts, chinese()), "较上期（5990）增长12.6%");
  EXPECT_EQ(change_text(50, 100, hosts, chinese()), "较上期（100）下降50%");
  EXPECT_EQ(change_text(5, 5, hosts, chinese()), "与上期（5）持平");
  EXPECT_EQ(change_text(5, 0, hosts, chinese()), "上期为0");
  EXPECT_EQ(change_text(900, 100, hosts, chinese()), "为上期（100）的9倍");
  EXPECT_EQ(change_text(5, std::nullopt, hosts, chinese()), "");
}

TEST(ChineseWords, CountriesHaveTheirNames) {
  EXPECT_EQ(country_name("US", chinese()), "美国");
  EXPECT_EQ(country_name("HK", chinese()), "中国香港");
  EXPECT_EQ(constituency_text("Czechia", chinese()), "捷克");
  EXPECT_EQ(constituency_text("CN", chinese()), "中国");
  EXPECT_EQ(constituency_text("Finance sector", chinese()), "Finance sector");
}

TEST(ChineseSentence, ReadsAsAnAnnouncement) {
  const FigureResult figure = sample::article().sections[0].figure;
  EXPECT_EQ(sentence(figure, chinese()),
            "2013年1月1日至2月28日，境外6747台木马或僵尸网络控制服务器控制了中国境内主机；其中位于美国的有2194台，占32."
            "5%，居首位。");
  EXPECT_EQ(sentence_without_period(sample::article().sections[1].figure, chinese()),
            "中国境内190万台主机被境外控制服务器控制；其中被位于美国的服务器控制的有128.6万台，占67.7%，居首位。");
  EXPECT_EQ(followers(figure, chinese()), "美国之后依次为日本（810）和韩国（702）。");
}

TEST(ChineseSentence, LeavesOutTheLargestWhereThereIsNoneAndTellsATie) {
  FigureResult figure = sample::small().sections[0].figure;
  EXPECT_EQ(
      sentence(figure, chinese(), "仅计已确认的事件"),
      "2024年2月13日至14日（仅计已确认的事件），境外1台木马或僵尸网络控制服务器控制了捷克境内主机；其中位于美国的有1"
      "台，即全部。");
  figure.value = 2;
  figure.rows = {{{"DE"}, 1, 0.5}, {{"US"}, 1, 0.5}};
  EXPECT_THAT(sentence(figure, chinese()), HasSubstr("占50%，与美国并列首位。"));
  figure.rows.clear();
  EXPECT_EQ(sentence(figure, chinese()), "2024年2月13日至14日，境外2台木马或僵尸网络控制服务器控制了捷克境内主机。");
  figure.definition.sentence["zh"] = "{period}，发现最多的家族为{top.key}。";
  EXPECT_EQ(sentence(figure, chinese()), "2024年2月13日至14日，控制境内主机的境外服务器：2。");
  figure.definition.sentence.erase("zh");
  EXPECT_EQ(sentence_without_period(figure, chinese()), "控制境内主机的境外服务器：2。");
}

TEST(ChineseBrief, HasNoEnglishLeft) {
  Brief brief = sample::article();
  brief.sources.clear();
  brief.location_databases.clear();
  brief.sections[0].machines = MachinesNote{7100, 6500, 8200, ""};
  brief.sensitivity = {{"botnet.overseas-servers", 6747, 6690, 6120, 9311}};
  std::string text = to_markdown(brief, Language::kChinese);
  for (const char* name :
       {"SHA-256", "JSON", "CSV", "DNS", "HTTP", "TLS", "ip-location-db", "RouteViews", "DB-IP", "NRO", "IP", "CC BY",
        "world-atlas", "Natural Earth", "tocsin verify", "2024-03-01T09:30:00Z"}) {
    text = std::regex_replace(text, std::regex(name), "");
  }
  text.erase(text.find(std::string(64, 'a')), 64);
  std::smatch found;
  EXPECT_FALSE(std::regex_search(text, found, std::regex("[A-Za-z]{2,}"))) << found.str();
  EXPECT_THAT(text, AllOf(HasSubstr("# 中国遭受网络攻击情况通报"), HasSubstr("总数较上期（5990）增长12.6%。"),
                          HasSubstr("地址背后的机器数估计为7,100（6,500至8,200）。"), HasSubstr("计入疑似")));
}

TEST(ChineseBrief, SaysWhyRecordsWereSkippedAndMachinesNotEstimated) {
  Brief brief = sample::small();
  brief.sections[1].machines = MachinesNote{0, 0, 0, "the window is shorter than three days"};
  brief.sources[0].skipped_by_reason = {{"truncated IP header", 2}, {"something <new>", 1}};
  brief.sources[0].examples = {"packet 7: truncated IP header", "line 12: not a time", "byte 9: x", "http://x: y",
                               "no place"};
  brief.location_databases = {
      "2022-10-29: libloc location database (IPFire Project, CC BY-SA 4.0)",
      "2026-06-17: iptoasn-country (PDDL 1.0); AS ranges of RouteViews and DB-IP, IPv4 (CC BY 4.0)"};
  EXPECT_THAT(to_markdown(brief, Language::kChinese),
              AllOf(HasSubstr("未估计地址背后的机器数：期间不足三天。"), HasSubstr("2条IP首部不完整"),
                    HasSubstr("第7个数据包：IP首部不完整；第12行：不是时间；第9字节：x；"), HasSubstr("no place"),
                    HasSubstr("2022-10-29：libloc地理位置数据库（IPFire项目，CC BY-SA 4.0许可）"),
                    HasSubstr("2026-06-17：iptoasn-country (PDDL 1.0)；RouteViews与DB-IP的自治系统地址段，IPv4")));
  EXPECT_THAT(to_markdown(brief, Language::kEnglish),
              AllOf(HasSubstr("2 truncated IP header"), HasSubstr("line 12: not a time"),
                    HasSubstr("2022-10-29: libloc location database (IPFire Project, CC BY-SA 4.0)")));
  EXPECT_THAT(to_json(brief), AllOf(HasSubstr("line 12: not a time"), Not(HasSubstr("不是时间"))));
}

TEST(Brief, NamesSectorsInItsLanguageAndKeepsTheirCodesForMachines) {
  Brief brief = sample::small();
  FigureResult& figure = brief.sections[0].figure;
  figure.request.by = {"target-sector"};
  figure.rows = {{{"finance/banking"}, 3, 0.6}, {{"own/sector/that-has-no-name-of-its-own"}, 1, 0.2}, {{""}, 1, 0.2}};
  figure.definition.sectors = std::make_shared<const SectorNames>(
      SectorNames{{"finance/banking", {{"en", "Banks"}, {"zh", "银行"}}}, {"finance", {{"en", "Finance"}}}});
  for (const auto& text : {to_markdown(brief, Language::kEnglish), to_html(brief, "", Language::kEnglish)}) {
    EXPECT_THAT(text, AllOf(HasSubstr("Banks"), HasSubstr("own/sector/that-has-no-name-of-its-own"),
                            Not(HasSubstr("finance/banking"))));
  }
  for (const auto& text : {to_markdown(brief, Language::kChinese), to_html(brief, "", Language::kChinese)}) {
    EXPECT_THAT(text, AllOf(HasSubstr("银行"), HasSubstr("own/sector/that-has-no-name-of-its-own"),
                            Not(HasSubstr("finance/banking"))));
  }
  EXPECT_THAT(to_json(brief), HasSubstr("\"finance/banking\""));
  EXPECT_THAT(to_csv(brief), HasSubstr("finance/banking"));
}

TEST(ChineseBrief, ItsPageDeclaresItsLanguageOnScreenAndPaper) {
  for (const Medium medium : {Medium::kScreen, Medium::kPaper}) {
    const std::string page = to_html(sample::article(), "", Language::kChinese, medium);
    EXPECT_THAT(page,
                AllOf(HasSubstr("<html lang=\"zh-Hans\">"), HasSubstr("木马和僵尸网络"), HasSubstr("1,900,000"),
                      HasSubstr("按来源国家或地区统计（前10位）"), HasSubstr("1月30日"), Not(HasSubstr("http://"))));
  }
}

// Every phrase takes the arguments that it is given: no format is wrong in a language alone.
TEST(Phrases, BothLanguagesSayTheSameThings) {
  Brief brief = sample::small();
  brief.sections[1].machines = MachinesNote{0, 0, 0, "too few"};
  brief.sensitivity = {{"botnet.overseas-servers", 1, std::nullopt, 0, std::nullopt}, {"no.such", 5, {}, {}, {}}};
  for (const Language language : kLanguages) {
    for (const Confidence confidence : {Confidence::kSuspected, Confidence::kProbable, Confidence::kConfirmed}) {
      brief.confidence = confidence;
      EXPECT_FALSE(to_html(brief, "", language).empty());
      EXPECT_THAT(to_markdown(brief, language), HasSubstr("too few"));
    }
    EXPECT_FALSE(to_markdown(Brief{}, language).empty());
    EXPECT_EQ(sensitivity_table(brief, phrases(language))[0].size(), 3U) << "columns that no figure has are left out";
    EXPECT_THAT(sensitivity_table(Brief{}, phrases(language)), IsEmpty());
  }
  EXPECT_EQ(english().dimensions.size(), chinese().dimensions.size());
  EXPECT_EQ(english().kinds.size(), chinese().kinds.size());
}

TEST(Phrases, TheCatalogueHasAllItsTextsInBothLanguages) {
  const auto catalogue = Catalogue::load(TOCSIN_SOURCE_DIR "/figures");
  ASSERT_TRUE(catalogue);
  for (const FigureDefinition& figure : catalogue->figures()) {
    for (const auto* texts : {&figure.title, &figure.definition, &figure.caution, &figure.sentence}) {
      EXPECT_EQ(texts->contains("en"), texts->contains("zh")) << figure.id;
    }
    EXPECT_TRUE(english().kinds.contains(figure.id.substr(0, figure.id.find('.')))) << figure.id;
    const auto zh = figure.sentence.find("zh");
    if (zh == figure.sentence.end()) continue;
    EXPECT_THAT(zh->second, AllOf(testing::StartsWith("{period}，"), testing::EndsWith("。"))) << figure.id;
  }
}

}  // namespace
}  // namespace tocsin
