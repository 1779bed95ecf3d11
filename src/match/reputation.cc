#include "match/reputation.h"

#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "rules/builder.h"

namespace tocsin::match {
namespace {

constexpr std::size_t kLargest = 256 << 20;

template <typename Take>
void each_line(const std::filesystem::path& path, std::vector<rules::Fault>& faults, const Take& take) {
  std::string text;
  const auto done = read_blocks(path, [&](std::span<const std::byte> block) {
    text.append(reinterpret_cast<const char*>(block.data()), block.size());
    return text.size() <= kLargest;
  });
  if (!done) {
    faults.push_back({path.string(), 0, 0, 0, done.error().message, false});
    return;
  }
  std::uint32_t number = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = trim(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    if (!take(rules::split(line, ',')))
      faults.push_back({path.string(), number, 1, 0, "the line is not understood", true});
  }
}

}  // namespace

Reputation Reputation::read(const Options& options, std::vector<rules::Fault>& faults) {
  Reputation reputation;
  const std::string categories = options.text("reputation-categories-file");
  if (categories.empty()) return reputation;
  const std::filesystem::path base = options.text("default-reputation-path");
  reputation.read_categories(base / categories, faults);
  for (std::size_t i = 0; i < 1024; ++i) {
    const std::string* file = options.find(fmt::format("reputation-files.{}", i));
    if (file == nullptr) break;
    reputation.read_scores(base / *file, faults);
  }
  return reputation;
}

void Reputation::read_categories(const std::filesystem::path& path, std::vector<rules::Fault>& faults) {
  each_line(path, faults, [&](const std::vector<std::string_view>& parts) {
    if (parts.size() < 2) return false;
    const auto number = rules::parse_number(parts[0], 59);
    if (number.value_or(0) == 0 || parts[1].empty()) return false;
    categories_[std::string(parts[1])] = static_cast<std::uint32_t>(*number);
    return true;
  });
}

void Reputation::read_scores(const std::filesystem::path& path, std::vector<rules::Fault>& faults) {
  each_line(path, faults, [&](const std::vector<std::string_view>& parts) {
    if (parts.size() != 3) return parts.size() > 1 && parts[0] == "ip";
    const auto prefix = Prefix::parse(parts[0]);
    const auto category = rules::parse_number(parts[1], 59), score = rules::parse_number(parts[2], 127);
    if (!prefix || category.value_or(0) == 0 || !score) return parts[0] == "ip";
    auto& scores = prefix->length() == 128 ? hosts_[prefix->address()] : networks_[prefix->length()][prefix->address()];
    scores[static_cast<std::uint32_t>(*category)] = static_cast<std::uint32_t>(*score);
    return true;
  });
}

std::uint32_t Reputation::score(std::string_view category, const IpAddress& address) const {
  const auto number = categories_.find(category);
  if (number == categories_.end()) return 0;
  const auto of = [&](const std::map<IpAddress, Scores>& all, const IpAddress& key) -> std::uint32_t {
    const auto found = all.find(key);
    if (found == all.end()) return 0;
    const auto one = found->second.find(number->second);
    return one == found->second.end() ? 0 : one->second;
  };
  if (const std::uint32_t own = of(hosts_, address); own > 0) return own;
  for (const auto& [length, networks] : networks_) {
    if (const std::uint32_t score_of = of(networks, Prefix(address, length).address()); score_of > 0) return score_of;
  }
  return 0;
}

}  // namespace tocsin::match
