// Beaconing: connections that a machine, not a person, makes to one server again and again.
//
// The problem. A bot asks its server for orders at intervals. The traffic is encrypted, the address is on no list; what
// shows is the rhythm. But updates, mail clients and clocks have a rhythm too, so rhythm alone is `suspected`.
//
// What is kept. For each (initiator, responder, port, protocol) and each (client, server name of TLS or HTTP) the time
// and size of every connection. At the end of input, or when a pair must make room, its times are sorted (sources are
// moderately out of order) and judged:
//   1. records of one TCP connection that an exporter split (same port again, not failing) become one;
//   2. connections that begin within a second of an event's first are one event (a browser's burst, a retried SYN);
//   3. ten events at least, over half a minute at least;
//   4. time: Bowley skewness and the median absolute deviation of the intervals, both as RITA takes them (Active
//      Countermeasures, github.com/activecm/rita, analysis of beacons), and the share of intervals within 35% of the
//      median or of its double or triple. The median does not feel a gap, and a missed beat fits as a multiple;
//   5. size: the same two measures of bytes sent;
//   6. histogram: how evenly events fill the buckets of the period; coverage: events times median over the period.
// score = 0.4 time + 0.2 size + 0.2 histogram + 0.2 coverage; from 0.75 (20 events and more) or up to 0.85 (10 events)
// it is a beacon, if the deviation is under 40% of the median and three quarters of intervals fit. RITA's histogram and
// duration compare with 24 hours of input; here everything is relative to the pair's own period, so that a capture of a
// minute can be judged. A Poisson process with equal sizes scores about 0.66.
// A destination that ten or more initiators use, or that is inside the constituency, loses 0.1.
//
// Confidence. `probable` needs regular time, uniform size (or failing connections) and two marks of
//   - a name was sent (SNI, Host) that this client asked for and that did not resolve to that address;
//   - no DNS answer to anyone held that address, though this client's DNS is visible;
//   - a port that is not one of the usual ones;
//   - at least 30 failing connections over five minutes or more;
//   - a destination that one initiator alone uses, of ten or more seen.
// The first two are kin, but differ: a fronted name can be wrong where the address is well known. One mark more is
// asked for at popular destinations; a destination inside is never more than suspected. Nothing here is `confirmed`.
//
// What fools it. Jitter beyond about 60% of the interval; orders within one long connection; fewer than ten events;
// domain fronting with many addresses (names are judged without sizes, so only `suspected`). What is accused wrongly: a
// monitor of a dead service abroad on an unusual port is `probable`.
//
// Cost. 40 bytes an event, at most 2^21 events and 2^17 pairs; n log n once for every 4,096 events of a pair.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/text.h"
#include "detect/detector.h"

