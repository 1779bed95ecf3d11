// Traffic to, from or about what other parties call hostile.
//
// What is seen: an end of a flow, a name asked for or answered, a host, URL or server of an HTTP request, the name in a
// TLS handshake. The indicator's side is the actor, the other end the target. A transaction gives one sighting at most
// for its server's side, of the indicator that says most: the surest, then the most specific.
//
// What fools it: shared hosting (an address that serves a hostile name and a thousand others), an address that changed
// hands since it was listed, and an attempt that got no answer, which still tells of the infected host that made it.
// So a listing's own period of validity is kept to, and what matches only loosely (another port, a URL's path on any
// host) is no more than suspected.
//
// Who is called on by a listed control server is not by that controlled: such servers scan, and what scans may be a
// third party's machine behind the same address. So where the listed end began (a flow, or as the client of HTTP or
// TLS) and is listed for botnet control, it is suspected if the other end did not answer and probable at most if it
// did. A listed host of ours that calls somebody outside is suspected at most: it is an infected machine itself, and
// calls its updates and its own controllers, which may be on no list.
//
// Sightings are held by actor, target, kind and hour, which is what their id is made of, and by source, so that a
// source read anew replaces its own counts and no others; where several indicators meet
// in one, the surest gives rule, family and group, and the others are named in what matched. An hour is given out when
// one two hours later has begun. At kMostHeld the oldest hour is given out early; if its traffic goes on, its later
// part is given under the same id.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/hash.h"
#include "base/index_table.h"
#include "base/text.h"
#include "detect/detector.h"
#include "detect/indicator_set.h"
#include "detect/recent_table.h"

namespace tocsin {
namespace {

constexpr std::size_t kMostHeld = 1 << 19;
constexpr std::size_t kBlock = 64;  // flows whose filter words are fetched before the first is asked for
constexpr std::size_t kMostNamed = 4;
constexpr std::size_t kLongestName = 253;
constexpr Timestamp kFarthest = std::numeric_limits<Timestamp>::max() / 4;  // times beyond it are no times

int specificity(const IndicatorMatch& match) {
  switch (match.type) {
    case IndicatorType::kHash:
    case IndicatorType::kUrl:
      return 4;
    case IndicatorType::kDomain:
      return 3;
    case IndicatorType::kAddressPort:
      return 2;
    case IndicatorType::kAddress:
      return 1;
    case IndicatorType::kPrefix:
      return 0;
  }
  return 0;
}

bool says_more(const IndicatorMatch& a, const IndicatorMatch& b) {
  if (a.confidence != b.confidence) return a.confidence > b.confidence;
  if (a.loose != b.loose) return b.loose;
  return specificity(a) > specificity(b);
}

int strictness(std::string_view tlp) {
  static constexpr std::array<std::string_view, 6> order{"", "clear", "green", "amber", "amber+strict", "red"};
  return static_cast<int>(std::find(order.begin(), order.end(), tlp) - order.begin());
}

std::string described(const IndicatorMatch& match) {
  return match.family.empty() ? fmt::format("{} in {}", printable(match.value, 256), printable(match.origin()))
                              : fmt::format("{}: {} in {}", printable(match.family, 128), printable(match.value, 256),
                                            printable(match.origin()));
}

struct Key {
  IpAddress actor, target;
  Timestamp hour = 0;
  std::uint64_t names = 0;
  std::uint32_t source = 0;
  Kind kind{};
  friend bool operator==(const Key&, const Key&) = default;
};
struct Named {
  std::uint32_t entry = 0;
  bool loose = false;
  Confidence confidence{};
};

// What is held of one sighting until its hour is over.
struct Held {
  Endpoint actor, target;
  std::string actor_name, target_name;
  Timestamp hour, first, last;
  std::uint64_t count;
  Place place;
  std::array<Named, kMostNamed> named{};  // the one that says most first
  std::uint32_t names = 0;
};

bool answered(const Flow& flow) {
  switch (flow.state) {
    case ConnState::kS0:
    case ConnState::kREJ:
    case ConnState::kRSTOS0:
    case ConnState::kSH:
      return false;
    default:
      return flow.responder_packets > 0 || flow.state == ConnState::kSF;
  }
}

class IndicatorDetector final : public Detector {
 public:
  IndicatorDetector(std::shared_ptr<const IndicatorSet> indicators, InsideTest inside)
      : indicators_(std::move(indicators)), inside_(std::move(inside)) {}

