#include <fstream>
#include <map>

#include "behaviour.h"
#include "detect/brands.h"
#include "detect/domain_name.h"

namespace tocsin {
namespace {

const std::string kExample = TOCSIN_SOURCE_DIR "/constituencies/brands.toml";
constexpr Timestamp kStart = 1'700'000'000 * kSecond;  // 22:13:20

class Phishing : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() / ("brands-" + std::to_string(::getpid()) + ".toml");
    write(R"(words = ["login", "secure", "verify", "account"]
ignore = ["cdn.example.net"]
[[brand]]
name = "Example Bank"
domains = ["bigbank.example", "bigbank.example.cn"]
keywords = ["bigpay"]
[[brand]]
name = "Metro"
domains = ["metrocard.example"]
)");
  }
  void TearDown() override { std::filesystem::remove(path_); }
  void write(const std::string& text) { std::ofstream(path_) << text; }

  std::vector<Sighting> judge(const Batch& batch) {
    auto detector = make_phishing_detector({path_});
    if (!detector) {
      ADD_FAILURE() << detector.error().message;
      return {};
    }
    return sightings(**detector, batch);
  }
  std::string path_;
};

DnsTransaction answer(Timestamp time, std::string_view query, std::string_view address) {
  DnsTransaction dns;
  dns.time = time;
  dns.query = query;
  dns.query_type = 1;
  dns.response_code = 0;
  if (!address.empty()) dns.addresses = {ip(address)};
  return dns;
}

Report phish(Timestamp time, std::string_view host, std::string_view brand = "") {
  Report report;
  report.kind = Kind::kPhishing;
  report.actor_name = host;
  report.target_name = brand;
  report.url = "http://x/y";
  report.reporter = "cert-x";
  report.first = report.last = time;
  return report;
}

std::string marks(const Brands& brands, std::string_view name) {
  std::string normal;
  return normalise_domain(name, normal) ? brands.judge(normal).rule() : "not a name";
}

TEST_F(Phishing, KnowsNamesThatImitate) {
  const auto brands = Brands::read({path_});
  ASSERT_TRUE(brands) << brands.error().message;
  const std::pair<const char*, const char*> cases[] = {
      {"b1gbank.com", "confusable"},
      {"bіgbank.com", "confusable"},  // Cyrillic
      {"www.bigbаnk.com", "confusable"},
      {"rnetrocard.com", "confusable"},
      {"b1gbank-login.com", "confusable + brand-with-word"},
      {"bigbank-login.com", "brand-with-word"},
      {"login.bigbank.xyz", "brand-with-word"},
      {"bigbanklogin.com", "brand-with-word"},
      {"bigpay-verify.com", "brand-with-word"},
      {"bigbamk.com", "near-miss"},
      {"bigbnak.com", "near-miss"},
      {"biigbank.com", "near-miss"},
      {"bigbnk.com", "near-miss"},
      {"bigbamk-login.com", "brand-with-word + near-miss"},
      {"login.bigbamk.com", "near-miss"},
      {"bigbank.example.cn.evil.com", "brand-subdomain"},
      {"www-bigbank-example.evil.com", "brand-subdomain"},
      {"login.bigbank.example.evil.com", "brand-with-word + brand-subdomain"},
      {"bigbank.example", ""},
      {"login.bigbank.example", ""},
      {"bigbank-login.metrocard.example", ""},
      {"bigbank.example.cdn.example.net", ""},
      {"bigbank.example.corp", ""},
      {"bigbank.com", ""},
      {"login.example.com", ""},
      {"mybigbankblog.com", ""},
      {"com", ""},
      {"bank.com", ""},
  };
  for (const auto& [name, expected] : cases) EXPECT_EQ(marks(*brands, name), expected) << name;
}

TEST_F(Phishing, FindsBrandsAsReportsCallThem) {
  const auto brands = Brands::read({path_});
  ASSERT_TRUE(brands);
  EXPECT_EQ(brands->called("EXAMPLE BANK"), 0);
  EXPECT_EQ(brands->called("bigbank"), 0);
  EXPECT_EQ(brands->called("bigpay"), 0);
  EXPECT_EQ(brands->called("www.metrocard.example"), 1);
  EXPECT_EQ(brands->called("shop.metrocard.example"), 1);
  EXPECT_EQ(brands->called("other"), -1);
}