namespace tocsin {
namespace {

constexpr std::size_t kEventsOfPair = 4096;
constexpr std::size_t kEventsInAll = 1 << 21;
constexpr std::size_t kPairs = 1 << 17;
constexpr std::size_t kHeldSightings = 1 << 16;
constexpr std::size_t kNamesAndAddresses = 1 << 21;
constexpr std::size_t kDestinations = 1 << 18;
constexpr std::size_t kPopular = 10;
constexpr std::size_t kLeastEvents = 10;
constexpr Timestamp kLeastSpan = 30 * kSecond;
constexpr std::size_t kNameLength = 253;

struct Event {
  Timestamp time = 0;
  Place place;
  std::uint32_t size = 0;
  std::uint16_t port = 0;
  bool failed = false;
};

struct Key {
  IpAddress client;
  IpAddress server;  // unspecified: the pair is of client and name
  std::string name;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  friend bool operator==(const Key&, const Key&) = default;
};

struct KeyHash {
  std::size_t operator()(const Key& key) const {
    return hash64(key.name,
                  hash_of(key.client) * 31 + hash_of(key.server) + (std::uint64_t{key.port} << 8) + key.protocol);
  }
};

struct Verdict {
  bool beacon = false;
  bool failing = false;
  bool uniform = false;
  std::size_t events = 0;
  double score = 0;
  double median = 0;     // seconds
  double deviation = 0;  // seconds, median absolute
};

struct Pair {
  std::vector<Event> events;
  std::vector<IpAddress> servers;  // of a pair by name: up to four
  std::string name;                // of a pair by address: the one name sent to it
  bool several_names = false;
  Verdict earlier;  // of events that were judged and dropped to make room
  std::list<const Key*>::iterator used;
};

double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return std::lerp(sorted[low], sorted[high], at - static_cast<double>(low));
}

struct Spread {
  double median = 0;
  double deviation = 0;
  double skew = 0;
};

Spread spread_of(std::vector<double> values) {
  std::ranges::sort(values);
  Spread spread;
  spread.median = quantile(values, 0.5);
  const double low = quantile(values, 0.25), high = quantile(values, 0.75);
  // Where the quartiles all but meet, which side the median lies on says nothing.
  if (high - low > 0.02 * spread.median) spread.skew = (low + high - 2 * spread.median) / (high - low);
  for (double& value : values) value = std::abs(value - spread.median);
  std::ranges::sort(values);
  spread.deviation = quantile(values, 0.5);
  return spread;
}

double likeness(const Spread& spread) {
  const double dispersion = spread.median > 0 ? std::max(0.0, 1 - spread.deviation / spread.median) : 1;
  return (dispersion + 1 - std::abs(spread.skew)) / 2;
}

double evenness(const std::vector<double>& times) {
  const std::size_t buckets = std::clamp<std::size_t>(times.size() / 3, 3, 24);
  std::vector<double> counts(buckets, 0);
  const double span = times.back() - times.front();
  for (const double time : times) {
    const auto at = static_cast<std::size_t>((time - times.front()) / span * static_cast<double>(buckets));
    counts[std::min(at, buckets - 1)] += 1;
  }
  const double mean = static_cast<double>(times.size()) / static_cast<double>(buckets);
  double variance = 0;
  for (const double count : counts) variance += (count - mean) * (count - mean);
  return std::max(0.0, 1 - std::sqrt(variance / static_cast<double>(buckets)) / mean);
}

// Sorts the events and drops the continued records of one connection, so that what is left can be counted.
void settle(std::vector<Event>& events, std::uint8_t protocol) {
  std::ranges::stable_sort(events, {}, &Event::time);
  if (protocol != kTcp) return;
  std::unordered_map<std::uint16_t, Timestamp> last_of_port;
  std::erase_if(events, [&](const Event& event) {
    if (event.failed || event.port == 0) return false;
    const auto [at, fresh] = last_of_port.try_emplace(event.port, event.time);
    const bool continued = !fresh && event.time - at->second < kHour;
    at->second = event.time;
    return continued;
  });
}

Verdict judge(const std::vector<Event>& events, bool sizes_known) {
  Verdict verdict;
  std::vector<double> times, sizes;
  std::size_t failed = 0;
  Timestamp begun = 0;
  for (const Event& event : events) {
    failed += event.failed ? 1 : 0;
    if (!times.empty() && event.time - begun < kSecond) {
      sizes.back() += event.size;
      continue;
    }
    begun = event.time;
    times.push_back(static_cast<double>(event.time - events.front().time) / 1e6);
    sizes.push_back(event.size);
  }
  verdict.events = times.size();
  if (times.size() < kLeastEvents || events.back().time - events.front().time < kLeastSpan) return verdict;
  verdict.failing = failed * 5 >= events.size() * 4;

  std::vector<double> intervals;
  for (std::size_t i = 1; i < times.size(); ++i) intervals.push_back(times[i] - times[i - 1]);
  const Spread time = spread_of(intervals);
  std::size_t fitting = 0;
  for (const double interval : intervals) {
    const double beats = std::round(interval / time.median);
    if (beats >= 1 && beats <= 3 && std::abs(interval / time.median - beats) <= 0.35) ++fitting;
  }
  const double fit = static_cast<double>(fitting) / static_cast<double>(intervals.size());
  verdict.median = time.median;
  verdict.deviation = time.deviation;
  const double time_score = (2 * likeness(time) + fit) / 3;
  double size_score = 0.5;
  if (sizes_known) {
    const Spread size = spread_of(sizes);
    size_score = likeness(size);
    verdict.uniform = size.deviation <= 0.15 * size.median;
  }
  const double coverage =
      std::min(1.0, static_cast<double>(intervals.size()) * time.median / (times.back() - times.front()));
  verdict.score = 0.4 * time_score + 0.2 * size_score + 0.2 * evenness(times) + 0.2 * coverage;
  verdict.beacon = time.deviation < 0.4 * time.median && fit >= 0.75;
  return verdict;
}

double threshold(std::size_t events) {
  const double few = events < 20 ? static_cast<double>(20 - events) / 10 : 0;
  return 0.75 + 0.1 * few;
}

bool benign_service(std::uint16_t port) {
  switch (port) {
    case 53:    // DNS
    case 67:    // DHCP
    case 68:    //
    case 123:   // NTP
    case 137:   // NetBIOS
    case 138:   //
    case 546:   // DHCPv6
    case 547:   //
    case 853:   // DNS over TLS and QUIC
    case 1900:  // SSDP
    case 3702:  // WS-Discovery
    case 5353:  // mDNS
    case 5355:  // LLMNR
      return true;
    default:
      return false;
  }
}

bool usual_port(std::uint16_t port) {
  static constexpr std::array<std::uint16_t, 24> kUsual{20,  21,  22,  25,  80,  88,  110, 111, 119,  143,  389,  443,
                                                        445, 465, 587, 636, 873, 990, 993, 995, 3478, 5222, 5223, 8080};
  return std::ranges::binary_search(kUsual, port);
}

bool single_host(const IpAddress& ip) {
  switch (scope_of(ip)) {
    case AddressScope::kUnspecified:
    case AddressScope::kLoopback:
    case AddressScope::kLinkLocal:
    case AddressScope::kMulticast:
    case AddressScope::kBroadcast:
      return false;
    case AddressScope::kPrivate:
      return !ip.is_v4() || (ip.as_v4() & 0xff) != 0xff;  // a directed broadcast, mostly
    default:
      return true;
  }
}

bool is_failure(const Flow& flow) {
  switch (flow.state) {
    case ConnState::kS0:
      return flow.responder_packets == 0 || flow.protocol == kTcp;
    case ConnState::kREJ:
    case ConnState::kRSTOS0:
    case ConnState::kRSTRH:
    case ConnState::kSH:
      return true;
    case ConnState::kRSTR:
      return flow.responder_packets <= 2;
    default:
      return false;
  }
}

class BeaconDetector final : public Detector {
 public:
  explicit BeaconDetector(InsideTest inside) : inside_(std::move(inside)) {}
  std::string_view name() const override { return "beacon"; }

