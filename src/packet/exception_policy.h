// What happens to a packet when the engine can't do its work on it (Suricata's exception policies).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/options.h"

namespace tocsin::packet {

enum class ExceptionPolicy : std::uint8_t {
  kNone,  // nothing has happened
  kIgnore,
  kDropPacket,
  kDropFlow,
  kPassPacket,
  kPassFlow,
  kBypass,
  kReject
};

// The policy that an option names; else that of "exception-policy"; else, and as "auto", kDropFlow inline and kIgnore
// where nothing can be dropped.
// can_be_of_flow: false turns policies of flows into those of their packet.
ExceptionPolicy policy_of(const Options& options, std::string_view name, bool is_inline, bool can_be_of_flow);
// As Suricata's stats and EVE have it: "ignore", "drop_packet".
std::string_view name_of(ExceptionPolicy policy);
// The names of those that can happen where flows are at hand or not: stats have them all once a policy is chosen.
std::span<const std::string_view> policy_names(bool can_be_of_flow);

}  // namespace tocsin::packet
