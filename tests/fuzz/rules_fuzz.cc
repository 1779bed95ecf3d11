// The rule language, what rules find in a payload, and the files beside rules.
#include "engine/engine.h"
#include "fuzz.h"
#include "match/datasets.h"
#include "match/inspector.h"
#include "match/reputation.h"
#include "rules/config_files.h"

namespace tocsin::fuzz {
namespace {

void look_at(const std::vector<rules::Fault>& faults) {
  for (const rules::Fault& fault : faults) look(fault.text());
}

std::shared_ptr<rules::RuleSet> read_rules(std::string_view text) {
  auto set = std::make_shared<rules::RuleSet>();
  rules::Vocabulary vocabulary;
  vocabulary.class_types["bad"] = {"Bad", 1};
  set->read_text(text, "a.rules", vocabulary);
  set->check_together();
  look_at(set->faults);
  return set;
}

const Target kRules("rules", [](Bytes bytes) { read_rules(text_of(bytes)); });

// A file of rules, a line of "---", and a payload on which they are judged as UDP and as TCP without a stream.
const Target kMatch("match", [](Bytes bytes) {
  Pieces pieces(bytes);
  const std::string_view text = pieces.section();
  const std::string payload = text_of(pieces.rest());
  const auto set = read_rules(text);
  if (set->rules.empty()) return;
  Options options;
  if (bytes.size() % 16 != 0) options.set("mpm-algo", "none");  // the search takes long to make
  match::Inspector inspector(set, options);
  look_at(inspector.faults());
  packet::Packet packet;
  packet.ip_version = 4;
  packet.source = *IpAddress::parse("192.0.2.1");
  packet.destination = *IpAddress::parse("198.51.100.2");
  packet.source_port = 40'000;
  packet.destination_port = 80;
  const std::vector<std::uint8_t> header(20);
  stream::Flow flow;
  flow.client = packet.source;
  flow.server = packet.destination;
  for (const std::uint8_t protocol : {packet::kUdp, packet::kTcp}) {
    packet.protocol = flow.protocol = protocol;
    packet.network_header = header;
    packet.transport_header = packet::Bytes(header).first(protocol == packet::kTcp ? 20 : 8);
    packet.payload = {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()};
    packet.network_payload = packet.payload;
    ++packet.number;
    packet.time += kSecond;
    stream::Followed followed;
    if (protocol == packet::kUdp) followed.flow = &flow;
    match::Inspection out;
    inspector.inspect(packet, followed, out);
    for (const match::Alert& alert : out.alerts) look(alert.context);
  }
});

const Target kThresholds("thresholds", [](Bytes bytes) {
  std::vector<rules::Fault> faults;
  rules::parse_thresholds(text_of(bytes), "threshold.config", rules::default_variables(), faults);
  look_at(faults);
});
const Target kClassification("rules-config", [](Bytes bytes) {
  const FileOf file(bytes);
  rules::Vocabulary vocabulary;
  if (const auto read = rules::read_classification(file.path(), vocabulary); !read) look(read.error().message);
  if (const auto read = rules::read_references(file.path(), vocabulary); !read) look(read.error().message);
});
const Target kDatasets("datasets", [](Bytes bytes) {
  Pieces pieces(bytes);
  const std::uint8_t choice = pieces.number();
  match::DataSet set(static_cast<match::DataSet::Type>(choice % 5), 1 << 20);
  if (choice & 8) {
    rules::DatasetMatch how;
    how.value_key = "value";
    if (choice & 16) how.array_key = "in.array";
    const FileOf file(pieces.rest());
    if (const auto read = set.load_json(file.path(), how); !read) look(read.error().message);
  } else {
    const FileOf file(pieces.rest());
    if (const auto read = set.load(file.path()); !read) look(read.error().message);
  }
  (void)set.find(pieces.rest());
  (void)set.find_domain(pieces.rest());
});
// Categories, a line of "---", and scores.
const Target kReputation("reputation", [](Bytes bytes) {
  Pieces pieces(bytes);
  const FileOf categories(pieces.section()), scores(pieces.rest());
  Options options;
  options.set("reputation-categories-file", categories.path());
  options.set("reputation-files.0", scores.path());
  std::vector<rules::Fault> faults;
  const auto reputation = match::Reputation::read(options, faults);
  (void)reputation.score("BadHosts", *IpAddress::parse("192.0.2.1"));
  look_at(faults);
});
const Target kConfiguration("configuration", [](Bytes bytes) {
  const FileOf file(bytes);
  auto read = engine::read_configuration(file.path());
  if (!read) {
    look(read.error().message);
    return;
  }
  for (const auto& [name, value] : read->all()) look(name), look(value);
  engine::EngineSettings settings;
  settings.options = std::move(*read);
  if (const auto made = engine::Engine::make(std::move(settings)); made) look_at(std::vector<rules::Fault>());
});

}  // namespace
}  // namespace tocsin::fuzz
