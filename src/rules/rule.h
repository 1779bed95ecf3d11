// One rule of the Suricata language, understood. https://docs.suricata.io/en/latest/rules/intro.html
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rules/address.h"
#include "rules/condition.h"
#include "rules/match.h"
#include "rules/protocol.h"

namespace tocsin::rules {

enum class Action : std::uint8_t {
  kAlert,
  kPass,
  kDrop,
  kReject,
  kRejectSource,
  kRejectTarget,
  kRejectBoth,
  kConfig,
  kAccept
};
constexpr bool is_reject(Action action) {
  return action == Action::kReject || action == Action::kRejectSource || action == Action::kRejectTarget ||
         action == Action::kRejectBoth;
}
constexpr bool drops(Action action) { return action == Action::kDrop || is_reject(action); }
enum class Direction : std::uint8_t { kForward, kBoth, kTransaction };  // "->", "<>", "=>"

struct Reference {
  std::string kind, text;
};

struct Metadata {
  std::uint32_t sid = 0, gid = 1, rev = 0;
  std::string message, class_type;
  std::optional<std::uint32_t> priority;
  std::vector<Reference> references;
  std::vector<std::pair<std::string, std::string>> pairs;  // of the keyword metadata
  std::string target;                                      // src_ip or dest_ip
};

struct Rule {
  std::string file;
  std::uint32_t line = 0;

  Action action = Action::kAlert;
  std::vector<Action> further_actions;  // "accept:hook,alert"
  std::string action_scope;             // packet, flow, tx, hook; empty: the default
  std::string pass_scope;               // of the further action pass: of what detection rules are not asked
  Protocol protocol;
  AddressSet source, target;
  PortSet source_ports, target_ports;
  Direction direction = Direction::kForward;

  std::vector<std::string> variables;  // what byte_extract and byte_math name
  std::vector<BufferMatches> buffers;
  std::vector<Condition> conditions;
  FlowCondition flow;
  std::vector<State> states;
  std::optional<Threshold> threshold;
  std::vector<Tag> tags;
  std::vector<std::string> requirements;
  // The keyword config: what of a transaction or packet is not done.
  enum class Configuration : std::uint8_t { kNone, kTransactionIsNotLogged, kPacketHasNoFlow };
  Configuration configuration = Configuration::kNone;

  bool asks_alert = false;  // alert, of rules whose action says none
  bool no_alert = false, same_ip = false, bypass = false, prefilter = false;
  Metadata metadata;
};

}  // namespace tocsin::rules
