// Indicators: what other parties say is hostile, one value at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "base/time.h"
#include "collect/input.h"
#include "collect/judgement.h"

namespace tocsin {

enum class IndicatorType : std::uint8_t { kAddress, kAddressPort, kPrefix, kDomain, kUrl, kHash };

// Views are valid during the call that hands the indicator over.
struct Indicator {
  IndicatorType type = IndicatorType::kAddress;
  std::string_view value;  // "1.2.3.4", "1.2.3.4:443", "[::1]:443", "10.0.0.0/8", "example.org", "example.org/x", hex
  std::string_view family;
  std::string_view group;
  Kind kind = Kind::kBotnetControl;
  Confidence confidence = Confidence::kConfirmed;
  Period valid;
  std::string_view source;  // name of the list or feed
  std::string_view tlp;     // "clear", "green", "amber", "amber+strict", "red", or empty
  std::uint64_t line = 0;   // where it stands in its file, from 1; 0 if the format has no lines
};

struct IndicatorDefaults {
  Kind kind = Kind::kBotnetControl;
  Confidence confidence = Confidence::kConfirmed;
  std::string family;
  std::string source;
  std::string tlp;
};

struct IndicatorFileReport {
  std::string path;
  std::string format;  // "plain list", "CSV", "Maltrail trail", "MISP event", "STIX 2.1 bundle"
  std::uint64_t indicators = 0;
  std::uint64_t knowledge = 0;  // objects that are no indicator: kept as knowledge of a group, named in notes
  std::vector<std::string> notes;
  Skips skips;
};

// Reads one file or, below a directory, every file, in the order of their names; formats are recognised by content.
// Calls `take` for each indicator. An error only if the path itself can't be read.
Expected<std::vector<IndicatorFileReport>> read_indicators(const std::string& path, const IndicatorDefaults& defaults,
                                                           const std::function<void(const Indicator&)>& take);

}  // namespace tocsin
