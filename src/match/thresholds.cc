#include "match/thresholds.h"

#include <algorithm>

#include "base/file.h"

namespace tocsin::match {
namespace {

// Beyond kMostPortMaps, of 8 KiB each, all packets count, not ports.
constexpr std::size_t kMostEntries = 1'000'000, kMostPortMaps = 16'384, kLargest = 16 << 20;

using Type = rules::Threshold::Type;
using Kind = rules::ThresholdLine::Kind;

rules::Action action_of(std::string_view name) {
  if (name == "drop") return rules::Action::kDrop;
  if (name == "pass") return rules::Action::kPass;
  if (name == "reject") return rules::Action::kReject;
  return rules::Action::kAlert;
}

}  // namespace

Thresholds::Thresholds(const Compiled& compiled, const Options& options, std::vector<rules::Fault>& faults)
    : suppressions_(compiled.rules.size()), limits_(compiled.rules.size()) {
  std::vector<rules::ThresholdLine> lines;
  if (const std::string file = options.text("threshold-file"); !file.empty()) {
    std::string text;
    const auto done = read_blocks(file, [&](std::span<const std::byte> block) {
      text.append(reinterpret_cast<const char*>(block.data()), block.size());
      return text.size() <= kLargest;
    });
    if (!done) faults.push_back({file, 0, 0, 0, done.error().message, true});
    lines = rules::parse_thresholds(text, file, rules::variables_of(options), faults);
  }
  std::uint64_t number = 0;
  for (const auto& rule : compiled.rules) {
    const rules::Metadata& metadata = rule->rule->metadata;
    auto& limits = limits_[rule->number];
    if (rule->rule->threshold) {
      rules::ThresholdLine line;
      line.kind = Kind::kThreshold;
      line.threshold = *rule->rule->threshold;
      limits.push_back({line, true, ++number});
    }
    for (const rules::ThresholdLine& line : lines) {
      const bool fits = (line.gid == 0 || line.gid == metadata.gid) && (line.sid == 0 || line.sid == metadata.sid);
      if (!fits) continue;
      if (line.kind == Kind::kSuppress) {
        suppressions_[rule->number].push_back({line, false, ++number});
        continue;
      }
      const bool is_named = line.sid != 0;
      const bool has_own = std::ranges::any_of(limits, [&](const Limit& one) { return one.is_in_rule; });
      if (!is_named && !limits.empty()) continue;
      if (is_named && has_own && line.kind == Kind::kThreshold) limits.clear();
      limits.push_back({line, false, ++number});
    }
    for (const Limit& limit : limits) counts_ports_ = counts_ports_ || limit.line.threshold.unique_on.has_value();
  }
}

Thresholds::Entry& Thresholds::entry(const Limit& limit, const packet::Packet& packet, FlowMemory* flow, bool& is_new) {
  const std::string& track = limit.line.threshold.track;
  if (track == "by_flow" && flow != nullptr) {
    const auto [found, inserted] = flow->counts.try_emplace(limit.number);
    is_new = inserted;
    return found->second;
  }
  wait_for_turn();
  Key key{limit.number, {}, {}};
  if (track == "by_src") key.one = packet.source;
  if (track == "by_dst") key.one = packet.destination;
  if (track == "by_both") std::tie(key.one, key.other) = std::minmax(packet.source, packet.destination);
  if (const auto found = entries_.find(key); found != entries_.end()) {
    is_new = false;
    return found->second;
  }
  // Looking through all of them now and then only, so that a flood does not cost that for each packet.
  if (entries_.size() >= kMostEntries && since_sweep_ >= kMostEntries / 64) {
    since_sweep_ = 0;
    std::erase_if(entries_, [&](const auto& one) {
      return one.second.since + static_cast<Timestamp>(one.second.seconds) * kSecond < packet.time;
    });
  }
  if (entries_.size() >= kMostEntries) entries_.erase(entries_.begin());
  ++since_sweep_;
  is_new = true;
  return entries_[key];
}

Thresholds::Answer Thresholds::count(const Limit& limit, Entry& entry, bool is_new,
                                     const packet::Packet& packet) const {
  const rules::Threshold& wanted = limit.line.threshold;
  if (wanted.type == Type::kBackoff) {
    if (is_new) entry.next = wanted.count;
    if (++entry.count != entry.next) return Answer::kSilent;
    entry.next = entry.next > UINT32_MAX ? entry.next : entry.next * wanted.multiplier;
    return Answer::kTell;
  }
  const bool in_time = !is_new && packet.time <= entry.since + static_cast<Timestamp>(wanted.seconds) * kSecond;
  if (!in_time) {
    entry.count = 0;
    entry.since = packet.time;
    entry.seconds = wanted.seconds;
    if (entry.ports) entry.ports->seen.reset();
  }
  if (wanted.unique_on && !entry.ports) {
    wait_for_turn();
    if (*port_maps_ < kMostPortMaps) entry.ports = std::make_unique<PortMap>(port_maps_);
  }
  if (entry.ports) {  // only what was not seen before counts
    const std::size_t port = *wanted.unique_on == "src_port" ? packet.source_port : packet.destination_port;
    if (entry.ports->seen.test(port))
      return wanted.type == Type::kDetectionFilter && entry.count > wanted.count ? Answer::kTell : Answer::kNo;
    entry.ports->seen.set(port);
  }
  ++entry.count;
  switch (wanted.type) {
    case Type::kLimit:
      return entry.count <= wanted.count ? Answer::kTell : Answer::kSilent;
    case Type::kThreshold:
      if (entry.count < wanted.count) return Answer::kNo;
      entry.count = 0;
      if (entry.ports) entry.ports->seen.reset();
      return Answer::kTell;
    case Type::kBoth:
      if (entry.count == wanted.count) return Answer::kTell;
      return entry.count > wanted.count ? Answer::kSilent : Answer::kNo;
    case Type::kDetectionFilter:
      return entry.count > wanted.count ? Answer::kTell : Answer::kNo;
    default:
      return Answer::kTell;
  }
}

// A rate filter: once there were more than its count in its seconds, its action is taken for as long as its timeout.
bool Thresholds::is_acting(const Limit& limit, Entry& entry, bool is_new, Timestamp now) const {
  const rules::Threshold& wanted = limit.line.threshold;
  if (entry.acting_since != 0) {
    if (now - entry.acting_since <= static_cast<Timestamp>(limit.line.timeout) * kSecond) return true;
    entry.acting_since = 0;
  }
  if (is_new || now > entry.since + static_cast<Timestamp>(wanted.seconds) * kSecond) {
    entry.since = now;
    entry.seconds = wanted.seconds;
    entry.count = 0;
  }
  if (++entry.count <= wanted.count) return false;
  entry.acting_since = now;
  entry.count = 0;
  return true;
}

Thresholds::Judged Thresholds::judge(const CompiledRule& rule, const packet::Packet& packet, FlowMemory* flow) {
  Judged judged;
  if (packet.ip_version == 0) return judged;
  for (const Limit& limit : suppressions_[rule.number]) {
    const std::string& track = limit.line.threshold.track;
    const auto has = [&](const IpAddress& address) { return limit.line.addresses.contains(address); };
    const bool is_hit = track.empty()       ? true
                        : track == "by_src" ? has(packet.source)
                        : track == "by_dst" ? has(packet.destination)
                                            : has(packet.source) || has(packet.destination);
    if (!is_hit) continue;
    judged.answer = Answer::kSilent;
    return judged;
  }
  for (const Limit& limit : limits_[rule.number]) {
    bool is_new = false;
    Entry& one = entry(limit, packet, flow, is_new);
    if (limit.line.kind == Kind::kRateFilter) {
      if (is_acting(limit, one, is_new, packet.time)) judged.action = action_of(limit.line.new_action);
      continue;
    }
    judged.answer = count(limit, one, is_new, packet);
    if (judged.answer != Answer::kTell) return judged;
  }
  return judged;
}

}  // namespace tocsin::match
