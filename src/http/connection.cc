#include "http/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>

#include "base/ip_address.h"
#include "base/text.h"
#include "http/stream_writer.h"

namespace tocsin::serve {
namespace {

// A client must take this much within the time for writing, or less if less is left.
constexpr std::size_t kLeastTaken = 65536;

std::string_view last_of_list(std::string_view list) {
  const std::size_t comma = list.rfind(',');
  return trim(comma == std::string_view::npos ? list : list.substr(comma + 1));
}

// What the nearest proxy says; what stands before it in the list was said by the client.
void believe_proxy(Request& request) {
  for (const auto& [name, value] : request.headers) {
    if (name == "x-forwarded-for") {
      const std::string_view last = last_of_list(value);
      if (IpAddress::parse(last)) request.peer = last;
    } else if (name == "x-forwarded-proto") {
      request.secure = equals_ignoring_case(last_of_list(value), "https");
    }
  }
}

Response busy(std::string_view detail) {
  Response response = problem(503, detail);
  response.headers.emplace_back("Retry-After", "2");
  return response;
}

}  // namespace

Connection::Connection(std::unique_ptr<Transport> transport, Common& common)
    : transport_(std::move(transport)),
      common_(common),
      reader_(common.options.header_limit, common.options.body_limit,
              common.knows ? common.options.stranger_body_limit : common.options.body_limit) {}

Connection::~Connection() { common_.table.forget(this); }

void Connection::start() {
  transport_->post([self = shared_from_this()] { self->begin(); });
}

void Connection::begin() {
  if (closed_) return;
  header_deadline_ = Clock::now() + common_.options.header_time;
  transport_->handshake(header_deadline_, [self = shared_from_this()](Moved moved) {
    if (!moved.ok) {
      ++(moved.timed_out ? self->common_.timed_out : self->common_.malformed);
      return self->close();
    }
    self->header_deadline_ = Clock::now() + self->common_.options.header_time;
    self->go_on();
  });
}

void Connection::give_up() {
  transport_->post([self = shared_from_this()] {
    if (self->waiting_) self->close();
  });
}

void Connection::drain() {
  transport_->post([self = shared_from_this()] {
    self->draining_ = true;
    if (self->events_ || (self->waiting_ && self->reader_.stage() == RequestReader::Stage::kEmpty)) self->close();
  });
}

void Connection::abort() {
  transport_->post([self = shared_from_this()] { self->close(); });
}

void Connection::go_on() {
  if (closed_) return;
  const RequestReader::Stage stage = reader_.stage();
  const bool waiting = stage <= RequestReader::Stage::kHeader;
  if (waiting != waiting_) {
    waiting_ = waiting;
    common_.table.set_waiting(this, waiting);
  }
  switch (stage) {
    case RequestReader::Stage::kEmpty:
      if (draining_) return close();
      return read(first_ ? header_deadline_ : Clock::now() + common_.options.idle_time);
    case RequestReader::Stage::kHeader:
      return read(header_deadline_);
    case RequestReader::Stage::kLongBody:
      return ask_whether_known();
    case RequestReader::Stage::kBody:
      if (!reader_.wants_continue() || continued_) return read(body_deadline_);
      continued_ = true;
      return send({"HTTP/1.1 100 Continue\r\n\r\n"}, [this](bool ok) { ok ? go_on() : close(); });
    case RequestReader::Stage::kComplete:
      return dispatch();
    case RequestReader::Stage::kRefused:
      ++common_.malformed;
      return answer_problem(problem(reader_.refusal(), reader_.detail()), false);
  }
}

void Connection::read(Clock::time_point deadline) {
  transport_->read_some(buffer_, deadline, [self = shared_from_this()](Moved moved) { self->took(moved); });
}

void Connection::took(Moved moved) {
  const RequestReader::Stage before = reader_.stage();
  if (!moved.ok) {
    const bool under_way = before != RequestReader::Stage::kEmpty;
    if (moved.timed_out && (under_way || first_)) {
      ++common_.timed_out;
    } else if (under_way && !closed_) {
      ++common_.malformed;
    }
    return close();
  }
  if (closed_) return;
  reader_.take({buffer_.data(), moved.bytes});
  if (before == RequestReader::Stage::kEmpty && !first_) header_deadline_ = Clock::now() + common_.options.header_time;
  if (before < RequestReader::Stage::kBody) body_deadline_ = Clock::now() + common_.options.body_time;
  go_on();
}

Request Connection::with_peer(Request request) const {
  request.peer = transport_->peer();
  request.secure = transport_->secure();
  if (common_.options.behind_proxy) believe_proxy(request);
  return request;
}

void Connection::ask_whether_known() {
  const bool taken = common_.workers->submit([self = shared_from_this(), request = with_peer(reader_.header()),
                                              asked_at = Clock::now()] {
    if (self->waited_in_vain(asked_at)) {
      ++self->common_.refused;
      return self->transport_->post([self] { self->answer_problem(busy("the request has waited too long"), false); });
    }
    bool known = false;
    try {
      known = self->common_.knows(request);
    } catch (const std::exception& error) {
      fmt::print(stderr, "tocsin: {}: {}\n", printable(request.path, 256), printable(error.what()));
    }
    self->transport_->post([self, known] {
      if (self->closed_) return;
      self->reader_.allow(known);
      self->go_on();
    });
  });
  if (taken) return;
  ++common_.refused;
  answer_problem(busy("too many requests are waiting"), false);
}

void Connection::dispatch() {
  ++common_.requests;
  first_ = continued_ = false;
  auto request = std::make_shared<Request>(with_peer(reader_.request()));
  Asked asked{.is_head = reader_.is_head(),
              .http_1_0 = reader_.http_1_0(),
              .keep_alive = reader_.keep_alive(),
              .secure = request->secure};
  for (const auto& [name, value] : request->headers) {
    if (name != "accept-encoding") continue;
    if (!asked.accept_encoding.empty()) asked.accept_encoding += ',';
    asked.accept_encoding += value;
  }
  WorkerPool& pool = common_.is_prompt && common_.is_prompt(*request) ? *common_.prompt : *common_.workers;
  const bool taken = pool.submit([self = shared_from_this(), request, asked = std::move(asked),
                                  asked_at = Clock::now()] { self->work(*request, asked, asked_at); });
  if (taken) return;
  ++common_.refused;
  answer_problem(busy("too many requests are waiting"), reader_.keep_alive());
}

Response Connection::answer_of(const Request& request) {
  std::string what;
  try {
    return common_.handler(request);
  } catch (const std::exception& error) {
    what = error.what();
  } catch (...) {
    what = "unknown exception";
  }
  fmt::print(stderr, "tocsin: {} {}: {}\n", printable(request.method, 32), printable(request.path, 256),
             printable(what));
  return problem(500, "the server failed to answer; the reason is in its log");
}

// Whether nobody waits for the answer any more, or it would come too late to be of use: working on it would only make
// those who wait behind it late, too.
bool Connection::waited_in_vain(Clock::time_point asked_at) const {
  const auto waited = Clock::now() - asked_at;
  if (waited >= common_.options.queue_time) return true;
  switch (transport_->far()) {
    case Far::kOpen:
      return false;
    case Far::kSendsNoMore:
      return waited >= common_.options.queue_time_half_closed;
    case Far::kGone:
      return true;
  }
  return true;
}

// On a worker's thread.
void Connection::work(const Request& request, const Asked& asked, Clock::time_point asked_at) {
  Response response;
  if (waited_in_vain(asked_at)) {
    ++common_.refused;
    response = busy("the request has waited too long");
  } else {
    response = answer_of(request);
  }
  std::shared_ptr<std::atomic<std::size_t>> slot;
  if (response.stream && !asked.is_head) {
    auto& open = common_.streams_open;
    if (open.fetch_add(1) >= common_.options.streams) {
      --open;
      ++common_.refused;
      response = busy("too many long answers are under way");
    } else {
      // Given back when the last copy of the body's function is gone, whether it was run or not.
      const std::shared_ptr<void> place(nullptr, [&open](void*) { --open; });
      response.stream = [place, body = std::move(response.stream)](BodyWriter& writer) { body(writer); };
    }
  } else if (response.events && !asked.is_head &&
             (common_.stopping || !common_.table.subscribe(this, common_.options.subscribers))) {
    ++common_.refused;
    response = busy("too many follow events");
  }
  Asked now = asked;
  now.keep_alive = asked.keep_alive && !common_.stopping;
  auto outgoing = std::make_shared<Outgoing>();
  try {
    *outgoing = make_outgoing(std::move(response), now, common_.gzipped);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tocsin: {}: {}\n", printable(request.path, 256), printable(error.what()));
    *outgoing = make_outgoing(problem(500, "the server failed to answer"), now, common_.gzipped);
  }
  transport_->post([self = shared_from_this(), outgoing] { self->answer(outgoing); });
}

void Connection::answer_problem(Response response, bool keep_alive) {
  const Asked asked{.is_head = reader_.is_head(),
                    .http_1_0 = reader_.http_1_0(),
                    .keep_alive = keep_alive && !common_.stopping,
                    .secure = transport_->secure()};
  answer(std::make_shared<Outgoing>(make_outgoing(std::move(response), asked, common_.gzipped)));
}

void Connection::answer(std::shared_ptr<Outgoing> outgoing) {
  outgoing_ = std::move(outgoing);
  send({outgoing_->head, outgoing_->bytes()}, [this](bool ok) {
    if (ok && outgoing_->events) return begin_events();
    if (ok && outgoing_->stream) return begin_stream(std::exchange(outgoing_->stream, nullptr));
    answered(ok);
  });
}

void Connection::answered(bool ok) {
  if (!ok) return close();
  const bool again = outgoing_->keep_alive && !draining_;
  outgoing_.reset();
  if (!again) return finish();
  reader_.next();
  // What came with the request before has its time from now on.
  header_deadline_ = Clock::now() + common_.options.header_time;
  body_deadline_ = Clock::now() + common_.options.body_time;
  go_on();
}

void Connection::send(const Pieces& pieces, std::function<void(bool)> done) {
  pieces_ = pieces;
  sent_ = std::move(done);
  since_deadline_ = 0;
  write_deadline_ = Clock::now() + common_.options.write_time;
  send_some();
}

// What is called back holds the connection; sent_ must not, or it would hold itself.
void Connection::send_some() {
  transport_->write_some(pieces_, write_deadline_, [self = shared_from_this()](Moved moved) {
    self->common_.bytes_sent += moved.bytes;
    if (moved.timed_out) ++self->common_.timed_out;
    std::size_t bytes = moved.bytes;
    bool left = false;
    for (std::string_view& piece : self->pieces_) {
      const std::size_t some = std::min(bytes, piece.size());
      piece.remove_prefix(some);
      bytes -= some;
      left = left || !piece.empty();
    }
    if (moved.ok && left && !self->closed_) {
      self->since_deadline_ += moved.bytes;
      if (self->since_deadline_ >= kLeastTaken) {
        self->since_deadline_ = 0;
        self->write_deadline_ = Clock::now() + self->common_.options.write_time;
      }
      return self->send_some();
    }
    const std::function<void(bool)> done = std::exchange(self->sent_, nullptr);
    done(moved.ok && !self->closed_);
  });
}

void Connection::finish() {
  transport_->finish([self = shared_from_this()](Moved) { self->close(); });
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  if (stream_) stream_->give_up();
  transport_->close();
  common_.table.forget(this);
}

}  // namespace tocsin::serve
