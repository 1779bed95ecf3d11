// Phishing: pages that imitate a protected brand, reported by other parties or seen in the constituency's own traffic.
//
// A report of phishing names the page. What it lacks is where the page was served at the time: that is the report's own
// address, else what the observed DNS answered for the host nearest in time to the report, an answer before it
// preferred (the page was up when somebody saw it). Whom it imitates is the brand that the report names, else the one
// that the host's name imitates (brands.cc), else what the report says, as it says it.
//
// Names in DNS answers, HTTP requests and TLS handshakes that imitate a brand are sightings without any report:
// suspected by one mark, probable by two. Names that do not resolve are not accused.
//
// A sighting is one for each name, address, brand and hour; its count adds reports and observations of the name.
//
// State is bounded: the last answers of the half to one million names asked for most lately, judgements remembered for
// some hundred thousand, and some ten thousand sightings that wait for an address or for their hour.
//
// What fools it: a host reached through a resolver that is not observed has no address; a report long after the page
// was moved gets the later address; a proxy stands for the server in HTTP.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/text.h"
#include "detect/brands.h"
#include "detect/detector.h"
#include "detect/domain_name.h"
#include "detect/merged.h"
#include "detect/reported.h"
#include "detect/seen.h"

namespace tocsin {
namespace {

constexpr std::size_t kAnswers = 1 << 19;  // names of which a generation of last answers has one
constexpr std::size_t kJudged = 1 << 18;   // slots, of names known to imitate nobody
constexpr std::size_t kMostLookAlikes = 1 << 16;
constexpr std::size_t kMostWaiting = 1 << 16;
constexpr std::size_t kMostName = 253;
constexpr Timestamp kNear = 30 * kDay;  // an answer further from the report tells nothing of it

// The name as a key: lower case, without final dot and port. Views into `buffer`; empty if it is too long to be one.
std::string_view key_of(std::string_view name, std::array<char, kMostName>& buffer) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > buffer.size()) return {};
  for (std::size_t i = 0; i < name.size(); ++i)
    buffer[i] = name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] | 32) : name[i];
  return {buffer.data(), name.size()};
}

bool usable(const IpAddress& address) {
  const AddressScope scope = scope_of(address);
  return scope != AddressScope::kUnspecified && scope != AddressScope::kLoopback && scope != AddressScope::kMulticast &&
         scope != AddressScope::kBroadcast;
}

// Of several, always the same: servers turn them round.
std::optional<IpAddress> address_in(const std::vector<IpAddress>& addresses) {
  std::optional<IpAddress> least;
  for (const IpAddress& address : addresses) {
    if (usable(address) && (!least || address < *least)) least = address;
  }
  return least;
}

struct Answer {
  std::uint64_t name = 0;
  Timestamp time = 0;
  IpAddress address;
};

// The last answer for each of the names heard of most lately: when one generation of them is full, the one before goes.
class LastAnswers {
 public:
  void add(std::uint64_t name, Timestamp time, const IpAddress& address) {
    if (const Answer* known = find(name); known != nullptr && known->time > time) return;
    if (young_.size() >= kAnswers) {
      old_ = std::move(young_);
      young_.clear();
    }
    young_.insert_or_assign(name, Answer{name, time, address});
  }
  const Answer* find(std::uint64_t name) const {
    for (const auto* generation : {&young_, &old_}) {
      if (const auto at = generation->find(name); at != generation->end()) return &at->second;
    }
    return nullptr;
  }

 private:
  std::unordered_map<std::uint64_t, Answer> young_, old_;
};

// A reported sighting that has no address from the report.
struct Waiting {
  Sighting sighting;
  std::uint64_t name = 0;
  std::optional<Answer> before, after;

  void offer(const Answer& answer) {
    const Timestamp time = sighting.first_seen;
    if (answer.time <= time) {
      if (time - answer.time <= kNear && (!before || answer.time > before->time)) before = answer;
    } else if (answer.time - time <= kNear && (!after || answer.time < after->time)) {
      after = answer;
    }
  }
};

class PhishingDetector final : public Detector {
 public:
  explicit PhishingDetector(Brands brands) : brands_(std::move(brands)) {}
  std::string_view name() const override { return "phishing"; }

  void observe(const Batch& batch, SightingSink& sink) override {
    for (const DnsTransaction& dns : batch.dns) observe_dns(dns, sink);
    for (const HttpTransaction& http : batch.http) {
      // A server's own log names its own site.
      if (!http.logged) observe_host(http.host, http, &http.uri, "HTTP", sink);
    }
    for (const TlsHandshake& tls : batch.tls) observe_host(tls.server_name, tls, nullptr, "TLS", sink);
    for (const Report& report : batch.reports) {
      if (report.kind == Kind::kPhishing && is_new(seen_, report)) observe_report(report, sink);
    }
  }

  void finish(SightingSink& sink) override {
    settle(waiting_.size(), sink);
    held_.release(sink);
  }

 private:
  // nullptr if the name imitates nobody.
  const LookAlike* judge(std::string_view key, std::uint64_t hash) {
    if (innocent_[hash % kJudged] == hash) return nullptr;
    if (const auto found = look_alikes_.find(hash); found != look_alikes_.end()) return &found->second;
    std::string normal;
    const LookAlike judged = normalise_domain(key, normal) ? brands_.judge(normal) : LookAlike();
    if (judged.marks == 0) {
      innocent_[hash % kJudged] = hash;
      return nullptr;
    }
    if (look_alikes_.size() >= kMostLookAlikes) look_alikes_.clear();
    return &look_alikes_.emplace(hash, judged).first->second;
  }

