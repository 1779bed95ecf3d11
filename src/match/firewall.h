// Firewall rules: what is not accepted is dropped.
// https://docs.suricata.io/en/latest/firewall/firewall-design.html
//
// A packet passes tables in order: pre_flow, pre_stream, packet:filter, then for each transaction the rules of its
// steps. In each, the first rule that matches decides; if none does, the table's default policy. Rules for detection
// are judged on what is not dropped.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "match/compiled.h"

namespace tocsin::match {

using protocol::Side;

struct Policy {
  rules::Action action = rules::Action::kDrop;
  std::string scope = "packet";
  bool tells = false;
  std::unique_ptr<rules::Rule> text;  // what an alert of it is of
  CompiledRule rule;
};

class Firewall {
 public:
  Firewall(const Compiled& compiled, const Options& options, std::span<const protocol::Protocol* const> protocols,
           bool is_on);

  bool is_on() const { return is_on_; }
  enum class Table : std::uint8_t { kPreFlow, kPreStream, kFilter };
  const std::vector<const CompiledRule*>& rules(Table table) const { return packets_[static_cast<int>(table)]; }
  const Policy& policy(Table table) const { return *packet_policies_[static_cast<std::size_t>(table)]; }
  // Of a step of a protocol's side.
  const std::vector<const CompiledRule*>& rules(int protocol, Side side, int step) const;
  const Policy& policy(int protocol, Side side, int step) const;

 private:
  struct Step {
    std::vector<const CompiledRule*> rules;
    std::unique_ptr<Policy> policy;
  };
  using Key = std::tuple<int, Side, int>;
  std::unique_ptr<Policy> read_policy(const Options& options, const std::string& name, rules::Action action,
                                      const std::string& scope, bool of_application) const;

  bool is_on_;
  std::vector<const CompiledRule*> packets_[3];
  std::vector<std::unique_ptr<Policy>> packet_policies_;
  void accept_before(const CompiledRule& rule, const protocol::Protocol* protocol, const Key& place);

  std::map<Key, Step> steps_;
  std::vector<std::unique_ptr<Policy>> accepted_before_;
  std::unique_ptr<Policy> other_;
};

}  // namespace tocsin::match
