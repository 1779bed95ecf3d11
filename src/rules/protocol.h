// The protocols that a rule can be of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/expected.h"

namespace tocsin::rules {

enum class Transport : std::uint8_t {
  kAny,
  kTcp,
  kTcpPacket,
  kTcpStream,
  kUdp,
  kIcmp,
  kIcmpV4,
  kIcmpV6,
  kSctp,
  kIgmp,
  kIpV4,
  kIpV6,
  kPacketHeader,
  kEthernet,
  kArp,
  kOther
};

// A set of application protocols.
using Applications = std::uint64_t;
inline constexpr Applications kAllApplications = ~Applications{0};

struct Protocol {
  std::string name;  // as written
  Transport transport = Transport::kAny;
  std::uint8_t number = 0;                       // of kOther
  Applications applications = kAllApplications;  // in which the rule can match
  bool is_application = false;
  std::string hook;             // after a colon: a state of the transaction at which the rule is judged
  bool accepts_before = false;  // "<" before the hook: the states before it are accepted too
};

Expected<Protocol> parse_protocol(std::string_view text);
// Of names separated by spaces: "tls quic". What one name stands for: http is http1 and http2, dns also dns over HTTP.
std::optional<Applications> applications_of(std::string_view names);
bool is_application(std::string_view name);
// Of the set, in the table's order, separated by spaces.
std::string names_of(Applications set);

}  // namespace tocsin::rules
