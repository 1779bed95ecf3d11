// Rules made ready: everything that has a name is a number from here on.
#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/options.h"
#include "match/evaluate.h"
#include "match/transforms.h"
#include "packet/packet.h"
#include "protocol/transaction.h"
#include "rules/parser.h"

namespace tocsin::match {

struct PacketContext;  // match/conditions.h

enum class Where : std::uint8_t { kPayload, kPacketBuffer, kField, kFileData, kFileName, kFileMagic, kFrame };

enum class PacketBuffer : std::uint8_t {
  kEthernet,
  kIpV4,
  kIpV6,
  kTcp,
  kUdp,
  kIcmpV4,
  kIcmpV6,
  kIgmp,
  kSctp,
  kSctpData,
  kSource,
  kTarget,
  kOther
};

// A buffer with its transforms, as several rules look at it.
struct Buffer {
  Where where = Where::kPayload;
  PacketBuffer packet_buffer = PacketBuffer::kOther;
  int field = -1;  // into Compiled::fields
  bool may_repeat = true;
  std::string argument;  // of frames
  Changes changes;
};

// What one rule looks for in one buffer.
struct Check {
  int buffer = -1;  // into Compiled::buffers
  rules::Side side = rules::Side::kEither;
  Program program;
  bool asks_absent = false, absent_suffices = false;  // absent; absent: or_else
};

using PacketTest = bool (*)(const rules::Condition& condition, const PacketContext& context);
struct PacketCondition {
  const rules::Condition* condition = nullptr;
  PacketTest test = nullptr;
};

// A condition on a transaction, with the number of its field by protocol.
struct TransactionCondition {
  enum class Kind : std::uint8_t { kNumber, kWord, kEvent, kFile };
  Kind kind = Kind::kNumber;
  const rules::Condition* condition = nullptr;
  int field = -1;
  rules::Side side = rules::Side::kEither;
  std::shared_ptr<Outside> list;  // of hashes
};

// A bit of flowbits and the like: names are numbers.
struct StateCondition {
  const rules::State* state = nullptr;
  std::vector<int> names;
  int other = -1;
  bool asks() const;
};

enum class RuleType : std::uint8_t {
  kIpOnly,
  kLikeIpOnly,
  kProtocolOnly,  // app-layer-protocol and nothing that would bind it to a packet
  kEventOnly,
  kPacket,
  kPacketStream,
  kStream,
  kApplication,
  kTransaction
};

// Checks and conditions on a transaction of one rule: what was found of them is kept in as many bits.
inline constexpr std::size_t kMostParts = 32;

struct CompiledRule {
  const rules::Rule* rule = nullptr;
  std::uint32_t number = 0;  // in the order in which rules are judged
  RuleType type = RuleType::kPacket;
  bool is_firewall = false;
  std::bitset<256> protocols;  // above IP
  bool any_protocol = true;
  std::uint8_t ip_version = 0;  // 0: any
  bool of_arp = false, of_ethernet = false;
  bool is_both_ways = false;  // "<>"
  rules::Side side = rules::Side::kEither;
  bool needs_flow = false, needs_payload = false, needs_real_packet = false;
  bool on_packet = true, on_stream = false;  // where its payload is looked at
  bool is_transactional = false;             // "=>"

  std::vector<Check> packet_checks, transaction_checks;
  std::vector<PacketCondition> packet_conditions;
  std::vector<TransactionCondition> transaction_conditions;
  std::vector<StateCondition> asks, sets;
  bool of_transaction() const { return type == RuleType::kTransaction; }
  // Of a transaction's rule: it asks for what may change though the transaction does not.
  bool looks_at_packet() const { return !packet_checks.empty() || !packet_conditions.empty() || !asks.empty(); }
  // Its hook: the side and the number of the step, resolved by protocol.
  std::map<const protocol::Protocol*, std::pair<protocol::Side, int>> hooks;
  std::string hook;  // of packets: "packet_filter" ("all"), "flow_start", "pre_flow", "pre_stream"

  // What is searched before the rule is looked at; null: it is always looked at.
  const rules::Content* fast = nullptr;
  int fast_buffer = -1;
  rules::Side fast_side = rules::Side::kEither;
};

// What of a content is searched: NULs at the beginning are left out, since Vectorscan takes what begins with one for
// empty. Empty: it can't be searched.
std::string_view fast_bytes(const rules::Content& content);

struct Field {
  std::string keyword;
  std::vector<int> numbers;  // by the index of the protocol
};

struct Compiled {
  std::vector<std::unique_ptr<CompiledRule>> rules;  // in the order in which they are judged
  std::vector<Buffer> buffers;
  std::vector<Field> fields;
  std::vector<std::string> bit_names[3], integer_names;  // flow, address, host
  std::vector<rules::Fault> faults;
  bool looks_at_packet = false;  // some rule of transactions does
  std::uint64_t loaded = 0, failed = 0, skipped = 0;
};

// What compiling asks of the rest: sets, lists, scripts and countries.
struct Resources {
  virtual ~Resources() = default;
  virtual Expected<std::shared_ptr<Outside>> outside(const rules::Match& match, const rules::Rule& rule) = 0;
  virtual Expected<std::shared_ptr<Outside>> hash_list(const rules::FileCondition& condition,
                                                       const rules::Rule& rule) = 0;
  virtual bool has_countries() const = 0;
  virtual void save() = 0;
};

Compiled compile(const rules::RuleSet& set, const rules::RuleSet* firewall_rules, const Options& options,
                 Resources& resources, std::span<const protocol::Protocol* const> protocols);

// Null: the condition is none of packets.
PacketTest packet_test(const rules::Condition& condition);
// The applications that rules mean when they mean this protocol.
rules::Applications applications_of(const protocol::Protocol& protocol);

}  // namespace tocsin::match
