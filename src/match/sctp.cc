#include "match/sctp.h"

#include <algorithm>

namespace tocsin::match {
namespace {

constexpr std::size_t kHeader = 12, kMostChunks = 255;
constexpr std::uint8_t kData = 0;
// Of a chunk of data: TSN, stream, its sequence and the payload's protocol stand before what the user said.
constexpr std::size_t kDataHeader = 12;

}  // namespace

std::vector<SctpChunk> sctp_chunks(const packet::Packet& packet) {
  std::vector<SctpChunk> chunks;
  if (packet.protocol != packet::kSctp || packet.transport_header.empty()) return chunks;
  packet::Bytes rest = packet.network_payload.subspan(std::min(packet.network_payload.size(), kHeader));
  while (rest.size() >= 4 && chunks.size() < kMostChunks) {
    const std::size_t length = static_cast<std::size_t>(rest[2]) << 8 | rest[3];
    if (length < 4 || length > rest.size()) break;
    chunks.push_back({rest[0], rest.subspan(4, length - 4)});
    rest = rest.subspan(std::min(rest.size(), (length + 3) & ~std::size_t{3}));
  }
  return chunks;
}

std::vector<packet::Bytes> sctp_data(const packet::Packet& packet) {
  std::vector<packet::Bytes> all;
  for (const SctpChunk& chunk : sctp_chunks(packet)) {
    if (chunk.type == kData && chunk.value.size() > kDataHeader) all.push_back(chunk.value.subspan(kDataHeader));
  }
  return all;
}

}  // namespace tocsin::match
