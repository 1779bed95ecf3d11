#include <algorithm>
#include <array>

#include "collect/access_log.h"
#include "collect/fields.h"
#include "collect/ipfix_sets.h"
#include "collect/misp_event.h"
#include "collect/readers.h"
#include "collect/report_csv.h"

namespace tocsin {
namespace {

constexpr std::array<std::string_view, 13> kNames{"unknown",    "empty",      "pcap",         "pcapng", "binetflow",
                                                  "Zeek TSV",   "Zeek JSON",  "Suricata EVE", "IPFIX",  "access log",
                                                  "report CSV", "MISP event", "WARC"};

constexpr std::size_t kHead = 65'536;  // of a source, unless it has no more

// Whether the JSON text has this key: its name in quotes, then a colon.
bool has_key(std::string_view json, std::string_view quoted) {
  for (std::size_t at = json.find(quoted); at != std::string_view::npos; at = json.find(quoted, at + 1)) {
    const std::size_t after = json.find_first_not_of(" \t", at + quoted.size());
    if (after != std::string_view::npos && json[after] == ':') return true;
  }
  return false;
}

Format recognise_json(std::string_view line) {
  if (has_key(line, "\"event_type\"")) return has_key(line, "\"timestamp\"") ? Format::kEve : Format::kUnknown;
  if (has_key(line, "\"id.orig_h\"") || has_key(line, "\"ts\"")) return Format::kZeekJson;
  return Format::kUnknown;
}

bool is_binetflow_header(std::string_view line) {
  bool source = false, destination = false, protocol = false;
  while (!line.empty()) {
    const std::size_t comma = line.find(',');
    const std::string_view name = line.substr(0, comma);
    source |= name == "SrcAddr";
    destination |= name == "DstAddr";
    protocol |= name == "Proto";
    line.remove_prefix(comma == std::string_view::npos ? line.size() : comma + 1);
  }
  return source && destination && protocol;
}

bool is_access_log(std::string_view line) {
  collect::AccessLine parsed;
  return collect::parse_access_line(line, parsed).empty() || collect::W3cColumns::of(line).has_value();
}

Format recognise_packets(std::string_view text) {
  if (text.starts_with("\xd4\xc3\xb2\xa1") || text.starts_with("\xa1\xb2\xc3\xd4") ||
      text.starts_with("\x4d\x3c\xb2\xa1") || text.starts_with("\xa1\xb2\x3c\x4d") ||
      text.starts_with("\x34\xcd\xb2\xa1") || text.starts_with("\xa1\xb2\xcd\x34"))
    return Format::kPcap;
  const std::string_view order = text.size() >= 12 ? text.substr(8, 4) : std::string_view();
  if (text.starts_with("\x0a\x0d\x0d\x0a") && (order == "\x4d\x3c\x2b\x1a" || order == "\x1a\x2b\x3c\x4d"))
    return Format::kPcapng;
  return Format::kUnknown;
}

}  // namespace

std::string_view name_of(Format format) { return kNames[static_cast<std::size_t>(format)]; }

Format recognise(std::span<const std::byte> head) {
  if (head.empty()) return Format::kEmpty;
  std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (const Format packets = recognise_packets(text); packets != Format::kUnknown) return packets;
  if (collect::begins_ipfix_message(head, head.size() < kHead)) return Format::kIpfix;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.starts_with("WARC/1.")) return Format::kWarc;
  if (collect::begins_as_misp_event(text)) return Format::kMispEvent;
  // A first line that was cut or damaged must not hide the rest: the first of some lines that tells decides.
  for (int tries = 0; tries < 20 && !text.empty(); ++tries) {
    const std::string_view line = collect::next_line(text);
    if (line.starts_with("#separator") || line.starts_with("#fields") || line.starts_with("#path"))
      return Format::kZeekTsv;
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    if (line[first] == '{') {
      if (const Format json = recognise_json(line); json != Format::kUnknown) return json;
    } else if (is_binetflow_header(line)) {
      return Format::kBinetflow;
    } else if (is_access_log(line)) {
      return Format::kAccessLog;
    } else if (collect::ReportCsvHeader header; collect::read_report_csv_header(line, {}, header)) {
      return Format::kReportCsv;
    }
  }
  return Format::kUnknown;
}

std::unique_ptr<PacketReader> make_packet_reader(Format format, InputStream& input, std::uint32_t source) {
  if (format == Format::kPcap) return collect::make_pcap_reader(input, source);
  if (format == Format::kPcapng) return collect::make_pcapng_reader(input, source);
  return nullptr;
}

std::unique_ptr<ObservationReader> make_observation_reader(Format format, InputStream& input, std::uint32_t source) {
  switch (format) {
    case Format::kBinetflow:
      return collect::make_binetflow_reader(input, source);
    case Format::kZeekTsv:
      return collect::make_zeek_tsv_reader(input, source);
    case Format::kZeekJson:
      return collect::make_zeek_json_reader(input, source);
    case Format::kIpfix:
      return collect::make_ipfix_reader(input, source);
    case Format::kEve:
      return collect::make_eve_reader(input, source);
    case Format::kAccessLog:
      return collect::make_access_log_reader(input, source);
    case Format::kReportCsv:
      return collect::make_report_csv_reader(input, source);
    case Format::kMispEvent:
      return collect::make_misp_event_reader(input, source);
    case Format::kWarc:
      return collect::make_warc_reader(input, source);
    default:
      return nullptr;
  }
}

}  // namespace tocsin
