// Zeek's own log form: '#' lines name the separator, the log and its fields; then a record a line. Several logs may
// follow one another in one file.
#include <string>

#include "collect/fields.h"
#include "collect/readers.h"
#include "collect/zeek.h"

namespace tocsin::collect {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Zeek writes separators and bytes that are not printable as \xNN.
std::string unescaped(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] == 'x' && hex_digit(text[i + 2]) >= 0 &&
        hex_digit(text[i + 3]) >= 0) {
      plain += static_cast<char>(hex_digit(text[i + 2]) * 16 + hex_digit(text[i + 3]));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

class ZeekTsvReader : public LineReader {
 public:
  using LineReader::LineReader;

 protected:
  Outcome take(std::string_view line, const Place& place, Batch& batch) override {
    if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
    if (line.starts_with('#')) {
      take_header(line);
      return Outcome::kNoRecord;
    }
    if (columns_.empty()) return bad("a record before the line of field names");
    if (log_ == ZeekLog::kOther) return Outcome::kPassedOver;
    split(line, separator_, parts_);
    if (parts_.size() < least_columns_) return bad("too few columns");
    fill_record(batch.text);
    bool passed_over = false;
    if (const auto wrong = take_zeek(log_, record_, place, batch, passed_over); !wrong.empty()) return bad(wrong);
    return passed_over ? Outcome::kPassedOver : Outcome::kTaken;
  }

 private:
  void take_header(std::string_view line) {
    if (line.starts_with("#separator ")) {
      separator_ = unescaped(line.substr(11));
      if (separator_.empty()) separator_ = "\t";
      columns_.clear();
      path_.clear();
      return;
    }
    split(line, separator_, parts_);
    const std::string_view name = parts_[0];
    const std::string_view value = parts_.size() > 1 ? parts_[1] : std::string_view();
    if (name == "#set_separator") set_separator_ = unescaped(value);
    if (name == "#empty_field") empty_ = value;
    if (name == "#unset_field") unset_ = value;
    if (name == "#path") path_ = value;
    if (name == "#fields") take_fields();
  }

  void take_fields() {
    columns_.clear();
    record_.clear();
    least_columns_ = 0;
    for (std::size_t i = 1; i < parts_.size(); ++i) {
      columns_.push_back(zeek_field_of(parts_[i]));
      if (columns_.back()) {
        record_.set(*columns_.back(), {});
        least_columns_ = i;
      }
    }
    log_ = path_.empty() ? zeek_log_of(record_) : zeek_log_of(path_);
    present_ = record_.present;
  }

  std::string_view value_of(std::string_view text, TextArena& arena) const {
    if (text == unset_ || text == empty_) return {};
    return text.find("\\x") == std::string_view::npos ? text : arena.keep(unescaped(text));
  }

  void fill_record(TextArena& arena) {
    record_.clear();
    record_.present = present_;
    for (std::size_t i = 0; i < columns_.size() && i < parts_.size(); ++i) {
      if (!columns_[i]) continue;
      if (*columns_[i] != ZeekField::kAnswers) {
        record_.set(*columns_[i], value_of(parts_[i], arena));
      } else if (parts_[i] != unset_ && parts_[i] != empty_) {
        split(parts_[i], set_separator_, record_.answers);
        for (std::string_view& answer : record_.answers) answer = value_of(answer, arena);
      }
    }
  }

  std::string separator_ = "\t", set_separator_ = ",", empty_ = "(empty)", unset_ = "-", path_;
  std::vector<std::optional<ZeekField>> columns_;
  std::size_t least_columns_ = 0;
  std::uint64_t present_ = 0;
  ZeekLog log_ = ZeekLog::kOther;
  ZeekRecord record_;
  std::vector<std::string_view> parts_;
};

}  // namespace

std::unique_ptr<ObservationReader> make_zeek_tsv_reader(InputStream& input, std::uint32_t source) {
  return std::make_unique<ZeekTsvReader>(input, source);
}

}  // namespace tocsin::collect
