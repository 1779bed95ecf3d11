#include "http/server.h"

#include <algorithm>
#include <thread>

#include "http/connection.h"
#include "http/listener.h"

namespace tocsin::serve {
namespace {

constexpr std::size_t kMovers = 2;  // threads that move bytes
constexpr std::size_t kPrompt = 2;  // threads for what is answered at once
constexpr std::chrono::seconds kCommentTime{15};
constexpr std::chrono::milliseconds kTick{10};

std::size_t workers_of(const ServerOptions& options) {
  if (options.workers > 0) return options.workers;
  return std::max<std::size_t>(4, 2 * std::thread::hardware_concurrency());
}

}  // namespace

// In the order of their ends, last first: threads, then connections with the listener, then what they share.
struct Server::State {
  Common common;
  std::unique_ptr<Listener> listener;
  std::chrono::seconds grace{0};
  Clock::time_point stop_at;
  bool drained = false, aborted = false;

  ~State() {
    common.stopping = true;
    // Nobody moves bytes any more: what waits for room waits in vain.
    for (const std::shared_ptr<Connection>& one : common.table.all()) one->abandon();
    common.workers->stop();
    common.prompt->stop();
    common.streamers->stop();
    listener.reset();
  }

  void accept(std::unique_ptr<Transport> transport) {
    ++common.connections;
    const ServerOptions& options = common.options;
    const std::string peer = options.behind_proxy ? std::string() : counted_peer(transport->peer());
    const auto connection = std::make_shared<Connection>(std::move(transport), common);
    if (common.stopping || !common.table.admit(connection, peer, options.connections, options.connections_of_peer)) {
      ++common.refused;
      return;
    }
    connection->start();
  }

  // Called all the time; false when all is done.
  bool tick() {
    if (!common.stopping) return true;
    if (!drained) {
      drained = true;
      stop_at = Clock::now() + grace;
      listener->stop_accepting();
      for (const std::shared_ptr<Connection>& one : common.table.all()) one->drain();
    } else if (aborted || common.table.size() == 0) {
      listener->quit();
      return false;
    } else if (Clock::now() >= stop_at) {
      aborted = true;  // and quits at the next call, after they were closed
      for (const std::shared_ptr<Connection>& one : common.table.all()) one->abort();
    }
    return true;
  }
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() { stop(); }

Expected<std::unique_ptr<Server>> Server::listen(const ServerOptions& options, Handler handler, Knows knows,
                                                 IsPrompt is_prompt) {
  Expected<std::unique_ptr<Listener>> listener = Listener::open(options);
  if (!listener) return std::unexpected(listener.error());
  auto state = std::make_unique<State>();
  state->common.options = options;
  state->common.handler = std::move(handler);
  state->common.knows = std::move(knows);
  state->common.is_prompt = std::move(is_prompt);
  state->common.workers = std::make_unique<WorkerPool>(workers_of(options), options.queue);
  state->common.prompt = std::make_unique<WorkerPool>(kPrompt, options.queue);
  state->common.streamers = std::make_unique<WorkerPool>(options.streams, options.streams);
  state->listener = std::move(*listener);
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

std::uint16_t Server::port() const { return state_->listener->port(); }

void Server::run(std::chrono::seconds grace) {
  State& state = *state_;
  state.grace = grace;
  state.listener->every(kTick, [&state] { return state.tick(); });
  state.listener->every(kCommentTime, [&state] {
    for (const std::shared_ptr<Connection>& one : state.common.table.subscribers()) one->push(nullptr);
    return true;
  });
  state.listener->run(kMovers, [&state](std::unique_ptr<Transport> transport) { state.accept(std::move(transport)); });
}

void Server::stop() { state_->common.stopping = true; }

void Server::broadcast(const std::string& event, const std::string& json) {
  std::string text = "event: ";
  std::ranges::copy_if(event, std::back_inserter(text), [](char c) { return c != '\r' && c != '\n'; });
  text += "\ndata: ";
  // A line end within the data begins a further line of it.
  for (std::size_t at = 0; at < json.size(); ++at) {
    if (json[at] == '\r') {
      if (at + 1 < json.size() && json[at + 1] == '\n') continue;
      text += "\ndata: ";
    } else {
      text += json[at];
      if (json[at] == '\n') text += "data: ";
    }
  }
  text += "\n\n";
  const auto shared = std::make_shared<const std::string>(std::move(text));
  for (const std::shared_ptr<Connection>& one : state_->common.table.subscribers()) one->push(shared);
}

ServerCounts Server::counts() const {
  const Common& common = state_->common;
  return {.connections = common.connections,
          .open = common.table.size(),
          .requests = common.requests,
          .refused = common.refused,
          .timed_out = common.timed_out,
          .malformed = common.malformed,
          .subscribers = common.table.subscriber_count(),
          .bytes_sent = common.bytes_sent};
}

}  // namespace tocsin::serve
