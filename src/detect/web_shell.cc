// Web shells: scripts that someone left on a site to command it by, seen by the commands.
//
// A log has no bodies, so most commands can't be read. But a shell is used as nothing else on a site is: by one or two
// clients, mostly with POST, without a page that leads there, by clients that fetch neither pages nor pictures, in a
// few sessions of many commands whose answers differ in size; and it often lies where no script belongs, among uploads,
// pictures or caches. Finding shells by these means in access logs is published practice: "Detect and Prevent Web Shell
// Malware" (NSA and ASD, 2020: anomalous user agents, referrers, few clients), Starov et al., "No Honor Among Thieves:
// A Large-Scale Analysis of Malicious Web Shells" (WWW 2016: families, their parameters and their visitors), Truong et
// al. on China Chopper's traffic (FireEye, "Breaking Down the China Chopper Web Shell", 2013).
//
// So each script of each site is scored at the end of the input by who used it and how. Nothing is accused by its
// structure alone: a payment provider's calls look the same. There must be a place where no script belongs, a name or
// a parameter that shells have. Marks that legitimate software does not have ("signatures", rules/web-shells.toml) make
// a sighting confirmed when answered with 200, unless the script is one that visitors use, or a site's first page: then
// an attacker only tried. For the same reason parameters alone make it probable only in several sessions of differing
// answers, on a script that nobody else visits.
// A client whose tries are all answered alike (more than ten scripts of a site) meets a server that says 200 to all.
// Requests answered otherwise are probes for a shell and left to the detector of web attacks.
//
// Sightings are of the client that commands; it is probable with two sessions more than an hour apart or five commands.
//
// What fools it: a shell inside a script that visitors use; commands from behind a proxy that visitors share; forged
// referrers and a page fetched now and then; more than 64 clients; commands in cookies or headers with GET. What it
// takes for a shell: an upload interface among the uploads that one program alone uses, at odd hours.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "base/text.h"
#include "detect/detector.h"
#include "detect/request_text.h"
#include "detect/script_table.h"
#include "detect/web_shell_marks.h"

namespace tocsin {
namespace {

constexpr int kProbableScore = 6;
constexpr int kSuspectedScore = 4;
constexpr std::size_t kManySessions = 2;
constexpr std::uint32_t kManyCommands = 5;
constexpr std::size_t kMostShells = 10;  // of one client on one site; more are answers that mean nothing
constexpr std::size_t kMostShown = 200;

// Commands of a client, by time.
struct Habit {
  std::size_t sessions = 0;
  bool regular = false;  // as a program's clock has it
};

Habit habit_of(const std::vector<ScriptUse>& uses, std::size_t client) {
  std::vector<std::pair<Timestamp, Timestamp>> times;
  for (const ScriptUse& use : uses) {
    if (use.client == client && use.commands > 0) times.emplace_back(use.first, use.last);
  }
  std::ranges::sort(times);
  // Several sources may tell of one hour.
  std::size_t kept = 0;
  for (std::size_t i = 1; i < times.size(); ++i) {
    if (floor_to(times[i].first, kHour) == floor_to(times[kept].first, kHour)) {
      times[kept].second = std::max(times[kept].second, times[i].second);
    } else {
      times[++kept] = times[i];
    }
  }
  if (!times.empty()) times.resize(kept + 1);
  Habit habit;
  if (times.empty()) return habit;
  habit.sessions = 1;
  double sum = 0, squares = 0;
  for (std::size_t i = 1; i < times.size(); ++i) {
    if (times[i].first - times[i - 1].second > kHour) ++habit.sessions;
    const double gap = static_cast<double>(times[i].first - times[i - 1].first);
    sum += gap;
    squares += gap * gap;
  }
  const Timestamp span = times.back().second - times.front().first;
  if (times.size() >= 5) {
    const double count = static_cast<double>(times.size() - 1), mean = sum / count;
    const double deviation = std::sqrt(std::max(0.0, squares / count - mean * mean));
    habit.regular = deviation < 0.1 * mean;
  }
  // Busy in half of all hours, for half a day and more: nobody types so long.
  if (span >= 12 * kHour && static_cast<Timestamp>(times.size()) * 2 * kHour >= span) habit.regular = true;
  return habit;
}

class WebShellDetector final : public Detector {
 public:
  explicit WebShellDetector(WebShellMarks marks) : marks_(std::move(marks)) {}
  std::string_view name() const override { return "web-shell"; }

  void observe(const Batch& batch, SightingSink&) override {
    for (const HttpTransaction& http : batch.http) {
      if ((http.status >= 200 && http.status < 300) || http.status == 304) take(http);
    }
  }

