// The same report twice counts once: reports remembered by what they say, wherever they stand.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/hash.h"
#include "collect/observation.h"

namespace tocsin {

// Remembers the last million or two.
class SeenReports {
 public:
  // Whether no report before it was equal in everything but its place.
  bool is_new(const Report& report) {
    buffer_.clear();
    const auto number = [this](std::int64_t value) {
      buffer_.append(reinterpret_cast<const char*>(&value), sizeof value);
    };
    const auto text = [&](std::string_view words) {
      number(static_cast<std::int64_t>(words.size()));
      buffer_.append(words);
    };
    for (const Endpoint* end : {&report.actor, &report.target}) {
      buffer_.append(reinterpret_cast<const char*>(end->ip.bytes().data()), 16);
      number(end->port);
    }
    for (const std::string_view words : {report.actor_name, report.target_name, report.url, report.cve, report.family,
                                         report.group, report.reporter, report.rule, report.description, report.tlp})
      text(words);
    number(report.first);
    number(report.last);
    number(static_cast<std::int64_t>(report.count));
    number(static_cast<std::int64_t>(report.kind));
    number(static_cast<std::int64_t>(report.confidence));
    const Hash128 hash = hash128(buffer_);
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

}  // namespace tocsin