  std::string_view name() const override { return "indicator"; }

  void observe(const Batch& batch, SightingSink& sink) override {
    if (indicators_ == nullptr || indicators_->size() == 0) return;
    observe_flows(batch.flows, sink);
    for (const DnsTransaction& dns : batch.dns) observe_dns(dns, sink);
    for (const HttpTransaction& http : batch.http) observe_http(http, sink);
    for (const TlsHandshake& tls : batch.tls) observe_tls(tls, sink);
    if (newest_ > given_out_ + 2 * kHour) {
      given_out_ = newest_ - 2 * kHour;
      give_before(newest_ - kHour, sink);
    }
  }

  void finish(SightingSink& sink) override { give_before(std::numeric_limits<Timestamp>::max(), sink); }

 private:
  struct Seen {
    Endpoint actor, target;
    std::string_view actor_name, target_name;
    Timestamp first = 0, last = 0;
    Place place;
  };

  void observe_flows(const std::vector<Flow>& flows, SightingSink& sink) {
    const IndicatorSet& set = *indicators_;
    std::array<std::uint64_t, kBlock> responders;
    std::array<std::uint64_t, kBlock> initiators;
    for (std::size_t begin = 0; begin < flows.size(); begin += kBlock) {
      const std::size_t size = std::min(kBlock, flows.size() - begin);
      for (std::size_t i = 0; i < size; ++i) {
        const Flow& flow = flows[begin + i];
        responders[i] = IndicatorSet::key_of(flow.responder.ip);
        initiators[i] = IndicatorSet::key_of(flow.initiator.ip);
        set.prefetch(responders[i]);
        set.prefetch(initiators[i]);
      }
      for (std::size_t i = 0; i < size; ++i) {
        const Flow& flow = flows[begin + i];
        const bool responder = set.may_match(flow.responder.ip, responders[i]);
        const bool initiator = set.may_match(flow.initiator.ip, initiators[i]);
        if (responder || initiator) match_flow(flow, responder, initiator, sink);
      }
    }
  }

  void match_flow(const Flow& flow, bool responder, bool initiator, SightingSink& sink) {
    if (responder && match_end(flow, flow.responder)) {
      hold({flow.responder, flow.initiator, {}, {}, flow.first, std::max(flow.first, flow.last), flow.place}, sink);
      // A host of ours that is listed itself is here the one harmed.
      if (initiator && leaves(flow)) return;
    }
    if (initiator && match_end(flow, flow.initiator)) {
      cap_control(answered(flow) && !leaves(flow) ? Confidence::kProbable : Confidence::kSuspected);
      hold({flow.initiator, flow.responder, {}, {}, flow.first, std::max(flow.first, flow.last), flow.place}, sink);
    }
  }

  // Begun by a host of ours, to somebody who is not.
  bool leaves(const Flow& flow) const { return inside_ && inside_(flow.initiator.ip) && !inside_(flow.responder.ip); }

  // The listed end began: that says less of control.
  void cap_control(Confidence most) {
    for (IndicatorMatch& match : matches_) {
      if (match.kind == Kind::kBotnetControl) match.confidence = std::min(match.confidence, most);
    }
  }

  bool match_end(const Flow& flow, const Endpoint& end) {
    const bool ports = flow.protocol == kTcp || flow.protocol == kUdp;
    matches_.clear();
    indicators_->match_address({end.ip, ports ? end.port : std::uint16_t{0}}, flow.first, matches_);
    return !matches_.empty();
  }

