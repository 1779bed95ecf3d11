// What a flow record tells, and what it does not.
//
// Sides. A biflow (RFC 5103) or a record with responder counts has both directions, and its source is the initiator
// unless biflowDirection says otherwise, or the source sent nothing (there are exporters, softflowd one, that order the
// sides by address and say nothing of it; of flows where both sent, they cannot be found out). Any other record is one
// direction: the other one, if it was seen, is a record of its own, so that no answer in it means nothing. Such a
// record that comes from a port below 1024 to one that is not is taken for the answer of a server, and becomes the
// responder's side of a flow, unless its TCP flags are those of a beginning (SYN without ACK). What fools the rule:
// clients that send from low ports (NTP and DNS among servers are the same port on both sides and stay as they are),
// and servers on high ports that ask others.
//
// State. Flags are unions over the flow's life, without order. Of both sides they tell it as Argus's do. Of one side
// they tell it only if nothing but SYN was sent: who never acknowledged never had a connection. All zero is what
// exporters write that do not know the flags, so that NULL scans cannot be told. Where packets are sampled, flags and
// silence tell nothing, and the state is not known. Counts are as exported, never multiplied by a sampling rate.
//
// Times. Those relative to the exporter's start are counted from its uptime at export, so that the 32 bits may wrap
// (every 49.7 days). Where the start is not known the flow is taken to have ended at export.
#include "collect/ipfix_flow.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "collect/fields.h"
#include "collect/ipfix_time.h"

namespace tocsin::collect {
namespace {

constexpr std::uint64_t kSourceIsInitiator = 1, kSourceIsResponder = 2;   // biflowDirection, RFC 5103 section 6.3
constexpr std::uint8_t kFlags = kFin | kSyn | kRst | kPsh | kAck | kUrg;  // ECN's flags tell nothing here
constexpr std::uint16_t kFirstEphemeral = 1024;
constexpr std::uint64_t kMostMicroseconds = kMostMilliseconds * 1000;

IpAddress v4_of(const std::byte* bytes) {
  std::array<std::uint8_t, 16> address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
  std::memcpy(address.data() + 12, bytes, 4);
  return IpAddress(address);
}

IpAddress v6_of(const std::byte* bytes) {
  std::array<std::uint8_t, 16> address;
  std::memcpy(address.data(), bytes, 16);
  return IpAddress(address);
}

// A template may have both families, of which a record leaves one zero.
void fill_addresses(const DecodedRecord& record, Flow& flow) {
  const auto [source4, destination4, source6, destination6] = record.addresses;
  if (source4 != nullptr && destination4 != nullptr) {
    flow.initiator.ip = v4_of(source4);
    flow.responder.ip = v4_of(destination4);
    const bool unset = flow.initiator.ip.is_unspecified() && flow.responder.ip.is_unspecified();
    if (!unset || source6 == nullptr || destination6 == nullptr) return;
  }
  flow.initiator.ip = v6_of(source6);
  flow.responder.ip = v6_of(destination6);
}

struct Times {
  const MessageHeader& message;
  std::uint32_t uptime = 0;  // at export

