// Scores of addresses by category. https://docs.suricata.io/en/latest/reputation/ipreputation/ip-reputation.html
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/options.h"
#include "rules/parser.h"

namespace tocsin::match {

class Reputation {
 public:
  // reputation-categories-file, default-reputation-path, reputation-files.
  static Reputation read(const Options& options, std::vector<rules::Fault>& faults);
  // 0: none is known.
  std::uint32_t score(std::string_view category, const IpAddress& address) const;
  bool has(std::string_view category) const { return categories_.find(category) != categories_.end(); }

 private:
  void read_categories(const std::filesystem::path& path, std::vector<rules::Fault>& faults);
  void read_scores(const std::filesystem::path& path, std::vector<rules::Fault>& faults);

  std::map<std::string, std::uint32_t, std::less<>> categories_;
  using Scores = std::map<std::uint32_t, std::uint32_t>;  // category to score
  std::map<IpAddress, Scores> hosts_;
  std::map<int, std::map<IpAddress, Scores>, std::greater<>> networks_;  // by length, the longest first
};

}  // namespace tocsin::match
