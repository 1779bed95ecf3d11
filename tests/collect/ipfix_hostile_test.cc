#include <gtest/gtest.h>

#include <chrono>

#include "collect/ipfix.h"
#include "ipfix_bytes.h"

namespace tocsin::testing {
namespace {

std::string sample() {
  return ipfix_of(kPlain, plain_record(1, 2, 40000, 443, 6, 0x1b) + plain_record(3, 4, 40001, 53, 17, 0)) +
         ipfix_message(set_of(256, plain_record(5, 6, 40002, 22, 6, 0x02)));
}

TEST(IpfixHostile, CutAtAnyByteGivesTheWholeRecords) {
  const std::string whole = sample();
  const std::size_t ends[] = {whole.size() - 20 - 92, whole.size() - 20 - 46, whole.size()};
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const auto all = observations_of(whole.substr(0, size), Format::kIpfix);
    std::size_t expected = 0;
    for (const std::size_t end : ends) expected += size >= end ? 1 : 0;
    // The ends of the first two are those of records, the cut between them is within a message.
    EXPECT_GE(all->batch.flows.size() + 1, expected) << size;
    EXPECT_LE(all->batch.flows.size(), 3U) << size;
    EXPECT_TRUE(all->skips.count() > 0 || size == whole.size() - 20 - 46) << size;
    const auto input = InputStream::of_bytes(whole.substr(0, size));
    EXPECT_EQ(collect::describe_ipfix_record(*input, 3).has_value(), false) << size;
  }
}

TEST(IpfixHostile, FindsItsWayAgainAfterDamage) {
  const std::string data = ipfix_message(set_of(256, plain_record(7, 8, 40003, 25, 6, 0x1b)));
  for (const std::string& damage : {noise(5000, 3), std::string(200'000, '\0'), n16(10) + n16(3) + noise(20, 1),
                                    n16(10) + n16(65535) + n32(0) + n32(0) + n32(1), set_of(300, "x")}) {
    const auto all = observations_of(sample() + damage + data + data + data, Format::kIpfix);
    EXPECT_EQ(all->batch.flows.size(), 6U);
    EXPECT_GE(all->skips.count(), 1U);
  }
}

TEST(IpfixHostile, EveryFlippedByteIsSurvived) {
  const std::string whole = sample() + sample();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const unsigned bits : {0xffU, 0x80U, 0x01U}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ bits);
      const auto all = observations_of(bytes, Format::kIpfix);
      EXPECT_LE(all->batch.flows.size(), 200U);
      const auto input = InputStream::of_bytes(bytes);
      collect::describe_ipfix_record(*input, 5);
    }
  }
}

TEST(IpfixHostile, NoiseIsSurvived) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    observations_of(noise(3000, seed), Format::kIpfix);
    observations_of(ipfix_of(kPlain, "") + ipfix_message(set_of(2, noise(600, seed)) + set_of(3, noise(600, seed + 1)) +
                                                         set_of(256, noise(500, seed)) + set_of(257, noise(500, seed))),
                    Format::kIpfix);
  }
}

TEST(IpfixHostile, RefusesTemplatesThatCannotBe) {
  const auto reasons = [](const std::string& set) {
    const auto all = observations_of(ipfix_message(set) + sample(), Format::kIpfix);
    EXPECT_EQ(all->batch.flows.size(), 3U);
    return all->skips.by_reason().empty() ? std::string() : all->skips.by_reason().begin()->first;
  };
  EXPECT_EQ(reasons(set_of(2, template_of(256, {{8, 0}, {12, 0}}))), "template of records without bytes");
  EXPECT_EQ(reasons(set_of(2, template_of(255, {{8, 4}}))), "reserved number of a template");
  EXPECT_EQ(reasons(set_of(2, n16(256) + n16(40) + n16(8) + n16(4))), "template cut short");
  EXPECT_EQ(reasons(set_of(2, n16(256) + n16(1) + n16(0x8008) + n16(4))), "template cut short");
  EXPECT_EQ(reasons(set_of(3, n16(256) + n16(1))), "template cut short");
  EXPECT_EQ(reasons(set_of(2, template_of(300, {{8, 65535}, {12, 65535}}))), "");
}