TEST_F(Phishing, AReportTakesTheAnswerBeforeIt) {
  Batch batch;
  batch.reports = {phish(kStart, "evil.example.org", "Example Bank")};
  batch.dns = {answer(kStart - kHour, "EVIL.example.org.", "198.51.100.1"),
               answer(kStart + kSecond, "other.example.org", "198.51.100.9")};
  const auto seen = judge(batch);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].kind, Kind::kPhishing);
  EXPECT_EQ(seen[0].detector, "phishing");
  EXPECT_EQ(seen[0].actor.ip, ip("198.51.100.1"));
  EXPECT_EQ(seen[0].actor_name, "evil.example.org");
  EXPECT_EQ(seen[0].target_name, "bigbank.example");
  EXPECT_EQ(seen[0].confidence, Confidence::kConfirmed);
  EXPECT_EQ(seen[0].first_seen, kStart);
  EXPECT_NE(seen[0].matched.find("http://x/y"), std::string::npos);
}

TEST_F(Phishing, AReportTakesTheNextAnswerIfThereIsNoneBefore) {
  auto detector = make_phishing_detector({path_});
  ASSERT_TRUE(detector);
  Collected sink;
  Batch reports, dns;
  reports.reports = {phish(kStart, "evil.example.org")};
  dns.dns = {answer(kStart + kHour, "evil.example.org", "198.51.100.1"),
             answer(kStart + 2 * kHour, "evil.example.org", "198.51.100.2")};
  (*detector)->observe(reports, sink);
  (*detector)->observe(dns, sink);
  (*detector)->finish(sink);
  ASSERT_EQ(sink.all.size(), 1U);
  EXPECT_EQ(sink.all[0].actor.ip, ip("198.51.100.1"));
}

TEST_F(Phishing, TheReportsOwnAddressCountsMost) {
  Batch batch;
  batch.reports = {phish(kStart, "evil.example.org", "Unknown Brand")};
  batch.reports[0].actor.ip = ip("198.51.100.7");
  batch.dns = {answer(kStart - kHour, "evil.example.org", "198.51.100.1")};
  const auto seen = judge(batch);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].actor.ip, ip("198.51.100.7"));
  EXPECT_EQ(seen[0].target_name, "Unknown Brand");
}

TEST_F(Phishing, OneSightingForANameAnAddressABrandAndAnHour) {
  Batch batch;
  Report other = phish(kStart + kMinute, "b1gbank.com");
  other.url = "http://b1gbank.com/other";
  batch.reports = {phish(kStart, "b1gbank.com"), phish(kStart, "b1gbank.com"), other,
                   phish(kStart + kHour, "b1gbank.com")};
  batch.dns = {answer(kStart - kMinute, "b1gbank.com", "198.51.100.1")};
  const auto seen = judge(batch);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].count, 3U) << "two reports, one of them given twice, and an answer";
  EXPECT_EQ(seen[0].confidence, Confidence::kConfirmed);
  EXPECT_EQ(seen[0].rule, "reported");
  EXPECT_EQ(seen[0].target_name, "bigbank.example");
  EXPECT_NE(seen[0].matched.find("/other"), std::string::npos);
}

