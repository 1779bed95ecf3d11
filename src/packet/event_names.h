// The decode events of Suricata's rule language.
#pragma once

#include <span>
#include <string_view>

namespace tocsin::packet {

// All of them, sorted.
std::span<const std::string_view> event_names();

}  // namespace tocsin::packet
