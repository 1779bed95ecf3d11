// What a rule asks of packets, flows and transactions beside the bytes of buffers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rules/comparison.h"
#include "rules/match.h"

namespace tocsin::rules {

// Which of several numbers of a transaction are asked, and whether as many of them as must be are.
// https://docs.suricata.io/en/latest/rules/integer-keywords.html, "Multi-integers".
struct Several {
  enum class How : std::uint8_t {
    kAny,
    kAnyOrAbsent,
    kAll,
    kAllOrAbsent,
    kTimes,        // as often as `times` says
    kAt,           // the one at `index`
    kAtOrOutside,  // or there is none
    kCount         // how many there are, whatever they are
  };
  How how = How::kAny;
  Comparison times;
  std::int64_t index = 0;  // below nought: from the end
  bool has_slice = false;  // only those from `first` to before `last` are asked
  std::int64_t first = 0, last = 0;
  // Whether all numbers must be known before it can be said.
  bool waits() const { return how != How::kAny && !(how == How::kAt && index >= 0 && !has_slice); }
};

// A field with a number: ttl, itype, dns.opcode, flow.age and so on.
struct NumberCondition {
  std::string_view field;  // the keyword's name
  Comparison comparison;
  // Of flow.pkts and filesize the direction, of urilen "raw" or "norm"; of vlan.id "any", "all", or a place.
  std::string which;
  std::string symbol;  // the name that the rule has instead of the number, where the table of numbers has none
  bool negated = false;
  Several several = {};  // of a field that a transaction may have several times
};

// A field of bits: tcp.flags, fragbits.
struct BitsCondition {
  enum class How : std::uint8_t { kExactly, kAll, kAny, kNone };
  std::string_view field;
  How how = How::kExactly;
  std::uint32_t bits = 0, ignored = 0;
};

// Anything that is one of several words: ipopts, ftpdata_command, tls.version, app-layer-protocol.
struct WordCondition {
  std::string_view field;
  std::vector<std::string> words;
  bool negated = false;
  std::string mode;
};

// An event of the decoder, the stream or an application protocol.
struct EventCondition {
  std::string_view source;  // the keyword's name
  std::string event;
};

struct StreamSize {
  std::string direction;  // client, server, both, either
  Comparison size;
};

struct Geography {
  std::string of = "both";  // src, dst, both, any
  std::vector<std::string> countries;
  bool negated = false;
};

struct IpReputation {
  std::string of, category;
  Comparison score;
};

struct FileCondition {
  std::string_view field;
  std::string text;
  bool negated = false;
};

struct FileStore {
  std::string direction, scope;
};

using Condition = std::variant<NumberCondition, BitsCondition, WordCondition, EventCondition, StreamSize, Geography,
                               IpReputation, FileCondition, FileStore>;

struct FlowCondition {
  enum class State : std::uint8_t { kAny, kEstablished, kNotEstablished, kStateless };
  enum class Packets : std::uint8_t { kAny, kOnlyStream, kNoStream };
  enum class Fragments : std::uint8_t { kAny, kOnly, kNone };
  State state = State::kAny;
  Side side = Side::kEither;
  Packets packets = Packets::kAny;
  Fragments fragments = Fragments::kAny;
};

// flowbits, xbits, hostbits: a name that rules set and ask.
struct BitState {
  enum class Store : std::uint8_t { kFlow, kAddress, kHost };
  enum class Command : std::uint8_t { kSet, kUnset, kToggle, kIsSet, kIsNotSet };
  Store store = Store::kFlow;
  Command command = Command::kIsSet;
  std::vector<std::string> names;  // several: any of them
  std::string track;               // ip_src, ip_dst, ip_pair, tx; of hosts: src, dst, both
  std::uint32_t expire = 0;        // seconds; 0: the default
};

struct FlowInteger {
  enum class Command : std::uint8_t {
    kSet,
    kAdd,
    kSubtract,
    kEqual,
    kNotEqual,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual,
    kIsSet,
    kIsNotSet
  };
  std::string name, other;  // other: the name of another, instead of a number
  Command command = Command::kIsSet;
  std::uint32_t number = 0;
};

using State = std::variant<BitState, FlowInteger>;

struct Threshold {
  enum class Type : std::uint8_t { kLimit, kThreshold, kBoth, kBackoff, kDetectionFilter };
  Type type = Type::kLimit;
  std::string track;  // by_src, by_dst, by_both, by_rule, by_flow
  std::uint32_t count = 0, seconds = 0, multiplier = 0;
  std::optional<std::string> unique_on;
};

struct Tag {
  std::string what = "session";  // or host
  std::uint32_t count = 0;
  std::string metric, direction;
};

}  // namespace tocsin::rules
