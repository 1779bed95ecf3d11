// The small files that stand beside rules: classification.config, reference.config, threshold.config.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "rules/parser.h"

namespace tocsin::rules {

// A line of threshold.config: suppress, threshold (event_filter) or rate_filter.
struct ThresholdLine {
  enum class Kind : std::uint8_t { kSuppress, kThreshold, kRateFilter };
  Kind kind = Kind::kSuppress;
  std::uint32_t gid = 0, sid = 0;  // 0: of all
  Threshold threshold;             // of kSuppress only track
  AddressSet addresses;            // of kSuppress with ip
  std::string new_action;          // of kRateFilter
  std::uint32_t timeout = 0;
};

// A line that is not understood is an error that says which.
Expected<void> read_classification(const std::filesystem::path& path, Vocabulary& vocabulary);
Expected<void> read_references(const std::filesystem::path& path, Vocabulary& vocabulary);
// The text of a file; what is not understood goes to faults.
std::vector<ThresholdLine> parse_thresholds(std::string_view text, const std::string& file, const Variables& variables,
                                            std::vector<Fault>& faults);

}  // namespace tocsin::rules
