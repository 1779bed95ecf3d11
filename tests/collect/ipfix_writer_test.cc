#include "collect/ipfix_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>

#include "read_all.h"

namespace tocsin::testing {
namespace {

std::string scratch_file() {
  return std::filesystem::temp_directory_path() / ("tocsin-ipfix-" + std::to_string(getpid()) + ".ipfix");
}

std::vector<Flow> some_flows(std::size_t count) {
  std::vector<Flow> flows;
  for (std::size_t i = 0; i < count; ++i) {
    Flow& flow = flows.emplace_back();
    const auto n = static_cast<std::uint32_t>(i);
    const bool v6 = i % 3 == 2;
    std::array<std::uint8_t, 16> six{0x20, 0x01, 0x0d, 0xb8};
    six[14] = static_cast<std::uint8_t>(n >> 8);
    six[15] = static_cast<std::uint8_t>(n);
    flow.initiator.ip = v6 ? IpAddress(six) : IpAddress::v4(0xc0000200 + n);
    six[4] = 1;
    flow.responder.ip = v6 ? IpAddress(six) : IpAddress::v4(0xc6336400 + n % 250);
    flow.protocol = i % 5 == 4 ? kUdp : kTcp;
    flow.initiator.port = static_cast<std::uint16_t>(1024 + i);
    flow.responder.port = 443;
    flow.first = 1'700'000'000 * kSecond + n * 1000;
    flow.last = flow.first + 2'500'000;
    flow.initiator_packets = 10 + i;
    flow.initiator_bytes = 1000 + i;
    flow.responder_packets = 5 + i;
    flow.responder_bytes = 5'000'000'000 + i;
    if (flow.protocol == kTcp) flow.initiator_flags = flow.responder_flags = kSyn | kAck | kFin;
  }
  return flows;
}

void write_all(const std::vector<Flow>& flows, const std::string& path) {
  auto writer = IpfixWriter::create(path, 42);
  ASSERT_TRUE(writer);
  for (const Flow& flow : flows) ASSERT_TRUE(writer->write(flow));
  ASSERT_TRUE(writer->finish());
}

TEST(IpfixWriter, WritesWhatTheReaderReads) {
  const std::string path = scratch_file();
  std::vector<Flow> flows = some_flows(5000);
  flows[7].protocol = kIcmp;
  flows[7].initiator.port = 8;
  flows[7].responder.port = 0;
  flows[7].initiator_flags = flows[7].responder_flags = 0;
  write_all(flows, path);
  auto input = InputStream::open(path);
  ASSERT_TRUE(input);
  EXPECT_EQ(recognise((*input)->peek(65'536)), Format::kIpfix);
  const auto all = observations_of(**input, Format::kIpfix);
  ASSERT_EQ(all->batch.flows.size(), flows.size());
  EXPECT_EQ(all->skips.count(), 0U);
  for (std::size_t i = 0; i < flows.size(); ++i) {
    const Flow& read = all->batch.flows[i];
    ASSERT_EQ(read.initiator, flows[i].initiator) << i;
    ASSERT_EQ(read.responder, flows[i].responder) << i;
    ASSERT_EQ(read.first, flows[i].first);
    ASSERT_EQ(read.last, flows[i].last);
    ASSERT_EQ(read.initiator_packets, flows[i].initiator_packets);
    ASSERT_EQ(read.initiator_bytes, flows[i].initiator_bytes);
    ASSERT_EQ(read.responder_packets, flows[i].responder_packets);
    ASSERT_EQ(read.responder_bytes, flows[i].responder_bytes);
    ASSERT_EQ(read.initiator_flags, flows[i].initiator_flags);
    ASSERT_EQ(read.responder_flags, flows[i].responder_flags);
    if (read.protocol == kTcp) {
      ASSERT_EQ(read.state, ConnState::kSF);
    }
  }
  std::filesystem::remove(path);
}

TEST(IpfixWriter, WithoutFlowsGivesAFileOfTemplates) {
  const std::string path = scratch_file();
  write_all({}, path);
  auto input = InputStream::open(path);
  ASSERT_TRUE(input);
  EXPECT_EQ(recognise((*input)->peek(65'536)), Format::kIpfix);
  const auto all = observations_of(**input, Format::kIpfix);
  EXPECT_EQ(all->batch.flows.size(), 0U);
  EXPECT_EQ(all->skips.count(), 0U);
  std::filesystem::remove(path);
}

TEST(IpfixWriter, SaysWhyItCannotWrite) {
  EXPECT_FALSE(IpfixWriter::create(scratch_file() + "/no/such/folder", 1));
  auto writer = IpfixWriter::create("/dev/full", 1);
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->write(some_flows(1)[0]));
  EXPECT_FALSE(writer->finish());
}

std::string output_of(const std::string& command) {
  std::string output;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[4096];
  while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, got);
  pclose(pipe);
  return output;
}

// Wireshark's dissector is another hand's reading of the same RFCs.
TEST(IpfixWriter, WritesWhatWiresharkReads) {
  if (output_of("command -v tshark").empty()) GTEST_SKIP() << "no tshark";
  const std::string path = scratch_file();
  const std::vector<Flow> flows = some_flows(900);
  write_all(flows, path);
  std::istringstream text(output_of("tshark -r " + path + " -V 2>/dev/null"));
  std::vector<std::string> read;
  std::string record;
  const auto end_record = [&] {
    if (!record.empty()) read.push_back(record);
    record.clear();
  };
  bool in_flow = false;
  for (std::string line; std::getline(text, line);) {
    const std::string trimmed = line.substr(std::min(line.find_first_not_of(' '), line.size()));
    if (trimmed.starts_with("Flow ")) {
      end_record();
      in_flow = true;
    } else if (trimmed.starts_with("Set ") || trimmed.starts_with("FlowSet ") || trimmed.starts_with("Frame ")) {
      end_record();
      in_flow = false;
    } else if (in_flow) {
      for (const char* name : {"SrcAddr: ", "DstAddr: ", "SrcPort: ", "DstPort: ", "Octets: ", "Packets: "}) {
        const std::string value = trimmed.substr(0, trimmed.find(" ("));
        if (trimmed.starts_with(name)) record += value.substr(std::string_view(name).size()) + " ";
        if (trimmed.starts_with("Reverse " + std::string(name)))
          record += value.substr(std::string_view(name).size() + 8) + " ";
      }
    }
  }
  end_record();
  ASSERT_EQ(read.size(), flows.size());
  for (std::size_t i = 0; i < flows.size(); ++i) {
    std::ostringstream expected;
    const Flow& flow = flows[i];
    expected << flow.initiator.ip.text() << ' ' << flow.responder.ip.text() << ' ' << flow.initiator.port << ' '
             << flow.responder.port << ' ' << flow.initiator_bytes << ' ' << flow.initiator_packets << ' '
             << flow.responder_bytes << ' ' << flow.responder_packets << ' ';
    ASSERT_EQ(read[i], expected.str()) << i;
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace tocsin::testing