  void observe(const Batch& batch, SightingSink& sink) override {
    for (const DnsTransaction& dns : batch.dns) learn(dns);
    for (const TlsHandshake& tls : batch.tls) add_name(tls, tls.server_name, sink);
    for (const HttpTransaction& http : batch.http) add_name(http, http.host, sink);
    for (const Flow& flow : batch.flows) add(flow, sink);
  }

  void finish(SightingSink& sink) override {
    while (!by_use_.empty()) evict_oldest(sink);
    release(sink);
  }

 private:
  void learn(const DnsTransaction& dns) {
    if (dns.response_code < 0 || dns.server.port == 5353 || dns.server.port == 5355) return;
    if (resolving_.size() + answered_.size() + resolved_.size() > kNamesAndAddresses) {
      dns_forgotten_ = true;
      return;
    }
    const std::string query = lower(dns.query);
    resolving_.insert(dns.client.ip);
    answered_.insert(hash64(query, hash_of(dns.client.ip)));
    for (const IpAddress& address : dns.addresses) {
      resolved_.insert(hash_of(address));
      resolved_.insert(hash64(query, hash_of(address)));
    }
  }

  bool of_interest(const Endpoint& client, const Endpoint& server) const {
    return !benign_service(server.port) && single_host(server.ip) && single_host(client.ip) &&
           (inside_(client.ip) || !inside_(server.ip));
  }

  Pair& pair_of(Key&& key, SightingSink& sink) {
    auto at = pairs_.find(key);
    if (at == pairs_.end()) {
      if (pairs_.size() >= kPairs) evict_oldest(sink);
      at = pairs_.try_emplace(std::move(key)).first;
      at->second.used = by_use_.insert(by_use_.end(), &at->first);
    } else {
      by_use_.splice(by_use_.end(), by_use_, at->second.used);
    }
    return at->second;
  }

  void add_event(const Key& key, Pair& pair, const Event& event, SightingSink& sink) {
    pair.events.push_back(event);
    if (++events_ > kEventsInAll) {
      evict_oldest(sink);
    } else if (pair.events.size() >= kEventsOfPair) {
      events_ -= pair.events.size();
      pair.earlier = conclude(key, pair, sink);
      pair.events.clear();
    }
  }

