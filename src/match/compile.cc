#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "match/compiled.h"
#include "match/order.h"
#include "rules/builder.h"
#include "rules/requirements.h"

namespace tocsin::match {
namespace {

using rules::Side;

constexpr std::pair<std::string_view, PacketBuffer> kPacketBuffers[] = {
    {"ether.hdr", PacketBuffer::kEthernet}, {"ipv4.hdr", PacketBuffer::kIpV4},
    {"ipv6.hdr", PacketBuffer::kIpV6},      {"tcp.hdr", PacketBuffer::kTcp},
    {"udp.hdr", PacketBuffer::kUdp},        {"icmpv4.hdr", PacketBuffer::kIcmpV4},
    {"icmpv6.hdr", PacketBuffer::kIcmpV6},  {"igmp.hdr", PacketBuffer::kIgmp},
    {"sctp.hdr", PacketBuffer::kSctp},      {"ip.src", PacketBuffer::kSource},
    {"ip.dst", PacketBuffer::kTarget},      {"sctp.chunk_data", PacketBuffer::kSctpData},
};

bool is_relative(const rules::Match& match) {
  if (const auto* one = std::get_if<rules::Content>(&match)) return one->is_relative();
  if (const auto* one = std::get_if<rules::Pcre>(&match)) return one->relative;
  if (const auto* one = std::get_if<rules::ByteTest>(&match)) return one->source.relative;
  if (const auto* one = std::get_if<rules::ByteJump>(&match)) return one->source.relative;
  if (const auto* one = std::get_if<rules::ByteExtract>(&match)) return one->source.relative;
  if (const auto* one = std::get_if<rules::ByteMath>(&match)) return one->source.relative;
  if (const auto* one = std::get_if<rules::IsDataAt>(&match)) return one->relative;
  if (const auto* one = std::get_if<rules::Base64Decode>(&match)) return one->relative;
  return false;
}

void mark_relative(Program& program) {
  for (std::size_t i = 1; i < program.size(); ++i) {
    if (!is_relative(*program[i].match)) continue;
    for (std::size_t k = i; k-- > 0;) {
      if (!std::holds_alternative<rules::Content>(*program[k].match) &&
          !std::holds_alternative<rules::Pcre>(*program[k].match))
        continue;
      program[k].next_is_relative = true;
      break;
    }
  }
}

std::bitset<256> numbers_of(const rules::Rule& rule, bool& any) {
  std::bitset<256> set;
  any = false;
  using rules::Transport;
  switch (rule.protocol.transport) {
    case Transport::kTcp:
    case Transport::kTcpPacket:
    case Transport::kTcpStream:
      set.set(packet::kTcp);
      break;
    case Transport::kUdp:
      set.set(packet::kUdp);
      break;
    case Transport::kIcmp:
      set.set(packet::kIcmp);
      set.set(packet::kIcmpV6);
      break;
    case Transport::kIcmpV4:
      set.set(packet::kIcmp);
      break;
    case Transport::kIcmpV6:
      set.set(packet::kIcmpV6);
      break;
    case Transport::kSctp:
      set.set(packet::kSctp);
      break;
    case Transport::kIgmp:
      set.set(packet::kIgmp);
      break;
    case Transport::kOther:
      set.set(rule.protocol.number);
      break;
    default:
      any = true;
  }
  if (rule.protocol.is_application) {
    any = false;
    set.set(packet::kTcp);
    set.set(packet::kUdp);
  }
  return set;
}

class Compiler {
 public:
  Compiler(Compiled& out, const Options& options, Resources& resources, std::span<const protocol::Protocol* const> all)
      : out_(out),
        resources_(resources),
        protocols_(all),
        match_limit_(static_cast<std::uint32_t>(options.number("pcre.match-limit", 3500))),
        recursion_limit_(static_cast<std::uint32_t>(options.number("pcre.match-limit-recursion", 1500))) {}

