#include <gmock/gmock.h>

#include "behaviour.h"
#include "detect/script_table.h"

namespace tocsin {
namespace {

const std::string kMarks = TOCSIN_SOURCE_DIR "/rules/web-shells.toml";
constexpr Timestamp kStart = 1'700'002'800 * kSecond;  // on the hour
const std::string kBrowser =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36";

// A site's log in the making.
class Log {
 public:
  HttpTransaction& add(Timestamp time, std::string_view client, std::string_view method, std::string_view uri,
                       std::uint64_t bytes = 1000, std::string_view referrer = "") {
    HttpTransaction http;
    http.time = kStart + time;
    http.client.ip = ip(client);
    http.method = method;
    http.uri = batch_.text.keep(uri);
    http.host = "www.example.org";
    http.referrer = batch_.text.keep(referrer);
    http.user_agent = kBrowser;
    http.status = 200;
    http.response_bytes = bytes;
    http.logged = true;
    http.place.record = batch_.http.size() + 1;
    return batch_.http.emplace_back(http);
  }
  // A visitor reads pages with all that belongs to them.
  void visit(Timestamp time, const std::string& client, std::string_view page = "/index.php") {
    add(time, client, "GET", page, 9000);
    for (const char* part : {"/css/site.css", "/js/app.js", "/images/logo.png"})
      add(time + kSecond, client, "GET", part, 5000, "http://www.example.org" + std::string(page));
    add(time + 20 * kSecond, client, "GET", "/contact.html", 4000, "http://www.example.org" + std::string(page));
  }
  void visitors(int count) {
    for (int i = 0; i < count; ++i) visit(i * kMinute, fmt_ip(i));
  }
  std::vector<Sighting> judge() const {
    static const auto detector = make_web_shell_detector(kMarks);
    if (!detector) {
      ADD_FAILURE() << detector.error().message;
      return {};
    }
    return sightings(**detector, batch_);
  }
  static std::string fmt_ip(int i) { return "198.51.100." + std::to_string(i % 250 + 1); }

 private:
  Batch batch_;
};

TEST(WebShell, CommandsToAScriptAmongUploadsAreProbable) {
  Log log;
  log.visitors(30);
  for (int session = 0; session < 2; ++session) {
    for (int i = 0; i < 6; ++i)
      log.add(session * 5 * kHour + i * 9 * kSecond * (i + 1), "203.0.113.66", "POST", "/wp-content/uploads/2024/x.php",
              200 + i * 731);
  }
  const auto seen = log.judge();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].kind, Kind::kBackdoor);
  EXPECT_EQ(seen[0].confidence, Confidence::kProbable);
  EXPECT_EQ(seen[0].actor.ip, ip("203.0.113.66"));
  EXPECT_EQ(seen[0].target_name, "www.example.org");
  EXPECT_EQ(seen[0].count, 6U);
  EXPECT_EQ(seen[0].rule, "behaviour");
  EXPECT_EQ(seen[0].detector, "web-shell");
  EXPECT_THAT(seen[0].matched, ::testing::StartsWith("/wp-content/uploads/2024/x.php: where no script belongs"));
  EXPECT_LT(seen[0].last_seen - seen[0].first_seen, kHour);
}

TEST(WebShell, OneCommandIsOnlySuspected) {
  Log log;
  log.visitors(10);
  log.add(0, "203.0.113.66", "POST", "/uploads/x.php");
  const auto seen = log.judge();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].confidence, Confidence::kSuspected);
}

