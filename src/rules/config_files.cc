#include "rules/config_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/file.h"
#include "base/text.h"
#include "rules/builder.h"

namespace tocsin::rules {
namespace {

constexpr std::size_t kLargest = 16 << 20;

Expected<std::string> text_of(const std::filesystem::path& path) {
  std::string text;
  const auto done = read_blocks(path, [&](std::span<const std::byte> block) {
    text.append(reinterpret_cast<const char*>(block.data()), block.size());
    return text.size() <= kLargest;
  });
  if (!done) return std::unexpected(done.error());
  if (text.size() > kLargest) return failure(fmt::format("{}: is too large", printable(path.string(), 4096)));
  return text;
}

// Each line that says something, without comments; stops at the first that take refuses.
Expected<void> each_line(std::string_view text,
                         const std::function<Expected<void>(std::string_view, std::size_t)>& take) {
  std::size_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    if (const auto taken = take(line, number); !taken) return taken;
  }
  return {};
}

Expected<void> read_lines(const std::filesystem::path& path, std::string_view word,
                          const std::function<bool(const std::vector<std::string_view>&)>& take) {
  const auto text = text_of(path);
  if (!text) return std::unexpected(text.error());
  return each_line(*text, [&](std::string_view line, std::size_t number) -> Expected<void> {
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && trim(line.substr(0, colon)) == "config " + std::string(word) &&
        take(split(line.substr(colon + 1), ','))) {
      return {};
    }
    return failure(fmt::format("{}:{}: is no line of 'config {}:'", printable(path.string(), 4096), number, word));
  });
}

Expected<ThresholdLine> threshold_line(std::string_view line, const Variables& variables) {
  ThresholdLine one;
  const std::size_t space = line.find_first_of(" \t");
  const std::string_view kind = line.substr(0, space);
  if (kind == "threshold" || kind == "event_filter")
    one.kind = ThresholdLine::Kind::kThreshold;
  else if (kind == "rate_filter")
    one.kind = ThresholdLine::Kind::kRateFilter;
  else if (kind != "suppress")
    return failure("a line begins with suppress, threshold, event_filter or rate_filter");
  bool has_gid = false, has_sid = false, has_type = false, has_timeout = false;
  std::string_view rest = space == std::string_view::npos ? std::string_view() : line.substr(space);
  while (!trim(rest).empty()) {
    rest = trim(rest);
    const std::size_t key_end = std::min(rest.find_first_of(" \t"), rest.size());
    const std::string_view key = rest.substr(0, key_end);
    rest = trim(rest.substr(key_end));
    int open = 0;
    std::size_t end = 0;
    for (; end < rest.size() && (open > 0 || rest[end] != ','); ++end)
      open += rest[end] == '[' ? 1 : rest[end] == ']' ? -1 : 0;
    const std::string_view value = trim(rest.substr(0, end));
    rest = end < rest.size() ? rest.substr(end + 1) : std::string_view();
    const auto number = parse_number(value, UINT32_MAX);
    const auto as_number = [&](std::uint32_t& place) {
      place = static_cast<std::uint32_t>(number.value_or(0));
      return number.has_value();
    };
    bool fits = true;
    if (key == "gen_id")
      fits = has_gid = as_number(one.gid);
    else if (key == "sig_id")
      fits = has_sid = as_number(one.sid);
    else if (key == "count")
      fits = as_number(one.threshold.count) && one.threshold.count > 0;
    else if (key == "seconds")
      fits = as_number(one.threshold.seconds);
    else if (key == "timeout")
      fits = has_timeout = as_number(one.timeout);
    else if (key == "new_action")
      one.new_action = value;
    else if (key == "track")
      one.threshold.track = value;
    else if (key == "type") {
      constexpr std::string_view kTypes[] = {"limit", "threshold", "both", "backoff"};
      const auto found = std::ranges::find(kTypes, value);
      fits = has_type = found != std::end(kTypes);
      if (fits) one.threshold.type = static_cast<Threshold::Type>(found - kTypes);
    } else if (key == "ip" && one.kind == ThresholdLine::Kind::kSuppress) {
      auto addresses = parse_addresses(value, variables);
      if (!addresses) return std::unexpected(addresses.error());
      one.addresses = std::move(*addresses);
    } else {
      fits = false;
    }
    if (!fits) return failure(fmt::format("'{} {}' has no place there", printable(key, 40), printable(value, 80)));
  }
  if (!has_gid || !has_sid) return failure("gen_id and sig_id are needed");
  const auto is_one = [](std::string_view word, std::initializer_list<std::string_view> all) {
    return std::ranges::find(all, word) != all.end();
  };
  const std::string& track = one.threshold.track;
  if (!track.empty() && !is_one(track, {"by_src", "by_dst", "by_rule", "by_both", "by_flow", "by_either"}))
    return failure(fmt::format("'track {}' has no place there", printable(track, 40)));
  const bool has_rate = one.threshold.count > 0 && one.threshold.seconds > 0;
  if (one.kind == ThresholdLine::Kind::kThreshold && !(has_type && !track.empty() && has_rate))
    return failure("type, track, count and seconds are needed");
  if (one.kind == ThresholdLine::Kind::kRateFilter) {
    if (track.empty() || !has_rate || !has_timeout || one.new_action.empty())
      return failure("track, count, seconds, new_action and timeout are needed");
    if (!is_one(one.new_action, {"alert", "drop", "reject", "pass"}))
      return failure(fmt::format("'new_action {}' has no place there", printable(one.new_action, 40)));
  }
  return one;
}

}  // namespace

Expected<void> read_classification(const std::filesystem::path& path, Vocabulary& vocabulary) {
  return read_lines(path, "classification", [&](const std::vector<std::string_view>& parts) {
    if (parts.size() < 3 || parts[0].empty()) return false;
    const auto priority = parse_number(parts.back(), UINT32_MAX);
    if (!priority) return false;
    vocabulary.class_types[std::string(parts[0])] = {std::string(parts[1]), static_cast<std::uint32_t>(*priority)};
    return true;
  });
}

Expected<void> read_references(const std::filesystem::path& path, Vocabulary& vocabulary) {
  return read_lines(path, "reference", [&](const std::vector<std::string_view>& parts) {
    if (parts.empty() || parts[0].empty() || parts.size() > 2) return false;
    const std::string_view kind = parts[0].substr(0, parts[0].find(' '));
    const std::string_view address = parts.size() == 2 ? parts[1] : trim(parts[0].substr(kind.size()));
    vocabulary.references[lower(kind)] = address;
    return true;
  });
}

std::vector<ThresholdLine> parse_thresholds(std::string_view text, const std::string& file, const Variables& variables,
                                            std::vector<Fault>& faults) {
  std::vector<ThresholdLine> lines;
  const auto done = each_line(text, [&](std::string_view line, std::size_t number) -> Expected<void> {
    auto one = threshold_line(line, variables);
    if (one)
      lines.push_back(std::move(*one));
    else
      faults.push_back({file, static_cast<std::uint32_t>(number), 1, 0, one.error().message, false});
    return {};
  });
  static_cast<void>(done);  // the function above refuses nothing
  return lines;
}

}  // namespace tocsin::rules
