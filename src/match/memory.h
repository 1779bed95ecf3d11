// What is kept beside flows and transactions between packets.
#pragma once

#include <algorithm>
#include <atomic>
#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/turns.h"
#include "match/compiled.h"
#include "match/tags.h"
#include "protocol/transaction.h"

namespace tocsin::match {

// Ports that were seen, of unique_on. They are eight kilobytes, so all that there are are counted.
struct PortMap {
  using Count = std::shared_ptr<std::atomic<std::size_t>>;
  explicit PortMap(Count all) : count(std::move(all)) { ++*count; }
  PortMap(const PortMap&) = delete;
  PortMap& operator=(const PortMap&) = delete;
  ~PortMap() {
    wait_for_turn();
    --*count;
  }
  std::bitset<65536> seen;
  Count count;
};

struct ThresholdCount {
  std::uint32_t count = 0, seconds = 0;
  Timestamp since = 0, acting_since = 0;
  std::uint64_t next = 0;
  std::unique_ptr<PortMap> ports;
};

struct FlowMemory : protocol::Memory {
  std::vector<bool> bits;                              // by the number of the name
  std::vector<std::optional<std::uint32_t>> integers;  // the same
  std::map<std::string, std::string> variables;
  bool was_seen[2] = {false, false};  // a packet of the side was looked at
  // What was known of the application at the last packet.
  const protocol::Protocol* known[3] = {nullptr, nullptr, nullptr};
  bool had_failed = false;
  bool was_found[2] = {false, false};
  // Of TCP: how far the stream was looked at.
  std::uint64_t looked_at[2] = {0, 0};
  std::uint64_t frame_start[2] = {0, 0};  // where the last transaction of the side had ended
  std::uint64_t completed[2] = {0, 0};    // transactions of the side that were whole when it was
  // Of thresholds that are tracked by flow.
  std::map<std::uint64_t, ThresholdCount> counts;
  std::uint32_t stores_files[2] = {0, 0};  // the rule that asked to store all files of the side
  bool accepted_by_firewall = false, dropped_by_firewall = false, passed_by_firewall = false;
  std::vector<std::pair<std::string, double>> entropies;
  std::vector<Tagged> tags;  // until when this flow is logged
};

// How far a rule has got with a transaction.
struct RuleProgress {
  std::uint32_t rule = 0;
  std::uint32_t found = 0;  // a bit for each check and condition, see kMostParts
  bool is_done = false;     // it matched, or can't any more
  bool has_matched = false, was_told = false;
  std::uint16_t next_file = 0;  // files before it matched already
};

struct TransactionMemory : protocol::Memory {
  struct OfSide {
    std::vector<RuleProgress> rules;                // in the order of their rules
    std::map<std::uint32_t, std::string> contexts;  // by rule
    std::vector<std::uint32_t> wanted;              // rules that the search has named and that are not done
    std::vector<std::uint64_t> scanned;             // by buffer: what was searched, to not search it again
    std::size_t files = 0;                          // of the side that were there
    std::uint64_t state = 0;                        // of the transaction when it was looked at last
    bool is_done = false;
    int firewall_step = 0;  // steps before it are accepted
    bool firewall_accepted = false;
  };
  OfSide sides[2];
  std::vector<RuleProgress> both;      // of rules with =>
  std::map<std::uint64_t, bool> bits;  // xbits of the transaction
};

inline RuleProgress* find_progress(std::vector<RuleProgress>& all, std::uint32_t rule) {
  const auto found = std::ranges::lower_bound(all, rule, {}, &RuleProgress::rule);
  return found == all.end() || found->rule != rule ? nullptr : &*found;
}

// One that is not there yet. Rules are judged in their order, so as a rule it becomes the last.
inline RuleProgress& add_progress(std::vector<RuleProgress>& all, std::uint32_t rule) {
  const auto place =
      all.empty() || all.back().rule < rule ? all.end() : std::ranges::lower_bound(all, rule, {}, &RuleProgress::rule);
  RuleProgress made;
  made.rule = rule;
  return *all.insert(place, made);
}

}  // namespace tocsin::match
