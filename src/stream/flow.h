// A flow with all that the engine keeps of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "packet/packet.h"
#include "protocol/application.h"

namespace tocsin::stream {

using packet::Bytes;
using protocol::Side;

// Bytes of a side in order, as far as they may be looked at: what the other side acknowledged, or, inline, what came.
struct StreamBytes {
  std::uint64_t offset = 0;  // of the first byte since the beginning of the side
  Bytes bytes;
  std::uint64_t end() const { return offset + bytes.size(); }
};

enum class FlowState : std::uint8_t { kNew, kEstablished, kClosed };
enum class Verdict : std::uint8_t { kNone, kPass, kDrop, kAccept };

class TcpSession;  // stream/tcp_session.h

// Of arrays, [0] is what goes to the server.
struct Flow {
  std::uint64_t id = 0;
  IpAddress client, server;
  std::uint16_t client_port = 0, server_port = 0;
  std::uint8_t protocol = 0;
  std::uint8_t ip_version = 0;
  std::uint8_t icmp_type[2] = {0, 0}, icmp_code[2] = {0, 0};
  std::array<std::uint16_t, 3> vlan{};
  std::uint8_t vlans = 0;
  Timestamp first = 0, last = 0;
  std::uint64_t packets[2] = {0, 0}, bytes[2] = {0, 0};
  std::uint8_t least_ttl[2] = {255, 255}, most_ttl[2] = {0, 0};
  FlowState state = FlowState::kNew;
  std::uint8_t tcp_flags[2] = {0, 0};
  std::string_view end_reason;  // "timeout", "forced", "shutdown"

  std::unique_ptr<TcpSession> tcp;
  std::unique_ptr<protocol::Application> application;
  std::unique_ptr<protocol::Memory> memory;  // of the matcher: flowbits, flowints, what was looked at
  std::unique_ptr<protocol::Memory> record;  // of the engine: what logs say at the end
  Verdict verdict = Verdict::kNone;
  bool has_alerts = false, is_bypassed = false;

  // What logs tell of TCP: the state by Suricata's name ("established", "fin_wait1" ...), whether bytes are missing,
  // and the most pieces that were held at once.
  struct TcpSummary {
    std::string_view state;
    bool has_gap[2] = {false, false};
    std::uint32_t most_regions[2] = {1, 1};
  };
  TcpSummary tcp_summary() const;
  std::string_view exception_policy[2];  // target and policy that was applied, as EVE has them; empty: none

  // Of TCP: how far each side's sequence numbers have come, of what was taken; its SYN counts one. The next number less
  // the first, so it wraps around.
  std::array<std::uint32_t, 2> sent() const;
  // Bytes of a side that rules may look at, the newest last; what was let go is gone. Empty for all but TCP.
  StreamBytes stream(Side side) const;
  // All that is held of a side, in order, with what may not be looked at yet: pieces between which bytes are missing.
  std::vector<StreamBytes> pieces(Side side) const;
  // Where what is held of a side begins; bytes before have been let go.
  std::uint64_t beginning(Side side) const;
  Flow();
  ~Flow();
};

}  // namespace tocsin::stream
