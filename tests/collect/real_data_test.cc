// Counts that independent tools give for real captures and logs: capinfos for captures, jq and awk for the rest.
#include <gtest/gtest.h>

#include "read_all.h"

namespace tocsin::testing {
namespace {

class RealData : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::filesystem::exists(data_folder() / "stratosphere")) return;
    if (std::getenv("CI") != nullptr) FAIL() << "no data in " << data_folder();
    GTEST_SKIP() << "no data in " << data_folder();
  }

  static std::unique_ptr<Observations> read(const std::string& path) {
    auto input = InputStream::open(data_folder() / "stratosphere" / path);
    EXPECT_TRUE(input);
    const Format format = recognise((*input)->peek(65'536));
    return observations_of(**input, format);
  }
};

TEST_F(RealData, BinetflowsHaveTheirLines) {
  EXPECT_EQ(read("test2-malicious.binetflow")->batch.flows.size(), 6751U);
  EXPECT_EQ(read("test3-mixed.binetflow")->batch.flows.size(), 89U);
  EXPECT_EQ(read("test11-portscan.binetflow")->batch.flows.size(), 66U);
  const auto with_arp = read("test4-malicious.binetflow");
  EXPECT_EQ(with_arp->batch.flows.size(), 392U);
  EXPECT_EQ(with_arp->passed_over, 2U);
  EXPECT_EQ(with_arp->skips.count(), 0U);
}

TEST_F(RealData, EveHasItsEvents) {
  const auto all = read("test6-malicious.suricata.json");
  EXPECT_EQ(all->batch.alerts.size(), 745U);
  EXPECT_EQ(all->batch.dns.size(), 340U);
  EXPECT_EQ(all->batch.flows.size(), 3512U);
  EXPECT_EQ(all->batch.http.size(), 56U);
  EXPECT_EQ(all->batch.tls.size(), 1U);
  EXPECT_EQ(all->passed_over, 6U);
  EXPECT_EQ(all->skips.count(), 0U);
}

TEST_F(RealData, ZeekLogsHaveTheirRecords) {
  EXPECT_EQ(read("test9-mixed-zeek-dir/conn.log")->batch.flows.size(), 576U);
  EXPECT_EQ(read("test9-mixed-zeek-dir/dns.log")->batch.dns.size(), 239U);
  EXPECT_EQ(read("test9-mixed-zeek-dir/http.log")->batch.http.size(), 516U);
  EXPECT_EQ(read("test9-mixed-zeek-dir/ssl.log")->batch.tls.size(), 205U);
  EXPECT_EQ(read("test9-mixed-zeek-dir/notice.log")->batch.alerts.size(), 18U);
  EXPECT_EQ(read("test9-mixed-zeek-dir/files.log")->passed_over, 936U);
  const std::string labeled = "test18-malicious-ctu-sme-11-win/zeek-labeled/";
  EXPECT_EQ(read(labeled + "conn.log.labeled")->batch.flows.size(), 766U);
  EXPECT_EQ(read(labeled + "dns.log.labeled")->batch.dns.size(), 22U);
  EXPECT_EQ(read("port-scans/horizontal/conn.log")->batch.flows.size(), 41U);
  EXPECT_EQ(read("port-scans/vertical/conn.log")->batch.flows.size(), 50U);
}

TEST_F(RealData, EveryCaptureOpensAndOnlyTwoAreDamaged) {
  std::uint64_t captures = 0, packets = 0, damaged = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data_folder())) {
    if (entry.path().extension() != ".pcap") continue;
    auto input = InputStream::open(entry.path());
    ASSERT_TRUE(input);
    const Format format = recognise((*input)->peek(65'536));
    ASSERT_EQ(format, Format::kPcap) << entry.path();
    const Packets all = packets_of(**input, format);
    ++captures;
    packets += all.packets.size();
    damaged += all.skips.count() > 0 ? 1 : 0;
  }
  EXPECT_GT(captures, 500U);
  EXPECT_GT(packets, 5000U);
  EXPECT_EQ(damaged, 2U);
}

}  // namespace
}  // namespace tocsin::testing
