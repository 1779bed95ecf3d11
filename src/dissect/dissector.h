// From packets to observations: flows, and the DNS, HTTP and TLS that single packets carry.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/time.h"
#include "collect/observation.h"
#include "collect/reader.h"

namespace tocsin {

struct DissectorLimits {
  std::size_t flows = 1'000'000;         // at once; the one idle longest is let go first
  std::size_t dns_queries = 65'536;      // that wait for an answer
  Timestamp closed = 5 * kSecond;        // how long a flow is kept after its last packet: closed TCP,
  Timestamp attempt = kMinute;           // TCP that was not answered,
  Timestamp established = kHour;         // TCP that was,
  Timestamp datagram = kMinute;          // everything else
};

struct DissectorCounts {
  std::uint64_t packets = 0;
  std::uint64_t not_ip = 0;
  std::uint64_t fragments = 0;  // later ones, counted to no flow
  std::uint64_t flows_evicted = 0;
};

// Packets in the order of their times. Flows come out when they end, time out or make room; a flow's place is that of
// its first packet.
class PacketDissector {
 public:
  explicit PacketDissector(DissectorLimits limits = {});
  ~PacketDissector();
  PacketDissector(PacketDissector&&) noexcept;
  PacketDissector& operator=(PacketDissector&&) noexcept;
  void dissect(std::span<const Packet> packets, Batch& out);
  // The packets have ended: what is open comes out.
  void finish(Batch& out);
  const Skips& skips() const;
  const DissectorCounts& counts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin
