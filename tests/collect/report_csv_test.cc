#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collect/report_fields.h"
#include "read_all.h"

namespace tocsin::testing {
namespace {

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

std::unique_ptr<Observations> read_as(const std::string& name, const std::string& text) {
  const auto input = InputStream::of_bytes(text, name);
  EXPECT_EQ(recognise(bytes_of(text)), Format::kReportCsv);
  return observations_of(*input, Format::kReportCsv);
}

const std::string kEvent =
    R"("timestamp","protocol","src_ip","src_port","src_asn","src_geo","dst_ip","dst_port","dst_asn","public_source",)"
    R"("infection","family","tag","application","version","event_id")";

TEST(ReportCsv, IsToldFromOtherCsv) {
  const auto of = [](const std::string& text) { return recognise(bytes_of(text)); };
  EXPECT_EQ(of("time,kind,actor_ip,target_ip\n"), Format::kReportCsv);
  EXPECT_EQ(of("\xef\xbb\xbfTime;Kind;URL\r\n"), Format::kReportCsv);
  EXPECT_EQ(of("url\tbrand\ttime\n"), Format::kReportCsv);
  EXPECT_EQ(of("timestamp,source_ip,dst_port,cve\n"), Format::kReportCsv);
  EXPECT_EQ(of(kEvent + "\n"), Format::kReportCsv);
  EXPECT_EQ(of("StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport\n"), Format::kBinetflow);
  EXPECT_EQ(of("indicator,kind,first_seen\n"), Format::kUnknown);
  EXPECT_EQ(of("ip,family,valid_from,kind\n"), Format::kUnknown);
  EXPECT_EQ(of("time,src_ip,dst_ip,bytes\n"), Format::kUnknown);
  EXPECT_EQ(of("kind,actor_ip,target_ip\n"), Format::kUnknown) << "no time";
  EXPECT_EQ(of("time,kind\n"), Format::kUnknown) << "nobody is named";
}

TEST(ReportCsv, ReadsColumnsByNameInAnyOrder) {
  const auto all = observations_of(
      "count,Target IP,target_port,actor,actor_port,kind,time,last_seen,family,group,reporter,rule,confidence,tlp,"
      "description,target_name,cve\n"
      "12,203.0.113.5,22,198.51.100.7,4000,brute-force,2024-03-01 10:00:00,2024-03-01T11:30:00+01:00,fam,grp,"
      "cert-x,ssh-bruteforce,probable,TLP:GREEN,\"many, \"\"bad\"\"\nwords\",WWW.Example.ORG.,cve-2021-44228\n"
      "1,,,198.51.100.7,,scan,1709287200.5,,,,,,,,,,\n");
  EXPECT_EQ(all->skips.count(), 0U);
  ASSERT_EQ(all->batch.reports.size(), 2U);
  const Report& one = all->batch.reports[0];
  EXPECT_EQ(one.kind, Kind::kBruteForce);
  EXPECT_EQ(one.actor, (Endpoint{ip("198.51.100.7"), 4000}));
  EXPECT_EQ(one.target, (Endpoint{ip("203.0.113.5"), 22}));
  EXPECT_EQ(one.target_name, "www.example.org");
  EXPECT_EQ(one.first, *parse_time("2024-03-01T10:00:00Z"));
  EXPECT_EQ(one.last, *parse_time("2024-03-01T10:30:00Z"));
  EXPECT_EQ(one.family, "fam");
  EXPECT_EQ(one.group, "grp");
  EXPECT_EQ(one.reporter, "cert-x");
  EXPECT_EQ(one.rule, "ssh-bruteforce");
  EXPECT_EQ(one.confidence, Confidence::kProbable);
  EXPECT_EQ(one.tlp, "green");
  EXPECT_EQ(one.cve, "CVE-2021-44228");
  EXPECT_EQ(one.count, 12U);
  EXPECT_EQ(one.description, "many, \"bad\"\nwords");
  EXPECT_EQ(one.place.record, 2U);
  EXPECT_EQ(all->batch.reports[1].place.record, 4U) << "the record before it had two lines";
  EXPECT_EQ(all->batch.reports[1].first, *parse_epoch("1709287200.5"));
  EXPECT_EQ(all->batch.reports[1].confidence, Confidence::kConfirmed);
}

TEST(ReportCsv, APhishingListNeedsNoKind) {
  const auto all = observations_of(
      "url;brand;time\n"
      "hxxps://Login.Evil[.]example./a;bank.example;2024-03-01\n"
      "http://198.51.100.9:8080/x;Bank;2024-03-01 08:00:00\n");
  ASSERT_EQ(all->batch.reports.size(), 2U);
  EXPECT_EQ(all->batch.reports[0].kind, Kind::kPhishing);
  EXPECT_EQ(all->batch.reports[0].actor_name, "login.evil.example");
  EXPECT_EQ(all->batch.reports[0].url, "https://Login.Evil.example./a");
  EXPECT_EQ(all->batch.reports[0].target_name, "bank.example");
  EXPECT_EQ(all->batch.reports[1].actor, (Endpoint{ip("198.51.100.9"), 8080}));
  EXPECT_EQ(all->batch.reports[1].actor_name, "");
  EXPECT_EQ(all->batch.reports[1].target_name, "bank");
}

TEST(ReportCsv, AnAttemptAtAVulnerabilityIsAnExploit) {
  const auto all = observations_of(
      "timestamp,src_ip,dst_ip,dst_port,cve\n"
      "2024-03-01T00:00:01Z,198.51.100.9,203.0.113.5,8080,CVE-2021-44228\n"
      "2024-03-01T00:00:02Z,198.51.100.9,203.0.113.5,8080,\n");
  ASSERT_EQ(all->batch.reports.size(), 1U);
  EXPECT_EQ(all->batch.reports[0].kind, Kind::kExploit);
  EXPECT_EQ(all->batch.reports[0].actor.ip, ip("198.51.100.9"));
  EXPECT_EQ(all->skips.by_reason().count("no CVE number, and no kind"), 1U);
}

TEST(ReportCsv, ASiteThatIsHarmedIsTheTarget) {
  const auto all = observations_of(
      "date,kind,url,ip,defacer\n"
      "2024-03-01,defacement,http://www.site.example/x.html,203.0.113.80,crew\n"
      "2024-03-01,rsit:fraud=\"\"phishing\"\",http://www.site.example/x.html,203.0.113.80,\n");
  ASSERT_EQ(all->batch.reports.size(), 2U);
  EXPECT_EQ(all->batch.reports[0].target_name, "www.site.example");
  EXPECT_EQ(all->batch.reports[0].target.ip, ip("203.0.113.80"));
  EXPECT_EQ(all->batch.reports[0].group, "crew");
  EXPECT_TRUE(all->batch.reports[0].actor.ip.is_unspecified());
  EXPECT_EQ(all->batch.reports[1].actor_name, "www.site.example");
}

TEST(ReportCsv, AtShadowserversSinkholeTheSourceIsInfected) {
  const auto all = read_as("/data/2021-03-04-event4_sinkhole_http-x.csv",
                           kEvent + R"(,"http_url","http_host","http_agent","forwarded_by")" + "\n" +
                               R"("2021-03-04 00:00:00","tcp","203.0.113.2",60902,1,"PH","198.51.100.2",80,6939,,)" +
                               R"("andromeda","avalanche-andromeda",,,,,"/","x.example",,)" + "\n");
  ASSERT_EQ(all->batch.reports.size(), 1U);
  const Report& one = all->batch.reports[0];
  EXPECT_EQ(one.kind, Kind::kBotnetControl);
  EXPECT_EQ(one.target, (Endpoint{ip("203.0.113.2"), 60902}));
  EXPECT_EQ(one.actor, (Endpoint{ip("198.51.100.2"), 80}));
  EXPECT_EQ(one.family, "avalanche-andromeda");
  EXPECT_EQ(one.reporter, "shadowserver");
  EXPECT_EQ(one.rule, "event4_sinkhole");
}

TEST(ReportCsv, UnderstandsShadowserversHoneypots) {
  const std::string start = R"("2021-03-27 00:00:00","tcp","198.51.100.1",30123,1,"NL","203.0.113.2",22,2,"X",)";
  const auto all = read_as("memory", kEvent + "\n" + start + R"("ssh-brute-force",,,,,)" + "\n" + start +
                                         R"("http-scan",,,,,)" + "\n" + start + R"("ddos-amplification",,,,,)" + "\n" +
                                         start + R"("ip-spoofer",,,,,)" + "\n");
  ASSERT_EQ(all->batch.reports.size(), 3U);
  EXPECT_EQ(all->batch.reports[0].kind, Kind::kBruteForce);
  EXPECT_EQ(all->batch.reports[0].actor.ip, ip("198.51.100.1"));
  EXPECT_EQ(all->batch.reports[1].kind, Kind::kScan);
  EXPECT_EQ(all->batch.reports[2].kind, Kind::kDenialOfService);
  EXPECT_EQ(all->batch.reports[2].target.ip, ip("198.51.100.1")) << "the source is forged: it is the victim";
  EXPECT_TRUE(all->batch.reports[2].actor.ip.is_unspecified());
  EXPECT_EQ(all->passed_over, 1U);
}

TEST(ReportCsv, UnderstandsShadowserversSites) {
  const auto phish =
      read_as("phish_url.csv",
              R"("timestamp","url","host","ip","asn","geo","region","city","naics","sector","source")"
              "\n"
              R"("2022-02-01 08:00:07","https://a.example.net/P","a.example.net","198.51.100.3",1,"US",,,,,"o")"
              "\n");
  ASSERT_EQ(phish->batch.reports.size(), 1U);
  EXPECT_EQ(phish->batch.reports[0].kind, Kind::kPhishing);
  EXPECT_EQ(phish->batch.reports[0].actor.ip, ip("198.51.100.3"));
  EXPECT_EQ(phish->batch.reports[0].actor_name, "a.example.net");
  EXPECT_EQ(phish->batch.reports[0].reporter, "o");
  const auto sites =
      read_as("compromised_website.csv",
              R"("timestamp","ip","port","hostname","tag","url","http_host","category","detected_since")"
              "\n"
              R"("2017-01-16 00:43:48","203.0.113.1",80,"example.com","hacked","/h.php","example.com","spam",)"
              "\n"
              R"("2017-01-16 00:43:48","203.0.113.1",80,"example.com","phishing","/","example.com","phishing",)"
              "\n");
  ASSERT_EQ(sites->batch.reports.size(), 2U);
  EXPECT_EQ(sites->batch.reports[0].kind, Kind::kIntrusion);
  EXPECT_EQ(sites->batch.reports[0].target, (Endpoint{ip("203.0.113.1"), 80}));
  EXPECT_EQ(sites->batch.reports[0].target_name, "example.com");
  EXPECT_EQ(sites->batch.reports[0].url, "http://example.com/h.php");
  EXPECT_EQ(sites->batch.reports[1].kind, Kind::kPhishing);
  EXPECT_EQ(sites->batch.reports[1].actor_name, "example.com");
}

TEST(ReportCsv, SkipsOnlyTheBadRecords) {
  const std::string good = "2024-03-01,scan,198.51.100.1,203.0.113.1\n";
  const auto all =
      observations_of("time,kind,actor_ip,target_ip\n" + good + "yesterday,scan,1.1.1.1,2.2.2.2\n" + good +
                      "2024-03-01,theft,1.1.1.1,2.2.2.2\n2024-03-01,scan,1.1.1,2.2.2.2\n2024-03-01,scan,,\n" +
                      "time,kind,actor_ip,target_ip\n" + good + "2024-03-01,\"scan,1.1.1.1,2.2.2.2\n" + good + good);
  EXPECT_EQ(all->batch.reports.size(), 5U) << "an open quote costs its own line alone";
  EXPECT_EQ(all->skips.count(), 5U);
  EXPECT_EQ(all->records, 10U);
  EXPECT_THAT(all->skips.examples(), ::testing::Contains("line 3: not a time"));
}

TEST(ReportCsv, SurvivesCutsAndNoise) {
  const std::string text =
      "time,kind,actor,target,url,count,cve,confidence\n"
      "2024-03-01,phishing,\"a\"\"b.example\",bank.example,\"http://[::1]:80/a\nb\",3,CVE-2021-44228,70\n"
      "2024-03-01,defacement,198.51.100.1,x,http://u@h.example:99999/,1,,\n";
  for (std::size_t size = 0; size <= text.size(); ++size) observations_of(text.substr(0, size), Format::kReportCsv);
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char with : {'\0', '"', '\n', ',', ';', '\xff', '['}) {
      std::string damaged = text;
      damaged[at] = with;
      observations_of(damaged, Format::kReportCsv);
    }
  }
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    observations_of(text + noise(3000, seed), Format::kReportCsv);
    recognise(bytes_of(noise(3000, seed)));
  }
}

