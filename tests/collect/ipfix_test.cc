#include <gtest/gtest.h>

#include "ipfix_bytes.h"

namespace tocsin::testing {
namespace {

constexpr std::uint32_t kClient = 0xc0000201, kServer = 0xc6336402;  // 192.0.2.1, 198.51.100.2

std::string plain_file() {
  return ipfix_of(kPlain, plain_record(kClient, kServer, 40000, 443, 6, 0x1b) +
                              plain_record(kClient + 1, kServer, 40001, 53, 17, 0, 77, 1)) +
         ipfix_message(set_of(256, plain_record(kClient + 2, kServer, 40002, 22, 6, 0x02, 60, 1)));
}

Flow only_flow(const std::string& bytes) {
  const auto all = observations_of(bytes);
  EXPECT_EQ(all->batch.flows.size(), 1U);
  EXPECT_EQ(all->skips.count(), 0U);
  return all->batch.flows.empty() ? Flow{} : all->batch.flows[0];
}

TEST(Ipfix, IsRecognised) {
  const std::string file = plain_file();
  EXPECT_EQ(recognise(bytes_of(file)), Format::kIpfix);
  EXPECT_EQ(recognise(bytes_of(file.substr(0, 40))), Format::kIpfix);
  std::string other = file;
  other[17] = 1;  // a reserved set
  EXPECT_EQ(recognise(bytes_of(other)), Format::kUnknown);
  std::string broken = file;
  broken[3] = static_cast<char>(broken[3] + 1);  // no header follows
  EXPECT_EQ(recognise(bytes_of(broken)), Format::kUnknown);
}

TEST(Ipfix, ReadsFlows) {
  const std::string file = plain_file();
  const auto all = observations_of(file);
  ASSERT_EQ(all->batch.flows.size(), 3U);
  EXPECT_EQ(all->skips.count(), 0U);
  EXPECT_EQ(all->records, 3U);
  const Flow& flow = all->batch.flows[0];
  EXPECT_EQ(flow.initiator.ip.text(), "192.0.2.1");
  EXPECT_EQ(flow.responder.ip.text(), "198.51.100.2");
  EXPECT_EQ(flow.initiator.port, 40000);
  EXPECT_EQ(flow.responder.port, 443);
  EXPECT_EQ(flow.protocol, kTcp);
  EXPECT_EQ(flow.first, kSent * kSecond - 5 * kSecond);
  EXPECT_EQ(flow.last, kSent * kSecond - 250'000);
  EXPECT_EQ(flow.initiator_bytes, 1000U);
  EXPECT_EQ(flow.initiator_packets, 10U);
  EXPECT_EQ(flow.responder_packets, 0U);
  EXPECT_EQ(flow.initiator_flags, 0x1b);
  EXPECT_TRUE(flow.flags_known);
  EXPECT_EQ(flow.state, ConnState::kUnknown);
  EXPECT_EQ(flow.place.source, 3U);
  EXPECT_EQ(flow.place.record, 1U);
  EXPECT_EQ(all->batch.flows[1].state, ConnState::kUnknown);
  const Flow& syn = all->batch.flows[2];
  EXPECT_EQ(syn.state, ConnState::kS0);
  EXPECT_EQ(syn.first_flags, kSyn);
  EXPECT_EQ(syn.place.record, 3U);
  EXPECT_EQ(syn.place.offset, file.size() - 46);
}

TEST(Ipfix, ReadsBothSidesOfABiflow) {
  std::vector<FieldOf> fields = kPlain;
  fields.insert(fields.end(), {{1, 8, 29305}, {2, 8, 29305}, {6, 1, 29305}, {153, 8, 29305}, {239, 1}});
  const auto record = [&](unsigned flags, unsigned back, std::uint64_t packets_back, unsigned direction) {
    return plain_record(kClient, kServer, 40000, 443, 6, flags) + n64(packets_back * 100) + n64(packets_back) +
           n8(back) + n64(kSent * 1000ULL) + n8(direction);
  };
  const auto all =
      observations_of(ipfix_of(fields, record(0x1b, 0x1b, 8, 1) + record(0x02, 0, 0, 1) + record(0x02, 0x14, 1, 0) +
                                           record(0x02, 0x1b, 8, 2) + record(0, 0, 8, 1)));
  ASSERT_EQ(all->batch.flows.size(), 5U);
  const auto& flows = all->batch.flows;
  EXPECT_EQ(flows[0].state, ConnState::kSF);
  EXPECT_EQ(flows[0].responder_bytes, 800U);
  EXPECT_EQ(flows[0].responder_packets, 8U);
  EXPECT_EQ(flows[0].responder_flags, 0x1b);
  EXPECT_EQ(flows[0].first_flags, kSyn);
  EXPECT_EQ(flows[0].last, kSent * kSecond);
  EXPECT_EQ(flows[1].state, ConnState::kS0);
  EXPECT_EQ(flows[2].state, ConnState::kREJ);
  EXPECT_EQ(flows[3].initiator.ip.text(), "198.51.100.2");
  EXPECT_EQ(flows[3].initiator_packets, 8U);
  EXPECT_EQ(flows[3].initiator_flags, 0x1b);
  EXPECT_EQ(flows[3].responder_packets, 10U);
  EXPECT_FALSE(flows[4].flags_known);
  EXPECT_EQ(flows[4].state, ConnState::kUnknown);
}

TEST(Ipfix, TakesTheCountsOfInitiatorAndResponder) {
  const Flow flow = only_flow(
      ipfix_of({{8, 4}, {12, 4}, {7, 2}, {11, 2}, {4, 1}, {1, 4}, {231, 8}, {232, 8}, {299, 4}},
               n32(kClient) + n32(kServer) + n16(53) + n16(40000) + n8(17) + n32(1) + n64(500) + n64(700) + n32(3)));
  EXPECT_EQ(flow.initiator.port, 53);  // it was told who began
  EXPECT_EQ(flow.initiator_bytes, 500U);
  EXPECT_EQ(flow.initiator_packets, 1U);
  EXPECT_EQ(flow.responder_bytes, 700U);
  EXPECT_EQ(flow.responder_packets, 3U);
  EXPECT_EQ(flow.state, ConnState::kSF);
}

TEST(Ipfix, TakesAnAnswerSeenAloneAsTheRespondersSide) {
  const auto of = [](unsigned from, unsigned to, unsigned protocol, unsigned flags) {
    return only_flow(ipfix_of(kPlain, plain_record(kServer, kClient, from, to, protocol, flags)));
  };
  const Flow answer = of(443, 40000, 6, 0x1b);
  EXPECT_EQ(answer.initiator.ip.text(), "192.0.2.1");
  EXPECT_EQ(answer.initiator.port, 40000);
  EXPECT_EQ(answer.initiator_packets, 0U);
  EXPECT_EQ(answer.responder_packets, 10U);
  EXPECT_EQ(answer.responder_flags, 0x1b);
  EXPECT_FALSE(answer.flags_known);
  EXPECT_EQ(of(53, 40000, 17, 0).responder.port, 53);
  EXPECT_EQ(of(20, 40000, 6, 0x02).initiator.port, 20);
  EXPECT_EQ(of(0, 40000, 17, 0).initiator.port, 0);
  EXPECT_EQ(of(123, 123, 17, 0).initiator.ip.text(), "198.51.100.2");
}

// softflowd -b orders the sides by address.
TEST(Ipfix, TakesTheSideThatSentForTheInitiatorOfABiflow) {
  std::vector<FieldOf> fields = kPlain;
  fields.insert(fields.end(), {{1, 4, 29305}, {2, 4, 29305}, {6, 1, 29305}});
  const auto of = [&](std::uint64_t packets, unsigned flags) {
    return only_flow(ipfix_of(fields, plain_record(kServer, kClient, 23, 40000, 6, flags, packets * 60, packets) +
                                          n32(300) + n32(5) + n8(0x02)));
  };
  const Flow silent = of(0, 0);
  EXPECT_EQ(silent.initiator.ip.text(), "192.0.2.1");
  EXPECT_EQ(silent.initiator_packets, 5U);
  EXPECT_EQ(silent.state, ConnState::kS0);
  EXPECT_EQ(silent.first_flags, kSyn);
  EXPECT_EQ(of(3, 0x12).initiator.ip.text(), "198.51.100.2");
  fields.push_back({239, 1});
  const Flow arbitrary = only_flow(
      ipfix_of(fields, plain_record(kServer, kClient, 23, 40000, 6, 0x1b) + n32(300) + n32(5) + n8(0x1b) + n8(0)));
  EXPECT_EQ(arbitrary.initiator.ip.text(), "192.0.2.1");
}

TEST(Ipfix, ReadsIpv6) {
  const std::string from("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
  const std::string to("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02", 16);
  const Flow flow = only_flow(
      ipfix_of({{27, 16}, {28, 16}, {4, 1}, {139, 2}, {2, 2}}, from + to + n8(58) + n16(128 << 8 | 3) + n16(4)));
  EXPECT_EQ(flow.initiator.ip.text(), "2001:db8::1");
  EXPECT_EQ(flow.responder.ip.text(), "2001:db8::2");
  EXPECT_EQ(flow.initiator.port, 128);
  EXPECT_EQ(flow.responder.port, 3);
  EXPECT_EQ(flow.initiator_packets, 4U);
  EXPECT_EQ(flow.first, kSent * kSecond);
  // Both families in one template: the one that is not zero.
  const Flow both = only_flow(ipfix_of({{8, 4}, {12, 4}, {27, 16}, {28, 16}}, n32(0) + n32(0) + from + to));
  EXPECT_EQ(both.responder.ip.text(), "2001:db8::2");
}

TEST(Ipfix, ReadsIcmpInEveryForm) {
  const std::string ends = n32(kClient) + n32(kServer) + n8(1);
  for (const auto& [fields, bytes] : std::vector<std::pair<std::vector<FieldOf>, std::string>>{
           {{{32, 2}}, n16(0x0301)},
           {{{176, 1}, {177, 1}}, n8(3) + n8(1)},
           {{{7, 2}, {11, 2}}, n16(0) + n16(0x0301)},
           {{{7, 2}, {11, 2}, {32, 2}}, n16(0) + n16(0) + n16(0x0301)}}) {
    std::vector<FieldOf> all{{8, 4}, {12, 4}, {4, 1}};
    all.insert(all.end(), fields.begin(), fields.end());
    const Flow flow = only_flow(ipfix_of(all, ends + bytes));
    EXPECT_EQ(flow.initiator.port, 3);
    EXPECT_EQ(flow.responder.port, 1);
  }
}

TEST(Ipfix, ReadsEveryClock) {
  const auto times = [](const std::vector<FieldOf>& fields, const std::string& bytes) {
    std::vector<FieldOf> all{{8, 4}, {12, 4}};
    all.insert(all.end(), fields.begin(), fields.end());
    const Flow flow = only_flow(ipfix_of(all, n32(kClient) + n32(kServer) + bytes));
    return std::pair(flow.first - kSent * kSecond, flow.last - kSent * kSecond);
  };
  using Pair = std::pair<Timestamp, Timestamp>;
  EXPECT_EQ(times({{150, 4}, {151, 4}}, n32(kSent - 9) + n32(kSent - 1)), Pair(-9'000'000, -1'000'000));
  const std::uint64_t ntp = (kSent + 2'208'988'800ULL) << 32;
  // 0.5 s; 0.123456 s as an exporter that cuts to 2^-21 s writes it.
  EXPECT_EQ(
      times({{154, 8}, {155, 8}}, n64(ntp | 0x80000000U) + n64(ntp | ((123456ULL << 32) / 1'000'000 & ~0x7ffULL))),
      Pair(500'000, 500'000));
  EXPECT_EQ(times({{156, 8}, {157, 8}}, n64(ntp | ((123456ULL << 32) / 1'000'000)) + n64(ntp | 0xffffffffU)),
            Pair(123'456, 1'000'000));
  EXPECT_EQ(times({{158, 4}, {159, 4}}, n32(3'000'000) + n32(0)), Pair(-3'000'000, 0));
  EXPECT_EQ(times({{152, 8}, {161, 4}}, n64(kSent * 1000ULL - 700) + n32(500)), Pair(-700'000, -200'000));
  EXPECT_EQ(times({{153, 8}, {162, 4}}, n64(kSent * 1000ULL) + n32(500)), Pair(-500, 0));
  EXPECT_EQ(times({{22, 4}, {21, 4}, {160, 8}}, n32(1000) + n32(3000) + n64(kSent * 1000ULL - 4000)),
            Pair(-3'000'000, -1'000'000));
  // The 32 bits wrapped once since the exporter began.
  EXPECT_EQ(
      times({{22, 4}, {21, 4}, {160, 8}}, n32(0xffffffffU) + n32(1000) + n64(kSent * 1000ULL - (1ULL << 32) - 4000)),
      Pair(-4'001'000, -3'000'000));
  EXPECT_EQ(times({{22, 4}, {21, 4}}, n32(1000) + n32(3000)), Pair(-2'000'000, 0));
  EXPECT_EQ(times({{152, 8}, {153, 8}}, n64(0) + n64(kSent * 1000ULL)), Pair(0, 0));
  EXPECT_EQ(times({}, ""), Pair(0, 0));
  EXPECT_EQ(times({{323, 8}}, n64(kSent * 1000ULL - 1)), Pair(-1000, -1000));
  // The finer clock is taken, and an end before the start is none.
  EXPECT_EQ(times({{150, 4}, {152, 8}, {151, 4}}, n32(1) + n64(kSent * 1000ULL + 1) + n32(kSent)), Pair(1000, 1000));
}

TEST(Ipfix, CountsImpossibleTimes) {
  const auto all =
      observations_of(ipfix_of({{8, 4}, {12, 4}, {152, 8}}, n32(kClient) + n32(kServer) + n64(~0ULL) + n32(kClient) +
                                                                n32(kServer) + n64(kSent * 1000ULL)));
  EXPECT_EQ(all->batch.flows.size(), 1U);
  EXPECT_EQ(all->skips.examples().at(0), "record 1: impossible time");
}

TEST(Ipfix, ReadsReducedSizesAndPadding) {
  const Flow flow = only_flow(ipfix_of({{1, 3}, {8, 4}, {210, 5}, {12, 4}, {7, 1}, {11, 2}, {4, 1}, {6, 2}, {2, 1}},
                                       std::string("\x01\x00\x02", 3) + n32(kClient) + "xxxxx" + n32(kServer) +
                                           n8(200) + n16(443) + n8(6) + n16(0x0112) + n8(9) + std::string(3, '\0')));
  EXPECT_EQ(flow.initiator_bytes, 65538U);
  EXPECT_EQ(flow.initiator_packets, 9U);
  EXPECT_EQ(flow.responder.port, 443);
  EXPECT_EQ(flow.initiator.ip.text(), "192.0.2.1");  // port 200 below 1024, but so is 443
  EXPECT_EQ(flow.initiator_flags, 0x12);
}

TEST(Ipfix, PassesVariableLengthsAndForeignElements) {
  const std::vector<FieldOf> fields{{96, 65535}, {8, 4}, {12, 4}, {77, 65535, 9999}, {4, 1}, {5, 2, 4242}, {2, 8}};
  const auto record = [](const std::string& name, const std::string& other, unsigned packets) {
    const std::string size =
        name.size() < 255 ? n8(static_cast<unsigned>(name.size())) : n8(255) + n16(static_cast<unsigned>(name.size()));
    return size + name + n32(kClient) + n32(kServer) + n8(static_cast<unsigned>(other.size())) + other + n8(17) + "??" +
           n64(packets);
  };
  const auto all = observations_of(
      ipfix_of(fields, record("", "", 1) + record("http", "abc", 2) + record(std::string(300, 'n'), "", 3)));
  ASSERT_EQ(all->batch.flows.size(), 3U);
  for (unsigned i = 0; i < 3; ++i) {
    EXPECT_EQ(all->batch.flows[i].initiator_packets, i + 1);
    EXPECT_EQ(all->batch.flows[i].initiator.ip.text(), "192.0.2.1");
    EXPECT_EQ(all->batch.flows[i].protocol, kUdp);
  }
  EXPECT_EQ(all->skips.count(), 0U);
  const auto beyond = observations_of(ipfix_of(fields, record("http", "abc", 2) + n8(200) + std::string(40, 'x')));
  EXPECT_EQ(beyond->batch.flows.size(), 1U);
  EXPECT_EQ(beyond->skips.by_reason().at("record beyond the end of its set"), 1U);
}

TEST(Ipfix, TakesFlagsAsYafHasThem) {
  const Flow flow = only_flow(ipfix_of({{8, 4},
                                        {12, 4},
                                        {7, 2},
                                        {11, 2},
                                        {4, 1},
                                        {2, 4},
                                        {2, 4, 29305},
                                        {14, 1, 6871},
                                        {15, 1, 6871},
                                        {16398, 1, 6871},
                                        {16399, 1, 6871}},
                                       n32(kClient) + n32(kServer) + n16(40000) + n16(80) + n8(6) + n32(5) + n32(4) +
                                           n8(0x02) + n8(0x19) + n8(0x12) + n8(0x19)));
  EXPECT_EQ(flow.first_flags, kSyn);
  EXPECT_EQ(flow.initiator_flags, 0x1b);
  EXPECT_EQ(flow.responder_flags, 0x19);
}

TEST(Ipfix, KeepsTemplatesOfEachDomainApart) {
  const std::string one = ipfix_message(set_of(2, template_of(256, {{8, 4}, {12, 4}, {2, 4}})), 1);
  const std::string two = ipfix_message(set_of(2, template_of(256, {{2, 4}, {8, 4}, {12, 4}})), 2);
  const auto all = observations_of(one + two + ipfix_message(set_of(256, n32(kClient) + n32(kServer) + n32(7)), 1) +
                                   ipfix_message(set_of(256, n32(8) + n32(kClient) + n32(kServer)), 2) +
                                   ipfix_message(set_of(256, n32(8) + n32(kClient) + n32(kServer)), 3));
  ASSERT_EQ(all->batch.flows.size(), 2U);
  EXPECT_EQ(all->batch.flows[0].initiator_packets, 7U);
  EXPECT_EQ(all->batch.flows[1].initiator_packets, 8U);
  EXPECT_EQ(all->batch.flows[1].initiator.ip.text(), "192.0.2.1");
  EXPECT_EQ(all->skips.by_reason().at("data before its template"), 1U);
}

TEST(Ipfix, FollowsRedefinitionAndWithdrawal) {
  const std::string data = set_of(256, n32(kClient) + n32(kServer) + n32(7));
  const auto all = observations_of(
      ipfix_message(set_of(2, template_of(256, {{8, 4}, {12, 4}, {2, 4}})) + data) +
      ipfix_message(set_of(2, template_of(256, {{12, 4}, {8, 4}, {1, 4}})) + data) +
      ipfix_message(set_of(2, n16(256) + n16(0)) + data) +
      ipfix_message(set_of(2, template_of(256, {{8, 4}, {12, 4}, {2, 4}}) + template_of(257, {{8, 4}, {12, 4}})) +
                    data) +
      ipfix_message(set_of(3, n16(3) + n16(0)) + data) + ipfix_message(set_of(2, n16(2) + n16(0)) + data));
  ASSERT_EQ(all->batch.flows.size(), 4U);
  EXPECT_EQ(all->batch.flows[1].initiator.ip.text(), "198.51.100.2");
  EXPECT_EQ(all->batch.flows[1].initiator_bytes, 7U);
  EXPECT_EQ(all->skips.by_reason().at("data before its template"), 2U);
}

TEST(Ipfix, CountsDataBeforeItsTemplateOnceASet) {
  const std::string records = plain_record(kClient, kServer, 1, 2, 17, 0) + plain_record(kClient, kServer, 1, 2, 17, 0);
  const auto all = observations_of(ipfix_message(set_of(256, records)) + plain_file());
  EXPECT_EQ(all->batch.flows.size(), 3U);
  EXPECT_EQ(all->skips.count(), 1U);
  EXPECT_EQ(all->skips.examples().at(0), "byte 20, 92 bytes: data before its template");
}

TEST(Ipfix, TakesTheStartOfTheExporterFromItsOptions) {
  const auto all = observations_of(ipfix_message(set_of(3, options_template_of(300, 1, {{149, 4}, {160, 8}})) +
                                                 set_of(300, n32(1) + n64(kSent * 1000ULL - 10'000)) +
                                                 set_of(2, template_of(256, {{8, 4}, {12, 4}, {22, 4}, {21, 4}})) +
                                                 set_of(256, n32(kClient) + n32(kServer) + n32(4000) + n32(5000))));
  ASSERT_EQ(all->batch.flows.size(), 1U);
  EXPECT_EQ(all->batch.flows[0].first, (kSent - 6) * kSecond);
  EXPECT_EQ(all->batch.flows[0].last, (kSent - 5) * kSecond);
  EXPECT_EQ(all->passed_over, 1U);
  EXPECT_EQ(all->records, 2U);
  EXPECT_EQ(all->batch.flows[0].place.record, 2U);
}

TEST(Ipfix, JudgesNoStateWherePacketsAreSampled) {
  const auto all = observations_of(
      ipfix_message(set_of(3, options_template_of(300, 1, {{302, 1}, {34, 2}})) + set_of(300, n8(1) + n16(1000))) +
      plain_file());
  ASSERT_EQ(all->batch.flows.size(), 3U);
  EXPECT_EQ(all->batch.flows[2].state, ConnState::kUnknown);
  EXPECT_FALSE(all->batch.flows[2].flags_known);
  EXPECT_EQ(all->batch.flows[2].initiator_packets, 1U);
}

TEST(Ipfix, PassesOverRecordsWithoutAddresses) {
  const auto all = observations_of(ipfix_of({{10, 4}, {85, 8}}, n32(1) + n64(2) + n32(3) + n64(4)) + plain_file());
  EXPECT_EQ(all->passed_over, 2U);
  ASSERT_EQ(all->batch.flows.size(), 3U);
  EXPECT_EQ(all->batch.flows[0].place.record, 3U);
}

TEST(Netflow9, ReadsFlowsWithTheUptimeOfItsHeader) {
  const auto packet = [](unsigned count, const std::string& sets) {
    return n16(9) + n16(count) + n32(60'000) + n32(kSent) + n32(1) + n32(77) + sets;
  };
  const std::string templates =
      template_of(256, {{8, 4}, {12, 4}, {7, 2}, {11, 2}, {4, 1}, {6, 1}, {22, 4}, {21, 4}, {2, 4}, {1, 4}});
  const std::string record = n32(kClient) + n32(kServer) + n16(40000) + n16(22) + n8(6) + n8(2) + n32(50'000) +
                             n32(55'000) + n32(3) + n32(180);
  // An options template of one scope (System, 4 bytes) and the sampling interval.
  const std::string options = n16(257) + n16(4) + n16(4) + n16(1) + n16(4) + n16(34) + n16(4) + n16(0);
  const std::string file = packet(3, set_of(0, templates) + set_of(1, options) + set_of(257, n32(9) + n32(1))) +
                           packet(2, set_of(256, record + record + n16(0))) + packet(1, set_of(256, record));
  EXPECT_EQ(recognise(bytes_of(file)), Format::kIpfix);
  const auto all = observations_of(file);
  ASSERT_EQ(all->batch.flows.size(), 3U);
  EXPECT_EQ(all->skips.count(), 0U);
  EXPECT_EQ(all->batch.flows[2].first, (kSent - 10) * kSecond);
  EXPECT_EQ(all->batch.flows[2].last, (kSent - 5) * kSecond);
  EXPECT_EQ(all->batch.flows[2].initiator_bytes, 180U);
  EXPECT_EQ(all->batch.flows[2].state, ConnState::kS0);
  EXPECT_EQ(all->passed_over, 1U);
}

}  // namespace
}  // namespace tocsin::testing