  void observe_dns(const DnsTransaction& dns, SightingSink& sink) {
    if (dns.addresses.empty()) return;
    const auto address = address_in(dns.addresses);
    const std::string_view key = key_of(dns.query, buffer_);
    if (!address || key.empty()) return;
    const std::uint64_t hash = hash64(key);
    answers_.add(hash, dns.time, *address);
    if (!waiting_for_.empty()) {
      for (auto [at, end] = waiting_for_.equal_range(hash); at != end; ++at)
        waiting_[at->second].offer({hash, dns.time, *address});
    }
    if (const LookAlike* found = judge(key, hash))
      see(*found, key, {*address, 0}, dns.time, dns.place, "DNS", {}, sink);
  }

  void observe_host(std::string_view host, const Transaction& seen, const std::string_view* uri, std::string_view where,
                    SightingSink& sink) {
    if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) host = host.substr(0, colon);
    const std::string_view key = key_of(host, buffer_);
    if (key.empty()) return;
    const LookAlike* found = judge(key, hash64(key));
    if (found == nullptr) return;
    const Endpoint server = usable(seen.server.ip) ? seen.server : Endpoint();
    const std::string url = uri == nullptr ? std::string() : fmt::format("http://{}{}", key, uri->substr(0, 512));
    see(*found, key, server, seen.time, seen.place, where, url, sink);
  }

  void see(const LookAlike& like, std::string_view name, const Endpoint& server, Timestamp time, const Place& place,
           std::string_view where, std::string_view url, SightingSink& sink) {
    Sighting sighting;
    sighting.kind = Kind::kPhishing;
    sighting.confidence = like.independent() ? Confidence::kProbable : Confidence::kSuspected;
    sighting.detector = "phishing";
    sighting.rule = like.rule();
    // Ports differ by where it was seen; the sighting is the site's.
    sighting.actor.ip = server.ip;
    sighting.actor_name = name;
    sighting.target_name = brands_.first_domain(like.brand);
    sighting.first_seen = sighting.last_seen = time;
    sighting.place = place;
    sighting.matched =
        fmt::format("{} imitates {} ({}), seen in {}", printable(name), sighting.target_name, sighting.rule, where);
    if (!url.empty()) sighting.matched += ": " + printable(url);
    keep(std::move(sighting), sink);
  }

  void observe_report(const Report& report, SightingSink& sink) {
    Sighting sighting = sighting_of(report);
    sighting.detector = "phishing";
    sighting.rule = "reported";
    std::string normal;
    sighting.actor_name =
        normalise_domain(report.actor_name, normal) ? normal : lower(report.actor_name.substr(0, kMostName));
    const std::string_view key = key_of(sighting.actor_name, buffer_);
    const std::uint64_t hash = hash64(key);
    const LookAlike* like = key.empty() ? nullptr : judge(key, hash);
    const int called = report.target_name.empty() ? -1 : brands_.called(report.target_name);
    if (called >= 0) {
      sighting.target_name = brands_.first_domain(static_cast<std::size_t>(called));
    } else if (!report.target_name.empty()) {
      sighting.target_name = report.target_name.substr(0, kMostName);
    } else if (like != nullptr) {
      sighting.target_name = brands_.first_domain(like->brand);
    }
    if (!sighting.actor.ip.is_unspecified() || key.empty()) return keep(std::move(sighting), sink);
    wait(std::move(sighting), hash, sink);
  }

  void wait(Sighting&& sighting, std::uint64_t name, SightingSink& sink) {
    if (waiting_.size() >= kMostWaiting) settle(kMostWaiting / 2, sink);
    waiting_for_.emplace(name, waiting_.size());
    waiting_.push_back({std::move(sighting), name, std::nullopt, std::nullopt});
    if (const Answer* answer = answers_.find(name)) waiting_.back().offer(*answer);
  }

  // The first `count` that wait take what address there is.
  void settle(std::size_t count, SightingSink& sink) {
    for (std::size_t i = 0; i < count; ++i) {
      Waiting& one = waiting_[i];
      const auto& answer = one.before ? one.before : one.after;
      if (answer) {
        one.sighting.actor.ip = answer->address;
        one.sighting.matched += fmt::format(", resolved at {}", format_time(answer->time));
      }
      keep(std::move(one.sighting), sink);
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
    waiting_for_.clear();
    for (std::size_t i = 0; i < waiting_.size(); ++i) waiting_for_.emplace(waiting_[i].name, i);
  }

  void keep(Sighting&& sighting, SightingSink& sink) {
    const Hash128 id = id_of(sighting);
    held_.add(id, std::move(sighting), sink);
  }

  Brands brands_;
  Seen seen_;
  LastAnswers answers_;
  std::vector<std::uint64_t> innocent_ = std::vector<std::uint64_t>(kJudged);
  std::unordered_map<std::uint64_t, LookAlike> look_alikes_;
  std::vector<Waiting> waiting_;
  std::unordered_multimap<std::uint64_t, std::size_t> waiting_for_;
  MergedSightings held_;
  std::array<char, kMostName> buffer_{};
};

}  // namespace

Expected<std::unique_ptr<Detector>> make_phishing_detector(const std::vector<std::string>& brands) {
  auto read = Brands::read(brands);
  if (!read) return std::unexpected(read.error());
  return std::make_unique<PhishingDetector>(std::move(*read));
}

}  // namespace tocsin
