// Answers without a length: streams that a thread of its own makes, and events that are sent as they happen.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "base/text.h"
#include "http/connection.h"
#include "http/stream_writer.h"

namespace tocsin::serve {
namespace {

constexpr std::size_t kMostWaitingEvents = 64;
constexpr std::size_t kMostWaitingBytes = 1 << 20;
// Then the client asks anew, and who it is and what it may see is looked at again.
constexpr std::chrono::minutes kEventsTime{15};
constexpr std::string_view kLastChunk = "0\r\n\r\n";
constexpr std::string_view kNothingNew = ":\n\n";

}  // namespace

void Connection::begin_stream(std::function<void(BodyWriter&)> body) {
  stream_ = std::make_shared<StreamWriter>(*this);
  // The function takes the place in streams_open with it: it is gone before the stream ends.
  const bool taken = common_.streamers->submit([self = shared_from_this(), body = std::move(body)]() mutable {
    const std::shared_ptr<StreamWriter> writer = self->stream_;
    bool whole = false;
    try {
      body(*writer);
      whole = true;
    } catch (const std::exception& error) {
      fmt::print(stderr, "tocsin: an answer broke off: {}\n", printable(error.what()));
    } catch (...) {
      fmt::print(stderr, "tocsin: an answer broke off\n");
    }
    body = nullptr;
    writer->end(whole);
  });
  if (!taken) close();
}

void Connection::pump() {
  if (closed_) return;
  switch (stream_->take(outgoing_->body)) {
    case StreamWriter::Next::kNothingYet:
      return;
    case StreamWriter::Next::kBroken:
      return close();  // without the last chunk, so that the client knows
    case StreamWriter::Next::kWhole:
      return end_stream();
    case StreamWriter::Next::kBytes:
      break;
  }
  const auto sent = [this](bool ok) { ok ? pump() : close(); };
  if (!outgoing_->chunked) return send({outgoing_->body}, sent);
  frame_ = fmt::format("{:x}\r\n", outgoing_->body.size());
  send({frame_, outgoing_->body, "\r\n"}, sent);
}

void Connection::end_stream() {
  if (!outgoing_->chunked) {
    stream_.reset();
    return answered(true);
  }
  send({kLastChunk}, [this](bool ok) {
    stream_.reset();
    answered(ok);
  });
}

void Connection::abandon() {
  if (stream_) stream_->give_up();
}

void Connection::begin_events() {
  if (draining_ || common_.stopping) return close();
  events_ = true;
  events_until_ = Clock::now() + kEventsTime;
  watch();
  push(nullptr);
  send_event();
}

// Reads for no other reason than to see the client go.
void Connection::watch() {
  transport_->read_some(buffer_, Clock::time_point::max(), [self = shared_from_this()](Moved moved) {
    if (!moved.ok || self->closed_) return self->close();
    self->watch();
  });
}

void Connection::push(std::shared_ptr<const std::string> event) {
  transport_->post([self = shared_from_this(), event = std::move(event)]() mutable {
    if (self->closed_) return;
    if (!event) {
      if (!self->events_ || self->event_under_way_) return;
      if (Clock::now() > self->events_until_) {
        self->event_under_way_ = true;
        Connection* const it = self.get();
        const std::string_view last = it->outgoing_->chunked ? kLastChunk : std::string_view();
        return it->send({last}, [it](bool) { it->close(); });
      }
      event = std::make_shared<const std::string>(kNothingNew);
    }
    self->waiting_bytes_ += event->size();
    self->waiting_events_.push_back(std::move(event));
    // One that does not keep up would hold ever more of the past.
    if (self->waiting_events_.size() > kMostWaitingEvents || self->waiting_bytes_ > kMostWaitingBytes) {
      ++self->common_.timed_out;
      return self->close();
    }
    self->send_event();
  });
}

void Connection::send_event() {
  if (!events_ || event_under_way_ || waiting_events_.empty() || closed_) return;
  event_ = std::move(waiting_events_.front());
  waiting_events_.pop_front();
  waiting_bytes_ -= event_->size();
  event_under_way_ = true;
  const auto sent = [this](bool ok) {
    event_under_way_ = false;
    ok ? send_event() : close();
  };
  if (!outgoing_->chunked) return send({*event_}, sent);
  frame_ = fmt::format("{:x}\r\n", event_->size());
  send({frame_, *event_, "\r\n"}, sent);
}

}  // namespace tocsin::serve
