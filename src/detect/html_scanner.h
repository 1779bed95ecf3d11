// Tags and text of HTML in the order in which they stand, without a tree.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin {

// A parser that builds the tree which browsers build (the HTML standard's "adoption agency", foster parents, formatting
// elements opened again) takes time and memory in the square of a hostile page's size, or recurses as deep as the page
// nests. Text, titles, headings and links need none of that: this scanner reads each byte about once.
class HtmlScanner {
 public:
  enum class Token : unsigned char { kText, kOpen, kClose, kEnd };
  explicit HtmlScanner(std::string_view html) : rest_(html) {}

  Token next();
  // Of kText: as written, entities and all.
  std::string_view text() const { return text_; }
  // Of kOpen and kClose: lower case, at most 15 bytes of it.
  std::string_view tag() const { return {tag_.data(), tag_size_}; }
  // Of kOpen: the value of an attribute as written, without quotes; empty if there is none.
  std::string_view attribute(std::string_view name) const;
  bool has_attribute(std::string_view name) const;

 private:
  struct Attribute {
    std::string_view name, value;
  };
  static constexpr std::size_t kMostAttributes = 48;

  Token markup();
  void take_tag_name();
  void take_attributes();
  void skip_raw_text();

  std::string_view rest_, text_;
  std::array<char, 15> tag_{};
  std::size_t tag_size_ = 0;
  std::array<Attribute, kMostAttributes> attributes_;
  std::size_t attribute_count_ = 0;
};

// Appends the text with entities replaced (the numeric ones and the five of XML and &nbsp;) and white space as single
// blanks, until `into` has `most` bytes.
void append_text(std::string_view text, std::size_t most, std::string& into);

}  // namespace tocsin
