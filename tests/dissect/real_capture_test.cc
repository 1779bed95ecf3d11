// Real captures. The numbers are tshark's: see the command beside each.
#include <algorithm>
#include <map>
#include <set>

#include "dissect/dissector.h"
#include "pcap_for_test.h"

namespace tocsin {
namespace {

struct Result {
  Batch batch;
  DissectorCounters counters;
};

Result dissect_all(const test::Capture& capture, DissectorLimits limits = {}) {
  Result result;
  PacketDissector dissector(limits);
  dissector.dissect(capture.packets, result.batch);
  dissector.finish(result.batch);
  result.counters = dissector.counters();
  return result;
}

TEST(RealCapture, FindsTheControlChannelOfCapture2) {
  test::Capture capture;
  TOCSIN_READ_OR_SKIP("stratosphere/test-cc-capture-2.pcap", capture);
  const Result result = dissect_all(capture);
  // tshark -q -z conv,tcp: 22 conversations; -Y tls.handshake.type==1 -e tls.handshake.extensions_server_name
  // -e tls.handshake.ja3: the same on all.
  std::size_t streams = 0;
  for (const Flow& flow : result.batch.flows) {
    if (flow.protocol != kTcp) continue;
    ++streams;
    EXPECT_EQ(flow.initiator.ip.text(), "147.32.80.37");
    EXPECT_EQ(flow.responder.ip.text(), "141.193.213.20");
    EXPECT_EQ(flow.state, ConnState::kSF);
  }
  EXPECT_EQ(streams, 22U);
  ASSERT_EQ(result.batch.tls.size(), 22U);
  for (const TlsHandshake& handshake : result.batch.tls) {
    EXPECT_EQ(handshake.server_name, "testing.com");
    EXPECT_EQ(handshake.ja3, "f436b9416f37d134cadd04886327d3e8");
  }
}

std::size_t count_of(const Batch& batch, std::uint8_t protocol) {
  return static_cast<std::size_t>(
      std::ranges::count_if(batch.flows, [protocol](const Flow& flow) { return flow.protocol == protocol; }));
}

// Without the shorter timeouts, flows are tshark's conversations.
const DissectorLimits kPatient{.udp_idle = kDay, .icmp_idle = kDay};

TEST(RealCapture, CountsTheConversationsOfTest7) {
  test::Capture capture;
  TOCSIN_READ_OR_SKIP("stratosphere/test7-malicious.pcap", capture);
  const Result result = dissect_all(capture, kPatient);
  // tshark -q -z conv,tcp and conv,udp, IPv6 among them
  EXPECT_EQ(count_of(result.batch, kTcp), 138U);
  EXPECT_EQ(count_of(result.batch, kUdp), 167U);
  EXPECT_EQ(result.counters.packets, 2000U);
  EXPECT_EQ(result.counters.not_ip, 31U);  // tshark -Y 'not ip and not ipv6'
  EXPECT_EQ(result.counters.bad, 0U);
  std::uint64_t packets = 0;
  for (const Flow& flow : result.batch.flows) packets += flow.initiator_packets + flow.responder_packets;
  EXPECT_EQ(packets, 1969U);
}

TEST(RealCapture, FindsTheNamesOfCapture2) {
  test::Capture capture;
  TOCSIN_READ_OR_SKIP("stratosphere/test-cc-capture-2.pcap", capture);
  const Result result = dissect_all(capture, kPatient);
  std::set<std::string_view> names;
  for (const DnsTransaction& dns : result.batch.dns) names.insert(dns.query);
  // tshark -Y dns -T fields -e dns.qry.name | sort -u | wc -l; -q -z conv,udp
  EXPECT_EQ(names.size(), 204U);
  EXPECT_EQ(count_of(result.batch, kUdp), 239U);
  EXPECT_EQ(result.counters.dns_malformed, 0U);
}

TEST(RealCapture, ReadsTheLinkLayersOfTheSensorCorpus) {
  // tcp.stream, dns.qry.name and extensions_server_name of tshark, file by file.
  struct Known {
    const char* file;
    std::size_t tcp, names, servers;
  };
  for (const Known& known :
       {Known{"dlt_raw", 1, 0, 0}, Known{"dlt_sll", 1, 0, 0}, Known{"vlan", 2, 1, 0}, Known{"pppoe", 2, 0, 0},
        Known{"ipv6", 1, 1, 0}, Known{"ipv4_options", 1, 0, 0}, Known{"fragments", 1, 0, 0},
        Known{"truncated", 0, 0, 0}, Known{"tls_sni", 2, 0, 2}, Known{"quic_sni", 0, 0, 1},
        Known{"duplicate_syn", 1, 0, 0}, Known{"port_scan", 20, 0, 0}}) {
    test::Capture capture;
    TOCSIN_READ_OR_SKIP(std::string("maltrail/sensor-corpus/") + known.file + ".pcap", capture);
    const Result result = dissect_all(capture);
    EXPECT_EQ(count_of(result.batch, kTcp), known.tcp) << known.file;
    EXPECT_EQ(result.batch.dns.size(), known.names) << known.file;
    EXPECT_EQ(result.batch.tls.size(), known.servers) << known.file;
  }
}

}  // namespace
}  // namespace tocsin