  Expected<std::unique_ptr<CompiledRule>> compile(const rules::Rule& rule, bool is_firewall) {
    auto made = std::make_unique<CompiledRule>();
    made->rule = &rule;
    made->is_firewall = is_firewall;
    if (const auto done = header(*made); !done) return std::unexpected(done.error());
    for (std::size_t i = 0; i < rule.buffers.size(); ++i) {
      if (const auto done = check(*made, i); !done) return std::unexpected(done.error());
    }
    for (const rules::Condition& condition : rule.conditions) {
      const std::size_t before = made->transaction_conditions.size();
      if (const auto done = add_condition(*made, condition); !done) return std::unexpected(done.error());
      if (made->transaction_conditions.size() == before) continue;
      const TransactionCondition& added = made->transaction_conditions.back();
      if (!is_told(rule, added))
        return failure(fmt::format("{} is not told by any protocol of the rule",
                                   out_.fields[static_cast<std::size_t>(added.field)].keyword));
    }
    const std::size_t parts =
        made->transaction_checks.size() + made->transaction_conditions.size() + (made->packet_checks.empty() ? 0 : 1);
    if (parts > kMostParts) return failure(fmt::format("more than {} buffers and conditions", kMostParts));
    for (const rules::State& state : rule.states) add_state(*made, state);
    if (const auto done = hook(*made); !done) return std::unexpected(done.error());
    classify(*made);
    choose_fast(*made);
    return made;
  }

 private:
  Expected<void> header(CompiledRule& made) {
    const rules::Rule& rule = *made.rule;
    made.protocols = numbers_of(rule, made.any_protocol);
    made.is_both_ways = rule.direction == rules::Direction::kBoth;
    made.is_transactional = rule.direction == rules::Direction::kTransaction;
    made.side = rule.flow.side;
    using rules::Transport;
    const auto transport = rule.protocol.transport;
    if (transport == Transport::kIpV4 || transport == Transport::kIcmpV4) made.ip_version = 4;
    if (transport == Transport::kIpV6 || transport == Transport::kIcmpV6) made.ip_version = 6;
    made.of_arp = transport == Transport::kArp;
    made.of_ethernet = transport == Transport::kEthernet;
    return {};
  }

  Expected<Step> step(const rules::Match& match, const rules::Rule& rule) {
    Step made;
    made.match = &match;
    if (const auto* content = std::get_if<rules::Content>(&match)) {
      made.needle = Needle(content->bytes, content->ignore_case);
    } else if (const auto* pcre = std::get_if<rules::Pcre>(&match)) {
      auto pattern = Pattern::make(*pcre, match_limit_, recursion_limit_);
      if (!pattern) return std::unexpected(pattern.error());
      made.pattern = std::move(*pattern);
    } else if (std::holds_alternative<rules::DatasetMatch>(match) ||
               std::holds_alternative<rules::DataReputation>(match) ||
               std::holds_alternative<rules::LuaScript>(match)) {
      auto outside = resources_.outside(match, rule);
      if (!outside) return std::unexpected(outside.error());
      made.outside = std::move(*outside);
    }
    return made;
  }

  Expected<Program> program(const std::vector<rules::Match>& matches, const rules::Rule& rule) {
    Program made;
    for (const rules::Match& match : matches) {
      auto one = step(match, rule);
      if (!one) return std::unexpected(one.error());
      made.push_back(std::move(*one));
    }
    mark_relative(made);
    return made;
  }

  int buffer_of(const rules::BufferMatches& source, Buffer buffer) {
    std::string key = fmt::format("{}\n{}", source.buffer, source.argument);
    for (const rules::Transform& transform : source.transforms)
      key += fmt::format("\n{}\n{}", transform.name, transform.argument);
    const auto [found, is_new] = buffers_.try_emplace(std::move(key), static_cast<int>(out_.buffers.size()));
    if (is_new) out_.buffers.push_back(std::move(buffer));
    return found->second;
  }

