#include "engine/eve_text.h"

#include <gtest/gtest.h>

#include "engine/statistics.h"

namespace tocsin::engine {
namespace {

TEST(EveText, TimesHaveMicrosecondsAndOffset) {
  EXPECT_EQ(eve_time(1'297'936'862'000'123), "2011-02-17T10:01:02.000123+0000");
  EXPECT_EQ(fast_time(1'297'936'862'000'123), "02/17/2011-10:01:02.000123");
  EXPECT_EQ(eve_time(-1), "1969-12-31T23:59:59.999999+0000");
}

TEST(EveText, AddressesOfIpv6AreWrittenInFull) {
  EXPECT_EQ(eve_address(*IpAddress::parse("2001:db8::1")), "2001:0db8:0000:0000:0000:0000:0000:0001");
  EXPECT_EQ(eve_address(*IpAddress::parse("192.0.2.1")), "192.0.2.1");
}

TEST(EveText, OnlyPrintableAsciiAndLineEndsAreLeft) {
  EXPECT_EQ(printable_ascii(as_bytes("a\r\n\t\x01\xffz")), "a\r\n...z");
}

TEST(Statistics, NestCountersByTheirDots) {
  EXPECT_EQ(
      stats_object({{"decoder.pkts", 3}, {"decoder.event.ipv4.trunc_pkt", 1}, {"detect.alert", 2}}, {4, 1, 0}, 7, true),
      R"({"uptime":7,"decoder":{"event":{"ipv4":{"trunc_pkt":1}},"pkts":3},)"
      R"("detect":{"engines":[{"id":0,"rules_loaded":4,"rules_failed":1,"rules_skipped":0}],"alert":2}})");
}

TEST(Statistics, LeaveOutZerosWhereAskedTo) {
  EXPECT_EQ(stats_object({{"tcp.rst", 0}, {"tcp.syn", 1}}, {}, 0, false).find("rst"), std::string::npos);
}

TEST(Statistics, ReasonsOfDropsHaveTheirCounters) {
  EXPECT_EQ(drop_reason_counter("stream error"), "ips.drop_reason.stream_error");
  EXPECT_EQ(drop_reason_counter("firewall default packet policy"), "firewall.drop_reason.default_packet_policy");
}

}  // namespace
}  // namespace tocsin::engine
