#include "stream/settings.h"

#include <algorithm>
#include <string>

namespace tocsin::stream {
namespace {

using packet::ExceptionPolicy;

Timeouts timeouts_of(const Options& options, std::string_view protocol, Timeouts otherwise) {
  const std::string start = "flow-timeouts." + std::string(protocol) + ".";
  const auto seconds = [&](std::string_view name, Timestamp value) {
    constexpr std::uint64_t kYear = 366ULL * 86400;
    const auto number = options.number(start + std::string(name), static_cast<std::uint64_t>(value));
    return static_cast<Timestamp>(std::min(number, kYear)) * kSecond;
  };
  return {seconds("new", otherwise.fresh), seconds("established", otherwise.established),
          seconds("closed", otherwise.closed), seconds("bypassed", otherwise.bypassed)};
}

UrgentPolicy urgent_of(const std::string& text) {
  if (text == "inline") return UrgentPolicy::kInline;
  if (text == "drop") return UrgentPolicy::kDrop;
  if (text == "gap") return UrgentPolicy::kGap;
  return UrgentPolicy::kOutOfBand;
}

std::size_t queue_of(const Options& options, std::string_view name, std::size_t otherwise) {
  const std::uint64_t number = options.number(name, otherwise);
  return number <= 255 ? static_cast<std::size_t>(number) : otherwise;
}

}  // namespace

Settings::Settings(const Options& options)
    : is_inline(options.flag("stream.inline", false)),
      midstream(options.flag("stream.midstream", false)),
      async_oneside(options.flag("stream.async-oneside", false)),
      check_checksums(options.flag("stream.checksum-validation", true)),
      drop_invalid(options.flag("stream.drop-invalid", true)),
      liberal_timestamps(options.flag("stream.liberal-timestamps", true)),
      vlan_matters(options.flag("vlan.use-for-tracking", true)),
      recursion_matters(options.flag("decoder.recursion-level.use-for-tracking", true)),
      bypasses(options.flag("stream.bypass", false)),
      depth(options.number("stream.reassembly.depth", 1 << 20)),
      reassembly_memcap(options.number("stream.reassembly.memcap", 256ULL << 20)),
      flow_memcap(options.number("flow.memcap", 128ULL << 20)),
      chunk{options.number("stream.reassembly.toserver-chunk-size", 2560),
            options.number("stream.reassembly.toclient-chunk-size", 2560)},
      max_syn_queued(queue_of(options, "stream.max-syn-queued", 10)),
      max_synack_queued(queue_of(options, "stream.max-synack-queued", 5)),
      urgent(urgent_of(options.text("stream.reassembly.urgent.policy"))),
      urgent_over_limit(urgent_of(options.text("stream.reassembly.urgent.oob-limit-policy"))),
      session_policy(packet::policy_of(options, "stream.memcap-policy", is_inline, true)),
      reassembly_policy(packet::policy_of(options, "stream.reassembly.memcap-policy", is_inline, true)),
      application_policy(packet::policy_of(options, "app-layer.error-policy", is_inline, true)),
      flow_policy(packet::policy_of(options, "flow.memcap-policy", is_inline, false)),
      no_flow_at(options.number("simulate-packet-flow-memcap", 0)),
      no_session_at(options.number("simulate-packet-tcp-ssn-memcap", 0)),
      no_segment_at(options.number("simulate-packet-tcp-reassembly-memcap", 0)),
      tcp(timeouts_of(options, "tcp", {60, 600, 60, 100})),
      udp(timeouts_of(options, "udp", {30, 300, 0, 100})),
      icmp(timeouts_of(options, "icmp", {30, 300, 0, 100})),
      other(timeouts_of(options, "default", {30, 300, 0, 100})) {
  // Sessions that are to be picked up are no exception.
  midstream_policy = midstream && options.find("stream.midstream-policy") == nullptr
                         ? ExceptionPolicy::kIgnore
                         : packet::policy_of(options, "stream.midstream-policy", is_inline && !midstream, true);
}

}  // namespace tocsin::stream
