// A rule on its way from text: what its options have said until now, and where the next one looks.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/keyword.h"
#include "rules/parser.h"
#include "rules/rule.h"

namespace tocsin::rules {

class Builder {
 public:
  explicit Builder(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

  Rule rule;
  std::vector<std::string> warnings;

  const Vocabulary& vocabulary() const { return vocabulary_; }

  // A sticky buffer: what follows is looked for in it.
  Expected<void> open(const Keyword& buffer, std::string argument, Side side);
  Expected<void> open_payload();
  Expected<void> add_transform(Transform transform);
  // Into the buffer that is open.
  Expected<void> add(Match match);
  // The content that a modifier is of: the last, unless another buffer was opened since.
  Expected<Content*> last_content(std::string_view modifier);
  // Moves the last content to a buffer, as the keywords of old (http_uri;) ask. Also for patterns' letters.
  Expected<void> move_last(const Keyword& buffer);
  BufferMatches& buffer_of(std::string_view name, Side side);
  // Whether something was looked for before in the buffer that is open, so that relative means something.
  bool has_match_before() const;
  bool is_open() const { return open_ >= 0 && rule.buffers[open_].buffer != kPayload; }
  BufferMatches* open_buffer() { return open_ < 0 ? nullptr : &rule.buffers[open_]; }

  // Only these applications remain possible.
  Expected<void> restrict_to(std::string_view protocols, std::string_view keyword);
  void need(Needs needs, std::string_view keyword);
  // A number, or a variable that was named before.
  Expected<Amount> amount(std::string_view text, std::int64_t least, std::int64_t most);
  Expected<int> new_variable(std::string_view name);
  Expected<void> once(std::string_view keyword);

  // What can only be said when all of the rule is read.
  Expected<void> finish();

 private:
  Expected<void> check_buffer(const BufferMatches& buffer) const;
  Expected<void> check_sides();
  Expected<void> check_packet() const;
  Expected<void> check_files() const;

  const Vocabulary& vocabulary_;
  int open_ = -1;            // of rule.buffers
  int last_ = -1;            // the buffer that the last match went to
  bool transforms_ = false;  // since the last match
  std::string packet_keyword_, transaction_keyword_;
  std::vector<std::string_view> seen_;
};

// "a, b ,c" as its trimmed parts.
std::vector<std::string_view> split(std::string_view text, char separator);
// The parts of words separated by white space.
std::vector<std::string_view> words_of(std::string_view text);

}  // namespace tocsin::rules
