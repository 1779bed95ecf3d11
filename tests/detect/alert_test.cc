#include <fstream>
#include <map>
#include <set>

#include "behaviour.h"

namespace tocsin {
namespace {

const std::string kRules = TOCSIN_SOURCE_DIR "/rules/alerts.toml";
constexpr Timestamp kStart = 1'700'000'000 * kSecond;

Alert alert(std::string_view signature, std::string_view category, Endpoint source, Endpoint dest,
            std::string_view sensor = "suricata") {
  Alert one;
  one.client = source;
  one.server = dest;
  one.time = kStart;
  one.sensor = sensor;
  one.signature = signature;
  one.category = category;
  one.signature_id = sensor == "zeek" ? 0 : 2000001;
  return one;
}

std::vector<Sighting> judge(const std::vector<Alert>& alerts, const InsideTest& inside = within("192.168.0.0/16")) {
  auto detector = make_alert_detector(kRules, inside);
  if (!detector) {
    ADD_FAILURE() << detector.error().message;
    return {};
  }
  Batch batch;
  batch.alerts = alerts;
  return sightings(**detector, batch);
}

const Endpoint kHost{ip("192.168.1.5"), 50000};
const Endpoint kAbroad{ip("203.0.114.7"), 443};

TEST(Alert, ACheckInHasTheServerForActorWhicheverWayThePacketWent) {
  for (const bool out : {true, false}) {
    const auto seen = judge({alert("ET MALWARE Win32/Bot CnC Checkin", "Malware Command and Control Activity Detected",
                                   out ? kHost : kAbroad, out ? kAbroad : kHost)});
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].kind, Kind::kBotnetControl);
    EXPECT_EQ(seen[0].actor, kAbroad);
    EXPECT_EQ(seen[0].target, kHost);
    EXPECT_EQ(seen[0].confidence, Confidence::kConfirmed);
    EXPECT_EQ(seen[0].rule, "ET MALWARE Win32/Bot CnC Checkin");
    EXPECT_EQ(seen[0].matched, "suricata: ET MALWARE Win32/Bot CnC Checkin (sid 2000001)");
  }
}

TEST(Alert, HeedsThatTheServerCanBeTheSource) {
  Alert one = alert("GPL SCAN nmap", "Detection of a Network Scan", kHost, kAbroad);
  one.client_is_source = false;
  EXPECT_EQ(judge({one}).at(0).actor, kAbroad);
}

TEST(Alert, WhereNobodyIsInsideTheLowerPortIsTheServer) {
  const auto seen = judge({alert("ET MALWARE Bot Response", "A Network Trojan was detected", kAbroad, kHost)},
                          [](const IpAddress&) { return false; });
  EXPECT_EQ(seen.at(0).actor, kAbroad);
}

TEST(Alert, AQuestionForAControlNameDoesNotAccuseTheResolver) {
  const auto seen = judge({alert("ET MALWARE Observed DNS Query to Bot Domain", "Domain Observed Used for C2 Detected",
                                 kHost, {ip("8.8.8.8"), 53})});
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_TRUE(seen[0].actor.ip.is_unspecified());
  EXPECT_EQ(seen[0].target.ip, kHost.ip);
}

TEST(Alert, NamesKindsByMeaning) {
  struct Case {
    std::string_view signature, category;
    Kind kind;
    bool source_acts;
  };
  const Case cases[] = {
      {"ET SCAN Zmap User-Agent (Inbound)", "Detection of a Network Scan", Kind::kScan, true},
      {"ET CINS Active Threat Intelligence Poor Reputation IP group 86", "Misc Attack", Kind::kScan, true},
      {"ET EXPLOIT Netgear DGN Remote Command Execution", "Attempted Information Leak", Kind::kExploit, true},
      {"ET WEB_SPECIFIC_APPS Joomla SQLi", "Web Application Attack", Kind::kWebAttack, true},
      {"Our own rule", "Web Application Attack", Kind::kWebAttack, true},
      {"Our own rule", "Attempted Administrator Privilege Gain", Kind::kExploit, true},
      {"ET DOS NTP amplification", "Attempted Denial of Service", Kind::kDenialOfService, true},
      {"ET MALWARE PHP Webshell Access", "A Network Trojan was detected", Kind::kBackdoor, true},
  };
  for (const Case& one : cases) {
    const auto seen = judge({alert(one.signature, one.category, kAbroad, kHost)});
    ASSERT_EQ(seen.size(), 1U) << one.signature;
    EXPECT_EQ(seen[0].kind, one.kind) << one.signature;
    EXPECT_EQ(seen[0].actor, one.source_acts ? kAbroad : kHost) << one.signature;
  }
  const auto phish =
      judge({alert("ET PHISHING Bank Landing", "Possible Social Engineering Attempted", kHost, kAbroad)});
  ASSERT_EQ(phish.size(), 1U);
  EXPECT_EQ(phish[0].kind, Kind::kPhishing);
  EXPECT_EQ(phish[0].actor, kAbroad);
}