TEST(WebShell, ASignatureAnsweredWith200IsConfirmed) {
  struct Case {
    const char *method, *uri, *agent, *family;
  };
  for (const Case& one :
       {Case{"POST", "/about2.php", "antSword/v2.1", "AntSword"}, Case{"GET", "/x.php?act=img&img=home", "", "c99"},
        Case{"GET", "/x.php?a=FilesMan&c=/var/www", "", "WSO"}, Case{"GET", "/x.php?y=/var/www&x=shell", "", "b374k"},
        Case{"POST", "/x.php?feature=shell", "", "p0wny"},
        Case{"GET", "/x.asp?pw=1&z0=ZGlyIGM6XFdpbmRvd3MgL2I=&z1=a", "", "China Chopper"},
        Case{"POST", "/t.jsp?cmd=connect&target=10.0.0.5&port=3389", "", "reGeorg"},
        Case{"POST", "/ALFA_DATA/alfacgiapi/perl.alfa", "", "ALFA"}}) {
    Log log;
    log.visitors(5);
    log.add(0, "203.0.113.66", one.method, one.uri).user_agent = one.agent;
    const auto seen = log.judge();
    ASSERT_EQ(seen.size(), 1U) << one.uri;
    EXPECT_EQ(seen[0].confidence, Confidence::kConfirmed) << one.uri;
    EXPECT_EQ(seen[0].family, one.family);
    EXPECT_EQ(seen[0].rule, "signature");
  }
}

TEST(WebShell, AnAttackersTryOnAVisitedPageIsNotConfirmed) {
  Log few;
  few.visitors(20);
  few.add(0, "203.0.113.66", "POST", "/index.php?feature=shell");
  for (const Sighting& one : few.judge()) EXPECT_EQ(one.confidence, Confidence::kSuspected) << one.matched;
  Log many;
  many.visitors(70);
  many.add(kDay, "203.0.113.66", "POST", "/index.php?feature=shell");
  EXPECT_TRUE(many.judge().size() <= 1);
}

TEST(WebShell, ProbesThatAreNotAnsweredAreNoBackdoor) {
  Log log;
  for (int i = 0; i < 20; ++i) {
    log.add(i * kSecond, "203.0.113.66", "POST", "/uploads/shell.php?cmd=id").status = 404;
    log.add(i * kSecond, "203.0.113.66", "POST", "/uploads/wso.php").status = 403;
    log.add(i * kSecond, "203.0.113.66", "POST", "/c99.php?act=img&img=home").status = 302;
  }
  EXPECT_TRUE(log.judge().empty());
}

TEST(WebShell, AServerThatAnswersEveryNameHasNoShellBehindEach) {
  Log log;
  for (int i = 0; i < 40; ++i)
    log.add(i * kSecond, "203.0.113.66", "POST", "/uploads/shell" + std::to_string(i) + ".php?cmd=id", 512);
  EXPECT_TRUE(log.judge().empty());
}

TEST(WebShell, LoginFormsAndUploadsOfManyAreNone) {
  Log log;
  log.visitors(20);
  for (int i = 0; i < 20; ++i) {
    log.add(i * kMinute, Log::fmt_ip(i), "POST", "/login.php", 800, "http://www.example.org/login.php");
    log.add(i * kMinute, Log::fmt_ip(i), "POST", "/upload/upload.php", 800, "http://www.example.org/form.html");
  }
  EXPECT_TRUE(log.judge().empty());
  for (int i = 0; i < 200; ++i) log.add(i * kMinute, "198.51." + std::to_string(i) + ".7", "POST", "/xmlrpc.php", 400);
  EXPECT_TRUE(log.judge().empty());
}

TEST(WebShell, ApisAndPaymentCallbacksAreNone) {
  Log log;
  log.visitors(10);
  for (int i = 0; i < 400; ++i) {
    const Timestamp when = i * 11 * kMinute + i * i % 37 * kSecond;
    for (const char* path : {"/payment/callback.php", "/shop/result.php", "/api/v1/orders.php", "/ipn.php"})
      log.add(when, "203.0.113.20", "POST", path, 2 + i % 3 * 900).user_agent = "PaymentProvider/1.0";
  }
  EXPECT_TRUE(log.judge().empty());
}

TEST(WebShell, AFewPaymentCallbacksAtOddTimesAreNone) {
  Log log;
  for (int i = 0; i < 9; ++i) log.add(i * i * kHour, "203.0.113.20", "POST", "/shop/pp_result.php", 100 + i * 777);
  EXPECT_TRUE(log.judge().empty());
}

