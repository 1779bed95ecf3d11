#include "detect/page_features.h"

#include <unicode/ucnv.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "base/text.h"
#include "collect/report_fields.h"
#include "detect/domain_name.h"
#include "detect/html_scanner.h"

namespace tocsin {
namespace {

constexpr std::size_t kMostPage = 1 << 20;
constexpr std::size_t kMostText = 64 * 1024;
constexpr std::size_t kMostTitle = 512;
constexpr std::size_t kMostProminent = 4096;
constexpr std::size_t kMostLinks = 4096;
constexpr std::size_t kMostHosts = 256;
constexpr std::size_t kMostDepth = 256;
// A page of fewer words than this is all prominent.
constexpr std::size_t kFewWords = 120;

bool is_utf8(std::string_view text) {
  // The last character may have been cut.
  for (int cut = 0; cut < 3 && !text.empty() && (static_cast<unsigned char>(text.back()) & 0x80) != 0; ++cut)
    text.remove_suffix(1);
  UErrorCode status = U_ZERO_ERROR;
  std::int32_t length = 0;
  u_strFromUTF8(nullptr, 0, &length, text.data(), static_cast<std::int32_t>(text.size()), &status);
  return status == U_BUFFER_OVERFLOW_ERROR || U_SUCCESS(status);
}

// From `<meta charset=…>` or `content="text/html; charset=…"`.
std::string declared_charset(std::string_view html) {
  const std::string head = lower(html.substr(0, 4096));
  const std::size_t at = head.find("charset=");
  if (at == std::string::npos) return {};
  std::string name;
  for (std::size_t i = at + 8; i < head.size() && name.size() < 40; ++i) {
    const char c = head[i];
    if (name.empty() && (c == '"' || c == '\'' || c == ' ')) continue;
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == ':')) break;
    name += c;
  }
  // What is called so on the web is the larger set.
  if (name == "gb2312" || name == "gbk") return "gb18030";
  return name == "iso-8859-1" ? "windows-1252" : name;
}

std::string as_utf8(std::string_view html) {
  html = html.substr(0, kMostPage);
  if (is_utf8(html)) return std::string(html);
  for (const std::string& charset : {declared_charset(html), std::string("gb18030")}) {
    if (charset.empty() || charset.starts_with("utf")) continue;
    std::string text(html.size() * 4, '\0');
    UErrorCode status = U_ZERO_ERROR;
    const std::int32_t size =
        ucnv_convert("UTF-8", charset.c_str(), text.data(), static_cast<std::int32_t>(text.size()), html.data(),
                     static_cast<std::int32_t>(html.size()), &status);
    if (U_FAILURE(status) || size <= 0) continue;
    text.resize(std::min(static_cast<std::size_t>(size), text.size()));
    return text;
  }
  return std::string(html);
}

bool is_void(std::string_view tag) {
  static constexpr std::array<std::string_view, 16> kVoid{"area",  "base",  "br",    "col",    "embed", "hr",
                                                          "img",   "input", "link",  "meta",   "param", "source",
                                                          "track", "wbr",   "frame", "bgsound"};
  return std::ranges::find(kVoid, tag) != kVoid.end();
}

// Whether the style keeps an element from being seen.
bool style_hides(std::string_view written) {
  if (written.empty()) return false;
  std::string style;
  for (const char c : lower(written.substr(0, 1024))) {
    if (c != ' ' && c != '\t' && c != '\n') style += c;
  }
  for (const std::string_view sign :
       {"display:none", "visibility:hidden", "font-size:0", "text-indent:-", "opacity:0;"}) {
    if (style.find(sign) != std::string::npos) return true;
  }
  const bool moved =
      style.find("position:absolute") != std::string::npos || style.find("position:fixed") != std::string::npos;
  for (const std::string_view sign : {"left:-", "top:-", "right:-"}) {
    const std::size_t at = style.find(sign);
    // Hundreds of pixels or more: a few are a matter of layout.
    if (moved && at != std::string::npos && style.substr(at + sign.size(), 8).find_first_not_of("0123456789") >= 3)
      return true;
  }
  return style.find("overflow:hidden") != std::string::npos &&
         (style.find("height:0") != std::string::npos || style.find("height:1px") != std::string::npos);
}

