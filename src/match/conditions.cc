#include "match/conditions.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "match/memory.h"
#include "match/reputation.h"
#include "match/sctp.h"
#include "rules/builder.h"

namespace tocsin::match {
namespace {

using packet::Packet;
using rules::Condition;
using Number = std::optional<std::uint64_t>;
using Read = Number (*)(const PacketContext& context);

template <auto Member>
Number member_of(const PacketContext& context) {
  return context.packet->*Member;
}
template <auto Member>
Number of_tcp(const PacketContext& context) {
  if (!context.packet->is_tcp()) return std::nullopt;
  return context.packet->tcp.*Member;
}
template <auto Member>
Number of_icmp(const PacketContext& context) {
  if (!context.packet->is_icmp()) return std::nullopt;
  return context.packet->icmp.*Member;
}
Number of_ip(const PacketContext& context, std::uint64_t value) {
  if (context.packet->ip_version == 0) return std::nullopt;
  return value;
}
Number byte_of(const PacketContext& context, std::uint8_t protocol, std::size_t at) {
  const Packet& packet = *context.packet;
  if (packet.protocol != protocol || packet.network_payload.size() <= at) return std::nullopt;
  return packet.network_payload[at];
}

Number age(const PacketContext& context) {
  const stream::Flow* flow = context.followed->flow;
  if (flow == nullptr) return std::nullopt;
  return static_cast<std::uint64_t>(std::max<Timestamp>(context.packet->time - flow->first, 0) / kSecond);
}

struct NumberRow {
  std::string_view field;
  Read read;
};
constexpr NumberRow kNumbers[] = {
    {"ttl", [](const PacketContext& c) { return of_ip(c, c.packet->ttl); }},
    {"tos", [](const PacketContext& c) { return of_ip(c, c.packet->tos); }},
    {"id", [](const PacketContext& c) { return c.packet->ip_version == 4 ? Number(c.packet->ip_id) : std::nullopt; }},
    {"ip_proto", [](const PacketContext& c) { return of_ip(c, c.packet->protocol); }},
    {"dsize",
     [](const PacketContext& c) {
       return c.packet->origin == packet::Origin::kFlowEnd ? std::nullopt : Number(c.packet->payload.size());
     }},
    {"fragoffset", [](const PacketContext& c) { return of_ip(c, c.packet->fragment_offset / 8U); }},
    {"fragbits",
     [](const PacketContext& c) {
       return of_ip(c, (c.packet->more_fragments ? 1U : 0U) | (c.packet->dont_fragment ? 2U : 0U) |
                           (c.packet->reserved_bit ? 4U : 0U));
     }},
    {"tcp.flags", of_tcp<&packet::TcpFields::flags>},
    {"tcp.seq", of_tcp<&packet::TcpFields::sequence>},
    {"tcp.ack", of_tcp<&packet::TcpFields::acknowledgement>},
    {"tcp.window", of_tcp<&packet::TcpFields::window>},
    {"tcp.mss", of_tcp<&packet::TcpFields::mss>},
    {"tcp.wscale", of_tcp<&packet::TcpFields::window_scale>},
    {"itype", of_icmp<&packet::IcmpFields::type>},
    {"icode", of_icmp<&packet::IcmpFields::code>},
    {"icmp_id", of_icmp<&packet::IcmpFields::id>},
    {"icmp_seq", of_icmp<&packet::IcmpFields::sequence>},
    {"icmpv6.mtu",
     [](const PacketContext& c) {
       return c.packet->protocol == packet::kIcmpV6 && c.packet->icmp.type == 2 ? Number(c.packet->icmp.mtu)
                                                                                : std::nullopt;
     }},
    {"igmp.type", [](const PacketContext& c) { return byte_of(c, packet::kIgmp, 0); }},
    {"vlan.layers", member_of<&Packet::vlans>},
    {"sctp.vtag",
     [](const PacketContext& c) -> Number {
       if (c.packet->protocol != packet::kSctp || c.packet->transport_header.size() < 8) return std::nullopt;
       const auto* bytes = c.packet->transport_header.data() + 4;
       return std::uint64_t{bytes[0]} << 24 | std::uint64_t{bytes[1]} << 16 | std::uint64_t{bytes[2]} << 8 | bytes[3];
     }},
    {"sctp.chunk_cnt",
     [](const PacketContext& c) -> Number {
       if (c.packet->protocol != packet::kSctp || c.packet->transport_header.empty()) return std::nullopt;
       return sctp_chunks(*c.packet).size();
     }},
    {"flow.age", age},
};

constexpr int kNumberRows = std::size(kNumbers);

template <int Row>
bool number_test(const Condition& condition, const PacketContext& context) {
  const auto& number = std::get<rules::NumberCondition>(condition);
  const Number value = kNumbers[Row].read(context);
  return value && number.comparison.holds(*value) != number.negated;
}

template <std::size_t... Rows>
constexpr auto number_tests(std::index_sequence<Rows...>) {
  return std::array<PacketTest, sizeof...(Rows)>{number_test<static_cast<int>(Rows)>...};
}
constexpr auto kNumberTests = number_tests(std::make_index_sequence<kNumberRows>());

// flow.pkts and flow.bytes: of a direction, of both together, or of either.
bool flow_count(const Condition& condition, const PacketContext& context) {
  const auto& number = std::get<rules::NumberCondition>(condition);
  const stream::Flow* flow = context.followed->flow;
  if (flow == nullptr) return false;
  const bool of_packets = number.field.starts_with("flow.pkts");
  const std::uint64_t server = of_packets ? flow->packets[0] : flow->bytes[0];
  const std::uint64_t client = of_packets ? flow->packets[1] : flow->bytes[1];
  const auto holds = [&](std::uint64_t value) { return number.comparison.holds(value); };
  if (number.field.ends_with("toserver") || number.which == "toserver") return holds(server);
  if (number.field.ends_with("toclient") || number.which == "toclient") return holds(client);
  if (number.which == "either") return holds(server) || holds(client);
  return holds(server + client);
}

// vlan.id: of any tag, of all, or of one by its place, from the end if it is less than nought.
bool vlan(const Condition& condition, const PacketContext& context) {
  const auto& number = std::get<rules::NumberCondition>(condition);
  const Packet& packet = *context.packet;
  const int count = packet.vlans;
  const auto holds = [&](int i) {
    return number.comparison.holds(packet.vlan[static_cast<std::size_t>(i)]) != number.negated;
  };
  if (count == 0) return false;
  if (number.which.empty() || number.which == "any" || number.which == "all") {
    int met = 0;
    for (int i = 0; i < count; ++i) met += holds(i) ? 1 : 0;
    return number.which == "all" ? met == count : met > 0;
  }
  const auto at = rules::parse_signed(number.which);
  if (!at) return false;
  const std::int64_t place = *at < 0 ? *at + count : *at;
  return place >= 0 && place < count && holds(static_cast<int>(place));
}

// sctp.chunk_type: of any chunk, by its number or its name.
bool chunk_type(const Condition& condition, const PacketContext& context) {
  const auto& wanted = std::get<rules::NumberCondition>(condition);
  return std::ranges::any_of(sctp_chunks(*context.packet), [&](const SctpChunk& chunk) {
    return wanted.comparison.holds(chunk.type) != wanted.negated;
  });
}

bool bits(const Condition& condition, const PacketContext& context) {
  const auto& wanted = std::get<rules::BitsCondition>(condition);
  Number value;
  for (const NumberRow& row : kNumbers)
    if (row.field == wanted.field) value = row.read(context);
  if (!value) return false;
  const std::uint64_t bits_now = *value & ~std::uint64_t{wanted.ignored};
  switch (wanted.how) {
    case rules::BitsCondition::How::kExactly:
      return bits_now == wanted.bits;
    case rules::BitsCondition::How::kAll:
      return (bits_now & wanted.bits) == wanted.bits;
    case rules::BitsCondition::How::kAny:
      return (bits_now & wanted.bits) != 0;
    case rules::BitsCondition::How::kNone:
      return (bits_now & wanted.bits) != wanted.bits;
  }
  return false;
}

bool option_word(const Condition& condition, const PacketContext& context) {
  const auto& words = std::get<rules::WordCondition>(condition);
  const Packet& packet = *context.packet;
  if (packet.ip_version != 4) return false;
  constexpr std::pair<std::string_view, int> kTypes[] = {{"eol", 0},     {"nop", 1},    {"rr", 7},      {"ts", 68},
                                                         {"sec", 130},   {"lsrr", 131}, {"esec", 133},  {"cipso", 134},
                                                         {"satid", 136}, {"ssrr", 137}, {"rtralt", 148}};
  bool met = false;
  for (const std::string& word : words.words) {
    if (word == "any") met = met || !packet.ip_options.empty();
    for (const auto& [name, type] : kTypes)
      if (name == word) met = met || std::ranges::find(packet.ip_options, type) != packet.ip_options.end();
  }
  return met != words.negated;
}

bool protocol_word(const Condition& condition, const PacketContext& context) {
  const auto& words = std::get<rules::WordCondition>(condition);
  constexpr std::pair<std::string_view, int> kNames[] = {
      {"icmp", 1},  {"igmp", 2},  {"ipencap", 4}, {"ipip", 4},   {"tcp", 6},        {"egp", 8},   {"igp", 9},
      {"udp", 17},  {"ipv6", 41}, {"rsvp", 46},   {"gre", 47},   {"esp", 50},       {"ah", 51},   {"icmpv6", 58},
      {"ospf", 89}, {"pim", 103}, {"vrrp", 112},  {"l2tp", 115}, {"ipv6-icmp", 58}, {"sctp", 132}};
  if (context.packet->ip_version == 0) return false;
  bool met = false;
  for (const std::string& word : words.words)
    for (const auto& [name, number] : kNames)
      if (name == lower(word)) met = met || number == context.packet->protocol;
  return met != words.negated;
}

bool layer_word(const Condition& condition, const PacketContext& context) {
  const auto& words = std::get<rules::WordCondition>(condition);
  const Packet& packet = *context.packet;
  const bool met = std::ranges::any_of(words.words, [&](const std::string& word) {
    if (word == "arp") return packet.ether_type == 0x0806;
    return packet.ip_version == (word == "ipv4" || word == "ip4" ? 4 : 6);
  });
  return met != words.negated;
}

// tcp.session: phases of a TCP session; a packet may be in several.
bool session_word(const Condition& condition, const PacketContext& context) {
  const auto& words = std::get<rules::WordCondition>(condition);
  const stream::Flow* flow = context.followed->flow;
  if (flow == nullptr || flow->protocol != packet::kTcp) return false;
  const std::string_view state = flow->tcp_summary().state;
  constexpr std::string_view kClosing[] = {"fin_wait1", "fin_wait2", "time_wait", "last_ack", "close_wait", "closing"};
  const bool is_closing = std::ranges::find(kClosing, state) != std::end(kClosing);
  return std::ranges::any_of(words.words, [&](const std::string& word) {
    if (word == "closing") return is_closing;
    return (word == "established") == context.followed->is_established;
  });
}

bool checksum_word(const Condition& condition, const PacketContext& context) {
  const auto& words = std::get<rules::WordCondition>(condition);
  const Packet& packet = *context.packet;
  const std::string_view field = words.field;
  bool right = packet.transport_checksum_right, applies = false;
  if (field == "ipv4-csum") {
    right = packet.network_checksum_right;
    applies = packet.ip_version == 4;
  } else {
    const std::uint8_t version = field.find("v6") == std::string_view::npos ? 4 : 6;
    const bool of_protocol = field.starts_with("tcp")    ? packet.is_tcp()
                             : field.starts_with("udp")  ? packet.is_udp()
                             : field.starts_with("icmp") ? packet.is_icmp()
                                                         : packet.protocol == packet::kIgmp;
    applies = of_protocol && packet.ip_version == version;
  }
  return applies && !words.words.empty() && (words.words[0] == "valid") == right;
}

bool event(const Condition& condition, const PacketContext& context) {
  const auto& wanted = std::get<rules::EventCondition>(condition);
  const auto has = [&](const std::vector<std::string_view>& events, std::string_view name) {
    return std::ranges::find(events, name) != events.end();
  };
  std::string_view name = wanted.event;
  if (wanted.source == "app-layer-event") {
    const stream::Flow* flow = context.followed->flow;
    return flow != nullptr && flow->application && has(flow->application->events, name);
  }
  if (name.starts_with("decoder.")) name.remove_prefix(8);
  if (name.starts_with("stream.")) name.remove_prefix(7);
  if (wanted.source == "stream-event") return has(context.followed->events, name);
  return has(context.packet->events, name) || (wanted.source == "engine-event" && has(context.followed->events, name));
}

bool stream_size(const Condition& condition, const PacketContext& context) {
  const auto& wanted = std::get<rules::StreamSize>(condition);
  const stream::Flow* flow = context.followed->flow;
  if (flow == nullptr || flow->protocol != packet::kTcp || !context.packet->is_tcp()) return false;
  const std::array<std::uint32_t, 2> sent = flow->sent();
  const auto size = [&](int side) { return std::uint64_t{sent[static_cast<std::size_t>(side)]}; };
  const bool client = wanted.size.holds(size(0)), server = wanted.size.holds(size(1));
  if (wanted.direction == "client") return client;
  if (wanted.direction == "server") return server;
  return wanted.direction == "both" ? client && server : client || server;
}

// rpc: a call of ONC RPC (RFC 5531) by program, version and procedure; * is any.
bool rpc(const Condition& condition, const PacketContext& context) {
  const auto& words = std::get<rules::WordCondition>(condition).words;
  const Packet& packet = *context.packet;
  constexpr std::size_t kCall = 24, kRecordMark = 4;
  const std::size_t from = packet.is_tcp() ? kRecordMark : 0;
  if ((!packet.is_tcp() && !packet.is_udp()) || packet.payload.size() < from + kCall) return false;
  const auto number = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | packet.payload[from + at * 4 + i];
    return value;
  };
  if (number(1) != 0 || number(2) != 2) return false;
  for (std::size_t i = 0; i < words.size() && i < 3; ++i) {
    if (words[i] != "*" && rules::parse_number(words[i]).value_or(UINT64_MAX) != number(3 + i)) return false;
  }
  return !words.empty();
}

// Rates of flows are not measured, as Suricata does not unless it is told to.
bool elephant(const Condition&, const PacketContext&) { return false; }

bool geography(const Condition& condition, const PacketContext& context) {
  const auto& wanted = std::get<rules::Geography>(condition);
  if (context.packet->ip_version == 0 || context.country_of == nullptr) return false;
  const auto is_there = [&](const IpAddress& address) {
    const std::string country = lower((*context.country_of)(address, context.packet->time));
    return !country.empty() && std::ranges::any_of(wanted.countries, [&](const std::string& one) {
                                 return lower(one) == country;
                               }) != wanted.negated;
  };
  const Packet& packet = *context.packet;
  if (wanted.of == "src") return is_there(packet.source);
  if (wanted.of == "dst") return is_there(packet.destination);
  if (wanted.of == "any") return is_there(packet.source) || is_there(packet.destination);
  return is_there(packet.source) && is_there(packet.destination);
}

bool reputation(const Condition& condition, const PacketContext& context) {
  const auto& wanted = std::get<rules::IpReputation>(condition);
  if (context.packet->ip_version == 0 || context.reputation == nullptr) return false;
  const bool asks_absence = wanted.score.op == rules::Comparison::Operator::kEqual && wanted.score.first == 0;
  const auto holds = [&](const IpAddress& address) {
    const std::uint32_t score = context.reputation->score(wanted.category, address);
    return (score > 0 || asks_absence) && wanted.score.holds(score);
  };
  const Packet& packet = *context.packet;
  if (wanted.of == "src") return holds(packet.source);
  if (wanted.of == "dst") return holds(packet.destination);
  if (wanted.of == "any") return holds(packet.source) || holds(packet.destination);
  return holds(packet.source) && holds(packet.destination);
}

// app-layer-protocol: of the packet's direction, unless a mode says otherwise.
bool application(const Condition& condition, const PacketContext& context) {
  const auto& wanted = std::get<rules::WordCondition>(condition);
  const stream::Flow* flow = context.followed->flow;
  if (context.is_protocol_only && !context.protocol_was_found_now) return false;
  if (flow == nullptr) return false;
  const protocol::Application* app = flow->application.get();
  const auto names = [&](const protocol::Protocol* protocol, bool gave_up) {
    return std::ranges::any_of(wanted.words, [&](const std::string& word) {
      if (word == "unknown") return protocol == nullptr && !gave_up;
      if (word == "failed") return protocol == nullptr && gave_up;
      if (protocol == nullptr) return false;
      if (wanted.mode == "exact") return word == protocol->name();
      return (rules::applications_of(word).value_or(0) & applications_of(*protocol)) != 0;
    });
  };
  const bool failed = app != nullptr && app->has_failed();
  const auto of_side = [&](protocol::Side side) { return app == nullptr ? nullptr : app->protocol_of(side); };
  using protocol::Side;
  const std::string& mode = wanted.mode;
  if (mode == "either") {
    const auto *server = of_side(Side::kToServer), *client = of_side(Side::kToClient);
    if (wanted.negated && server == nullptr && client == nullptr && !failed) return false;
    return (names(server, failed) || names(client, failed)) != wanted.negated;
  }
  const protocol::Protocol* protocol = nullptr;
  if (app != nullptr) {
    if (mode == "final")
      protocol = app->protocol();
    else if (mode == "original")
      protocol = app->original();
    else if (mode == "to_server" || mode == "toserver")
      protocol = of_side(Side::kToServer);
    else if (mode == "to_client" || mode == "toclient")
      protocol = of_side(Side::kToClient);
    else
      protocol = of_side(context.followed->side);
  }
  if (wanted.negated && protocol == nullptr && !failed) return false;
  return names(protocol, failed) != wanted.negated;
}

}  // namespace

