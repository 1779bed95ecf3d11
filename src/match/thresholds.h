// How often a rule speaks: threshold, detection_filter, and the lines of threshold.config.
// https://docs.suricata.io/en/latest/configuration/global-thresholds.html
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/keyed_hash.h"
#include "base/options.h"
#include "match/memory.h"
#include "rules/config_files.h"

namespace tocsin::match {

class Thresholds {
 public:
  // The file is options' threshold-file.
  Thresholds(const Compiled& compiled, const Options& options, std::vector<rules::Fault>& faults);

  // kSilent: nothing is told, but what the rule does to the packet is done.
  enum class Answer : std::uint8_t { kNo, kTell, kSilent };
  struct Judged {
    Answer answer = Answer::kTell;
    std::optional<rules::Action> action;  // of a rate filter
  };
  bool counts_ports() const { return counts_ports_; }
  // Of maps of ports.
  std::uint64_t port_bytes() const { return *port_maps_ * sizeof(PortMap::seen); }
  Judged judge(const CompiledRule& rule, const packet::Packet& packet, FlowMemory* flow);

 private:
  struct Limit {
    rules::ThresholdLine line;
    bool is_in_rule = false;
    std::uint64_t number = 0;
  };
  struct Key {
    std::uint64_t limit = 0;  // and the rule
    IpAddress one, other;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct HashOfKey {
    KeyedHash keyed;
    std::size_t operator()(const Key& key) const { return keyed(keyed(key.one) + key.limit, keyed(key.other)); }
  };
  using Entry = ThresholdCount;
  Entry& entry(const Limit& limit, const packet::Packet& packet, FlowMemory* flow, bool& is_new);
  Answer count(const Limit& limit, Entry& entry, bool is_new, const packet::Packet& packet) const;
  bool is_acting(const Limit& limit, Entry& entry, bool is_new, Timestamp now) const;

  std::vector<std::vector<Limit>> suppressions_, limits_;  // by rule
  bool counts_ports_ = false;
  PortMap::Count port_maps_ = std::make_shared<std::atomic<std::size_t>>(0);  // that there are
  std::unordered_map<Key, Entry, HashOfKey> entries_;
  std::size_t since_sweep_ = 0;  // entries made since those whose time was over went
};

}  // namespace tocsin::match
