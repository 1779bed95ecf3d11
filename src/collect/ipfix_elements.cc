#include "collect/ipfix_elements.h"

#include <algorithm>
#include <array>

namespace tocsin::collect {
namespace {

using enum ElementType;

// In the order of their numbers.
constexpr auto kElements = std::to_array<Element>({
    {1, "octetDeltaCount", kNumber, Target::kBytes, 2},
    {2, "packetDeltaCount", kNumber, Target::kPackets, 2},
    {3, "deltaFlowCount"},
    {4, "protocolIdentifier", kNumber, Target::kProtocol},
    {5, "ipClassOfService"},
    {6, "tcpControlBits", kNumber, Target::kFlags, 2},
    {7, "sourceTransportPort", kNumber, Target::kSourcePort, 2},
    {8, "sourceIPv4Address", kIpv4, Target::kSource4},
    {9, "sourceIPv4PrefixLength"},
    {10, "ingressInterface"},
    {11, "destinationTransportPort", kNumber, Target::kDestinationPort, 2},
    {12, "destinationIPv4Address", kIpv4, Target::kDestination4},
    {13, "destinationIPv4PrefixLength"},
    {14, "egressInterface"},
    {15, "ipNextHopIPv4Address", kIpv4},
    {16, "bgpSourceAsNumber"},
    {17, "bgpDestinationAsNumber"},
    {18, "bgpNextHopIPv4Address", kIpv4},
    {21, "flowEndSysUpTime", kNumber, Target::kEnd, 2, Clock::kUptime},
    {22, "flowStartSysUpTime", kNumber, Target::kStart, 2, Clock::kUptime},
    {23, "postOctetDeltaCount"},
    {24, "postPacketDeltaCount"},
    {27, "sourceIPv6Address", kIpv6, Target::kSource6},
    {28, "destinationIPv6Address", kIpv6, Target::kDestination6},
    {29, "sourceIPv6PrefixLength"},
    {30, "destinationIPv6PrefixLength"},
    {31, "flowLabelIPv6"},
    {32, "icmpTypeCodeIPv4", kNumber, Target::kIcmp, 2},
    {34, "samplingInterval", kNumber, Target::kSamplingInterval, 3},
    {35, "samplingAlgorithm"},
    {48, "flowSamplerId"},
    {49, "flowSamplerMode"},
    {50, "flowSamplerRandomInterval", kNumber, Target::kSamplingInterval, 2},
    {52, "minimumTTL"},
    {53, "maximumTTL"},
    {56, "sourceMacAddress", kMac},
    {57, "postDestinationMacAddress", kMac},
    {58, "vlanId"},
    {59, "postVlanId"},
    {60, "ipVersion"},
    {61, "flowDirection"},
    {62, "ipNextHopIPv6Address", kIpv6},
    {63, "bgpNextHopIPv6Address", kIpv6},
    {70, "mplsTopLabelStackSection", kBytes},
    {80, "destinationMacAddress", kMac},
    {81, "postSourceMacAddress", kMac},
    {82, "interfaceName", kText},
    {83, "interfaceDescription", kText},
    {85, "octetTotalCount", kNumber, Target::kBytes, 1},
    {86, "packetTotalCount", kNumber, Target::kPackets, 1},
    {89, "forwardingStatus"},
    {95, "applicationId", kBytes},
    {96, "applicationName", kText},
    {130, "exporterIPv4Address", kIpv4},
    {131, "exporterIPv6Address", kIpv6},
    {136, "flowEndReason"},
    {138, "observationPointId"},
    {139, "icmpTypeCodeIPv6", kNumber, Target::kIcmp, 1},
    {144, "exportingProcessId"},
    {148, "flowId"},
    {149, "observationDomainId"},
    {150, "flowStartSeconds", kSeconds, Target::kStart, 4, Clock::kSeconds},
    {151, "flowEndSeconds", kSeconds, Target::kEnd, 4, Clock::kSeconds},
    {152, "flowStartMilliseconds", kMilliseconds, Target::kStart, 5, Clock::kMilliseconds},
    {153, "flowEndMilliseconds", kMilliseconds, Target::kEnd, 5, Clock::kMilliseconds},
    {154, "flowStartMicroseconds", kNtp, Target::kStart, 6, Clock::kNtp},
    {155, "flowEndMicroseconds", kNtp, Target::kEnd, 6, Clock::kNtp},
    {156, "flowStartNanoseconds", kNtp, Target::kStart, 7, Clock::kNtp},
    {157, "flowEndNanoseconds", kNtp, Target::kEnd, 7, Clock::kNtp},
    {158, "flowStartDeltaMicroseconds", kNumber, Target::kStart, 3, Clock::kBeforeExport},
    {159, "flowEndDeltaMicroseconds", kNumber, Target::kEnd, 3, Clock::kBeforeExport},
    {160, "systemInitTimeMilliseconds", kMilliseconds, Target::kSystemInit},
    {161, "flowDurationMilliseconds", kNumber, Target::kDuration, 1, Clock::kMilliseconds},
    {162, "flowDurationMicroseconds", kNumber, Target::kDuration, 2, Clock::kMicroseconds},
    {176, "icmpTypeIPv4", kNumber, Target::kIcmpType, 2},
    {177, "icmpCodeIPv4", kNumber, Target::kIcmpCode, 2},
    {178, "icmpTypeIPv6", kNumber, Target::kIcmpType, 1},
    {179, "icmpCodeIPv6", kNumber, Target::kIcmpCode, 1},
    {180, "udpSourcePort", kNumber, Target::kSourcePort, 1},
    {181, "udpDestinationPort", kNumber, Target::kDestinationPort, 1},
    {182, "tcpSourcePort", kNumber, Target::kSourcePort, 1},
    {183, "tcpDestinationPort", kNumber, Target::kDestinationPort, 1},
    {184, "tcpSequenceNumber"},
    {185, "tcpAcknowledgementNumber"},
    {192, "ipTTL"},
    {210, "paddingOctets", kBytes},
    {225, "postNATSourceIPv4Address", kIpv4},
    {226, "postNATDestinationIPv4Address", kIpv4},
    {227, "postNAPTSourceTransportPort"},
    {228, "postNAPTDestinationTransportPort"},
    {230, "natEvent"},
    {231, "initiatorOctets", kNumber, Target::kBytes, 3},
    {232, "responderOctets", kNumber, Target::kReverseBytes, 3},
    {233, "firewallEvent"},
    {234, "ingressVRFID"},
    {239, "biflowDirection", kNumber, Target::kDirection},
    {243, "dot1qVlanId"},
    {244, "dot1qPriority"},
    {256, "ethernetType"},
    {298, "initiatorPackets", kNumber, Target::kPackets, 3},
    {299, "responderPackets", kNumber, Target::kReversePackets, 3},
    {302, "selectorId"},
    {304, "selectorAlgorithm"},
    {305, "samplingPacketInterval"},
    {306, "samplingPacketSpace", kNumber, Target::kSamplingSpace},
    {309, "samplingSize"},
    {310, "samplingPopulation", kNumber, Target::kSamplingInterval, 1},
    {322, "observationTimeSeconds", kSeconds, Target::kStart, 1, Clock::kSeconds},
    {323, "observationTimeMilliseconds", kMilliseconds, Target::kStart, 1, Clock::kMilliseconds},
    {324, "observationTimeMicroseconds", kNtp, Target::kStart, 1, Clock::kNtp},
    {325, "observationTimeNanoseconds", kNtp, Target::kStart, 1, Clock::kNtp},
});
static_assert(std::ranges::is_sorted(kElements, {}, &Element::id));

// tools.netsa.cert.org/cert-ipfix-registry
constexpr std::uint16_t kCertReverse = 0x4000;
constexpr auto kCertElements = std::to_array<Element>({
    {14, "initialTCPFlags", kNumber, Target::kFirstFlags},
    {15, "unionTCPFlags", kNumber, Target::kFlags, 1},
    {14 | kCertReverse, "reverseInitialTCPFlags"},
    {15 | kCertReverse, "reverseUnionTCPFlags", kNumber, Target::kReverseFlags, 1},
});

}  // namespace

const Element* find_element(std::uint32_t enterprise, std::uint16_t id) {
  if (enterprise == kCertPen) {
    const auto found = std::ranges::find(kCertElements, id, &Element::id);
    return found == kCertElements.end() ? nullptr : &*found;
  }
  if (enterprise != 0 && enterprise != kReversePen) return nullptr;
  const auto found = std::ranges::lower_bound(kElements, id, {}, &Element::id);
  return found == kElements.end() || found->id != id ? nullptr : &*found;
}

Target reversed(Target target) {
  switch (target) {
    case Target::kBytes:
      return Target::kReverseBytes;
    case Target::kPackets:
      return Target::kReversePackets;
    case Target::kFlags:
      return Target::kReverseFlags;
    case Target::kStart:
      return Target::kReverseStart;
    case Target::kEnd:
      return Target::kReverseEnd;
    default:
      return Target::kNone;
  }
}

}  // namespace tocsin::collect
