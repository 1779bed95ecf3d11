#include <gtest/gtest.h>

#include <fstream>

#include "engine/engine.h"
#include "engine/outputs.h"
#include "protocol/protocols.h"

namespace tocsin::engine {
namespace {

Expected<Options> read(const std::string& text) {
  const auto path = std::filesystem::path(testing::TempDir()) / "tocsin-configuration-test.yaml";
  std::ofstream(path) << text;
  return read_configuration(path);
}

TEST(Configuration, JoinsNestedNamesByDots) {
  const auto options = read("stream:\n  midstream: true\n  reassembly:\n    depth: 2mb\n");
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->flag("stream.midstream", false));
  EXPECT_EQ(options->number("stream.reassembly.depth", 0), 2u << 20);
}

TEST(Configuration, ReachesAMemberOfAListByIndexAndByItsOnlyKey) {
  const auto options = read("outputs:\n  - fast:\n      enabled: yes\n  - eve-log:\n      types: [alert, flow]\n");
  ASSERT_TRUE(options);
  EXPECT_EQ(options->text("outputs.0.fast.enabled"), "yes");
  EXPECT_EQ(options->text("outputs.fast.enabled"), "yes");
  EXPECT_EQ(options->text("outputs.1.eve-log.types.1"), "flow");
}

TEST(Configuration, PortsOfAProtocolMayBeASequence) {
  const auto options =
      read("app-layer:\n  protocols:\n    dns:\n      udp: {detection-ports: {dp: [5353, 5400:5402]}}\n");
  ASSERT_TRUE(options);
  const protocol::ProtocolSettings settings(*options);
  const auto& dns = settings.of(protocol::dns_protocol(), true);
  EXPECT_TRUE(dns.has_port(5353) && dns.has_port(5401));
  EXPECT_FALSE(dns.has_port(53));
}

TEST(Configuration, SaysWhereAFileIsNoYaml) {
  const auto options = read("stream:\n  midstream: [true\n");
  ASSERT_FALSE(options);
  EXPECT_NE(options.error().message.find(":3:"), std::string::npos) << options.error().message;
}

TEST(Configuration, RefusesWhatUnfoldsWithoutEnd) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) text += (k ? ", " : "") + before;
    text += "]\n";
  }
  EXPECT_FALSE(read(text));
}

TEST(Configuration, ANodeThatHoldsItselfIsRefused) { EXPECT_FALSE(read("a: &a\n  b: *a\n")); }

TEST(Outputs, AreThoseThatTheConfigurationNames) {
  const auto options = read(R"(outputs:
  - fast:
      enabled: no
  - eve-log:
      enabled: yes
      filename: first.json
      types:
        - alert:
            payload: yes
            metadata: no
        - flow
        - anomaly:
            enabled: no
  - eve-log:
      filename: second.json
      types:
        - files:
            force-hash: [md5, sha1]
)");
  ASSERT_TRUE(options);
  const Outputs outputs = outputs_of(*options);
  ASSERT_EQ(outputs.eve.size(), 2u);
  EXPECT_EQ(outputs.eve[0].file, "first.json");
  EXPECT_TRUE(outputs.eve[0].has("alert"));
  EXPECT_TRUE(outputs.eve[0].has("flow"));
  EXPECT_FALSE(outputs.eve[0].has("anomaly"));
  EXPECT_TRUE(outputs.eve[0].payload);
  EXPECT_FALSE(outputs.eve[0].application);
  EXPECT_EQ(outputs.eve[1].file, "second.json");
  EXPECT_TRUE(outputs.md5);
  EXPECT_TRUE(outputs.sha1);
  EXPECT_FALSE(outputs.sha256);
  EXPECT_EQ(outputs.fast, "");
}

TEST(Outputs, OfNoConfigurationAreWhatSuricataShips) {
  const Outputs outputs = outputs_of(default_options());
  ASSERT_EQ(outputs.eve.size(), 1u);
  for (const char* type : {"alert", "anomaly", "http", "dns", "tls", "files", "smtp", "flow", "stats"}) {
    EXPECT_TRUE(outputs.eve[0].has(type)) << type;
  }
  EXPECT_FALSE(outputs.eve[0].has("drop"));
  EXPECT_EQ(outputs.fast, "fast.log");
}

}  // namespace
}  // namespace tocsin::engine
