// Scans: one address that knocks at many doors to learn which open.
//
// Vertical: many ports of one host. Horizontal: one port, or a ping, on many hosts. What tells a scanner from a busy
// client is not how many peers it has but how many of them fail it: a client goes where it was told something is, a
// scanner goes to see (Jung, Paxson, Berger, Balakrishnan: Fast Portscan Detection Using Sequential Hypothesis Testing,
// IEEE S&P 2004, "TRW").
//
// What is kept. Two tracks for each initiator, way of probing and host (or port): the last 128 different ports (or
// hosts) with when and how each was last met, and TRW's walk: a first contact that fails adds ln 4, one that is
// answered takes ln 4 away (theta0 = 0.8, theta1 = 0.2); at -ln 99 the walk starts again from 0. A track begins with a
// failure, so that a client to whom all answer costs nothing.
//
// A track is a scan when its walk has reached ln 99, half of what it met in five minutes failed, and that was
//   10 or more: suspected;  15 or more and four fifths failed: probable;
//   30 or more within an hour: suspected (a slow scan).
// Without the walk, 10 failures within ten seconds that are two fifths of what it met then are suspected: a program
// that works off a list, half of it dead, is no person at a browser.
// On ports 80 and 443 of many hosts 40 are asked for to be probable, because a browser whose way out is cut looks the
// same; UDP to a high port of many hosts is at most suspected, because file sharing looks the same. A ping sweep
// (echo, timestamp, netmask) is told by the number of hosts alone, and is probable if a quarter did not answer:
// a monitor's hosts do.
//
// How a probe is known:
//   SYN    TCP that never opened: S0, REJ, RSTOS0, RSTRH, SH, or RSTR at once
//   FIN, NULL, Xmas, Maimon (FIN and ACK): by the first packet's flags, if they are known, and no more followed
//   ACK    a bare ACK, answered by RST, without data. Bare ACKs without an answer are connections met in their middle.
//   UDP    not answered. Ports from 32768 on are not counted on one host: those are answers and traceroute.
// Not a probe: a first packet with SYN and ACK or RST, and (where flags are not known) a flow from a low port to a high
// one: that is a server's answer or backscatter.
//
// Each probe is counted in one of its two tracks, the one that has met more, so that a sum over sightings counts it
// once. While neither has met a second door, both hold it; the first that counts one more, or is judged a scan, claims
// what both hold, and the other drops it.
//
// What fools it: scans from many addresses, slower than ten an hour, of random ports of random hosts, or sent from a
// low port where flags are not known. What is accused wrongly: a client whose many servers are all down.
//
// Cost. At most 2^16 tracks of up to 3 KiB; a probe searches two lists of 128.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "detect/hourly.h"
#include "detect/recent_table.h"