// Words for shingles: runs of letters and digits, and each character of scripts that have no blanks.
class ShingleMaker {
 public:
  explicit ShingleMaker(PageFeatures& features) : features_(features) {}

  void add(std::string_view text) {
    std::string word;
    for (std::size_t at = 0; at < text.size();) {
      const auto byte = static_cast<unsigned char>(text[at]);
      const std::size_t size = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
      const std::string_view character = text.substr(at, size);
      at += character.size();
      const bool alone = byte >= 0xe2 && size >= 3 && byte != 0xef;
      const bool part =
          byte >= 0x80 ? !alone : (byte >= '0' && byte <= '9') || ((byte | 32) >= 'a' && (byte | 32) <= 'z');
      if (!part) end_word(word);
      if (alone) word = character;
      if (alone) end_word(word);
      if (part) word += byte < 0x80 ? static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte | 32 : byte) : character[0];
      if (part && byte >= 0x80) word += character.substr(1);
      if (word.size() > 64) end_word(word);
    }
    end_word(word);
  }

  void finish() {
    if (features_.words > 0 && features_.words < last_.size()) features_.shingles.add(last_[0] ^ last_[1] * 3);
    features_.shingles.finish();
  }

 private:
  void end_word(std::string& word) {
    if (word.empty()) return;
    last_ = {last_[1], last_[2], hash64(word)};
    word.clear();
    if (++features_.words >= last_.size())
      features_.shingles.add(hash64({reinterpret_cast<const char*>(last_.data()), 24}));
  }

  PageFeatures& features_;
  std::array<std::uint64_t, 3> last_{};
};

class FeatureFinder {
 public:
  FeatureFinder(std::string_view html, std::string_view site, PageFeatures& features)
      : scanner_(html), site_(site), features_(features) {}

  void run() {
    for (auto token = scanner_.next(); token != HtmlScanner::Token::kEnd; token = scanner_.next()) {
      if (token == HtmlScanner::Token::kText) {
        text();
      } else if (token == HtmlScanner::Token::kOpen) {
        open();
      } else {
        close();
      }
    }
    ShingleMaker shingles(features_);
    shingles.add(features_.text);
    shingles.finish();
    features_.prominent =
        features_.title + "\n" + (features_.words < kFewWords ? features_.text.substr(0, kMostProminent) : headings_);
    std::ranges::sort(features_.hosts);
    features_.hosts.erase(std::unique(features_.hosts.begin(), features_.hosts.end()), features_.hosts.end());
    std::ranges::sort(features_.hidden_hosts);
  }

 private:
  struct Element {
    std::uint64_t tag = 0;
    bool hides = false;
    bool heads = false;
    bool titles = false;
  };

  void text() {
    if (titles_ > 0) return append_text(scanner_.text(), kMostTitle, features_.title);
    if (hides_ > 0) return;
    append_text(scanner_.text(), kMostText, features_.text);
    if (heads_ > 0) append_text(scanner_.text(), kMostProminent, headings_);
  }

  void open() {
    const std::string_view tag = scanner_.tag();
    part_words(tag);
    Element element;
    element.tag = hash64(tag);
    element.titles = tag == "title";
    element.heads = tag == "h1" || tag == "h2" || tag == "h3" || tag == "marquee" || tag == "blink";
    element.hides = tag == "noframes" || scanner_.has_attribute("hidden") || style_hides(scanner_.attribute("style")) ||
                    (tag == "marquee" && (scanner_.attribute("height") == "1" || scanner_.attribute("height") == "0"));
    if (tag == "a" || tag == "area") link(scanner_.attribute("href"), element.hides || hides_ > 0);
    if (tag == "iframe" || tag == "script" || tag == "embed") link(scanner_.attribute("src"), false);
    sound(tag);
    if (!is_void(tag) && depth_.size() < kMostDepth) push(element);
  }

  void push(const Element& element) {
    hides_ += element.hides ? 1 : 0;
    heads_ += element.heads ? 1 : 0;
    titles_ += element.titles ? 1 : 0;
    depth_.push_back(element);
  }