  void add(const Flow& flow, SightingSink& sink) {
    if ((flow.protocol != kTcp && flow.protocol != kUdp) || !of_interest(flow.initiator, flow.responder)) return;
    const std::uint64_t client = hash_of(flow.initiator.ip);
    if (initiators_.size() < kPopular) initiators_.insert(client);
    if (users_.size() < kDestinations || users_.contains(flow.responder.ip)) {
      std::vector<std::uint64_t>& users = users_[flow.responder.ip];
      if (users.size() < kPopular && std::ranges::find(users, client) == users.end()) users.push_back(client);
    }
    const Key key{flow.initiator.ip, flow.responder.ip, {}, flow.responder.port, flow.protocol};
    Pair& pair = pair_of(Key(key), sink);
    add_event(key, pair,
              {flow.first, flow.place, static_cast<std::uint32_t>(std::min<std::uint64_t>(flow.initiator_bytes, ~0U)),
               flow.initiator.port, is_failure(flow)},
              sink);
  }

  void add_name(const Transaction& seen, std::string_view server_name, SightingSink& sink) {
    if (server_name.empty() || server_name.size() > kNameLength || server_name[0] == '[' ||
        !of_interest(seen.client, seen.server))
      return;
    std::string name = lower(server_name.substr(0, server_name.find(':')));
    Pair& by_address = pair_of({seen.client.ip, seen.server.ip, {}, seen.server.port, kTcp}, sink);
    if (by_address.name.empty()) by_address.name = name;
    by_address.several_names = by_address.several_names || by_address.name != name;
    const Key key{seen.client.ip, {}, std::move(name), seen.server.port, kTcp};
    Pair& by_name = pair_of(Key(key), sink);
    if (by_name.servers.size() < 4 && std::ranges::find(by_name.servers, seen.server.ip) == by_name.servers.end()) {
      by_name.servers.push_back(seen.server.ip);
    }
    add_event(key, by_name, {seen.time, seen.place, 0, seen.client.port, false}, sink);
  }

  void evict_oldest(SightingSink& sink) {
    const auto at = pairs_.find(*by_use_.front());
    events_ -= at->second.events.size();
    conclude(at->first, at->second, sink);
    by_use_.pop_front();
    pairs_.erase(at);
  }

  std::size_t users_of(const IpAddress& server) const {
    const auto at = users_.find(server);
    return at == users_.end() ? kPopular : at->second.size();
  }

  std::vector<std::string_view> marks_of(const Key& key, const Pair& pair, const Verdict& verdict) const {
    std::vector<std::string_view> marks;
    const IpAddress server = key.server;
    if (!dns_forgotten_ && resolving_.contains(key.client)) {
      if (!pair.name.empty() && !pair.several_names && answered_.contains(hash64(pair.name, hash_of(key.client))) &&
          !resolved_.contains(hash64(pair.name, hash_of(server)))) {
        marks.push_back("its name does not resolve to it");
      }
      if (!resolved_.contains(hash_of(server))) marks.push_back("no DNS answer for it");
    }
    if (!usual_port(key.port)) marks.push_back("unusual port");
    if (verdict.failing && pair.events.size() >= 30 &&
        pair.events.back().time - pair.events.front().time >= 5 * kMinute) {
      marks.push_back("failing for long");
    }
    if (initiators_.size() >= kPopular && users_of(server) == 1) marks.push_back("no other host uses it");
    return marks;
  }