  Expected<void> check(CompiledRule& made, std::size_t at) {
    const rules::Rule& rule = *made.rule;
    const rules::BufferMatches& source = rule.buffers[at];
    if (source.buffer == "base64_data") return {};  // stands with what decodes
    Buffer buffer;
    auto changes = make_changes(source.transforms);
    if (!changes) return std::unexpected(changes.error());
    buffer.changes = std::move(*changes);
    bool of_packet = false;
    const auto known =
        std::ranges::find(kPacketBuffers, source.buffer, &std::pair<std::string_view, PacketBuffer>::first);
    if (source.buffer == rules::kPayload) {
      of_packet = true;
    } else if (known != std::end(kPacketBuffers)) {
      buffer.where = Where::kPacketBuffer;
      buffer.may_repeat = false;
      buffer.packet_buffer = known->second;
      of_packet = true;
    } else {
      buffer.where = source.buffer == "file.data"    ? Where::kFileData
                     : source.buffer == "file.name"  ? Where::kFileName
                     : source.buffer == "file.magic" ? Where::kFileMagic
                     : source.buffer == "frame"      ? Where::kFrame
                                                     : Where::kField;
      const std::string keyword =
          buffer.where == Where::kFrame ? "frame:" + source.argument : std::string(source.buffer);
      buffer.field = field(keyword);
      buffer.argument = source.argument;
      buffer.may_repeat = !keyword.starts_with("http.") || keyword == "http.request_header" ||
                          keyword == "http.response_header" || keyword == "http.response_body";
    }
    Check one;
    one.side = source.side;
    auto steps = program(source.matches, rule);
    if (!steps) return std::unexpected(steps.error());
    one.program = std::move(*steps);
    for (Step& decoding : one.program) {
      if (const auto* absent = std::get_if<rules::Absent>(decoding.match))
        (absent->or_else ? one.absent_suffices : one.asks_absent) = true;
      if (!std::holds_alternative<rules::Base64Decode>(*decoding.match)) continue;
      for (const rules::BufferMatches& other : rule.buffers) {
        if (other.buffer != "base64_data") continue;
        auto inner = program(other.matches, rule);
        if (!inner) return std::unexpected(inner.error());
        for (Step& step_of : *inner) decoding.decoded.push_back(std::move(step_of));
      }
      mark_relative(decoding.decoded);
    }
    one.buffer = buffer_of(source, std::move(buffer));
    auto& place = of_packet ? made.packet_checks : made.transaction_checks;
    // A buffer that was opened again goes on where it was left, unless there may be several of it.
    const auto before = std::ranges::find_if(place, [&](const Check& other) { return other.buffer == one.buffer; });
    const bool goes_on = before != place.end() && !out_.buffers[static_cast<std::size_t>(one.buffer)].may_repeat &&
                         !one.asks_absent && !one.absent_suffices && !before->asks_absent && !before->absent_suffices;
    if (goes_on) {
      for (Step& step_of : one.program) before->program.push_back(std::move(step_of));
      mark_relative(before->program);
    } else {
      place.push_back(std::move(one));
    }
    return {};
  }

  // Whether a protocol that is read has the field; of rules of none that is, another sentence says it.
  bool is_told(const rules::Rule& rule, const TransactionCondition& condition) const {
    if (condition.field < 0) return true;
    const std::vector<int>& numbers = out_.fields[static_cast<std::size_t>(condition.field)].numbers;
    bool is_read = false;
    for (std::size_t i = 0; i < protocols_.size(); ++i) {
      if ((applications_of(*protocols_[i]) & rule.protocol.applications) == 0) continue;
      is_read = true;
      if (numbers[i] >= 0) return true;
    }
    return !is_read;
  }

  int field(std::string_view keyword) {
    const auto found = std::ranges::find(out_.fields, keyword, &Field::keyword);
    if (found != out_.fields.end()) return static_cast<int>(found - out_.fields.begin());
    Field made{std::string(keyword), {}};
    for (const protocol::Protocol* protocol : protocols_) made.numbers.push_back(protocol->field(keyword));
    out_.fields.push_back(std::move(made));
    return static_cast<int>(out_.fields.size()) - 1;
  }

