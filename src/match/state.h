// All of an inspector: what rules were made into and what they remember, and the memory that a packet is judged in.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "match/candidates.h"
#include "match/compiled.h"
#include "match/conditions.h"
#include "match/firewall.h"
#include "match/inspector.h"
#include "match/memory.h"
#include "match/reputation.h"
#include "match/states.h"
#include "match/tags.h"
#include "match/thresholds.h"

namespace tocsin::match {

// A buffer as it is now, its transforms done.
struct Instance {
  protocol::Presence presence = protocol::Presence::kAbsent;
  View view;
};

// Of all inspectors of the same rules. What packets change is changed in turn.
struct Inspector::Shared {
  Shared(std::shared_ptr<const rules::RuleSet> set, const Options& given,
         std::shared_ptr<const rules::RuleSet> firewall_set, std::span<const protocol::Protocol* const> all,
         CountryOf countries);

  std::shared_ptr<const rules::RuleSet> rules, firewall_rules;
  Options options;
  std::span<const protocol::Protocol* const> protocols;
  CountryOf country_of;
  std::vector<rules::Fault> faults;
  std::unique_ptr<Resources> resources;
  Compiled compiled;
  std::unique_ptr<Candidates> candidates;
  std::vector<const CompiledRule*> untracking;  // rules that take packets out of flows
  std::unique_ptr<Firewall> firewall;
  std::unique_ptr<Thresholds> thresholds;
  Reputation reputation;
  States states;
  Tags tags;
  std::uint64_t port_bytes = 0;                   // of thresholds, at the last packet that was alerted on
  std::vector<rules::Applications> applications;  // by protocol
  bool is_inline = false;
  std::size_t most_alerts = 15;
  std::uint64_t chunk[2] = {2560, 2560};
};

struct Inspector::State {
  State(std::shared_ptr<Shared> of_all, bool is_original);

  void inspect(const packet::Packet& packet, const stream::Followed& followed, Inspection& out);

  // One packet: what is known while it is judged.
  struct Now {
    const packet::Packet* packet = nullptr;
    const stream::Followed* followed = nullptr;
    stream::Flow* flow = nullptr;
    FlowMemory* memory = nullptr;
    PacketContext context;
    Side side = Side::kToServer;
    rules::Applications applications = 0;  // of the flow's protocol; 0: none is known
    int protocol = -1;                     // its place in protocols
    bool has_stream = false;               // there are bytes of the stream to look at
    View stream;
    bool is_dropped = false, is_accepted = false;  // by the firewall
    bool is_passed = false;                        // by the firewall: detection rules are not asked
    Inspection* out = nullptr;
  };
  struct Pending {
    const CompiledRule* rule = nullptr;
    const protocol::Transaction* transaction = nullptr;
    bool of_stream = false, of_state = false;
    std::string context;
    bool is_judged = false;  // what it does is done
  };

  // inspect_packet.cc
  void start(const packet::Packet& packet, const stream::Followed& followed, Inspection& out);
  void look_at_stream();
  bool holds_header(const CompiledRule& rule) const;
  bool holds_flow(const CompiledRule& rule) const;
  bool holds_conditions(const CompiledRule& rule, TransactionMemory* transaction);
  bool holds_packet_checks(const CompiledRule& rule, bool& of_stream);
  bool holds_sctp_data(const Check& check, const Buffer& buffer);
  bool judge_packet(const CompiledRule& rule, bool& of_stream);
  void judge_packets();
  // A buffer of the packet in hand, its transforms done; made once.
  Bytes packet_buffer(int number);
  void matched(const CompiledRule& rule, protocol::Transaction* transaction, TransactionMemory* memory, bool of_stream);

  // inspect_transaction.cc
  void judge_transactions();
  void judge_transaction(protocol::Transaction& transaction);
  enum class Answer : std::uint8_t { kNo, kNever, kYes };
  Answer judge_rule(const CompiledRule& rule, protocol::Transaction& transaction, TransactionMemory& memory);
  Answer holds_check(const Check& check, const protocol::Transaction& transaction, Side side);
  void store_files(const rules::FileStore& store, std::uint32_t sid, const protocol::Transaction& transaction,
                   protocol::File& matched_file);
  void keep_entropy(int buffer);
  Answer holds_condition(const TransactionCondition& condition, const protocol::Transaction& transaction, Side side);
  // next: the first file of the side that may match; behind the one that did.
  Answer holds_file(const CompiledRule& rule, const protocol::Transaction& transaction, Side side, std::uint16_t& next);
  void look_for_files(const protocol::Transaction& transaction, TransactionMemory::OfSide& memory);
  const std::vector<Instance>& instances(int buffer, const protocol::Transaction& transaction, Side side);
  Instance instance(const Buffer& buffer, const protocol::Transaction& transaction, Side side, std::size_t index) const;
  Instance frame(std::string_view name, const protocol::Transaction& transaction, Side side, std::size_t index) const;
  void search_buffers(const protocol::Transaction& transaction, TransactionMemory::OfSide& memory);

  // inspect_firewall.cc
  bool may_act(const CompiledRule& rule);
  void drop_by_firewall(rules::Action action, const std::string& scope, std::string_view reason);
  void accept_flow();
  void pass(const CompiledRule& rule);
  void tell_policy(const Policy& policy, const protocol::Transaction* transaction);
  void filter_packet(Firewall::Table table);
  bool apply_policy(const protocol::Transaction& transaction, TransactionMemory::OfSide& memory, int step);
  void filter_transaction(protocol::Transaction& transaction, TransactionMemory& memory);

  // finish_packet.cc
  void finish_packet();

  std::shared_ptr<Shared> shared;
  const std::span<const protocol::Protocol* const> protocols;
  const CountryOf& country_of;
  const Compiled& compiled;
  const Candidates* candidates;
  const Firewall* firewall;
  Thresholds* thresholds;
  const Reputation& reputation;
  States& states;
  Tags& tags;
  const std::vector<rules::Applications>& applications;
  const bool is_inline, is_original;
  const std::size_t most_alerts;
  const std::uint64_t chunk[2];
  Evaluator evaluator;
  SearchMemory search_memory;
  mutable std::map<std::string, std::uint64_t, std::less<>> counters;

  Now now;
  std::vector<std::uint32_t> named;  // rules to look at
  std::vector<Pending> pending;
  // Buffers of the transaction that is judged, made once.
  struct Made {
    std::uint64_t when = 0;
    std::vector<Instance> instances;
    std::vector<std::string> bytes;  // of transforms
  };
  std::vector<Made> made[2];
  // The same of the packet's own buffers.
  struct Changed {
    std::uint64_t when = 0;
    std::string bytes;
  };
  std::vector<Changed> changed;
  std::uint64_t packets = 0;  // that were looked at
  std::uint64_t turn = 0;     // a new one for each transaction that is judged
};

}  // namespace tocsin::match
