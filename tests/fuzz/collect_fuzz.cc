// Readers of logs, flows, reports and lists of indicators.
#include "collect/indicator_files.h"
#include "collect/ipfix.h"
#include "collect/reader.h"
#include "fuzz.h"

namespace tocsin::fuzz {
namespace {

void look_at(const Batch& batch) {
  for (const auto& one : batch.dns) {
    look(one.query);
    for (const std::string_view name : one.names) look(name);
  }
  for (const auto& one : batch.http)
    for (const auto text : {one.method, one.host, one.uri, one.user_agent, one.referrer}) look(text);
  for (const auto& one : batch.tls) look(one.server_name), look(one.ja3);
  for (const auto& one : batch.alerts)
    for (const auto text : {one.sensor, one.signature, one.category, one.cve, one.malware_family, one.attack_target,
                            one.message, one.host})
      look(text);
  for (const auto& one : batch.reports)
    for (const auto text : {one.actor_name, one.target_name, one.url, one.cve, one.family, one.group, one.reporter,
                            one.rule, one.description, one.tlp})
      look(text);
  for (const auto& one : batch.pages) look(one.url), look(one.html);
}

template <Format kFormat>
void read(Bytes bytes) {
  const auto input = InputStream::of_bytes(text_of(bytes), "event4_honeypot_brute_force.csv");
  (void)recognise(input->peek(64 * 1024));
  const auto reader = make_observation_reader(kFormat, *input, 0);
  Batch batch;
  for (bool more = true; more;) {
    more = reader->read(batch);
    look_at(batch);
    batch.clear();
  }
  for (const std::string& example : reader->skips().examples()) look(example);
}

const Target kReaders[] = {
    {"binetflow", read<Format::kBinetflow>},
    {"zeek-tsv", read<Format::kZeekTsv>},
    {"zeek-json", read<Format::kZeekJson>},
    {"eve", read<Format::kEve>},
    {"ipfix", read<Format::kIpfix>},
    {"access-log", read<Format::kAccessLog>},
    {"report-csv", read<Format::kReportCsv>},
    {"misp-event", read<Format::kMispEvent>},
    {"warc", read<Format::kWarc>},
};

// Whatever it is, compressed or not.
const Target kInput("input", [](Bytes bytes) {
  const auto input = InputStream::of_bytes(text_of(bytes));
  (void)recognise(input->peek(64 * 1024));
  while (const auto line = input->line()) look(*line);
  if (input->fault()) look(input->fault()->message);
});

const Target kIpfixRecord("ipfix-record", [](Bytes bytes) {
  Pieces pieces(bytes);
  const std::uint64_t record = pieces.number() % 8 + 1U;
  const auto input = InputStream::of_bytes(text_of(pieces.rest()));
  if (const auto text = collect::describe_ipfix_record(*input, record)) look(*text);
});

const Target kIndicators("indicators", [](Bytes bytes) {
  const auto input = InputStream::of_bytes(text_of(bytes));
  const IndicatorDefaults defaults;
  const auto report = read_indicator_stream(*input, "list", defaults, [](const Indicator& indicator) {
    for (const auto text : {indicator.value, indicator.family, indicator.group, indicator.source, indicator.tlp})
      look(text);
  });
  for (const std::string& note : report.notes) look(note);
});

}  // namespace
}  // namespace tocsin::fuzz
