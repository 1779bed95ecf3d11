#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "read_all.h"

namespace tocsin::testing {
namespace {

using ::testing::ElementsAre;

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

TEST(Recognise, TellsFormatsByContent) {
  EXPECT_EQ(recognise({}), Format::kEmpty);
  EXPECT_EQ(recognise(bytes_of("hello\n")), Format::kUnknown);
  EXPECT_EQ(recognise(bytes_of("{\"a\":1}\n")), Format::kUnknown);
  EXPECT_EQ(recognise(bytes_of("\xd4\xc3\xb2\xa1")), Format::kPcap);
  EXPECT_EQ(recognise(bytes_of("\xa1\xb2\x3c\x4d")), Format::kPcap);
  EXPECT_EQ(recognise(bytes_of("\n\r\r\n")), Format::kUnknown);
  EXPECT_EQ(recognise(bytes_of(std::string("\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a", 12))), Format::kPcapng);
  EXPECT_EQ(recognise(bytes_of("Dur,Proto,DstAddr,SrcAddr\r\n")), Format::kBinetflow);
  EXPECT_EQ(recognise(bytes_of("#separator \\x09\n")), Format::kZeekTsv);
  EXPECT_EQ(recognise(bytes_of("#fields\tts\n")), Format::kZeekTsv);
  EXPECT_EQ(recognise(bytes_of("\xef\xbb\xbf{\"ts\":1.5,\"uid\":\"C\"}\n")), Format::kZeekJson);
  EXPECT_EQ(recognise(bytes_of("{\"cut\n{\"id.orig_h\" : \"1.2.3.4\"}\n")), Format::kZeekJson);
  EXPECT_EQ(recognise(bytes_of("{\"timestamp\":\"x\",\"event_type\":\"alert\",\"ts\":1}")), Format::kEve);
}

TEST(Recognise, MakesOnlyTheReaderOfTheFormat) {
  const auto input = InputStream::of_bytes("");
  EXPECT_EQ(make_packet_reader(Format::kEve, *input, 0), nullptr);
  EXPECT_EQ(make_observation_reader(Format::kPcap, *input, 0), nullptr);
  EXPECT_EQ(make_observation_reader(Format::kUnknown, *input, 0), nullptr);
}

const std::string kBinetflowHeader =
    "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,SrcPkts,Label\n";

TEST(Binetflow, ReadsColumnsByName) {
  const auto all = observations_of(kBinetflowHeader +
                                   "2019/04/04 16:24:47.672448,63.822830,tcp,10.8.0.69,56101,   ->,14.1.11.113,999,"
                                   "S_RA,0,0,31,8764,1887,15,\n");
  ASSERT_EQ(all->batch.flows.size(), 1U);
  const Flow& flow = all->batch.flows[0];
  EXPECT_EQ(flow.initiator, (Endpoint{ip("10.8.0.69"), 56101}));
  EXPECT_EQ(flow.responder, (Endpoint{ip("14.1.11.113"), 999}));
  EXPECT_EQ(flow.first, *parse_time("2019-04-04T16:24:47.672448Z"));
  EXPECT_EQ(flow.last - flow.first, 63'822'830);
  EXPECT_EQ(flow.initiator_packets, 15U);
  EXPECT_EQ(flow.responder_packets, 16U);
  EXPECT_EQ(flow.initiator_bytes, 1887U);
  EXPECT_EQ(flow.responder_bytes, 8764U - 1887);
  EXPECT_EQ(flow.state, ConnState::kREJ);
  EXPECT_EQ(flow.initiator_flags, kSyn);
  EXPECT_EQ(flow.responder_flags, kRst | kAck);
  EXPECT_EQ(flow.first_flags, kSyn);
  EXPECT_TRUE(flow.flags_known);
  EXPECT_EQ(flow.place.record, 2U);
  EXPECT_EQ(flow.place.offset, kBinetflowHeader.size());
  EXPECT_EQ(flow.place.source, 3U);
}

TEST(Binetflow, SwapsTheSidesOfAFlowSeenBackwards) {
  const auto all = observations_of(kBinetflowHeader +
                                   "1554395087.5,1,tcp,10.0.0.1,80,   <-,10.0.0.2,4000,SPA_FSPA,0,0,10,1000,700,6,\n"
                                   "1554395087.5,1,tcp,10.0.0.1,80,  <?>,10.0.0.2,4000,PA_PA,0,0,10,1000,700,6,\n");
  ASSERT_EQ(all->batch.flows.size(), 2U);
  const Flow& flow = all->batch.flows[0];
  EXPECT_EQ(flow.initiator, (Endpoint{ip("10.0.0.2"), 4000}));
  EXPECT_EQ(flow.initiator_packets, 4U);
  EXPECT_EQ(flow.initiator_bytes, 300U);
  EXPECT_EQ(flow.initiator_flags, kFin | kSyn | kPsh | kAck);
  EXPECT_EQ(flow.state, ConnState::kS2);
  EXPECT_EQ(all->batch.flows[1].initiator.port, 80);
  EXPECT_EQ(all->batch.flows[1].state, ConnState::kOTH);
}

TEST(Binetflow, MapsStates) {
  const std::pair<const char*, ConnState> states[] = {{"S0", ConnState::kS0},         {"REQ", ConnState::kOTH},
                                                      {"S_", ConnState::kS0},         {"SR_", ConnState::kRSTOS0},
                                                      {"SPA_SPA", ConnState::kS1},    {"FSPA_FSPA", ConnState::kSF},
                                                      {"FSRPA_FSPA", ConnState::kSF}, {"SRPA_SPA", ConnState::kRSTO},
                                                      {"SPA_SRPA", ConnState::kRSTR}, {"SPA_FSPA", ConnState::kS3},
                                                      {"SF", ConnState::kSF},         {"CON", ConnState::kS1},
                                                      {"RST", ConnState::kRSTO},      {"whatever", ConnState::kUnknown},
                                                      {"X_Y", ConnState::kUnknown}};
  for (const auto& [name, state] : states) {
    const auto all = observations_of(kBinetflowHeader + "1554395087,1,tcp,10.0.0.1,1,->,10.0.0.2,2," + name +
                                     ",0,0,10,1000,700,6,\n");
    ASSERT_EQ(all->batch.flows.size(), 1U) << name;
    EXPECT_EQ(all->batch.flows[0].state, state) << name;
  }
}

TEST(Binetflow, ReadsOtherProtocolsAndPassesOverWhatIsNotIp) {
  const auto all = observations_of(
      kBinetflowHeader +
      "2019/04/04 16:30:10.2,1.2,icmp,10.8.0.69,0x0008,   ->,110.128.128.128,0x7208,ECO,0,,2,144,144,2,\n"
      "2019/04/04 16:30:10.2,1.2,icmp,10.8.0.1,0x0303,   ->,110.128.128.128,0x7208,URP,0,,2,144,144,2,\n"
      "2019/04/04 16:30:10.2,1.2,udp,10.8.0.69,5353,  <->,2001:db8::1,53,CON,0,,2,144,70,1,\n"
      "2019/04/04 16:30:10.2,1.2,arp,10.8.0.69,,  who,10.8.0.1,,CON,,,2,144,70,1,\n");
  ASSERT_EQ(all->batch.flows.size(), 3U);
  EXPECT_EQ(all->batch.flows[0].initiator.port, 8);
  EXPECT_EQ(all->batch.flows[0].responder.port, 0);
  EXPECT_EQ(all->batch.flows[1].initiator.port, 3);
  EXPECT_EQ(all->batch.flows[1].responder.port, 3);
  EXPECT_EQ(all->batch.flows[2].state, ConnState::kSF);
  EXPECT_EQ(all->passed_over, 1U);
  EXPECT_EQ(all->records, 4U);
}

TEST(Binetflow, SharesOutPacketsWhenOnlyTheirSumIsGiven) {
  const auto all = observations_of(
      "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,TotPkts,TotBytes,"
      "SrcBytes\n1554395087,1,udp,10.0.0.1,1,<->,10.0.0.2,2,CON,10,1000,999\n"
      "1554395087,1,udp,10.0.0.1,1,->,10.0.0.2,2,INT,10,1000,1000\n");
  ASSERT_EQ(all->batch.flows.size(), 2U);
  EXPECT_EQ(all->batch.flows[0].initiator_packets, 9U);
  EXPECT_EQ(all->batch.flows[0].responder_packets, 1U);
  EXPECT_EQ(all->batch.flows[1].responder_packets, 0U);
}

TEST(Binetflow, SkipsOnlyTheBadLines) {
  const auto all = observations_of(kBinetflowHeader +
                                   "yesterday,1,tcp,10.0.0.1,1,->,10.0.0.2,2,S0,0,0,1,60,60,1,\n"
                                   "1554395087,1,tcp,10.0.0,1,->,10.0.0.2,2,S0,0,0,1,60,60,1,\n"
                                   "1554395087,1,tcp,10.0.0.1,70000,->,10.0.0.2,2,S0,0,0,1,60,60,1,\n"
                                   "1554395087,1,tcp,10.0.0.1,1,->,10.0.0.2,2,S0,0,0,-1,60,60,1,\n"
                                   "1554395087,1,tcp,10.0.0.1,1\n"
                                   "\n"
                                   "1554395087,1,tcp,10.0.0.1,1,->,10.0.0.2,2,S0,0,0,1,60,60,1,\n");
  EXPECT_EQ(all->batch.flows.size(), 1U);
  EXPECT_THAT(all->skips.examples(),
              ElementsAre("line 2: not a time", "line 3: not an IP address", "line 4: not a port",
                          "line 5: not a number", "line 6: too few columns"));
  EXPECT_EQ(all->records, 6U);
}

const std::string kConnHead =
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\t"
    "conn_state\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\tlabel\n#types\ttime\n";

TEST(ZeekTsv, ReadsConnections) {
  const auto all = observations_of(
      kConnHead +
      "1677024003.714845\tC6\t192.168.1.107\t65164\t66.63.168.35\t5888\ttcp\t-\t0."
      "037629\t0\t0\tREJ\tSr\t2\t104\t2\t80\t"
      "Malicious\n1677024003.714845\tC6\tfe80::1\t143\tff02::16\t0\ticmp\t-\t-\t-\t-\tOTH\t-\t1\t104\t0\t0\n"
      "#close\t2024\n");
  ASSERT_EQ(all->batch.flows.size(), 2U);
  const Flow& flow = all->batch.flows[0];
  EXPECT_EQ(flow.first, 1'677'024'003'714'845);
  EXPECT_EQ(flow.last - flow.first, 37'629);
  EXPECT_EQ(flow.initiator_bytes, 104U);
  EXPECT_EQ(flow.responder_packets, 2U);
  EXPECT_EQ(flow.state, ConnState::kREJ);
  EXPECT_EQ(flow.initiator_flags, kSyn);
  EXPECT_EQ(flow.responder_flags, kRst);
  EXPECT_EQ(flow.first_flags, kSyn);
  EXPECT_TRUE(flow.flags_known);
  EXPECT_FALSE(all->batch.flows[1].flags_known);
  EXPECT_EQ(all->records, 2U);
  EXPECT_EQ(all->skips.count(), 0U);
}

TEST(ZeekTsv, ReadsAnySeparatorAndEscapes) {
  const auto all = observations_of(
      "#separator ;\n#set_separator;|\n#empty_field;EMPTY\n#unset_field;NIL\n#path;dns\n"
      "#fields;ts;id.orig_h;id.orig_p;id.resp_h;id.resp_p;query;qtype;rcode;answers\n"
      "1.5;10.0.0.1;1;10.0.0.2;53;a\\x3bb.example.;1;0;1.2.3.4|x.example|2001:db8::1|TXT 5 hello\n"
      "1.5;10.0.0.1;1;10.0.0.2;53;NIL;NIL;NIL;EMPTY\n");
  ASSERT_EQ(all->batch.dns.size(), 2U);
  EXPECT_EQ(all->batch.dns[0].query, "a;b.example");
  EXPECT_THAT(all->batch.dns[0].addresses, ElementsAre(ip("1.2.3.4"), ip("2001:db8::1")));
  EXPECT_THAT(all->batch.dns[0].names, ElementsAre("x.example"));
  EXPECT_EQ(all->batch.dns[0].response_code, 0);
  EXPECT_EQ(all->batch.dns[1].response_code, -1);
  EXPECT_EQ(all->batch.dns[1].query, "");
  EXPECT_TRUE(all->batch.dns[1].addresses.empty());
}

TEST(ZeekTsv, ReadsLogsOneAfterAnotherAndPassesOverOtherKinds) {
  const std::string ends = "\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p";
  const std::string values = "1.5\t10.0.0.1\t1000\t10.0.0.2\t80";
  const auto all = observations_of(
      "#separator \\x09\n#path\thttp\n#fields\tts" + ends + "\tmethod\thost\turi\tuser_agent\tstatus_code\n" + values +
      "\tGET\texample.org\t/a?b\tcurl\t404\n#separator \\x09\n#path\tfiles\n#fields\tts\tfuid\n1.5\tF\n" +
      "#separator \\x09\n#path\tssl\n#fields\tts" + ends + "\tserver_name\tja3\n" + values + "\texample.net\tabcd\n" +
      "#separator \\x09\n#path\tnotice\n#fields\tts\tnote\tmsg\tsrc\tdst\tp\n" +
      "1.5\tScan::Port_Scan\tscanned, see CVE-2014-0160\t10.0.0.9\t10.0.0.8\t22\n1.5\tLoss\tnobody\t-\t-\t-\n");
  ASSERT_EQ(all->batch.http.size(), 1U);
  EXPECT_EQ(all->batch.http[0].host, "example.org");
  EXPECT_EQ(all->batch.http[0].status, 404);
  ASSERT_EQ(all->batch.tls.size(), 1U);
  EXPECT_EQ(all->batch.tls[0].server_name, "example.net");
  EXPECT_EQ(all->batch.tls[0].ja3, "abcd");
  ASSERT_EQ(all->batch.alerts.size(), 1U);
  EXPECT_EQ(all->batch.alerts[0].sensor, "zeek");
  EXPECT_EQ(all->batch.alerts[0].signature, "Scan::Port_Scan");
  EXPECT_EQ(all->batch.alerts[0].cve, "CVE-2014-0160");
  EXPECT_EQ(all->batch.alerts[0].server, (Endpoint{ip("10.0.0.8"), 22}));
  EXPECT_EQ(all->passed_over, 2U);
  EXPECT_EQ(all->records, 5U);
}

TEST(ZeekTsv, SkipsBadRecords) {
  const auto all = observations_of(kConnHead + "1677024003.7\tC6\t192.168.1.107\n" +
                                   "never\tC6\t1.1.1.1\t1\t2.2.2.2\t2\ttcp\t-\t-\t-\t-\tS0\t-\t1\t1\t0\t0\t-\n");
  EXPECT_EQ(all->batch.size(), 0U);
  EXPECT_EQ(all->skips.count(), 2U);
  EXPECT_EQ(all->skips.examples().at(0), "line 8: too few columns");
}

TEST(ZeekJson, TellsTheLogByItsFields) {
  const std::string ends = R"("id.orig_h":"10.0.0.1","id.orig_p":4000,"id.resp_h":"10.0.0.2","id.resp_p":80)";
  const auto all = observations_of(
      R"({"ts":1593351576.06894,)" + ends +
      R"(,"proto":"tcp","duration":1.5,"conn_state":"SF","history":"ShADadfF","orig_pkts":5,"orig_ip_bytes":309,"resp_pkts":4,"resp_ip_bytes":383})"
      "\n"
      R"({"ts":"2020-06-28T13:39:36.06894Z",)" +
      ends +
      R"(,"proto":"udp","query":"ex\u0061mple.org","qtype":1,"rcode":3,"answers":["1.2.3.4","c.example"],"rejected":false})"
      "\n"
      R"({"ts":1.0,)" +
      ends +
      R"(,"trans_depth":1,"method":"GET","host":"h","uri":"/\"q\"","request_body_len":0,"status_code":200,"tags":[]})"
      "\n"
      R"({"ts":1.0,)" +
      ends +
      R"(,"version":"TLSv10","server_name":"s.example","established":true})"
      "\n"
      R"({"ts":1.0,"note":"N::X","msg":"m","src":"10.0.0.1","actions":["a"]})"
      "\n"
      R"({"ts":1.0,)" +
      ends +
      R"(,"trans_depth":1,"method":"INVITE","uri":"sip:x","call_id":"c","request_body_len":1})"
      "\n"
      R"({"ts":1.0,"fuid":"F","nested":{"a":[1,{"b":2}]}})"
      "\n");
  EXPECT_EQ(all->skips.count(), 0U);
  ASSERT_EQ(all->batch.flows.size(), 1U);
  EXPECT_EQ(all->batch.flows[0].first, 1'593'351'576'068'940);
  EXPECT_EQ(all->batch.flows[0].initiator_flags, kSyn | kAck | kFin);
  EXPECT_EQ(all->batch.flows[0].responder_flags, kSyn | kAck | kFin);
  ASSERT_EQ(all->batch.dns.size(), 1U);
  EXPECT_EQ(all->batch.dns[0].time, 1'593'351'576'068'940);
  EXPECT_EQ(all->batch.dns[0].query, "example.org");
  EXPECT_EQ(all->batch.dns[0].response_code, 3);
  EXPECT_EQ(all->batch.dns[0].addresses.size(), 1U);
  EXPECT_THAT(all->batch.dns[0].names, ElementsAre("c.example"));
  ASSERT_EQ(all->batch.http.size(), 1U);
  EXPECT_EQ(all->batch.http[0].uri, "/\"q\"");
  EXPECT_EQ(all->batch.tls.size(), 1U);
  EXPECT_EQ(all->batch.alerts.size(), 1U);
  EXPECT_EQ(all->passed_over, 2U);
}

const std::string kEveEnds =
    R"("src_ip":"78.36.196.213","src_port":51698,"dest_ip":"192.168.1.129","dest_port":445,"proto":"TCP")";
std::string eve(const std::string& type, const std::string& rest) {
  return R"({"timestamp":"2021-06-06T15:59:46.457984+0200","flow_id":1,"event_type":")" + type + "\"," + kEveEnds +
         (rest.empty() ? "" : ",") + rest + "}\n";
}

TEST(Eve, ReadsAlerts) {
  const auto all = observations_of(
      eve("alert",
          R"("alert":{"signature_id":2403388,"signature":"ET X \"Y\" CVE_2017_0144 try","category":"Misc Attack","severity":2,"metadata":{"malware_family":["Foo","Bar"],"attack_target":["Server"],"tag":[]}},"flow":{"start":"x"})") +
      eve("alert", R"("alert":{"signature":"a","metadata":{"cve":["2014_0160"]}})") +
      eve("alert", R"("alert":{"signature":"12-2014-01600 port 2014-0160"})"));
  ASSERT_EQ(all->batch.alerts.size(), 3U);
  const Alert& alert = all->batch.alerts[0];
  EXPECT_EQ(alert.time, *parse_time("2021-06-06T13:59:46.457984Z"));
  EXPECT_EQ(alert.client, (Endpoint{ip("78.36.196.213"), 51698}));
  EXPECT_EQ(alert.server.port, 445);
  EXPECT_EQ(alert.signature, "ET X \"Y\" CVE_2017_0144 try");
  EXPECT_EQ(alert.signature_id, 2403388U);
  EXPECT_EQ(alert.category, "Misc Attack");
  EXPECT_EQ(alert.severity, 2);
  EXPECT_EQ(alert.cve, "CVE-2017-0144");
  EXPECT_EQ(alert.malware_family, "Foo");
  EXPECT_EQ(alert.attack_target, "Server");
  EXPECT_EQ(alert.protocol, kTcp);
  EXPECT_TRUE(alert.client_is_source);
  EXPECT_EQ(all->batch.alerts[1].cve, "CVE-2014-0160");
  EXPECT_EQ(all->batch.alerts[2].cve, "");
}

TEST(Eve, AlertsNameTheHttpHostOfTheirServer) {
  const std::string answer =
      R"({"timestamp":"2021-06-06T15:59:46.457984+0200","event_type":"alert","src_ip":"192.0.2.1","src_port":80,"dest_ip":"10.0.0.1","dest_port":50000,"proto":"TCP","alert":{"signature":"a"},"http":{"hostname":"C2.Example.:8080"})";
  const auto all = observations_of(
      eve("alert", R"("alert":{"signature":"a"},"http":{"hostname":"WWW.Site.Example:80","url":"/"})") +
      eve("alert", R"("direction":"to_client","alert":{"signature":"a"},"http":{"hostname":"site.example"})") + answer +
      "}\n" + answer + ",\"direction\":\"to_server\"}\n" +
      eve("alert", R"("alert":{"signature":"a"},"http":{"hostname":"192.0.2.1:80"})") +
      eve("alert", R"("alert":{"signature":"a"},"http":{"hostname":"[2001:db8::1]:80"})") +
      eve("alert", R"("alert":{"signature":"a"},"http":{"hostname":")" + std::string(10'000, 'a') + "\"}") +
      eve("alert", R"("alert":{"signature":"a"})"));
  const auto& alerts = all->batch.alerts;
  ASSERT_EQ(alerts.size(), 8U);
  EXPECT_EQ(alerts[0].host, "www.site.example");
  EXPECT_TRUE(alerts[0].client_is_source);
  EXPECT_EQ(alerts[1].host, "site.example");
  EXPECT_FALSE(alerts[1].client_is_source);
  EXPECT_EQ(alerts[1].server, (Endpoint{ip("78.36.196.213"), 51698}));
  EXPECT_EQ(alerts[2].host, "c2.example");
  EXPECT_FALSE(alerts[2].client_is_source);
  EXPECT_EQ(alerts[2].server, (Endpoint{ip("192.0.2.1"), 80}));
  EXPECT_TRUE(alerts[3].client_is_source);
  EXPECT_EQ(alerts[4].host, "");
  EXPECT_EQ(alerts[5].host, "");
  EXPECT_EQ(alerts[6].host.size(), 253U);
  EXPECT_EQ(alerts[7].host, "");
}

TEST(Eve, ReadsFlows) {
  const auto all = observations_of(eve(
      "flow",
      R"("flow":{"pkts_toserver":2,"pkts_toclient":1,"bytes_toserver":120,"bytes_toclient":60,"start":"2021-06-06T17:34:31.140759+0200","end":"2021-06-06T17:34:32.140759+0200","state":"closed"},"tcp":{"tcp_flags":"16","tcp_flags_ts":"02","tcp_flags_tc":"14"})"));
  ASSERT_EQ(all->batch.flows.size(), 1U);
  const Flow& flow = all->batch.flows[0];
  EXPECT_EQ(flow.first, *parse_time("2021-06-06T15:34:31.140759Z"));
  EXPECT_EQ(flow.last - flow.first, kSecond);
  EXPECT_EQ(flow.initiator_packets, 2U);
  EXPECT_EQ(flow.responder_bytes, 60U);
  EXPECT_EQ(flow.initiator_flags, kSyn);
  EXPECT_EQ(flow.responder_flags, kRst | kAck);
  EXPECT_EQ(flow.state, ConnState::kREJ);
}

TEST(Eve, ReadsHttpAndTlsAndPassesOverTheRest) {
  const auto all = observations_of(
      eve("http",
          R"("http":{"hostname":"h.example","url":"/x","http_user_agent":"ua","http_method":"POST","http_refer":"r","status":403})") +
      eve("tls", R"("tls":{"sni":"s.example","ja3":{"hash":"b720","string":"1"},"ja3s":{"hash":"no"}})") +
      eve("anomaly", R"("anomaly":{})") + eve("http", R"("http":{}})") + eve("fileinfo", "") +
      "{\"timestamp\":\"x\",\"event_type\":\"stats\",\"stats\":{\"uptime\":1}}\n");
  ASSERT_EQ(all->batch.http.size(), 1U);
  EXPECT_EQ(all->batch.http[0].method, "POST");
  EXPECT_EQ(all->batch.http[0].referrer, "r");
  EXPECT_EQ(all->batch.http[0].status, 403);
  ASSERT_EQ(all->batch.tls.size(), 1U);
  EXPECT_EQ(all->batch.tls[0].server_name, "s.example");
  EXPECT_EQ(all->batch.tls[0].ja3, "b720");
  EXPECT_EQ(all->passed_over, 3U);
  EXPECT_EQ(all->skips.count(), 1U) << "the second http line has a brace too many";
}

TEST(Eve, SkipsOnlyTheBadLines) {
  const std::string good = eve("http", R"("http":{"hostname":"h"})");
  const auto all = observations_of(good + "{\"timestamp\":\"2021\n" + good + "[1,2]\n" + good +
                                   "{\"a\":\"\xff\xfe\"}\n" + "nonsense\n" + std::string(100'000, '[') + "\n" + good);
  EXPECT_EQ(all->batch.http.size(), 4U);
  EXPECT_EQ(all->skips.count(), 5U);
  EXPECT_EQ(all->records, 9U);
}

TEST(Readers, SurviveCutsAndNoiseAnywhere) {
  const std::string json =
      R"({"ts":1.5,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"10.0.0.2","id.resp_p":2,"proto":"udp","query":"a.example","rejected":false,"answers":["b\u00e9","1.2.3.4"]})";
  const std::pair<std::string, Format> samples[] = {
      {kBinetflowHeader +
           "2019/04/04 16:24:47.672448,63.8,tcp,10.8.0.69,56101,<-,14.1.11.113,0x9,S_RA,0,0,31,8,7,15,\n",
       Format::kBinetflow},
      {kConnHead + "1.5\tC\t1.1.1.1\t1\t2.2.2.2\t2\ttcp\t-\t1e3\t0\t0\tREJ\t^Sr\t2\t104\t2\t80\tx\n", Format::kZeekTsv},
      {json, Format::kZeekJson},
      {eve("alert",
           R"("alert":{"signature":"CVE-2014-0160","metadata":{"cve":["CVE_2014_0160"]}},"dns":{"queries":[{}]})"),
       Format::kEve}};
  for (const auto& [text, format] : samples) {
    for (std::size_t size = 0; size <= text.size(); ++size) observations_of(text.substr(0, size), format);
    for (std::size_t at = 0; at < text.size(); ++at) {
      for (const char with : {'\0', '"', '\n', '\\', '{', '\xff', '9', ','}) {
        std::string damaged = text;
        damaged[at] = with;
        observations_of(damaged, format);
      }
    }
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      observations_of(noise(2000, seed), format);
      recognise(bytes_of(noise(2000, seed)));
    }
  }
}

TEST(Readers, BoundWhatOneHugeRecordCosts) {
  std::string answers, grouped;
  for (int i = 0; i < 200'000; ++i) {
    const std::string name = '"' + std::to_string(i) + ".example\"";
    answers += (i > 0 ? "," : "") + ("{\"rdata\":" + name + "}");
    grouped += (i > 0 ? ",\"x" : "\"x") + name.substr(1);
  }
  const auto dns = observations_of(
      eve("dns", R"("dns":{"type":"answer","answers":[)" + answers + R"(],"grouped":{"CNAME":[)" + grouped + "]}}"));
  ASSERT_EQ(dns->batch.dns.size(), 1U);
  EXPECT_EQ(dns->batch.dns[0].names.size(), 200'000U);
  const auto tabs = observations_of(kConnHead + std::string(10'000'000, '\t') + "\n");
  EXPECT_EQ(tabs->skips.count(), 1U);
}

TEST(Readers, EndABatchInTimeAndLoseNothing) {
  std::string text = kConnHead;
  for (int i = 0; i < 30'000; ++i) text += "1.5\tC\t1.1.1.1\t1\t2.2.2.2\t2\ttcp\t-\t-\t0\t0\tS0\tS\t1\t40\t0\t0\tx\n";
  const auto input = InputStream::of_bytes(text);
  const auto reader = make_observation_reader(Format::kZeekTsv, *input, 0);
  std::size_t flows = 0;
  bool more = true;
  while (more) {
    Batch batch;
    more = reader->read(batch);
    EXPECT_LE(batch.size(), kBatchSize);
    flows += batch.flows.size();
  }
  EXPECT_EQ(flows, 30'000U);
}

}  // namespace
}  // namespace tocsin::testing
