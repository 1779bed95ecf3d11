// Rules against packets, streams and transactions.
//
// All contents that decide are searched at once (Vectorscan, a database for each protocol, direction and buffer); only
// rules whose content was found, and those without any, are looked at whole. What a rule remembers of a flow stays with
// the flow; what it remembers across flows is shared by all inspectors of the same rules, and changed in turn
// (base/turns.h), so that its answer does not depend on how flows are shared among workers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/options.h"
#include "packet/packet.h"
#include "protocol/transaction.h"
#include "rules/parser.h"
#include "stream/streams.h"

namespace tocsin::match {

struct Alert {
  const rules::Rule* rule = nullptr;
  rules::Action action = rules::Action::kAlert;  // after thresholds and rate filters
  const protocol::Transaction* transaction = nullptr;
  bool is_of_stream = false;  // found in the stream, not in the packet's own payload
  bool is_of_state = false;   // found in the application's transactions
  std::string_view frame;
  bool is_suppressed = false;  // counted, not told
  bool is_transaction_guessed = false;
  std::string context;  // members of EVE's alert.context, of datasets with JSON
};

// What rules keep with a flow, for logs.
struct FlowVariables {
  std::vector<std::string> bits;
  std::vector<std::pair<std::string, std::uint64_t>> integers;
  std::vector<std::pair<std::string, std::string>> variables;
  std::vector<std::pair<std::string, double>> entropies;  // by buffer
};

// What rules said of one packet, in the order in which it is told.
struct Inspection {
  std::vector<Alert> alerts;
  enum class Verdict : std::uint8_t { kNone, kAlert, kPass, kDrop, kReject, kAccept } verdict = Verdict::kNone;
  bool drop_flow = false, pass_flow = false, accept_flow = false;
  bool is_tagged = false;        // by the keyword tag
  std::string_view drop_reason;  // "rules", "threshold detection_filter", "firewall default app policy" ...
  // Variables that rules kept (pktvars), and what rules set for logs.
  std::vector<std::pair<std::string, std::string>> packet_variables;
  void clear() { *this = {}; }
};

// Code of the country of an address at a time, in any case; empty: unknown.
using CountryOf = std::function<std::string(const IpAddress&, Timestamp)>;

class Inspector {
 public:
  // firewall_rules: of Suricata 8's firewall mode; null: none. Files that rules name (datasets, scripts, reputation)
  // are looked for beside the rule's file, then in options' default-rule-path. What can't run is told in faults():
  // without country_of, rules with geoip.
  Inspector(std::shared_ptr<const rules::RuleSet> rules, const Options& options,
            std::shared_ptr<const rules::RuleSet> firewall_rules = nullptr,
            std::span<const protocol::Protocol* const> protocols = protocol::protocols(), CountryOf country_of = {});
  ~Inspector();
  // Another for the flows of another thread, by the same rules.
  std::unique_ptr<Inspector> beside() const;

  void inspect(const packet::Packet& packet, const stream::Followed& followed, Inspection& out);
  // Whether a rule says that the packet shall belong to no flow (config: tracking disable).
  bool is_untracked(const packet::Packet& packet);
  // The flow goes: flowbits and the like of it are let go with it; datasets are saved by finish().
  void finish();

  // Why packets of a flow that was dropped are dropped: "flow drop", "firewall flow drop".
  std::string_view drop_reason_of(const stream::Flow& flow) const;
  FlowVariables variables_of(const stream::Flow& flow) const;

  std::vector<rules::Fault> faults() const;
  // Of Suricata's stats: "detect.alert", "detect.alerts_suppressed", "detect.engines.0.rules_loaded" ...
  // Those of inspectors beside each other are to be added up.
  const std::map<std::string, std::uint64_t, std::less<>>& counters() const;

  struct Shared;  // match/state.h
  struct State;

 private:
  explicit Inspector(std::shared_ptr<Shared> shared);
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::match
