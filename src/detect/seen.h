// What comes twice counts once: reports and alerts remembered by what they say, wherever they stand.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/hash.h"
#include "collect/observation.h"

namespace tocsin {

// Remembers the last million or two, by hashes of 128 bits. What makes two equal is put in piece by piece; then is_new
// asks and begins anew.
class Seen {
 public:
  void put(std::int64_t number) { buffer_.append(reinterpret_cast<const char*>(&number), sizeof number); }
  void put(std::string_view text) {
    put(static_cast<std::int64_t>(text.size()));
    buffer_.append(text);
  }
  void put(const Endpoint& end) {
    buffer_.append(reinterpret_cast<const char*>(end.ip.bytes().data()), 16);
    put(std::int64_t{end.port});
  }

  bool is_new() {
    const Hash128 hash = hash128(buffer_);
    buffer_.clear();
    if (older_.contains(hash) || !seen_.insert(hash).second) return false;
    if (seen_.size() >= kRemembered) {
      older_ = std::move(seen_);
      seen_.clear();
    }
    return true;
  }

 private:
  static constexpr std::size_t kRemembered = 1 << 20;
  struct HashOfHash {
    std::size_t operator()(const Hash128& hash) const { return hash.low; }
  };
  std::unordered_set<Hash128, HashOfHash> seen_, older_;
  std::string buffer_;
};

// Whether no report before it was equal in everything but its place: feeds overlap.
inline bool is_new(Seen& seen, const Report& report) {
  seen.put(report.actor);
  seen.put(report.target);
  for (const std::string_view words : {report.actor_name, report.target_name, report.url, report.cve, report.family,
                                       report.group, report.reporter, report.rule, report.description, report.tlp})
    seen.put(words);
  seen.put(report.first);
  seen.put(report.last);
  seen.put(static_cast<std::int64_t>(report.count));
  seen.put(static_cast<std::int64_t>(report.kind));
  seen.put(static_cast<std::int64_t>(report.confidence));
  return seen.is_new();
}

// Whether no alert of its source before it had its time, ends, signature and message. Of other sources it may: each
// counts its own.
inline bool is_new(Seen& seen, const Alert& alert) {
  seen.put(std::int64_t{alert.place.source});
  seen.put(alert.time);
  seen.put(alert.client);
  seen.put(alert.server);
  seen.put(static_cast<std::int64_t>(alert.signature_id));
  for (const std::string_view words : {alert.sensor, alert.signature, alert.message}) seen.put(words);
  return seen.is_new();
}

}  // namespace tocsin
