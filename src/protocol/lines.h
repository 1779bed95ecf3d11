// Lines of one side of a conversation, which come in pieces.
#pragma once

#include <string>
#include <string_view>

namespace tocsin::protocol {

class Lines {
 public:
  // most: bytes of a line that are kept; the rest of it is passed over.
  explicit Lines(std::size_t most) : most_(most) {}

  // Takes what belongs to the line away from the text. Whether the line is whole: then it stands in line(), without its
  // end, until the next call.
  bool next(std::string_view& text) {
    if (is_whole_) forget();
    const std::size_t end = text.find('\n');
    const std::string_view part = text.substr(0, end);
    if (line_.size() < most_) line_ += part.substr(0, most_ - line_.size());
    is_whole_ = end != std::string_view::npos;
    text.remove_prefix(is_whole_ ? end + 1 : text.size());
    if (is_whole_ && line_.ends_with('\r')) line_.pop_back();
    return is_whole_;
  }
  const std::string& line() const { return line_; }
  void forget() {
    line_.clear();
    is_whole_ = false;
  }

 private:
  std::size_t most_;
  std::string line_;
  bool is_whole_ = false;
};

}  // namespace tocsin::protocol
