// Packets to observations: bidirectional flows, the DNS, HTTP and TLS that single packets carry, and hellos of QUIC.
//
//   PacketDissector dissector;
//   while (reader->read(packets)) { dissector.dissect(packets, batch); ...use batch...; batch.clear(); }
//   dissector.finish(batch);
//
// A flow is given out when it ends: closed for a while, silent too long in packet time, pushed out by newer ones, or at
// finish(). A DNS transaction is given out at its answer, or alone when none came in time; an HTTP one at its response,
// or when its flow ends; a TLS handshake at once. The order, and all else, depends on the packets alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/time.h"
#include "collect/observation.h"
#include "collect/reader.h"

namespace tocsin {

struct DissectorLimits {
  std::size_t flows = 1'000'000;  // live at once, at about 210 bytes each
  // How long a flow may stay silent.
  Timestamp tcp_idle = kHour;
  Timestamp tcp_attempt = kMinute;     // not both sides have spoken
  Timestamp tcp_closed = 5 * kSecond;  // after FIN of both sides or RST of one
  Timestamp udp_idle = kMinute;
  Timestamp icmp_idle = kMinute;
  Timestamp other_idle = kMinute;
  Timestamp fragment_age = 30 * kSecond;  // of a first fragment whose later ones are still known
  std::size_t dns_queries = 65'536;       // outstanding at once
  Timestamp dns_timeout = kMinute;
  std::size_t http_bytes = 64 << 20;  // of outstanding requests
};

struct DissectorCounters {
  std::uint64_t packets = 0;
  std::uint64_t not_ip = 0;               // ARP and the like, and link types that are not known
  std::uint64_t bad = 0;                  // broken or cut within the headers: no part of any flow
  std::uint64_t fragments = 0;            // later ones, without ports of their own
  std::uint64_t fragments_unclaimed = 0;  // of those, without their first
  std::uint64_t flows = 0;                // begun
  std::uint64_t flows_evicted = 0;        // given out early because there were too many
  std::uint64_t dns_evicted = 0;          // queries given out unanswered because there were too many
  std::uint64_t dns_malformed = 0;
  std::uint64_t tls_malformed = 0;
};

class PacketDissector {
 public:
  explicit PacketDissector(DissectorLimits limits = {});
  ~PacketDissector();
  PacketDissector(PacketDissector&&) noexcept;
  PacketDissector& operator=(PacketDissector&&) noexcept;

  // Appends what ended. Nothing of the packets is referred to afterwards. The times should rise; those that do not are
  // taken as they are, but silence is only noticed when the highest time seen moves on: call finish() between captures
  // that overlap.
  void dissect(std::span<const Packet> packets, Batch& out);
  // Gives out all that is live. The dissector is then as new, but for its counts.
  void finish(Batch& out);

  // Packets and messages that could not be used, with the number of the packet.
  const Skips& skips() const;
  const DissectorCounters& counters() const;
  std::size_t live_flows() const;
  // Of the flow table, in use or kept for reuse.
  std::size_t flow_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin
