// What several workers write is what one writes, to the byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "engine/engine.h"
#include "traffic.h"

namespace tocsin::engine {
namespace {

namespace fs = std::filesystem;

// Of all that rules remember across flows.
constexpr char kRules[] = R"(
alert udp any any -> any any (msg:"by source"; content:"probe"; threshold:type limit,track by_src,count 3,seconds 30; sid:1;)
alert udp any any -> any any (msg:"by target"; content:"probe 1"; threshold:type both,track by_dst,count 4,seconds 60; sid:2;)
alert udp any any -> any any (msg:"by both"; content:"probe"; threshold:type threshold,track by_both,count 3,seconds 90; sid:3;)
alert http any any -> any any (msg:"by rule"; http.uri; content:"/page"; threshold:type limit,track by_rule,count 5,seconds 20; sid:4;)
alert udp any any -> any any (msg:"ports"; content:"probe"; detection_filter:track by_src,count 6,seconds 60,unique_on dst_port; sid:5;)
alert tcp any any -> any any (msg:"by flow"; flow:to_client; content:"xxx"; threshold:type limit,track by_flow,count 1,seconds 60; sid:6;)
alert udp any any -> any any (msg:"marks"; content:"probe 7"; xbits:set,seven,track ip_src,expire 20; sid:10;)
alert http any any -> any any (msg:"of the marked"; http.uri; content:"/page"; xbits:isset,seven,track ip_src; sid:11;)
alert udp any any -> any any (msg:"of a pair"; content:"probe 2"; xbits:toggle,pair,track ip_pair,expire 30; sid:12;)
alert udp any any -> any any (msg:"unmarks"; content:"probe 9"; xbits:unset,seven,track ip_src; sid:13;)
alert http any any -> any any (msg:"of a host"; http.uri; content:"/page3"; hostbits:set,three,dst; sid:14;)
alert udp any any -> any any (msg:"to the host"; content:"probe"; hostbits:isset,three,dst; sid:15;)
alert http any any -> any any (msg:"new page"; http.uri; dataset:set,pages,type string,state pages.lst; sid:20;)
alert http any any -> any any (msg:"known page"; flow:to_server; http.uri; content:"/page1"; dataset:isset,pages; sid:21;)
alert http any any -> any any (msg:"forgets"; http.uri; content:"/page2"; dataset:unset,pages; sid:22;)
alert http any any -> any any (msg:"sets"; http.uri; content:"/page5"; flowbits:set,five; noalert; sid:30;)
alert http any any -> any any (msg:"is set"; flow:to_client; flowbits:isset,five; file.data; content:"contents"; pcre:"/of .page5x*$/"; sid:31;)
alert http any any -> any any (msg:"kept"; flow:to_client; file.data; content:"page6"; filestore; sid:32;)
alert udp any any -> any any (msg:"tagged"; content:"answer"; tag:session,2,packets; sid:33;)
alert tcp any any -> any any (msg:"stream"; flow:established,to_server; content:"GET /page8"; sid:34;)
drop udp any any -> any any (msg:"dropped"; content:"probe 29"; sid:35;)
)";

struct Written {
  std::string lines;  // of all logs, in order
  std::map<std::string, std::string> files;
  std::map<std::string, std::uint64_t, std::less<>> counters;
};

Written run(const Traffic& traffic, unsigned workers, bool is_inline = false) {
  const fs::path folder = fs::path(testing::TempDir()) / "tocsin-workers-test";
  fs::remove_all(folder);
  fs::create_directories(folder / "out");
  std::ofstream(folder / "all.rules") << kRules;
  EngineSettings settings;
  settings.options = default_options();
  settings.options.set("outputs.1.eve-log.types.35", "metadata");
  settings.options.set("outputs.1.eve-log.types.36", "netflow");
  settings.options.set("outputs.1.eve-log.types.37", "drop");
  settings.options.set("outputs.1.eve-log.types.1.anomaly.types.decode", "yes");
  settings.options.set("outputs.1.eve-log.types.1.anomaly.types.stream", "yes");
  settings.options.set("outputs.1.eve-log.types.0.alert.payload", "yes");
  settings.options.set("outputs.3.file-store.enabled", "yes");
  settings.options.set("outputs.3.file-store.force-hash.0", "md5");
  settings.options.set("logging.outputs.1.file.type", "json");
  settings.options.set("flow-timeouts.udp.new", "10");
  settings.options.set("flow-timeouts.tcp.closed", "0");
  settings.options.set("flow-timeouts.tcp.established", "30");
  settings.rule_files = {folder / "all.rules"};
  settings.directory = folder / "out";
  settings.is_inline = is_inline;
  settings.check_checksums = false;
  settings.workers = workers;
  auto engine = Engine::make(std::move(settings));
  EXPECT_TRUE(engine) << (engine ? "" : engine.error().message);
  Written written;
  if (!engine) return written;
  EXPECT_EQ((*engine)->refused(), 0u) << ((*engine)->faults().empty() ? "" : (*engine)->faults().front());
  (*engine)->log = [&](std::string_view log, std::string_view line) {
    written.lines.append(log).append(": ").append(line).append("\n");
  };
  std::uint64_t number = 0;
  std::string passing;  // what is given to the engine goes right after
  for (const Frame& frame : traffic) {
    passing = frame.bytes;
    (*engine)->take(frame.link_type, {reinterpret_cast<const std::uint8_t*>(passing.data()), passing.size()},
                    frame.time, ++number);
    passing.assign(passing.size(), '\xff');
  }
  (*engine)->finish();
  written.counters = (*engine)->counters();
  for (const auto& entry : fs::recursive_directory_iterator(folder / "out")) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    written.files[fs::relative(entry.path(), folder)].assign(std::istreambuf_iterator<char>(in), {});
  }
  fs::remove_all(folder);
  return written;
}

