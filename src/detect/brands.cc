// Names that imitate a brand's. A name is looked at without its public suffix, as labels and as tokens (labels split at
// hyphens). Four marks, each a way in which people are deceived:
//
//   confusable        a token whose skeleton equals the brand's label's while the token does not. The skeleton is that
//                     of UTS #39 (unicode.org/reports/tr39, section 4), which maps what looks alike to one form: "1"
//                     and "l", "rn" and "m", Cyrillic "а" and "a"; here also "l" and "i". International labels are
//                     taken in their Unicode form.
//   brand-with-word   the brand's label, or what is confusable with it or misses it nearly, beside a word such as
//                     "login" (or grown together with it) in a domain that is not the brand's.
//   near-miss         one edit (a letter more, less or other, or two swapped) from a label of six letters or more, in
//                     the part that was registered; not where the token is confusable, which would count one thing
//                     twice.
//   brand-subdomain   the brand's whole domain as labels, or joined by hyphens, below another registrable domain.
//
// A brand's own domains and what is below them, of whichever brand, are never look-alikes; neither are domains of
// infrastructure that carry others' names by design (content delivery, mail gateways, blocklists), listed as `ignore`,
// nor names below special-use suffixes (RFC 6761), which a resolver's search list produces.
//
// What fools it: a deceiving page under an innocent name; fan pages and resellers that bear the brand's name by right;
// words that happen to be one letter from a brand. So one mark alone is a suspicion, two are probable.
#include "detect/brands.h"

#include <fmt/format.h>
#include <idn2.h>
#include <unicode/uspoof.h>

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <utility>

#include "base/text.h"
#include "detect/domain_name.h"
#include "detect/rule_table.h"

namespace tocsin {
namespace {

constexpr std::size_t kShortestToken = 3;
constexpr std::size_t kShortestConfusable = 4;
constexpr std::size_t kShortestNearMiss = 6;
constexpr std::size_t kShortestInsideWord = 5;

// Where no file gives words.
constexpr std::array<std::string_view, 16> kWords{"login",   "signin", "logon",   "secure",  "security", "verify",
                                                  "account", "update", "confirm", "support", "service",  "billing",
                                                  "unlock",  "wallet", "auth",    "recover"};
constexpr std::array<std::string_view, 10> kSpecialUse{"local", "localdomain", "lan",  "internal", "home",
                                                       "corp",  "arpa",        "test", "invalid",  "localhost"};

std::string unicode_label(std::string_view label) {
  if (!label.starts_with("xn--")) return std::string(label);
  char* text = nullptr;
  if (idn2_to_unicode_8z8z(std::string(label).c_str(), &text, 0) != IDN2_OK) return std::string(label);
  std::string result(text);
  idn2_free(text);
  return result;
}

// Whether one insertion, deletion, substitution or swap of neighbours makes one of the other.
bool one_edit_apart(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1 || a == b) return false;
  const auto differ = std::ranges::mismatch(a, b);
  const auto at = static_cast<std::size_t>(differ.in1 - a.begin());
  if (a.size() < b.size()) return a.substr(at) == b.substr(at + 1);
  if (a.substr(at + 1) == b.substr(at + 1)) return true;
  return at + 1 < a.size() && a[at] == b[at + 1] && a[at + 1] == b[at] && a.substr(at + 2) == b.substr(at + 2);
}

void split_at(std::string_view text, std::string_view separators, std::vector<std::string>& into) {
  while (true) {
    const std::size_t end = text.find_first_of(separators);
    if (end != 0 && !text.empty()) into.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

template <typename Visit>
bool any_parent(std::string_view name, Visit&& visit) {
  while (!name.empty()) {
    if (visit(name)) return true;
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) return false;
    name.remove_prefix(dot + 1);
  }
  return false;
}

}  // namespace

class Brands::Skeletons {
 public:
  Skeletons() {
    UErrorCode status = U_ZERO_ERROR;
    checker_.reset(uspoof_open(&status));
    for (std::size_t c = 0; c < ascii_.size(); ++c) ascii_[c] = by_table({std::array{static_cast<char>(c)}.data(), 1});
  }

  std::string of(std::string_view text) const {
    // Of ASCII, the skeleton is that of each character: looked up once.
    std::string skeleton;
    for (const char c : text) {
      if (static_cast<unsigned char>(c) >= ascii_.size()) return by_table(text);
      skeleton += ascii_[static_cast<std::size_t>(c)];
    }
    return skeleton;
  }

 private:
  std::string by_table(std::string_view text) const {
    char buffer[512];
    UErrorCode status = U_ZERO_ERROR;
    const std::int32_t size = uspoof_getSkeletonUTF8(
        checker_.get(), 0, text.data(), static_cast<std::int32_t>(text.size()), buffer, sizeof buffer, &status);
    if (U_FAILURE(status) || size <= 0 || size > static_cast<std::int32_t>(sizeof buffer)) return lower(text);
    // Names have no case: a zero, which the table maps to "O", is also an "o", and "l" (also that of a "1") also an
    // "i".
    std::string skeleton = lower({buffer, static_cast<std::size_t>(size)});
    std::ranges::replace(skeleton, 'l', 'i');
    return skeleton;
  }

