// Names that clients of QUIC ask for, and their JA3, from Initial packets (RFC 9001 section 5.2), whose keys anybody
// can derive.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "collect/observation.h"
#include "dissect/decode.h"

namespace tocsin::protocol {
class Parser;
}

namespace tocsin::dissect {

// A long header with the fixed bit (RFC 9000 section 17.2), of a version that is no negotiation.
inline bool looks_like_quic(Bytes payload) {
  return payload.size() >= 32 && (byte_at(payload, 0) & 0xc0) == 0xc0 && (be16(payload, 1) | be16(payload, 3)) != 0;
}

class QuicHellos {
 public:
  // most: conversations whose hello is not whole yet; the oldest are forgotten first.
  explicit QuicHellos(std::size_t most = 4096);
  ~QuicHellos();
  // A datagram of a client. Appends a handshake when its hello is whole, with the time and place of its first packet.
  void take(Bytes payload, const Endpoint& client, const Endpoint& server, Timestamp time, const Place& place,
            Batch& out);
  void clear();

 private:
  using Ends = std::pair<Endpoint, Endpoint>;
  struct Begun {
    std::unique_ptr<protocol::Parser> parser;
    Timestamp time = 0;
    Place place;
    int packets = 0;
  };
  std::size_t most_;
  std::map<Ends, Begun> begun_;
  std::deque<Ends> order_;  // of those begun; some have ended since
};

}  // namespace tocsin::dissect