TEST(ReportCsv, BoundsWhatHostileRecordsCost) {
  const std::string head = "time,kind,actor_ip,description\n";
  std::string quotes = head;
  for (int i = 0; i < 20'000; ++i) quotes += "\"\"\"\n";
  EXPECT_GT(observations_of(quotes, Format::kReportCsv)->skips.count(), 0U);
  const auto commas = observations_of(head + std::string(1'000'000, ',') + "\n", Format::kReportCsv);
  EXPECT_EQ(commas->skips.by_reason().count("more than 512 fields"), 1U);
  const auto words = observations_of(head + "2024-03-01,scan,1.1.1.1," + std::string(1'000'000, 'w') + "\n");
  ASSERT_EQ(words->batch.reports.size(), 1U);
  EXPECT_EQ(words->batch.reports[0].description.size(), 512U);
}

TEST(ReportFields, FindTheHostOfAUrl) {
  const auto host = [](std::string_view url) { return collect::host_of_url(url).value_or(collect::UrlHost{}).host; };
  EXPECT_EQ(host("http://User:pw@WWW.a.Example.:8080/x@y"), "www.a.example");
  EXPECT_EQ(host("a.example/x"), "a.example");
  EXPECT_EQ(host("hxxp://a[.]example?x"), "a.example");
  EXPECT_EQ(host("https://bank.example\\@evil.example"), "bank.example");
  EXPECT_EQ(host("http://[2001:db8::1]:443/"), "2001:db8::1");
  EXPECT_EQ(host("http://"), "");
  EXPECT_EQ(host("just words"), "");
  EXPECT_EQ(collect::host_of_url("http://a.example:8443/")->port, 8443);
}

TEST(ReportFields, KnowTheKindsInOthersWords) {
  EXPECT_EQ(collect::kind_in_words("Phishing"), Kind::kPhishing);
  EXPECT_EQ(collect::kind_in_words("ecsirt:intrusions=\"defacement\""), Kind::kDefacement);
  EXPECT_EQ(collect::kind_in_words("rsit:intrusion-attempts=\"brute-force\""), Kind::kBruteForce);
  EXPECT_EQ(collect::kind_in_words("Brute Force"), Kind::kBruteForce);
  EXPECT_EQ(collect::kind_in_words("other"), std::nullopt);
  EXPECT_EQ(collect::kind_in_words(""), std::nullopt);
}

}  // namespace
}  // namespace tocsin::testing
