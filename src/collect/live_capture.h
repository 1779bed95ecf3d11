// Packets of a network interface, as Linux hands them over in a ring of memory: AF_PACKET with TPACKET_V3
// (docs.kernel.org/networking/packet_mmap.html).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/expected.h"
#include "collect/reader.h"

namespace tocsin {

struct LiveOptions {
  std::string interface;
  std::size_t ring_bytes = std::size_t{64} << 20;
  std::chrono::milliseconds retire{20};  // a block that is not full is handed over after so long
  // Sockets of one group (1 to 65535) share the packets by the hash of their flow, fragments put together; 0: none.
  std::uint16_t fanout_group = 0;
  bool promiscuous = true;
};

struct LiveCounts {
  std::uint64_t received = 0;  // by the kernel, also what it dropped
  std::uint64_t dropped = 0;   // because the ring was full
};

// read() waits 100 ms at most and may give no packet; it is false only when the interface has failed, see fault(). A
// VLAN tag that the interface took off stands in the frame again, and checksums that a sender left to the interface are
// filled in. Of the loopback interface each packet is given once. What is longer than the ring's blocks is cut.
class LiveCapture : public PacketReader {
 public:
  // An error names what is missing: the interface, or the right to read it (CAP_NET_RAW).
  static Expected<std::unique_ptr<LiveCapture>> open(const LiveOptions& options);
  ~LiveCapture() override;

  bool read(std::vector<Packet>& packets) override;
  // Since the start; a call asks the kernel.
  LiveCounts counts();
  const std::string& fault() const;

 private:
  struct State;
  explicit LiveCapture(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tocsin
