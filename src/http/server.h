// The server: HTTP/1.1 (RFC 9112) over TCP or TLS, by Boost.Beast, within limits.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/expected.h"
#include "http/http.h"

namespace tocsin::serve {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8443;                // 0: any free one
  std::string certificate, key;             // PEM files; both or none
  bool behind_proxy = false;                // trusts X-Forwarded-For and -Proto; allows other addresses without TLS
  std::size_t header_limit = 16384;         // bytes; more is answered 431
  std::size_t body_limit = 1 << 20;         // more is answered 413
  std::size_t stranger_body_limit = 16384;  // of those that the server does not know, where it can tell
  std::size_t connections = 2000;           // in all; more are closed at once, idle ones first
  std::size_t connections_of_peer = 1000;   // of one address; not counted behind a proxy
  std::chrono::seconds header_time{10};     // from the first byte (or the handshake) to the end of the header
  std::chrono::seconds body_time{30};       // from there to the end of the body
  std::chrono::seconds idle_time{60};       // between requests
  std::chrono::seconds write_time{30};      // without a byte taken by the client
  std::size_t workers = 0;                  // threads that run handlers; 0: twice the cores, at least 4
  std::size_t queue = 1024;                 // requests that wait for one; more are answered 503
  std::chrono::milliseconds queue_time{10'000};  // that one waits there; longer is answered 503 without being worked on
  // The same where the client sends no more: it has most likely closed the connection.
  std::chrono::milliseconds queue_time_half_closed{500};
  std::size_t streams = 8;        // at once; more are answered 503 with Retry-After
  std::size_t subscribers = 256;  // of events
};

struct ServerCounts {  // since the start, but for those that are open
  std::uint64_t connections = 0, open = 0, requests = 0, refused = 0, timed_out = 0, malformed = 0, subscribers = 0;
  std::uint64_t bytes_sent = 0;
};

class Server {
 public:
  // Listens. Refuses an address other than loopback without TLS or behind_proxy; the error says so. knows: whether who
  // asks, by the header alone, is known; on a worker's thread, and only where the body may be long. is_prompt: what is
  // answered at once whatever it is asked of, and so never waits behind what takes long.
  static Expected<std::unique_ptr<Server>> listen(const ServerOptions& options, Handler handler, Knows knows = {},
                                                  IsPrompt is_prompt = {});
  ~Server();  // stops
  std::uint16_t port() const;
  // Runs until stop() is called from another thread or a signal handler's thread; then accepts nothing new, lets
  // requests under way finish for as long as grace, and returns.
  void run(std::chrono::seconds grace = std::chrono::seconds(10));
  void stop();
  // To every subscriber: one event (WHATWG HTML, server-sent events). One that does not keep up is closed.
  void broadcast(const std::string& event, const std::string& json);
  ServerCounts counts() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::serve