  void observe_dns(const DnsTransaction& dns, SightingSink& sink) {
    Seen seen{{}, dns.client, dns.query, {}, dns.time, dns.time, dns.place};
    if (!dns.addresses.empty()) seen.actor.ip = dns.addresses.front();
    matches_.clear();
    indicators_->match_domain(dns.query, dns.time, matches_);
    if (matches_.empty()) {
      for (const std::string_view name : dns.names) {
        indicators_->match_domain(name, dns.time, matches_);
        if (matches_.empty()) continue;
        seen.actor_name = name;
        break;
      }
    }
    if (matches_.empty()) {
      for (const IpAddress& address : dns.addresses) {
        if (!indicators_->may_match(address)) continue;
        indicators_->match_address({address, 0}, dns.time, matches_);
        if (matches_.empty()) continue;
        seen.actor.ip = address;
        break;
      }
    }
    hold(seen, sink);
  }

  void observe_http(const HttpTransaction& http, SightingSink& sink) {
    matches_.clear();
    indicators_->match_url(http.host, http.uri, http.time, matches_);
    const std::string_view host = host_name(http.host);
    if (!host.empty()) indicators_->match_domain(host, http.time, matches_);
    if (http.host.empty()) indicators_->match_url(http.server.ip.text(), http.uri, http.time, matches_);
    match_server(http);
    hold({http.server, http.client, host, {}, http.time, http.time, http.place}, sink);
    match_client(http, host, sink);
  }

  void observe_tls(const TlsHandshake& tls, SightingSink& sink) {
    matches_.clear();
    if (!tls.server_name.empty()) indicators_->match_domain(tls.server_name, tls.time, matches_);
    match_server(tls);
    hold({tls.server, tls.client, tls.server_name, {}, tls.time, tls.time, tls.place}, sink);
    match_client(tls, tls.server_name, sink);
  }

  void match_server(const Transaction& seen) {
    if (indicators_->may_match(seen.server.ip)) indicators_->match_address(seen.server, seen.time, matches_);
  }

  // A hostile client of a server: its port is its own choice, so only its address counts.
  void match_client(const Transaction& seen, std::string_view host, SightingSink& sink) {
    if (!indicators_->may_match(seen.client.ip)) return;
    matches_.clear();
    indicators_->match_address({seen.client.ip, 0}, seen.time, matches_);
    cap_control(Confidence::kProbable);
    hold({seen.client, seen.server, {}, host, seen.time, seen.time, seen.place}, sink);
  }

  static std::string_view host_name(std::string_view host) {
    if (host.starts_with('[')) return {};
    return host.substr(0, host.find(':'));
  }

  void hold(const Seen& seen, SightingSink& sink) {
    if (matches_.empty() || seen.first < -kFarthest || seen.first > kFarthest) return;
    if (matches_.size() > 1) std::stable_sort(matches_.begin(), matches_.end(), says_more);
    const IndicatorMatch& best = matches_.front();
    const Timestamp hour = floor_to(seen.first, kHour);
    newest_ = std::max(newest_, hour);
    actor_name_ = lower(seen.actor_name.substr(0, kLongestName));
    if (actor_name_.ends_with('.')) actor_name_.pop_back();
    const Key key{
        seen.actor.ip,     seen.target.ip, hour, hash64(seen.target_name.substr(0, kLongestName), hash64(actor_name_)),
        seen.place.source, best.kind};
    const Timestamp last = std::min(seen.last, hour + kHour - 1);
    const std::uint32_t hash = hash_of(key);
    std::uint32_t at = index_.find(hash, [&](std::uint32_t i) { return keys_[i] == key; });
    if (at == kNoIndex) {
      at = static_cast<std::uint32_t>(held_.size());
      index_.insert(hash, at);
      held_.push_back({seen.actor,
                       seen.target,
                       actor_name_,
                       std::string(seen.target_name.substr(0, kLongestName)),
                       hour,
                       seen.first,
                       last,
                       1,
                       seen.place,
                       {},
                       0});
      keys_.push_back(key);
    } else {
      Held& held = held_[at];
      ++held.count;
      held.first = std::min(held.first, seen.first);
      held.last = std::max(held.last, last);
    }
    for (const IndicatorMatch& match : matches_) name_in(held_[at], match);
    if (held_.size() >= kMostHeld) give_oldest(sink);
  }

  std::uint32_t hash_of(const Key& key) const {
    return folded(keyed_(keyed_(key.actor) ^ key.names, keyed_(key.target) ^ static_cast<std::uint64_t>(key.hour)));
  }