  Expected<void> add_condition(CompiledRule& made, const rules::Condition& condition) {
    if (std::holds_alternative<rules::Geography>(condition) && !resources_.has_countries())
      return failure("geoip can't be asked: no table of countries is there");
    if (const PacketTest test = packet_test(condition)) {
      made.packet_conditions.push_back({&condition, test});
      return {};
    }
    TransactionCondition one;
    one.condition = &condition;
    if (const auto* number = std::get_if<rules::NumberCondition>(&condition)) {
      std::string_view keyword = number->field;
      if (keyword == "filesize") {
        one.kind = TransactionCondition::Kind::kFile;
      } else {
        if (keyword == "urilen") keyword = number->which == "raw" ? "http.uri.raw" : "http.uri";
        one.field = field(keyword);
        if (const rules::Keyword* known = rules::find_keyword(keyword)) one.side = known->side;
      }
    } else if (const auto* file = std::get_if<rules::FileCondition>(&condition)) {
      one.kind = TransactionCondition::Kind::kFile;
      if (file->field.starts_with("filemd5") || file->field.starts_with("filesha")) {
        auto list = resources_.hash_list(*file, *made.rule);
        if (!list) return std::unexpected(list.error());
        one.list = std::move(*list);
      }
    } else if (std::holds_alternative<rules::FileStore>(condition)) {
      one.kind = TransactionCondition::Kind::kFile;
    } else if (const auto* event = std::get_if<rules::EventCondition>(&condition)) {
      one.kind = TransactionCondition::Kind::kEvent;
      if (event->source != "app-layer-event") return failure(fmt::format("{} can't be asked", event->source));
    } else if (const auto* word = std::get_if<rules::WordCondition>(&condition)) {
      one.kind = TransactionCondition::Kind::kWord;
      const rules::Keyword* known = rules::find_keyword(word->field);
      if (known == nullptr || known->needs != rules::Needs::kTransaction)
        return failure(fmt::format("{} can't be asked", word->field));
      one.side = known->side;
      one.field = field(word->field);
    } else if (const auto* bits = std::get_if<rules::BitsCondition>(&condition)) {
      one.kind = TransactionCondition::Kind::kWord;
      one.field = field(bits->field);
    }
    made.transaction_conditions.push_back(std::move(one));
    return {};
  }

  int name_number(std::vector<std::string>& names, const std::string& name) {
    const auto found = std::ranges::find(names, name);
    if (found != names.end()) return static_cast<int>(found - names.begin());
    names.push_back(name);
    return static_cast<int>(names.size()) - 1;
  }

  void add_state(CompiledRule& made, const rules::State& state) {
    StateCondition one;
    one.state = &state;
    if (const auto* bits = std::get_if<rules::BitState>(&state)) {
      for (const std::string& name : bits->names)
        one.names.push_back(name_number(out_.bit_names[static_cast<int>(bits->store)], name));
    } else {
      const auto& integer = std::get<rules::FlowInteger>(state);
      one.names.push_back(name_number(out_.integer_names, integer.name));
      if (!integer.other.empty()) one.other = name_number(out_.integer_names, integer.other);
    }
    (one.asks() ? made.asks : made.sets).push_back(std::move(one));
  }

  Expected<void> hook(CompiledRule& made) {
    const std::string& name = made.rule->protocol.hook;
    if (name.empty()) return {};
    if (!made.rule->protocol.is_application) {
      made.hook = name;
      return {};
    }
    for (const protocol::Protocol* protocol : protocols_) {
      if ((applications_of(*protocol) & made.rule->protocol.applications) == 0) continue;
      for (const protocol::Side side : {protocol::Side::kToServer, protocol::Side::kToClient}) {
        const auto steps = protocol->steps(side);
        const auto found = std::ranges::find(steps, std::string_view(name));
        if (found != steps.end()) made.hooks.try_emplace(protocol, side, static_cast<int>(found - steps.begin()));
      }
    }
    if (made.hooks.empty()) return failure(fmt::format("no protocol has the hook '{}'", printable(name, 80)));
    if (made.side == Side::kEither)
      made.side = made.hooks.begin()->second.first == protocol::Side::kToServer ? Side::kToServer : Side::kToClient;
    return {};
  }