  // Closes the innermost open element of the name, with those in it that were left open.
  void close() {
    const std::uint64_t tag = hash64(scanner_.tag());
    const auto found =
        std::find_if(depth_.rbegin(), depth_.rend(), [tag](const Element& one) { return one.tag == tag; });
    if (found == depth_.rend()) return;
    for (auto left = found - depth_.rbegin(); left >= 0; --left) {
      const Element& element = depth_.back();
      hides_ -= element.hides ? 1 : 0;
      heads_ -= element.heads ? 1 : 0;
      titles_ -= element.titles ? 1 : 0;
      depth_.pop_back();
    }
    part_words(scanner_.tag());
  }

  // Tags part words, but for those within a line.
  void part_words(std::string_view tag) {
    static constexpr std::array<std::string_view, 9> kInline{"a",    "b",    "i",     "u",     "em",
                                                             "font", "span", "small", "strong"};
    if (std::ranges::find(kInline, tag) != kInline.end()) return;
    append_text(" ", kMostText, features_.text);
    append_text(" ", kMostProminent, headings_);
  }

  void link(std::string_view url, bool hidden) {
    url = trim(url);
    if (url.empty() || url.starts_with('#') || ++links_ > kMostLinks) return;
    const std::string start = lower(url.substr(0, 11));
    if (start.starts_with("javascript:") || start.starts_with("mailto:") || start.starts_with("tel:") ||
        start.starts_with("data:"))
      return;
    const bool elsewhere = start.starts_with("http:") || start.starts_with("https:") || url.starts_with("//");
    std::string domain;
    if (elsewhere) {
      const auto host = collect::host_of_url(url.starts_with("//") ? url.substr(2) : url);
      std::string name;
      if (!host || !normalise_domain(host->host, name)) return;
      domain = registrable_domain(name);
      if (domain.empty()) domain = name;
    }
    if (domain.empty() || domain == site_) {
      ++features_.own_links;
      return;
    }
    if (features_.hosts.size() < kMostLinks) features_.hosts.push_back(hash64(domain));
    auto& hosts = features_.hidden_hosts;
    if (hidden && hosts.size() < kMostHosts && std::ranges::find(hosts, domain) == hosts.end()) hosts.push_back(domain);
  }

  void sound(std::string_view tag) {
    const std::string source = lower(scanner_.attribute("src").substr(0, 1024));
    const auto has = [&](std::string_view part) { return source.find(part) != std::string::npos; };
    features_.plays_sound |= tag == "bgsound" || (tag == "audio" && scanner_.has_attribute("autoplay")) ||
                             (tag == "embed" && (has(".mp3") || has(".mid") || has(".wav"))) ||
                             ((tag == "iframe" || tag == "embed") && has("autoplay=1"));
  }

  HtmlScanner scanner_;
  std::string_view site_;
  PageFeatures& features_;
  std::string headings_;
  std::vector<Element> depth_;
  int hides_ = 0, heads_ = 0, titles_ = 0;
  std::size_t links_ = 0;
};

}  // namespace

void Sketch::add(std::uint64_t hash) {
  hashes_.push_back(hash);
  if (hashes_.size() >= 16 * kMost) finish();
}

void Sketch::finish() {
  std::ranges::sort(hashes_);
  hashes_.erase(std::unique(hashes_.begin(), hashes_.end()), hashes_.end());
  if (hashes_.size() > kMost) hashes_.resize(kMost);
}

double jaccard(const Sketch& a, const Sketch& b) {
  std::size_t both = 0, either = 0;
  auto left = a.hashes_.begin(), right = b.hashes_.begin();
  while (either < Sketch::kMost && (left != a.hashes_.end() || right != b.hashes_.end())) {
    ++either;
    if (right == b.hashes_.end() || (left != a.hashes_.end() && *left < *right)) {
      ++left;
    } else if (left == a.hashes_.end() || *right < *left) {
      ++right;
    } else {
      ++both;
      ++left;
      ++right;
    }
  }
  return either == 0 ? 1 : static_cast<double>(both) / static_cast<double>(either);
}

PageFeatures features_of(std::string_view html, std::string_view site) {
  PageFeatures features;
  const std::string text = as_utf8(html);
  FeatureFinder(text, site, features).run();
  return features;
}

}  // namespace tocsin
