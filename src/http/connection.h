// One client: reads a request, has it answered by a worker, writes the answer, and again. Requests that come before
// their turn (pipelining) wait in the reader. Everything but what says otherwise runs in the order of the transport.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/connection_table.h"
#include "http/content_coding.h"
#include "http/outgoing.h"
#include "http/request_reader.h"
#include "http/server.h"
#include "http/transport.h"
#include "http/worker_pool.h"

namespace tocsin::serve {

class StreamWriter;

// What the connections of a server have in common. It outlives them.
struct Common {
  ServerOptions options;
  Handler handler;
  Knows knows;
  IsPrompt is_prompt;
  GzipCache gzipped;
  ConnectionTable table;
  std::atomic<bool> stopping = false;
  std::atomic<std::size_t> streams_open = 0;
  std::atomic<std::uint64_t> connections = 0, requests = 0, refused = 0, timed_out = 0, malformed = 0, bytes_sent = 0;
  std::unique_ptr<WorkerPool> workers;
  std::unique_ptr<WorkerPool> prompt;     // threads that nothing keeps busy for long
  std::unique_ptr<WorkerPool> streamers;  // threads of streams, so that slow clients hold up no other request
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::unique_ptr<Transport> transport, Common& common);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // ---- on any thread
  void start();
  void push(std::shared_ptr<const std::string> event);  // to a subscriber; empty: nothing happened for a while
  void give_up();                                       // if it still waits for a request
  void drain();                                         // ends as soon as what is under way is answered
  void abort();
  void abandon();  // once no thread moves bytes any more: lets who makes a stream for it go

 private:
  friend class StreamWriter;

  void begin();
  void go_on();
  void read(Clock::time_point deadline);
  void took(Moved moved);
  void ask_whether_known();
  void dispatch();
  Request with_peer(Request request) const;
  void work(const Request& request, const Asked& asked, Clock::time_point asked_at);
  bool waited_in_vain(Clock::time_point asked_at) const;
  Response answer_of(const Request& request);
  void answer(std::shared_ptr<Outgoing> outgoing);
  void answer_problem(Response response, bool keep_alive);
  void answered(bool ok);
  void send(const Pieces& pieces, std::function<void(bool)> done);
  void send_some();
  void finish();
  void close();

  // ---- events
  void begin_events();
  void watch();
  void send_event();

  // ---- streams
  void begin_stream(std::function<void(BodyWriter&)> body);
  void pump();
  void end_stream();

  const std::unique_ptr<Transport> transport_;
  Common& common_;
  RequestReader reader_;
  std::array<char, 8192> buffer_;
  Clock::time_point header_deadline_, body_deadline_, write_deadline_;
  bool first_ = true, continued_ = false, waiting_ = false, draining_ = false, closed_ = false;

  std::shared_ptr<Outgoing> outgoing_;
  Pieces pieces_;  // what is left to send
  std::function<void(bool)> sent_;
  std::size_t since_deadline_ = 0;

  bool events_ = false, event_under_way_ = false;
  std::deque<std::shared_ptr<const std::string>> waiting_events_;
  std::size_t waiting_bytes_ = 0;
  std::shared_ptr<const std::string> event_;
  Clock::time_point events_until_;

  std::shared_ptr<StreamWriter> stream_;
  std::string frame_;
};

}  // namespace tocsin::serve
