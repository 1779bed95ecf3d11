#include "pipeline/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/file.h"
#include "collect/ipfix.h"
#include "collect/reader.h"

namespace tocsin {
namespace {

// Whether the address stands in the packet's headers: cheap, and right for any link layer and encapsulation.
bool mentions(std::span<const std::byte> packet, const IpAddress& address) {
  const auto& bytes = address.bytes();
  const std::size_t size = address.is_v4() ? 4 : 16;
  const auto* needle = bytes.data() + (16 - size);
  const std::size_t headers = std::min<std::size_t>(packet.size(), 160);
  return memmem(packet.data(), headers, needle, size) != nullptr;
}

bool wanted(const Packet& packet, const EvidenceRequest& request) {
  return request.first_seen <= packet.time && packet.time <= request.last_seen &&
         (request.actor.is_unspecified() || mentions(packet.data, request.actor)) &&
         (request.target.is_unspecified() || mentions(packet.data, request.target));
}

Expected<std::vector<Evidence>> fetch_packets(InputStream& input, Format format,
                                              const std::vector<EvidenceRequest>& requests,
                                              const std::vector<std::string>& pcap_paths) {
  std::vector<Evidence> found(requests.size());
  std::vector<std::optional<PcapWriter>> writers(requests.size());
  const auto reader = make_packet_reader(format, input, 0);
  std::vector<Packet> batch;
  bool more = true;
  while (more) {
    more = reader->read(batch);
    for (const Packet& packet : batch) {
      for (std::size_t i = 0; i < requests.size(); ++i) {
        if (!wanted(packet, requests[i])) continue;
        ++found[i].packets;
        if (i >= pcap_paths.size()) continue;
        if (!writers[i]) {
          auto writer = PcapWriter::create(pcap_paths[i], packet.link_type);
          if (!writer) return std::unexpected(writer.error());
          writers[i].emplace(std::move(*writer));
          found[i].pcap = pcap_paths[i];
        }
        if (const auto written = writers[i]->write(packet); !written) return std::unexpected(written.error());
      }
    }
  }
  return found;
}

Expected<std::vector<Evidence>> fetch_lines(InputStream& input, const std::vector<EvidenceRequest>& requests) {
  std::vector<Evidence> found(requests.size());
  std::vector<std::size_t> order(requests.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](std::size_t i) { return requests[i].offset; });
  std::string line;
  std::uint64_t line_at = 0;
  bool have = false;
  for (const std::size_t i : order) {
    const std::uint64_t offset = requests[i].offset;
    if (!have || line_at != offset) {
      while (input.offset() < offset) {
        const auto view = input.peek(1);
        if (view.empty()) break;
        input.consume(static_cast<std::size_t>(std::min<std::uint64_t>(view.size(), offset - input.offset())));
      }
      line_at = input.offset();
      const auto next = input.line();
      have = next.has_value();
      line = next.value_or(std::string_view());
    }
    if (have && line_at == offset) found[i].line = line;
  }
  return found;
}

// Records are found by their number, since what they mean stands in the templates before them.
std::vector<Evidence> fetch_ipfix(InputStream& input, const std::vector<EvidenceRequest>& requests) {
  std::vector<Evidence> found(requests.size());
  std::vector<std::size_t> order(requests.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](std::size_t i) { return requests[i].record; });
  collect::IpfixDescriber records(input);
  std::uint64_t described = 0;
  std::string line;
  for (const std::size_t i : order) {
    if (requests[i].record != described) {
      described = requests[i].record;
      line = records.describe(described).value_or("");
    }
    found[i].line = line;
  }
  return found;
}

}  // namespace

Expected<std::vector<Evidence>> fetch_evidence(const SourceRecord& source, const std::vector<EvidenceRequest>& requests,
                                               const std::vector<std::string>& pcap_paths) {
  if (source.path.empty()) return failure(fmt::format("{}: it was read from standard input and not kept", source.name));
  auto input = InputStream::open(source.path);
  if (!input) return std::unexpected(input.error());
  {
    // The evidence is that of the bytes that were judged: a source that has grown still has them, a changed one not.
    const auto sum = sum_of(source.path, source.bytes);
    if (!sum) return std::unexpected(sum.error());
    if (sum->sha256 != source.sha256) {
      return failure(fmt::format("{}: has changed since it was read (SHA-256 was {})", source.path, source.sha256));
    }
  }
  const Format format = recognise((*input)->peek(64 * 1024));
  if (format == Format::kPcap || format == Format::kPcapng) {
    return fetch_packets(**input, format, requests, pcap_paths);
  }
  if (format == Format::kIpfix) return fetch_ipfix(**input, requests);
  return fetch_lines(**input, requests);
}

std::vector<Expected<Evidence>> fetch_evidence(const std::vector<SourceRecord>& sources,
                                               const std::vector<RowEvidence>& rows) {
  std::vector<Expected<Evidence>> found(rows.size());
  for (const SourceRecord& source : sources) {
    std::vector<std::size_t> indices;
    std::vector<EvidenceRequest> requests;
    std::vector<std::string> pcaps;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].source != source.id) continue;
      indices.push_back(i);
      requests.push_back(rows[i].request);
      if (!rows[i].pcap.empty()) pcaps.push_back(rows[i].pcap);
    }
    if (indices.empty()) continue;
    const auto evidence = fetch_evidence(source, requests, pcaps);
    for (std::size_t i = 0; i < indices.size(); ++i) {
      found[indices[i]] = evidence ? Expected<Evidence>((*evidence)[i]) : std::unexpected(evidence.error());
    }
  }
  return found;
}

std::string evidence_text(const Place& place) { return fmt::format("offset={} record={}", place.offset, place.record); }

std::optional<Place> place_of(const std::string& evidence) {
  unsigned long long offset = 0;
  unsigned long long record = 0;
  if (std::sscanf(evidence.c_str(), "offset=%llu record=%llu", &offset, &record) < 1) return std::nullopt;
  return Place{0, offset, record};
}

}  // namespace tocsin
