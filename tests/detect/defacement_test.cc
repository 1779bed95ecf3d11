#include <chrono>
#include <fstream>

#include "behaviour.h"
#include "detect/html_scanner.h"
#include "detect/page_features.h"

namespace tocsin {
namespace {

const std::string kMarks = TOCSIN_SOURCE_DIR "/rules/defacement.toml";
constexpr Timestamp kStart = 1'700'000'000 * kSecond;  // 22:13:20

std::string words(std::string_view stem, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::string(stem) + std::to_string(i) + " ";
  return text;
}
std::string links(int count, std::string_view stem = "page") {
  std::string text;
  for (int i = 0; i < count; ++i) text += "<li><a href=\"/" + std::string(stem) + std::to_string(i) + "\">x</a>";
  return text;
}
const std::string kClean = "<html><head><title>City of Example</title></head><body><h1>Welcome</h1><ul>" + links(20) +
                           "</ul><p>" + words("word", 200) + "</p></body></html>";

Page page(const std::string& html, Timestamp time = kStart, std::string_view url = "http://www.city.example/",
          std::uint16_t status = 200) {
  Page one;
  one.url = url;
  one.html = html;
  one.time = time;
  one.status = status;
  one.server = {ip("203.0.113.80"), 80};
  return one;
}

std::vector<Sighting> judge(const std::vector<Page>& pages) {
  auto detector = make_defacement_detector(kMarks, {});
  if (!detector) {
    ADD_FAILURE() << detector.error().message;
    return {};
  }
  Batch batch;
  batch.pages = pages;
  return sightings(**detector, batch);
}

// What is said of a page after the clean one: "" or "confidence rule".
std::string after_clean(const std::string& html, std::uint16_t status = 200) {
  const auto seen = judge({page(kClean), page(html, kStart + kMinute, "http://www.city.example/", status)});
  return seen.empty() ? "" : std::string(name_of(seen[0].confidence)) + " " + seen[0].rule;
}
std::string alone(const std::string& html, std::uint16_t status = 200) {
  const auto seen = judge({page(html, kStart, "http://www.city.example/", status)});
  return seen.empty() ? "" : std::string(name_of(seen[0].confidence)) + " " + seen[0].rule;
}

const std::string kDefaced =
    "<html><title>Hacked By Crew</title><body bgcolor=black><h1>HACKED&nbsp;\xc2\xa0"
    "BY Crew</h1>Greetz to all</body></html>";

TEST(Defacement, ConfirmsAMarkOnAPageThatWasReplaced) {
  const auto seen = judge({page(kClean), page(kDefaced, kStart + kMinute), page(kDefaced, kStart + 2 * kMinute)});
  ASSERT_EQ(seen.size(), 1U) << "one a site and hour";
  EXPECT_EQ(seen[0].kind, Kind::kDefacement);
  EXPECT_EQ(seen[0].confidence, Confidence::kConfirmed);
  EXPECT_EQ(seen[0].rule, "mark");
  EXPECT_EQ(seen[0].target_name, "www.city.example");
  EXPECT_EQ(seen[0].target.ip, ip("203.0.113.80"));
  EXPECT_TRUE(seen[0].actor.ip.is_unspecified());
  EXPECT_EQ(seen[0].count, 2U);
  EXPECT_EQ(seen[0].first_seen, kStart + kMinute);
}

TEST(Defacement, IsProbableByAMarkWithoutABaseline) {
  EXPECT_EQ(alone(kDefaced), "probable mark");
  EXPECT_EQ(alone("<title>x</title><h2>本站已被黑客攻陷</h2>"), "probable mark");
  EXPECT_EQ(alone("<title>unhacked bystander</title>"), "");
}

TEST(Defacement, ReadsOtherEncodings) {
  // "网站被黑" in GBK, declared and not.
  const std::string gbk = "\xcd\xf8\xd5\xbe\xb1\xbb\xba\xda";
  EXPECT_EQ(alone("<meta charset=gb2312><title>" + gbk + "</title>"), "probable mark");
  EXPECT_EQ(alone("<title>" + gbk + "</title>"), "probable mark");
  EXPECT_EQ(alone("<title>&#32593;&#x7ad9;&#34987;&#40657;</title>"), "probable mark");
}

TEST(Defacement, IsProbableWhereTextAndLinksAreGone) {
  EXPECT_EQ(after_clean("<h1>Peace</h1><p>" + words("slogan", 30)), "probable replaced");
}

TEST(Defacement, InnocentChangesAreNotAccused) {
  EXPECT_EQ(after_clean(kClean), "");
  EXPECT_EQ(after_clean("<title>New city</title>" + links(15, "new") + words("fresh", 300)), "") << "a redesign";
  EXPECT_EQ(after_clean("<h1>Under maintenance</h1>Back on Monday"), "");
  EXPECT_EQ(after_clean("<h1>网站维护中</h1>"), "");
  EXPECT_EQ(after_clean("<div id=app></div><noscript>Please enable JavaScript to run this app</noscript>"), "");
  EXPECT_EQ(after_clean("<h1>Not Found</h1>" + words("error", 30), 404), "");
  EXPECT_EQ(after_clean(""), "");
  const std::string news =
      "<title>News</title>" + links(40) + words("story", 400) + "said it was hacked by a gang. " + words("more", 100);
  EXPECT_EQ(alone(news), "");
  EXPECT_EQ(after_clean(news), "suspected mark");
  EXPECT_EQ(
      alone("<title>Bank hacked by gang - News</title><h1>Bank hacked by gang</h1>" + links(40) + words("s", 400)),
      "suspected mark");
}

TEST(Defacement, AnErrorPageIsSuspectedAtMost) {
  EXPECT_EQ(after_clean(kDefaced, 500), "suspected mark");
  EXPECT_EQ(alone(kDefaced, 404), "suspected mark");
}

TEST(Defacement, HintsAreSuspected) {
  EXPECT_EQ(alone("<h1>we are legion</h1>expect us"), "suspected hints");
  EXPECT_EQ(alone("<h1>we are family</h1>expect guests"), "");
}

TEST(Defacement, FindsLinksHiddenForSearchEngines) {
  std::string spam = "<div style=\"position: absolute; left: -9999px\">";
  for (int i = 0; i < 8; ++i) spam += "<a href=\"https://www.casino" + std::to_string(i) + ".com/x\">casino</a>";
  spam += "</div>";
  EXPECT_EQ(after_clean(kClean + spam), "probable hidden-links");
  EXPECT_EQ(judge({page(kClean + spam), page(kClean + spam, kStart + kMinute)}).size(), 0U) << "they were there before";
  std::string shown = spam;
  shown.replace(shown.find("-9999px"), 7, "10px");
  EXPECT_EQ(after_clean(kClean + shown), "");
}

TEST(Defacement, ComparesWithTheGivenBaseline) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("baseline-" + std::to_string(::getpid()) + ".warc");
  const std::string block = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + kClean;
  std::ofstream(path) << "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://city.example/\r\n"
                      << "WARC-Date: 2023-01-01T00:00:00Z\r\nContent-Type: application/http\r\nContent-Length: "
                      << block.size() << "\r\n\r\n"
                      << block << "\r\n\r\n";
  auto detector = make_defacement_detector(kMarks, {path});
  ASSERT_TRUE(detector) << detector.error().message;
  const std::string defaced = kDefaced;
  Batch batch;
  batch.pages = {page(defaced)};
  const auto seen = sightings(**detector, batch);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].confidence, Confidence::kConfirmed);
  std::filesystem::remove(path);
  EXPECT_FALSE(make_defacement_detector(kMarks, {path}));
  EXPECT_FALSE(make_defacement_detector(kMarks, {kMarks})) << "not a web archive";
  EXPECT_FALSE(make_defacement_detector("/nowhere.toml", {}));
}