PacketTest packet_test(const Condition& condition) {
  if (const auto* number = std::get_if<rules::NumberCondition>(&condition)) {
    if (number->field == "vlan.id") return vlan;
    if (number->field == "sctp.chunk_type") return chunk_type;
    if (number->field.starts_with("flow.pkts") || number->field.starts_with("flow.bytes")) return flow_count;
    for (int i = 0; i < kNumberRows; ++i)
      if (kNumbers[i].field == number->field) return kNumberTests[static_cast<std::size_t>(i)];
    return nullptr;
  }
  if (const auto* one = std::get_if<rules::BitsCondition>(&condition))
    return one->field == "tcp.flags" || one->field == "fragbits" ? bits : nullptr;
  if (std::holds_alternative<rules::StreamSize>(condition)) return stream_size;
  if (std::holds_alternative<rules::Geography>(condition)) return geography;
  if (std::holds_alternative<rules::IpReputation>(condition)) return reputation;
  if (const auto* one = std::get_if<rules::EventCondition>(&condition)) {
    if (one->source == "app-layer-event" && !one->event.starts_with("applayer_")) return nullptr;
    return event;
  }
  if (const auto* word = std::get_if<rules::WordCondition>(&condition)) {
    if (word->field == "ipopts") return option_word;
    if (word->field == "rpc") return rpc;
    if (word->field == "flow.elephant") return elephant;
    if (word->field == "ip_proto") return protocol_word;
    if (word->field == "l3_proto") return layer_word;
    if (word->field == "tcp.session") return session_word;
    if (word->field.ends_with("-csum")) return checksum_word;
    if (word->field == "app-layer-protocol") return application;
  }
  return nullptr;
}

}  // namespace tocsin::match
