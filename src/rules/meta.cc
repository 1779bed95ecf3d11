// What a rule says of itself, and how often it speaks.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "rules/builder.h"

namespace tocsin::rules {
namespace {

Expected<void> number(const Option& option, std::uint32_t& place, std::uint64_t least) {
  const auto value = parse_number(option.value, UINT32_MAX);
  if (!value || *value < least)
    return failure(fmt::format("'{}' is no number from {} to {}", printable(option.value, 40), least, UINT32_MAX));
  place = static_cast<std::uint32_t>(*value);
  return {};
}

Expected<void> sid(Builder& builder, const Option& option, const Keyword& keyword) {
  if (const auto first = builder.once(keyword.name); !first) return first;
  return number(option, builder.rule.metadata.sid, 1);
}
Expected<void> rev(Builder& builder, const Option& option, const Keyword& keyword) {
  if (const auto first = builder.once(keyword.name); !first) return first;
  return number(option, builder.rule.metadata.rev, 1);
}
Expected<void> gid(Builder& builder, const Option& option, const Keyword& keyword) {
  if (const auto first = builder.once(keyword.name); !first) return first;
  return number(option, builder.rule.metadata.gid, 0);
}

Expected<void> priority(Builder& builder, const Option& option, const Keyword&) {
  std::uint32_t value = 0;
  if (const auto read = number(option, value, 0); !read) return read;
  auto& place = builder.rule.metadata.priority;
  if (place) builder.warnings.emplace_back("priority stands twice: the higher one counts");
  place = place ? std::min(*place, value) : value;
  return {};
}

Expected<void> msg(Builder& builder, const Option& option, const Keyword& keyword) {
  if (const auto first = builder.once(keyword.name); !first) return first;
  std::string& message = builder.rule.metadata.message;
  for (std::size_t i = 0; i < option.value.size(); ++i) {
    const bool escaped = option.value[i] == '\\' && i + 1 < option.value.size() &&
                         std::string_view(";:\"\\").find(option.value[i + 1]) != std::string_view::npos;
    message += option.value[i += escaped ? 1 : 0];
  }
  return {};
}

Expected<void> classtype(Builder& builder, const Option& option, const Keyword&) {
  const bool is_name = std::ranges::all_of(option.value, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  if (!is_name || option.value.size() > 64)
    return failure(fmt::format("'{}' is no name of a class", printable(option.value, 80)));
  const auto& types = builder.vocabulary().class_types;
  if (!types.empty() && types.find(option.value) == types.end()) {
    builder.warnings.push_back(fmt::format("the class '{}' is not known: its priority is 3", option.value));
  }
  if (!builder.rule.metadata.class_type.empty())
    builder.warnings.emplace_back("classtype stands twice: the first counts");
  else
    builder.rule.metadata.class_type = option.value;
  return {};
}

Expected<void> reference(Builder& builder, const Option& option, const Keyword&) {
  const std::size_t comma = option.value.find(',');
  const std::string_view kind = trim(option.value.substr(0, comma));
  if (comma == std::string_view::npos || kind.empty())
    return failure("a reference is its kind, a comma, and what is referred to");
  std::string_view text = trim(option.value.substr(comma + 1));
  if (text.size() > 1 && text.starts_with('"') && text.ends_with('"')) text = text.substr(1, text.size() - 2);
  if (text.empty()) return failure("the reference is empty");
  const auto& known = builder.vocabulary().references;
  if (!known.empty() && known.find(lower(kind)) == known.end())
    builder.warnings.push_back(fmt::format("references of '{}' are not known", printable(kind, 80)));
  builder.rule.metadata.references.push_back({std::string(kind), std::string(text)});
  return {};
}

Expected<void> metadata(Builder& builder, const Option& option, const Keyword&) {
  for (const std::string_view part : split(option.value, ',')) {
    if (part.empty()) continue;
    const std::size_t space = part.find(' ');
    builder.rule.metadata.pairs.emplace_back(part.substr(0, space),
                                             space == std::string_view::npos ? "" : trim(part.substr(space)));
  }
  return {};
}

Expected<void> target(Builder& builder, const Option& option, const Keyword&) {
  if (option.value != "src_ip" && option.value != "dest_ip") return failure("the target is src_ip or dest_ip");
  builder.rule.metadata.target = option.value;
  return {};
}

Expected<void> flag(Builder& builder, const Option&, const Keyword& keyword) {
  if (keyword.name == "noalert") builder.rule.no_alert = true;
  if (keyword.name == "alert") {
    builder.rule.no_alert = false;
    builder.rule.asks_alert = true;
  }
  if (keyword.name == "bypass") builder.rule.bypass = true;
  if (keyword.name == "prefilter") {
    if (builder.rule.prefilter) return failure("prefilter may stand once in a rule");
    if (builder.rule.conditions.empty() && builder.rule.buffers.empty())
      return failure("prefilter needs a condition before it");
    builder.rule.prefilter = true;
  }
  return {};
}

// threshold and detection_filter: "track by_src, count 5, seconds 60", in any order.
Expected<void> threshold(Builder& builder, const Option& option, const Keyword& keyword) {
  if (builder.rule.threshold) return failure("threshold and detection_filter stand once in a rule, and not together");
  const bool is_filter = keyword.name == "detection_filter";
  Threshold threshold;
  bool has_type = false, has_count = false, has_seconds = false;
  if (is_filter) threshold.type = Threshold::Type::kDetectionFilter;
  for (const std::string_view part : split(option.value, ',')) {
    const auto words = words_of(part);
    if (words.size() != 2) return failure(fmt::format("'{}' is not a word and its value", printable(part, 80)));
    const auto value = parse_number(words[1], UINT32_MAX);
    bool fits = true;
    if (words[0] == "track" && threshold.track.empty()) {
      constexpr std::string_view kTracks[] = {"by_src", "by_dst", "by_both", "by_rule", "by_flow"};
      fits = std::ranges::find(kTracks, words[1]) != std::end(kTracks);
      threshold.track = words[1];
    } else if (words[0] == "type" && !is_filter && !has_type) {
      constexpr std::string_view kTypes[] = {"limit", "threshold", "both", "backoff"};
      const auto found = std::ranges::find(kTypes, words[1]);
      has_type = fits = found != std::end(kTypes);
      if (fits) threshold.type = static_cast<Threshold::Type>(found - kTypes);
    } else if (words[0] == "count" && !has_count) {
      has_count = fits = value && *value > 0;
      threshold.count = static_cast<std::uint32_t>(value.value_or(0));
    } else if (words[0] == "seconds" && !has_seconds) {
      has_seconds = fits = value && *value > 0;
      threshold.seconds = static_cast<std::uint32_t>(value.value_or(0));
    } else if (words[0] == "multiplier" && threshold.multiplier == 0) {
      fits = value && *value > 1 && *value <= 65'535;
      threshold.multiplier = static_cast<std::uint32_t>(value.value_or(0));
    } else if (words[0] == "unique_on") {
      fits = words[1] == "src_port" || words[1] == "dst_port";
      threshold.unique_on = std::string(words[1]);
    } else {
      fits = false;
    }
    if (!fits) return failure(fmt::format("'{}' has no place in {}", printable(part, 80), keyword.name));
  }
  const bool backs_off = threshold.type == Threshold::Type::kBackoff;
  if (backs_off && threshold.track != "by_flow") return failure("backoff is tracked by_flow");
  if (threshold.track.empty() || !has_count || (!is_filter && !has_type) ||
      (backs_off ? threshold.multiplier == 0 : !has_seconds)) {
    return failure(
        fmt::format("{} needs track, count, {}", keyword.name, is_filter ? "and seconds" : "seconds and type"));
  }
  if (threshold.unique_on) {
    const auto transport = builder.rule.protocol.transport;
    if (transport != Transport::kTcp && transport != Transport::kUdp && transport != Transport::kSctp)
      return failure("unique_on is of rules of tcp, udp or sctp");
  }
  builder.rule.threshold = std::move(threshold);
  return {};
}

Expected<void> tag(Builder& builder, const Option& option, const Keyword&) {
  const auto parts = split(option.value, ',');
  Tag tag;
  tag.what = parts[0];
  if (tag.what != "session" && tag.what != "host") return failure("a tag is of the session or a host");
  if (parts.size() > 1) {
    const auto count = parse_number(parts[1], UINT32_MAX);
    if (!count || parts.size() < 3 || parts.size() > 4)
      return failure("a tag is followed by a number and packets, bytes or seconds");
    tag.count = static_cast<std::uint32_t>(*count);
    tag.metric = parts[2];
    if (tag.metric != "packets" && tag.metric != "bytes" && tag.metric != "seconds")
      return failure("a tag counts packets, bytes or seconds");
    if (parts.size() == 4) tag.direction = parts[3];
    if (!tag.direction.empty() && tag.direction != "src" && tag.direction != "dst")
      return failure("a tag's host is src or dst");
  }
  if (builder.rule.tags.size() >= 8) return failure("a rule has at most eight tags");
  if (!tag.direction.empty() && tag.what != "host") return failure("only a tag of a host has a direction");
  builder.rule.tags.push_back(std::move(tag));
  return {};
}

Expected<void> text(Builder& builder, const Option& option, const Keyword& keyword) {
  if (keyword.name == "requires") {
    for (const std::string_view part : split(option.value, ',')) {
      const auto is_version = [](std::string_view text) { return text.starts_with("version"); };
      auto& all = builder.rule.requirements;
      if (is_version(part) && std::ranges::any_of(all, is_version)) return failure("the version is required twice");
      all.emplace_back(part);
    }
  }
  return {};
}

// "logging disable, type tx, scope tx" or "tracking disable, type flow, scope packet".
Expected<void> config(Builder& builder, const Option& option, const Keyword&) {
  std::string subsystem, type, scope;
  for (const std::string_view part : split(option.value, ',')) {
    const auto words = words_of(part);
    if (words.size() != 2) return failure(fmt::format("'{}' is not a word and its value", printable(part, 80)));
    std::string* place = words[0] == "type" ? &type : words[0] == "scope" ? &scope : &subsystem;
    if (!place->empty()) return failure("config says a thing twice");
    if (place == &subsystem && words[1] != "disable") return failure("config can only disable");
    *place = place == &subsystem ? words[0] : words[1];
  }
  using Configuration = Rule::Configuration;
  if (subsystem == "logging" && type == "tx" && scope == "tx") {
    builder.rule.configuration = Configuration::kTransactionIsNotLogged;
  } else if (subsystem == "tracking" && type == "flow" && scope == "packet") {
    builder.rule.configuration = Configuration::kPacketHasNoFlow;
  } else {
    return failure("config is 'logging disable, type tx, scope tx' or 'tracking disable, type flow, scope packet'");
  }
  return {};
}

constexpr Keyword row(std::string_view name, Read read, Value value = Value::kNeeded, Quotes quotes = Quotes::kNone) {
  return {.name = name, .read = read, .value = value, .quotes = quotes};
}

constexpr Keyword kTable[] = {
    row("msg", msg, Value::kNeeded, Quotes::kNeeded),
    row("sid", sid),
    row("rev", rev),
    row("gid", gid),
    row("classtype", classtype),
    row("priority", priority),
    row("reference", reference),
    row("metadata", metadata),
    row("target", target),
    row("requires", text),
    row("config", config),
    row("nfq_set_mark", text),
    row("noalert", flag, Value::kNone),
    row("alert", flag, Value::kNone),
    row("bypass", flag, Value::kNone),
    row("prefilter", flag, Value::kNone),
    row("threshold", threshold),
    row("detection_filter", threshold),
    row("tag", tag),
};

}  // namespace

std::span<const Keyword> meta_keywords() { return kTable; }

}  // namespace tocsin::rules
