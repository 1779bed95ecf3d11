// How far each side of a connection got, and the name Zeek has for the whole (docs.zeek.org, base/protocols/conn:
// conn_state; the rules are those of its determine_connection_state).
#pragma once

#include <cstdint>

#include "collect/observation.h"

namespace tocsin::dissect {

enum class TcpEnd : std::uint8_t { kInactive, kSynSent, kSynAckSent, kPartial, kEstablished, kClosed, kReset };

// A segment with these flags was sent by `self`.
void advance(TcpEnd& self, TcpEnd& peer, std::uint8_t flags);
ConnState tcp_state(TcpEnd initiator, TcpEnd responder);
// Of UDP, ICMP and the rest.
ConnState plain_state(bool initiator_sent, bool responder_sent);

inline bool is_closed(TcpEnd a, TcpEnd b) {
  return a == TcpEnd::kReset || b == TcpEnd::kReset || (a == TcpEnd::kClosed && b == TcpEnd::kClosed);
}

}  // namespace tocsin::dissect
