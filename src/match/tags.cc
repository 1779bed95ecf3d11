#include "match/tags.h"

#include <algorithm>

#include "base/turns.h"

namespace tocsin::match {
namespace {

constexpr std::size_t kMostTags = 16, kMostHosts = 65'536;
constexpr std::uint32_t kDefaultPackets = 256;

Tagged begin(const rules::Tag& wanted, Timestamp now) {
  Tagged made;
  if (wanted.metric.empty()) {
    made.count = kDefaultPackets;
    return made;
  }
  made.count = wanted.count;
  if (wanted.metric == "bytes") made.metric = Tagged::Metric::kBytes;
  if (wanted.metric == "seconds") {
    made.metric = Tagged::Metric::kSeconds;
    made.until = now + static_cast<Timestamp>(wanted.count) * kSecond;
  }
  return made;
}

bool take_all(std::vector<Tagged>& all, const packet::Packet& packet) {
  bool is_told = false;
  std::erase_if(all, [&](Tagged& one) {
    const bool takes = one.takes(packet);
    is_told = is_told || takes;
    return !takes;
  });
  return is_told;
}

}  // namespace

bool Tagged::takes(const packet::Packet& packet) {
  const std::uint64_t before = bytes;
  ++packets;
  bytes += packet.frame.size();
  switch (metric) {
    case Metric::kPackets:
      return packets <= count;
    case Metric::kBytes:
      return before <= count;
    case Metric::kSeconds:
      return packet.time <= until;
  }
  return false;
}

void Tags::add(const rules::Tag& wanted, const packet::Packet& packet, std::vector<Tagged>* of_flow) {
  if (wanted.what == "session") {
    if (of_flow != nullptr && of_flow->size() < kMostTags) of_flow->push_back(begin(wanted, packet.time));
    return;
  }
  if (packet.ip_version == 0) return;
  wait_for_turn();
  const IpAddress& host = wanted.direction == "src" ? packet.source : packet.destination;
  if (hosts_.size() >= kMostHosts && !hosts_.contains(host)) {
    let_go(packet.time);
    if (hosts_.size() >= kMostHosts) return;
  }
  auto& all = hosts_[host];
  if (all.size() < kMostTags) all.push_back(begin(wanted, packet.time));
}

bool Tags::take(const packet::Packet& packet, std::vector<Tagged>* of_flow) {
  if (packet.origin == packet::Origin::kFlowEnd) return false;
  bool is_told = of_flow != nullptr && !of_flow->empty() && take_all(*of_flow, packet);
  if (!may_have_hosts || packet.ip_version == 0) return is_told;
  wait_for_turn();
  for (const IpAddress* address : {&packet.source, &packet.destination}) {
    const auto found = hosts_.find(*address);
    if (found == hosts_.end()) continue;
    is_told = take_all(found->second, packet) || is_told;
    if (found->second.empty()) hosts_.erase(found);
    if (packet.source == packet.destination) break;
  }
  return is_told;
}

// Those whose time is over and that have not been heard since.
void Tags::let_go(Timestamp now) {
  const auto is_over = [now](const Tagged& one) { return one.metric == Tagged::Metric::kSeconds && now > one.until; };
  for (auto host = hosts_.begin(); host != hosts_.end();) {
    std::erase_if(host->second, is_over);
    host = host->second.empty() ? hosts_.erase(host) : std::next(host);
  }
}

}  // namespace tocsin::match
