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
// Cost. 43 bytes an event, at most 2^21 events and 2^17 pairs; n log n once for every 4,096 events of a pair. Whether a
// pair is looked at is asked once, when it is first seen.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/text.h"
#include "detect/beacon_judge.h"
#include "detect/beacon_pairs.h"
#include "detect/detector.h"

namespace tocsin {
namespace {

using beacon::Event;
using beacon::kLeastEvents;
using beacon::Pair;
using beacon::PairKey;
using beacon::PairNames;
using beacon::Verdict;

constexpr std::size_t kEventsOfPair = 4096;
constexpr std::size_t kEventsInAll = 1 << 21;
constexpr std::size_t kPairs = 1 << 17;
constexpr std::size_t kHeldSightings = 1 << 16;
constexpr std::size_t kNamesAndAddresses = 1 << 21;
constexpr std::size_t kPopular = beacon::Popularity::kMost;
constexpr std::size_t kNameLength = 253;
constexpr std::size_t kBlock = 64;  // flows whose pairs are fetched before the first is asked for

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
    observe_flows(batch.flows, sink);
  }

  void finish(SightingSink& sink) override {
    while (pairs_.oldest() != kNoIndex) evict_oldest(sink);
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

  // The pair, made if it is new.
  std::uint32_t pair_of(const PairKey& key, SightingSink& sink) {
    const std::uint32_t hash = pairs_.hash_of(key);
    const std::uint32_t found = pairs_.find(key, hash);
    if (found == kNoIndex) return new_pair(key, hash, sink);
    pairs_.use(found);
    return found;
  }

  std::uint32_t new_pair(const PairKey& key, std::uint32_t hash, SightingSink& sink) {
    if (pairs_.size() >= kPairs) evict_oldest(sink);
    return pairs_.add(key, hash);
  }

  void add_event(std::uint32_t index, const Event& event, SightingSink& sink) {
    Pair& pair = pairs_.at(index);
    pairs_.add_event(pair, event);
    if (pairs_.events() > kEventsInAll) {
      evict_oldest(sink);
    } else if (pair.events >= kEventsOfPair) {
      pairs_.names_of(index).earlier = conclude(index, sink);
      pairs_.drop_events(pair);
    }
  }

  static PairKey key_of(const Flow& flow) {
    return {flow.initiator.ip, flow.responder.ip, flow.responder.port, flow.protocol, {}};
  }

  void observe_flows(const std::vector<Flow>& flows, SightingSink& sink) {
    struct Asked {
      const Flow* flow;
      std::uint32_t hash;
      std::uint32_t destination_hash = 0;
      bool is_known = false;
    };
    std::array<Asked, kBlock> asked;
    for (std::size_t begin = 0; begin < flows.size();) {
      std::size_t size = 0;
      for (; begin < flows.size() && size < kBlock; ++begin) {
        const Flow& flow = flows[begin];
        if ((flow.protocol != kTcp && flow.protocol != kUdp) || benign_service(flow.responder.port)) continue;
        const std::uint32_t hash = pairs_.hash_of(key_of(flow));
        pairs_.prefetch(hash);
        asked[size++] = {.flow = &flow, .hash = hash};
      }
      for (Asked& one : std::span(asked).first(size)) {
        one.is_known = pairs_.prefetch_pair(one.hash);
        if (one.is_known) continue;
        one.destination_hash = popularity_.hash_of(one.flow->responder.ip);
        popularity_.prefetch(one.destination_hash);
      }
      for (const Asked& one : std::span(asked).first(size)) {
        if (one.is_known) {
          pairs_.prefetch_events(one.hash);
        } else {
          popularity_.prefetch_destination(one.destination_hash);
        }
      }
      for (std::size_t i = 0; i < size; ++i) add(*asked[i].flow, asked[i].hash, sink);
    }
  }

  void add(const Flow& flow, std::uint32_t hash, SightingSink& sink) {
    const PairKey key = key_of(flow);
    std::uint32_t index = pairs_.find(key, hash);
    if (index == kNoIndex) {
      if (!of_interest(flow.initiator, flow.responder)) return;
      popularity_.add(key.server, key.client);
      index = new_pair(key, hash, sink);
      pairs_.at(index).counted = true;
    } else {
      pairs_.use(index);
      Pair& pair = pairs_.at(index);
      if (!pair.counted) popularity_.add(key.server, key.client);
      pair.counted = true;
    }
    add_event(index,
              {flow.first, flow.place, static_cast<std::uint32_t>(std::min<std::uint64_t>(flow.initiator_bytes, ~0U)),
               flow.initiator.port, is_failure(flow)},
              sink);
  }

  void add_name(const Transaction& seen, std::string_view server_name, SightingSink& sink) {
    if (server_name.empty() || server_name.size() > kNameLength || server_name[0] == '[' ||
        !of_interest(seen.client, seen.server))
      return;
    const std::string name = lower(server_name.substr(0, server_name.find(':')));
    PairNames& sent = pairs_.names_of(pair_of({seen.client.ip, seen.server.ip, seen.server.port, kTcp, {}}, sink));
    if (sent.name.empty()) sent.name = name;
    sent.several = sent.several || sent.name != name;
    const std::uint32_t by_name = pair_of({seen.client.ip, {}, seen.server.port, kTcp, name}, sink);
    std::vector<IpAddress>& servers = pairs_.names_of(by_name).servers;
    if (servers.size() < 4 && std::ranges::find(servers, seen.server.ip) == servers.end()) {
      servers.push_back(seen.server.ip);
    }
    add_event(by_name, {seen.time, seen.place, 0, seen.client.port, false}, sink);
  }

  void evict_oldest(SightingSink& sink) {
    pairs_.prefetch_oldest();
    const std::uint32_t index = pairs_.oldest();
    conclude(index, sink);
    pairs_.erase(index);
  }

  std::vector<std::string_view> marks_of(const Pair& pair, const PairNames& names, const Verdict& verdict) const {
    std::vector<std::string_view> marks;
    const IpAddress server = pair.server;
    if (!dns_forgotten_ && resolving_.contains(pair.client)) {
      if (!names.name.empty() && !names.several && answered_.contains(hash64(names.name, hash_of(pair.client))) &&
          !resolved_.contains(hash64(names.name, hash_of(server)))) {
        marks.push_back("its name does not resolve to it");
      }
      if (!resolved_.contains(hash_of(server))) marks.push_back("no DNS answer for it");
    }
    if (!usual_port(pair.port)) marks.push_back("unusual port");
    if (verdict.failing && settled_.size() >= 30 && settled_.back().time - settled_.front().time >= 5 * kMinute) {
      marks.push_back("failing for long");
    }
    if (popularity_.clients() >= kPopular && popularity_.users_of(server) == 1) {
      marks.push_back("no other host uses it");
    }
    return marks;
  }

  Verdict conclude(std::uint32_t index, SightingSink& sink) {
    const Pair& pair = pairs_.at(index);
    static const PairNames kNothing;
    const PairNames* const any = pairs_.names_if_any(index);
    const PairNames& names = any == nullptr ? kNothing : *any;
    // Most pairs are few flows that prove nothing: they cost no more than this.
    if (pair.events < kLeastEvents && !names.earlier.beacon) return {};
    const bool by_name = pair.by_name();
    // One server only: the pair by address says the same, with sizes.
    if (by_name && names.servers.size() < 2) return {};
    pairs_.copy_events(pair, settled_);
    beacon::settle(settled_, pair.protocol);
    if (settled_.empty()) return {};
    Verdict verdict = beacon::judge(settled_, !by_name);
    const IpAddress server = by_name ? names.servers.front() : pair.server;
    const bool popular = popularity_.users_of(server) >= kPopular;
    const bool internal = inside_(server);
    if (verdict.events < kLeastEvents && names.earlier.beacon) {
      verdict = names.earlier;
    } else {
      if (popular || internal) verdict.score -= 0.1;
      verdict.beacon = verdict.beacon && verdict.score >= beacon::threshold(verdict.events);
    }
    if (!verdict.beacon) return verdict;

    Sighting sighting;
    sighting.kind = Kind::kBotnetControl;
    sighting.detector = "beacon";
    sighting.rule = fmt::format("{}/{} {}", pair.protocol == kTcp ? "tcp" : "udp", pair.port,
                                verdict.failing ? "repeated-failures" : "regular-connections");
    sighting.actor = {server, pair.port};
    if (!names.several) sighting.actor_name = names.name;
    sighting.target.ip = pair.client;
    sighting.confidence = Confidence::kSuspected;
    sighting.matched =
        fmt::format("{} {} every {:.2f} s ± {:.2f} s", settled_.size(),
                    verdict.failing ? "failing connections" : "connections", verdict.median, verdict.deviation);
    if (verdict.uniform && !verdict.failing) sighting.matched += ", sizes alike";
    if (!by_name) {
      const auto marks = marks_of(pair, names, verdict);
      for (const std::string_view mark : marks) sighting.matched += fmt::format(", {}", mark);
      if (!internal && (verdict.uniform || verdict.failing) && marks.size() >= (popular ? 3 : 2)) {
        sighting.confidence = Confidence::kProbable;
      }
    }
    emit_hours(sighting, settled_, sink);
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
  beacon::PairTable pairs_;
  beacon::Popularity popularity_;
  std::vector<Event> settled_;                  // of the pair that is judged
  std::unordered_set<IpAddress> resolving_;     // clients whose DNS answers are seen
  std::unordered_set<std::uint64_t> answered_;  // client and name
  std::unordered_set<std::uint64_t> resolved_;  // address; name and address
  bool dns_forgotten_ = false;
  std::map<std::pair<Hash128, std::uint32_t>, Sighting> held_;  // by id and source
  std::vector<std::pair<Hash128, std::uint32_t>> held_order_;
};

}  // namespace

std::unique_ptr<Detector> make_beacon_detector(InsideTest inside) {
  return std::make_unique<BeaconDetector>(std::move(inside));
}

}  // namespace tocsin
