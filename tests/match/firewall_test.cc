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

TEST(Firewall, PassKeepsDetectionOff) {
  Bench bench("alert udp any any -> any any (content:\"a\"; sid:9;)\n", {},
              "accept:packet,pass:packet udp:all any any -> any 80 (sid:1;)\n"
              "accept:hook,alert udp:all any any -> any 81 (sid:2;)\n");
  EXPECT_TRUE(bench.datagram("a").empty());
  EXPECT_EQ(bench.inspection.verdict, Verdict::kAccept);
  bench.packet.destination_port = 81;
  EXPECT_EQ(bench.datagram("a"), (Sids{2, 9}));
}

TEST(Firewall, AcceptsStepsBeforeOne) {
  Options options;
  options.set("firewall.policies.packet.filter.0", "accept:hook");
  const auto accepts = [&](const std::string& hook) {
    Bench bench("", options, "accept:flow dns:" + hook + " any any -> any any (dns.query; content:\"a\"; sid:1;)\n");
    const protocol::ProtocolSettings protocols(options);
    stream::Flow flow;
    flow.application = std::make_unique<protocol::Application>(protocols, true, 40'000, 53);
    const std::string query("\0\1\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1", 19);
    flow.application->take(protocol::Side::kToServer,
                           {reinterpret_cast<const std::uint8_t*>(query.data()), query.size()}, 0);
    bench.in_flow(flow, query);
    return bench.inspection.accept_flow;
  };
  EXPECT_TRUE(accepts("<request_complete"));
  EXPECT_FALSE(accepts("request_complete"));
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
