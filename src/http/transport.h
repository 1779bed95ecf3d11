// A connection's bytes, plain or within TLS. Calls return at once; what they call back runs in the connection's own
// order, one at a time, and never within the call.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace tocsin::serve {

using Clock = std::chrono::steady_clock;

struct Moved {
  std::size_t bytes = 0;
  bool ok = false;  // else the connection is of no more use
  bool timed_out = false;
};

enum class Far : std::uint8_t {  // the client's end
  kOpen,
  kSendsNoMore,  // closed, or for sending alone: TCP does not tell which
  kGone
};

using Pieces = std::array<std::string_view, 3>;  // sent one after the other; they must live until called back

class Transport {
 public:
  using Done = std::function<void(Moved)>;
  virtual ~Transport() = default;
  virtual void handshake(Clock::time_point deadline, Done done) = 0;  // plain: nothing to do
  // At least one byte. One read and one write may be under way at once.
  virtual void read_some(std::span<char> into, Clock::time_point deadline, Done done) = 0;
  virtual void write_some(const Pieces& pieces, Clock::time_point deadline, Done done) = 0;
  // Says that no more comes, then drops what the client still sends, for a little while: closing at once would reset
  // the connection, and the client would lose the answer (RFC 9112 section 9.6).
  virtual void finish(Done done) = 0;
  virtual void close() = 0;
  virtual Far far() const = 0;  // on any thread
  virtual void post(std::function<void()> work) = 0;
  virtual const std::string& peer() const = 0;  // text of the address
  virtual bool secure() const = 0;
};

}  // namespace tocsin::serve