// Fields without bytes make a record dear that has one byte: they are not walked.
TEST(IpfixHostile, TemplatesOfManyFieldsDoNotMakeRecordsDear) {
  std::vector<FieldOf> fields(16'000, {9, 0});
  fields.push_back({82, 65535});
  std::string bytes = ipfix_message(set_of(2, template_of(256, fields)));
  for (int i = 0; i < 20; ++i) bytes += ipfix_message(set_of(256, std::string(65'000, '\0')));
  const auto begin = std::chrono::steady_clock::now();
  const auto all = observations_of(bytes, Format::kIpfix);
  EXPECT_EQ(all->passed_over, 20U * 65'000);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST(IpfixHostile, BoundsWhatTemplatesTake) {
  std::string bytes;
  std::uint32_t domain = 0;
  for (int i = 0; i < 40; ++i) {
    std::string templates;
    for (unsigned id = 256; templates.size() < 60'000; ++id) templates += template_of(id, {{8, 4}, {12, 4}});
    bytes += ipfix_message(set_of(2, templates), domain++);
  }
  const auto all = observations_of(bytes + sample(), Format::kIpfix);
  EXPECT_GT(all->skips.by_reason().at("more templates than are kept"), 1000U);
}

TEST(IpfixHostile, WithdrawsAllOptionsTemplatesWithoutPassingOverTheOthers) {
  std::string text;
  for (unsigned first = 256; first < 65'000; first += 1000) {
    std::string templates;
    for (unsigned id = first; id < first + 1000 && id < 65'500; ++id) templates += template_of(id, {{8, 4}, {12, 4}});
    text += ipfix_message(set_of(2, templates));
  }
  std::string withdrawals;
  for (int i = 0; i < 16'000; ++i) withdrawals += n16(3) + n16(0);
  for (int i = 0; i < 4; ++i) text += ipfix_message(set_of(3, withdrawals));
  text += ipfix_message(set_of(256, n32(1) + n32(2)));
  const auto start = std::chrono::steady_clock::now();
  const auto all = observations_of(text, Format::kIpfix);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
  EXPECT_EQ(all->skips.count(), 0U);
  EXPECT_EQ(all->records, 1U);
}

// Headers that seem possible at every turn and lead nowhere.
TEST(IpfixHostile, SearchesForTheNextMessageInLinearTime) {
  std::string pattern;
  for (int i = 0; i < 200'000; ++i) pattern += n16(10) + n16(65532) + n16(256) + n16(4) + n16(2) + n16(4);
  const auto begin = std::chrono::steady_clock::now();
  observations_of(n32(0xffffffff) + pattern, Format::kIpfix);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

TEST(IpfixDescribe, GivesARecordAsALine) {
  const std::string file = ipfix_of({{8, 4}, {12, 4}, {96, 65535}, {1, 8, 29305}, {3, 2, 9999}, {152, 8}, {56, 6}},
                                    n32(1) + n32(2) + n8(2) + "a\x1b" + n64(5) + n16(0xabcd) + n64(kSent * 1000ULL) +
                                        "\x01\x02\x03\x04\x05\x06") +
                           sample();
  const auto line = [&](std::uint64_t record) {
    const auto input = InputStream::of_bytes(file);
    return collect::describe_ipfix_record(*input, record);
  };
  EXPECT_EQ(line(1).value_or(""),
            "sourceIPv4Address=0.0.0.1 destinationIPv4Address=0.0.0.2 applicationName=\"a\\x1b\" "
            "reverseOctetDeltaCount=5 element9999/3=43981 flowStartMilliseconds=2023-11-14T22:13:20Z "
            "sourceMacAddress=0x010203040506");
  EXPECT_TRUE(line(3)->starts_with("sourceIPv4Address=0.0.0.3 destinationIPv4Address=0.0.0.4 "));
  EXPECT_FALSE(line(0));
  EXPECT_FALSE(line(5));
  // In ascending order from one input, each as the reader numbered it.
  const auto all = observations_of(file);
  const auto input = InputStream::of_bytes(file);
  collect::IpfixDescriber records(*input);
  for (const Flow& flow : all->batch.flows) {
    EXPECT_TRUE(
        records.describe(flow.place.record)->starts_with("sourceIPv4Address=" + flow.initiator.ip.text() + " "));
  }
}

}  // namespace
}  // namespace tocsin::testing