  void name_in(Held& held, const IndicatorMatch& match) const {
    const Named named{match.entry, match.loose, match.confidence};
    std::uint32_t at = 0;
    while (at < held.names && held.named[at].entry != match.entry) ++at;
    if (at < held.names) {
      held.named[at].loose = held.named[at].loose && match.loose;
      held.named[at].confidence = std::max(held.named[at].confidence, match.confidence);
    } else if (held.names < kMostNamed) {
      at = held.names++;
      held.named[at] = named;
    } else {
      at = kMostNamed - 1;
      if (!says_more(match, match_of(held.named[at]))) return;
      held.named[at] = named;
    }
    for (; at > 0 && says_more(match_of(held.named[at]), match_of(held.named[at - 1])); --at) {
      std::swap(held.named[at], held.named[at - 1]);
    }
  }

  IndicatorMatch match_of(const Named& named) const {
    IndicatorMatch match = indicators_->match_of(named.entry, named.loose);
    match.confidence = named.confidence;
    return match;
  }

  void give_oldest(SightingSink& sink) {
    Timestamp oldest = std::numeric_limits<Timestamp>::max();
    for (const Held& held : held_) oldest = std::min(oldest, held.hour);
    give_before(oldest + kHour, sink);
  }

  // Gives the hours that began before `limit`, in the order in which their sightings were first seen.
  void give_before(Timestamp limit, SightingSink& sink) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < held_.size(); ++i) {
      if (held_[i].hour < limit) {
        index_.erase(hash_of(keys_[i]), static_cast<std::uint32_t>(i));
        give(held_[i], sink);
        continue;
      }
      if (kept != i) {
        held_[kept] = std::move(held_[i]);
        keys_[kept] = keys_[i];
        const std::uint32_t hash = hash_of(keys_[kept]);
        index_.erase(hash, static_cast<std::uint32_t>(i));
        index_.insert(hash, static_cast<std::uint32_t>(kept));
      }
      ++kept;
    }
    held_.resize(kept);
    keys_.resize(kept);
  }

  // The same few indicators make most sightings.
  const std::string& described_once(const IndicatorMatch& match) {
    Described& known = described_[match.entry % described_.size()];
    if (known.entry != match.entry || known.text.empty()) known = {match.entry, described(match)};
    return known.text;
  }

  void give(Held& held, SightingSink& sink) {
    const IndicatorMatch best = match_of(held.named[0]);
    Sighting sighting;
    sighting.kind = best.kind;
    sighting.confidence = best.confidence;
    sighting.detector = "indicator";
    sighting.rule = best.value;
    sighting.actor = held.actor;
    sighting.actor_name = std::move(held.actor_name);
    sighting.target = held.target;
    sighting.target_name = std::move(held.target_name);
    sighting.first_seen = held.first;
    sighting.last_seen = held.last;
    sighting.count = held.count;
    sighting.family = best.family;
    sighting.group = best.group;
    sighting.tlp = best.tlp;
    sighting.place = held.place;
    sighting.matched = described_once(best);
    for (std::uint32_t i = 1; i < held.names; ++i) {
      const IndicatorMatch other = match_of(held.named[i]);
      sighting.matched += i == 1 ? "; also " : ", ";
      sighting.matched += described_once(other);
      if (strictness(other.tlp) > strictness(sighting.tlp)) sighting.tlp = other.tlp;
    }
    sink.sight(std::move(sighting));
  }

  std::shared_ptr<const IndicatorSet> indicators_;
  InsideTest inside_;
  IndicatorSet::Matches matches_;
  std::string actor_name_;
  std::vector<Held> held_;
  std::vector<Key> keys_;
  IndexTable index_;
  KeyedHash keyed_;
  struct Described {
    std::uint32_t entry = 0;
    std::string text;
  };
  std::vector<Described> described_ = std::vector<Described>(4096);
  Timestamp newest_ = -kFarthest;
  Timestamp given_out_ = -kFarthest;
};

}  // namespace

std::unique_ptr<Detector> make_indicator_detector(std::shared_ptr<const IndicatorSet> indicators, InsideTest inside) {
  return std::make_unique<IndicatorDetector>(std::move(indicators), std::move(inside));
}

}  // namespace tocsin