namespace tocsin {
namespace {

constexpr std::size_t kTracks = 1 << 16;
constexpr std::size_t kShares = 1 << 19;  // of all tracks: two hours each, more where many sources are merged
constexpr std::size_t kMet = 128;
constexpr std::size_t kBlock = 64;  // flows whose tracks are fetched before the first is asked for
constexpr Timestamp kFast = 5 * kMinute;
constexpr Timestamp kSlow = kHour;
constexpr Timestamp kRush = 10 * kSecond;
constexpr std::size_t kFew = 10;
constexpr std::size_t kClear = 15;
constexpr std::size_t kClearOfWeb = 40;
constexpr std::size_t kManyInAnHour = 30;
constexpr std::uint16_t kEphemeral = 32768;
const double kStep = std::log(4.0);
const double kScanner = std::log(99.0);

enum class Way : std::uint8_t {
  kTcpSyn,
  kTcpFin,
  kTcpNull,
  kTcpXmas,
  kTcpMaimon,
  kTcpAck,
  kUdp,
  kEcho,
  kStamp,
  kNetmask
};
constexpr std::array<std::string_view, 10> kWays{"tcp-syn", "tcp-fin", "tcp-null", "tcp-xmas",       "tcp-maimon",
                                                 "tcp-ack", "udp",     "icmp",     "icmp-timestamp", "icmp-netmask"};
bool is_icmp(Way way) { return way >= Way::kEcho; }

enum class Outcome : std::uint8_t { kFailed, kAnswered };

struct Probe {
  Way way;
  Outcome outcome;
};

struct Key {
  IpAddress initiator;
  IpAddress host;  // vertical: the scanned host; unspecified: horizontal
  std::uint16_t port = 0;
  Way way = Way::kTcpSyn;
  bool vertical() const { return !host.is_unspecified(); }
  friend bool operator==(const Key&, const Key&) = default;
};

struct Met {
  std::uint64_t what = 0;  // port, or hash of the host
  Timestamp last = 0;
  bool failed = false;
};

// The probes of one hour that one source has.
struct Share {
  std::uint64_t probes = 0;
  Timestamp first = 0, last = 0;
  Place place;
};

// The probes of one hour. What they are is judged of all sources together, each has a row with its own count: a source
// that has grown is read anew without the others.
struct Hour {
  Timestamp start = 0;
  Timestamp first = 0, last = 0;
  std::uint64_t probes = 0;
  std::size_t different = 0;  // the most in one window
  std::vector<Share> shares;
  Endpoint target;
  Confidence confidence{};  // zero: no scan
};

struct Track {
  Key key;
  std::vector<Met> met;
  std::array<Hour, 2> hours;  // the two latest
  double walk = 0;
  bool walked = false;  // the walk has reached kScanner
  bool shared = false;  // the other track of `door` holds the probes of this one's hours as well
  Endpoint door;
};

bool single_host(const IpAddress& ip) {
  switch (scope_of(ip)) {
    case AddressScope::kUnspecified:
    case AddressScope::kLoopback:
    case AddressScope::kMulticast:
    case AddressScope::kBroadcast:
      return false;
    case AddressScope::kPrivate:
      return !ip.is_v4() || (ip.as_v4() & 0xff) != 0xff;
    default:
      return true;
  }
}

std::optional<Probe> tcp_probe(const Flow& flow) {
  if (flow.flags_known) {
    constexpr std::uint8_t kAll = kFin | kSyn | kRst | kPsh | kAck | kUrg;
    const std::uint8_t first = flow.first_flags & kAll;
    if (first & kRst) return std::nullopt;
    const bool nothing_more = (flow.initiator_flags & kAll & ~kRst) == first;
    if (!(first & kSyn)) {
      if (!nothing_more) return std::nullopt;
      const bool refused = (flow.responder_flags & ~(kRst | kAck)) == 0;
      const bool reset = (flow.responder_flags & kRst) != 0 && refused;
      switch (first) {
        case 0:
          return refused ? std::optional<Probe>({Way::kTcpNull, Outcome::kFailed}) : std::nullopt;
        case kFin:
          return refused ? std::optional<Probe>({Way::kTcpFin, Outcome::kFailed}) : std::nullopt;
        case kFin | kPsh | kUrg:
          return refused ? std::optional<Probe>({Way::kTcpXmas, Outcome::kFailed}) : std::nullopt;
        case kFin | kAck:
          return reset && flow.initiator_packets <= 2 ? std::optional<Probe>({Way::kTcpMaimon, Outcome::kFailed})
                                                      : std::nullopt;
        case kAck:
          return reset && flow.initiator_packets <= 2 ? std::optional<Probe>({Way::kTcpAck, Outcome::kFailed})
                                                      : std::nullopt;
        default:
          return std::nullopt;
      }
    }
    if (first & kAck) return std::nullopt;
  } else if (flow.initiator.port < 1024 && flow.responder.port >= 1024) {
    return std::nullopt;
  }
  switch (flow.state) {
    case ConnState::kS0:
    case ConnState::kREJ:
    case ConnState::kRSTOS0:
    case ConnState::kRSTRH:
    case ConnState::kSH:
      return Probe{Way::kTcpSyn, Outcome::kFailed};
    case ConnState::kRSTR:
      return Probe{Way::kTcpSyn, flow.responder_packets <= 2 ? Outcome::kFailed : Outcome::kAnswered};
    case ConnState::kRSTO:  // opened and dropped at once: a probe that found something; neither
      if (flow.initiator_packets <= 3 && flow.responder_packets <= 2) return std::nullopt;
      return Probe{Way::kTcpSyn, Outcome::kAnswered};
    case ConnState::kS1:
    case ConnState::kS2:
    case ConnState::kS3:
    case ConnState::kSF:
      return Probe{Way::kTcpSyn, Outcome::kAnswered};
    default:
      return std::nullopt;
  }
}

std::optional<Probe> probe_of(const Flow& flow) {
  const Outcome answer =
      flow.responder_packets > 0 || flow.state == ConnState::kSF ? Outcome::kAnswered : Outcome::kFailed;
  switch (flow.protocol) {
    case kTcp:
      return tcp_probe(flow);
    case kUdp:
      if (flow.initiator.port < 1024 && flow.responder.port >= 1024) return std::nullopt;
      // Of a flow exported one way alone nobody knows whether it was answered.
      if (answer == Outcome::kFailed && flow.state != ConnState::kS0) return std::nullopt;
      return Probe{Way::kUdp, answer};
    case kIcmp:
      switch (flow.initiator.port) {
        case 8:
          return Probe{Way::kEcho, answer};
        case 13:
          return Probe{Way::kStamp, answer};
        case 17:
          return Probe{Way::kNetmask, answer};
        default:
          return std::nullopt;
      }
    case kIcmp6:
      return flow.initiator.port == 128 ? std::optional<Probe>({Way::kEcho, answer}) : std::nullopt;
    default:
      return std::nullopt;
  }
}

// UDP services that scanners look for above the low ports.
bool sought_by_udp(std::uint16_t port) {
  static constexpr std::array<std::uint16_t, 11> kSought{1194, 1434, 1604, 1900,  3283, 3389,
                                                         3702, 5060, 5683, 10001, 11211};
  return port < 1024 || std::ranges::binary_search(kSought, port);
}

class ScanDetector final : public Detector {
 public:
  explicit ScanDetector(InsideTest) {}
  std::string_view name() const override { return "scan"; }

