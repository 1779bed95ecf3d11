#include "stream/flow_end_packet.h"

#include <algorithm>

namespace tocsin::stream {

const packet::Packet& FlowEndPacket::make(const Flow& flow, Side side, std::uint32_t sequence, Timestamp time) {
  packet_ = {};
  bytes_ = {};
  const bool to_server = side == Side::kToServer;
  packet_.origin = packet::Origin::kFlowEnd;
  packet_.time = time;
  packet_.vlan = flow.vlan;
  packet_.vlans = flow.vlans;
  packet_.ip_version = flow.ip_version;
  packet_.protocol = flow.protocol;
  packet_.ttl = 64;
  packet_.source = to_server ? flow.client : flow.server;
  packet_.destination = to_server ? flow.server : flow.client;
  packet_.source_port = to_server ? flow.client_port : flow.server_port;
  packet_.destination_port = to_server ? flow.server_port : flow.client_port;

  const std::size_t header = flow.ip_version == 6 ? 40 : 20;
  const auto put16 = [&](std::size_t at, std::uint16_t value) {
    bytes_[at] = static_cast<std::uint8_t>(value >> 8);
    bytes_[at + 1] = static_cast<std::uint8_t>(value);
  };
  const auto& source = packet_.source.bytes();
  const auto& destination = packet_.destination.bytes();
  if (flow.ip_version == 6) {
    bytes_[0] = 0x60;
    put16(4, 20);
    bytes_[6] = packet::kTcp;
    bytes_[7] = 64;
    std::copy(source.begin(), source.end(), bytes_.begin() + 8);
    std::copy(destination.begin(), destination.end(), bytes_.begin() + 24);
  } else {
    bytes_[0] = 0x45;
    put16(2, 40);
    bytes_[8] = 64;
    bytes_[9] = packet::kTcp;
    std::copy(source.begin() + 12, source.end(), bytes_.begin() + 12);
    std::copy(destination.begin() + 12, destination.end(), bytes_.begin() + 16);
  }
  put16(header, packet_.source_port);
  put16(header + 2, packet_.destination_port);
  put16(header + 4, static_cast<std::uint16_t>(sequence >> 16));
  put16(header + 6, static_cast<std::uint16_t>(sequence));
  bytes_[header + 12] = 0x50;
  put16(header + 14, 10);
  packet_.tcp.sequence = sequence;
  packet_.tcp.window = 10;
  packet_.frame = Bytes(bytes_).first(header + 20);
  packet_.network_header = Bytes(bytes_).first(header);
  packet_.network_payload = packet_.transport_header = Bytes(bytes_).subspan(header, 20);
  return packet_;
}

}  // namespace tocsin::stream