TEST(Alert, PassesOverWhatIsNoAttack) {
  EXPECT_TRUE(
      judge({alert("ET INFO Request to Hidden Environment File", "Misc Attack", kAbroad, kHost),
             alert("ET POLICY curl User-Agent", "Attempted Information Leak", kAbroad, kHost),
             alert("SURICATA STREAM ESTABLISHED invalid ack", "Generic Protocol Command Decode", kAbroad, kHost),
             alert("x", "Not Suspicious Traffic", kAbroad, kHost), alert("x", "", kAbroad, kHost),
             alert("CaptureLoss::Too_Little_Traffic", "", kAbroad, kHost, "zeek"),
             alert("SSL::Invalid_Server_Cert", "", kHost, kAbroad, "zeek")})
          .empty());
}

TEST(Alert, UnderstandsZeeksNotices) {
  const auto scan = judge({alert("Scan::Port_Scan", "", kAbroad, {kHost.ip, 0}, "zeek"),
                           alert("ICMP::ICMPAddressScan", "", kAbroad, {}, "zeek"),
                           alert("SSH::Password_Guessing", "", kAbroad, kHost, "zeek"),
                           alert("HTTP::SQL_Injection_Attacker", "", kAbroad, {}, "zeek"),
                           alert("TeamCymruMalwareHashRegistry::Match", "", kHost, kAbroad, "zeek")});
  std::multiset<Kind> kinds;
  for (const Sighting& one : scan) {
    EXPECT_EQ(one.actor.ip, kAbroad.ip);
    kinds.insert(one.kind);
  }
  EXPECT_EQ(kinds, (std::multiset<Kind>{Kind::kScan, Kind::kScan, Kind::kBruteForce, Kind::kWebAttack,
                                        Kind::kMalwareDistribution}));
}

TEST(Alert, CountsWhatALogHasTwiceOnce) {
  const Alert one = alert("ET SCAN A", "Misc Attack", kAbroad, kHost);
  std::vector<Alert> alerts(3, one);
  EXPECT_EQ(judge(alerts).at(0).count, 1U);
  alerts[1].time += 1;
  alerts[2].client.port = 1;
  EXPECT_EQ(judge(alerts).at(0).count, 3U);
  alerts = {one, one};
  alerts[1].signature_id = 7;
  EXPECT_EQ(judge(alerts).at(0).count, 2U);
  alerts = {one, one, one, one};
  alerts[2].place.source = alerts[3].place.source = 1;
  const auto seen = judge(alerts);
  ASSERT_EQ(seen.size(), 2U) << "each source has its own";
  EXPECT_EQ(seen[0].count, 1U);
  EXPECT_EQ(seen[1].count, 1U);
  Alert notice = alert("Scan::Port_Scan", "", kAbroad, {}, "zeek");
  notice.message = "scanned 10.0.0.1";
  alerts = {notice, notice};
  alerts[1].message = "scanned 10.0.0.2";
  EXPECT_EQ(judge(alerts).at(0).count, 2U);
}

TEST(Alert, NamesTheServersSideByTheHttpHost) {
  Alert in = alert("ET WEB_SERVER Shell", "Web Application Attack", kAbroad, {kHost.ip, 80});
  in.host = "www.site.example";
  const Sighting attack = judge({in}).at(0);
  EXPECT_EQ(attack.target.ip, kHost.ip);
  EXPECT_EQ(attack.target_name, "www.site.example");
  EXPECT_EQ(attack.actor_name, "");
  for (const bool answered : {false, true}) {
    Alert out = alert("ET MALWARE Bot CnC Checkin", "Malware Command and Control Activity Detected", kHost, kAbroad);
    out.host = "c2.example\x1b";
    out.client_is_source = !answered;  // the packet may be either side's
    const Sighting control = judge({out}).at(0);
    EXPECT_EQ(control.actor, kAbroad);
    EXPECT_EQ(control.actor_name, "c2.example\\x1b");
    EXPECT_EQ(control.target_name, "");
  }
}

TEST(Alert, AddsUpByActorTargetSignatureAndHour) {
  std::vector<Alert> alerts;
  for (int i = 0; i < 100; ++i) {
    alerts.push_back(alert(i % 2 == 0 ? "ET SCAN A" : "ET SCAN B", "Misc Attack", kAbroad, kHost));
    alerts.back().time = kStart + i * 2 * kMinute;
    alerts.back().cve = "CVE-2014-0160";
    alerts.back().malware_family = "Mirai";
  }
  std::uint64_t count = 0;
  const auto seen = judge(alerts);
  for (const Sighting& one : seen) {
    count += one.count;
    EXPECT_EQ(floor_to(one.first_seen, kHour), floor_to(one.last_seen, kHour));
    EXPECT_EQ(one.cve, "CVE-2014-0160");
    EXPECT_EQ(one.family, "Mirai");
  }
  EXPECT_EQ(count, 100U);
  EXPECT_LE(seen.size(), 10U);
}

