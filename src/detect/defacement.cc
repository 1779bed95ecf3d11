// Defacement: a page that somebody else put in the place of a site's own.
//
// Each page is compared with its baseline: the snapshot of the same URL that was given as clean, and the last one of
// the input that nothing was found in. What tells:
//
//   a mark        "hacked by" and the like (rules/defacement.toml) in the title, a heading or a page of few words, that
//                 the baseline lacks. With more than 60 % of the text changed: confirmed. Without a baseline: probable
//   replaced      text of which less than a fifth is shared with the baseline, and the links to the own site mostly
//                 gone: probable
//   hidden-links  links in elements that are not shown, to many hosts that the baseline has no link to (spam for search
//                 engines): probable; without a baseline suspected
//   hints         a mark deep in the text with most of it changed, two lesser marks on a small page, or a lesser one
//   (or
//                 sound that plays by itself) on a page mostly changed: suspected
//
// Text is compared as sets of shingles of three words (Broder 1997). Innocent changes are like these and are not
// accused above a suspicion: a redesign keeps the site's links; a maintenance page, a parked domain or a page that
// needs scripts says so (`benign`); an error page has a status of 400 or more; a news article that quotes "hacked by"
// has many words and the links of its site around it.
//
// What fools it: a defacement that is an image alone, or drawn by a script; a first snapshot that is defaced without a
// known mark becomes the baseline; a page at a new path has no baseline. A mark is text: who signs is not who did it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/text.h"
#include "collect/input.h"
#include "collect/reader.h"
#include "collect/report_fields.h"
#include "detect/detector.h"
#include "detect/domain_name.h"
#include "detect/merged.h"
#include "detect/page_features.h"
#include "detect/rule_table.h"

namespace tocsin {
namespace {

constexpr std::size_t kMostBaselines = 1 << 14;  // of each sort
constexpr double kChanged = 0.4;                 // less is shared than this: changed by more than 60 %
constexpr double kReplaced = 0.2;
constexpr std::size_t kLeastShingles = 20;  // of a baseline that can be said to be replaced
constexpr std::size_t kLeastWords = 3;
constexpr std::size_t kSmallPage = 150;
constexpr std::size_t kArticleWords = 300;
constexpr std::size_t kArticleLinks = 10;
constexpr std::size_t kManyHiddenHosts = 5;
constexpr std::size_t kManyHiddenHostsAlone = 10;

bool is_word_byte(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }

// Where the mark stands in the text, both lower case; npos if it does not, as words of its own.
std::size_t find_mark(std::string_view text, std::string_view mark) {
  for (std::size_t at = text.find(mark); at != std::string_view::npos; at = text.find(mark, at + 1)) {
    const std::size_t end = at + mark.size();
    const bool begins = at == 0 || !is_word_byte(text[at - 1]) || !is_word_byte(mark.front());
    const bool ends = end == text.size() || !is_word_byte(text[end]) || !is_word_byte(mark.back());
    if (begins && ends) return at;
  }
  return std::string_view::npos;
}

struct Marks {
  std::vector<std::string> definite, lesser, benign;

  static Expected<Marks> read(const std::string& path) {
    const RuleTable rules(path);
    const auto file = rules.parse();
    if (!file) return std::unexpected(file.error());
    Marks marks;
    for (const auto& [key, value] : *file) {
      std::vector<std::string>* list = key == "definite" ? &marks.definite
                                       : key == "lesser" ? &marks.lesser
                                       : key == "benign" ? &marks.benign
                                                         : nullptr;
      if (list == nullptr)
        return rules.complain(value,
                              fmt::format("\"{}\" is not known here; expected definite, lesser or benign", key.str()));
      auto texts = rules.texts_of(key.str(), value);
      if (!texts) return std::unexpected(texts.error());
      for (const std::string& text : *texts) list->push_back(lower(text));
    }
    if (marks.definite.empty()) return failure(fmt::format("{}:1: no definite marks; expected definite = [...]", path));
    return marks;
  }
};

// What is kept of a snapshot for comparison.
struct Snapshot {
  Sketch shingles;
  std::vector<std::uint64_t> hosts;
  std::vector<bool> marks;  // which of the definite and then the lesser marks it has anywhere
  std::size_t own_links = 0;
};

struct Site {
  std::string host;
  std::uint64_t page = 0;  // hash of host, path and query
};

std::optional<Site> site_of(std::string_view url) {
  const auto host = collect::host_of_url(url);
  if (!host) return std::nullopt;
  Site site;
  std::string name;
  site.host = !host->address && normalise_domain(host->host, name) ? name : host->host;
  const std::size_t scheme = url.find("://");
  std::string_view rest = url.substr(scheme == std::string_view::npos ? 0 : scheme + 3);
  rest.remove_prefix(std::min(rest.find_first_of("/?#"), rest.size()));
  rest = rest.substr(0, rest.find('#'));
  if (rest == "/") rest = {};
  // Both are the same site for people.
  const std::string_view bare =
      std::string_view(site.host).starts_with("www.") ? std::string_view(site.host).substr(4) : site.host;
  site.page = hash64(rest, hash64(bare));
  return site;
}

struct Verdict {
  Confidence confidence = Confidence::kSuspected;
  std::string_view rule;
  std::string why;
};

class DefacementDetector final : public Detector {
 public:
  explicit DefacementDetector(Marks marks) : marks_(std::move(marks)) {}
  std::string_view name() const override { return "defacement"; }