  // As Suricata's SignatureSetType does; what the type means is told where it is asked.
  void classify(CompiledRule& made) {
    const rules::Rule& rule = *made.rule;
    const auto& flow = rule.flow;
    const bool names_flow = flow.state != rules::FlowCondition::State::kAny || flow.side != Side::kEither ||
                            flow.packets != rules::FlowCondition::Packets::kAny ||
                            flow.fragments != rules::FlowCondition::Fragments::kAny;
    const bool is_application = rule.protocol.is_application || rule.protocol.applications != rules::kAllApplications;
    bool has_payload = false, has_packet_buffer = false;
    for (const Check& check : made.packet_checks) {
      const Where where = out_.buffers[static_cast<std::size_t>(check.buffer)].where;
      (where == Where::kPayload ? has_payload : has_packet_buffer) = true;
    }
    const bool has_transaction =
        !made.transaction_checks.empty() || !made.transaction_conditions.empty() || !made.hooks.empty();
    made.needs_flow = names_flow || is_application;
    for (const auto* states : {&made.asks, &made.sets}) {
      for (const StateCondition& state : *states) {
        const auto* bits = std::get_if<rules::BitState>(state.state);
        if (bits == nullptr || bits->store == rules::BitState::Store::kFlow) made.needs_flow = true;
      }
    }
    made.needs_payload = has_payload;
    places(made, has_payload);
    const auto all_conditions = [&](auto&& fits) { return std::ranges::all_of(made.packet_conditions, fits); };
    const auto of_reputation = [](const PacketCondition& one) {
      return std::holds_alternative<rules::IpReputation>(*one.condition);
    };
    const auto of_protocol = [](const PacketCondition& one) {
      const auto* word = std::get_if<rules::WordCondition>(one.condition);
      return word != nullptr && word->field == "app-layer-protocol";
    };
    const auto of_event = [](const PacketCondition& one) {
      const auto* event = std::get_if<rules::EventCondition>(one.condition);
      return event != nullptr && event->source != "app-layer-event";
    };
    const bool plain = made.hook.empty() && !is_application && !has_payload && !has_packet_buffer && !has_transaction;
    const bool only_side = flow.state == rules::FlowCondition::State::kAny &&
                           flow.packets == rules::FlowCondition::Packets::kAny &&
                           flow.fragments == rules::FlowCondition::Fragments::kAny;
    const bool sets_bits = std::ranges::all_of(rule.states, [](const rules::State& state) {
      const auto* bits = std::get_if<rules::BitState>(&state);
      return bits != nullptr &&
             (bits->store != rules::BitState::Store::kFlow || bits->command == rules::BitState::Command::kSet);
    });
    if (has_transaction) {
      made.type = RuleType::kTransaction;
    } else if (made.of_ethernet || made.of_arp) {
      made.type = RuleType::kPacket;
    } else if (plain && only_side && sets_bits && std::ranges::any_of(made.packet_conditions, of_protocol) &&
               all_conditions([&](const PacketCondition& one) { return of_protocol(one) || of_reputation(one); })) {
      made.type = RuleType::kProtocolOnly;
    } else if (plain && !names_flow && sets_bits && !rule.same_ip && all_conditions(of_reputation)) {
      // What leaves addresses out is judged on each packet, but what it does it does to the flow.
      made.type = rule.source.is_plain && rule.target.is_plain ? RuleType::kIpOnly : RuleType::kLikeIpOnly;
    } else if (plain && !made.packet_conditions.empty() && std::ranges::any_of(made.packet_conditions, of_event) &&
               all_conditions(of_event) && !names_flow && made.asks.empty() && made.sets.empty()) {
      made.type = RuleType::kEventOnly;
    } else if (has_packet_buffer) {
      made.type = RuleType::kPacket;
    } else if (has_payload) {
      made.type = !made.on_stream ? RuleType::kPacket : !made.on_packet ? RuleType::kStream : RuleType::kPacketStream;
    } else {
      made.type = !made.packet_conditions.empty() || names_flow || !made.asks.empty() || !is_application
                      ? RuleType::kPacket
                      : RuleType::kApplication;
    }
  }