std::string complaint_about(const std::string& text) {
  const std::string path = testing::TempDir() + "/alerts.toml";
  std::ofstream(path) << text;
  auto detector = make_alert_detector(path, [](const IpAddress&) { return false; });
  return detector ? "none" : detector.error().message.substr(path.size());
}

TEST(Alert, NamesFileLineAndExpectationOfAnError) {
  EXPECT_EQ(
      complaint_about("[[rule]]\nsignature = \"A\"\nkind = \"scan\"\nactor = \"sauce\"\nconfidence = \"probable\"\n"),
      ":4: actor \"sauce\": expected source, dest, outside or server");
  EXPECT_EQ(complaint_about("\n[[rule]]\nsignature = \"A\"\nkind = \"scan\"\n"),
            ":2: expected kind, actor and confidence, or ignore = true");
  EXPECT_EQ(complaint_about("[[rule]]\nsignature = [\"A\", 3]\nignore = true\n"),
            ":2: signature: expected a text in quotes, or a list of them, none empty");
  EXPECT_EQ(complaint_about("[[rule]]\nsignatur = \"A\"\n").substr(0, 39), ":2: \"signatur\" is not known in a rule; ");
  EXPECT_EQ(complaint_about("[[rule]]\nkind = \"scam\"\n").substr(0, 9), ":2: kind:");
  EXPECT_EQ(complaint_about("[[rules]]\n").substr(0, 12), ":1: \"rules\" ");
  EXPECT_EQ(complaint_about("[[rule]]\nignore = true\n").substr(0, 21), ":1: fits every alert;");
  EXPECT_EQ(complaint_about("[[rule]\n").substr(0, 3), ":1:");
  EXPECT_EQ(complaint_about("").substr(0, 3), ":1:");
}

TEST(Alert, ReadsNoFileThatIsNotThere) {
  const auto detector = make_alert_detector("/nowhere/alerts.toml", [](const IpAddress&) { return false; });
  ASSERT_FALSE(detector);
  EXPECT_NE(detector.error().message.find("/nowhere/alerts.toml"), std::string::npos);
}

TEST(Alert, SurvivesATableCutAnywhere) {
  std::ifstream in(kRules);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  ASSERT_FALSE(whole.empty());
  for (std::size_t length = 0; length < whole.size(); length += 53) complaint_about(whole.substr(0, length));
}

// Truth by jq, for example: jq -r 'select(.event_type=="alert") | .alert.signature' | grep -c 'MSSQL' (131).
TEST(Alert, CountsTheAlertsOfARealLogAsJqDoes) {
  const std::string name = "stratosphere/test6-malicious.suricata.json";
  NEEDS_DATA(name);
  std::ifstream in(data_file(name));
  Batch batch;
  for (std::string line; std::getline(in, line);) {
    if (json_field(line, "event_type") != "alert") continue;
    std::string time = json_field(line, "timestamp");
    Alert one = alert(batch.text.keep(json_field(line, "signature")), batch.text.keep(json_field(line, "category")),
                      {ip(json_field(line, "src_ip")), 1}, {ip(json_field(line, "dest_ip")), 2});
    one.time = parse_time(time).value();
    batch.alerts.push_back(one);
  }
  ASSERT_EQ(batch.alerts.size(), 745U);
  auto detector = make_alert_detector(kRules, within("192.168.1.0/24"));
  ASSERT_TRUE(detector) << detector.error().message;
  std::map<Kind, std::uint64_t> kinds;
  std::uint64_t mssql = 0;
  std::set<IpAddress> actors;
  for (const Sighting& one : sightings(**detector, batch)) {
    kinds[one.kind] += one.count;
    if (one.rule == "ET SCAN Suspicious inbound to MSSQL port 1433") mssql += one.count;
    actors.insert(one.actor.ip);
    EXPECT_EQ(one.target.ip, ip("192.168.1.129"));
  }
  EXPECT_EQ(mssql, 131U);
  EXPECT_EQ(actors.size(), 346U);  // distinct src_ip of all but ET INFO
  EXPECT_EQ(kinds, (std::map<Kind, std::uint64_t>{{Kind::kScan, 737}, {Kind::kExploit, 4}, {Kind::kWebAttack, 2}}));
}

}  // namespace
}  // namespace tocsin
