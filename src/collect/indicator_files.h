// The parts of read_indicators that loaders and tests use apart, and what its readers share.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "collect/indicator.h"

namespace tocsin {

using TakeIndicator = std::function<void(const Indicator&)>;

// The path itself if it is a file; every regular file below it, in the order of their paths, if it is a directory.
// Names that begin with a dot are left out.
Expected<std::vector<std::string>> indicator_files(const std::string& path);

// One stream, under the name `path` in reports and families. Never fails: what can't be read is in the report's skips.
IndicatorFileReport read_indicator_stream(InputStream& input, const std::string& path,
                                          const IndicatorDefaults& defaults, const TakeIndicator& take);

struct IndicatorValue {
  IndicatorType type = IndicatorType::kAddress;
  std::string_view value;  // of the text or of scratch
};
// What sort of value a text is: trimmed, refanged ("hxxp://", "[.]", "(.)", "[dot]", "[:]"), without scheme, user,
// default port and final dot; "http://1.2.3.4" is 1.2.3.4:80. Otherwise why it is none, as a constant phrase.
std::expected<IndicatorValue, std::string_view> classify_indicator(std::string_view text, std::string& scratch);

// "white" and "TLP:CLEAR" give "clear"; empty if it is none of the Traffic Light Protocol (FIRST, TLP 2.0).
std::string_view tlp_of(std::string_view text);

// Hands indicators on and keeps the report: shared by the readers of the formats.
class IndicatorTaker {
 public:
  IndicatorTaker(const std::string& path, const IndicatorDefaults& defaults, const TakeIndicator& take);
  // An indicator with the defaults filled in, for a reader to amend.
  Indicator start() const;
  // Classifies `text`, then hands the indicator over with its type and value; counts a skip at `line` otherwise.
  bool give(std::string_view text, Indicator& indicator, std::uint64_t line);
  // where: a line number, or the name of an object.
  void skip(std::uint64_t line, std::string_view what);
  void skip(std::string_view where, std::string_view what);
  IndicatorFileReport report;

 private:
  const IndicatorDefaults& defaults_;
  const TakeIndicator& take_;
  std::string source_;
  std::string scratch_;
};

// The formats. Each reads to the end of what it is given.
void read_indicator_lines(InputStream& input, IndicatorTaker& taker);
void read_indicator_json(const std::string& text, IndicatorTaker& taker);

}  // namespace tocsin