  void finish(SightingSink& sink) override {
    std::vector<Accusation> accusations;
    for (const Script* script : scripts_.closed()) judge(*script, accusations);
    // Who has a shell behind every name has none.
    std::map<std::uint64_t, std::size_t> shells;
    for (const Accusation& one : accusations) ++shells[one.client().key];
    Rows sightings;
    for (const Accusation& one : accusations) {
      if (shells[one.client().key] > kMostShells) continue;
      for (const ScriptUse& use : one.script->uses) {
        if (use.client == one.at) add(one, use, sightings);
      }
    }
    for (auto& [key, sighting] : sightings) sink.sight(std::move(sighting));
    scripts_ = ScriptTable();
    fetched_ = FetchTable();
  }

 private:
  using Rows = std::map<std::tuple<Timestamp, IpAddress, std::string, std::uint32_t>, Sighting>;
  struct Accusation {
    const Script* script = nullptr;
    std::size_t at = 0;
    Confidence confidence = Confidence::kSuspected;  // where no signature is
    bool visited = false;                            // the script is one that visitors use
    std::string why;
    const ScriptClient& client() const { return script->clients[at]; }
  };

  void take(const HttpTransaction& http) {
    if (http.client.ip.is_unspecified()) return;
    set_site(http);
    const std::uint64_t client_key = site_key_ ^ hash_of(http.client.ip) * 0x9e3779b97f4a7c15ULL;
    std::string_view uri = http.uri.substr(0, 16 * 1024);
    if (is_encoded(uri)) {
      decode_uri(uri, plain_, scratch_);
      uri = plain_;
    }
    std::string_view path = path_of(uri);
    const std::string_view script_path = script_of(path);
    const bool post = http.method == "POST" || http.method == "PUT";
    if (script_path.empty() && !post) {
      if (is_asset(path)) {
        fetched_.add_asset(client_key);
        return;
      }
      if (uri.size() == path.size()) {
        fetched_.add_page(client_key);
        return;
      }
    }
    if (!script_path.empty()) path = script_path;
    path = path.substr(0, ScriptTable::kMostPath);
    const std::uint64_t key = hash64(path, site_key_);
    Script* script = scripts_.find(key);
    if (script != nullptr && script->open_to_all) {
      if (!post) fetched_.add_page(client_key);
      scripts_.use(*script, http, client_key, false, {});
      return;
    }
    const FoundMarks marks = http.status < 300 ? marks_.of_request(uri, http) : FoundMarks{};
    const bool command = post || marks.signature != 0 || marks.hint != 0;
    if (!command) fetched_.add_page(client_key);
    // What is no script is held only for a signature's sake.
    if (script_path.empty() && script == nullptr && marks.signature == 0) return;
    if (http.status == 304) return;
    if (script == nullptr) {
      script = &scripts_.add(key);
      script->site = site_;
      script->path = path;
      script->server = http.server;
      script->marks = marks_.of_path(path);
    }
    scripts_.use(*script, http, client_key, command, marks);
  }

  void set_site(const HttpTransaction& http) {
    if (http.host == host_ && http.server.ip == server_ && site_key_ != 0) return;
    host_.assign(http.host.substr(0, 1024));
    server_ = http.server.ip;
    site_of(http.host, site_);
    site_key_ = hash64(site_, site_.empty() ? hash_of(server_) : 1) | 1;
  }

  // Neither pages nor their parts: the client came for the script alone.
  bool came_for_it_alone(const ScriptClient& client) const {
    const auto fetched = fetched_.find(client.key);
    return fetched && fetched->assets == 0 && fetched->pages <= client.visits + 1;
  }