// Where two texts part, for a message that can be read.
std::string difference(const std::string& a, const std::string& b) {
  if (a == b) return {};
  const auto at = static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  const std::size_t from = at < 300 ? 0 : at - 300;
  return "one:\n" + a.substr(from, 600) + "\nseveral:\n" + b.substr(from, 600);
}

void expect_same(const Traffic& traffic, bool is_inline = false) {
  ASSERT_FALSE(traffic.empty());
  const Written one = run(traffic, 1, is_inline);
  for (const unsigned workers : {2U, 3U, 4U}) {
    const Written several = run(traffic, workers, is_inline);
    EXPECT_EQ(difference(one.lines, several.lines), "") << workers << " workers";
    EXPECT_EQ(one.files, several.files) << workers << " workers";
    EXPECT_EQ(one.counters, several.counters) << workers << " workers";
  }
}

TEST(Workers, WriteWhatOneWritesOfMadeUpTraffic) {
  const Traffic traffic = MadeUpTraffic().make(12'000);
  expect_same(traffic);
  const Written one = run(traffic, 1);
  for (const int sid : {1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 14, 15, 20, 21, 22, 31, 32, 33, 34, 35}) {
    EXPECT_THAT(one.lines, testing::HasSubstr("\"signature_id\":" + std::to_string(sid) + ","));
  }
  EXPECT_GT(one.files.size(), 3u);
  EXPECT_THAT(one.lines, testing::HasSubstr("\"reason\":\"timeout\""));
}

TEST(Workers, WriteWhatOneWritesWherePacketsAreDropped) { expect_same(MadeUpTraffic().make(4'000), true); }

TEST(Workers, GiveLinesNoLaterThanAsked) {
  const Traffic traffic = MadeUpTraffic().make(300);
  EngineSettings settings;
  settings.options = default_options();
  settings.check_checksums = false;
  settings.workers = 2;
  auto engine = Engine::make(std::move(settings));
  ASSERT_TRUE(engine);
  std::size_t lines = 0;
  (*engine)->log = [&](std::string_view, std::string_view) { ++lines; };
  std::uint64_t number = 0;
  for (const Frame& frame : traffic) {
    (*engine)->take(1, {reinterpret_cast<const std::uint8_t*>(frame.bytes.data()), frame.bytes.size()}, frame.time,
                    ++number);
  }
  (*engine)->settle();
  EXPECT_GT(lines, 0u);
  // Ends without having finished.
}

TEST(Workers, WriteWhatOneWritesOfRealTraffic) {
  const char* given = std::getenv("TOCSIN_DATA");
  const fs::path data = given != nullptr ? fs::path(given) : fs::path(TOCSIN_SOURCE_DIR).parent_path() / "shared/data";
  if (!fs::exists(data / "suricata-verify")) GTEST_SKIP() << "no captures in " << data;
  for (const char* name :
       {"stratosphere/test7-malicious.pcap", "suricata-verify/bug-4663/input.pcap",
        "suricata-verify/tls/tls-subjectaltname/input.pcap", "suricata-verify/issue-4220-01-ids/1flowB.pcap"}) {
    SCOPED_TRACE(name);
    expect_same(read_pcap(data / name));
  }
}

}  // namespace
}  // namespace tocsin::engine