TEST_F(Phishing, AnUnreportedLookAlikeIsSuspectedByOneMarkAndProbableByTwo) {
  Batch batch;
  batch.dns = {answer(kStart, "b1gbank.com", "198.51.100.1"), answer(kStart, "b1gbank.net", ""),
               answer(kStart, "sinkholed-bigbank-login.com", "127.0.0.1"),
               answer(kStart, "www.example.org", "198.51.100.3")};
  HttpTransaction http;
  http.host = "Bigbank-Example.verify.evil.com:8080";
  http.uri = "/in";
  http.server = {ip("198.51.100.2"), 8080};
  http.time = kStart;
  batch.http = {http, http};
  batch.http[1].logged = true;
  TlsHandshake tls;
  tls.server_name = "bigbank-login.com";
  tls.server = {ip("198.51.100.4"), 443};
  tls.time = kStart;
  batch.tls = {tls};
  std::map<std::string, Sighting> seen;
  for (Sighting& one : judge(batch)) seen.emplace(one.actor_name, one);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen.at("b1gbank.com").confidence, Confidence::kSuspected);
  EXPECT_EQ(seen.at("b1gbank.com").actor.ip, ip("198.51.100.1"));
  EXPECT_EQ(seen.at("bigbank-login.com").confidence, Confidence::kSuspected);
  const Sighting& two = seen.at("bigbank-example.verify.evil.com");
  EXPECT_EQ(two.confidence, Confidence::kProbable);
  EXPECT_EQ(two.rule, "brand-with-word + brand-subdomain");
  EXPECT_EQ(two.count, 1U);
}

TEST_F(Phishing, OtherReportsAreNotItsBusiness) {
  Batch batch;
  batch.reports = {phish(kStart, "b1gbank.com")};
  batch.reports[0].kind = Kind::kScan;
  EXPECT_TRUE(judge(batch).empty());
}

TEST_F(Phishing, ComplainsOfAFaultyFileWithItsLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"[[brand]]\nname = \"x\"\n", ":1: a brand without domains"},
      {"[[brand]]\ndomains = [\"com\"]\n", "\"com\" is not a domain that can be a brand's"},
      {"[[brand]]\ndomain = [\"x.example\"]\n", ":2: \"domain\" is not known in a brand"},
      {"words = []\n", ":1: words: expected a text"},
      {"wrods = [\"a\"]\n", ":1: \"wrods\" is not known here"},
      {"[[brand\n", ":1: "},
  };
  for (const auto& [text, expected] : cases) {
    write(text);
    const auto detector = make_phishing_detector({path_});
    ASSERT_FALSE(detector) << text;
    EXPECT_NE(detector.error().message.find(expected), std::string::npos) << detector.error().message;
  }
  EXPECT_FALSE(make_phishing_detector({"/nowhere.toml"}));
}

TEST_F(Phishing, TheExampleAccusesNoEverydayName) {
  const auto brands = Brands::read({kExample});
  ASSERT_TRUE(brands) << brands.error().message;
  for (const std::string_view name :
       {"login.microsoftonline.com", "www.paypal.com", "accounts.google.com", "s3.eu-west-1.amazonaws.com",
        "paypal.com.edgekey.net", "bank-com.mail.protection.outlook.com", "fe2.update.microsoft.com",
        "ctldl.windowsupdate.com", "www.icbc.com.cn", "login.taobao.com", "support.mozilla.org", "www.example.com",
        "1.0.168.192.in-addr.arpa", "_ldap._tcp.dc._msdcs.corp.example.com", "account.live.com", "pineapple.com"})
    EXPECT_EQ(marks(*brands, name), "") << name;
  EXPECT_EQ(marks(*brands, "paypa1-verify.com"), "confusable + brand-with-word");
  EXPECT_EQ(marks(*brands, "paypal.com.secure-id.net"), "brand-with-word + brand-subdomain");
}

TEST_F(Phishing, SurvivesNoise) {
  std::vector<std::string> names;
  std::uint64_t seed = 1;
  for (int i = 0; i < 2000; ++i) {
    std::string name;
    for (int n = 0; n < i % 300; ++n) {
      seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
      name += i % 2 == 0 ? static_cast<char>(seed >> 56) : "a.-_xn1"[(seed >> 40) % 7];
    }
    names.push_back(name);
    names.push_back("xn--" + name.substr(0, 20) + ".com");
  }
  Batch batch;
  for (const std::string& name : names) {
    batch.dns.push_back(answer(kStart, name, "198.51.100.1"));
    batch.reports.push_back(phish(kStart, name, name));
  }
  judge(batch);
}

}  // namespace
}  // namespace tocsin