  void observe(const Batch& batch, SightingSink& sink) override {
    std::array<Asked, kBlock> asked;
    for (std::size_t begin = 0; begin < batch.flows.size();) {
      std::size_t size = 0;
      for (; begin < batch.flows.size() && size < kBlock; ++begin) {
        if (!ask(batch.flows[begin], asked[size])) continue;
        tracks_.prefetch(asked[size].vertical_hash);
        tracks_.prefetch(asked[size].horizontal_hash);
        ++size;
      }
      for (std::size_t i = 0; i < size; ++i) {
        tracks_.prefetch_entry(asked[i].vertical_hash);
        tracks_.prefetch_entry(asked[i].horizontal_hash);
      }
      for (std::size_t i = 0; i < size; ++i) add(asked[i], sink);
    }
  }

  void finish(SightingSink& sink) override {
    while (tracks_.oldest() != kNoIndex) evict_oldest(sink);
    held_.release(sink);
  }

 private:
  // A probe, and which tracks it may belong to.
  struct Asked {
    const Flow* flow;
    Probe probe;
    std::uint16_t port;
    bool by_host, by_port;
    std::uint32_t vertical_hash, horizontal_hash;
  };

  bool ask(const Flow& flow, Asked& asked) const {
    const std::optional<Probe> probe = probe_of(flow);
    if (!probe || !single_host(flow.responder.ip)) return false;
    const bool icmp = is_icmp(probe->way);
    asked.flow = &flow;
    asked.probe = *probe;
    asked.port = icmp ? std::uint16_t{0} : flow.responder.port;
    asked.by_host = !icmp && !(probe->way == Way::kUdp && asked.port >= kEphemeral);
    asked.by_port = probe->way != Way::kTcpAck && probe->way != Way::kTcpMaimon;
    const std::uint64_t initiator = keyed_(flow.initiator.ip) + static_cast<std::uint64_t>(probe->way);
    asked.vertical_hash = vertical_hash(initiator, flow.responder.ip);
    asked.horizontal_hash = horizontal_hash(initiator, asked.port);
    return true;
  }
  std::uint32_t vertical_hash(std::uint64_t initiator, const IpAddress& host) const {
    return folded(keyed_(initiator, keyed_(host)));
  }
  std::uint32_t horizontal_hash(std::uint64_t initiator, std::uint16_t port) const {
    return folded(keyed_(initiator, port));
  }
  std::uint32_t hash_of(const Key& key) const {
    const std::uint64_t initiator = keyed_(key.initiator) + static_cast<std::uint64_t>(key.way);
    return key.vertical() ? vertical_hash(initiator, key.host) : horizontal_hash(initiator, key.port);
  }

  void add(const Asked& asked, SightingSink& sink) {
    const Flow& flow = *asked.flow;
    const Probe& probe = asked.probe;
    const std::uint16_t port = asked.port;
    // A track begins with a failure; of pings, with any.
    const bool begins = probe.outcome == Outcome::kFailed || is_icmp(probe.way);
    // The horizontal track's place may be taken by the vertical one's making, so room is made before either is held.
    if (begins) make_room(sink);
    const Key vertical_key{flow.initiator.ip, flow.responder.ip, 0, probe.way};
    const Key horizontal_key{flow.initiator.ip, {}, port, probe.way};
    Track* vertical = asked.by_host ? track_of(vertical_key, asked.vertical_hash, begins) : nullptr;
    Track* horizontal = asked.by_port ? track_of(horizontal_key, asked.horizontal_hash, begins) : nullptr;
    if (vertical != nullptr) meet(*vertical, port, flow.first, probe);
    if (horizontal != nullptr) meet(*horizontal, tocsin::hash_of(flow.responder.ip), flow.first, probe);
    if (!begins) return;

    const std::size_t ports = vertical == nullptr ? 0 : vertical->met.size();
    const std::size_t hosts = horizontal == nullptr ? 0 : horizontal->met.size();
    const bool shared = ports == 1 && hosts == 1;
    if (shared) {
      vertical->shared = horizontal->shared = true;
      vertical->door = horizontal->door = {flow.responder.ip, port};
    }
    if (vertical != nullptr) tally(vertical_key, *vertical, flow, ports >= hosts, shared, sink);
    if (horizontal != nullptr) tally(horizontal_key, *horizontal, flow, hosts > ports, shared, sink);
  }

