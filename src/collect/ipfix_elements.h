// The information elements of IPFIX (www.iana.org/assignments/ipfix) that mean something here: their names, for people,
// and what of a flow they fill. NetFlow version 9 (RFC 3954) has the same numbers for those it has.
#pragma once

#include <cstdint>
#include <string_view>

namespace tocsin::collect {

inline constexpr std::uint32_t kReversePen = 29305;  // RFC 5103: elements of the other direction
inline constexpr std::uint32_t kCertPen = 6871;      // CERT/CC: what YAF adds
inline constexpr std::uint16_t kVariableLength = 65535;

enum class ElementType : std::uint8_t {
  kNumber,
  kIpv4,
  kIpv6,
  kMac,
  kText,
  kBytes,
  kSeconds,
  kMilliseconds,
  kNtp,  // micro- and nanoseconds: RFC 7011 sections 6.1.9 and 6.1.10
};

// What of a record an element fills. All but the addresses are numbers.
enum class Target : std::uint8_t {
  kSourcePort,
  kDestinationPort,
  kProtocol,
  kBytes,
  kPackets,
  kReverseBytes,
  kReversePackets,
  kFlags,
  kReverseFlags,
  kFirstFlags,
  kStart,
  kEnd,
  kReverseStart,
  kReverseEnd,
  kSystemInit,
  kDuration,
  kDirection,
  kIcmp,  // type and code
  kIcmpType,
  kIcmpCode,
  kSamplingInterval,
  kSamplingSpace,
  kNumbers,
  kSource4 = kNumbers,
  kDestination4,
  kSource6,
  kDestination6,
  kNone,
};
inline constexpr std::size_t kNumbers = static_cast<std::size_t>(Target::kNumbers);

// How a number tells a time (kStart, kEnd and their reverses) or a length of time (kDuration).
enum class Clock : std::uint8_t {
  kNone,
  kSeconds,
  kMilliseconds,
  kMicroseconds,  // plain: durations
  kNtp,
  kBeforeExport,  // microseconds before the message was sent
  kUptime,        // milliseconds since the exporter started
};

struct Element {
  std::uint16_t id = 0;
  std::string_view name;
  ElementType type = ElementType::kNumber;
  Target target = Target::kNone;
  std::uint8_t rank = 0;  // of those that fill the same target, the highest is taken
  Clock clock = Clock::kNone;
};

// nullptr if it is not known. An element of kReversePen is found under its own number; reversed() says what it fills.
const Element* find_element(std::uint32_t enterprise, std::uint16_t id);
Target reversed(Target target);

}  // namespace tocsin::collect