  // nullopt: it cannot be.
  std::optional<Timestamp> of(Clock clock, std::uint64_t value) const {
    switch (clock) {
      case Clock::kSeconds:
        return static_cast<Timestamp>(value) * kSecond;
      case Clock::kMilliseconds:
        if (value > kMostMilliseconds) return std::nullopt;
        return static_cast<Timestamp>(value) * 1000;
      case Clock::kNtp:
        return time_of_ntp(value);
      case Clock::kBeforeExport:
        if (value > kMostMicroseconds) return std::nullopt;
        return message.sent - static_cast<Timestamp>(value);
      case Clock::kUptime:
        return message.sent + static_cast<std::int32_t>(static_cast<std::uint32_t>(value) - uptime) * Timestamp{1000};
      default:
        return std::nullopt;
    }
  }
};

std::uint32_t uptime_at_export(const IpfixTemplate& of, const DecodedRecord& record, const MessageHeader& message,
                               const ExporterState& exporter) {
  if (message.version == 9) return message.uptime;
  const std::uint64_t own = of.has(Target::kSystemInit) ? record[Target::kSystemInit] : 0;
  const std::uint64_t started = own != 0 ? own : exporter.started;
  if (started != 0) return static_cast<std::uint32_t>(static_cast<std::uint64_t>(message.sent / 1000) - started);
  return static_cast<std::uint32_t>(record[of.has(Target::kEnd) ? Target::kEnd : Target::kStart]);
}

bool fill_times(const IpfixTemplate& of, const DecodedRecord& record, const MessageHeader& message,
                const ExporterState& exporter, Flow& flow) {
  Times times{message};
  if (of.clock(Target::kStart) == Clock::kUptime || of.clock(Target::kEnd) == Clock::kUptime)
    times.uptime = uptime_at_export(of, record, message, exporter);
  // Zero is what exporters write that do not know: but an uptime and a difference may well be zero.
  std::optional<Timestamp> first, last;
  const auto take = [&](Target target, std::optional<Timestamp>& time) {
    const Clock clock = of.clock(target);
    if (clock == Clock::kNone) return true;
    const std::uint64_t value = record[target];
    if (value == 0 && clock != Clock::kUptime && clock != Clock::kBeforeExport) return true;
    time = times.of(clock, value);
    return time.has_value();
  };
  if (!take(Target::kStart, first) || !take(Target::kEnd, last)) return false;
  if (of.has(Target::kReverseStart)) {
    std::optional<Timestamp> reverse;
    if (!take(Target::kReverseStart, reverse)) return false;
    if (reverse) first = std::min(first.value_or(*reverse), *reverse);
  }
  if (of.has(Target::kReverseEnd)) {
    std::optional<Timestamp> reverse;
    if (!take(Target::kReverseEnd, reverse)) return false;
    if (reverse) last = std::max(last.value_or(*reverse), *reverse);
  }
  if (!first || !last) {
    const std::uint64_t unit = of.clock(Target::kDuration) == Clock::kMilliseconds ? 1000 : 1;
    if (record[Target::kDuration] > kMostMilliseconds) return false;
    const auto duration = static_cast<Timestamp>(record[Target::kDuration] * unit);
    if (!last) last = first ? *first + duration : message.sent;
    if (!first) first = *last - duration;
  }
  flow.first = *first;
  flow.last = std::max(*first, *last);
  return true;
}

void fill_ports(const IpfixTemplate& of, const DecodedRecord& record, Flow& flow) {
  flow.initiator.port = static_cast<std::uint16_t>(record[Target::kSourcePort]);
  flow.responder.port = static_cast<std::uint16_t>(record[Target::kDestinationPort]);
  if (flow.protocol != kIcmp && flow.protocol != kIcmp6) return;
  std::uint64_t type = 0, code = 0;
  if (of.has(Target::kIcmpType)) {
    type = record[Target::kIcmpType];
    code = record[Target::kIcmpCode];
  } else {
    // Exporters of the NetFlow line put both into the destination's port.
    const std::uint64_t both = of.has(Target::kIcmp) ? record[Target::kIcmp] : record[Target::kDestinationPort];
    type = both >> 8;
    code = both;
  }
  flow.initiator.port = static_cast<std::uint16_t>(type & 0xff);
  flow.responder.port = static_cast<std::uint16_t>(code & 0xff);
}

// A side of which only the bytes are known sent at least one packet.
std::uint64_t packets_of(std::uint64_t packets, std::uint64_t bytes, bool known) {
  return known ? packets : std::uint64_t{bytes > 0};
}

void swap_sides(Flow& flow) {
  std::swap(flow.initiator, flow.responder);
  std::swap(flow.initiator_packets, flow.responder_packets);
  std::swap(flow.initiator_bytes, flow.responder_bytes);
  std::swap(flow.initiator_flags, flow.responder_flags);
}

bool looks_like_answer(const Flow& flow) {
  if (flow.protocol != kTcp && flow.protocol != kUdp) return false;
  if (flow.initiator.port == 0 || flow.initiator.port >= kFirstEphemeral || flow.responder.port < kFirstEphemeral)
    return false;
  return flow.protocol != kTcp || (flow.initiator_flags & (kSyn | kAck)) != kSyn;
}

bool source_is_responder(const IpfixTemplate& of, const DecodedRecord& record, const Flow& flow) {
  const std::uint64_t direction = record[Target::kDirection];
  if (direction == kSourceIsResponder) return true;
  if (direction == kSourceIsInitiator || of.tells_initiator()) return false;
  const bool counted = of.has(Target::kBytes) || of.has(Target::kPackets);
  if (of.is_two_sided() && counted && flow.initiator_packets == 0 && flow.responder_packets > 0) return true;
  // A biflow is of the source unless it says that its sides are arbitrary.
  const bool arbitrary = !of.is_two_sided() || of.has(Target::kDirection);
  return arbitrary && looks_like_answer(flow);
}

void fill_state(const IpfixTemplate& of, const DecodedRecord& record, bool sampled, bool swapped, Flow& flow) {
  const bool two_sided = of.is_two_sided();
  if (flow.protocol != kTcp) {
    if (two_sided && !sampled) flow.state = state_without_flags(flow.protocol, flow.responder_packets);
    return;
  }
  if (sampled || (flow.initiator_flags | flow.responder_flags) == 0) return;
  if (two_sided) {
    // A side that sent packets but has no flags: they are not exported.
    const bool initiator_known = flow.initiator_flags != 0 || flow.initiator_packets == 0;
    const bool responder_known = flow.responder_flags != 0 || flow.responder_packets == 0;
    if (!initiator_known || !responder_known) return;
    flow.state = state_from_flags(flow.initiator_flags, flow.responder_flags);
  } else {
    if (flow.initiator_flags == 0) return;
    if (flow.initiator_flags == kSyn) flow.state = ConnState::kS0;
  }
  flow.flags_known = true;
  if (of.has(Target::kFirstFlags) && !swapped) {
    flow.first_flags = static_cast<std::uint8_t>(record[Target::kFirstFlags] & kFlags);
  } else if ((flow.initiator_flags & kSyn) != 0 && (two_sided || (flow.initiator_flags & kAck) == 0)) {
    flow.first_flags = kSyn;
  } else if (flow.initiator_packets == 1) {
    flow.first_flags = flow.initiator_flags;
  }
}

}  // namespace

bool is_sampled(const DecodedRecord& record) {
  return record[Target::kSamplingInterval] > 1 || record[Target::kSamplingSpace] > 0;
}

bool fill_flow(const IpfixTemplate& of, const DecodedRecord& record, const MessageHeader& message,
               const ExporterState& exporter, Flow& flow) {
  fill_addresses(record, flow);
  flow.protocol = static_cast<std::uint8_t>(record[Target::kProtocol]);
  fill_ports(of, record, flow);
  if (!fill_times(of, record, message, exporter, flow)) return false;
  flow.initiator_bytes = record[Target::kBytes];
  flow.responder_bytes = record[Target::kReverseBytes];
  flow.initiator_packets = packets_of(record[Target::kPackets], flow.initiator_bytes, of.has(Target::kPackets));
  flow.responder_packets =
      packets_of(record[Target::kReversePackets], flow.responder_bytes, of.has(Target::kReversePackets));
  if (flow.protocol == kTcp) {
    flow.initiator_flags = static_cast<std::uint8_t>((record[Target::kFlags] | record[Target::kFirstFlags]) & kFlags);
    flow.responder_flags = static_cast<std::uint8_t>(record[Target::kReverseFlags] & kFlags);
  }
  const bool swapped = source_is_responder(of, record, flow);
  if (swapped) swap_sides(flow);
  fill_state(of, record, exporter.sampled || is_sampled(record), swapped, flow);
  return true;
}

}  // namespace tocsin::collect
