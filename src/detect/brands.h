// Protected brands, and names that imitate them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/expected.h"

namespace tocsin {

// What a look-alike was known by.
enum class LookAlikeMark : std::uint8_t {
  kConfusable = 1,      // looks like the brand's label: "paypa1", or a letter of another script
  kBrandWithWord = 2,   // the brand's label (or what looks like it) and a word such as "login"
  kNearMiss = 4,        // one letter added, left out, changed or two swapped
  kBrandSubdomain = 8,  // the brand's domain below another one: "bank.example.evil.example"
};

struct LookAlike {
  std::size_t brand = 0;   // index
  std::uint8_t marks = 0;  // LookAlikeMark; 0: none
  bool independent() const { return (marks & (marks - 1)) != 0; }
  // "confusable", "brand-with-word + brand-subdomain"
  std::string rule() const;
};

class Brands {
 public:
  // Files as constituencies/brands.toml describes them, taken together.
  static Expected<Brands> read(const std::vector<std::string>& paths);
  Brands(Brands&&) noexcept;
  Brands& operator=(Brands&&) noexcept;
  ~Brands();

  // name: as normalise_domain gives it. The brand that is imitated by the most marks, the first of several.
  LookAlike judge(std::string_view name) const;
  // Whether the name is a brand's own, or below one.
  bool is_own(std::string_view name) const;
  // The brand that a report calls so: by its name, a domain, or the label of a domain. -1: none.
  int called(std::string_view text) const;
  // By which the constituency knows the brand.
  const std::string& first_domain(std::size_t brand) const { return brands_[brand].domains.front(); }
  std::size_t size() const { return brands_.size(); }

 private:
  struct Brand {
    std::string name;
    std::vector<std::string> domains;
    std::vector<std::string> labels;     // of its domains, and its keywords; lower case, international ones as UTF-8
    std::vector<std::string> skeletons;  // of labels
  };
  class Skeletons;
  struct Parts;

  Brands();
  Expected<void> read_file(const std::string& path);
  Expected<void> finish_brand(Brand&& brand, const std::string& where);
  bool is_ignored(std::string_view registrable) const;
  bool has_word(const std::vector<std::string>& tokens) const;
  std::uint8_t marks_of(const Brand& brand, const Parts& parts) const;
  Parts parts_of(std::string_view name, std::string_view registrable) const;

  std::vector<Brand> brands_;
  std::vector<std::string> words_;
  std::unordered_set<std::string> domains_;  // of all brands
  std::unordered_set<std::string> ignored_;
  std::unordered_map<std::string, std::size_t> callings_;
  std::unique_ptr<Skeletons> skeletons_;
};

}  // namespace tocsin