  struct Close {
    void operator()(USpoofChecker* checker) const { uspoof_close(checker); }
  };
  std::unique_ptr<USpoofChecker, Close> checker_;
  std::array<std::string, 128> ascii_;
};

struct Brands::Parts {
  std::string_view name, registrable;
  std::string_view below;               // what is left of the registrable domain, without the dot between
  std::vector<std::string> tokens;      // of all but the public suffix, in Unicode; also whole labels with hyphens
  std::vector<std::string> registered;  // those of the registrable domain's label
  std::vector<std::string> skeletons;   // of tokens
  bool word = false, registered_word = false;
};

std::string LookAlike::rule() const {
  static constexpr std::array<std::pair<LookAlikeMark, std::string_view>, 4> kNames{
      {{LookAlikeMark::kConfusable, "confusable"},
       {LookAlikeMark::kBrandWithWord, "brand-with-word"},
       {LookAlikeMark::kNearMiss, "near-miss"},
       {LookAlikeMark::kBrandSubdomain, "brand-subdomain"}}};
  std::string text;
  for (const auto& [mark, name] : kNames) {
    if ((marks & static_cast<std::uint8_t>(mark)) == 0) continue;
    if (!text.empty()) text += " + ";
    text += name;
  }
  return text;
}

Brands::Brands() : skeletons_(std::make_unique<Skeletons>()) {}
Brands::Brands(Brands&&) noexcept = default;
Brands& Brands::operator=(Brands&&) noexcept = default;
Brands::~Brands() = default;

Expected<Brands> Brands::read(const std::vector<std::string>& paths) {
  Brands brands;
  for (const std::string& path : paths) {
    if (const auto read = brands.read_file(path); !read) return std::unexpected(read.error());
  }
  if (brands.words_.empty()) brands.words_.assign(kWords.begin(), kWords.end());
  return brands;
}

Expected<void> Brands::read_file(const std::string& path) {
  const RuleTable rules(path);
  const auto file = rules.parse();
  if (!file) return std::unexpected(file.error());
  for (const auto& [key, value] : *file) {
    if (key == "words" || key == "ignore") {
      auto texts = rules.texts_of(key.str(), value);
      if (!texts) return std::unexpected(texts.error());
      for (std::string& text : *texts) {
        if (key == "words") words_.push_back(lower(text));
        if (key == "ignore") ignored_.insert(lower(text));
      }
    } else if (key == "brand" && value.is_array()) {
      for (const toml::node& node : *value.as_array()) {
        const toml::table* table = node.as_table();
        if (table == nullptr) return rules.complain(node, "expected a table that begins with [[brand]]");
        Brand brand;
        for (const auto& [field, content] : *table) {
          if (field == "name" && content.is_string()) {
            brand.name = content.value<std::string>().value_or("");
          } else if (field == "domains" || field == "keywords") {
            auto texts = rules.texts_of(field.str(), content);
            if (!texts) return std::unexpected(texts.error());
            for (std::string& text : *texts) (field == "domains" ? brand.domains : brand.labels).push_back(lower(text));
          } else {
            return rules.complain(
                content, fmt::format("\"{}\" is not known in a brand; expected name (a text), domains and keywords",
                                     field.str()));
          }
        }
        if (brand.domains.empty()) return rules.complain(node, "a brand without domains");
        const auto line = fmt::format("{}:{}", path, node.source().begin.line);
        if (const auto done = finish_brand(std::move(brand), line); !done) return std::unexpected(done.error());
      }
    } else {
      return rules.complain(value,
                            fmt::format("\"{}\" is not known here; expected words, ignore or [[brand]]", key.str()));
    }
  }
  return {};
}

Expected<void> Brands::finish_brand(Brand&& brand, const std::string& where) {
  const std::size_t index = brands_.size();
  callings_.try_emplace(lower(brand.name), index);
  for (const std::string& keyword : brand.labels) callings_.try_emplace(keyword, index);
  for (std::string& domain : brand.domains) {
    std::string normal;
    if (!normalise_domain(domain, normal) || is_public_suffix(normal))
      return failure(fmt::format("{}: \"{}\" is not a domain that can be a brand's", where, domain));
    domain = normal;
    domains_.insert(domain);
    callings_.try_emplace(domain, index);
    // Of a domain that is itself below another's, the first label is the brand's.
    const std::string label = unicode_label(std::string_view(domain).substr(0, domain.find('.')));
    if (std::ranges::find(kWords, label) != kWords.end()) continue;
    callings_.try_emplace(label, index);
    if (label.size() >= kShortestToken && std::ranges::find(brand.labels, label) == brand.labels.end())
      brand.labels.push_back(label);
  }
  for (const std::string& label : brand.labels) brand.skeletons.push_back(skeletons_->of(label));
  brands_.push_back(std::move(brand));
  return {};
}

bool Brands::is_own(std::string_view name) const {
  return any_parent(name, [this](std::string_view parent) { return domains_.contains(std::string(parent)); });
}

bool Brands::is_ignored(std::string_view name) const {
  if (std::ranges::find(kSpecialUse, name.substr(name.rfind('.') + 1)) != kSpecialUse.end()) return true;
  return any_parent(name, [this](std::string_view parent) { return ignored_.contains(std::string(parent)); });
}

int Brands::called(std::string_view text) const {
  std::string name = lower(trim(text.substr(0, 253)));
  if (name.starts_with("www.")) name.erase(0, 4);
  if (const auto found = callings_.find(name); found != callings_.end()) return static_cast<int>(found->second);
  std::string domain;
  if (name.find('.') == std::string::npos || !normalise_domain(name, domain)) return -1;
  int brand = -1;
  any_parent(domain, [&](std::string_view parent) {
    const bool own = domains_.contains(std::string(parent));
    if (own) brand = static_cast<int>(callings_.at(std::string(parent)));
    return own;
  });
  return brand;
}

Brands::Parts Brands::parts_of(std::string_view name, std::string_view registrable) const {
  Parts parts;
  parts.name = name;
  parts.registrable = registrable;
  if (registrable.size() < name.size()) parts.below = name.substr(0, name.size() - registrable.size() - 1);
  const auto add = [&](std::string_view label, std::vector<std::string>& into) {
    const std::string text = unicode_label(label);
    split_at(text, "-_", into);
    if (text.find('-') != std::string::npos) into.push_back(text);
  };
  add(registrable.substr(0, registrable.find('.')), parts.registered);
  parts.tokens = parts.registered;
  std::vector<std::string> labels;
  split_at(parts.below, ".", labels);
  for (const std::string& label : labels) add(label, parts.tokens);
  for (const std::string& token : parts.tokens) parts.skeletons.push_back(skeletons_->of(token));
  parts.word = has_word(parts.tokens);
  parts.registered_word = has_word(parts.registered);
  return parts;
}

bool Brands::has_word(const std::vector<std::string>& tokens) const {
  return std::ranges::any_of(tokens, [this](std::string_view token) {
    return std::ranges::any_of(words_, [&](std::string_view word) {
      return token == word ||
             (word.size() >= kShortestInsideWord && (token.starts_with(word) || token.ends_with(word)));
    });
  });
}

std::uint8_t Brands::marks_of(const Brand& brand, const Parts& parts) const {
  std::uint8_t marks = 0;
  bool like = false;
  const auto mark = [&](LookAlikeMark which) { marks |= static_cast<std::uint8_t>(which); };
  for (std::size_t i = 0; i < brand.labels.size(); ++i) {
    const std::string& label = brand.labels[i];
    for (std::size_t t = 0; t < parts.tokens.size(); ++t) {
      const std::string& token = parts.tokens[t];
      if (token == label) {
        like = true;
      } else if (label.size() >= kShortestConfusable && parts.skeletons[t] == brand.skeletons[i]) {
        mark(LookAlikeMark::kConfusable);
      } else if (t < parts.registered.size() && label.size() >= kShortestNearMiss && one_edit_apart(token, label)) {
        mark(LookAlikeMark::kNearMiss);
      } else if (token.size() > label.size() && label.size() >= kShortestConfusable &&
                 (token.starts_with(label) || token.ends_with(label))) {
        const std::string_view rest = token.starts_with(label)
                                          ? std::string_view(token).substr(label.size())
                                          : std::string_view(token).substr(0, token.size() - label.size());
        if (std::ranges::find(words_, rest) != words_.end()) mark(LookAlikeMark::kBrandWithWord);
      }
    }
  }
  // "support." and the like stand before any name: beside a near miss they say nothing.
  const bool near_miss_only = !like && marks == static_cast<std::uint8_t>(LookAlikeMark::kNearMiss);
  if ((like || marks != 0) && (near_miss_only ? parts.registered_word : parts.word))
    mark(LookAlikeMark::kBrandWithWord);
  for (const std::string& domain : brand.domains) {
    const auto below = [&](std::string_view text, char separator) {
      const std::size_t at = parts.below.find(text);
      if (at == std::string_view::npos) return false;
      const std::size_t end = at + text.size();
      return (at == 0 || parts.below[at - 1] == '.' || parts.below[at - 1] == '-') &&
             (end == parts.below.size() || parts.below[end] == '.' || parts.below[end] == separator);
    };
    std::string joined = domain;
    std::ranges::replace(joined, '.', '-');
    if (below(domain, '-') || below(joined, '-')) mark(LookAlikeMark::kBrandSubdomain);
  }
  return marks;
}

LookAlike Brands::judge(std::string_view name) const {
  LookAlike best;
  if (brands_.empty() || is_own(name)) return best;
  const std::string_view registrable = registrable_domain(name);
  if (registrable.empty() || is_ignored(name)) return best;
  const Parts parts = parts_of(name, registrable);
  for (std::size_t i = 0; i < brands_.size(); ++i) {
    const std::uint8_t marks = marks_of(brands_[i], parts);
    if (std::popcount(marks) > std::popcount(best.marks)) best = {i, marks};
  }
  return best;
}

}  // namespace tocsin
