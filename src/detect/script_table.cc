#include "detect/script_table.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "base/hash.h"

namespace tocsin {
namespace {

constexpr std::size_t kLookedBack = 128;  // uses of other clients in the hour

template <std::size_t N>
bool is_one_of(std::string_view word, const std::string_view (&words)[N]) {
  if (word.size() < 2 || word.size() > 6) return false;
  char letters[6];
  for (std::size_t i = 0; i < word.size(); ++i)
    letters[i] = static_cast<char>(word[i] >= 'A' && word[i] <= 'Z' ? word[i] + 32 : word[i]);
  return std::ranges::find(words, std::string_view(letters, word.size())) != std::end(words);
}

constexpr std::string_view kScripts[] = {"php",  "php3", "php4",  "php5", "php7", "php8", "phtml", "phar",
                                         "pht",  "asp",  "aspx",  "ashx", "asmx", "asa",  "cer",   "jsp",
                                         "jspx", "jspf", "jhtml", "cfm",  "cgi",  "pl",   "py"};
constexpr std::string_view kAssets[] = {"css",  "js",   "png",   "jpg", "jpeg", "gif", "svg",  "webp",
                                        "avif", "woff", "woff2", "ttf", "eot",  "mp4", "webm", "map"};

// How little it would matter to forget a script: least first.
int interest(const Script& script) {
  if (script.signature != 0) return 4;
  if (script.open_to_all) return 2;
  const bool strange = script.marks.place || script.marks.name || script.hint != 0;
  return script.posts > 0 ? (strange ? 3 : 1) : (strange ? 1 : 0);
}

void bump(std::uint32_t& count) { count += count != std::numeric_limits<std::uint32_t>::max() ? 1 : 0; }

// The host and the path of a referrer are compared with the script's own.
bool leads_from_elsewhere(std::string_view referrer, const Script& script) {
  if (referrer.empty()) return false;
  const std::size_t scheme = referrer.find("://");
  if (scheme == std::string_view::npos || scheme > 8) return false;
  std::string_view rest = referrer.substr(scheme + 3);
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return true;
  rest = rest.substr(slash);
  rest = rest.substr(0, rest.find_first_of("?#"));
  return rest.substr(0, ScriptTable::kMostPath) != script.path;
}

}  // namespace

std::uint32_t FetchTable::index_of(std::uint64_t key, std::uint32_t hash) const {
  return table_.find(hash, [&](std::uint32_t index) { return keys_[index] == key; });
}

std::optional<FetchTable::Fetched> FetchTable::find(std::uint64_t key) const {
  const std::uint32_t index = index_of(key, hash(key));
  if (index != kNoIndex) return fetched_[index];
  return overflowed_ ? std::nullopt : std::optional(Fetched{});
}

void FetchTable::bump(std::uint64_t key, std::uint8_t Fetched::*count) {
  const std::uint32_t at = hash(key);
  std::uint32_t index = index_of(key, at);
  if (index == kNoIndex) {
    overflowed_ = keys_.size() >= most_;
    if (overflowed_) return;
    index = static_cast<std::uint32_t>(keys_.size());
    keys_.push_back(key);
    fetched_.emplace_back();
    table_.insert(at, index);
  }
  if (fetched_[index].*count != 0xff) ++(fetched_[index].*count);
}

std::string_view script_of(std::string_view path) {
  for (std::size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.', dot + 1)) {
    std::size_t end = dot + 1;
    while (end < path.size() && path[end] != '.' && path[end] != '/' && path[end] != ';') ++end;
    if (!is_one_of(path.substr(dot + 1, end - dot - 1), kScripts)) continue;
    return path.substr(0, std::min(path.find_first_of("/;", end), path.size()));
  }
  return {};
}

bool is_asset(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  return dot != std::string_view::npos && is_one_of(path.substr(dot + 1), kAssets);
}

Script& ScriptTable::add(std::uint64_t key) {
  if (scripts_.size() >= most_scripts_) let_go();
  return scripts_[key];
}

std::uint8_t ScriptTable::client_of(Script& script, const IpAddress& ip, std::uint64_t key) {
  const auto at = std::ranges::find(script.clients, ip, &ScriptClient::ip);
  if (at != script.clients.end()) return static_cast<std::uint8_t>(at - script.clients.begin());
  script.clients.push_back({ip, key});
  return static_cast<std::uint8_t>(script.clients.size() - 1);
}

void ScriptTable::use(Script& script, const HttpTransaction& http, std::uint64_t client_key, bool command,
                      FoundMarks marks) {
  script.last = std::max(script.last, http.time);
  if (script.open_to_all) return;
  const std::uint8_t at = client_of(script, http.client.ip, client_key);
  if (script.clients.size() > kMostClients) {
    uses_ -= script.uses.size();
    script.open_to_all = true;
    script.clients = {};
    script.uses = {};
    script.site = {};
    script.path = {};
    return;
  }
  bump(script.requests);
  if (http.method == "POST" || http.method == "PUT") bump(script.posts);
  if (leads_from_elsewhere(http.referrer, script)) bump(script.referred);
  if (script.signature == 0) script.signature = marks.signature;
  if (script.hint == 0) script.hint = marks.hint;
  if (script.distinct_sizes < script.sizes.size() &&
      std::find(script.sizes.begin(), script.sizes.begin() + script.distinct_sizes, http.response_bytes) ==
          script.sizes.begin() + script.distinct_sizes)
    script.sizes[script.distinct_sizes++] = http.response_bytes;
  ScriptClient& client = script.clients[at];
  bump(command ? client.commands : client.visits);
  if (marks.hint != 0) bump(client.hints);
  if (marks.signature != 0) bump(client.signatures);

  const Timestamp hour = floor_to(http.time, kHour);
  ScriptUse* use = nullptr;
  const std::size_t back = std::min(script.uses.size(), kLookedBack);
  for (std::size_t i = 1; i <= back; ++i) {
    ScriptUse& one = script.uses[script.uses.size() - i];
    if (one.client == at && one.place.source == http.place.source && floor_to(one.first, kHour) == hour) {
      use = &one;
      break;
    }
  }
  if (use == nullptr) {
    use = &script.uses.emplace_back();
    ++uses_;
    use->client = at;
    use->first = use->last = http.time;
    use->place = http.place;
  }
  use->first = std::min(use->first, http.time);
  use->last = std::max(use->last, http.time);
  bump(use->requests);
  if (command) bump(use->commands);
  if (use->signature == 0) use->signature = marks.signature;
  if (uses_ > most_uses_) let_go();  // the script itself may be gone after this
}

void ScriptTable::let_go() {
  struct Candidate {
    int interest;
    Timestamp last;
    std::uint64_t key;
    auto operator<=>(const Candidate&) const = default;
  };
  std::vector<Candidate> candidates;
  candidates.reserve(scripts_.size());
  for (const auto& [key, script] : scripts_) candidates.push_back({interest(script), script.last, key});
  std::ranges::sort(candidates);
  for (const Candidate& one : candidates) {
    if (scripts_.size() <= most_scripts_ / 4 * 3 && uses_ <= most_uses_ / 4 * 3) break;
    const auto at = scripts_.find(one.key);
    uses_ -= at->second.uses.size();
    scripts_.erase(at);
  }
}

std::vector<const Script*> ScriptTable::closed() const {
  std::vector<const Script*> scripts;
  for (const auto& [key, script] : scripts_) {
    if (!script.open_to_all) scripts.push_back(&script);
  }
  std::ranges::sort(scripts, [](const Script* a, const Script* b) {
    return std::tie(a->site, a->path) < std::tie(b->site, b->path);
  });
  return scripts;
}

}  // namespace tocsin
