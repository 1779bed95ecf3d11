#include "bench.h"

namespace tocsin::match {
namespace {

using Verdict = Inspection::Verdict;

TEST(Firewall, DropsWhatNoRuleAccepts) {
  Bench bench("alert udp any any -> any any (content:\"a\"; sid:9;)\n", {},
              "accept:hook udp:all any any -> any 80 (sid:1;)\n"
              "accept:packet udp:all any any -> any 81 (alert; sid:2;)\n"
              "drop:packet udp:all any any -> any 82 (alert; sid:3;)\n");
  EXPECT_EQ(bench.datagram("a"), Sids{9});
  EXPECT_EQ(bench.inspection.verdict, Verdict::kAccept);
  bench.packet.destination_port = 81;
  EXPECT_EQ(bench.datagram("b"), Sids{2});
  EXPECT_EQ(bench.inspection.verdict, Verdict::kAccept);
  bench.packet.destination_port = 82;
  EXPECT_EQ(bench.datagram("a"), Sids{3});
  EXPECT_EQ(bench.inspection.verdict, Verdict::kDrop);
  EXPECT_EQ(bench.inspection.drop_reason, "firewall rules");
  bench.packet.destination_port = 83;
  EXPECT_TRUE(bench.datagram("a").empty());
  EXPECT_EQ(bench.inspection.verdict, Verdict::kDrop);
  EXPECT_EQ(bench.inspection.drop_reason, "firewall default packet policy");
}

TEST(Firewall, PoliciesAndFlows) {
  Options options;
  options.set("firewall.policies.packet.filter.0", "accept:hook");
  Bench bench("", options, "drop:flow udp:all any any -> any any (content:\"bad\"; sid:1;)\n");
  stream::Flow flow;
  bench.in_flow(flow, "good");
  EXPECT_EQ(bench.inspection.verdict, Verdict::kAccept);
  bench.in_flow(flow, "bad");
  EXPECT_EQ(bench.inspection.verdict, Verdict::kDrop);
  EXPECT_TRUE(bench.inspection.drop_flow);
  bench.in_flow(flow, "good");
  EXPECT_EQ(bench.inspection.drop_reason, "firewall flow drop");
}

}  // namespace
}  // namespace tocsin::match