  Verdict conclude(const Key& key, Pair& pair, SightingSink& sink) {
    // Most pairs are few flows that prove nothing: they cost no more than this.
    if (pair.events.size() < kLeastEvents && !pair.earlier.beacon) return {};
    settle(pair.events, key.protocol);
    const bool by_name = key.server.is_unspecified();
    // One server only: the pair by address says the same, with sizes.
    if (pair.events.empty() || (by_name && pair.servers.size() < 2)) return {};
    Verdict verdict = judge(pair.events, !by_name);
    const IpAddress server = by_name ? pair.servers.front() : key.server;
    const bool popular = users_of(server) >= kPopular;
    const bool internal = inside_(server);
    if (verdict.events < kLeastEvents && pair.earlier.beacon) {
      verdict = pair.earlier;
    } else {
      if (popular || internal) verdict.score -= 0.1;
      verdict.beacon = verdict.beacon && verdict.score >= threshold(verdict.events);
    }
    if (!verdict.beacon) return verdict;

    Sighting sighting;
    sighting.kind = Kind::kBotnetControl;
    sighting.detector = "beacon";
    sighting.rule = fmt::format("{}/{} {}", key.protocol == kTcp ? "tcp" : "udp", key.port,
                                verdict.failing ? "repeated-failures" : "regular-connections");
    sighting.actor = {server, key.port};
    sighting.actor_name = by_name ? key.name : pair.several_names ? std::string() : pair.name;
    sighting.target.ip = key.client;
    sighting.confidence = Confidence::kSuspected;
    sighting.matched =
        fmt::format("{} {} every {:.2f} s ± {:.2f} s", pair.events.size(),
                    verdict.failing ? "failing connections" : "connections", verdict.median, verdict.deviation);
    if (verdict.uniform && !verdict.failing) sighting.matched += ", sizes alike";
    if (!by_name) {
      const auto marks = marks_of(key, pair, verdict);
      for (const std::string_view mark : marks) sighting.matched += fmt::format(", {}", mark);
      if (!internal && (verdict.uniform || verdict.failing) && marks.size() >= (popular ? 3 : 2)) {
        sighting.confidence = Confidence::kProbable;
      }
    }
    emit_hours(sighting, pair.events, sink);
    return verdict;
  }

  // A row for each hour and source: one source that has grown is read anew without the others.
  void emit_hours(const Sighting& whole, const std::vector<Event>& events, SightingSink& sink) {
    for (std::size_t i = 0; i < events.size();) {
      const Timestamp hour = floor_to(events[i].time, kHour);
      std::vector<Sighting> rows;
      for (; i < events.size() && floor_to(events[i].time, kHour) == hour; ++i) {
        const Event& event = events[i];
        auto row = std::find_if(rows.rbegin(), rows.rend(),
                                [&](const Sighting& one) { return one.place.source == event.place.source; });
        if (row == rows.rend()) {
          Sighting& fresh = rows.emplace_back(whole);
          fresh.first_seen = event.time;
          fresh.place = event.place;
          fresh.count = 0;
          row = rows.rbegin();
        }
        row->last_seen = event.time;
        ++row->count;
      }
      for (Sighting& row : rows) hold(std::move(row), sink);
    }
  }

  // Two ports of one server, or one pair judged twice, are one sighting in the same hour: the id is the same.
  void hold(Sighting&& sighting, SightingSink& sink) {
    const std::pair id(id_of(sighting), sighting.place.source);
    const auto at = held_.find(id);
    if (at == held_.end()) {
      if (held_.size() >= kHeldSightings) release(sink);
      held_order_.push_back(id);
      held_.emplace(id, std::move(sighting));
      return;
    }
    Sighting& held = at->second;
    const std::uint64_t count = held.count + sighting.count;
    const Timestamp first = std::min(held.first_seen, sighting.first_seen);
    const Timestamp last = std::max(held.last_seen, sighting.last_seen);
    const Place place = held.first_seen <= sighting.first_seen ? held.place : sighting.place;
    if (sighting.confidence > held.confidence) held = std::move(sighting);
    held.count = count;
    held.first_seen = first;
    held.last_seen = last;
    held.place = place;
  }

  void release(SightingSink& sink) {
    for (const auto& id : held_order_) sink.sight(std::move(held_.at(id)));
    held_.clear();
    held_order_.clear();
  }

  InsideTest inside_;
  std::unordered_map<Key, Pair, KeyHash> pairs_;
  std::list<const Key*> by_use_;  // least recently used first
  std::size_t events_ = 0;
  std::unordered_map<IpAddress, std::vector<std::uint64_t>> users_;  // of a destination, up to kPopular
  std::unordered_set<std::uint64_t> initiators_;                     // up to kPopular
  std::unordered_set<IpAddress> resolving_;                          // clients whose DNS answers are seen
  std::unordered_set<std::uint64_t> answered_;                       // client and name
  std::unordered_set<std::uint64_t> resolved_;                       // address; name and address
  bool dns_forgotten_ = false;
  std::map<std::pair<Hash128, std::uint32_t>, Sighting> held_;  // by id and source
  std::vector<std::pair<Hash128, std::uint32_t>> held_order_;
};

}  // namespace

std::unique_ptr<Detector> make_beacon_detector(InsideTest inside) {
  return std::make_unique<BeaconDetector>(std::move(inside));
}

}  // namespace tocsin