  std::uint32_t find(const Key& key, std::uint32_t hash) const {
    return tracks_.find(hash, [&](const Track& track, std::uint32_t) { return track.key == key; });
  }

  Track* track_of(const Key& key, std::uint32_t hash, bool begins) {
    std::uint32_t index = find(key, hash);
    if (index == kNoIndex) {
      if (!begins) return nullptr;
      index = tracks_.add(hash);
      tracks_.at(index).key = key;
    } else {
      tracks_.use(index);
    }
    return &tracks_.at(index);
  }

  static void meet(Track& track, std::uint64_t what, Timestamp time, const Probe& probe) {
    const bool failed = probe.outcome == Outcome::kFailed;
    const auto known = std::ranges::find(track.met, what, &Met::what);
    if (known != track.met.end()) {
      known->last = std::max(known->last, time);
      known->failed = known->failed && failed;  // a door that opened once is not one that was only tried
      return;
    }
    track.walk += failed ? kStep : -kStep;
    if (track.walk >= kScanner) track.walked = true;
    if (track.walk <= -kScanner) {
      track.walk = 0;
      track.walked = false;
    }
    track.walk = std::min(track.walk, 2 * kScanner);
    if (track.met.size() < kMet) {
      track.met.push_back({what, time, failed});
    } else {
      *std::ranges::min_element(track.met, {}, &Met::last) = {what, time, failed};
    }
  }

  struct Judgement {
    Confidence confidence{};
    std::size_t different = 0;
    Timestamp window = kFast;
  };

  static Judgement judge(const Key& key, const Track& track, Timestamp now) {
    std::array<std::size_t, 3> failed{}, met{};  // in the fast window, in the slow one, in a rush
    for (const Met& one : track.met) {
      const Timestamp age = now - one.last;
      if (age > kSlow || age < -kSlow) continue;
      ++met[1];
      failed[1] += one.failed ? 1 : 0;
      if (age > kFast || age < -kFast) continue;
      ++met[0];
      failed[0] += one.failed ? 1 : 0;
      if (age > kRush || age < -kRush) continue;
      ++met[2];
      failed[2] += one.failed ? 1 : 0;
    }
    if (is_icmp(key.way)) {
      if (met[0] < kFew)
        return met[1] >= kManyInAnHour ? Judgement{Confidence::kSuspected, met[1], kSlow} : Judgement{};
      const bool clear = met[0] >= kClear && failed[0] * 4 >= met[0];
      return {clear ? Confidence::kProbable : Confidence::kSuspected, met[0], kFast};
    }
    if (!track.walked) {
      const bool rush = failed[2] >= kFew && failed[2] * 5 >= met[2] * 2;
      return rush ? Judgement{Confidence::kSuspected, failed[2], kRush} : Judgement{};
    }
    if (failed[0] >= kFew && failed[0] * 2 >= met[0]) {
      const bool web = !key.vertical() && key.way == Way::kTcpSyn && (key.port == 80 || key.port == 443);
      const bool sharing = !key.vertical() && key.way == Way::kUdp && !sought_by_udp(key.port);
      const bool clear = failed[0] >= (web ? kClearOfWeb : kClear) && failed[0] * 5 >= met[0] * 4 && !sharing;
      return {clear ? Confidence::kProbable : Confidence::kSuspected, failed[0], kFast};
    }
    if (failed[1] >= kManyInAnHour && failed[1] * 2 >= met[1]) return {Confidence::kSuspected, failed[1], kSlow};
    return {};
  }

  // The probes that two tracks hold become this one's.
  void claim(const Key& key, Track& track) {
    if (!track.shared) return;
    track.shared = false;
    const Key other_key = key.vertical() ? Key{key.initiator, {}, track.door.port, key.way}
                                         : Key{key.initiator, track.door.ip, 0, key.way};
    const std::uint32_t other = find(other_key, hash_of(other_key));
    if (other == kNoIndex || !tracks_.at(other).shared) return;
    tracks_.at(other).shared = false;
    for (Hour& hour : tracks_.at(other).hours) {
      shares_ -= hour.shares.size();
      hour = {};
    }
  }