  static bool is_of_packet(const rules::Condition& condition) {
    if (std::holds_alternative<rules::StreamSize>(condition)) return true;
    std::string_view name;
    if (const auto* number = std::get_if<rules::NumberCondition>(&condition)) name = number->field;
    if (const auto* bits = std::get_if<rules::BitsCondition>(&condition)) name = bits->field;
    if (const auto* word = std::get_if<rules::WordCondition>(&condition)) name = word->field;
    if (const auto* event = std::get_if<rules::EventCondition>(&condition)) name = event->source;
    const rules::Keyword* keyword = name.empty() ? nullptr : rules::find_keyword(name);
    return keyword != nullptr && keyword->needs == rules::Needs::kPacket;
  }

  // Where payload is looked at: in each packet, in the stream, or in both, which is so for contents with a place.
  void places(CompiledRule& made, bool has_payload) {
    const rules::Rule& rule = *made.rule;
    const bool of_tcp = made.any_protocol || made.protocols[packet::kTcp];
    using rules::Transport;
    bool only_packet = rule.protocol.transport == Transport::kTcpPacket ||
                       rule.flow.packets == rules::FlowCondition::Packets::kNoStream;
    const bool only_stream = rule.protocol.transport == Transport::kTcpStream ||
                             rule.flow.packets == rules::FlowCondition::Packets::kOnlyStream;
    // What is asked of a packet's headers is asked with that packet's payload.
    for (const PacketCondition& condition : made.packet_conditions) {
      only_packet = only_packet || is_of_packet(*condition.condition);
    }
    made.on_packet = true;
    if (!of_tcp || only_packet || !has_payload) {
      made.needs_real_packet = only_packet;
      return;
    }
    made.on_stream = true;
    made.on_packet = false;
    if (only_stream) return;
    for (const rules::BufferMatches& buffer : rule.buffers) {
      if (buffer.buffer != rules::kPayload) continue;
      for (const rules::Match& match : buffer.matches) {
        const auto* content = std::get_if<rules::Content>(&match);
        if (content != nullptr && (content->depth || content->offset || content->at_start)) made.on_packet = true;
        if (content != nullptr && content->replacement) made.on_packet = true;
      }
    }
  }

  void choose_fast(CompiledRule& made) {
    if (made.is_transactional || made.is_firewall || !made.hooks.empty()) return;
    std::size_t best = 0;
    const auto consider = [&](const Check& check, std::size_t weight) {
      const Buffer& buffer = out_.buffers[static_cast<std::size_t>(check.buffer)];
      const bool is_searched = buffer.where != Where::kPacketBuffer || buffer.packet_buffer != PacketBuffer::kSctpData;
      if (check.asks_absent || check.absent_suffices || !is_searched) return;
      for (const Step& step_of : check.program) {
        const auto* content = std::get_if<rules::Content>(step_of.match);
        if (content == nullptr || content->negated || fast_bytes(*content).empty()) continue;
        const std::size_t score = content->fast_pattern ? SIZE_MAX : strength(content->bytes) * 4 + weight;
        if (score <= best) continue;
        best = score;
        made.fast = content;
        made.fast_buffer = check.buffer;
        made.fast_side = check.side == Side::kEither ? made.side : check.side;
      }
    };
    for (const Check& check : made.transaction_checks) consider(check, 2);
    for (const Check& check : made.packet_checks) consider(check, 1);
  }

