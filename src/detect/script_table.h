// The scripts of the sites seen, and who uses them how: what the detector of web shells judges by. State is bounded.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collect/observation.h"
#include "detect/recent_table.h"
#include "detect/web_shell_marks.h"

namespace tocsin {

// What one client asked of one script in one hour, as one source has it.
struct ScriptUse {
  Timestamp first = 0, last = 0;
  Place place;
  std::uint32_t requests = 0, commands = 0;
  std::uint16_t signature = 0;  // mark
  std::uint8_t client = 0;      // index of the script's clients
};

struct ScriptClient {
  IpAddress ip;
  std::uint64_t key = 0;     // of client and site
  std::uint32_t visits = 0;  // requests that were no commands
  std::uint32_t commands = 0, hints = 0, signatures = 0;
};

struct Script {
  std::string site, path;
  Endpoint server;
  std::vector<ScriptClient> clients;
  std::vector<ScriptUse> uses;
  std::array<std::uint64_t, 8> sizes{};  // of responses, distinct ones
  Timestamp last = 0;
  std::uint32_t requests = 0, posts = 0, referred = 0;  // referred: another page led there
  std::uint16_t signature = 0, hint = 0;
  std::uint8_t distinct_sizes = 0;
  PathMarks marks;
  bool open_to_all = false;  // more clients than a shell has: nothing more is held
};

// How many pages and parts of pages (pictures, styles) each client fetched of each site: exact for as many as there is
// room for, some ten million. Of those beyond nothing is known.
class FetchTable {
 public:
  struct Fetched {
    std::uint8_t pages = 0, assets = 0;  // saturating
  };
  explicit FetchTable(std::uint32_t most = 3U << 22) : most_(most) {}
  void add_page(std::uint64_t key) { bump(key, &Fetched::pages); }
  void add_asset(std::uint64_t key) { bump(key, &Fetched::assets); }
  // Nothing fetched if the key never came; nullopt if it may have come when there was no room.
  std::optional<Fetched> find(std::uint64_t key) const;

 private:
  void bump(std::uint64_t key, std::uint8_t Fetched::*count);
  std::uint32_t index_of(std::uint64_t key, std::uint32_t hash) const;
  std::uint32_t hash(std::uint64_t key) const { return folded(hash_(key, 0)); }

  std::uint32_t most_;
  KeyedHash hash_;
  IndexTable table_;
  std::vector<std::uint64_t> keys_;
  std::vector<Fetched> fetched_;
  bool overflowed_ = false;
};

// Part of a path up to the end of its script ("/a.php" of "/a.php/b"), empty if it has none. The name of "x.php.jpg"
// is a script's too.
std::string_view script_of(std::string_view path);
bool is_asset(std::string_view path);

class ScriptTable {
 public:
  static constexpr std::size_t kMostClients = 64;
  static constexpr std::size_t kMostScripts = 500'000;
  static constexpr std::size_t kMostUses = 2'000'000;
  static constexpr std::size_t kMostPath = 512;

  explicit ScriptTable(std::size_t most_scripts = kMostScripts, std::size_t most_uses = kMostUses)
      : most_scripts_(most_scripts), most_uses_(most_uses) {}

  // nullptr if it is not held yet.
  Script* find(std::uint64_t key) {
    const auto at = scripts_.find(key);
    return at == scripts_.end() ? nullptr : &at->second;
  }
  Script& add(std::uint64_t key);
  // A request that was answered. command: it is one.
  void use(Script& script, const HttpTransaction& http, std::uint64_t client_key, bool command, FoundMarks marks);
  // Those not open to all, by site and path.
  std::vector<const Script*> closed() const;
  std::size_t size() const { return scripts_.size(); }

 private:
  std::uint8_t client_of(Script& script, const IpAddress& ip, std::uint64_t key);
  void let_go();

  std::unordered_map<std::uint64_t, Script> scripts_;
  std::size_t most_scripts_, most_uses_, uses_ = 0;
};

}  // namespace tocsin