  void tally(const Key& key, Track& track, const Flow& flow, bool counted, bool shared, SightingSink& sink) {
    if (counted && !shared) claim(key, track);
    Hour* hour = hour_of(key, track, flow.first, sink);
    if (hour == nullptr) return;
    if (counted || shared) {
      if (hour->probes++ == 0 || flow.first < hour->first) {
        hour->first = flow.first;
        hour->target = key.vertical() ? Endpoint{key.host, 0} : Endpoint{flow.responder.ip, key.port};
      }
      if (hour->probes == 1 || flow.first > hour->last) hour->last = flow.first;
      share(*hour, flow);
    }
    if (track.met.size() < kFew) return;
    const Judgement judgement = judge(key, track, flow.first);
    if (judgement.confidence == Confidence{}) return;
    claim(key, track);
    for (Hour& one : track.hours) {
      if (one.probes == 0 || (&one != hour && flow.first - one.last > judgement.window)) continue;
      one.confidence = std::max(one.confidence, judgement.confidence);
      one.different = std::max(one.different, judgement.different);
    }
  }

  void share(Hour& hour, const Flow& flow) {
    // The source met last is the likeliest.
    auto own = std::find_if(hour.shares.rbegin(), hour.shares.rend(),
                            [&](const Share& one) { return one.place.source == flow.place.source; });
    if (own == hour.shares.rend()) {
      hour.shares.push_back({1, flow.first, flow.first, flow.place});
      ++shares_;
      return;
    }
    ++own->probes;
    if (flow.first < own->first) {
      own->first = flow.first;
      own->place = flow.place;
    }
    own->last = std::max(own->last, flow.first);
  }

  // The hour of that time in the track; nullptr if it is long over.
  Hour* hour_of(const Key& key, Track& track, Timestamp time, SightingSink& sink) {
    const Timestamp start = floor_to(time, kHour);
    for (Hour& hour : track.hours) {
      if (hour.probes > 0 && hour.start == start) return &hour;
    }
    Hour& earlier =
        track.hours[0].probes == 0 || (track.hours[1].probes > 0 && track.hours[0].start < track.hours[1].start)
            ? track.hours[0]
            : track.hours[1];
    if (earlier.probes > 0) {
      if (start < earlier.start) return nullptr;
      emit(key, earlier, sink);
    }
    earlier = {};
    earlier.start = start;
    return &earlier;
  }

  void emit(const Key& key, const Hour& hour, SightingSink& sink) {
    shares_ -= hour.shares.size();
    if (hour.probes == 0 || hour.confidence == Confidence{}) return;
    Sighting sighting;
    sighting.kind = Kind::kScan;
    sighting.confidence = hour.confidence;
    sighting.detector = "scan";
    sighting.rule = fmt::format("{}-{}", kWays[static_cast<std::size_t>(key.way)],
                                key.vertical()     ? "vertical"
                                : is_icmp(key.way) ? "sweep"
                                                   : "horizontal");
    sighting.actor.ip = key.initiator;
    sighting.target = hour.target;
    const std::string different =
        fmt::format("{}{} different {}", hour.different, hour.different == kMet ? " or more" : "",
                    key.vertical()     ? "ports of one host"
                    : is_icmp(key.way) ? "hosts"
                                       : fmt::format("hosts on port {}", key.port));
    for (const Share& one : hour.shares) {
      sighting.first_seen = one.first;
      sighting.last_seen = one.last;
      sighting.count = one.probes;
      sighting.place = one.place;
      sighting.matched = fmt::format("{} probes, {}", one.probes, different);
      held_.add(Sighting(sighting), sink);
    }
  }

  void make_room(SightingSink& sink) {
    while (tracks_.size() > 0 && (tracks_.size() + 2 > kTracks || shares_ > kShares)) evict_oldest(sink);
  }

  void evict_oldest(SightingSink& sink) {
    tracks_.prefetch_oldest();
    const Track& track = tracks_.at(tracks_.oldest());
    for (const Hour& hour : track.hours) emit(track.key, hour, sink);
    tracks_.erase(tracks_.oldest());
  }

  KeyedHash keyed_;
  RecentTable<Track> tracks_;
  std::size_t shares_ = 0;
  HourlySightings held_;
};

}  // namespace

std::unique_ptr<Detector> make_scan_detector(InsideTest inside) {
  return std::make_unique<ScanDetector>(std::move(inside));
}

}  // namespace tocsin
