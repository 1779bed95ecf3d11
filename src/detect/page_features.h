// What of a web page tells whether it was replaced: its visible text, title, headings and links.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

// The least hashes of a set of shingles: two sketches tell how like two texts are (Broder, "On the resemblance and
// containment of documents", 1997), exactly for texts of few shingles.
class Sketch {
 public:
  void add(std::uint64_t hash);
  // No more is added: sorts, and drops what is too much.
  void finish();
  std::size_t size() const { return hashes_.size(); }
  // Of the two sets: size of what they share by size of what either has; 1 for two empty ones.
  friend double jaccard(const Sketch& a, const Sketch& b);

 private:
  static constexpr std::size_t kMost = 128;
  std::vector<std::uint64_t> hashes_;
};
double jaccard(const Sketch& a, const Sketch& b);

struct PageFeatures {
  std::string title;      // white space as single blanks, letters as they are; so for all texts
  std::string prominent;  // title and headings; all of the text if it is short
  std::string text;       // visible text, its first 64 KiB
  Sketch shingles;        // of three words, or characters of Chinese and the like
  std::size_t words = 0;
  std::size_t own_links = 0;              // to the page's own registrable domain
  std::vector<std::uint64_t> hosts;       // hashes of registrable domains linked to that are not its own; sorted
  std::vector<std::string> hidden_hosts;  // those linked to from elements that are not shown; sorted, at most 256
  bool plays_sound = false;               // without being asked
};

// html: in any encoding that its `meta` names or that can be guessed. site: the registrable domain of its own.
// Takes time in proportion to the size of html.
PageFeatures features_of(std::string_view html, std::string_view site);

}  // namespace tocsin