TEST(PageFeatures, ShowWhatAPersonSees) {
  const auto seen = features_of(
      "<!doctype html><title> A &amp; B </title><script>var x = '<h1>no</h1>';</script><style>p{}</style>"
      "<!-- no --><p>one<br>two <b>th</b>ree<div style='display: none'>hidden</div><h2>Head</h2>4 < 5"
      "<a href=/own>a</a><a href='//www.city.example/b'>b</a><a href=http://other.example/c>c</a><a href=#top>d</a>",
      "city.example");
  EXPECT_EQ(seen.title, "A & B ");
  EXPECT_NE(seen.text.find("one two three"), std::string::npos) << seen.text;
  EXPECT_EQ(seen.text.find("hidden"), std::string::npos);
  EXPECT_EQ(seen.text.find("no"), std::string::npos);
  EXPECT_NE(seen.text.find("4 < 5"), std::string::npos);
  EXPECT_EQ(seen.own_links, 2U);
  EXPECT_EQ(seen.hosts.size(), 1U);
}

TEST(PageFeatures, TextsAreComparedByShingles) {
  const auto of = [](const std::string& text) { return features_of(text, "x").shingles; };
  EXPECT_EQ(jaccard(of(words("a", 50)), of(words("a", 50))), 1.0);
  EXPECT_EQ(jaccard(of(words("a", 50)), of(words("b", 50))), 0.0);
  EXPECT_NEAR(jaccard(of(words("a", 1000)), of(words("a", 500))), 0.5, 0.15);
  EXPECT_NEAR(jaccard(of(words("a", 60)), of(words("a", 30))), 0.48, 0.05);
}

TEST(PageFeatures, HostilePagesCostNoMoreThanTheirSize) {
  const auto repeat = [](std::string_view part) {
    std::string text;
    while (text.size() < 1 << 20) text += part;
    return text;
  };
  for (const std::string_view part : {"<div>", "<b><p>", "<a b=\"", "<font color=1>", "<!--", "<script>", "</", "<",
                                      "&", "&#1", "<div style=display:none>", "<a href=http://a.example>", "<title>",
                                      "\xff", "</div>", "<p></x>", "<a href=//\xd0\xb0.com>", "<marquee>hacked by"}) {
    const auto start = std::chrono::steady_clock::now();
    features_of(repeat(part), "x.example");
    const auto took = std::chrono::steady_clock::now() - start;
    EXPECT_LT(std::chrono::duration<double>(took).count(), 2.0) << part;
  }
}

TEST(PageFeatures, SurviveCutsAndNoise) {
  const std::string html =
      kDefaced + "<a href='http://[::1]/x' style=\"left:-\">&#x41;&amp</a><audio autoplay></audio>";
  for (std::size_t size = 0; size <= html.size(); ++size) features_of(html.substr(0, size), "x");
  std::uint64_t seed = 7;
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (int i = 0; i < 2000; ++i) {
      seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
      text += round % 2 == 0 ? static_cast<char>(seed >> 56) : "<>/='\"&#; ahb!-"[(seed >> 40) % 15];
    }
    features_of(text, "x");
  }
}

}  // namespace
}  // namespace tocsin