  // How much a content says: bytes that are common in text and protocols say less than others, repeated ones nothing.
  static std::size_t strength(std::string_view bytes) {
    std::bitset<256> seen;
    std::size_t score = 0;
    for (const char c : bytes) {
      const auto byte = static_cast<std::uint8_t>(c);
      if (seen[byte]) {
        ++score;
        continue;
      }
      seen.set(byte);
      score += byte == 0 || byte == 0xff || byte == ' ' ? 2 : (byte | 32) >= 'a' && (byte | 32) <= 'z' ? 3 : 4;
    }
    return score;
  }

  Compiled& out_;
  Resources& resources_;
  std::span<const protocol::Protocol* const> protocols_;
  std::uint32_t match_limit_, recursion_limit_;
  std::map<std::string, int> buffers_;
};

}  // namespace

bool StateCondition::asks() const {
  if (const auto* bits = std::get_if<rules::BitState>(state))
    return bits->command == rules::BitState::Command::kIsSet || bits->command == rules::BitState::Command::kIsNotSet;
  return std::get<rules::FlowInteger>(*state).command > rules::FlowInteger::Command::kSubtract;
}

std::string_view fast_bytes(const rules::Content& content) {
  std::string_view bytes = content.bytes;
  if (content.fast_pattern && content.fast_pattern->length > 0) {
    bytes = bytes.substr(content.fast_pattern->offset, content.fast_pattern->length);
  }
  return bytes.substr(std::min(bytes.find_first_not_of('\0'), bytes.size()));
}

rules::Applications applications_of(const protocol::Protocol& protocol) {
  const std::string_view name = protocol.name() == "http" ? std::string_view("http1") : protocol.name();
  for (int bit = 0; bit < 64; ++bit) {
    if (rules::names_of(rules::Applications{1} << bit) == name) return rules::Applications{1} << bit;
  }
  return 0;
}

Compiled compile(const rules::RuleSet& set, const rules::RuleSet* firewall_rules, const Options& options,
                 Resources& resources, std::span<const protocol::Protocol* const> protocols) {
  Compiled out;
  const Order order(options);
  Compiler compiler(out, options, resources, protocols);
  rules::Applications spoken = rules::applications_of("unknown").value_or(0);
  for (const protocol::Protocol* protocol : protocols) spoken |= applications_of(*protocol);
  const auto take = [&](const rules::RuleSet& from, bool is_firewall) {
    std::vector<const rules::Rule*> ordered;
    for (const rules::Rule& rule : from.rules) ordered.push_back(&rule);
    if (!is_firewall)
      std::ranges::stable_sort(ordered,
                               [&](const rules::Rule* a, const rules::Rule* b) { return order.is_before(*a, *b); });
    for (const rules::Rule* rule : ordered) {
      const auto met = rules::requirements_met(*rule);
      auto made = met ? compiler.compile(*rule, is_firewall)
                      : Expected<std::unique_ptr<CompiledRule>>(std::unexpected(met.error()));
      if (!made) {
        out.faults.push_back({rule->file, rule->line, 0, rule->metadata.sid, made.error().message, !met});
        ++(met ? out.failed : out.skipped);
        continue;
      }
      if ((rule->protocol.applications & spoken) == 0) {
        out.faults.push_back({rule->file, rule->line, 0, rule->metadata.sid,
                              fmt::format("never fires: {} is not read", rules::names_of(rule->protocol.applications)),
                              true});
      }
      (*made)->number = static_cast<std::uint32_t>(out.rules.size());
      out.looks_at_packet = out.looks_at_packet || ((*made)->of_transaction() && (*made)->looks_at_packet());
      out.rules.push_back(std::move(*made));
      ++out.loaded;
    }
  };
  if (firewall_rules != nullptr) take(*firewall_rules, true);
  take(set, false);
  return out;
}

}  // namespace tocsin::match
