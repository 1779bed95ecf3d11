#include "collect/indicator_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/text.h"

namespace tocsin {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostJson = 128UL << 20;
constexpr std::size_t kMostFiles = 1'000'000;

// JSON begins with '{', or with '[' and '{' or ']' after it: "[::1]:443" and "[a-z]" do not.
bool looks_like_json(std::string_view head) {
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  head = trim(head);
  if (head.starts_with('{')) return true;
  if (!head.starts_with('[')) return false;
  head = trim(head.substr(1));
  return head.starts_with('{') || head == "]";
}

}  // namespace

Expected<std::vector<std::string>> indicator_files(const std::string& path) {
  std::error_code error;
  if (path == "-") return std::vector<std::string>{path};
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return failure(fmt::format("{}: no such file or directory", path));
  if (error) return failure(fmt::format("{}: {}", path, error.message()));
  if (!fs::is_directory(status)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  fs::recursive_directory_iterator entry(path, fs::directory_options::skip_permission_denied, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const bool hidden = entry->path().filename().native().starts_with('.');
    std::error_code ignored;
    if (hidden && entry->is_directory(ignored)) entry.disable_recursion_pending();
    if (!hidden && entry->is_regular_file(ignored)) files.push_back(entry->path().string());
    if (files.size() > kMostFiles) return failure(fmt::format("{}: more than {} files", path, kMostFiles));
  }
  if (error) return failure(fmt::format("{}: {}", path, error.message()));
  std::sort(files.begin(), files.end());
  return files;
}

IndicatorTaker::IndicatorTaker(const std::string& path, const IndicatorDefaults& defaults, const TakeIndicator& take)
    : defaults_(defaults), take_(take) {
  report.path = path;
  source_ = defaults.source.empty() ? fs::path(path).filename().string() : defaults.source;
}

Indicator IndicatorTaker::start() const {
  Indicator indicator;
  indicator.kind = defaults_.kind;
  indicator.confidence = defaults_.confidence;
  indicator.family = defaults_.family;
  indicator.source = source_;
  indicator.tlp = defaults_.tlp;
  return indicator;
}

bool IndicatorTaker::give(std::string_view text, Indicator& indicator, std::uint64_t line) {
  const auto value = classify_indicator(text, scratch_);
  if (!value) {
    skip(line, value.error());
    return false;
  }
  if (indicator.valid.to <= indicator.valid.from) {
    skip(line, "valid until before it is valid from");
    return false;
  }
  indicator.type = value->type;
  indicator.value = value->value;
  indicator.line = line;
  const Confidence given = indicator.confidence;
  if (indicator.type == IndicatorType::kUrl && indicator.value.starts_with('/')) {
    indicator.confidence = Confidence::kSuspected;
  }
  take_(indicator);
  indicator.confidence = given;
  ++report.indicators;
  return true;
}

void IndicatorTaker::skip(std::uint64_t line, std::string_view what) {
  report.skips.add(line == 0 ? report.path : fmt::format("{}:{}", report.path, line), what);
}

void IndicatorTaker::skip(std::string_view where, std::string_view what) {
  report.skips.add(fmt::format("{}: {}", report.path, printable(where, 128)), what);
}

IndicatorFileReport read_indicator_stream(InputStream& input, const std::string& path,
                                          const IndicatorDefaults& defaults, const TakeIndicator& take) {
  IndicatorTaker taker(path, defaults, take);
  const auto head = input.peek(4096);
  if (looks_like_json({reinterpret_cast<const char*>(head.data()), head.size()})) {
    std::string text;
    for (auto piece = input.peek(1); !piece.empty() && text.size() <= kMostJson; piece = input.peek(1)) {
      text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
      input.consume(piece.size());
    }
    if (text.size() > kMostJson) {
      taker.report.format = "JSON";
      taker.skip(0, "a JSON document of more than 128 MiB");
    } else {
      read_indicator_json(text, taker);
    }
  } else {
    read_indicator_lines(input, taker);
  }
  if (input.fault()) taker.report.skips.add(path, input.fault()->message);
  return std::move(taker.report);
}

Expected<std::vector<IndicatorFileReport>> read_indicators(const std::string& path, const IndicatorDefaults& defaults,
                                                           const TakeIndicator& take) {
  const auto files = indicator_files(path);
  if (!files) return std::unexpected(files.error());
  std::vector<IndicatorFileReport> reports;
  for (const std::string& file : *files) {
    auto input = InputStream::open(file);
    if (!input) {
      if (file == path) return std::unexpected(input.error());
      IndicatorFileReport report;
      report.path = file;
      report.skips.add(file, input.error().message);
      reports.push_back(std::move(report));
      continue;
    }
    reports.push_back(read_indicator_stream(**input, file, defaults, take));
  }
  return reports;
}

}  // namespace tocsin