TEST(WebShell, TheAdministrationOfTwoIsNone) {
  Log log;
  for (const char* admin : {"198.51.100.1", "198.51.100.2"}) {
    for (int day = 0; day < 20; ++day) {
      log.visit(day * kDay, admin, "/admin/index.php");
      for (int i = 0; i < 9; ++i)
        log.add(day * kDay + i * kMinute, admin, "POST", "/admin/media/edit.php?id=1", 700 + i * 999,
                "http://www.example.org/admin/index.php");
    }
  }
  EXPECT_TRUE(log.judge().empty());
}

TEST(WebShell, CronJobsAndMonitorsAreNone) {
  Log log;
  for (int i = 0; i < 2000; ++i) {
    log.add(i * 5 * kMinute, "203.0.113.9", "GET", "/cron.php?key=abc", 20).user_agent = "Wget/1.21";
    log.add(i * 5 * kMinute, "203.0.113.8", "POST", "/tmp/check.php", 20).user_agent = "Monitor/1.0";
    log.add(i * 5 * kMinute, "203.0.113.8", "HEAD", "/index.php", 0).user_agent = "Monitor/1.0";
  }
  for (int day = 0; day < 30; ++day)
    log.add(day * kDay + 3 * kHour, "203.0.113.9", "POST", "/backup/run.php", 40 + day).user_agent = "curl/8.0";
  EXPECT_TRUE(log.judge().empty());
}

TEST(WebShell, ThumbnailsAreNone) {
  Log log;
  for (int i = 0; i < 50; ++i)
    log.add(i * kMinute * i, "203.0.113.5", "GET", "/images/thumb.php?src=a" + std::to_string(i) + ".jpg",
            500 + i * 100);
  EXPECT_TRUE(log.judge().empty());
}

TEST(WebShell, CommandsReadInTheUriTellWithoutAPlace) {
  Log log;
  log.visitors(10);
  for (const Timestamp session : {Timestamp{0}, 30 * kHour}) {
    for (const char* command : {"whoami", "id", "ls%20-la", "cat%20/etc/passwd", "uname%20-a", "ps"})
      log.add(session + kSecond * command[0], "203.0.113.66", "GET", "/news2.php?cmd=" + std::string(command),
              90U * static_cast<unsigned>(command[1]) - 8000);
  }
  const auto seen = log.judge();
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen[0].confidence, Confidence::kProbable);
  EXPECT_EQ(seen[0].actor.ip, ip("203.0.113.66"));
}

TEST(WebShell, AScannersTriesAreNoCommands) {
  Log log;
  log.visitors(4);
  for (const char* script : {"/index.php", "/about.php", "/news.php"}) {
    log.visit(0, "198.51.100.9", script);
    for (const char* attempt : {"?cmd=id", "?cmd=cat%20/etc/passwd", "?file=/var/log/auth.log", "?x=phpinfo()"})
      log.add(kHour, "203.0.113.66", "GET", std::string(script) + attempt, 9000);
  }
  EXPECT_TRUE(log.judge().empty());
  log.add(kHour, "203.0.113.66", "GET", "/?x=@eval(base64_decode($_POST[z0]))", 9000);
  const auto seen = log.judge();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].confidence, Confidence::kSuspected);
}

TEST(ScriptTable, FindsTheScriptInAPath) {
  EXPECT_EQ(script_of("/a/b.php"), "/a/b.php");
  EXPECT_EQ(script_of("/a/b.PHP/c/d"), "/a/b.PHP");
  EXPECT_EQ(script_of("/a/x.php.jpg"), "/a/x.php.jpg");
  EXPECT_EQ(script_of("/a/x.asp;.jpg"), "/a/x.asp");
  EXPECT_EQ(script_of("/a.b/c"), "");
  EXPECT_EQ(script_of("/index.html"), "");
  EXPECT_TRUE(is_asset("/a/b.CSS"));
  EXPECT_FALSE(is_asset("/favicon.ico"));
}