  void add_baseline(const Page& page) {
    const auto site = site_of(page.url);
    if (!site || page.status >= 400 || given_.size() >= kMostBaselines) return;
    const PageFeatures features = features_of(page.html, registrable_domain(site->host));
    given_.insert_or_assign(site->page, snapshot_of(features, marks_in(features)));
  }

  void observe(const Batch& batch, SightingSink& sink) override {
    for (const Page& page : batch.pages) {
      if (const auto site = site_of(page.url)) judge(page, *site, sink);
    }
  }
  void finish(SightingSink& sink) override { held_.release(sink); }

 private:
  // Which marks stand anywhere in the page; and, in `prominent`, which stand where they are seen first.
  struct MarksFound {
    std::vector<bool> anywhere, prominent;
    bool benign = false;
    bool title_begins = false;  // with a definite mark
  };

  MarksFound marks_in(const PageFeatures& page) const {
    MarksFound found;
    const std::string title = lower(page.title), prominent = lower(page.prominent), text = lower(page.text);
    for (const auto* list : {&marks_.definite, &marks_.lesser}) {
      for (const std::string& mark : *list) {
        const bool seen_first = find_mark(prominent, mark) != std::string::npos;
        found.prominent.push_back(seen_first);
        found.anywhere.push_back(seen_first || find_mark(text, mark) != std::string::npos);
        if (list == &marks_.definite) found.title_begins |= find_mark(title, mark) < 4;
      }
    }
    found.benign = std::ranges::any_of(marks_.benign, [&](const std::string& mark) {
      return find_mark(prominent, mark) != std::string::npos ||
             (page.words < kSmallPage && find_mark(text, mark) != std::string::npos);
    });
    return found;
  }

  static Snapshot snapshot_of(const PageFeatures& page, const MarksFound& found) {
    Snapshot snapshot{page.shingles, page.hosts, found.anywhere, page.own_links};
    if (snapshot.hosts.size() > 512) snapshot.hosts.resize(512);
    return snapshot;
  }

  void judge(const Page& page, const Site& site, SightingSink& sink) {
    const PageFeatures features = features_of(page.html, registrable_domain(site.host));
    const MarksFound found = marks_in(features);
    const auto given = given_.find(site.page);
    const auto earlier = earlier_.find(site.page);
    const Snapshot* baseline = given == given_.end() ? nullptr : &given->second;
    if (earlier != earlier_.end() && (baseline == nullptr || jaccard(features.shingles, earlier->second.shingles) >
                                                                 jaccard(features.shingles, baseline->shingles)))
      baseline = &earlier->second;
    const auto verdict = verdict_on(page, features, found, baseline);
    if (verdict) {
      report(page, site, features, *verdict, sink);
    } else if (page.status < 400 && !found.benign && features.words >= kLeastWords) {
      if (earlier_.size() >= kMostBaselines) earlier_.clear();
      earlier_.insert_or_assign(site.page, snapshot_of(features, found));
    }
  }

  std::optional<Verdict> verdict_on(const Page& page, const PageFeatures& now, const MarksFound& found,
                                    const Snapshot* baseline) const {
    const double shared = baseline == nullptr ? 0 : jaccard(now.shingles, baseline->shingles);
    const bool changed = baseline != nullptr && shared < kChanged;
    const auto is_new = [&](std::size_t mark) { return baseline == nullptr || !baseline->marks[mark]; };
    std::optional<std::size_t> prominent, deep, lesser;
    std::size_t hints = now.plays_sound ? 1 : 0;
    for (std::size_t i = 0; i < found.anywhere.size(); ++i) {
      if (!found.anywhere[i] || !is_new(i)) continue;
      if (i >= marks_.definite.size()) {
        ++hints;
        if (!lesser) lesser = i;
      } else if (found.prominent[i]) {
        if (!prominent) prominent = i;
      } else if (!deep) {
        deep = i;
      }
    }
    const auto why = [&](std::size_t mark) {
      return fmt::format(
          "\"{}\"{}", mark_text(mark),
          baseline == nullptr ? ", no baseline" : fmt::format(", {:.0f} % of the text changed", 100 * (1 - shared)));
    };
    if (page.status >= 400) {
      if (prominent) return Verdict{Confidence::kSuspected, "mark", why(*prominent) + " on an error page"};
      return std::nullopt;
    }
    if (prominent) return Verdict{confidence_of_mark(now, found, baseline, changed), "mark", why(*prominent)};
    if (auto spam = hidden_links(now, baseline)) return spam;
    if (baseline != nullptr && !found.benign && is_replaced(now, *baseline, shared))
      return Verdict{Confidence::kProbable, "replaced",
                     fmt::format("{:.0f} % of the text changed, {} of {} links to the own site left",
                                 100 * (1 - shared), now.own_links, baseline->own_links)};
    if (deep && changed) return Verdict{Confidence::kSuspected, "mark", why(*deep) + " deep in the text"};
    if (lesser && !found.benign && (changed ? hints >= 1 : baseline == nullptr && hints >= 2 && now.words < kSmallPage))
      return Verdict{Confidence::kSuspected, "hints", why(*lesser)};
    return std::nullopt;
  }

