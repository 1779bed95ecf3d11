#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "collect/readers.h"

namespace tocsin {
namespace {

constexpr std::array<std::string_view, 8> kNames{"unknown",  "empty",     "pcap",         "pcapng",
                                                 "binetflow", "Zeek log", "Zeek log (JSON)", "Suricata EVE"};

bool is_pcap_magic(std::string_view head) {
  static constexpr std::array<std::string_view, 4> magics{"\xa1\xb2\xc3\xd4", "\xd4\xc3\xb2\xa1", "\xa1\xb2\x3c\x4d",
                                                          "\x4d\x3c\xb2\xa1"};
  return head.size() >= 4 && std::ranges::find(magics, head.substr(0, 4)) != magics.end();
}

// The quoted key stands in the line, followed by a colon.
bool has_key(std::string_view line, std::string_view key) {
  const std::string quoted = "\"" + std::string(key) + "\"";
  for (std::size_t at = line.find(quoted); at != std::string_view::npos; at = line.find(quoted, at + 1)) {
    const std::size_t next = line.find_first_not_of(" \t", at + quoted.size());
    if (next != std::string_view::npos && line[next] == ':') return true;
  }
  return false;
}

}  // namespace

std::string_view name_of(Format format) { return kNames[static_cast<std::size_t>(format)]; }

Format recognise(std::span<const std::byte> bytes) {
  std::string_view head(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (head.empty()) return Format::kEmpty;
  if (is_pcap_magic(head)) return Format::kPcap;
  if (head.starts_with("\x0a\x0d\x0d\x0a")) return Format::kPcapng;
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  if (head.starts_with("#separator") || head.starts_with("#fields\t")) return Format::kZeekTsv;
  for (int tried = 0; tried < 5 && !head.empty(); ++tried) {  // a damaged first line does not hide the format
    const std::size_t end = std::min(head.find('\n'), head.size());
    const std::string_view line = trim(head.substr(0, end));
    head.remove_prefix(std::min(end + 1, head.size()));
    if (line.starts_with("StartTime,") && line.find("SrcAddr") != std::string_view::npos) return Format::kBinetflow;
    if (!line.starts_with('{')) continue;
    if (has_key(line, "event_type") && has_key(line, "timestamp")) return Format::kEve;
    if (has_key(line, "ts")) return Format::kZeekJson;
  }
  return Format::kUnknown;
}

std::unique_ptr<PacketReader> make_packet_reader(Format format, InputStream& input, std::uint32_t source) {
  if (format == Format::kPcap) return make_pcap_reader(input, source);
  if (format == Format::kPcapng) return make_pcapng_reader(input, source);
  return nullptr;
}

std::unique_ptr<ObservationReader> make_observation_reader(Format format, InputStream& input, std::uint32_t source) {
  switch (format) {
    case Format::kBinetflow:
      return make_binetflow_reader(input, source);
    case Format::kZeekTsv:
    case Format::kZeekJson:
      return make_zeek_reader(input, source, format == Format::kZeekJson);
    case Format::kEve:
      return make_eve_reader(input, source);
    default:
      return nullptr;
  }
}

}  // namespace tocsin