TEST(ScriptTable, IsBoundedAndKeepsWhatMatters) {
  ScriptTable table(1000, 4000);
  HttpTransaction http;
  http.method = "POST";
  http.client.ip = ip("203.0.113.1");
  Script& shell = table.add(1);
  shell.path = "/uploads/x.php";
  shell.marks.place = true;
  http.time = kStart;
  table.use(shell, http, 1, true, {});
  http.method = "GET";
  for (std::uint64_t i = 2; i < 20'000; ++i) {
    http.time += kMinute;
    Script* script = table.find(i % 3000 + 2);
    if (script == nullptr) script = &table.add(i % 3000 + 2);
    table.use(*script, http, 1, false, {});
    ASSERT_LE(table.size(), 1000U);
  }
  EXPECT_NE(table.find(1), nullptr);
  Script& open = table.add(99'999'999);
  for (std::uint32_t i = 0; i < 70; ++i) {
    http.client.ip = IpAddress::v4(0x0a000000 + i);
    table.use(open, http, i, false, {});
  }
  EXPECT_TRUE(open.open_to_all);
  EXPECT_TRUE(open.uses.empty());
}

TEST(WebShell, HostileRequestsAreHarmless) {
  Log log;
  std::uint64_t state = 3;
  std::string noise;
  for (int i = 0; i < 4000; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    noise += static_cast<char>(state >> 56);
  }
  for (std::size_t i = 0; i + 60 < noise.size(); i += 11) {
    log.add(static_cast<Timestamp>(i) * kSecond, "203.0.113.6", "POST",
            noise.substr(i, 60) + ".php?" + noise.substr(i, 9));
    log.add(-static_cast<Timestamp>(i) * kHour, "203.0.113.6", "", noise.substr(i, 40), ~0ULL, noise.substr(i, 30));
  }
  log.add(0, "203.0.113.6", "POST", std::string(1 << 20, '.') + "php");
  log.judge();
  const std::string sample = "http://a.example/uploads/%73.php;x?act=img&img=home%25";
  for (std::size_t cut = 0; cut <= sample.size(); ++cut) {
    Log one;
    one.add(0, "203.0.113.6", "POST", sample.substr(0, cut), 1, sample.substr(cut));
    one.judge();
  }
}

TEST(WebShell, ComplaintsNameFileAndLine) {
  const auto complaint = [](const std::string& text) {
    const std::string path = ::testing::TempDir() + "web-shells-test.toml";
    std::ofstream(path) << text;
    const auto made = make_web_shell_detector(path);
    return made ? std::string("taken") : made.error().message.substr(path.size());
  };
  EXPECT_EQ(complaint("[[place]]\npattern = 'a'\n"), "taken");
  EXPECT_EQ(complaint("[[mark]]\nfamily = 'a'\nstrength = 'strong'\npattern = 'a'\n"),
            ":1: strength \"strong\": expected signature or hint");
  EXPECT_EQ(complaint("[[mark]]\nfamily = 'a'\nstrength = 'hint'\npattern = '(a'\n").substr(0, 18),
            ":4: pattern \"(a\": ");
  EXPECT_EQ(complaint("[[place]]\nfamily = 'a'\n"), ":2: \"family\" is not known here; expected pattern");
}

TEST(FetchTable, IsExactUntilItIsFull) {
  FetchTable table(1 << 13);
  for (std::uint64_t key = 0; key < 6000; ++key) {
    table.add_page(key * 7);
    if (key % 3 == 0) table.add_asset(key * 7);
  }
  for (std::uint64_t key = 0; key < 6000; ++key) {
    const auto fetched = table.find(key * 7);
    ASSERT_TRUE(fetched);
    EXPECT_EQ(fetched->pages, 1);
    EXPECT_EQ(fetched->assets, key % 3 == 0 ? 1 : 0);
  }
  ASSERT_TRUE(table.find(3));
  EXPECT_EQ(table.find(3)->pages, 0);
  for (std::uint64_t key = 0; key < 6000; ++key) table.add_page(key * 11 + 1);
  EXPECT_FALSE(table.find(1'000'003));
}

}  // namespace
}  // namespace tocsin
