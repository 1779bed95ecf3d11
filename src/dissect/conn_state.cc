#include "dissect/conn_state.h"

namespace tocsin::dissect {

void advance(TcpEnd& self, TcpEnd& peer, std::uint8_t flags) {
  // What is over stays over: a reset after both have closed is how some stacks tidy up, not a failure.
  if (self == TcpEnd::kReset || is_closed(self, peer)) {
    return;
  }
  if ((flags & kRst) != 0) {
    self = TcpEnd::kReset;
    return;
  }
  if ((flags & kFin) != 0) {
    self = TcpEnd::kClosed;
    return;
  }
  if (self != TcpEnd::kInactive) {
    // Simultaneous open: both sent SYN, and now one acknowledges.
    if (self == TcpEnd::kSynSent && peer == TcpEnd::kSynSent && (flags & kAck) != 0) {
      self = peer = TcpEnd::kEstablished;
    }
    return;
  }
  if ((flags & kSyn) == 0) {
    self = TcpEnd::kPartial;
  } else if ((flags & kAck) == 0) {
    self = TcpEnd::kSynSent;
  } else if (peer == TcpEnd::kSynSent) {
    self = peer = TcpEnd::kEstablished;
  } else {
    self = TcpEnd::kSynAckSent;
  }
}

ConnState tcp_state(TcpEnd initiator, TcpEnd responder) {
  using enum TcpEnd;
  const bool initiator_inactive = initiator == kInactive || initiator == kPartial;
  const bool responder_inactive = responder == kInactive || responder == kPartial;
  if (responder == kReset) {
    if (initiator == kSynSent || initiator == kSynAckSent) return ConnState::kREJ;
    return initiator_inactive ? ConnState::kRSTRH : ConnState::kRSTR;
  }
  if (initiator == kReset) return responder_inactive ? ConnState::kRSTOS0 : ConnState::kRSTO;
  if (initiator == kClosed && responder == kClosed) return ConnState::kSF;
  if (initiator == kClosed) return responder_inactive ? ConnState::kSH : ConnState::kS2;
  if (responder == kClosed) return initiator_inactive ? ConnState::kSHR : ConnState::kS3;
  if (initiator == kSynSent && responder == kInactive) return ConnState::kS0;
  if (initiator == kEstablished && responder == kEstablished) return ConnState::kS1;
  return ConnState::kOTH;
}

ConnState plain_state(bool initiator_sent, bool responder_sent) {
  if (initiator_sent) return responder_sent ? ConnState::kSF : ConnState::kS0;
  return responder_sent ? ConnState::kSHR : ConnState::kOTH;
}

}  // namespace tocsin::dissect
