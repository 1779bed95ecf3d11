#include "packet/decoder.h"

#include <algorithm>

#include "packet/decoding.h"
#include "packet/event_names.h"

namespace tocsin::packet {
namespace {

constexpr std::string_view kCounterNames[] = {"decoder.pkts",
                                              "decoder.bytes",
                                              "decoder.invalid",
                                              "decoder.ipv4",
                                              "decoder.ipv6",
                                              "decoder.ethernet",
                                              "decoder.arp",
                                              "decoder.unknown_ethertype",
                                              "decoder.chdlc",
                                              "decoder.raw",
                                              "decoder.null",
                                              "decoder.sll",
                                              "decoder.sll2",
                                              "decoder.tcp",
                                              "tcp.syn",
                                              "tcp.synack",
                                              "tcp.rst",
                                              "tcp.urg",
                                              "decoder.udp",
                                              "decoder.sctp",
                                              "decoder.esp",
                                              "decoder.icmpv4",
                                              "decoder.icmpv6",
                                              "decoder.igmp",
                                              "decoder.ppp",
                                              "decoder.pppoe",
                                              "decoder.geneve",
                                              "decoder.gre",
                                              "decoder.vlan",
                                              "decoder.vlan_qinq",
                                              "decoder.vlan_qinqinq",
                                              "decoder.vxlan",
                                              "decoder.vntag",
                                              "decoder.etag",
                                              "decoder.ieee8021ah",
                                              "decoder.teredo",
                                              "decoder.ipv4_in_ipv4",
                                              "decoder.ipv6_in_ipv4",
                                              "decoder.ipv4_in_ipv6",
                                              "decoder.ipv6_in_ipv6",
                                              "decoder.ipv4.unknown_protocol",
                                              "decoder.mpls",
                                              "decoder.erspan",
                                              "decoder.nsh",
                                              "decoder.gtp",
                                              "decoder.avg_pkt_size",
                                              "decoder.max_pkt_size"};
static_assert(std::size(kCounterNames) == static_cast<std::size_t>(Counter::kCount));

// As many as Suricata keeps of one packet.
constexpr std::size_t kMaxEvents = 15;

}  // namespace

Decoder::State::State(const Options& options)
    : max_layers(static_cast<unsigned>(std::clamp<std::uint64_t>(options.number("decoder.max-layers", 16), 1, 255))),
      vxlan_ports(ports_of(options, "vxlan", true, 4789)),
      geneve_ports(ports_of(options, "geneve", true, 6081)),
      teredo_ports(ports_of(options, "teredo", true, 0)),
      gtp_ports(ports_of(options, "gtp", false, 2152)),
      vxlan_strict(options.text("decoder.vxlan.reserved-bits-check") != "permissive"),
      lost(options.number("simulate-packet-loss", 0)),
      defragmenter(options),
      event_counts(event_names().size()) {}

Decoder::State::Work& Decoder::State::fresh() {
  if (memory->used == memory->works.size()) memory->works.emplace_back();
  Work& work = memory->works[memory->used++];
  // Lists keep their memory.
  auto events = std::move(work.events);
  auto options = std::move(work.ip_options);
  events.clear();
  options.clear();
  work = Work();
  work.events = std::move(events);
  work.ip_options = std::move(options);
  return work;
}

void Decoder::State::event(Work& packet, std::string_view name) {
  const auto names = event_names();
  const auto found = std::lower_bound(names.begin(), names.end(), name);
  if (found != names.end() && *found == name) ++event_counts[static_cast<std::size_t>(found - names.begin())];
  if (packet.events.size() < kMaxEvents) packet.events.push_back(name);
}

void Decoder::State::invalid(Work& packet, std::string_view name) {
  packet.is_invalid = true;
  event(packet, name);
}

bool Decoder::State::layer(Work& packet) {
  if (++packet.layers < max_layers) return true;
  invalid(packet, "too_many_layers");
  return false;
}

Decoder::Decoder(const Options& options) : state_(std::make_unique<State>(options)) {}
Decoder::~Decoder() = default;

Decoder::Memory::Memory() : state_(std::make_unique<State>()) {}
Decoder::Memory::~Memory() = default;
std::size_t Decoder::Memory::datagram_bytes() const { return state_->datagram_bytes; }

void Decoder::Memory::clear() {
  constexpr std::size_t kKept = 16;  // datagrams, for their memory
  if (state_->datagrams.size() > kKept) state_->datagrams.resize(kKept);
  state_->used = state_->datagrams_used = state_->datagram_bytes = 0;
}

void Decoder::decode(std::uint32_t link_type, Bytes frame, Timestamp time, std::uint64_t number, const Take& take) {
  state_->own.clear();
  decode(link_type, frame, time, number, state_->own, take);
}

void Decoder::decode(std::uint32_t link_type, Bytes frame, Timestamp time, std::uint64_t number, Memory& memory,
                     const Take& take) {
  State& state = *state_;
  if (state.lost != 0 && state.lost == number) return;
  state.memory = memory.state_.get();
  const std::size_t first = state.memory->used;
  state.count(Counter::kSeenPackets);
  state.counts[static_cast<std::size_t>(Counter::kSeenBytes)] += frame.size();
  auto& largest = state.counts[static_cast<std::size_t>(Counter::kSeenLargestPacket)];
  largest = std::max<std::uint64_t>(largest, frame.size());

  State::Work& packet = state.fresh();
  packet.number = number;
  packet.time = time;
  packet.frame = frame;
  state.link(packet, link_type, frame);
  for (std::size_t i = first; i < state.memory->used; ++i) {
    const State::Work& work = state.memory->works[i];
    if (work.is_dropped) continue;
    if (work.is_invalid) state.count(Counter::kSeenInvalid);
    take(work);
  }
}

const std::map<std::string, std::uint64_t, std::less<>>& Decoder::counters() const {
  const State& state = *state_;
  auto& shown = state.shown;
  for (std::size_t i = 0; i < std::size(kCounterNames); ++i) shown[std::string(kCounterNames[i])] = state.counts[i];
  const std::uint64_t packets = shown["decoder.pkts"];
  shown["decoder.avg_pkt_size"] = packets ? shown["decoder.bytes"] / packets : 0;
  const auto names = event_names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    shown["decoder.event." + std::string(names[i])] = state.event_counts[i];
  }
  const Defragmenter::Counts& counts = state.defragmenter.counts();
  shown["defrag.ipv4.fragments"] = counts.fragments[0];
  shown["defrag.ipv4.reassembled"] = counts.whole[0];
  shown["defrag.ipv6.fragments"] = counts.fragments[1];
  shown["defrag.ipv6.reassembled"] = counts.whole[1];
  shown["defrag.max_trackers_reached"] = counts.trackers_full;
  shown["defrag.max_frags_reached"] = counts.fragments_full;
  shown["defrag.tracker_soft_reuse"] = counts.soft_reuse;
  shown["defrag.tracker_hard_reuse"] = counts.hard_reuse;
  shown["defrag.wrk.tracker_timeout"] = counts.timeouts;
  shown["defrag.memuse"] = state.defragmenter.memory();
  if (state.defragmenter.policy() != ExceptionPolicy::kIgnore) {
    for (const std::string_view name : policy_names(false)) {
      shown["exception_policy.defrag.memcap." + std::string(name)] = 0;
    }
  }
  for (const auto& [policy, times] : counts.policies) {
    shown["exception_policy.defrag.memcap." + std::string(policy)] = times;
  }
  return shown;
}

}  // namespace tocsin::packet