  // Of a definite mark that stands where it is seen first.
  static Confidence confidence_of_mark(const PageFeatures& now, const MarksFound& found, const Snapshot* baseline,
                                       bool changed) {
    const bool article = now.words > kArticleWords && now.own_links > kArticleLinks;
    if (baseline == nullptr) return article ? Confidence::kSuspected : Confidence::kProbable;
    const bool keeps_links = now.own_links >= kArticleLinks && 2 * now.own_links >= baseline->own_links;
    if (keeps_links || article)
      return found.title_begins && !article && changed ? Confidence::kProbable : Confidence::kSuspected;
    return changed ? Confidence::kConfirmed : Confidence::kProbable;
  }

  static bool is_replaced(const PageFeatures& now, const Snapshot& baseline, double shared) {
    return shared < kReplaced && baseline.shingles.size() >= kLeastShingles && now.words >= kLeastWords &&
           baseline.own_links >= 5 && 5 * now.own_links <= baseline.own_links;
  }

  static std::optional<Verdict> hidden_links(const PageFeatures& now, const Snapshot* baseline) {
    std::size_t added = 0;
    for (const std::string& host : now.hidden_hosts) {
      if (baseline == nullptr || !std::ranges::binary_search(baseline->hosts, hash64(host))) ++added;
    }
    if (added < (baseline == nullptr ? kManyHiddenHostsAlone : kManyHiddenHosts)) return std::nullopt;
    return Verdict{
        baseline == nullptr ? Confidence::kSuspected : Confidence::kProbable, "hidden-links",
        fmt::format("{} hosts linked to out of sight, {} among them", added, printable(now.hidden_hosts[0], 128))};
  }

  const std::string& mark_text(std::size_t mark) const {
    return mark < marks_.definite.size() ? marks_.definite[mark] : marks_.lesser[mark - marks_.definite.size()];
  }

  void report(const Page& page, const Site& site, const PageFeatures& features, const Verdict& verdict,
              SightingSink& sink) {
    Sighting sighting;
    sighting.kind = Kind::kDefacement;
    sighting.confidence = verdict.confidence;
    sighting.detector = "defacement";
    sighting.rule = verdict.rule;
    sighting.target = page.server;
    sighting.target_name = site.host;
    sighting.first_seen = sighting.last_seen = page.time;
    sighting.place = page.place;
    sighting.matched = fmt::format("{}: {}", printable(page.url, 256), verdict.why);
    if (!features.title.empty()) sighting.matched += fmt::format(", titled \"{}\"", printable(features.title, 128));
    held_.add(hash128(site.host), std::move(sighting), sink);
  }

  Marks marks_;
  std::unordered_map<std::uint64_t, Snapshot> given_, earlier_;
  MergedSightings held_;
};

}  // namespace

Expected<std::unique_ptr<Detector>> make_defacement_detector(const std::string& marks_path,
                                                             const std::vector<std::string>& baseline) {
  auto marks = Marks::read(marks_path);
  if (!marks) return std::unexpected(marks.error());
  auto detector = std::make_unique<DefacementDetector>(std::move(*marks));
  for (const std::string& path : baseline) {
    auto input = InputStream::open(path);
    if (!input) return std::unexpected(input.error());
    if (recognise((*input)->peek(65'536)) != Format::kWarc)
      return failure(fmt::format("{}: not a web archive; a baseline is a WARC file of pages known to be clean", path));
    const auto reader = make_observation_reader(Format::kWarc, **input, 0);
    Batch batch;
    for (bool more = true; more;) {
      more = reader->read(batch);
      for (const Page& page : batch.pages) detector->add_baseline(page);
      batch.clear();
    }
  }
  return detector;
}

}  // namespace tocsin
