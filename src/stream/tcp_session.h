// What is kept of a TCP connection.
#pragma once

#include <array>
#include <utility>
#include <vector>

#include "base/time.h"
#include "packet/host_policy.h"
#include "protocol/transaction.h"
#include "stream/byte_stream.h"
#include "stream/sequence.h"

namespace tocsin::stream {

using protocol::Side;

// In the order in which a connection goes through them, as far as there is one: what is beyond kTimeWait has been
// closed by one side at least, and from kLastAck on the same ports may be used again.
enum class TcpState : std::uint8_t {
  kNone,
  kSynSent,
  kSynReceived,
  kEstablished,
  kFinWait1,
  kFinWait2,
  kTimeWait,
  kLastAck,
  kCloseWait,
  kClosing,
  kClosed
};
// "established", "fin_wait1" ... as Suricata's logs have it.
std::string_view name_of(TcpState state);

// One that sends; window, limit and acknowledgement are what the other said of it.
struct Half {
  std::uint32_t first = 0;  // the initial sequence number
  std::uint32_t next = 0;   // that follows what was sent
  std::uint32_t acknowledged = 0;
  std::uint32_t window = 0, limit = 0;  // the limit is where the window ends
  std::uint8_t scale = 0;
  std::uint8_t flags = 0;  // all TCP flags it sent

  // The sequence number at `base_offset` of the bytes; moves on so that wrapping around does no harm.
  std::uint32_t base = 0;
  std::uint64_t base_offset = 0;
  ByteStream bytes;
  std::uint64_t told = 0;       // up to where the application was fed
  std::uint64_t readable = 0;   // up to where rules could look at its last packet
  std::uint64_t looked = 0;     // up to where Suricata's rules would have looked
  std::uint64_t beginning = 0;  // of what rules may still look at
  std::uint32_t most_blocks = 1;
  bool was_ended = false;  // the application knows that no more comes

  std::uint32_t timestamp = 0;
  std::int64_t timestamp_second = 0;  // when it came
  bool has_timestamp = false;         // in its SYN
  bool is_zero_timestamp = false;
  bool is_kept_alive = false, was_reset = false, is_depth_reached = false, has_gap = false;
  bool has_probed = false;  // a closed window
  bool has_system = false;
  packet::HostSystem system = packet::HostSystem::kBsd;
  std::uint16_t urgent = 0;                                     // bytes that were sent out of band
  std::vector<std::pair<std::uint32_t, std::uint32_t>> sacked;  // beyond what is acknowledged, in order
  std::uint64_t transactions_seen = 0;

  std::uint64_t offset_of(std::uint32_t sequence) const {
    const std::int64_t offset = static_cast<std::int64_t>(base_offset) + distance(base, sequence);
    return offset < 0 ? 0 : static_cast<std::uint64_t>(offset);
  }
  // Up to where the other side has acknowledged.
  std::uint64_t acknowledged_offset() const {
    if (base_offset == 0 && acknowledged == 0) return 0;  // the other side has not been heard
    return after(acknowledged, base) ? offset_of(acknowledged) : base_offset;
  }
  void start_at(std::uint32_t initial) {
    first = initial;
    base = initial + 1;
    base_offset = 0;
  }
};

// A SYN or a SYN and its answer that another one has taken the place of.
struct Handshake {
  std::uint32_t sequence = 0, acknowledgement = 0, timestamp = 0;
  std::uint16_t window = 0;
  std::uint8_t scale = 0;
  bool has_scale = false, has_sack = false, has_timestamp = false;
  std::int64_t second = 0;
};

class TcpSession {
 public:
  TcpState state = TcpState::kNone, former_state = TcpState::kNone;
  std::array<Half, 2> halves;  // by the side that their bytes go to: [0] is the client
  Half& half(Side side) { return halves[static_cast<std::size_t>(side)]; }
  const Half& half(Side side) const { return halves[static_cast<std::size_t>(side)]; }

  bool is_midstream = false;              // picked up without its handshake
  bool is_midstream_established = false;  // and the server has not been heard yet
  bool is_midstream_synack = false;       // and began with the server's answer
  bool has_timestamps = false;            // both sides said so
  bool client_scales = false, client_sacks = false, sacks = false;
  bool is_reset = false;
  bool is_one_sided = false;  // the other side is not seen
  bool is_four_way = false;   // both sides began with a SYN
  bool is_evasion = false;    // an acknowledgement that only some systems mind
  bool is_liberal = false;    // bytes were lost: no longer strict about resets
  bool is_confirmed = false;  // the server was heard after the handshake
  bool is_fast_open = false, is_fast_open_ignored = false;
  bool application_is_off = false;
  std::vector<Handshake> queue;
};

}  // namespace tocsin::stream