  void judge(const Script& script, std::vector<Accusation>& accusations) const {
    std::size_t commanders = 0, alone = 0, visitors = 0;
    for (const ScriptClient& client : script.clients) {
      if (client.commands == 0) {
        ++visitors;
        continue;
      }
      ++commanders;
      alone += came_for_it_alone(client) ? 1 : 0;
    }
    const bool evidence = script.marks.place || script.marks.name || script.hint != 0 || script.signature != 0;
    if (commanders == 0 || !evidence) return;
    const bool linked = script.referred * 5ULL > script.requests;
    if (linked && script.signature == 0) return;
    const auto sizes = std::span(script.sizes).first(script.distinct_sizes);
    const auto [least, most] = std::ranges::minmax_element(sizes);
    const bool varied = sizes.size() >= 3 && *most >= *least * 2;

    // Scanners try parameters on every script; where nothing else speaks against it, their tries are no commands.
    const bool lies_wrong = script.marks.place || script.marks.name;
    const bool visited = linked || visitors >= 3 || script.marks.ordinary || script.path.ends_with('/');
    if (!lies_wrong && script.signature == 0 && visitors > 0) return;

    int score = 0;
    std::string why;
    const auto weigh = [&](bool is, int points, std::string_view words) {
      if (!is) return;
      score += points;
      if (points > 0) why += (why.empty() ? "" : ", ") + std::string(words);
    };
    weigh(script.marks.place, 3, "where no script belongs");
    weigh(script.marks.name, 2, "a known name");
    weigh(script.hint != 0, 2, "commands in parameters or agents of shells");
    weigh(script.signature != 0, 4, "a signature");
    weigh(script.clients.size() <= 2, 2, fmt::format("{} clients", script.clients.size()));
    weigh(script.clients.size() > 2 && script.clients.size() <= 5, 1, fmt::format("{} clients", script.clients.size()));
    weigh(script.clients.size() > 16, -2, "");
    weigh(script.posts * 2ULL >= script.requests, 1, fmt::format("{} of {} POST", script.posts, script.requests));
    weigh(script.referred == 0, 1, "no page leads there");
    weigh(alone == commanders, 2, "nothing else fetched");
    weigh(alone == 0, -3, "");
    weigh(varied, 1, "answers of many sizes");
    weigh(sizes.size() == 1 && script.requests >= kManyCommands && *most != 0, -2, "");
    weigh(script.marks.ordinary, -4, "");

    for (std::size_t i = 0; i < script.clients.size(); ++i) {
      const ScriptClient& client = script.clients[i];
      if (client.commands == 0) continue;
      const bool answered = client.signatures >= kManyCommands && varied;
      Accusation one{&script, i, Confidence::kSuspected, visited && !answered, why};
      if (client.signatures == 0) {
        const Habit habit = habit_of(script.uses, i);
        if (score < kSuspectedScore || linked) continue;
        if (client.hints == 0 && (habit.regular || !came_for_it_alone(client))) continue;
        const bool again = habit.sessions >= kManySessions, many = client.commands >= kManyCommands;
        if (score >= kProbableScore && (lies_wrong ? again || many : again && many && varied))
          one.confidence = Confidence::kProbable;
        one.why += fmt::format(", {} commands in {} sessions", client.commands, habit.sessions);
      }
      accusations.push_back(std::move(one));
    }
  }

  void add(const Accusation& one, const ScriptUse& use, Rows& sightings) const {
    const Script& script = *one.script;
    const bool signature = use.signature != 0;
    // Commands to a shell that its signature has proven are at least probable.
    Confidence confidence = one.confidence;
    if (signature) confidence = one.visited ? Confidence::kSuspected : Confidence::kConfirmed;
    if (!signature && one.client().signatures > 0 && !one.visited) confidence = Confidence::kProbable;
    const Timestamp hour = floor_to(use.first, kHour);
    Sighting& sighting = sightings[{hour, one.client().ip, script.site.empty() ? script.server.ip.text() : script.site,
                                    use.place.source}];
    if (sighting.detector.empty()) {
      sighting.kind = Kind::kBackdoor;
      sighting.detector = "web-shell";
      sighting.actor = {one.client().ip, 0};
      sighting.target = script.server;
      sighting.target_name = printable(script.site);
      sighting.count = 0;
      sighting.first_seen = use.first;
      sighting.last_seen = use.last;
      sighting.place = use.place;
    }
    if (sighting.rule.empty() || confidence > sighting.confidence) {
      sighting.confidence = confidence;
      sighting.rule = signature ? "signature" : "behaviour";
      sighting.family = signature ? marks_.family(use.signature) : "";
      sighting.matched = printable(script.path, kMostShown) + ": " +
                         (signature ? "signature of " + marks_.family(use.signature) : one.why);
    }
    if (use.first < sighting.first_seen) {
      sighting.first_seen = use.first;
      sighting.place = use.place;
    }
    sighting.last_seen = std::max(sighting.last_seen, use.last);
    sighting.count += use.requests;
  }

  WebShellMarks marks_;
  ScriptTable scripts_;
  FetchTable fetched_;  // by client and site
  std::string host_, site_, plain_, scratch_;
  IpAddress server_;
  std::uint64_t site_key_ = 0;
};

}  // namespace

Expected<std::unique_ptr<Detector>> make_web_shell_detector(const std::string& marks_path) {
  auto marks = WebShellMarks::read(marks_path);
  if (!marks) return std::unexpected(marks.error());
  return std::make_unique<WebShellDetector>(std::move(*marks));
}

}  // namespace tocsin
