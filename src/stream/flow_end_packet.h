// The packet with which what is left of a side is looked at when its flow ends: none that was sent, but whole, so that
// rules and logs need not know.
#pragma once

#include <array>

#include "stream/flow.h"

namespace tocsin::stream {

class FlowEndPacket {
 public:
  const packet::Packet& make(const Flow& flow, Side side, std::uint32_t sequence, Timestamp time);

 private:
  packet::Packet packet_;
  std::array<std::uint8_t, 60> bytes_{};
};

}  // namespace tocsin::stream
