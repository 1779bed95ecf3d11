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

Result dissect_all(const test::Capture& capture) {
  Result result;
  PacketDissector dissector;
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

}  // namespace
}  // namespace tocsin
