#include "packet/defragmenter.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "base/hash.h"

namespace tocsin::packet {
namespace {

// A fragment that is a single byte costs this much more.
constexpr std::size_t kPieceCost = 96, kTrackerCost = 256;
constexpr std::uint32_t kMaximum = 65535, kIpv4Header = 20;

// Whether the bytes that both have are the newer fragment's. [old_start, old_end) and [start, end) as they came.
bool prefers_newer(HostSystem system, std::uint32_t old_start, std::uint32_t old_end, std::uint32_t start,
                   std::uint32_t end) {
  switch (system) {
    case HostSystem::kBsd:
    case HostSystem::kHpux10:
    case HostSystem::kIrix:
      return start < old_start;
    case HostSystem::kBsdRight:
      return start >= old_start;
    case HostSystem::kOldLinux:
    case HostSystem::kLinux:
      return start <= old_start;
    case HostSystem::kOldSolaris:
    case HostSystem::kHpux11:
    case HostSystem::kMacos:
    case HostSystem::kFirst:
      return false;
    case HostSystem::kSolaris:
      return start < old_start && end >= old_end;
    case HostSystem::kWindows:
    case HostSystem::kVista:
    case HostSystem::kWindows2003:
      return start < old_start && end > old_end;
    case HostSystem::kLast:
      return true;
  }
  return false;
}

std::uint64_t random_seed() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

}  // namespace

std::size_t Defragmenter::KeyHash::operator()(const Key& key) const {
  // Who sends fragments chooses all of the key but not the seed.
  return hash64(std::string_view(reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()), seed);
}

Defragmenter::Defragmenter(const Options& options)
    : hosts_(options),
      max_trackers_(options.number("defrag.trackers", 65535)),
      max_fragments_(options.number("defrag.max-frags", 65535)),
      memcap_(options.number("defrag.memcap", 32 << 20)),
      timeout_(static_cast<Timestamp>(std::clamp<std::uint64_t>(options.number("defrag.timeout", 60), 1, 86400)) *
               kSecond),
      simulated_(options.number("simulate-packet-defrag-memcap", 0)),
      policy_(policy_of(options, "defrag.memcap-policy", options.flag("stream.inline", false), false)),
      index_(0, KeyHash{random_seed()}) {}

Defragmenter::Key Defragmenter::key_of(const Fragment& fragment) {
  Key key;
  std::uint8_t* at = key.bytes.data();
  const auto put = [&](const void* from, std::size_t size) {
    std::memcpy(at, from, size);
    at += size;
  };
  put(fragment.source.bytes().data(), 16);
  put(fragment.destination.bytes().data(), 16);
  put(&fragment.id, 4);
  put(fragment.vlan.data(), 6);
  *at++ = fragment.version;
  *at++ = fragment.protocol;
  *at++ = fragment.depth;
  return key;
}

void Defragmenter::account(Tracker& tracker, std::ptrdiff_t change) {
  tracker.memory += change;
  memory_ += change;
}

void Defragmenter::remove(Trackers::iterator tracker) {
  memory_ -= tracker->memory;
  fragments_ -= tracker->pieces.size();
  index_.erase(tracker->key);
  trackers_.erase(tracker);
}

Defragmented Defragmenter::take(const Fragment& fragment) {
  Defragmented result;
  const int family = fragment.version == 6;
  ++counts_.fragments[family];
  if (simulated_ && fragment.number == simulated_) {
    result.policy = policy_;
    ++counts_.trackers_full;
    ++counts_.policies[name_of(policy_)];
    return result;
  }
  if ((family ? 0 : kIpv4Header) + fragment.offset + fragment.data.size() > kMaximum) {
    result.is_too_large = true;
    return result;
  }

  const Key key = key_of(fragment);
  auto found = index_.find(key);
  if (found != index_.end() && found->second->deadline < fragment.time) {
    remove(found->second);
    ++counts_.timeouts;
    found = index_.end();
  }
  Trackers::iterator tracker;
  if (found != index_.end()) {
    tracker = found->second;
    trackers_.splice(trackers_.end(), trackers_, tracker);
  } else {
    while (!trackers_.empty() && (trackers_.size() >= max_trackers_ || memory_ + kTrackerCost > memcap_)) {
      remove(trackers_.begin());
      ++counts_.hard_reuse;
    }
    if (max_trackers_ == 0 || kTrackerCost > memcap_) {
      ++counts_.trackers_full;
      result.policy = policy_;
      return result;
    }
    tracker = trackers_.insert(trackers_.end(), Tracker{});
    tracker->key = key;
    tracker->system = hosts_.of(fragment.destination);
    account(*tracker, kTrackerCost);
    index_.emplace(key, tracker);
  }
  tracker->deadline = fragment.time + timeout_;

  if (fragments_ >= max_fragments_) {
    ++counts_.fragments_full;
    result.is_ignored = true;
    remove(tracker);
    return result;
  }
  if (!insert(*tracker, fragment, result.is_overlap)) return result;
  while (memory_ > memcap_ && trackers_.begin() != tracker) {
    remove(trackers_.begin());
    ++counts_.hard_reuse;
  }
  if (memory_ > memcap_) {
    result.is_ignored = true;
    remove(tracker);
    return result;
  }
  if (tracker->has_last && assemble(*tracker, fragment.version, result.datagram)) {
    result.is_whole = true;
    ++counts_.whole[family];
    remove(tracker);
  }
  return result;
}

// False: nothing of it was taken.
bool Defragmenter::insert(Tracker& tracker, const Fragment& fragment, bool& is_overlap) {
  const std::uint32_t start = fragment.offset, end = start + static_cast<std::uint32_t>(fragment.data.size());
  const std::size_t before = tracker.pieces.size();
  auto& pieces = tracker.pieces;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ours;  // what is taken of the new one
  std::uint32_t at = start;

  auto piece = pieces.lower_bound(start);
  if (piece != pieces.begin() && std::prev(piece)->second.end > start) --piece;
  while (piece != pieces.end() && piece->first < end && at < end) {
    const std::uint32_t old_start = piece->first;
    Piece& old = piece->second;
    is_overlap = true;
    if (!prefers_newer(tracker.system, old.fragment_start, old.fragment_end, start, end)) {
      if (at < old_start) ours.emplace_back(at, old_start);
      at = std::max(at, old.end);
      ++piece;
      continue;
    }
    Piece head = old, tail = old;
    const std::uint32_t old_end = old.end;
    account(tracker, -static_cast<std::ptrdiff_t>(old.bytes.size() + kPieceCost));
    piece = pieces.erase(piece);
    const auto put_back = [&](std::uint32_t from, std::uint32_t to, Piece&& rest) {
      rest.bytes.erase(rest.bytes.begin(), rest.bytes.begin() + (from - old_start));
      rest.bytes.resize(to - from);
      rest.end = to;
      account(tracker, static_cast<std::ptrdiff_t>(rest.bytes.size() + kPieceCost));
      pieces.emplace_hint(piece, from, std::move(rest));
    };
    if (old_start < start) put_back(old_start, start, std::move(head));
    if (old_end > end) put_back(end, old_end, std::move(tail));
  }
  if (at < end) ours.emplace_back(at, end);
  for (const auto& [from, to] : ours) {
    Piece added{to, start, end, {}};
    const Bytes bytes = fragment.data.subspan(from - start, to - from);
    added.bytes.assign(bytes.begin(), bytes.end());
    account(tracker, static_cast<std::ptrdiff_t>(bytes.size() + kPieceCost));
    pieces.emplace(from, std::move(added));
  }
  fragments_ += pieces.size() - before;
  if (ours.empty()) return false;

  // The headers are those of the fragment whose first byte counts.
  if (ours.front().first == 0) {
    account(tracker,
            static_cast<std::ptrdiff_t>(fragment.header.size()) - static_cast<std::ptrdiff_t>(tracker.header.size()));
    tracker.header.assign(fragment.header.begin(), fragment.header.end());
    if (fragment.version == 6 && fragment.next_header_at < tracker.header.size()) {
      tracker.header[fragment.next_header_at] = fragment.next_header;
    }
  }
  if (!fragment.more) {
    tracker.last_offset = tracker.has_last ? std::min(tracker.last_offset, start) : start;
    tracker.has_last = true;
  }
  return true;
}

bool Defragmenter::assemble(Tracker& tracker, int version, std::vector<std::uint8_t>& datagram) const {
  std::uint32_t length = 0;
  for (const auto& [start, piece] : tracker.pieces) {
    if (piece.fragment_start > tracker.last_offset) break;  // as below
    if (start > length) return false;
    length = std::max(length, piece.end);
  }
  if (tracker.header.empty() || tracker.header.size() + length > kMaximum + 40) return false;
  datagram = tracker.header;
  for (const auto& [start, piece] : tracker.pieces) {
    // What lies behind the fragment that said to be the last is not of the datagram.
    if (piece.fragment_start > tracker.last_offset) break;
    datagram.insert(datagram.end(), piece.bytes.begin(), piece.bytes.end());
  }
  if (version == 6) {
    const std::size_t payload = datagram.size() - 40;
    if (payload > kMaximum) return false;
    datagram[4] = static_cast<std::uint8_t>(payload >> 8);
    datagram[5] = static_cast<std::uint8_t>(payload);
    return true;
  }
  if (datagram.size() > kMaximum) return false;
  datagram[2] = static_cast<std::uint8_t>(datagram.size() >> 8);
  datagram[3] = static_cast<std::uint8_t>(datagram.size());
  datagram[6] = datagram[7] = 0;
  datagram[10] = datagram[11] = 0;
  const std::size_t header = std::size_t{datagram[0] & 15u} * 4;
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at + 1 < header; at += 2) sum += be16(datagram, at);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  datagram[10] = static_cast<std::uint8_t>(~sum >> 8);
  datagram[11] = static_cast<std::uint8_t>(~sum);
  return true;
}

}  // namespace tocsin::packet
